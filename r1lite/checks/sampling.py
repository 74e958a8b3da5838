"""Checks the settings of prompts and of the sampler."""

from __future__ import annotations

from r1lite.checks.bounds import above_zero, at_least
from r1lite.config import Config
from r1lite.models import pretrained
from r1lite.sampling.vllm.nccl import check_nccl
from r1lite.sampling.vllm.runtime import NOT_INSTALLED, is_installed


def check_sampling(cfg: Config) -> None:
    at_least("sampler", cfg.sampler, max_tokens=1, max_rows=1, cache_mb=1, top_k=0)
    if cfg.sampler.dtype != "auto":
        pretrained.dtype_of(cfg.sampler.dtype, "sampler.dtype")
    above_zero("sampler", cfg.sampler, "temperature", "top_p")
    if cfg.sampler.top_p > 1:
        raise ValueError(f"sampler.top_p must be at most 1, got {cfg.sampler.top_p}")
    _engine(cfg)
    at_least("prompt", cfg.prompt, max_tokens=1)
    if cfg.prompt.too_long not in ("skip", "refuse"):
        raise ValueError(f"prompt.too_long must be skip or refuse, got {cfg.prompt.too_long!r}")


def _engine(cfg: Config) -> None:
    sampler = cfg.sampler
    if sampler.adapters not in ("auto", "merged"):
        raise ValueError(f"sampler.adapters must be auto or merged, got {sampler.adapters!r}")
    if sampler.transfer not in ("disk", "nccl"):
        raise ValueError(f"sampler.transfer must be disk or nccl, got {sampler.transfer!r}")
    if sampler.name == "vllm" and not is_installed():
        raise ValueError(NOT_INSTALLED)
    if sampler.name == "vllm_server":
        above_zero("sampler", sampler, "seconds")
        at_least("sampler", sampler, reconnect_seconds=0)
        if sampler.transfer == "nccl":
            check_nccl()
        if sampler.urls and sampler.urls_from:
            raise ValueError("sampler.urls and sampler.urls_from are both set: the servers' addresses come from one of them")
        if not sampler.urls and not sampler.urls_from:
            raise ValueError("sampler.urls is empty: set the addresses of the servers, such as sampler.urls=[http://127.0.0.1:8001]")
        if len({url.rstrip("/") for url in sampler.urls}) < len(sampler.urls):
            raise ValueError(f"sampler.urls has an address twice: {sampler.urls}")
    elif sampler.urls or sampler.urls_from:
        raise ValueError(f"sampler.urls is for sampler=vllm_server only; sampler={sampler.name} does not use it")
    for url in sampler.urls:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"sampler.urls: {url!r} must begin with http:// or https://")

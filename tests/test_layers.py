"""Layers that are recomputed or compiled: the same gradients."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from r1lite.build import make_learner, make_objective
from r1lite.config import Config
from r1lite.types import Sample

SAMPLES = [
    Sample(prompt_ids=(1, 2, 3, 4, 5), token_ids=tuple(range(9 + i)), logprobs=(-4.0,) * (9 + i), advantage=(-1.0) ** i) for i in range(6)
]


def step(folder: Path, config: Callable[..., Config], *settings: str) -> tuple[list[torch.Tensor], bool]:
    cfg = config("rl.warmup_steps=0", *settings)
    policy = make_learner(folder, cfg)
    policy.optimiser.step = dict  # pyright: ignore
    policy.step(SAMPLES, make_objective(cfg))
    return [p.grad.clone() for _, p in policy.weights() if p.grad is not None], policy.share_prompts


def test_recomputed_layers_give_the_same_gradients_over_whole_sequences(model_folder: Path, config: Callable[..., Config]) -> None:
    plain, shared = step(model_folder, config)
    recomputed, whole = step(model_folder, config, "model.gradient_checkpointing=true")
    assert (shared, whole) == (True, False)
    assert len(plain) == len(recomputed) > 0
    for one, other in zip(plain, recomputed, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on the CPU")
def test_compiled_parts_give_the_same_gradients(model_folder: Path, config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("r1lite.models.cpu.linear.SMALL", 0)  # the compiler meets oneDNN's products too
    plain, _ = step(model_folder, config)
    compiled, _ = step(model_folder, config, "model.compile=true")
    for one, other in zip(plain, compiled, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_an_attention_that_is_not_there_is_refused_by_name(model_folder: Path, config: Callable[..., Config]) -> None:
    with pytest.raises(ValueError, match=r"model\.attention=flash_attention_9"):
        make_learner(model_folder, config("model.attention=flash_attention_9"))

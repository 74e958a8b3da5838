"""Masters: bfloat16 weights whose small steps do not round away, and that resume bit for bit."""

import copy
import gc
import weakref
from pathlib import Path
from typing import Any

import torch
from learners import hand_over

from r1lite.learning.optimiser import Optimiser
from r1lite.learning.policy import Policy
from r1lite.objective import Objective
from r1lite.types import Sample

SAMPLES = [
    Sample(prompt_ids=(9, 8, 7), token_ids=(1, 2, 3, 4), logprobs=(-5.0,) * 4, advantage=1.0),
    Sample(prompt_ids=(9, 8), token_ids=(5, 6), logprobs=(-5.0,) * 2, advantage=-0.5),
]


def policy(model: Any, tokenizer: Any, config: Any, dtype: torch.dtype) -> Policy:
    cfg = config("rl.lr=1e-6", "rl.warmup_steps=0", "rl.final_lr_share=1.0", "rl.micro_batch_tokens=1").rl
    return Policy(copy.deepcopy(model).to(dtype), tokenizer, cfg, total_steps=1000)


def moved(policy: Policy, model: Any, steps: int) -> float:
    for _ in range(steps):
        policy.step(SAMPLES, Objective())
    now = dict(policy.model.named_parameters())
    return max((now[name].float() - p).abs().max().item() for name, p in model.named_parameters())


def test_small_steps_add_up_under_bfloat16_weights(model: Any, tokenizer: Any, config: Any) -> None:
    rounded = model.bfloat16().float()  # so that both begin at the same weights
    exact = policy(rounded, tokenizer, config, torch.float32)
    half = policy(rounded, tokenizer, config, torch.bfloat16)
    moved(exact, rounded, 30), moved(half, rounded, 30)
    masters, weights = half.optimiser.parameters, half.optimiser.weights
    assert all(m.dtype == torch.float32 for m in masters)
    assert all(torch.equal(w, m.bfloat16()) for w, m in zip(weights, masters, strict=True))
    for master, p in zip(masters, exact.optimiser.parameters, strict=True):
        assert (master - p).abs().max() <= 7e-5  # 30 steps of 1e-6, in the one direction or the other
    begun = torch.cat([p.flatten() for p in rounded.parameters()])
    ended, other = (torch.cat([p.detach().flatten() for p in side]) for side in (masters, exact.optimiser.parameters))
    assert torch.cosine_similarity(ended - begun, other - begun, dim=0) > 0.9


def test_gradients_of_micro_batches_are_gathered_in_float32(model: Any, tokenizer: Any, config: Any) -> None:
    half = policy(model, tokenizer, config, torch.bfloat16)
    half.optimiser.step = dict  # pyright: ignore
    half.step(SAMPLES, Objective())
    assert all(w.grad is None for w in half.optimiser.weights)
    assert all(m.grad is not None and m.grad.dtype == torch.float32 for m in half.optimiser.parameters)


def test_weights_with_masters_are_gone_with_their_model(model: Any, tokenizer: Any, config: Any) -> None:
    """Of their own accord: a recipe of several stages would else hold the weights of all of them."""
    half = policy(model, tokenizer, config, torch.bfloat16)
    half.step(SAMPLES, Objective())
    held = [weakref.ref(w) for w in half.optimiser.weights]
    gc.collect()
    gc.disable()
    try:
        half.model = half.optimiser = None  # pyright: ignore
        del half
        assert not [ref for ref in held if ref() is not None]
    finally:
        gc.enable()


def test_masters_are_part_of_the_state(model: Any, tokenizer: Any, config: Any, tmp_path: Path) -> None:
    one = policy(model, tokenizer, config, torch.bfloat16)
    moved(one, model, 3)
    other = policy(model, tokenizer, config, torch.bfloat16)
    hand_over(one, other, tmp_path)
    moved(one, model, 3), moved(other, model, 3)
    for mine, theirs in zip(one.optimiser.parameters, other.optimiser.parameters, strict=True):
        assert torch.equal(mine, theirs)


def test_moments_that_are_there_before_the_first_step_change_nothing(config: Any) -> None:
    cfg = config("rl.lr=1e-2", "rl.warmup_steps=0", "rl.final_lr_share=1.0", "rl.max_grad_norm=1e9").rl
    torch.manual_seed(0)
    used, unused, plain = (torch.nn.Parameter(torch.randn(3, 4)) for _ in range(3))
    with torch.no_grad():
        plain.copy_(used)
    before = unused.detach().clone()
    mine = Optimiser([used, unused], cfg, total_steps=10)
    assert all({"step", "exp_avg", "exp_avg_sq"} == set(mine.adam.state[p]) for p in (used, unused))
    torchs = torch.optim.AdamW([plain], lr=1e-2, weight_decay=cfg.weight_decay, fused=True)
    for step in range(3):
        mine.backward((used * (step + 1)).square().sum())
        (plain * (step + 1)).square().sum().backward()
        mine.step()
        torchs.step()
        torchs.zero_grad()
        assert torch.equal(used, plain)
    assert torch.equal(unused, before)

"""A prompt that stands once for all of its samples: the same log-probs, values and gradients as whole sequences."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import r1lite.models.head
from r1lite.build import make_learner, make_objective
from r1lite.config import Config
from r1lite.learning.batch import collate, per_sample
from r1lite.learning.forward import can_share_prompts, forward
from r1lite.learning.packing import pack_by_prompt, padded_tokens
from r1lite.learning.policy import Policy
from r1lite.types import Sample

PROMPTS = [tuple(range(40, 60)), (9, 8, 7, 6, 5), (3,)]
SAMPLES = [
    Sample(
        prompt_ids=PROMPTS[i % 3],
        token_ids=tuple((7 * i + t) % 30 for t in range(1 + (5 * i) % 7)),
        logprobs=(-4.0,) * (1 + (5 * i) % 7),
        token_advantages=tuple((-1.0) ** i / (1 + t) for t in range(1 + (5 * i) % 7)),
        values=(0.1,) * (1 + (5 * i) % 7),
        returns=(1.0,) * (1 + (5 * i) % 7),
    )
    for i in range(12)
]


def learner(folder: Path, config: Callable[..., Config], share: bool, *settings: str) -> tuple[Policy, Config]:
    cfg = config(f"rl.share_prompts={share}", "rl.warmup_steps=0", *settings)
    return make_learner(folder, cfg), cfg


@pytest.mark.parametrize(
    "settings",
    [
        ["algorithm=grpo"],
        ["algorithm=grpo", "rl.micro_batch_tokens=40"],
        ["algorithm=grpo", "model.lora_rank=4"],
        ["algorithm=grpo", "algorithm.entropy_coef=0.01"],
        ["algorithm=ppo", "algorithm.critic=separate"],
        ["algorithm=ppo", "algorithm.critic=shared"],
    ],
    ids=" ".join,
)
def test_shared_and_whole_agree(settings: list[str], model_folder: Path, config: Callable[..., Config]) -> None:
    def stepped(share: bool) -> tuple[list[list[float]], dict[str, float], list[torch.Tensor]]:
        policy, cfg = learner(model_folder, config, share, *settings)
        shared = [b.prompts is not None for b in policy._collate(SAMPLES)]
        assert set(shared) == {share}
        policy.optimiser.step = dict  # pyright: ignore
        if policy.critic is not None:
            torch.nn.init.constant_(policy.critic.head.weight, 0.1)
            policy.critic.optimiser.step = dict  # pyright: ignore
        return policy.logprobs(SAMPLES), policy.step(SAMPLES, make_objective(cfg)), [p.grad.clone() for _, p in policy.weights()]

    (logp, metrics, gradients), (other_logp, other_metrics, other_gradients) = stepped(True), stepped(False)
    for one, other in zip(logp, other_logp, strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    assert metrics == pytest.approx(other_metrics, abs=1e-5)
    for one, other in zip(gradients, other_gradients, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_short_responses_agree_too(length: int, model_folder: Path, config: Callable[..., Config]) -> None:
    short = [
        replace(
            sample,
            **{name: getattr(sample, name)[:length] for name in ("token_ids", "logprobs", "token_advantages", "values", "returns")},
        )
        for sample in SAMPLES
    ]

    def stepped(share: bool) -> tuple[list[list[float]], list[torch.Tensor]]:
        policy, cfg = learner(model_folder, config, share, "algorithm=grpo")
        policy.optimiser.step = dict  # pyright: ignore
        policy.step(short, make_objective(cfg))
        return policy.logprobs(short), [p.grad.clone() for _, p in policy.weights()]

    (logp, gradients), (other_logp, other_gradients) = stepped(True), stepped(False)
    for one, other in zip(logp, other_logp, strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    for one, other in zip(gradients, other_gradients, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_the_head_in_chunks_changes_nothing(model_folder: Path, config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch) -> None:
    def stepped() -> list[torch.Tensor]:
        policy, cfg = learner(model_folder, config, True, "algorithm.entropy_coef=0.01")
        policy.optimiser.step = dict  # pyright: ignore
        policy.step(SAMPLES, make_objective(cfg))
        return [p.grad.clone() for _, p in policy.weights()]

    whole = stepped()
    monkeypatch.setattr(r1lite.models.head, "CHUNK_BYTES", 3 * 4 * 265)  # three tokens at once
    for one, other in zip(stepped(), whole, strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_parts_hold_every_sample_once_within_the_budget() -> None:
    for budget in (1, 30, 60, 1000):
        parts = pack_by_prompt(SAMPLES, budget)
        assert sorted(i for part in parts for rows in part for i in rows) == list(range(len(SAMPLES)))
        assert all(len({SAMPLES[i].prompt_ids for i in rows}) == 1 for part in parts for rows in part)
        assert all(padded_tokens(SAMPLES, part) <= budget or sum(map(len, part)) == 1 for part in parts)


def test_prompts_are_shared_where_that_leaves_less_to_compute() -> None:
    long_prompts = [Sample(prompt_ids=PROMPTS[0], token_ids=(1, 2)) for _ in range(8)]
    one_each = [Sample(prompt_ids=(1, 2, i), token_ids=(1,) * (1 + i)) for i in range(8)]
    assert collate(long_prompts, micro_batch_tokens=99, share_prompts=True)[0].prompts is not None
    assert collate(one_each, micro_batch_tokens=99, share_prompts=True)[0].prompts is None


@pytest.mark.parametrize("attention", ["eager", "sdpa", "auto"])
def test_whatever_attention_is_chosen_training_sees_what_the_whole_sequences_say(
    attention: str, model_folder: Any, config: Callable[..., Config]
) -> None:
    policy = make_learner(model_folder, config(f"model.attention={attention}"))
    assert policy.share_prompts == (attention != "eager")  # whose mask transformers adds to its scores
    batch = collate(SAMPLES, micro_batch_tokens=999, share_prompts=policy.share_prompts)
    alone = collate(SAMPLES, micro_batch_tokens=999)
    found, expected = (per_sample(b, [forward(policy.model, x, 1.0).logp for x in b], SAMPLES) for b in (batch, alone))
    assert [x for row in found for x in row] == pytest.approx([x for row in expected for x in row], abs=1e-5)


def test_a_model_that_shapes_its_logits_or_forgets_is_left_alone(model: Any) -> None:
    assert can_share_prompts(model)
    model.config.final_logit_softcapping = 30.0
    assert not can_share_prompts(model)
    model.config.final_logit_softcapping = None
    model.config.layer_types = ["full_attention", "sliding_attention"]
    assert not can_share_prompts(model)


def test_two_threads_compute_the_same_bits_each_time(model_folder: Path, config: Callable[..., Config]) -> None:
    policy, cfg = learner(model_folder, config, True)
    policy.optimiser.step = dict  # pyright: ignore
    long = tuple(range(30, 130))
    samples = [replace(SAMPLES[i % 12], prompt_ids=long) for i in range(64)]

    def gradients() -> list[torch.Tensor]:
        for _, parameter in policy.weights():
            parameter.grad = None
        policy.step(samples, make_objective(cfg))
        return [p.grad.clone() for _, p in policy.weights()]

    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        first = gradients()
        for _ in range(5):
            assert all(map(torch.equal, gradients(), first))
    finally:
        torch.set_num_threads(threads)

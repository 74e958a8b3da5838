"""Training a part of a model: adapters, frozen weights, and the reference that costs nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from learners import hand_over
from peft import PeftModel
from transformers import AutoModelForCausalLM

from r1lite.build import make_learner
from r1lite.config import Config
from r1lite.learning.policy import Policy
from r1lite.models import adapters
from r1lite.objective import Objective
from r1lite.types import Sample

SAMPLES = [
    Sample(prompt_ids=(9, 8, 7), token_ids=(1, 2, 3, 4), logprobs=(-5.0,) * 4, advantage=1.0),
    Sample(prompt_ids=(9, 8), token_ids=(5, 6), logprobs=(-5.0,) * 2, advantage=-0.5),
]
IDS = torch.tensor([[9, 8, 7, 1, 2, 3]])


def learner(folder: Path, config: Callable[..., Config], *settings: str) -> Policy:
    # Larger than anyone would train with, so that a few steps are seen.
    return make_learner(folder, config("rl.lr=0.05", "rl.warmup_steps=0", "rl.steps=4", *settings))


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        return model(input_ids=IDS).logits


@pytest.mark.parametrize("dora", ["false", "true"])
def test_only_adapters_are_trained_and_the_result_is_a_plain_model(
    dora: str, model_folder: Path, config: Callable[..., Config], tmp_path: Path
) -> None:
    policy = learner(model_folder, config, "model.lora_rank=4", f"model.dora={dora}", "algorithm.kl=none")
    before = {name: p.clone() for name, p in policy.model.named_parameters() if not p.requires_grad}
    start = logits(policy.model)
    for _ in range(3):
        policy.step(SAMPLES, Objective())
    assert all(torch.equal(before[name], p) for name, p in policy.model.named_parameters() if name in before)
    assert all("lora" in name for name, _ in policy.weights())
    assert not torch.allclose(logits(policy.model), start, atol=1e-3)
    policy.save(tmp_path / "rl" / "final")
    assert torch.allclose(logits(AutoModelForCausalLM.from_pretrained(tmp_path / "rl" / "final")), logits(policy.model), atol=1e-4)
    base = AutoModelForCausalLM.from_pretrained(model_folder)
    again = PeftModel.from_pretrained(base, str(tmp_path / "rl" / "adapter"))
    assert torch.allclose(logits(again), logits(policy.model), atol=1e-5)


def test_the_reference_is_the_model_without_its_adapters(model_folder: Path, config: Callable[..., Config]) -> None:
    policy = learner(model_folder, config, "model.lora_rank=4", "algorithm.kl=k3", "algorithm.kl_coef=0.1")
    assert policy.reference is None
    first = policy.logprobs(SAMPLES)
    assert policy.reference_logprobs(SAMPLES) == first
    for _ in range(3):
        policy.step(SAMPLES, Objective(kl="k3", kl_coef=0.1))
    assert policy.reference is None
    assert policy.reference_logprobs(SAMPLES) == first
    assert policy.logprobs(SAMPLES) != first
    policy.refresh_reference()  # after some steps it is a model of its own
    assert policy.reference_logprobs(SAMPLES) == policy.logprobs(SAMPLES)


def test_a_checkpoint_of_adapters_is_enough_to_go_on_exactly(model_folder: Path, config: Callable[..., Config], tmp_path: Path) -> None:
    first, second = (learner(model_folder, config, "model.lora_rank=4", f"seed={seed}") for seed in (0, 0))
    first.step(SAMPLES, Objective())
    hand_over(first, second, tmp_path)
    assert first.step(SAMPLES, Objective()) == second.step(SAMPLES, Objective())


def test_adapters_begin_alike_for_one_seed(model_folder: Path, config: Callable[..., Config]) -> None:
    one, other = (dict(learner(model_folder, config, "model.lora_rank=4", "seed=3").weights()) for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("critic", ["separate", "shared"])
def test_a_critic_stands_beside_adapters(critic: str, model_folder: Path, config: Callable[..., Config]) -> None:
    policy = learner(model_folder, config, "model.lora_rank=4", "algorithm=ppo", f"algorithm.critic={critic}", "model.dtype=bfloat16")
    assert [len(row) for row in policy.values(SAMPLES)] == [4, 2]
    assert policy.critic is not None
    learns = policy.critic.optimiser.weights  # what is frozen needs neither masters nor moments
    assert all(p.requires_grad for p in learns)
    assert len(learns) == 2 + (0 if critic == "shared" else len(list(policy.weights())))


def test_the_reference_leaves_frozen_adapters_frozen(model_folder: Path, config: Callable[..., Config]) -> None:
    policy = learner(model_folder, config, "model.lora_rank=4", "model.freeze=['*lora_A*']", "algorithm.kl=k3")
    names = [name for name, _ in policy.weights()]
    assert names
    assert all("lora_B" in name for name in names)
    policy.reference_logprobs(SAMPLES)
    assert [name for name, _ in policy.weights()] == names


def test_frozen_weights_stay(model_folder: Path, config: Callable[..., Config]) -> None:
    policy = learner(model_folder, config, "model.freeze=['*embed_tokens*','*layers.0.*']")
    names = {name for name, _ in policy.weights()}
    assert names
    assert not any("embed_tokens" in name or "layers.0." in name for name in names)
    before = {name: p.clone() for name, p in policy.model.named_parameters()}
    policy.step(SAMPLES, Objective())
    assert {name for name, p in policy.model.named_parameters() if not torch.equal(p, before[name])} == names


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["model.freeze=['*none_such*']"], r"model\.freeze: '\*none_such\*' matches no weight\. The first are model\.embed_tokens\.weight"),
        (["model.freeze=['*']"], r"model\.freeze leaves nothing to train"),
        (["model.lora_rank=4", "model.lora_targets=[qq_proj]"], r"model\.lora_targets=\['qq_proj'\]"),
    ],
)
def test_what_cannot_be_trained_is_said(settings: list[str], said: str, model_folder: Path, config: Callable[..., Config]) -> None:
    with pytest.raises(ValueError, match=said):
        learner(model_folder, config, *settings)


def test_a_model_without_adapters_is_saved_as_it_is(model: Any) -> None:
    assert adapters.merged(model) is model

"""PPO's critic: what it says of each token, what it learns, and that nothing of it is lost."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from learners import hand_over

from r1lite.build import make_learner, make_objective
from r1lite.config import Config
from r1lite.learning.policy import Policy
from r1lite.types import Sample

SAMPLES = [
    Sample(
        prompt_ids=(9, 8, 7)[: 1 + i % 3],
        token_ids=tuple(range(1, 3 + i)),
        logprobs=(-4.0,) * (2 + i),
        token_advantages=tuple(0.5 - 0.1 * t for t in range(2 + i)),
        values=(0.0,) * (2 + i),
        returns=tuple(1.0 - i / 4 for _ in range(2 + i)),
    )
    for i in range(4)
]
PPO = ("algorithm=ppo", "algorithm.critic_lr=0.02", "algorithm.value_clip=0", "rl.lr=1e-3", "rl.warmup_steps=0", "rl.final_lr_share=1")


def learner(folder: Path, config: Callable[..., Config], *settings: str) -> tuple[Policy, Config]:
    cfg = config(*PPO, *settings)
    return make_learner(folder, cfg), cfg


@pytest.mark.parametrize("critic", ["separate", "shared"])
def test_a_new_critic_says_nothing_and_then_learns_the_returns(critic: str, model_folder: Path, config: Callable[..., Config]) -> None:
    policy, cfg = learner(model_folder, config, f"algorithm.critic={critic}", "algorithm.value_coef=1")
    assert policy.values(SAMPLES) == [[0.0] * len(s.token_ids) for s in SAMPLES]
    first = policy.step(SAMPLES, make_objective(cfg))["critic/loss"]
    mean = sum(r * r / 2 for s in SAMPLES for r in s.returns) / sum(len(s.token_ids) for s in SAMPLES)
    assert first == pytest.approx(mean, rel=1e-5)
    for _ in range(60):
        last = policy.step(SAMPLES, make_objective(cfg))["critic/loss"]
    assert last < first / 4


@pytest.mark.parametrize("critic", ["separate", "shared"])
def test_a_value_knows_nothing_of_its_own_token_or_of_later_ones(critic: str, model_folder: Path, config: Callable[..., Config]) -> None:
    policy, _ = learner(model_folder, config, f"algorithm.critic={critic}")
    assert policy.critic is not None
    torch.nn.init.normal_(policy.critic.head.weight)
    (one,) = policy.values([SAMPLES[3]])
    changed = replace(SAMPLES[3], token_ids=(*SAMPLES[3].token_ids[:2], 17, 18, 19))
    (other,) = policy.values([changed])
    assert other[:3] == pytest.approx(one[:3], abs=1e-6)
    assert other[3] != pytest.approx(one[3], abs=1e-6)


@pytest.mark.parametrize("critic", ["separate", "shared"])
def test_micro_batches_change_nothing(critic: str, model_folder: Path, config: Callable[..., Config]) -> None:
    def gradients(tokens: int) -> list[torch.Tensor]:
        policy, cfg = learner(model_folder, config, f"algorithm.critic={critic}", f"rl.micro_batch_tokens={tokens}")
        critic_ = policy.critic
        assert critic_ is not None
        torch.nn.init.constant_(critic_.head.weight, 0.1)
        policy.optimiser.step = critic_.optimiser.step = dict  # pyright: ignore
        policy.step(SAMPLES, make_objective(cfg))
        return [p.grad.clone() for p in (*policy.model.parameters(), *critic_.parameters()) if p.grad is not None]

    one, whole = gradients(1), gradients(8192)
    assert len(one) == len(whole) > 10
    for a, b in zip(one, whole, strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_what_a_shared_critic_learns_reaches_the_policys_trunk(model_folder: Path, config: Callable[..., Config]) -> None:
    flat = [replace(s, token_advantages=(0.0,) * len(s.token_ids)) for s in SAMPLES]  # nothing for the policy to learn

    def moved(critic: str) -> bool:
        policy, cfg = learner(model_folder, config, f"algorithm.critic={critic}")
        assert policy.critic is not None
        torch.nn.init.constant_(policy.critic.head.weight, 0.1)
        before = [p.clone() for p in policy.model.parameters()]
        policy.step(flat, make_objective(cfg))
        return any(not torch.equal(a, b) for a, b in zip(before, policy.model.parameters(), strict=True))

    assert (moved("shared"), moved("separate")) == (True, False)


@pytest.mark.parametrize("critic", ["separate", "shared"])
def test_a_checkpoint_holds_the_critic(critic: str, model_folder: Path, config: Callable[..., Config], tmp_path: Path) -> None:
    (first, cfg), (second, _) = (learner(model_folder, config, f"algorithm.critic={critic}") for _ in range(2))
    first.step(SAMPLES, make_objective(cfg))
    hand_over(first, second, tmp_path)
    assert second.values(SAMPLES) == first.values(SAMPLES)
    assert second.step(SAMPLES, make_objective(cfg)) == first.step(SAMPLES, make_objective(cfg))

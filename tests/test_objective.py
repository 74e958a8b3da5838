import math

import pytest
import torch

from r1lite.objective import IMITATE, Objective, policy_loss

LOGP = torch.tensor([[-1.0, -2.0, 0.0], [-0.5, 0.0, 0.0]])
MASK = torch.tensor([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
ADVANTAGES = torch.tensor([1.0, -1.0])


def loss_of(objective: Objective, *, logp: torch.Tensor = LOGP, old: torch.Tensor = LOGP, **more: torch.Tensor) -> float:
    return policy_loss(objective, logp=logp, old_logp=old, advantages=ADVANTAGES, mask=MASK, **more)[0].item()


def test_on_policy_the_loss_is_minus_the_mean_advantage() -> None:
    assert loss_of(Objective(aggregate="token_mean")) == pytest.approx(-(1 + 1 - 1) / 3)
    assert loss_of(Objective(aggregate="seq_mean_token_mean")) == pytest.approx(0.0)
    assert loss_of(Objective(aggregate="seq_mean_token_sum")) == pytest.approx(-(2 - 1) / 2)
    assert loss_of(Objective(aggregate="budget", budget=4)) == pytest.approx(-(2 - 1) / 2 / 4)


def test_the_gate_holds_a_ratio_that_went_too_far_in_its_advantages_direction() -> None:
    old = LOGP - torch.log(torch.tensor([[1.5], [0.5]]))  # ratio 1.5 where A > 0, 0.5 where A < 0
    objective = Objective(clip_low=0.2, clip_high=0.28, aggregate="token_mean")
    loss, stats = policy_loss(objective, logp=LOGP, old_logp=old, advantages=ADVANTAGES, mask=MASK)
    assert loss.item() == pytest.approx((-1.28 - 1.28 + 0.8) / 3)
    assert stats["ratio/clip_share"].item() == pytest.approx(1.0)


def test_the_gate_lets_a_ratio_come_back() -> None:
    old = LOGP - torch.log(torch.tensor([[0.5], [1.5]]))
    loss, stats = policy_loss(Objective(aggregate="token_mean"), logp=LOGP, old_logp=old, advantages=ADVANTAGES, mask=MASK)
    assert loss.item() == pytest.approx((-0.5 - 0.5 + 1.5) / 3)
    assert stats["ratio/clip_share"].item() == 0.0


def test_the_sequence_ratio_is_a_geometric_mean() -> None:
    old = LOGP - torch.tensor([[0.1, 0.3, 9.0], [0.0, 0.0, 0.0]])
    loss = loss_of(Objective(ratio="sequence", clip_high=9.0, aggregate="seq_mean_token_mean"), old=old)
    assert loss == pytest.approx((-math.exp(0.2) + 1) / 2)


def test_imitation_is_cross_entropy_over_the_masked_tokens() -> None:
    advantages = torch.ones(2)
    loss = policy_loss(IMITATE, logp=LOGP, old_logp=torch.zeros_like(LOGP), advantages=advantages, mask=MASK)[0]
    assert loss.item() == pytest.approx((1.0 + 2.0 + 0.5) / 3)


@pytest.mark.parametrize(("kl", "expected"), [("k1", 0.5), ("k2", 0.125), ("k3", math.exp(-0.5) + 0.5 - 1)])
def test_kl_estimators(kl: str, expected: float) -> None:
    objective = Objective(aggregate="token_mean", kl=kl, kl_coef=2.0)
    plain = loss_of(Objective(aggregate="token_mean"))
    assert loss_of(objective, ref_logp=LOGP - 0.5) - plain == pytest.approx(2.0 * expected, rel=1e-5)


def test_k3s_expected_gradient_on_policy_is_that_of_kl_reference_to_policy() -> None:
    torch.manual_seed(0)
    logits, reference = torch.randn(5, requires_grad=True), torch.log_softmax(torch.randn(5), 0)
    logp = torch.log_softmax(logits, 0)
    # The expectation over the policy, by enumeration: sum_x p(x) grad k3(x), the p(x) held fixed.
    k3 = (logp.detach().exp() * (torch.exp(reference - logp) - (reference - logp) - 1)).sum()
    forward = (reference.exp() * (reference - torch.log_softmax(logits, 0))).sum()
    ours = torch.autograd.grad(k3, logits)[0]
    theirs = torch.autograd.grad(forward, logits)[0]
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_micro_batches_add_up_to_the_step() -> None:
    objective = Objective(kl="k3", kl_coef=0.1)
    reference = LOGP - 0.3
    whole = loss_of(objective, ref_logp=reference)
    parts = [
        policy_loss(
            objective,
            logp=LOGP[i : i + 1],
            old_logp=LOGP[i : i + 1],
            advantages=ADVANTAGES[i : i + 1],
            mask=MASK[i : i + 1],
            ref_logp=reference[i : i + 1],
            total_tokens=3,
            total_sequences=2,
        )[0].item()
        for i in range(2)
    ]
    assert sum(parts) == pytest.approx(whole, abs=1e-6)


def test_the_mismatch_is_zero_where_sampler_and_trainer_agree() -> None:
    stats = policy_loss(Objective(), logp=LOGP, old_logp=LOGP, advantages=ADVANTAGES, mask=MASK, sampler_logp=LOGP)[1]
    assert stats["mismatch/kl"].item() == 0.0
    stats = policy_loss(Objective(), logp=LOGP, old_logp=LOGP, advantages=ADVANTAGES, mask=MASK, sampler_logp=LOGP - 0.1)[1]
    assert stats["mismatch/kl"].item() == pytest.approx(math.exp(0.1) - 1.1, rel=1e-4)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"gate": "clamp"}, "Known: clip, reinforce"),
        ({"ratio": "none"}, "needs a ratio"),
        ({"aggregate": "budget"}, "algorithm.budget"),
        ({"kl": "k3"}, "kl_coef above 0"),
    ],
)
def test_meaningless_combinations_are_refused(changes: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Objective(**changes)  # pyright: ignore


def test_presets_come_from_the_config_folder() -> None:
    assert Objective.preset("grpo", clip_high=0.28) == Objective(clip_high=0.28)
    with pytest.raises(ValueError, match="Did you mean 'grpo'"):
        Objective.preset("grppo")

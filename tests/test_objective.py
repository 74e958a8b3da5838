import math
import re

import pytest
import torch

from r1lite.losses.parts import entropy_threshold, high_entropy_mask, overlong_mask, value_loss
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


@pytest.mark.parametrize(("kl", "expected"), [("k2", 0.125), ("k3", math.exp(-0.5) + 0.5 - 1), ("k3_weighted", math.exp(-0.5) + 0.5 - 1)])
def test_kl_estimators(kl: str, expected: float) -> None:
    objective = Objective(aggregate="token_mean", kl=kl, kl_coef=2.0)
    plain = loss_of(Objective(aggregate="token_mean"))
    assert loss_of(objective, ref_logp=LOGP - 0.5) - plain == pytest.approx(2.0 * expected, rel=1e-5)


@pytest.mark.parametrize(
    ("kl", "of"), [("k2", "policy || reference"), ("k3", "reference || policy"), ("k3_weighted", "policy || reference")]
)
def test_the_expected_gradient_of_each_kl_on_policy(kl: str, of: str) -> None:
    """By enumeration: a batch that holds every token once, each weighed by its probability through the mask."""
    torch.manual_seed(0)
    logits, reference = torch.randn(5, dtype=torch.float64, requires_grad=True), torch.log_softmax(torch.randn(5).double(), 0)
    logp = torch.log_softmax(logits, 0).unsqueeze(1)
    loss, _ = policy_loss(
        Objective(ratio="none", gate="reinforce", aggregate="token_mean", kl=kl, kl_coef=1.0),
        logp=logp,
        old_logp=logp.detach(),
        advantages=torch.zeros(5),
        mask=logp.detach().exp(),
        ref_logp=reference.unsqueeze(1),
    )
    new = torch.log_softmax(logits, 0)
    exact = (new.exp() * (new - reference)).sum() if of == "policy || reference" else (reference.exp() * (reference - new)).sum()
    assert torch.allclose(torch.autograd.grad(loss, logits)[0], torch.autograd.grad(exact, logits)[0], atol=1e-12)


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


def test_what_is_watched_adds_up_as_well() -> None:
    objective = Objective(kl="k2", kl_coef=0.1, correction="mask", entropy_coef=0.1)
    g = torch.Generator().manual_seed(2)
    given = {k: -torch.rand(5, 4, generator=g) for k in ("logp", "old_logp", "ref_logp", "sampler_logp", "entropy")}
    given |= {"advantages": torch.randn(5, generator=g), "mask": (torch.rand(5, 4, generator=g) < 0.7).float()}
    totals = {"total_tokens": int(given["mask"].sum()), "total_sequences": 5}
    loss, whole = policy_loss(objective, **given, **totals)
    assert set(whole) == {"ratio/clip_share", "ratio/mean", "mismatch/kl", "correction/share", "kl", "entropy"}
    parts = [policy_loss(objective, **{k: v[i : i + 1] for k, v in given.items()}, **totals) for i in range(5)]
    assert sum(part.item() for part, _ in parts) == pytest.approx(loss.item(), abs=1e-6)
    for key, value in whole.items():
        assert sum(stats[key].item() for _, stats in parts) == pytest.approx(value.item(), abs=1e-6)


def test_the_mismatch_is_zero_where_sampler_and_trainer_agree() -> None:
    stats = policy_loss(Objective(), logp=LOGP, old_logp=LOGP, advantages=ADVANTAGES, mask=MASK, sampler_logp=LOGP)[1]
    assert stats["mismatch/kl"].item() == 0.0
    stats = policy_loss(Objective(), logp=LOGP, old_logp=LOGP, advantages=ADVANTAGES, mask=MASK, sampler_logp=LOGP - 0.1)[1]
    assert stats["mismatch/kl"].item() == pytest.approx(math.exp(0.1) - 1.1, rel=1e-4)


def test_sequence_token_gives_each_token_its_own_advantage() -> None:
    logp = torch.tensor([[-1.0, -2.0]], requires_grad=True)
    advantages = torch.tensor([[3.0, -1.0]])
    loss, _ = policy_loss(
        Objective(ratio="sequence_token"), logp=logp, old_logp=logp.detach() - 0.1, advantages=advantages, mask=torch.ones(1, 2)
    )
    assert torch.autograd.grad(loss, logp)[0][0].tolist() == pytest.approx([-3 * math.exp(0.1) / 2, math.exp(0.1) / 2])


@pytest.mark.parametrize("parts", [{"ratio": "sequence"}, {"ratio": "sequence_sum"}, {"gate": "log_clip"}])
def test_a_sequences_ratio_refuses_advantages_that_differ_within_it(parts: dict[str, str]) -> None:
    objective = Objective(**parts)  # pyright: ignore
    same = torch.tensor([[1.0, 1.0, 7.0], [-1.0, 7.0, 7.0]])  # they may differ outside of the mask
    per_token = policy_loss(objective, logp=LOGP, old_logp=LOGP, advantages=same, mask=MASK)[0]
    assert per_token == policy_loss(objective, logp=LOGP, old_logp=LOGP, advantages=ADVANTAGES, mask=MASK)[0]
    with pytest.raises(ValueError, match="ratio=sequence_token, which keeps the advantage of each token"):
        policy_loss(objective, logp=LOGP, old_logp=LOGP, advantages=torch.tensor([[1.0, 2.0, 0.0], [1.0, 1.0, 1.0]]), mask=MASK)


def corrected(**parts: object) -> tuple[list[float], float]:
    """The gradient of one sequence whose weights are 0.4, 1, 1.5 and 4 (their product 2.4)."""
    logp = torch.zeros(1, 4, dtype=torch.float64, requires_grad=True)
    weights = torch.tensor([[0.4, 1.0, 1.5, 4.0]], dtype=torch.float64)
    loss, stats = policy_loss(
        Objective(aggregate="seq_mean_token_sum", **parts),  # pyright: ignore
        logp=logp, old_logp=logp.detach(), advantages=torch.ones(1), mask=torch.ones(1, 4), sampler_logp=-torch.log(weights),
    )  # fmt: skip
    return (-torch.autograd.grad(loss, logp)[0][0]).tolist(), stats["correction/share"].item()


def test_corrections() -> None:
    assert corrected(correction="truncate", correction_high=2.0) == (pytest.approx([0.4, 1.0, 1.5, 2.0]), 0.25)
    assert corrected(correction="mask", correction_low=0.5, correction_high=2.0) == (pytest.approx([0.0, 1.0, 1.5, 0.0]), 0.5)
    of_sequence = {"correction_level": "sequence", "correction_low": 0.5}
    assert corrected(correction="truncate", correction_high=2.0, **of_sequence) == (pytest.approx([2.0] * 4), 1.0)
    assert corrected(correction="mask", correction_high=3.0, **of_sequence) == (pytest.approx([2.4] * 4), 0.0)
    assert corrected(correction="mask", correction_high=2.0, **of_sequence) == (pytest.approx([0.0] * 4), 1.0)


def test_the_entropy_bonus_is_a_mean_over_tokens_whatever_the_aggregate() -> None:
    entropy = torch.tensor([[0.6, 1.2, float("nan")], [0.3, float("nan"), float("nan")]])
    for aggregate in ("token_mean", "seq_mean_token_mean", "seq_mean_token_sum"):
        plain = loss_of(Objective(aggregate=aggregate))
        loss, stats = policy_loss(
            Objective(aggregate=aggregate, entropy_coef=0.1), logp=LOGP, old_logp=LOGP, advantages=ADVANTAGES, mask=MASK, entropy=entropy
        )
        assert loss.item() == pytest.approx(plain - 0.1 * 0.7)
        assert stats["entropy"].item() == pytest.approx(0.7)


def test_what_is_out_of_focus_counts_in_the_divisor_and_in_the_kl() -> None:
    focus = torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    assert loss_of(Objective(aggregate="token_mean"), focus=focus) == pytest.approx(-(1 - 1) / 3)
    penalty = 2.0 * (math.exp(-0.5) + 0.5 - 1)
    assert loss_of(Objective(aggregate="token_mean", kl="k3", kl_coef=2.0), focus=focus, ref_logp=LOGP - 0.5) == pytest.approx(
        penalty, rel=1e-5
    )


def test_garbage_outside_of_the_mask_reaches_no_part() -> None:
    """Those parts that no preset chooses; the presets are tested in test_objective_reference.py."""
    objective = Objective(correction="truncate", correction_level="sequence", kl="k3_weighted", kl_coef=0.1, entropy_coef=0.1)
    results = []
    for garbage in (0.0, math.nan, math.inf, -math.inf):
        logp = torch.where(MASK > 0, LOGP, garbage).requires_grad_()
        dirty = {k: torch.where(MASK > 0, LOGP + n, garbage) for n, k in enumerate(("ref_logp", "sampler_logp", "entropy", "focus"), 1)}
        loss, stats = policy_loss(objective, logp=logp, old_logp=LOGP, advantages=ADVANTAGES, mask=MASK, **dirty)
        results.append((loss.item(), torch.autograd.grad(loss, logp)[0].tolist(), {k: v.item() for k, v in stats.items()}))
    assert all(result == results[0] for result in results)


def test_an_entropy_that_is_only_watched_cannot_spoil_the_loss() -> None:
    assert loss_of(Objective(), entropy=torch.full_like(LOGP, math.nan)) == loss_of(Objective())


def test_masks() -> None:
    assert overlong_mask(MASK, torch.tensor([True, False])).tolist() == [[0, 0, 0], [1, 0, 0]]
    entropy = torch.tensor([[0.1, 0.9, 99.0], [0.5, 99.0, 99.0]])
    assert high_entropy_mask(entropy, MASK, 0.5).tolist() == [[0, 1, 0], [1, 0, 0]]
    assert high_entropy_mask(entropy, MASK, 1.0).tolist() == MASK.tolist()
    assert high_entropy_mask(entropy, MASK, 0.5, threshold=0.9).tolist() == [[0, 1, 0], [0, 0, 0]]
    assert high_entropy_mask(entropy, torch.zeros_like(MASK), 0.5).sum() == 0
    many = torch.rand(7, 13, generator=torch.Generator().manual_seed(0))
    for share in (0.01, 0.2, 0.5, 0.99, 1.0):
        assert entropy_threshold(many, torch.ones_like(many), share).item() == pytest.approx(torch.quantile(many, 1 - share).item())


def test_the_critics_loss_takes_the_worse_of_two_values() -> None:
    values, old, returns = torch.tensor([1.0, 1.0, 0.0]), torch.tensor([0.0, 0.9, 0.0]), torch.tensor([1.0, 0.0, 2.0])
    loss, held = value_loss(values, old, returns, 0.2)
    assert loss.tolist() == pytest.approx([0.32, 0.5, 2.0])  # held at 0.2; not held; equal
    assert held.tolist() == [True, False, False]
    assert value_loss(values, old, returns, 0.0)[0].tolist() == pytest.approx([0.0, 0.5, 2.0])


SMOOTH: list[dict[str, object]] = [
    *({"ratio": r} for r in ("token", "sequence", "sequence_sum")),
    *({"aggregate": a, "budget": 9} for a in ("token_mean", "seq_mean_token_sum", "budget")),
    *({"kl": kl, "kl_coef": 0.3} for kl in ("k2", "k3", "k3_weighted")),
    {"gate": "sigmoid"},
    {"gate": "sigmoid", "ratio": "sequence"},
    {"gate": "log_clip"},
    {"gate": "reinforce", "ratio": "none"},
    {"dual_clip": 1.5},
    {"correction": "truncate"},
    {"correction": "mask", "correction_level": "sequence"},
    {"entropy_coef": 0.2},
]


@pytest.mark.parametrize("parts", SMOOTH, ids=str)
def test_gradients_are_finite_differences(parts: dict[str, object]) -> None:
    """Where nothing is held fixed on purpose; those gates' gradients are worked out by hand above."""
    g = torch.Generator().manual_seed(1)
    logp, old, ref, sampler = (-torch.rand(3, 4, generator=g, dtype=torch.float64) - 0.1 for _ in range(4))
    mask, advantages = torch.tensor([[1.0, 1, 1, 0], [1, 1, 1, 1], [0, 1, 0, 0]]), torch.tensor([1.0, -0.8, -1.2])

    def loss(x: torch.Tensor) -> torch.Tensor:
        objective = Objective(**parts)  # pyright: ignore
        return policy_loss(
            objective, logp=x, old_logp=old, advantages=advantages, mask=mask, ref_logp=ref, sampler_logp=sampler, entropy=x.square()
        )[0]

    assert torch.autograd.gradcheck(loss, (logp.requires_grad_(),), eps=1e-6, atol=1e-8)


def test_log_ratios_stop_before_they_overflow() -> None:
    for ratio in ("token", "sequence", "sequence_sum"):
        for gap in (500.0, -500.0):
            logp = torch.full((1, 3), -0.1, requires_grad=True)
            given = {"logp": logp, "old_logp": logp.detach() - gap, "ref_logp": logp.detach() + gap, "mask": torch.ones(1, 3)}
            loss, stats = policy_loss(Objective(ratio=ratio, kl="k3_weighted", kl_coef=1e-3), advantages=torch.tensor([-1.0]), **given)
            assert torch.isfinite(loss)
            assert torch.isfinite(torch.autograd.grad(loss, logp)[0]).all()
            assert all(torch.isfinite(value) for value in stats.values())


def test_half_precision_is_worked_out_in_single() -> None:
    half = LOGP.to(torch.bfloat16).requires_grad_()
    loss, _ = policy_loss(Objective(), logp=half, old_logp=half.detach(), advantages=ADVANTAGES.to(torch.bfloat16), mask=MASK.bool())
    assert loss.dtype == torch.float32
    assert torch.autograd.grad(loss, half)[0].dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"gate": "clamp"}, "unknown algorithm.gate 'clamp'. Known: clip, sigmoid, cap, log_clip, tv_mask, reinforce."),
        ({"correction_level": "word"}, "Known: token, sequence."),
        ({"ratio": "none"}, "algorithm.gate=clip needs a ratio"),
        ({"ratio": "none", "gate": "cap"}, "algorithm.gate=cap needs a ratio"),
        ({"ratio": "sequence", "gate": "log_clip"}, "works on single tokens: it needs ratio=token, got ratio=sequence"),
        ({"ratio": "sequence", "gate": "tv_mask"}, "it needs ratio=token"),
        ({"gate": "sigmoid", "dual_clip": 3.0}, "dual_clip works only with gate=clip; with gate=sigmoid set it to 0"),
        ({"dual_clip": 0.5}, "must be above 1, or 0 for off, got 0.5"),
        ({"aggregate": "budget"}, "algorithm.budget, which must be at least 1 token"),
        ({"kl": "k3"}, "algorithm.kl=k3 needs algorithm.kl_coef above 0, got 0.0"),
        ({"kl_coef": -1.0}, "algorithm.kl_coef must be at least 0, got -1.0"),
        ({"clip_low": math.nan}, "algorithm.clip_low must be at least 0, got nan"),
        ({"cap": 0.0}, "algorithm.cap must be above 0, got 0.0"),
        ({"correction": "mask", "correction_low": 3.0}, "low is above high"),
    ],
)
def test_meaningless_combinations_are_refused(changes: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        Objective(**changes)  # pyright: ignore


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kl": "k2", "kl_coef": 0.1}, "algorithm.kl=k2 needs the reference's log-probs"),
        ({"correction": "truncate"}, "algorithm.correction=truncate needs the sampler's log-probs"),
        ({"entropy_coef": 0.1}, "algorithm.entropy_coef=0.1 needs the entropy of each token"),
    ],
)
def test_what_a_part_needs_is_asked_for(changes: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        loss_of(Objective(**changes))  # pyright: ignore

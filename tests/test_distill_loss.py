"""The divergences: by hand, against a naive reference in plain floats, and their gradients against finite differences."""

import math
from itertools import pairwise
from random import Random

import pytest
import torch
from torch import Tensor

from r1lite.losses.distill import KINDS, divergence, token_divergence, with_rest

LOG = math.log


def log_of(*rows: list[float]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64).log()


def naive(kind: str, student: list[float], teacher: list[float], beta: float) -> float:
    """Over plain lists of probabilities, straight from the definitions."""

    def kl(p: list[float], q: list[float]) -> float:
        return sum(a * LOG(a / b) for a, b in zip(p, q, strict=True))

    if kind == "reverse_kl":
        return kl(student, teacher)
    if kind == "forward_kl":
        return kl(teacher, student)
    mixture = [beta * t + (1 - beta) * s for s, t in zip(student, teacher, strict=True)]
    return beta * kl(teacher, mixture) + (1 - beta) * kl(student, mixture)


def logits(seed: int, rows: int = 5, width: int = 7) -> Tensor:
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 2


def test_by_hand() -> None:
    student, teacher = log_of([0.5, 0.5]), log_of([0.25, 0.75])
    assert divergence(student, teacher, kind="reverse_kl").tolist() == pytest.approx([0.5 * LOG(2) + 0.5 * LOG(2 / 3)])
    assert divergence(student, teacher, kind="forward_kl").tolist() == pytest.approx([0.25 * LOG(0.5) + 0.75 * LOG(1.5)])
    # m = (0.375, 0.625)
    both = 0.5 * (0.25 * LOG(2 / 3) + 0.75 * LOG(1.2)) + 0.5 * (0.5 * LOG(4 / 3) + 0.5 * LOG(0.8))
    assert divergence(student, teacher, kind="jsd", beta=0.5).tolist() == pytest.approx([both])
    assert divergence(student, student, kind="jsd", beta=0.3).tolist() == pytest.approx([0.0], abs=1e-15)


def test_distributions_without_a_common_token_are_the_mixtures_entropy_apart() -> None:
    student, teacher = torch.tensor([[0.0, -math.inf]]), torch.tensor([[-math.inf, 0.0]])
    for beta in (0.1, 0.5, 0.8):
        apart = divergence(student, teacher, kind="jsd", beta=beta)
        assert apart.tolist() == pytest.approx([-beta * LOG(beta) - (1 - beta) * LOG(1 - beta)], rel=1e-6)
    assert math.isfinite(divergence(student, teacher, kind="reverse_kl").item())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("beta", [0.1, 0.5, 0.9])
def test_against_plain_floats(kind: str, beta: float) -> None:
    mine, theirs = logits(1), logits(2)
    found = token_divergence(mine, theirs, kind=kind, beta=beta)
    wanted = [naive(kind, s.tolist(), t.tolist(), beta) for s, t in zip(mine.softmax(-1), theirs.softmax(-1), strict=True)]
    assert found.tolist() == pytest.approx(wanted, rel=1e-10)


def test_against_torch_distributions() -> None:
    mine, theirs = logits(3), logits(4)
    student, teacher = torch.distributions.Categorical(logits=mine), torch.distributions.Categorical(logits=theirs)
    assert torch.allclose(token_divergence(mine, theirs, kind="reverse_kl"), torch.distributions.kl_divergence(student, teacher))
    assert torch.allclose(token_divergence(mine, theirs, kind="forward_kl"), torch.distributions.kl_divergence(teacher, student))


def test_the_ends_of_the_mixture_are_the_two_kls() -> None:
    mine, theirs = logits(5), logits(6)
    small = 1e-6
    forward = token_divergence(mine, theirs, kind="jsd", beta=small) / small
    assert torch.allclose(forward, token_divergence(mine, theirs, kind="forward_kl"), rtol=1e-3)
    reverse = token_divergence(mine, theirs, kind="jsd", beta=1 - small) / small
    assert torch.allclose(reverse, token_divergence(mine, theirs, kind="reverse_kl"), rtol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("top_k", [0, 2])
def test_the_gradient_is_that_of_finite_differences(kind: str, top_k: int) -> None:
    mine, theirs = logits(7, rows=2).requires_grad_(), logits(8, rows=2)
    torch.autograd.gradcheck(lambda s: token_divergence(s, theirs, kind=kind, beta=0.3, top_k=top_k), (mine,))


def test_the_rest_is_one_token_more() -> None:
    logp = log_of([0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1])
    found = with_rest(logp, torch.tensor([[3, 1], [0, 1]])).exp()
    assert found.flatten().tolist() == pytest.approx([0.4, 0.2, 0.4, 0.4, 0.3, 0.3])


@pytest.mark.parametrize("kind", KINDS)
def test_more_of_the_teachers_tokens_see_more_and_all_but_one_see_all(kind: str) -> None:
    mine, theirs = logits(9, rows=20), logits(10, rows=20)
    seen = [token_divergence(mine, theirs, kind=kind, top_k=k) for k in (1, 2, 4, 6)]
    for less, more in pairwise(seen):
        assert (more - less).min() >= -1e-12
        assert (more - less).max() > 1e-3
    whole = token_divergence(mine, theirs, kind=kind)
    assert torch.allclose(seen[-1], whole)
    assert torch.equal(token_divergence(mine, theirs, kind=kind, top_k=100), whole)


def test_what_the_teacher_would_not_say_is_seen_behind_its_top_tokens() -> None:
    student, teacher = log_of([0.1, 0.1, 0.4, 0.4]), log_of([0.49, 0.49, 0.01, 0.01])
    apart = token_divergence(student, teacher, kind="reverse_kl", top_k=2)
    assert apart.item() == pytest.approx(0.2 * LOG(0.1 / 0.49) + 0.8 * LOG(0.8 / 0.02))


@pytest.mark.parametrize("kind", KINDS)
def test_training_on_it_makes_the_student_the_teacher(kind: str) -> None:
    random = Random(0)
    mine = torch.tensor([[random.gauss(0, 1) for _ in range(6)]], dtype=torch.float64, requires_grad=True)
    theirs = logits(11, rows=1, width=6)
    optimiser = torch.optim.Adam([mine], lr=0.05)
    for _ in range(800):
        optimiser.zero_grad()
        token_divergence(mine, theirs, kind=kind).sum().backward()
        optimiser.step()
    assert torch.allclose(mine.softmax(-1), theirs.softmax(-1), atol=2e-3)


def test_half_precision_is_compared_in_single() -> None:
    mine, theirs = logits(12).bfloat16(), logits(13).bfloat16()
    found = token_divergence(mine, theirs, kind="jsd")
    assert found.dtype == torch.float32
    assert torch.allclose(found, token_divergence(mine.float(), theirs.float(), kind="jsd"))

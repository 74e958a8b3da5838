"""Gates and levels of the ratio, by the gradient that each token gets: by hand, from the papers' definitions."""

import math

import pytest
import torch

from r1lite.objective import Objective, policy_loss

RHO = torch.tensor([[1.5, 0.5, 1.1, 6.0], [1.5, 0.5, 1.1, 6.0], [1.5, 0.5, 1.1, 6.0]], dtype=torch.float64)
SIGNS = torch.tensor([2.0, -2.0, 0.0], dtype=torch.float64)


def by_token(
    *, old: torch.Tensor | None = None, rho: torch.Tensor = RHO, **parts: object
) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
    """Gradient by token times the number of tokens, with the loss and stats: A is 2, -2 and 0 in the three rows."""
    logp = torch.full_like(rho, -2.0) if old is None else old + torch.log(rho)
    logp.requires_grad_()
    objective = Objective(**{"aggregate": "token_mean", **parts})  # pyright: ignore
    loss, stats = policy_loss(objective, logp=logp, old_logp=(logp - torch.log(rho)).detach(), advantages=SIGNS, mask=torch.ones_like(rho))
    return torch.autograd.grad(loss, logp)[0] * rho.numel(), loss.detach() * rho.numel(), stats


def near(*rows: list[float]) -> object:
    return pytest.approx(torch.tensor(rows, dtype=torch.float64), abs=1e-9)


def test_clip_stops_only_what_went_too_far() -> None:
    gradient, loss, stats = by_token(clip_low=0.2, clip_high=0.3)
    assert gradient == near([0, -1.0, -2.2, 0], [3.0, 0, 2.2, 12.0], [0, 0, 0, 0])
    assert loss == pytest.approx(-2 * (1.3 + 0.5 + 1.1 + 1.3) + 2 * (1.5 + 0.8 + 1.1 + 6.0))
    assert stats["ratio/clip_share"].item() == pytest.approx(3 / 12)


def test_dual_clip_bounds_the_loss_of_a_bad_token_that_became_likely() -> None:
    gradient, loss, stats = by_token(clip_low=0.2, clip_high=0.3, dual_clip=3.0)
    assert gradient == near([0, -1.0, -2.2, 0], [3.0, 0, 2.2, 0], [0, 0, 0, 0])
    assert loss == pytest.approx(-2 * (1.3 + 0.5 + 1.1 + 1.3) + 2 * (1.5 + 0.8 + 1.1 + 3.0))
    assert stats["ratio/clip_share"].item() == pytest.approx(4 / 12)


def test_sigmoid_fades_as_sech_squared() -> None:
    gradient, loss, stats = by_token(gate="sigmoid", tau_pos=1.0, tau_neg=1.05)
    rows = [
        [-a * r / math.cosh(tau * (r - 1) / 2) ** 2 for r in (1.5, 0.5, 1.1, 6.0)] for a, tau in ((2.0, 1.0), (-2.0, 1.05), (0.0, 1.05))
    ]
    assert gradient == near(*rows)
    assert loss == pytest.approx(
        sum(-a * 4 / tau / (1 + math.exp(-tau * (r - 1))) for a, tau in ((2, 1), (-2, 1.05)) for r in (1.5, 0.5, 1.1, 6))
    )
    assert "ratio/clip_share" not in stats


def test_cap_keeps_every_tokens_gradient() -> None:
    gradient, loss, stats = by_token(gate="cap", cap=5.0)
    assert gradient == near([-3.0, -1.0, -2.2, -10.0], [3.0, 1.0, 2.2, 10.0], [0, 0, 0, 0])
    assert loss == pytest.approx(0.0)
    assert stats["ratio/clip_share"].item() == pytest.approx(3 / 12)


def test_log_clip_then_the_geometric_mean() -> None:
    gradient, loss, stats = by_token(gate="log_clip", clip_low=0.4, clip_high=0.4)
    up = math.exp((0.4 + math.log(0.5) + math.log(1.1) + 0.4) / 4)
    down = math.exp((math.log(1.5) - 0.4 + math.log(1.1) + math.log(6)) / 4)
    assert gradient == near([0, -2 * up, -2 * up, 0], [2 * down, 0, 2 * down, 2 * down], [0, 0, 0, 0])
    assert loss == pytest.approx(4 * (-2 * up + 2 * down))
    assert stats["ratio/clip_share"].item() == pytest.approx(3 / 12)


def test_tv_mask_judges_probabilities_not_ratios() -> None:
    """A rare token may grow sixfold; a common one may not lose a fifth."""
    old = torch.log(torch.tensor([[0.1, 0.3, 0.9, 0.02], [0.1, 0.4, 0.9, 0.02], [0.1, 0.4, 0.9, 0.02]], dtype=torch.float64))
    rho = torch.tensor([[3.0, 0.5, 1.1, 6.0], [3.0, 0.5, 1.1, 30.0], [3.0, 0.5, 1.1, 6.0]], dtype=torch.float64)
    gradient, _, stats = by_token(old=old, rho=rho, gate="tv_mask", cap=20.0)
    assert gradient == near([0, -1.0, -2.2, -12.0], [6.0, 0, 2.2, 40.0], [0, 0, 0, 0])  # p - q: 0.2 and -0.2 are too far
    assert stats["ratio/clip_share"].item() == pytest.approx(2 / 12)


def test_reinforce_weighs_by_the_ratio_only_where_there_is_one() -> None:
    assert by_token(gate="reinforce", ratio="none")[0] == near([-2.0] * 4, [2.0] * 4, [0.0] * 4)
    assert by_token(gate="reinforce", ratio="token")[0] == near([-3.0, -1.0, -2.2, -12.0], [3.0, 1.0, 2.2, 12.0], [0.0] * 4)


def test_the_four_levels_of_the_ratio() -> None:
    rho = torch.tensor([[1.2, 0.9, 1.0, 1.1]] * 3, dtype=torch.float64)
    product = 1.2 * 0.9 * 1.1
    wide = {"clip_low": 9.0, "clip_high": 9.0}
    assert by_token(rho=rho, ratio="token", **wide)[0][0].tolist() == pytest.approx([-2.4, -1.8, -2.0, -2.2])
    assert by_token(rho=rho, ratio="sequence", **wide)[0][0].tolist() == pytest.approx([-2 * product**0.25] * 4)
    assert by_token(rho=rho, ratio="sequence_token", **wide)[0][0].tolist() == pytest.approx([-2 * product**0.25] * 4)
    assert by_token(rho=rho, ratio="sequence_sum", **wide)[0][0].tolist() == pytest.approx([-2 * product * 4] * 4)

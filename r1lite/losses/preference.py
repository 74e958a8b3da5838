"""Losses on pairs, of which one side is preferred. Pure: [P] tensors of pairs in, the mean loss and what to watch out."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

KINDS = ("sigmoid", "ipo")
Stats = dict[str, Tensor]


def dpo_loss(
    chosen: Tensor,  # [P] log-prob of the whole preferred response, under the policy
    rejected: Tensor,
    ref_chosen: Tensor,  # [P] the same under the reference
    ref_rejected: Tensor,
    *,
    beta: float,
    kind: str = "sigmoid",
    label_smoothing: float = 0.0,
    nll_coef: float = 0.0,
    lengths: Tensor | None = None,  # [P] tokens of the preferred responses, for nll_coef
    total: int | None = None,
) -> tuple[Tensor, Stats]:
    """DPO (arXiv 2305.18290) and, for labels that may be wrong, its smoothed form; IPO (arXiv 2310.12036), on sums.

    h = (chosen - ref_chosen) - (rejected - ref_rejected); sigmoid: -log sigmoid(beta h); ipo: (h - 1 / (2 beta))^2.
    Both are content when the rejected side falls faster than the preferred one; nll_coef times the preferred side's loss
    per token (arXiv 2404.19733) holds that one up.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown dpo.loss {kind!r}. Known: {', '.join(KINDS)}.")
    pairs = total or len(chosen)
    gained, lost = chosen - ref_chosen, rejected - ref_rejected
    h = gained - lost
    if kind == "ipo":
        each = (h - 1 / (2 * beta)).square()
    else:
        each = -(1 - label_smoothing) * logsigmoid(beta * h) - label_smoothing * logsigmoid(-beta * h)
    if nll_coef:
        assert lengths is not None
        each = each - nll_coef * chosen / lengths
    stats = {
        "accuracy": (h > 0).float().sum() / pairs,
        "reward/chosen": beta * gained.detach().sum() / pairs,
        "reward/rejected": beta * lost.detach().sum() / pairs,
        "margin": beta * h.detach().sum() / pairs,
    }
    return each.sum() / pairs, stats


def reward_model_loss(
    chosen: Tensor, rejected: Tensor, *, margin: Tensor | float = 0.0, centring: float = 0.0, total: int | None = None
) -> tuple[Tensor, Stats]:
    """Bradley-Terry: -log sigmoid(chosen - rejected - margin), and centring * (chosen + rejected)^2, which holds the mean near 0."""
    pairs = total or len(chosen)
    each = -logsigmoid(chosen - rejected - margin) + centring * (chosen + rejected).square()
    stats = {
        "accuracy": (chosen > rejected).float().sum() / pairs,
        "reward/chosen": chosen.detach().sum() / pairs,
        "reward/rejected": rejected.detach().sum() / pairs,
        "margin": (chosen - rejected).detach().sum() / pairs,
    }
    return each.sum() / pairs, stats


def by_sides(rows: Tensor) -> tuple[Tensor, Tensor]:
    """[2P] -> the preferred [P] and the others [P], as collate_pairs lays them out."""
    first, second = torch.chunk(rows, 2)
    return first, second

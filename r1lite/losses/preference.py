"""Losses on preference pairs. Pure: tensors [P] of pairs in, the mean loss and metrics out."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

KINDS = ("sigmoid", "ipo")
Stats = dict[str, Tensor]


def dpo_loss(
    chosen: Tensor,  # [P] log-prob of the whole chosen response under the policy
    rejected: Tensor,
    ref_chosen: Tensor,  # [P] the same under the reference
    ref_rejected: Tensor,
    *,
    beta: float,
    kind: str = "sigmoid",
    label_smoothing: float = 0.0,
    nll_coef: float = 0.0,
    lengths: Tensor | None = None,  # [P] tokens of the chosen responses, for nll_coef
    total: int | None = None,
) -> tuple[Tensor, Stats]:
    """DPO (arXiv 2305.18290), with label smoothing for labels that may be wrong, or IPO (arXiv 2310.12036) on sums.

    h = (chosen - ref_chosen) - (rejected - ref_rejected); sigmoid: -log sigmoid(beta h); ipo: (h - 1 / (2 beta))^2.
    Both accept that the chosen response becomes less likely, if the rejected one does so faster. nll_coef adds the chosen
    response's loss per token (arXiv 2404.19733), which prevents that.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown dpo.loss {kind!r}. Known: {', '.join(KINDS)}.")
    pairs = total or len(chosen)
    gain_chosen, gain_rejected = chosen - ref_chosen, rejected - ref_rejected
    h = gain_chosen - gain_rejected
    if kind == "ipo":
        each = (h - 1 / (2 * beta)).square()
    else:
        each = -(1 - label_smoothing) * logsigmoid(beta * h) - label_smoothing * logsigmoid(-beta * h)
    if nll_coef:
        assert lengths is not None
        each = each - nll_coef * chosen / lengths
    stats = {
        "accuracy": (h > 0).float().sum() / pairs,
        "reward/chosen": beta * gain_chosen.detach().sum() / pairs,
        "reward/rejected": beta * gain_rejected.detach().sum() / pairs,
        "margin": beta * h.detach().sum() / pairs,
    }
    return each.sum() / pairs, stats


def reward_model_loss(
    chosen: Tensor, rejected: Tensor, *, margin: Tensor | float = 0.0, centring: float = 0.0, total: int | None = None
) -> tuple[Tensor, Stats]:
    """Bradley-Terry: -log sigmoid(chosen - rejected - margin), plus centring * (chosen + rejected)^2, which keeps the mean near 0."""
    pairs = total or len(chosen)
    each = -logsigmoid(chosen - rejected - margin) + centring * (chosen + rejected).square()
    stats = {
        "accuracy": (chosen > rejected).float().sum() / pairs,
        "reward/chosen": chosen.detach().sum() / pairs,
        "reward/rejected": rejected.detach().sum() / pairs,
        "margin": (chosen - rejected).detach().sum() / pairs,
    }
    return each.sum() / pairs, stats


def split_pairs(rows: Tensor) -> tuple[Tensor, Tensor]:
    """[2P] -> chosen [P] and rejected [P], in the order of collate_pairs."""
    chosen, rejected = torch.chunk(rows, 2)
    return chosen, rejected

"""Gradient accumulation: one loop over micro-batches, for every loss.

A micro-batch's loss is a sum over its tokens, or sequences, divided by the totals of the whole step. So micro-batches add up to
the step exactly, and so do ranks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from r1lite.learning import parallel
from r1lite.learning.optimiser import Optimiser
from r1lite.types import Batch

Measured = tuple[Tensor, Mapping[str, Tensor]]  # the loss of a micro-batch, and the metrics to add up
Measure = Callable[[Batch], Measured]


def train_step(batches: Sequence[Batch], measure: Measure, optimiser: Optimiser, *others: Optimiser) -> dict[str, float]:
    """Accumulate gradients over all micro-batches, then step. `others` step too; the metrics are those of the first."""
    metrics = _over(batches, measure, optimiser.backward)
    for each in others:
        each.step()
    return metrics | optimiser.step()


@torch.no_grad()
def evaluate_step(batches: Sequence[Batch], measure: Measure) -> dict[str, float]:
    """The same metrics, without learning."""
    return _over(batches, measure, lambda _: None)


def _over(batches: Sequence[Batch], measure: Measure, backward: Callable[[Tensor], None]) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for batch in batches:
        loss, stats = measure(batch)
        backward(loss)
        for key, value in (*stats.items(), ("loss", loss)):
            metrics[key] = metrics.get(key, 0.0) + float(value.detach())
    return parallel.sums(metrics)

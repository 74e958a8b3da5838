"""Gradient accumulation: one loop over micro-batches for every loss.

A micro-batch's loss is a sum over its tokens or sequences, divided by the totals of the whole step. So the losses of micro-batches,
and of ranks, add up to the loss of the step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from r1lite.learning.optimiser import Optimiser
from r1lite.learning.sharding import sum_over_copies
from r1lite.parallel import doing, exchange
from r1lite.types import Batch

LossAndMetrics = tuple[Tensor, Mapping[str, Tensor]]  # of a micro-batch; both are summed over the step
LossFunction = Callable[[Batch], LossAndMetrics]


def train_step(batches: Sequence[Batch], loss_function: LossFunction, optimiser: Optimiser, *others: Optimiser) -> dict[str, float]:
    """Accumulate gradients over this rank's micro-batches, then step all optimisers. The metrics are those of the first one."""
    metrics = _accumulate(batches, loss_function, optimiser.backward)
    for other in others:
        other.step()
    return metrics | optimiser.step()


@torch.no_grad()
def evaluate_step(batches: Sequence[Batch], loss_function: LossFunction) -> dict[str, float]:
    """The same metrics without training."""
    return _accumulate(batches, loss_function, lambda _: None)


def _accumulate(batches: Sequence[Batch], loss_function: LossFunction, backward: Callable[[Tensor], None]) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for number, batch in enumerate(batches, start=1):
        doing.begin_batch(number, len(batches), batch.input_ids.shape)
        sum_over_copies(number == len(batches))
        loss, stats = loss_function(batch)
        backward(loss * 0 if batch.blank else loss)
        if batch.blank:
            continue
        for key, value in (*stats.items(), ("loss", loss)):
            metrics[key] = metrics.get(key, 0.0) + float(value.detach())
    return exchange.sum_metrics(metrics)

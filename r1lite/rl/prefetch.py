"""Samples rollouts up to `rl.lag` steps before they are trained on, with the weights current at that time.

    lag 0    sample 1 . train 1 . sync . sample 2 . train 2 . sync ...
    lag 1    sample 1 . | sample 2     | sample 3
                        | train 1 sync | train 2 sync ...

The results are a function of seed and step, not of timing: one thread samples the steps in order, and the sampler's weights
change only while it is idle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any

import torch
from torch import Tensor

from r1lite.learning.sharding import full_weights
from r1lite.parallel import world
from r1lite.rl.collect import Collected
from r1lite.types import Sampler

Weights = Iterable[tuple[str, Tensor]]


class Prefetcher:
    """Samples the steps up to `lag` beyond the one in training, and none beyond the last."""

    def __init__(self, collect: Callable[[int, int], Collected], sampler: Sampler, *, lag: int, last: int, done: int = 0) -> None:
        self.collect, self.sampler, self.lag, self.last = collect, sampler, lag, last
        self.submitted = self.weights_step = done  # last step submitted; how many training steps the sampler's weights have taken
        # The weights that the steps in progress are sampled with; empty if the trainer still has them.
        self.past: dict[str, Tensor] = {}
        self.pending: dict[int, Future[Collected]] = {}
        # A new thread would use its own number of torch threads, which changes how sums are rounded.
        threads = torch.get_num_threads()
        self.pool = ThreadPoolExecutor(1, "sampling", initializer=torch.set_num_threads, initargs=(threads,)) if lag else None

    def __enter__(self) -> Prefetcher:
        return self

    def __exit__(self, *_: object) -> None:
        if self.pool is not None:
            self.pool.shutdown(cancel_futures=True)

    def take(self, step: int) -> Collected:
        """Wait for this step's rollouts. With a lag, sampling of the next step starts first."""
        self._submit_until(step + self.lag)
        return self.pending.pop(step).result()

    def keep_past(self, weights: Weights) -> None:
        """Copy the weights that the steps in progress are sampled with. Call before every training step."""
        if self.lag:
            self.past.clear()  # first, so that there are never two copies
            self.past.update((name, tensor.detach().clone()) for name, tensor in weights)

    def sync(self, step: int, weights: Weights) -> None:
        """Load new weights into the sampler once it is idle. Call after every training step."""
        wait(self.pending.values())
        self.sampler.load(full_weights(weights))
        self.weights_step = step

    def progress(self, collected: Collected) -> dict[str, Any]:
        """What a checkpoint keeps: where the data stood when the step had been sampled."""
        return {"position": collected.position, "settled": sorted(collected.settled)}

    def resume(self, done: int, past: dict[str, Tensor], weights: Weights) -> None:
        """Restore the sampler to a checkpoint. Steps that had been sampled ahead are sampled again, with the same weights."""
        if past:
            self.past = past
            self.sampler.load(full_weights(past.items()))
            self.weights_step = done - 1
            self._submit_until(done + self.lag)
        self.sync(done, weights)

    def _submit_until(self, step: int) -> None:
        for following in range(self.submitted + 1, min(step, self.last) + 1):
            self.pending[following] = self._submit(following)
            self.submitted = following

    def _submit(self, step: int) -> Future[Collected]:
        if self.pool is not None:
            # In a copy of this context, so that output goes to the console of this run.
            context = copy_context()
            context.run(world.use_channel, world.SAMPLING)  # the thread's exchanges must not get between those of training
            return self.pool.submit(context.run, self.collect, step, self.weights_step)
        done: Future[Collected] = Future()
        done.set_result(self.collect(step, self.weights_step))
        return done


@contextmanager
def temporary_weights(past: dict[str, Tensor], weights: Weights) -> Iterator[None]:
    """Give the weights their past values inside the context. An empty `past` changes nothing."""
    current = [(name, tensor) for name, tensor in weights if past]
    _swap(current, past)
    try:
        yield
    finally:
        _swap(current, past)


@torch.no_grad()
def _swap(weights: Weights, past: dict[str, Tensor]) -> None:
    """Swap in place, one tensor at a time, so that there is never a second copy of the model."""
    for name, tensor in weights:
        before = tensor.detach().clone()
        tensor.copy_(past[name])
        past[name].copy_(before)

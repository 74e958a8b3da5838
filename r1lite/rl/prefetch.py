"""Rollouts that are asked for before they are trained on: `rl.lag` steps ahead, with the weights of then.

    lag 0    sample 1 . train 1 . sync . sample 2 . train 2 . sync ...
    lag 1    sample 1 . | sample 2     | sample 3
                        | train 1 sync | train 2 sync ...

What comes out is a function of seed and step, never of who was faster: one thread samples, the steps one after the other,
and the sampler's weights change only while it is idle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context

import torch
from torch import Tensor

from r1lite.rl.collect import Collected
from r1lite.types import Sampler

Weights = Iterable[tuple[str, Tensor]]


class Ahead:
    """The steps that are being sampled, up to `lag` beyond the one that is trained, and none beyond the last."""

    def __init__(self, collect: Callable[[int, int], Collected], sampler: Sampler, *, lag: int, last: int, done: int = 0) -> None:
        self.collect, self.sampler, self.lag, self.last = collect, sampler, lag, last
        self.begun = self.weights = done  # steps asked for; steps that the sampler's weights have seen
        # What the next step is sampled with, where the trainer has moved on from it; empty where it has not.
        self.past: dict[str, Tensor] = {}
        self.pending: dict[int, Future[Collected]] = {}
        # A new thread would choose its own number of threads for torch, and with it how sums are rounded.
        threads = torch.get_num_threads()
        self.pool = ThreadPoolExecutor(1, "sampling", initializer=torch.set_num_threads, initargs=(threads,)) if lag else None

    def __enter__(self) -> Ahead:
        return self

    def __exit__(self, *_: object) -> None:
        if self.pool is not None:
            self.pool.shutdown(cancel_futures=True)

    def take(self, step: int) -> Collected:
        """What this step is trained on. From here on the next one is sampled meanwhile, if there is a lag."""
        self._begin_until(step + self.lag)
        return self.pending.pop(step).result()

    def keep(self, weights: Weights) -> None:
        """Always before training: remember the weights that the steps under way are sampled with."""
        if self.lag:
            self.past.clear()  # first, so that two copies are never held
            self.past.update((name, tensor.detach().clone()) for name, tensor in weights)

    def sync(self, step: int, weights: Weights) -> None:
        """Always after training: the sampler takes the new weights over, once it is idle."""
        wait(self.pending.values())
        self.sampler.load(weights)
        self.weights = step

    def resume(self, done: int, past: dict[str, Tensor], weights: Weights) -> None:
        """Bring the sampler to a checkpoint. What had been sampled ahead of it is sampled again, with the weights of then."""
        if past:
            self.past = past
            self.sampler.load(past.items())
            self.weights = done - 1
            self._begin_until(done + self.lag)
        self.sync(done, weights)

    def _begin_until(self, step: int) -> None:
        for following in range(self.begun + 1, min(step, self.last) + 1):
            self.pending[following] = self._submit(following)
            self.begun = following

    def _submit(self, step: int) -> Future[Collected]:
        if self.pool is not None:
            # In this context, so that what is said there goes to the console of this run.
            return self.pool.submit(copy_context().run, self.collect, step, self.weights)
        now: Future[Collected] = Future()
        now.set_result(self.collect(step, self.weights))
        return now


@contextmanager
def as_of(past: dict[str, Tensor], weights: Weights) -> Iterator[None]:
    """Inside, the weights hold their past values. Without a past, they stay as they are."""
    current = [(name, tensor) for name, tensor in weights if past]
    _swap(current, past)
    try:
        yield
    finally:
        _swap(current, past)


@torch.no_grad()
def _swap(weights: Weights, past: dict[str, Tensor]) -> None:
    """In place, one tensor at a time, so that no second copy of the model is ever held."""
    for name, tensor in weights:
        before = tensor.detach().clone()
        tensor.copy_(past[name])
        past[name].copy_(before)

"""The environments of a stage, in worker processes: each step has a deadline, and one that fails costs its own rollout alone."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

from r1lite.config import ScoringConfig
from r1lite.episodes.contract import episodes
from r1lite.episodes.play import Call, Reply, Spec, answer, failed, forget, play
from r1lite.parallel import world
from r1lite.registry import load_plugins
from r1lite.scoring.functions import Functions, pickled, register
from r1lite.scoring.workers import Worker
from r1lite.types import Verdict

Pending = tuple[Call, Future[Reply]]


class Host:
    """Answers the steps of environments. A rollout's environment stays with one worker."""

    def __init__(self, spec: Spec, cfg: ScoringConfig, functions: Functions) -> None:
        made: Any = spec.make()
        self.spec = spec
        self.stop: tuple[str, ...] = tuple(getattr(made, "stop", ()))
        self._seconds = max(cfg.seconds, float(getattr(made, "seconds", 0.0)))
        self._count = max(1, cfg.workers // world.local_size()) if cfg.workers else 0  # the machine's workers, divided among its ranks
        self._memory_mb, self._functions = cfg.memory_mb, functions
        self._workers: list[_EpisodeWorker] = []

    def ask(self, calls: Sequence[Call]) -> list[Future[Reply]]:
        """The answer to each call. The environments work in the background."""
        futures: list[Future[Reply]] = [Future() for _ in calls]
        if not self._count:
            for call, future in zip(calls, futures, strict=True):
                future.set_result(answer(self.spec, call))
            return futures
        if not self._workers:
            self._workers = self._start()
        shares: list[list[Pending]] = [[] for _ in self._workers]
        for call, future in zip(calls, futures, strict=True):
            shares[zlib.crc32(call.key.encode()) % self._count].append((call, future))
        for worker, share in zip(self._workers, shares, strict=True):
            if share:
                worker.submit(share)
        return futures

    def forget(self) -> None:
        """Drop all environments. No episode may be in progress."""
        if not self._count:
            forget()
        for worker in self._workers:
            worker.forget()

    def _start(self) -> list[_EpisodeWorker]:
        prepare = partial(_prepare, self.spec, pickled(self._functions))
        return [_EpisodeWorker(Worker(prepare, self._memory_mb), self.spec, self._seconds) for _ in range(self._count)]


class _EpisodeWorker:
    """A worker process, and the thread that waits for it."""

    def __init__(self, worker: Worker, spec: Spec, seconds: float) -> None:
        self._worker, self._spec, self._seconds = worker, spec, seconds
        self._thread = ThreadPoolExecutor(1, "episodes")
        self._steps: dict[str, int] = {}  # how many steps the process has made with each environment that it holds

    def submit(self, share: list[Pending]) -> None:
        self._thread.submit(self._answer, share)

    def forget(self) -> None:
        self._thread.submit(self._forget)

    def _answer(self, share: list[Pending]) -> None:
        """Answer each call. After a lost one the rest goes to a fresh process, which makes their environments again."""
        while share:
            calls = [call for call, _ in share]
            try:
                for reply in self._worker.stream(partial(play, self._spec, calls), seconds=lambda: self._deadline(share)):
                    call, future = share.pop(0)
                    self._steps[call.key] = len(call.replies)
                    future.set_result(reply)
            except TimeoutError:
                why = f"episode {self._spec.name!r}: no answer within {self._deadline(share):g} s"
                lost = Verdict(value=None, why=why, outcome="timed_out")
            except BaseException as error:  # the worker died, or the run ends: nobody may wait forever
                lost = failed(self._spec, f"{type(error).__name__}: {error}")
            else:
                continue
            self._steps.clear()
            share.pop(0)[1].set_result(lost)

    def _deadline(self, share: Sequence[Pending]) -> float:
        """Seconds for the next answer: the more, the more steps have to be made again."""
        if not share:
            return self._seconds
        call, _ = share[0]
        return self._seconds * max(1, len(call.replies) - self._steps.get(call.key, 0))

    def _forget(self) -> None:
        self._steps.clear()
        with suppress(Exception):
            list(self._worker.stream(forget, seconds=self._seconds))


def _prepare(spec: Spec, functions: bytes) -> None:
    """In a fresh worker: import the environment, so that no step spends its deadline on that."""
    with suppress(Exception):  # the first call raises the same error, and reports it
        load_plugins(spec.plugins)
        register(functions)
        _ = episodes[spec.name]

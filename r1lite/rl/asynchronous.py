"""Asynchronous sampling: groups are asked for ahead of training, and a step takes those that have finished.

While a step is trained, servers work on the groups of later steps, and a completion that is running when new weights arrive goes on with
them. `Admission` keeps every group within `rl.lag` steps. What a step consists of depends on timing; the ledger has
it, and `rl.replay` trains the same steps again.

The leader asks, scores and decides. Other ranks receive the groups of each step.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from r1lite.advantage import has_signal
from r1lite.config import RLConfig
from r1lite.data.feed import Feed
from r1lite.learning.sharding import full_weights
from r1lite.parallel import exchange, world
from r1lite.rl.admission import Admission
from r1lite.rl.collect import Collected
from r1lite.rl.staleness import staleness
from r1lite.sampling.rollouts import Sampler
from r1lite.sampling.vllm.client import Server
from r1lite.sampling.vllm.connection import ServerError
from r1lite.sampling.vllm.requests import Job
from r1lite.sampling.vllm.server import VllmServerEngine
from r1lite.scoring.metrics import rewards_of
from r1lite.scoring.scorer import Scorer
from r1lite.store.metrics import Stopwatch
from r1lite.types import Completion, Problem, Request, Rollout, Scored

PROBE_TOKENS = 32  # of each completion by which new weights are checked
Weights = Iterable[tuple[str, Tensor]]


@dataclass(kw_only=True)
class _Asked:
    """A group in progress."""

    problem: Problem
    position: int  # of the problem in the data
    request: Request
    completions: dict[int, Completion] = field(default_factory=dict)
    scored: list[Scored] = field(default_factory=list)


class Asynchronous:
    """Keeps groups in progress for `rl.lag` steps beyond the one in training."""

    past: dict[str, Tensor] = {}  # noqa: RUF012 (no step needs earlier weights: new ones are checked by probes)

    def __init__(
        self, sampler: Sampler, scorer: Scorer, feed: Feed, cfg: RLConfig, *, rows: int, probes: int, refill: int, done: int = 0
    ) -> None:
        assert isinstance(sampler.engine, VllmServerEngine)
        self.sampler, self.engine, self.scorer, self.feed, self.cfg = sampler, sampler.engine, scorer, feed, cfg
        self.rows, self.probes, self.refill, self.weights_step = rows, probes, refill, done
        self.engine.fleet.continue_through_updates()
        self.admission = Admission(per_step=cfg.prompts_per_step, lag=cfg.lag, last=cfg.steps, done=done)
        self.groups: dict[int, _Asked] = {}
        self.running = 0  # completions that were asked for and have not finished
        self.without_signal: list[int] = []  # finished groups in place of which others were asked for
        self.dropped = 0
        self.again: list[int] = []  # positions of problems that were asked for before the run was interrupted
        self.probed: list[Future[Rollout | None]] = []
        self.error: BaseException | None = None
        self.closed = False
        self.changed = threading.Condition(threading.RLock())  # guards all of the above
        leads = world.is_leader()
        self.pool = ThreadPoolExecutor(rows, "sampling") if leads else None
        self.probing = ThreadPoolExecutor(max(1, len(self.engine.fleet.servers)), "probing") if leads else None

    def __enter__(self) -> Asynchronous:
        return self

    def __exit__(self, *_: object) -> None:
        with self.changed:
            self.closed = True
        for pool in (self.pool, self.probing):
            if pool is not None:
                pool.shutdown(wait=False, cancel_futures=True)
        if self.running and world.is_leader():
            self.engine.abort()

    def take(self, step: int) -> Collected:
        """Wait until a step can be formed of finished groups."""
        return exchange.on_leader(lambda: self._take(step))

    def keep_past(self, weights: Weights) -> None:
        """Nothing to keep: what was sampled with earlier weights is corrected by the sampler's log-probs."""

    def sync(self, step: int, weights: Weights) -> None:
        """Give the servers new weights while they work, ask for more groups, and have the weights checked before the next step."""
        self.sampler.load(full_weights(weights))
        with self.changed:
            self.weights_step = step
            self._ask()
            self._probe()

    def resume(self, done: int, outstanding: Iterable[int], weights: Weights) -> None:
        """Ask again for the groups that were in progress."""
        self.again = list(outstanding)
        self.sync(done, weights)

    def progress(self, collected: Collected) -> dict[str, Any]:
        """What a checkpoint keeps: where the data stands, and which of the problems before that have not been trained on."""
        with self.changed:
            waiting = [asked.position for asked in self.groups.values()]
            return {"position": self.feed.position, "settled": list(self.feed.settled), "outstanding": [*waiting, *self.again]}

    def _take(self, step: int) -> Collected:
        watch = Stopwatch()
        with watch.lap("sample"), self.changed:
            while (places := self._ready()) is None:
                if self.error:
                    raise self.error
                self.changed.wait(timeout=1.0)
            extra, self.without_signal = self.without_signal, []
            dropped, self.dropped = self.dropped, 0
            groups = [self.groups.pop(place).scored for place in sorted([*places, *extra])]
        with watch.lap("check"):
            probes = [rollout for probe in self.probed if (rollout := probe.result()) is not None]
        self.scorer.count(groups)
        self.feed.learn(groups)
        return Collected(
            groups=groups,
            sampled_by=[0] * len(groups),
            weights_step=self.weights_step,
            position=self.feed.position,
            settled=self.feed.settled,
            prompts=self.feed.metrics() | staleness(groups, step) | {"groups/dropped": float(dropped)} | self.engine.metrics(),
            broken=self.scorer.broken(),
            seconds=watch.metrics(),
            probes=probes,
        )

    def _ready(self) -> list[int] | None:
        """The groups of the next step; None if it has to wait. Without `rl.wait_for_slow`, overdue groups are dropped instead."""
        if not self.cfg.wait_for_slow:
            for place in self.admission.overdue():
                self.admission.discard(place)
                del self.groups[place]
                self.dropped += 1
            self._ask()
        return self.admission.take()

    def _ask(self) -> None:
        """Ask for as many groups as may be asked for now and can be begun: one that waited for its turn would grow stale."""
        self.feed.begin(self.weights_step + 1, self.cfg.steps)
        while self.pool is not None and self._can_begin() and self.admission.may_ask(self.weights_step):
            position, problem = self.feed.take_at(self.again.pop(0) if self.again else None)
            place = self.admission.ask(self.weights_step)
            (request,) = self.sampler.requests([problem], n=self.cfg.group_size, seed=f"{self.feed.seed}/{position}")
            self.groups[place] = _Asked(problem=problem, position=position, request=request)
            self.running += self.cfg.group_size
            for index in range(self.cfg.group_size):
                self.pool.submit(copy_context().run, self._run, place, self.groups[place], index)

    def _can_begin(self) -> bool:
        """Whether the servers have room for a group. Groups of which a few completions are still running take little of it."""
        return not self.closed and (self.running == 0 or self.running + self.cfg.group_size <= self.rows)

    def _run(self, place: int, asked: _Asked, index: int) -> None:
        """Sample one completion, and ask for more in its place. Runs in a thread."""
        try:
            if not self.closed and place in self.groups:
                with world.alone():
                    self._complete(place, asked, index)
            with self.changed:
                self.running -= 1
                self._ask()
        except BaseException as error:  # raised in `take`
            with self.changed:
                self.error = self.error or error
                self.changed.notify_all()

    def _complete(self, place: int, asked: _Asked, index: int) -> None:
        """Sample one completion, and have the group scored after the last one."""
        completion = self.engine.complete_one(asked.request, place, index)
        with self.changed:
            asked.completions[index] = completion
            if len(asked.completions) < self.cfg.group_size:
                return
        completions = [asked.completions[i] for i in range(self.cfg.group_size)]
        group = self.sampler.group(place, asked.problem, asked.request, completions)
        job = self.scorer.submit(group)
        asked.scored = self.scorer.scored(group, job)
        self._finish(place, asked)

    def _finish(self, place: int, asked: _Asked) -> None:
        with self.changed:
            if not self.admission.finish(place):
                return
            most = self.refill * self.cfg.prompts_per_step
            if len(self.without_signal) < most and not has_signal(rewards_of(asked.scored)):
                self.admission.discard(place)
                self.without_signal.append(place)
            self.changed.notify_all()

    def _probe(self) -> None:
        """Ask every server for completions with the new weights, which the parity check compares before the next step."""
        self.probed, servers = [], self.engine.fleet.in_use()
        if self.probing is None or not self.groups or not self.probes or not servers:
            return
        asked, count = next(reversed(self.groups.values())), max(self.probes, len(servers))
        (request,) = self.sampler.requests([asked.problem], n=count, seed=f"{self.feed.seed}/probe/{self.weights_step}")
        short = Request(prompt_ids=request.prompt_ids, seeds=request.seeds, max_tokens=min(PROBE_TOKENS, request.max_tokens))
        for index in range(count):
            job = Job(request=short, request_index=0, index=index)
            self.probed.append(self.probing.submit(self._probe_on, servers[index % len(servers)], asked.problem, job))

    def _probe_on(self, server: Server, problem: Problem, job: Job) -> Rollout | None:
        """None if the server fails, which the next request will find as well."""
        try:
            completion = self.engine.complete_on(server, job)
        except ServerError:
            return None
        return self.sampler.group(0, problem, job.request, [completion]).rollouts[0]

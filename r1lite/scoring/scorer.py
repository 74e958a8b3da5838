"""Scores rollouts with the chosen rules, in worker processes that can be killed, while sampling continues.

A worker scores a group and returns its verdicts one by one, each within a deadline. A rule that hangs loses one verdict (a
rule on groups: those of the group), and a fresh worker scores the rest of the group.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from functools import partial

from r1lite.config import ScoringConfig
from r1lite.parallel import exchange, world
from r1lite.registry import load_plugins
from r1lite.scoring.functions import pickled, register
from r1lite.scoring.rules import Rules
from r1lite.scoring.verdicts import ByRule, as_rows, next_missing, stream_verdicts, verdicts_of
from r1lite.scoring.workers import Worker, Workers
from r1lite.types import Group, Scored, Verdict
from rewards import rewards

Job = Future[list[dict[str, Verdict]]]


class RuleBroken(ValueError):
    """A rule fails or hangs too often to be trained on."""

    def __init__(self, message: str, *, rule: str = "", outcome: str = "failed", share: float = 1.0) -> None:
        super().__init__(message)
        self.rule, self.outcome, self.share = rule, outcome, share  # the outcome that is more frequent of failed and timed_out


class Scorer:
    """Scores this rank's groups as they arrive; results are those of all ranks, whatever the number of ranks and workers."""

    def __init__(self, rules: Rules, cfg: ScoringConfig) -> None:
        self.rules, self.cfg = rules, cfg
        self._sent = replace(rules, functions={})  # what a call sends to a worker, which received the functions when it started
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.reasons: dict[str, str] = {}  # rule -> why its first verdict is missing
        self.deadlines = {name: rewards.declaration(name).seconds(rules.options[name]) for name in rules.weights}
        self.workers = self._start_workers() if cfg.workers else None

    def __enter__(self) -> Scorer:
        return self

    def __exit__(self, *_: object) -> None:
        if self.workers is not None:
            self.workers.stop()

    def score(self, groups: Iterable[Group]) -> list[list[Scored]]:
        return self.wait(self.ask(groups))

    def ask(self, groups: Iterable[Group]) -> list[tuple[Group, Job]]:
        """Hand each group to a worker as soon as it is sampled."""
        return [(group, self.submit(group)) for group in groups]

    def wait(self, jobs: Sequence[tuple[Group, Job]]) -> list[list[Scored]]:
        """The scored rollouts of all ranks, in the order of the problems."""
        own = [(group.place, self.scored(group, job)) for group, job in jobs]
        scored = [of_group for _, of_group in sorted(exchange.gather_flat(own), key=lambda one: one[0])]
        self.count(scored)
        return scored

    def _start_workers(self) -> Workers:
        prepare = partial(_prepare, self._sent, pickled(self.rules.functions))
        count = max(1, self.cfg.workers // world.local_size())  # the machine's workers, divided among its ranks
        return Workers(count, prepare=prepare, memory_mb=self.cfg.memory_mb)

    def submit(self, group: Group) -> Job:
        if self.workers is not None:
            return self.workers.submit(partial(self._score_in, group))
        job: Job = Future()
        job.set_result(verdicts_of(self.rules, group))
        return job

    def _score_in(self, group: Group, worker: Worker) -> list[dict[str, Verdict]]:
        """Collect verdicts from the worker. If one does not come, record why, and continue after it in a fresh worker."""
        so_far: ByRule = {}
        while missing := next_missing(self.rules, group, so_far):
            try:
                for name, verdicts in worker.stream(
                    partial(stream_verdicts, self._sent, group, so_far), seconds=lambda: self._deadline(group, so_far)
                ):
                    so_far.setdefault(name, []).extend(verdicts)
            except TimeoutError:
                lost = Verdict(value=None, why=f"no verdict within {self._deadline(group, so_far):g} s", outcome="timed_out")
            except Exception as error:  # a rule may be third-party code: the worker died, or could not send its verdict
                lost = Verdict(value=None, why=f"{type(error).__name__}: {error}", outcome="failed")
            else:
                break
            name, count = next_missing(self.rules, group, so_far) or missing
            so_far.setdefault(name, []).extend([lost] * count)
        return as_rows(self.rules, group, so_far)

    def _deadline(self, group: Group, so_far: ByRule) -> float:
        """Seconds for the next verdict: scoring.seconds, or more if its rule declares more."""
        missing = next_missing(self.rules, group, so_far)
        return max(self.cfg.seconds, self.deadlines[missing[0]] if missing else 0.0)

    def scored(self, group: Group, job: Job) -> list[Scored]:
        verdicts = job.result()
        return [
            Scored(
                problem=group.problem,
                rollout=rollout,
                reward=self.rules.total(row),
                right=self.rules.is_right(row, group.problem),
                verdicts=row,
            )
            for rollout, row in zip(group.rollouts, verdicts, strict=True)
        ]

    def count(self, scored: Sequence[Sequence[Scored]]) -> None:
        """Count the outcomes of verdicts, by which a broken rule is found."""
        verdicts = [(name, v) for group in scored for s in group for name, v in s.verdicts.items()]
        self.outcomes.update((name, v.outcome) for name, v in verdicts)
        for name, v in verdicts:
            if v.outcome in ("failed", "timed_out"):
                self.reasons.setdefault(name, v.why)

    def check_health(self) -> None:
        """Raise RuleBroken rather than train on a broken rule."""
        if error := self.broken():
            raise error

    def broken(self) -> RuleBroken | None:
        """The error of the first rule that fails too often, over everything scored so far."""
        for name in self.rules.weights:
            counts = {outcome: n for (rule, outcome), n in self.outcomes.items() if rule == name}
            bad, total = counts.get("failed", 0) + counts.get("timed_out", 0), sum(counts.values())
            if total and bad / total > self.cfg.max_failed_share:
                return RuleBroken(
                    f"rule {name!r} gave no verdict for {bad} of {total} rollouts ({counts}). The first reason: {self.reasons.get(name)}. "
                    f"Fix the rule, or raise scoring.max_failed_share (now {self.cfg.max_failed_share:g}).",
                    rule=name,
                    outcome="timed_out" if counts.get("timed_out", 0) > counts.get("failed", 0) else "failed",
                    share=bad / total,
                )
        return None


def _prepare(rules: Rules, functions: bytes) -> None:
    """In a fresh worker: import the rules and warm them up, so that no verdict spends its deadline on that."""
    with suppress(Exception):  # here and below: the first verdict raises the same error, and reports it
        load_plugins(rules.plugins)
    register(functions)
    for name in rules.weights:
        with suppress(Exception):
            if warm_up := rewards.declaration(name).warm_up:
                warm_up(**rules.options[name])

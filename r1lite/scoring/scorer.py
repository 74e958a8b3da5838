"""Rollouts x rules -> verdicts and a total, in worker processes that can be killed, while sampling goes on.

A worker scores a group and gives its verdicts one by one. Each has a deadline: a rule that hangs costs that much, and
the rest of its group is scored by a fresh worker.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any

from r1lite.config import ScoringConfig
from r1lite.registry import load_plugins
from r1lite.scoring.rules import Rules
from r1lite.scoring.verdicts import Told, as_rows, judge, judgements, next_missing
from r1lite.scoring.workers import Worker, Workers
from r1lite.types import Group, Scored, Verdict

Job = Future[list[dict[str, Verdict]]]


class RuleBroken(ValueError):
    """A rule fails or hangs too often to be trained on."""


class Scorer:
    """Scores groups as they come; results are given in the order of asking, whatever the number of workers."""

    def __init__(self, rules: Rules, cfg: ScoringConfig) -> None:
        self.rules, self.cfg = rules, cfg
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.reasons: dict[str, str] = {}  # rule -> why its first verdict is missing
        self.deadlines = {name: _asked_for("deadline", name, rules) or 0.0 for name in rules.weights}
        self.workers = Workers(cfg.workers, prepare=partial(_prepare, rules), memory_mb=cfg.memory_mb) if cfg.workers else None

    def __enter__(self) -> Scorer:
        return self

    def __exit__(self, *_: object) -> None:
        if self.workers is not None:
            self.workers.stop()

    def score(self, groups: Iterable[Group]) -> list[list[Scored]]:
        return self.wait(self.ask(groups))

    def ask(self, groups: Iterable[Group]) -> list[tuple[Group, Job]]:
        """Hand each group to a worker as soon as it is sampled."""
        return [(group, self._submit(group)) for group in groups]

    def wait(self, asked: Sequence[tuple[Group, Job]]) -> list[list[Scored]]:
        """The verdicts, in the order of asking."""
        return [self._scored(group, job) for group, job in asked]

    def _submit(self, group: Group) -> Job:
        if self.workers is not None:
            return self.workers.submit(partial(self._judged, group))
        job: Job = Future()
        job.set_result(judge(self.rules, group))
        return job

    def _judged(self, group: Group, worker: Worker) -> list[dict[str, Verdict]]:
        """Verdicts as the worker gives them. Where one does not come, it is missing, and a fresh worker goes on after it."""
        told: Told = {}
        while missing := next_missing(self.rules, group, told):
            try:
                for name, verdicts in worker.stream(
                    partial(judgements, self.rules, group, told), seconds=lambda: self._deadline(group, told)
                ):
                    told.setdefault(name, []).extend(verdicts)
            except TimeoutError:
                lost = Verdict(value=None, why=f"no verdict within {self._deadline(group, told):g} s", outcome="timed_out")
            except Exception as error:  # the one boundary that runs others' code: the worker died, or could not answer
                lost = Verdict(value=None, why=f"{type(error).__name__}: {error}", outcome="failed")
            else:
                break
            name, count = next_missing(self.rules, group, told) or missing
            told.setdefault(name, []).extend([lost] * count)
        return as_rows(self.rules, group, told)

    def _deadline(self, group: Group, told: Told) -> float:
        """Of the next verdict: scoring.seconds, unless its rule asks for more."""
        missing = next_missing(self.rules, group, told)
        return max(self.cfg.seconds, self.deadlines[missing[0]] if missing else 0.0)

    def _scored(self, group: Group, job: Job) -> list[Scored]:
        verdicts = job.result()
        for row in verdicts:
            for name, v in row.items():
                if v.outcome in ("failed", "timed_out"):
                    self.reasons.setdefault(name, v.why)
        self.outcomes.update((name, v.outcome) for row in verdicts for name, v in row.items())
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

    def check_health(self) -> None:
        """Training on a broken verifier is worse than stopping."""
        if error := self.broken():
            raise error

    def broken(self) -> RuleBroken | None:
        """What is wrong with a rule that fails too often, judging by all that was scored so far."""
        for name in self.rules.weights:
            counts = {outcome: n for (rule, outcome), n in self.outcomes.items() if rule == name}
            bad, total = counts.get("failed", 0) + counts.get("timed_out", 0), sum(counts.values())
            if total and bad / total > self.cfg.max_failed_share:
                return RuleBroken(
                    f"rule {name!r} gave no verdict for {bad} of {total} rollouts ({counts}). The first reason: {self.reasons.get(name)}. "
                    f"Mend the rule, or raise scoring.max_failed_share (now {self.cfg.max_failed_share:g})."
                )
        return None


def _prepare(rules: Rules) -> None:
    """Import the rules, and what they import later, in a fresh worker: no verdict pays for it out of its deadline."""
    with suppress(Exception):  # here and below: it comes again with the first verdict, and is reported there
        load_plugins(rules.plugins)
    for name in rules.weights:
        with suppress(Exception):
            _asked_for("warm_up", name, rules)


def _asked_for(what: str, name: str, rules: Rules) -> Any:
    """A function that a rule's module may have beside the rule: warm_up, before its first verdict; deadline, in seconds."""
    from rewards import rewards

    function = getattr(sys.modules[rewards[name].__module__], what, None)
    return function(**rules.options[name]) if function else None

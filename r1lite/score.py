"""Rollouts x rules -> verdicts and a total, in worker processes that can be killed, while sampling goes on.

A group is scored as one job. Where a job runs out of time, its worker is killed and each of its verdicts gets a
process and a deadline of its own, so that a rule that hangs costs its own deadline and nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial

from r1lite.config import ScoringConfig
from r1lite.registry import load_plugins
from r1lite.rules import Rules, judge, judge_rule
from r1lite.types import Group, Scored, Verdict
from r1lite.workers import Workers

Job = Future[list[dict[str, Verdict]]]


class RuleBroken(ValueError):
    """A rule fails or hangs too often to be trained on."""


class Scorer:
    """Scores groups as they come; results are given in the order of asking, whatever the number of workers."""

    def __init__(self, rules: Rules, cfg: ScoringConfig) -> None:
        self.rules, self.cfg = rules, cfg
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.reasons: dict[str, str] = {}  # rule -> why its first verdict is missing
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
        if self.workers is None:
            job: Job = Future()
            job.set_result(judge(self.rules, group))
            return job
        # Slack for the whole group; only where it runs out are single verdicts timed.
        return self.workers.submit(judge, self.rules, group, seconds=2 * self.cfg.seconds)

    def _scored(self, group: Group, job: Job) -> list[Scored]:
        try:
            verdicts = job.result()
        except Exception:  # the one boundary that runs others' code: the worker hung, crashed or could not answer
            verdicts = self._one_by_one(group)
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
                right=self.rules.is_right(row),
                verdicts=row,
            )
            for rollout, row in zip(group.rollouts, verdicts, strict=True)
        ]

    def _one_by_one(self, group: Group) -> list[dict[str, Verdict]]:
        """Each verdict with a deadline of its own (a rule on groups has one deadline for the group)."""
        rules = self.rules
        told = {rules.right_rule: self._alone(rules.right_rule, group, [None] * len(group.rollouts))}
        right = rules.who_is_right(told[rules.right_rule])
        told |= {name: self._alone(name, group, right) for name in rules.weights if name != rules.right_rule}
        return [{name: told[name][i] for name in rules.weights} for i in range(len(group.rollouts))]

    def _alone(self, name: str, group: Group, right: Sequence[bool | None]) -> list[Verdict]:
        from rewards import rewards, sees_group

        if sees_group(rewards[name]):
            return self._timed(name, group, right)
        singles = ((Group(problem=group.problem, rollouts=(r,)), [ok]) for r, ok in zip(group.rollouts, right, strict=True))
        return [self._timed(name, single, ok)[0] for single, ok in singles]

    def _timed(self, name: str, group: Group, right: Sequence[bool | None]) -> list[Verdict]:
        assert self.workers is not None
        try:
            return self.workers.submit(judge_rule, self.rules, name, group, right=right, seconds=self.cfg.seconds).result()
        except TimeoutError:
            missing = Verdict(value=None, why=f"no verdict within {self.cfg.seconds:g} s", outcome="timed_out")
        except Exception as error:  # the worker died under this verdict
            missing = Verdict(value=None, why=f"{type(error).__name__}: {error}", outcome="failed")
        return [missing] * len(group.rollouts)

    def check_health(self) -> None:
        """Training on a broken verifier is worse than stopping."""
        for name in self.rules.weights:
            counts = {outcome: n for (rule, outcome), n in self.outcomes.items() if rule == name}
            bad, total = counts.get("failed", 0) + counts.get("timed_out", 0), sum(counts.values())
            if total and bad / total > self.cfg.max_failed_share:
                raise RuleBroken(
                    f"rule {name!r} gave no verdict for {bad} of {total} rollouts ({counts}). The first reason: {self.reasons.get(name)}. "
                    f"Mend the rule, or raise scoring.max_failed_share (now {self.cfg.max_failed_share:g})."
                )


def _prepare(rules: Rules) -> None:
    """Import the rules in a fresh worker, so that no verdict pays for it out of its deadline."""
    from rewards import rewards

    with suppress(Exception):  # it comes again with the first verdict, and is reported there
        load_plugins(rules.plugins)
        for name in rules.weights:
            rewards[name]


if __name__ == "__main__":
    from r1lite.score_file import main

    main()

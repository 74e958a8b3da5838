"""Scores the battery with the chosen rules, twice, and measures how long a verdict takes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from r1lite.audit.mutants import Mutant, battery, wrong_answer
from r1lite.config import ScoringConfig
from r1lite.scoring.gold import gold_response
from r1lite.scoring.rules import Rules
from r1lite.scoring.scorer import Scorer
from r1lite.scoring.verdicts import verdicts_of
from r1lite.types import Group, Problem, Scored, Verdict

TIMED_SECONDS = 1.0  # time for measuring one rule

Case = tuple[Problem, list[Mutant]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """A mutant of one problem, its scores, and the reward of the problem's gold response."""

    mutant: Mutant
    scored: Scored
    again: Mapping[str, Verdict]  # a second time, in another process
    gold: float


def some_split(task: Any) -> Sequence[Problem]:
    """The problems of the training split; of the test split, if there is no other."""
    try:
        return task.problems("train")
    except ValueError:
        return task.problems("test")


def make_cases(task: Any, count: int) -> list[Case]:
    """The first problems of the training split (of the test split, if there is no other), each with its battery."""
    problems = list(islice(iter(some_split(task)), count))
    golds = [gold_response(task, problem) for problem in problems]
    cases = []
    for i, (problem, gold) in enumerate(zip(problems, golds, strict=True)):
        other_answers = (other.answer for other in [*golds[i + 1 :], *golds[:i]])
        cases.append((problem, battery(gold, problem, wrong_answer(gold.answer, other_answers))))
    return cases


def try_all(rules: Rules, cfg: ScoringConfig, cases: Sequence[Case]) -> list[Trial]:
    """Score every case twice, in two processes. If a rule hangs on the first problem, score only that one."""
    groups = [Group(problem=p, rollouts=tuple(m.rollout(p, i) for i, m in enumerate(mutants))) for p, mutants in cases]
    with Scorer(rules, cfg) as scorer:
        first = scorer.score(groups[:1])
        if hung(first[0]):
            groups = groups[:1]
        first += scorer.score(groups[1:])
    again = first if hung(first[0]) else _score_in_reverse(rules, cfg, groups)
    return [
        Trial(mutant=mutant, scored=scored, again=second.verdicts, gold=group[0].reward)
        for (_, mutants), group, repeated in zip(cases[: len(groups)], first, again, strict=True)
        for mutant, scored, second in zip(mutants, group, repeated, strict=True)
    ]


def hung(scored: Sequence[Scored]) -> set[str]:
    """The rules that exceeded the deadline."""
    return {name for s in scored for name, v in s.verdicts.items() if v.outcome == "timed_out"}


def _score_in_reverse(rules: Rules, cfg: ScoringConfig, groups: Sequence[Group]) -> list[list[Scored]]:
    """Score in a new process and in reverse order. This exposes rules that depend on earlier calls or on hash seeds."""
    in_reverse = [replace(g, rollouts=g.rollouts[::-1]) for g in groups[::-1]]
    with Scorer(rules, cfg) as scorer:
        return [group[::-1] for group in scorer.score(in_reverse)[::-1]]


def timings(rules: Rules, trials: Sequence[Trial]) -> dict[str, list[float]]:
    """Seconds of single verdicts, for each rule that does not hang."""
    hanging = hung([t.scored for t in trials])
    return {name: _time_verdicts(_single_rule(rules, name), trials) for name in rules.weights if name not in hanging}


def _time_verdicts(rules: Rules, trials: Sequence[Trial]) -> list[float]:
    verdicts_of(rules, _as_group(trials[0]))  # not timed: a rule may import libraries on its first call
    seconds: list[float] = []
    for trial in trials:
        started = time.perf_counter()
        verdicts_of(rules, _as_group(trial))
        seconds.append(time.perf_counter() - started)
        if sum(seconds) > TIMED_SECONDS:
            break
    return seconds


def _as_group(trial: Trial) -> Group:
    return Group(problem=trial.scored.problem, rollouts=(trial.scored.rollout,))


def _single_rule(rules: Rules, name: str) -> Rules:
    """One rule, together with the rule that decides what is correct if it needs that."""
    from rewards import rewards

    kept = {name, rules.right_rule} if rewards.declaration(name).takes_right else {name}
    return replace(rules, weights={n: w for n, w in rules.weights.items() if n in kept}, gates=rules.gates & kept)

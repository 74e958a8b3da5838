"""The battery tried on the chosen rules: who was paid what, twice, and how long a verdict takes."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from r1lite.commands.mutants import Mutant, asked, battery, is_chinese, wrong_answer
from r1lite.config import ScoringConfig
from r1lite.scoring.rules import Rules
from r1lite.scoring.scorer import Scorer
from r1lite.scoring.verdicts import verdicts_of
from r1lite.types import Group, Problem, Response, Scored, Verdict

TIMED_SECONDS = 1.0  # spent on measuring one rule
STAND_IN = "First, we read the question with care. Next, we work it out one step at a time. Finally, we check that the result fits."
CHINESE_STAND_IN = "首先，我们把题目仔细读一遍。然后，一步一步地算出结果。最后，检查答案是不是合理。"

Case = tuple[Problem, list[Mutant]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """A mutant of one problem, what it was paid, and what that problem's gold response was paid."""

    mutant: Mutant
    scored: Scored
    again: Mapping[str, Verdict]  # the same, in another process
    gold: float


def make_cases(task: Any, count: int) -> list[Case]:
    """The first problems of the training split, or of the only one there is, each with its battery."""
    try:
        problems = list(islice(iter(task.problems("train")), count))
    except ValueError:
        problems = list(islice(iter(task.problems("test")), count))
    golds = [gold_response(task, problem) for problem in problems]
    cases = []
    for i, (problem, gold) in enumerate(zip(problems, golds, strict=True)):
        others = (other.answer for other in [*golds[i + 1 :], *golds[:i]])
        cases.append((problem, battery(gold, problem, wrong_answer(gold.answer, others))))
    return cases


def gold_response(task: Any, problem: Problem) -> Response:
    """The task's own demonstration, or the expected answer after a thought that fits any question."""
    if hasattr(task, "demonstration"):
        return task.demonstration(problem)
    answer, choices = problem.answer, problem.info.get("choices", ())
    if answer is None:
        raise ValueError(f"problem {problem.id} has no answer, so there is no gold response to audit with. Map one with task.columns.")
    if type(answer) is int and answer in range(len(choices)):
        answer = choices[answer]  # an index
    if isinstance(answer, list | tuple) and answer and all(isinstance(a, str) for a in answer):
        answer = answer[0]  # any of them is accepted
    if isinstance(answer, dict | list | tuple):
        answer = json.dumps(answer, ensure_ascii=False)
    return Response(thought=CHINESE_STAND_IN if is_chinese(asked(problem)) else STAND_IN, answer=str(answer))


def try_all(rules: Rules, cfg: ScoringConfig, cases: Sequence[Case]) -> list[Trial]:
    """Every case twice, in two processes. Where a rule hangs on the first problem, that is as far as it goes."""
    groups = [Group(problem=p, rollouts=tuple(m.rollout(p, i) for i, m in enumerate(mutants))) for p, mutants in cases]
    with Scorer(rules, cfg) as scorer:
        first = scorer.score(groups[:1])
        if hung(first[0]):
            groups = groups[:1]
        first += scorer.score(groups[1:])
    again = first if hung(first[0]) else _backwards(rules, cfg, groups)
    return [
        Trial(mutant=mutant, scored=scored, again=second.verdicts, gold=row[0].reward)
        for (_, mutants), row, repeated in zip(cases[: len(groups)], first, again, strict=True)
        for mutant, scored, second in zip(mutants, row, repeated, strict=True)
    ]


def hung(scored: Sequence[Scored]) -> set[str]:
    """The rules that gave no verdict in time."""
    return {name for s in scored for name, v in s.verdicts.items() if v.outcome == "timed_out"}


def _backwards(rules: Rules, cfg: ScoringConfig, groups: Sequence[Group]) -> list[list[Scored]]:
    """The same in a new process and from the end on: a rule that goes by its past, or by hashes, shows itself."""
    turned = [replace(g, rollouts=g.rollouts[::-1]) for g in groups[::-1]]
    with Scorer(rules, cfg) as scorer:
        return [row[::-1] for row in scorer.score(turned)[::-1]]


def timings(rules: Rules, trials: Sequence[Trial]) -> dict[str, list[float]]:
    """Seconds of single verdicts, for each rule that does not hang."""
    away = hung([t.scored for t in trials])
    return {name: _timed(_alone(rules, name), trials) for name in rules.weights if name not in away}


def _timed(rules: Rules, trials: Sequence[Trial]) -> list[float]:
    verdicts_of(rules, _single(trials[0]))  # what a rule imports on its first call belongs to no verdict
    seconds: list[float] = []
    for trial in trials:
        begun = time.perf_counter()
        verdicts_of(rules, _single(trial))
        seconds.append(time.perf_counter() - begun)
        if sum(seconds) > TIMED_SECONDS:
            break
    return seconds


def _single(trial: Trial) -> Group:
    return Group(problem=trial.scored.problem, rollouts=(trial.scored.rollout,))


def _alone(rules: Rules, name: str) -> Rules:
    """One rule; with it the rule that says who is right, where it wants to know that."""
    from rewards import rewards

    kept = {name, rules.right_rule} if rewards.declaration(name).takes_right else {name}
    return replace(rules, weights={n: w for n, w in rules.weights.items() if n in kept}, gates=rules.gates & kept)

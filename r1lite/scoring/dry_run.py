"""A dry run of the chosen rules on the task's first problems, before any work, so that broken rules are reported at once.

A missing column, a rule that raises an error, and a value that is not a number show on any response; a judge that does not reply
shows on a response with content. Rules that fail only on some responses are left to `scoring.max_failed_share`, during the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from r1lite.config import ScoringConfig
from r1lite.scoring.gold import described, try_golds
from r1lite.scoring.rules import Rules
from r1lite.scoring.scorer import Scorer
from r1lite.text.response import respond
from r1lite.types import Group, Problem, Response, Rollout, Task, Verdict
from rewards import rewards

PROBLEMS = 3
GOLDS, GOLD_SECONDS = 200, 0.5  # most gold answers that are tried, and the time after which no more are


def rehearse(rules: Rules, problems: Sequence[Problem], scoring: ScoringConfig, *, parts: int = 1) -> list[str]:
    """Raise ValueError for a rule that gives no verdict at all; return a notice for each rule that only abstains."""
    count = max(PROBLEMS, parts)  # a mixture's first problems are one of each part
    groups = [as_asked(problems[i]) for i in range(min(count, len(problems)))]
    with Scorer(rules, replace(scoring, workers=min(1, scoring.workers))) as scorer:
        by_group = scorer.score(groups)
    scored = [s for group in by_group for s in group]
    notices = []
    for name in rules.weights if scored else ():
        verdicts = [s.verdicts[name] for s in scored if rules.applies(name, s.problem)]
        if not verdicts:
            raise ValueError(f"rewards.{name}.tasks names no part of this task: {', '.join(rules.tasks[name])}")
        full = [group[-1].verdicts[name] for group in by_group if rules.applies(name, group[-1].problem)]
        if all(v.outcome in ("failed", "timed_out") for v in full):
            raise ValueError(_broken(rules, name, full[0], next(g.problem for g in groups if rules.applies(name, g.problem))))
        if all(v.outcome == "abstained" for v in verdicts):
            why = f": {verdicts[-1].why}" if verdicts[-1].why else ""
            notices.append(f"rule {name!r} says nothing about the first {len(groups)} problems{why}")
    return notices


def try_some_golds(rules: Rules, task: Task, problems: Sequence[Problem], scoring: ScoringConfig) -> list[str]:
    """A notice if some gold answers do not count as correct: no response to such a problem can.

    Rules with a deadline of their own are not tried: they run programs, or ask a model that costs money.
    """
    deciding = {rules.right_rule, *rules.right_rules.values()}
    if any(rewards.declaration(name).deadline for name in deciding):
        return []
    if not len(problems) or any(problems[i].answer is None for i in range(min(PROBLEMS, len(problems)))):
        return []
    with Scorer(rules, replace(scoring, workers=min(1, scoring.workers))) as scorer:
        golds = try_golds(scorer, task, problems, GOLDS, seconds=GOLD_SECONDS)
    return [f"{described(golds, rules)}. `r1lite audit` with the same settings tries more"] if golds.refused else []


def as_asked(problem: Problem) -> Group:
    """The problem with two responses: an empty one, and a well-formed one with the expected answer."""
    expected = problem.answer if isinstance(problem.answer, str) else str(problem.answer)
    texts = "", respond(Response(thought="It is so.", answer=expected))
    rollouts = (
        Rollout(problem_id=problem.id, index=i, prompt_ids=(), token_ids=(0,), logprobs=(0.0,), text=text) for i, text in enumerate(texts)
    )
    return Group(problem=problem, rollouts=tuple(rollouts))


def _broken(rules: Rules, name: str, verdict: Verdict, problem: Problem) -> str:
    columns = ", ".join(problem.info) or "none"
    try_it = "r1lite.score([text], rewards=[...])" if name in rules.functions else f"r1lite reward explain {name}"
    return (
        f"rule {name!r} gives no verdict on {problem.id}, not even on the expected answer: {verdict.why}. "
        f"(The problem has the answer {problem.answer!r:.60} and these columns: {columns}.) "
        f"Fix the rule or its options (rewards.{name}.*), or see one verdict with: {try_it}"
    )

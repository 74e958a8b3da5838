"""Whether the deciding rule pays a task's own answers, and how it would compare responses with them.

A problem whose own answer is not paid cannot be answered correctly; one that is compared as text accepts only the same text.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from r1lite.scoring.rules import Rules
from r1lite.scoring.scorer import Scorer
from r1lite.text.comparison import question
from r1lite.text.response import respond
from r1lite.types import Group, Problem, Response, Rollout
from rewards import rewards

CHUNK = 25  # problems scored at once
SHOWN = 5  # problems that a line names
THOUGHT = "First, we read the question with care. Next, we work it out one step at a time. Finally, we check that the result fits."
CHINESE_THOUGHT = "首先，我们把题目仔细读一遍。然后，一步一步地算出结果。最后，检查答案是不是合理。"
_CHINESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


@dataclass(kw_only=True, slots=True)
class Golds:
    """The results on the gold answers that were tried."""

    tried: int = 0
    readings: Counter[str] = field(default_factory=Counter)  # how the rule would compare responses with them, if it declares this
    refused: list[str] = field(default_factory=list)  # those that do not count as correct, with the reason

    @property
    def checkable(self) -> float:
        """The share that counts as correct."""
        return 1 - len(self.refused) / self.tried if self.tried else 1.0


def try_golds(scorer: Scorer, task: Any, problems: Sequence[Problem], count: int, seconds: float = float("inf")) -> Golds:
    """Score the gold response of up to `count` problems, spread evenly over all. Stops after some seconds.

    A problem that has neither an answer nor a demonstration has no gold response, and is left out.
    """
    golds, started = Golds(), time.monotonic()
    chosen = range(0, len(problems), -(-len(problems) // count)) if count else range(0)
    for at in range(0, len(chosen), CHUNK):
        of_chunk = [p for p in (problems[i] for i in chosen[at : at + CHUNK]) if p.answer is not None or hasattr(task, "demonstration")]
        for (scored,), problem in zip(scorer.score(_group(task, p) for p in of_chunk), of_chunk, strict=True):
            rule = scorer.rules.right_for(problem)
            golds.tried += 1
            if not scored.right:
                golds.refused.append(f"{problem.id} ({scored.verdicts[rule].why or 'no reason given'})")
            elif reads := rewards.declaration(rule).reads:
                golds.readings[reads(str(problem.answer), **scorer.rules.options[rule])] += 1
        if time.monotonic() - started > seconds:
            break
    return golds


def described(golds: Golds, rules: Rules) -> str:
    """The share that can be checked, and how; then the first that cannot."""
    ways = ", ".join(f"{count:,} as {way}" for way, count in golds.readings.most_common())
    text = f"{golds.tried:,} gold answers tried: rule {rules.right_rule} pays {golds.checkable:.1%} of them"
    text += f" ({ways})" if ways else ""
    if golds.refused:
        more = f", and {len(golds.refused) - SHOWN:,} more" if len(golds.refused) > SHOWN else ""
        text += f". No response to the others can be correct: {'; '.join(golds.refused[:SHOWN])}{more}"
    return text


def gold_response(task: Any, problem: Problem) -> Response:
    """The task's demonstration, or the expected answer after a thought that fits any question."""
    if hasattr(task, "demonstration"):
        return task.demonstration(problem)
    answer, choices = problem.answer, problem.info.get("choices", ())
    if answer is None:
        raise ValueError(f"problem {problem.id} has no answer, so it has no gold response. Map a column to it with task.columns.")
    if type(answer) is int and answer in range(len(choices)):
        answer = choices[answer]  # it was an index
    if isinstance(answer, list | tuple) and answer and all(isinstance(a, str) for a in answer):
        answer = answer[0]  # all of them are accepted
    if isinstance(answer, dict | list | tuple):
        answer = json.dumps(answer, ensure_ascii=False)
    return Response(thought=CHINESE_THOUGHT if is_chinese(question(problem)) else THOUGHT, answer=str(answer))


def is_chinese(text: str) -> bool:
    return bool(_CHINESE.search(text))


def _group(task: Any, problem: Problem) -> Group:
    text = respond(gold_response(task, problem))
    rollout = Rollout(problem_id=problem.id, index=0, prompt_ids=(), token_ids=(0,), logprobs=(0.0,), text=text)
    return Group(problem=problem, rollouts=(rollout,))

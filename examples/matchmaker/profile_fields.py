"""How much of the client's profile is correct? A rule for this example only.

Covered: every expected field has the same weight; in a list, missing and extra items cost the same, and order does not
matter. An extra field counts as a wrong one, so stuffing does not pay.
Not covered: whether the answer conforms to the JSON schema in all respects (`json_schema` checks that), and synonyms.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rewards import Problem, Rollout, Verdict, last_answer, reward


@reward("profile_fields")
def profile_fields(problem: Problem, rollout: Rollout) -> Verdict:
    """The mean score of all fields, expected and extra."""
    gold = problem.answer if isinstance(problem.answer, Mapping) else json.loads(problem.answer)
    try:
        profile = json.loads(last_answer(rollout.response) or "")
    except (ValueError, RecursionError) as error:
        return Verdict(value=0.0, why=f"the answer is not valid JSON: {error}")
    if not isinstance(profile, Mapping):
        return Verdict(value=0.0, why="the answer is JSON, but not an object")
    fields = [*gold, *(name for name in profile if name not in gold)]
    scores = {name: _score(gold[name], profile[name]) if name in gold and name in profile else 0.0 for name in fields}
    wrong = [f"{name} is {_shown(profile, name)}, not {_shown(gold, name)}" for name in fields if scores[name] < 1]
    return Verdict(value=sum(scores.values()) / len(fields), why="; ".join(wrong) or "every field is correct")


def _score(expected: Any, value: Any) -> float:
    """1 if equal, else 0; for lists, the share of all their items that are in both."""
    if not isinstance(expected, list):
        return float(type(value) is type(expected) and value == expected)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value) or len(set(value)) < len(value):
        return 0.0
    return len(set(expected) & set(value)) / len(set(expected) | set(value))


def _shown(profile: Mapping[str, Any], name: str) -> str:
    return json.dumps(profile[name], ensure_ascii=False)[:60] if name in profile else "missing"

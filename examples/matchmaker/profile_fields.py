"""The domain's own rule: how much of the client's profile is right?

Covered: every expected field counts the same; of a list, what is missing and what is too much cost the same, and order
does not matter. A field that nobody asked for counts as a wrong one, so stuffing does not pay.
Not covered: whether the text is JSON under the schema in every respect (`json_schema` says that), and other words for the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rewards import Problem, Rollout, Verdict, last_answer, reward


@reward("profile_fields")
def profile_fields(problem: Problem, rollout: Rollout) -> Verdict:
    """The mean over all fields, expected and invented, of how right each is."""
    gold = problem.answer if isinstance(problem.answer, Mapping) else json.loads(problem.answer)
    try:
        given = json.loads(last_answer(rollout.response) or "")
    except (ValueError, RecursionError) as error:
        return Verdict(value=0.0, why=f"no JSON in the answer: {error}")
    if not isinstance(given, Mapping):
        return Verdict(value=0.0, why="the answer is JSON, but no object")
    fields = [*gold, *(name for name in given if name not in gold)]
    shares = {name: _share(gold[name], given[name]) if name in gold and name in given else 0.0 for name in fields}
    wrong = [f"{name} is {_shown(given, name)}, not {_shown(gold, name)}" for name in fields if shares[name] < 1]
    return Verdict(value=sum(shares.values()) / len(fields), why="; ".join(wrong) or "every field is right")


def _share(expected: Any, given: Any) -> float:
    """1 or 0; of two lists, what they share of all that is in either."""
    if not isinstance(expected, list):
        return float(type(given) is type(expected) and given == expected)
    if not isinstance(given, list) or not all(isinstance(item, str) for item in given) or len(set(given)) < len(given):
        return 0.0
    return len(set(expected) & set(given)) / len(set(expected) | set(given))


def _shown(profile: Mapping[str, Any], name: str) -> str:
    return json.dumps(profile[name], ensure_ascii=False)[:60] if name in profile else "missing"

"""How many fields of the answer's JSON equal those of the expected object?

Covered: nested objects and lists, down to their leaves. Missing, wrong and invented fields cost the same, so stuffing does
not pay. Numbers are compared as numbers (1 is 1.0, but neither true nor "1"), text without surrounding white space.
Not covered: lists in another order; the same value in other words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from rewards import Problem, Rollout, Verdict, reward
from rewards._json import NotJson, Path, parse_json, read_json, shown_path
from rewards._text import evidence

NAMED = 3  # wrong fields that `why` names


@reward("json_fields", evidence=evidence)
def json_fields(
    problem: Problem, rollout: Rollout, *, ignore_case: bool = False, all_right: bool = False, within: str = "answer"
) -> Verdict | None:
    """The share of correct fields among the expected and the actual ones. Abstains if the problem has no expected object.

    ignore_case: whether letter case is ignored
    all_right: whether only an answer without errors is paid
    within: where the answer is: answer (the last answer block), response (everything after the thought)
    """
    if problem.answer is None:
        return None
    expected = dict(_leaves(parse_json(problem.answer) if isinstance(problem.answer, str) else problem.answer, ignore_case))
    try:
        actual = dict(_leaves(read_json("json_fields", rollout, within), ignore_case))
    except NotJson as error:
        return Verdict(value=0.0, why=str(error))
    paths = list(dict.fromkeys([*expected, *actual]))
    wrong = [path for path in paths if path not in actual or path not in expected or actual[path] != expected[path]]
    share = (len(paths) - len(wrong)) / len(paths)
    named = ", ".join(shown_path(path) for path in wrong[:NAMED]) + (", ..." if len(wrong) > NAMED else "")
    why = f"{len(paths) - len(wrong)} of {len(paths)} fields are correct" + (f"; wrong: {named}" if wrong else "")
    return Verdict(value=float(not wrong) if all_right else share, why=why)


def _leaves(value: Any, ignore_case: bool, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Each leaf with its path. An empty object or list is a leaf too."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _leaves(inner, ignore_case, (*path, name))
    elif isinstance(value, list | tuple) and value:
        for index, inner in enumerate(value):
            yield from _leaves(inner, ignore_case, (*path, index))
    else:
        yield path, _plain(value, ignore_case)


def _plain(value: Any, ignore_case: bool) -> tuple[str, Any]:
    """The value with its kind, because True equals 1 in Python."""
    if isinstance(value, str):
        text = " ".join(value.split())
        return "text", text.casefold() if ignore_case else text
    if isinstance(value, bool) or value is None:
        return "constant", value
    if isinstance(value, int | float | Decimal):
        return "number", Decimal(repr(value)) if isinstance(value, float) else value
    return type(value).__name__, ()

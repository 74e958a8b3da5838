"""How many fields of the answer's JSON are those of the expected object?

Covered: nested objects and lists down to their leaves; a missing, a wrong and an invented field each cost the same, so
stuffing does not pay. Numbers are compared as numbers (1 is 1.0, but neither true nor "1"), texts without the white space
around them. Not covered: lists in another order; fields that mean the same in other words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rewards import Problem, Rollout, Verdict, reward
from rewards._json import NotJson, Path, parse_json, read_json, shown_path

NAMED = 3  # wrong fields that `why` names


@reward("json_fields")
def json_fields(
    problem: Problem, rollout: Rollout, *, ignore_case: bool = False, all_right: bool = False, within: str = "answer"
) -> Verdict | None:
    """The share of fields that are right, over the expected and the given ones together. Abstains without an expected object.

    ignore_case: whether letter case does not matter
    all_right: whether only an answer without any fault is paid
    within: where the answer stands: answer (the last answer block), response (all that follows the thought)
    """
    if problem.answer is None:
        return None
    expected = dict(_leaves(parse_json(problem.answer) if isinstance(problem.answer, str) else problem.answer, ignore_case))
    try:
        given = dict(_leaves(read_json("json_fields", rollout, within), ignore_case))
    except NotJson as error:
        return Verdict(value=0.0, why=str(error))
    paths = list(dict.fromkeys([*expected, *given]))
    wrong = [path for path in paths if path not in given or path not in expected or given[path] != expected[path]]
    share = (len(paths) - len(wrong)) / len(paths)
    named = ", ".join(shown_path(path) for path in wrong[:NAMED]) + (", ..." if len(wrong) > NAMED else "")
    why = f"{len(paths) - len(wrong)} of {len(paths)} fields are right" + (f"; not: {named}" if wrong else "")
    return Verdict(value=float(not wrong) if all_right else share, why=why)


def _leaves(value: Any, ignore_case: bool, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Each leaf by its path. An empty object or list is a leaf: it says that there is nothing."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _leaves(inner, ignore_case, (*path, name))
    elif isinstance(value, list | tuple) and value:
        for index, inner in enumerate(value):
            yield from _leaves(inner, ignore_case, (*path, index))
    else:
        yield path, _plain(value, ignore_case)


def _plain(value: Any, ignore_case: bool) -> tuple[str, Any]:
    """With its kind, because Python takes True for 1."""
    if isinstance(value, str):
        text = " ".join(value.split())
        return "text", text.casefold() if ignore_case else text
    if isinstance(value, bool) or value is None:
        return "constant", value
    if isinstance(value, int | float):
        return "number", value
    return type(value).__name__, ()

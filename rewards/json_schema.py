"""Is the answer JSON that is valid under a schema? (Needs the extra `schema`.)

Covered: exactly one JSON value, alone or in one fenced block, without duplicate names in an object; the draft that the schema
names. Not covered: schemas that refer to other documents, which are not fetched; whether the values are correct, see
`json_fields`. A schema that allows anything pays for anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from rewards import Problem, Rollout, Verdict, needs, reward
from rewards._json import NotJson, read_json, shown_path
from rewards._options import OptionError
from rewards._text import MAX_SHOWN, evidence


@reward("json_schema", evidence=evidence)
def json_schema(
    problem: Problem, rollout: Rollout, *, schema: Mapping[str, Any] | str = "", column: str = "schema", within: str = "answer"
) -> Verdict:
    """1 if the answer is valid JSON under the schema, else 0.

    schema: the schema, as a mapping or as JSON text; if it is not set, each problem has its own
    column: the column that holds the problem's schema
    within: where the answer is: answer (the last answer block), response (everything after the thought)
    """
    validator = _validator(_text(schema)) if schema else None
    validator = validator or _validator(_text(needs(problem, column)))
    try:
        value = read_json("json_schema", rollout, within)
    except NotJson as error:
        return Verdict(value=0.0, why=str(error))
    fault = next(iter(validator.iter_errors(value)), None)
    if fault is not None:
        return Verdict(value=0.0, why=f"{shown_path(fault.instance_path)}: {_short(fault.message)}")
    return Verdict(value=1.0, why="valid under the schema")


def _text(schema: Any) -> str:
    return schema if isinstance(schema, str) else json.dumps(schema, sort_keys=True)


@lru_cache(maxsize=256)
def _validator(schema: str) -> Any:
    try:
        import jsonschema_rs
    except ImportError as error:
        raise OptionError("rewards.json_schema needs the extra `schema`: pip install 'r1lite[schema]'") from error
    try:
        return jsonschema_rs.validator_for(json.loads(schema), retriever=_refuse)
    except ValueError as error:  # from json as well as from the library
        raise OptionError(f"rewards.json_schema: {_short(schema)} is not a schema: {str(error).splitlines()[0]}") from error


def _refuse(uri: str) -> Any:
    raise ValueError(f"it refers to {uri}, and other documents are not fetched")


def _short(text: str) -> str:
    return text if len(text) <= 2 * MAX_SHOWN else f"{text[: 2 * MAX_SHOWN - 3]}..."

"""The judge's reply: one JSON object in a fixed form. Anything else is no verdict."""

from __future__ import annotations

from typing import Any

from r1lite.text.response import END_THINK
from rewards import Verdict
from rewards._json import NotJson, parse_json, unfenced
from rewards._text import short


def verdict_of(reply: str, scale: int) -> Verdict:
    """The score's share of the scale. Raises NotJson if the reply is not in the form."""
    value = _parsed(reply)
    if not isinstance(value, dict) or set(value) != {"reason", "score"}:
        raise NotJson("it is not an object with the fields reason and score, and no others")
    score, reason = value["score"], value["reason"]
    if type(score) is not int or not 0 <= score <= scale:
        raise NotJson(f"the score must be a whole number from 0 to {scale}, got {short(str(score))}")
    if not isinstance(reason, str):
        raise NotJson("the reason must be a text")
    return Verdict(value=score / scale, why=f"the judge gave {score} of {scale}: {short(reason)}")


def _parsed(reply: str) -> Any:
    """The whole reply as JSON, or what follows the thought of a judge that writes its thought into the reply."""
    try:
        return parse_json(unfenced(reply))
    except NotJson:
        _, thought, rest = reply.rpartition(END_THINK)
        if not thought:
            raise
    return parse_json(unfenced(rest))


def response_format(scale: int) -> dict[str, Any]:
    """The form as a JSON schema, for servers that can enforce one."""
    schema = {
        "type": "object",
        "properties": {"reason": {"type": "string"}, "score": {"type": "integer", "enum": list(range(scale + 1))}},
        "required": ["reason", "score"],
        "additionalProperties": False,
    }
    return {"type": "json_schema", "json_schema": {"name": "grade", "strict": True, "schema": schema}}

"""The answer as exactly one JSON value."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from rewards import Rollout
from rewards._text import read

MAX_CHARACTERS = 100_000
MAX_DEPTH = 100
FENCE = "```"

Path = tuple[str | int, ...]  # names and indices from the root to a value


class NotJson(ValueError):
    """The text is not exactly one JSON value."""


def read_json(rule: str, rollout: Rollout, within: str) -> Any:
    """The answer, parsed."""
    text = read(rule, rollout, within)
    if text is None:
        raise NotJson(f"no {within}")
    return parse_json(unfenced(text))


def unfenced(text: str) -> str:
    """The content of a fenced block that is the whole text, else the text. A pattern would need quadratic time on many blanks."""
    bare = text.strip()
    first, broken, rest = bare.partition("\n")
    if not broken or first.strip().lower() not in (FENCE, f"{FENCE}json") or not rest.endswith(FENCE):
        return text
    return rest.removesuffix(FENCE)


def parse_json(text: str) -> Any:
    """Strict JSON: no other text, no duplicate names, no NaN, exact numbers, limited length and depth."""
    if len(text) > MAX_CHARACTERS:
        raise NotJson(f"longer than {MAX_CHARACTERS} characters")
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_exact)
    except NotJson:
        raise
    except (ValueError, RecursionError) as error:
        raise NotJson(f"not JSON: {error}") from error
    if _deeper(value, MAX_DEPTH):
        raise NotJson(f"nested deeper than {MAX_DEPTH} levels")
    return value


def shown_path(path: Sequence[str | int]) -> str:
    """A path in common notation: `items[0].name`."""
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).removeprefix(".") or "the whole value"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        (duplicate, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise NotJson(f"duplicate name {duplicate!r} in one object")
    return value


def _constant(name: str) -> Any:
    raise NotJson(f"{name} is not JSON")


def _exact(literal: str) -> Decimal:
    """As a float, 42.00000000000000000001 would be 42."""
    number = Decimal(literal)
    if math.isinf(float(number)):
        raise NotJson(f"{literal[:20]} is too large")
    return number


def _deeper(value: Any, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(levels == 0 or _deeper(v, levels - 1) for v in inner)

"""A chain of additions and multiplications from left to right, modulo a number, as the task `arithmetic` writes them."""

from __future__ import annotations

import re

from r1lite.episodes.tools import Malformed, tool

_CHAIN = re.compile(r"\s*(\d{1,9})((?:[+*]\d{1,9}){1,100}) mod (\d{1,9})\s*", re.ASCII)


@tool
def chain(expression: str) -> str:
    """Compute a chain of + and * from left to right, modulo a number.

    Args:
        expression: the chain, such as 7+12*3 mod 23
    """
    match = _CHAIN.fullmatch(expression)
    if match is None or not int(match[3]):
        raise Malformed(f"{expression.strip()!r} is no chain such as 7+12*3 mod 23")
    value = int(match[1])
    for sign, number in re.findall(r"([+*])(\d+)", match[2]):
        value = (value + int(number) if sign == "+" else value * int(number)) % int(match[3])
    return str(value)

"""How the factors of a product stand side by side."""

from __future__ import annotations

import re

from bench.math_laws.hand import Hand

_NAME_LAST, _NAME_FIRST, _INDEX_LAST = re.compile("[a-z]+$"), re.compile("^[a-z]+"), re.compile(r"_\d+$")
_ROOT_LAST = re.compile(r"[√∛]\w+$")  # in `√2x` nobody knows how far the root goes
LATEX_TIMES = (r"\cdot", r"\times")


def joint(before: str, after: str, hand: Hand) -> str:
    """The sign of a product, or nothing where it can be left out."""
    names = _NAME_LAST.search(before), _NAME_FIRST.match(after)
    apart = not hand.latex and ((all(names) and any(len(n[0]) > 1 for n in names if n)) or _INDEX_LAST.search(before))
    needed = after[0].isdigit() or after[0] in "-." or apart or _ROOT_LAST.search(before)
    if needed or hand.habit("explicit product"):
        return times(hand)
    return " " if hand.latex and before[-1:].isalpha() else ""


def times(hand: Hand) -> str:
    if hand.syntax == "plain":
        return hand.pick("times", "*", " * ")
    return f" {hand.pick('times', *(LATEX_TIMES if hand.latex else ('·', '×')))} "

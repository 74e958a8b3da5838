"""Writes lists, sets, tuples, points, vectors, ratios and matrices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench.math_laws.formulas import PRODUCT, SUM, within
from bench.math_laws.hand import Hand
from bench.math_laws.meanings import Expr, Grid, Several
from bench.math_laws.numbers import number

ROW_END = r" \\ "


def several(group: Several, hand: Hand) -> str:
    items = list(group.items)
    if group.form in ("set", "list"):
        if _conjugate(items) and hand.habit("plus-minus", 0.3):
            return _braced([_plus_minus(items, hand)], group.form, hand)
        if hand.habit("permuted", 0.5):
            hand.random.shuffle(items)
    if group.form == "ratio":
        return hand.pick("colon", ":", " : ").join(map(str, items))
    texts = [_item(item, hand) for item in items]
    if group.form == "vector":
        return _vector(texts, hand)
    if group.form == "tuple":
        return _tuple(texts, hand)
    return _braced(texts, group.form, hand)


def _item(item: Any, hand: Hand) -> str:
    if isinstance(item, Several):
        return hand.bracket(", ".join(_item(i, hand) for i in item.items))
    # A comma inside a number would be one more separator.
    return number(item, replace(hand, plainly=hand.plainly or abs(item) >= 1000)) if item.is_Rational else within(item, hand, SUM)


def _conjugate(items: list[Any]) -> bool:
    """Whether two values are a rational number plus and minus something."""
    if len(items) != 2 or any(isinstance(item, Several) for item in items):
        return False
    twice, half = (items[0] + items[1]).expand(), (items[0] - items[1]).expand()
    return bool(twice == 0 or (twice.is_Rational and not half.is_Rational)) and not half.is_Add


def _plus_minus(items: list[Expr], hand: Hand) -> str:
    middle, half = ((items[0] + items[1]) / 2).expand(), ((items[0] - items[1]) / 2).expand()
    half = -half if half.could_extract_minus_sign() else half
    before = "" if middle == 0 else f"{within(middle, hand, SUM)} "
    return before + hand.sign(r"\pm ", "+/-", "±") + within(half, hand, PRODUCT)


def _braced(texts: list[str], form: str, hand: Hand) -> str:
    if form == "set":
        return hand.bracket(", ".join(texts), *(("\\{", "\\}") if hand.latex else "{}"))
    pairs = texts[0].startswith(("(", "\\left", "\\big"))
    if not pairs and hand.habit("x = each", 0.12):
        texts = [f"x = {text}" for text in texts]
    elif not pairs and hand.habit("x = all", 0.08):
        texts[0] = f"x = {texts[0]}"
    last = hand.random.choice((r" \text{ and } ", r"\text{ or }") if hand.latex else (" and ", " or "))
    return ", ".join(texts[:-1]) + ((last if hand.habit("and, or", 0.2) else ", ") if len(texts) > 1 else "") + texts[-1]


def _tuple(texts: list[str], hand: Hand) -> str:
    if len(texts) in (2, 3) and hand.habit("named coordinates", 0.1):
        return f"({', '.join('xyz'[: len(texts)])}) = ({', '.join(texts)})"
    if len(texts) in (2, 3) and hand.habit("each coordinate named", 0.07):
        return ", ".join(f"{name} = {text}" for name, text in zip("xyz", texts, strict=False))
    return hand.bracket(", ".join(texts))


def _vector(texts: list[str], hand: Hand) -> str:
    form = hand.pick("vector", "angles", "column", "row")
    if form == "column" and hand.latex:
        return rf"\begin{{pmatrix}} {ROW_END.join(texts)} \end{{pmatrix}}"
    if form == "row" or not hand.latex:
        return hand.bracket(", ".join(texts))
    return hand.bracket(", ".join(texts), r"\langle ", r" \rangle")


def grid(meaning: Grid, hand: Hand) -> str:
    rows = [[within(entry, hand, SUM) for entry in row] for row in meaning.rows]
    if not hand.latex:
        return f"[{', '.join('[' + ', '.join(row) + ']' for row in rows)}]"
    inner = hand.pick("row end", r" \\ ", "\\\\\n").join(" & ".join(row) for row in rows)
    name = hand.pick("environment", "pmatrix", "bmatrix", "matrix", "array")
    if name in ("matrix", "array"):
        columns = f"{{{'c' * len(rows[0])}}}" if name == "array" else ""
        return rf"\left( \begin{{{name}}}{columns} {inner} \end{{{name}}} \right)"
    return rf"\begin{{{name}}} {inner} \end{{{name}}}"

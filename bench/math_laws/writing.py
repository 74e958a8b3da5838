"""Writes a meaning as the text of an answer: structures here, expressions and numbers in their own files."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sympy import Symbol

from bench.math_laws.formulas import SUM, formula, within
from bench.math_laws.hand import Hand
from bench.math_laws.meanings import UNITS, Equation, Expr, Grid, Meaning, Quantity, Region, Several, Span, Word
from bench.math_laws.numbers import number

_SIGN = re.compile(r" [+=-] |(?<!\\), | \\(?:cdot|times|le|ge) ")


def write(meaning: Meaning, hand: Hand) -> str:
    """The meaning in the hand's syntax, without delimiters."""
    text = WRITERS.get(type(meaning), formula)(meaning, hand)
    return spaced(text, hand) if hand.latex and not isinstance(meaning, Word) else text


def spaced(text: str, hand: Hand) -> str:
    """Spacing that changes nothing in LaTeX: around signs, after commas, in front and at the end."""
    if hand.habit("spacing", 0.12):
        space = hand.random.choice((r"\,", r"\;", r"\ ", "  ", "~", r"\quad ", "\n"))
        hand.used.add(f"spacing {space!r}")
        text = _SIGN.sub(lambda sign: f"{sign[0].rstrip()}{space} ", text)
    if hand.habit("no spaces", 0.05) and "\\" not in text:
        text = text.replace(" ", "")
    if hand.habit("displaystyle", 0.02):
        text = rf"\displaystyle {text}"
    return f"{{{text}}}" if hand.habit("braces around", 0.02) else text


def _several(several: Several, hand: Hand) -> str:
    items = list(several.items)
    if several.form != "tuple" and hand.habit("permuted", 0.5):
        hand.random.shuffle(items)
    # A comma inside a number would be one more separator.
    texts = [within(i, hand, SUM) if not i.is_Rational else number(i, replace(hand, plainly=hand.plainly or abs(i) >= 1000)) for i in items]
    if several.form == "set":
        return hand.bracket(", ".join(texts), *(("\\{", "\\}") if hand.latex else "{}"))
    if several.form == "tuple":
        inner = ", ".join(texts)
        if len(texts) in (2, 3) and hand.habit("named coordinates", 0.1):
            return f"({', '.join('xyz'[: len(texts)])}) = ({inner})"
        return hand.bracket(inner)
    if hand.habit("x = each", 0.15):
        texts = [f"x = {text}" for text in texts]
    last = hand.random.choice((r" \text{ and } ", r"\text{ or }") if hand.latex else (" and ", " or "))
    return ", ".join(texts[:-1]) + (last if hand.habit("and, or", 0.2) else ", ") + texts[-1]


def _region(region: Region, hand: Hand) -> str:
    as_inequality = hand.habit("other notation of a set", 0.2) != bool(region.variable)
    if not as_inequality:
        text = hand.sign(r" \cup ", " U ", " ∪ ").join(_span(s, hand) for s in region.spans)
        member = hand.sign(r"\in", "in", "∈")
        return f"{region.variable} {member} {text}" if region.variable and hand.habit("member of", 0.5) else text
    variable = region.variable or "x"
    text = hand.pick("joined", r" \text{ or } " if hand.latex else " or ", r" \lor " if hand.latex else " or ").join(
        _inequality(s, variable, hand) for s in region.spans
    )
    if hand.latex and hand.habit("set builder", 0.1):
        bar = hand.random.choice((r"\mid", ":", "|"))
        return rf"\{{ {variable} {bar} {text} \}}"
    return text


def _end(end: Expr, hand: Hand) -> str:
    if end.is_finite:
        return formula(end, hand)
    return ("-" if end.is_extended_negative else "") + hand.sign(r"\infty", "oo" if hand.habit("oo", 0.1) else "infinity", "∞")


def _span(span: Span, hand: Hand) -> str:
    inner = f"{_end(span.low, hand)}, {_end(span.high, hand)}"
    opening, closing = "[" if span.closed_low else "(", "]" if span.closed_high else ")"
    return hand.bracket(inner, opening, closing)


def _inequality(span: Span, variable: str, hand: Hand) -> str:
    def sign(closed: bool, above: bool = False) -> str:
        if not closed:
            return ">" if above else "<"
        latex = (r"\ge", r"\geq") if above else (r"\le", r"\leq", r"\leqslant")
        return hand.sign(hand.pick("relation", *latex), ">=" if above else "<=", "≥" if above else "≤")

    low, high = (_end(end, hand) for end in (span.low, span.high))
    if span.low.is_finite and span.high.is_finite:
        if hand.habit("turned around", 0.15):
            return f"{high} {sign(span.closed_high, True)} {variable} {sign(span.closed_low, True)} {low}"
        return f"{low} {sign(span.closed_low)} {variable} {sign(span.closed_high)} {high}"
    end, closed, above = (low, span.closed_low, True) if span.low.is_finite else (high, span.closed_high, False)
    if hand.habit("turned around"):
        return f"{end} {sign(closed, not above)} {variable}"
    return f"{variable} {sign(closed, above)} {end}"


def _grid(grid: Grid, hand: Hand) -> str:
    rows = [[within(entry, hand, SUM) for entry in row] for row in grid.rows]
    if not hand.latex:
        return f"[{', '.join('[' + ', '.join(row) + ']' for row in rows)}]"
    inner = hand.pick("row end", r" \\ ", "\\\\\n").join(" & ".join(row) for row in rows)
    name = hand.pick("environment", "pmatrix", "bmatrix", "matrix", "array")
    if name in ("matrix", "array"):
        columns = f"{{{'c' * len(rows[0])}}}" if name == "array" else ""
        return rf"\left( \begin{{{name}}}{columns} {inner} \end{{{name}}} \right)"
    return rf"\begin{{{name}}} {inner} \end{{{name}}}"


def _equation(equation: Equation, hand: Hand) -> str:
    left, right = (within(side, hand, SUM) for side in (equation.left, equation.right))
    return f"{right} = {left}" if not isinstance(equation.left, Symbol) and hand.habit("sides swapped") else f"{left} = {right}"


def _quantity(quantity: Quantity, hand: Hand) -> str:
    symbol, english, chinese = UNITS[quantity.unit][2]
    value = number(quantity.value, hand)
    if quantity.unit == "usd" and not hand.habit("unit in words", 0.3):
        return rf"\${value}" if hand.latex else f"${value}"
    if hand.habit("unit in Chinese", 0.07):
        return rf"{value}\text{{{chinese}}}" if hand.latex and quantity.unit != "%" else value + chinese
    if quantity.unit in ("%", "deg"):
        plain = {"%": "%", "deg": "°"}[quantity.unit]
        return value + (symbol if hand.latex else plain) if not hand.habit("unit in words", 0.15) else _named(value, english, hand)
    if quantity.unit == "usd" or hand.habit("unit in words", 0.3):
        return _named(value, english, hand)
    if not hand.latex:
        return value + hand.pick("gap", " ", "") + (symbol.replace("^2", "²").replace("^3", "³") if hand.syntax == "unicode" else symbol)
    name, power = symbol.partition("^")[::2]
    text = hand.pick("unit", r"\text{ @}", r"\,\text{@}", r"~\mathrm{@}", r"\ \mathrm{@}", r"\text{@}", r"\;\text{@}")
    return value + text.replace("@", name) + (f"^{power}" if power else "")


def _named(value: str, name: str, hand: Hand) -> str:
    return rf"{value} \text{{ {name}}}" if hand.latex else f"{value} {name}"


def _word(word: Word, hand: Hand) -> str:
    text = word.text
    if word.choice:
        text = hand.pick("choice", text, f"({text})", f"{text}.", f"{text})")
    elif text.isascii():
        text = hand.pick("case", text, text.capitalize(), text.lower(), text.upper())
    return hand.pick("text", *(rf"\{command}{{{text}}}" for command in ("text", "textbf", "mathrm", "text"))) if hand.latex else text


WRITERS: dict[type, Callable[[Any, Hand], str]] = {
    Several: _several, Region: _region, Grid: _grid, Equation: _equation, Quantity: _quantity, Word: _word,
}  # fmt: skip

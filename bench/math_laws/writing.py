"""Writes a meaning as the text of an answer: structures here, expressions and numbers in their own files."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sympy import N, Symbol

from bench.math_laws.formulas import PRODUCT, SUM, formula, within
from bench.math_laws.hand import Hand
from bench.math_laws.meanings import UNITS, Based, Equation, Expr, Grid, Meaning, Quantity, Region, Several, Word
from bench.math_laws.numbers import digits, in_words, number
from bench.math_laws.regions import region

SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
ROW_END = r" \\ "
_SIGN = re.compile(r" [+=-] |(?<!\\), | \\(?:cdot|times|le|ge) ")


def write(meaning: Meaning, hand: Hand) -> str:
    """The meaning in the hand's syntax, without delimiters."""
    text = WRITERS.get(type(meaning), _value)(meaning, hand)
    return spaced(text, hand) if hand.latex and not isinstance(meaning, Word) else text


def _value(expr: Expr, hand: Hand) -> str:
    """An expression, perhaps with a name, the sum that it comes from, or its decimals."""
    if expr.is_Integer and 0 <= expr < 100 and hand.habit("in words", 0.03):
        return rf"\text{{{in_words(int(expr))}}}" if hand.latex else in_words(int(expr))
    text = formula(expr, hand)
    if expr.is_number and expr.is_real and expr.is_rational is not True and hand.habit("approximation", 0.04):
        text += " ".join(("", hand.sign(r"\approx", "≈", "≈"), str(N(expr, 5))))
    if expr.is_Integer and abs(expr) < 10000 and hand.habit("chain", 0.04):
        part = hand.random.randint(1, 50)
        text = f"{expr - part} + {part} = {text}"
    names = ["S"] if expr.free_symbols else ["x", "n", "P", "AB", "f(3)", "P(A)", "S_{10}", r"\text{Area}"]
    names += ["f(x)", "y"] if expr.free_symbols == {Symbol("x")} else []
    if hand.latex and hand.habit("named", 0.06):
        text = f"{hand.random.choice(names)} = {text}"
    return text


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
    if several.form in ("set", "list"):
        if _conjugate(items) and hand.habit("plus-minus", 0.3):
            return _braced([_plus_minus(items, hand)], several.form, hand)
        if hand.habit("permuted", 0.5):
            hand.random.shuffle(items)
    if several.form == "ratio":
        return hand.pick("colon", ":", " : ").join(map(str, items))
    # A comma inside a number would be one more separator.
    texts = [number(i, replace(hand, plainly=hand.plainly or abs(i) >= 1000)) if i.is_Rational else within(i, hand, SUM) for i in items]
    if several.form == "vector":
        return _vector(texts, hand)
    if several.form == "tuple":
        return _tuple(texts, hand)
    return _braced(texts, several.form, hand)


def _conjugate(items: list[Expr]) -> bool:
    """Whether two values are a rational number plus and minus something."""
    if len(items) != 2:
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
    if hand.habit("x = each", 0.12):
        texts = [f"x = {text}" for text in texts]
    elif hand.habit("x = all", 0.08):
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
    if quantity.unit in ("usd", "eur") and not hand.habit("unit in words", 0.3):
        return (
            (r"\$" if hand.latex else "$") + value if quantity.unit == "usd" else hand.pick("euro", f"€{value}", f"{value} €", f"{value}€")
        )
    if hand.habit("unit in Chinese", 0.07):
        return rf"{value}\text{{{chinese}}}" if hand.latex and quantity.unit != "%" else value + chinese
    if quantity.unit in ("%", "deg"):
        plain = {"%": "%", "deg": "°"}[quantity.unit]
        return value + (symbol if hand.latex else plain) if not hand.habit("unit in words", 0.15) else _named(value, english, hand)
    if quantity.unit in ("usd", "eur") or hand.habit("unit in words", 0.3):
        return _named(value, english, hand)
    if not hand.latex:
        return value + hand.pick("gap", " ", "") + (symbol.replace("^2", "²").replace("^3", "³") if hand.syntax == "unicode" else symbol)
    name, power = symbol.partition("^")[::2]
    text = hand.pick("unit", r"\text{ @}", r"\,\text{@}", r"~\mathrm{@}", r"\ \mathrm{@}", r"\text{@}", r"\;\text{@}")
    return value + text.replace("@", name) + (f"^{power}" if power else "")


def _named(value: str, name: str, hand: Hand) -> str:
    return rf"{value} \text{{ {name}}}" if hand.latex else f"{value} {name}"


def _based(based: Based, hand: Hand) -> str:
    text = digits(based.value, based.base)
    number = rf"\text{{{text}}}" if hand.latex and not text.isdigit() else text
    if hand.syntax == "unicode":
        return number + str(based.base).translate(SUBSCRIPT)
    return hand.pick("base", "@_{#}", "@_#", "(@)_{#}").replace("@", number).replace("#", str(based.base))


def _word(word: Word, hand: Hand) -> str:
    text = word.text
    if word.choice:
        text = hand.pick("choice", text, f"({text})", f"{text}.", f"{text})")
    elif text.isascii() and text.islower():
        text = hand.pick("case", text, text.capitalize(), text.lower(), text.upper())
    return hand.pick("text", *(rf"\{command}{{{text}}}" for command in ("text", "textbf", "mathrm", "text"))) if hand.latex else text


WRITERS: dict[type, Callable[[Any, Hand], str]] = {
    Several: _several, Region: region, Grid: _grid, Equation: _equation, Quantity: _quantity, Based: _based, Word: _word,
}  # fmt: skip

"""Writes a meaning as the text of an answer: structures here, expressions and numbers in their own files."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sympy import N, Symbol

from bench.math_laws.formulas import SUM, formula, within
from bench.math_laws.groups import grid, several
from bench.math_laws.hand import Hand
from bench.math_laws.meanings import UNITS, Based, Equation, Expr, Grid, Meaning, Quantity, Region, Several, Word
from bench.math_laws.numbers import digits, in_words, number
from bench.math_laws.regions import region

NOUNS = (" apples", " ways", " students", " square units", " different colors", " cm", "个", "人", " 种方法")
SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SIGN = re.compile(r" [+=-] |(?<!\\), | \\(?:cdot|times|le|ge) ")


_BLANK = re.compile(r"(?<!\w) | (?!\w)")  # that holds no two numbers or words apart


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
    if expr.is_Integer and expr >= 0 and hand.habit("counted noun", 0.04):
        counted = hand.random.choice(NOUNS)
        text += rf"\text{{{counted}}}" if hand.latex else counted
    elif hand.latex and hand.habit("named", 0.06):
        text = f"{hand.random.choice(names)} = {text}"
    return text


def spaced(text: str, hand: Hand) -> str:
    """Spacing that changes nothing in LaTeX: around signs, after commas, in front and at the end."""
    if hand.habit("spacing", 0.12):
        space = hand.random.choice((r"\,", r"\;", r"\ ", "  ", "~", r"\quad ", "\n"))
        hand.used.add(f"spacing {space!r}")
        text = _SIGN.sub(lambda sign: f"{sign[0].rstrip()}{space} ", text)
    if hand.habit("no spaces", 0.05) and "\\" not in text:
        text = _BLANK.sub("", text)
    if hand.habit("displaystyle", 0.02):
        text = rf"\displaystyle {text}"
    return f"{{{text}}}" if hand.habit("braces around", 0.02) else text


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
        gap = hand.pick("gap", " ", "") if value[-1].isdigit() else " "
        return value + gap + (symbol.replace("^2", "²").replace("^3", "³") if hand.syntax == "unicode" else symbol)
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
    Several: several, Region: region, Grid: grid, Equation: _equation, Quantity: _quantity, Based: _based, Word: _word,
}  # fmt: skip

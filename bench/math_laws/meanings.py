"""What an answer means, as sympy objects. Nothing here is a text, and nothing comes from the rule."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

Expr = Any  # sympy has no type stubs


@dataclass(frozen=True, slots=True)
class Several:
    """Several values, or points: `tuple`, `vector` or `ratio` (in order), `set` or `list` (in any order)."""

    items: tuple[Any, ...]  # expressions; tuples too in a `set` or `list`
    form: str


@dataclass(frozen=True, slots=True)
class Span:
    """The numbers from `low` to `high`; an infinite end is open."""

    low: Expr
    high: Expr
    closed_low: bool
    closed_high: bool


@dataclass(frozen=True, slots=True)
class Region:
    """Spans in rising order, none for the empty set; as an inequality if it has a variable."""

    spans: tuple[Span, ...]
    variable: str = ""


@dataclass(frozen=True, slots=True)
class Grid:
    rows: tuple[tuple[Expr, ...], ...]


@dataclass(frozen=True, slots=True)
class Equation:
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Quantity:
    value: Expr
    unit: str  # a key of UNITS


@dataclass(frozen=True, slots=True)
class Based:
    """A whole number with its base."""

    value: int
    base: int


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    choice: bool = False


Meaning = Expr | Several | Region | Grid | Equation | Quantity | Based | Word

# Size in the base unit, what is measured, and the ways to write it: in symbols, in English, in Chinese.
UNITS: dict[str, tuple[Fraction, str, tuple[str, str, str]]] = {
    "mm": (Fraction(1, 1000), "length", ("mm", "millimeters", "毫米")),
    "cm": (Fraction(1, 100), "length", ("cm", "centimeters", "厘米")),
    "m": (Fraction(1), "length", ("m", "meters", "米")),
    "km": (Fraction(1000), "length", ("km", "kilometers", "千米")),
    "cm^2": (Fraction(1, 10000), "area", ("cm^2", "square centimeters", "平方厘米")),
    "m^2": (Fraction(1), "area", ("m^2", "square meters", "平方米")),
    "cm^3": (Fraction(1, 1000000), "volume", ("cm^3", "cubic centimeters", "立方厘米")),
    "m^3": (Fraction(1), "volume", ("m^3", "cubic meters", "立方米")),
    "mL": (Fraction(1, 1000000), "volume", ("mL", "milliliters", "毫升")),
    "L": (Fraction(1, 1000), "volume", ("L", "liters", "升")),
    "in": (Fraction(254, 10000), "length", ("in", "inches", "英寸")),
    "ft": (Fraction(3048, 10000), "length", ("ft", "feet", "英尺")),
    "g": (Fraction(1, 1000), "mass", ("g", "grams", "克")),
    "kg": (Fraction(1), "mass", ("kg", "kilograms", "千克")),
    "s": (Fraction(1), "time", ("s", "seconds", "秒")),
    "min": (Fraction(60), "time", ("min", "minutes", "分钟")),
    "h": (Fraction(3600), "time", ("h", "hours", "小时")),
    "d": (Fraction(86400), "time", ("days", "days", "天")),
    "J": (Fraction(1), "energy", ("J", "joules", "焦耳")),
    "kJ": (Fraction(1000), "energy", ("kJ", "kilojoules", "千焦")),
    "N": (Fraction(1), "force", ("N", "newtons", "牛")),
    "m/s^2": (Fraction(1), "acceleration", ("m/s^2", "meters per second squared", "米/秒²")),
    "km/h": (Fraction(5, 18), "speed", ("km/h", "kilometers per hour", "千米/时")),
    "m/s": (Fraction(1), "speed", ("m/s", "meters per second", "米/秒")),
    "deg": (Fraction(1), "angle", (r"^\circ", "degrees", "度")),
    "usd": (Fraction(1), "dollars", (r"\$", "dollars", "美元")),
    "eur": (Fraction(1), "euros", ("€", "euros", "欧元")),
    "%": (Fraction(1, 100), "share", (r"\%", "percent", "%")),
}

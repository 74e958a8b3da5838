"""Units: what they measure, and how large they are.

Covered: length, area, volume, mass, time, speed, energy, power, force, pressure, electricity, money, angles, percent,
temperatures (kept apart, never converted), fractions in words (`3 tenths`), Chinese names, SI prefixes, products,
quotients and powers, counted nouns (`5 apples`). Not covered: currencies into one another, units whose size depends on
the place (`ton` is 1000 kg).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

Dims = tuple[tuple[str, int], ...]  # (("m", 1), ("s", -1))


@dataclass(frozen=True, slots=True)
class Unit:
    """`size` in base units of `dims`; `noun` holds the words that are no unit of measure."""

    size: Fraction = Fraction(1)
    dims: Dims = ()
    noun: frozenset[str] = frozenset()
    scale: Fraction = Fraction(1)  # of `million`: it counts even where the unit is left out

    def __mul__(self, other: Unit) -> Unit:
        dims = dict(self.dims)
        for name, power in other.dims:
            dims[name] = dims.get(name, 0) + power
        return Unit(
            self.size * other.size, tuple(sorted((n, p) for n, p in dims.items() if p)), self.noun | other.noun, self.scale * other.scale
        )

    def __pow__(self, power: int) -> Unit:
        return Unit(self.size**power, tuple((n, p * power) for n, p in self.dims), self.noun, self.scale**power)


_BASES = "m g s L J W N Pa Hz V A C F K mol bit B deg rad percent $ € £ ¥ ₹ degC degF".split()
_PREFIXES = {"k": 3, "M": 6, "G": 9, "T": 12, "h": 2, "d": -1, "c": -2, "m": -3, "μ": -6, "u": -6, "n": -9}
_PREFIX_NAMES = {"kilo": 3, "mega": 6, "giga": 9, "centi": -2, "deci": -1, "milli": -3, "micro": -6, "nano": -9}
_PREFIXED = "m g s L J W N Pa Hz V A".split()
_LONG = {
    "m": "meter metre 米", "g": "gram gramme 克", "s": "second sec 秒", "L": "l liter litre 升", "J": "joule 焦耳", "W": "watt 瓦",
    "N": "newton 牛顿 牛", "Pa": "pascal", "Hz": "hertz", "V": "volt 伏", "A": "amp ampere 安", "mol": "mole", "deg": "degree 度",
    "rad": "radian 弧度", "percent": "% percent percentage pct", "$": "\\usd usd dollar us-dollar 美元", "€": "eur euro 欧元", "£": "gbp",
    "¥": "yuan rmb cny 元 块",
    "₹": "rupee inr", "bit": "", "B": "byte", "C": "coulomb", "K": "kelvin", "F": "farad",
}  # fmt: skip
_DERIVED = {  # name: (size, base or earlier name, power of it)
    "km/h kmh kph km/hr": ("5/18", "m s^-1"), "mph": ("0.44704", "m s^-1"), "mps": ("1", "m s^-1"),
    "in inch inches 英寸": ("0.0254", "m"),
    "ft foot feet 英尺": ("0.3048", "m"), "yd yard": ("0.9144", "m"), "mi mile 英里": ("1609.344", "m"),
    "lb lbs pound 磅": ("453.59237", "g"), "oz ounce": ("28.349523125", "g"), "ton tonne t 吨": ("1000000", "g"), "斤": ("500", "g"),
    "min minute mins 分钟": ("60", "s"), "h hr hour hrs 小时 时": ("3600", "s"), "day 天": ("86400", "s"), "week wk 周": ("604800", "s"),
    "month 个月": ("1", "month"), "year yr 年": ("12", "month"), "gal gallon": ("3.785411784", "L"), "quart qt": ("0.946352946", "L"),
    "cent cents ¢": ("1/100", "$"), "dime": ("1/10", "$"), "角": ("1/10", "¥"), "acre": ("4046.8564224", "m^2"),
    "hectare ha 公顷": ("10000", "m^2"),
    "cc": ("1/1000000", "m^3"), "海里": ("1852", "m"), "毫克": ("1/1000", "g"), "毫秒": ("1/1000", "s"), "千焦": ("1000", "J"),
    "千瓦": ("1000", "W"), "千帕": ("1000", "Pa"),
    "cal calorie": ("4.184", "J"), "kcal": ("4184", "J"), "kWh": ("3600000", "J"), "hp": ("745.699872", "W"),
    "千米 公里": ("1000", "m"), "厘米": ("1/100", "m"), "毫米": ("1/1000", "m"), "分米": ("1/10", "m"), "千克 公斤": ("1000", "g"),
    "毫升": ("1/1000", "L"),
    "dozen": ("12", ""), "thousand": ("1000", ""), "million": ("1000000", ""), "billion": ("1000000000", ""),
    "trillion": ("1000000000000", ""),
    "half halves": ("1/2", ""), "third": ("1/3", ""), "fourth quarter": ("1/4", ""), "fifth": ("1/5", ""), "sixth": ("1/6", ""),
    "seventh": ("1/7", ""), "eighth": ("1/8", ""), "ninth": ("1/9", ""), "tenth": ("1/10", ""), "twelfth": ("1/12", ""),
    "hundredth": ("1/100", ""), "thousandth": ("1/1000", ""), "millionth": ("1/1000000", ""),
    "万": ("10000", ""), "亿": ("100000000", ""), "hundred": ("100", ""), "rev revolution": ("360", "deg"), "celsius": ("1", "degC"),
    "fahrenheit": ("1", "degF"), "平方米": ("1", "m^2"), "平方厘米": ("1/10000", "m^2"), "平方千米": ("1000000", "m^2"),
    "立方米": ("1", "m^3"), "立方厘米": ("1/1000000", "m^3"), "bps": ("1", "bit s^-1"),
}  # fmt: skip
# A word that turns a quantity into a statement about it is never a counted noun: `2 is wrong`, `5 or so`.
_NEVER = frozenset(
    "is are was be not no nor or and but if maybe perhaps possibly probably approximately about around roughly wrong incorrect false right "
    "correct true either neither unless except than less more least most at up to from between plus minus times over a an the this that"
    " it i "
    "we you think guess sure unsure unknown undefined none mod modulo because since so actually wait however instead also another other "
    "alternatively else answer answers inverse reciprocal root complement conjugate doubled tripled halved negated squared cubed factorial "
    "below above under beyond greater fewer almost nearly exclusive excluded repeating recurring ish th ths fold "
    "sqrt 或 或者 不 不是 错 和 与 oder und nicht kein keine ou et pas mais aber".split()
)
_IGNORED = frozenset({"unit", "units", "of", "in", "total", "个", "只", "人", "种"})


def _table() -> dict[str, Unit]:
    table = {b: Unit(Fraction(1), ((b, 1),)) for b in [*_BASES, "month", "Ω"]}
    # One litre is a cubic decimetre, a joule a newton metre: only the litre is worth converting.
    table["L"] = Unit(Fraction(1, 1000), (("m", 3),))
    for base in _PREFIXED:
        for prefix, power in _PREFIXES.items():
            table.setdefault(prefix + base, Unit(Fraction(10) ** power) * table[base])
    for base, names in _LONG.items():
        for name in names.split():
            table[name] = table[base]
            if base in _PREFIXED and name.isascii():
                table |= {p + name: Unit(Fraction(10) ** power) * table[base] for p, power in _PREFIX_NAMES.items()}
    for names, (size, base) in _DERIVED.items():
        for name in names.split():
            table[name] = Unit(Fraction(size)) * _base(table, base) if base else Unit(scale=Fraction(size))
    table |= {"ml": table["mL"], "dl": table["dL"], "cl": table["cL"], "Kg": table["kg"], "KM": table["km"], "KG": table["kg"]}
    return table


def _base(table: dict[str, Unit], text: str) -> Unit:
    unit = Unit()
    for part in text.split():
        name, _, power = part.partition("^")
        unit *= table[name] ** int(power or 1)
    return unit


TABLE = _table()
MONEY = frozenset({"\\usd", "$", "€", "£", "¥", "₹", "USD", "EUR", "GBP", "CNY", "RMB", "INR"})


def lookup(word: str) -> Unit | None:
    """The unit of a word: as a symbol in its own case, as a name in any case and number."""
    found = TABLE.get(word)
    if found is None and len(word) > 2:
        lower = word.lower()
        found = TABLE.get(lower) or TABLE.get(lower.removesuffix("s")) or TABLE.get(lower.removesuffix("es"))
    return found


def noun(words: Iterable[str]) -> Unit | None:
    """Words that are counted: `5 apples`. None where one of them says something about the number instead."""
    words = [w.lower() for w in words]
    if len(words) > 5 or any(w in _NEVER for w in words):
        return None
    return Unit(noun=frozenset(w.removesuffix("s") for w in words if w not in _IGNORED))

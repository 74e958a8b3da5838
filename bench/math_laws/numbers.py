"""A rational number alone, in the ways that numbers are written."""

from __future__ import annotations

from fractions import Fraction

from sympy import perfect_power

from bench.math_laws.hand import Hand
from bench.math_laws.meanings import Expr

VULGAR = {"1/2": "½", "1/4": "¼", "3/4": "¾", "1/3": "⅓", "2/3": "⅔", "1/5": "⅕", "1/8": "⅛", "3/8": "⅜"}


_GLUED = ("\\", *VULGAR.values())  # what a whole number may stand beside without a space


def number(exact: Expr, hand: Hand) -> str:
    value = Fraction(int(exact.p), int(exact.q))
    minus = hand.sign("-", "-", hand.pick("minus", "-", "−")) if value < 0 else ""
    return minus + (_whole(value.numerator if value > 0 else -value.numerator, hand) if exact.q == 1 else _part(abs(value), hand))


def decimals(value: Fraction, most: int = 10) -> str | None:
    """All decimals of a number; None if they do not end."""
    for places in range(1, most):
        if (value * 10**places).denominator == 1:
            digits = str(value * 10**places).rjust(places + 1, "0")
            return f"{digits[:-places]}.{digits[-places:]}"
    return None


def _whole(value: int, hand: Hand) -> str:
    digits = str(value)
    if value >= 1000 and hand.habit("thousands", 0.4):
        separators = [",", ",", "{,}", r"\,", r",\!", r"\ "] if hand.latex else [",", ",", " ", "\u202f"]
        separator = hand.random.choice(separators)
        hand.used.add(f"thousands {separator!r}")
        return f"{value:,}".replace(",", separator)
    root = perfect_power(value) if value > 3 and hand.habit("as a power", 0.05) else False
    if root:
        return f"{root[0]}^{root[1]}" if len(str(root[1])) == 1 or not hand.latex else f"{root[0]}^{{{root[1]}}}"
    if value >= 10**6 and value % 10**4 == 0 and hand.habit("million", 0.1):
        millions = (decimals(Fraction(value, 10**6)) or "").removesuffix(".0")
        return rf"{millions}\text{{ million}}" if hand.latex else f"{millions} million"
    if value >= 10**4 and value % 10**3 == 0 and hand.habit("ten thousands", 0.1):
        tens = (decimals(Fraction(value, 10**4)) or "").removesuffix(".0")
        return rf"{tens}\text{{万}}" if hand.latex else f"{tens}万"
    zeros = len(digits) - len(digits.rstrip("0"))
    if value >= 1000 and zeros > 1 and hand.habit("scientific", 0.3):
        return _scientific(digits.rstrip("0"), len(digits) - 1, hand)
    if hand.habit("point zero", 0.08):
        return digits + hand.random.choice((".0", ".00"))
    if hand.syntax == "unicode" and hand.habit("full width", 0.1):
        return digits.translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789"})
    return digits


def digits(value: int, base: int) -> str:
    found = ""
    while value:
        value, digit = divmod(value, base)
        found = "0123456789ABCDEFGH"[digit] + found
    return found


def in_words(value: int) -> str:
    ones = (*"zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split(),)
    ones += ("seventeen", "eighteen", "nineteen")
    tens = "twenty thirty forty fifty sixty seventy eighty ninety".split()
    if value < 20:
        return ones[value]
    return tens[value // 10 - 2] + (f"-{ones[value % 10]}" if value % 10 else "")


def _scientific(digits: str, power: int, hand: Hand) -> str:
    mantissa = digits[0] + (f".{digits[1:]}" if digits[1:] else "")
    if not hand.latex and hand.habit("e notation", 0.5):
        return f"{mantissa}e{power}"
    exponent = {"latex": f"{{{power}}}", "plain": str(power), "unicode": str(power).translate(SUPERSCRIPT)}[hand.syntax]
    times = hand.sign(hand.pick("times", r"\times", r"\cdot"), "*", "×")
    return f"{mantissa} {times} 10{'' if hand.syntax == 'unicode' else '^'}{exponent}"


SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def _part(value: Fraction, hand: Hand) -> str:
    exact = decimals(value)
    if value < Fraction(1, 1000) and exact is not None and hand.habit("scientific", 0.4):
        digits = exact[2:].lstrip("0")
        return _scientific(digits, len(digits) - len(exact) + 1, hand)
    if exact is not None and (value.denominator > 20 if hand.plainly else hand.habit("decimals", 0.5)):
        return _decimals(exact, hand)
    if exact is None and value.denominator in (3, 9, 11, 33, 99) and hand.latex and hand.habit("repeating decimals", 0.15):
        whole, rest = divmod(value.numerator, value.denominator)
        period = 1 if value.denominator in (3, 9) else 2
        return rf"{whole}.\overline{{{rest * 10**period // value.denominator:0{period}}}}"
    if value > 1 and value.denominator < 100 and hand.habit("mixed number"):
        whole, rest = divmod(value.numerator, value.denominator)
        rest = quotient(rest, value.denominator, hand)
        return f"{whole}{'' if rest.startswith(_GLUED) else ' '}{rest}"
    factor = hand.random.randint(2, 5) if hand.habit("not in lowest terms", 0.08) else 1
    return quotient(value.numerator * factor, value.denominator * factor, hand)


def _decimals(text: str, hand: Hand) -> str:
    if text.startswith("0.") and hand.habit("no leading zero", 0.1):
        return text[1:]
    return text + "0" if hand.habit("trailing zero", 0.1) else text


def quotient(top: int, bottom: int, hand: Hand) -> str:
    plain = f"{top}/{bottom}"
    if hand.syntax == "unicode" and plain in VULGAR and hand.habit("vulgar fraction", 0.5):
        return VULGAR[plain]
    if not hand.latex or hand.habit("slash", 0.1):
        return plain
    command = hand.pick("command", r"\frac", r"\dfrac", r"\tfrac")
    if top < 10 and bottom < 10 and hand.habit(r"\frac12", 0.1):
        return f"{command}{top}{bottom}"
    return f"{command}{{{top}}}{{{bottom}}}"

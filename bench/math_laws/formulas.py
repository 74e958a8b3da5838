"""Writes a sympy expression: terms and factors in any order, fractions, roots and powers in the usual spellings."""

from __future__ import annotations

import sympy

from bench.math_laws.hand import Hand
from bench.math_laws.joints import joint
from bench.math_laws.meanings import Expr
from bench.math_laws.numbers import SUPERSCRIPT, number

SUM, PRODUCT, POWER, ATOM = range(4)  # how tightly a text binds
Written = tuple[str, int]
NAMES = {sympy.pi: (r"\pi", "pi", "π"), sympy.E: ("e", "e", "e"), sympy.I: ("i", "i", "i")}
GREEK = {"theta": "θ", "alpha": "α", "lambda": "λ"}
FUNCTIONS = {"log": "ln", "sin": "sin", "cos": "cos", "tan": "tan"}


def formula(expr: Expr, hand: Hand) -> str:
    """An expression as an answer of its own."""
    if expr.is_Rational:
        return number(expr, hand)
    if hand.habit("sympy's printer", 0.1) and (hand.latex or not expr.has(sympy.Abs, sympy.factorial, sympy.binomial)):
        return printed(expr, hand)
    return within(expr, hand, SUM)


def printed(expr: Expr, hand: Hand) -> str:
    """As sympy prints it."""
    if hand.latex:
        options = {"mul_symbol": hand.random.choice((None, "dot", "times")), "order": hand.random.choice((None, "rev-lex", "grevlex"))}
        return sympy.latex(expr, ln_notation=True, fold_short_frac=hand.random.random() < 0.2, **options)
    text = str(expr).replace("E", "e").replace("I", "i")
    return text if hand.habit("two stars", 0.3) else text.replace("**", "^")


def within(expr: Expr, hand: Hand, level: int) -> str:
    """An expression as a part, in brackets where it binds less than its surroundings."""
    text, own = _write(expr, hand)
    return text if own >= level else hand.bracket(text)


def _write(expr: Expr, hand: Hand) -> Written:
    if expr.is_Integer:
        return str(expr), ATOM if expr >= 0 else SUM
    if expr.is_Symbol:
        return _symbol(expr.name, hand), ATOM
    if expr in NAMES:
        return hand.sign(*NAMES[expr]), ATOM
    if expr.is_Add:
        return _sum(expr, hand), SUM
    if expr.is_Pow and expr.exp.is_Integer and expr.exp < 0 and hand.habit("negative exponent", 0.05):
        return f"{within(expr.base, hand, ATOM)}{_raised(expr.exp, hand)}", POWER
    if expr.is_Mul or expr.is_Rational or (expr.is_Pow and sympy.fraction(expr)[1] != 1):
        return _product(expr, hand)
    if expr.is_Pow or expr.func is sympy.exp:
        return _power(expr, hand)
    if expr.func in (sympy.Abs, sympy.factorial, sympy.binomial):
        return _special(expr, hand)
    return _call(FUNCTIONS[expr.func.__name__], "", expr.args[0], hand)


def _symbol(name: str, hand: Hand) -> str:
    letter, _, index = name.partition("_")
    if index:
        return f"{letter}_{{{index}}}" if hand.latex and not hand.habit("bare index", 0.5) else name
    return hand.sign(f"\\{name}", name, GREEK[name]) if name in GREEK else name


def _special(expr: Expr, hand: Hand) -> Written:
    """A value between bars, a factorial, a binomial coefficient."""
    if expr.func is sympy.Abs:
        inner = within(expr.args[0], hand, SUM)
        return hand.pick("bars", "|@|", *((r"\left|@\right|", r"\lvert @ \rvert") if hand.latex else ())).replace("@", inner), ATOM
    if expr.func is sympy.factorial:
        return f"{within(expr.args[0], hand, ATOM)}!", POWER
    top, bottom = (within(part, hand, SUM) for part in expr.args)
    return rf"\binom{{{top}}}{{{bottom}}}" if hand.latex else f"C({top}, {bottom})", ATOM


def _sum(expr: Expr, hand: Hand) -> str:
    terms = list(expr.as_ordered_terms())
    if hand.habit("commuted sum"):
        hand.random.shuffle(terms)
    text = within(terms[0], hand, PRODUCT if terms[0].is_Add else SUM)
    for term in terms[1:]:
        negative = term.could_extract_minus_sign()
        text += f" {'-' if negative else '+'} {within(-term if negative else term, hand, PRODUCT)}"
    return text


def _product(expr: Expr, hand: Hand) -> Written:
    if expr.could_extract_minus_sign():
        return f"-{within(-expr, hand, PRODUCT)}", SUM
    top, bottom = sympy.fraction(expr)
    if top.is_Add and bottom == 1:  # sympy multiplied it out
        return _sum(top, hand), SUM
    if bottom == 1:
        return _factors(top, hand), PRODUCT
    if top.func is sympy.log and bottom.func is sympy.log and bottom.args[0].is_Integer and hand.latex:
        return _call("log", f"_{{{bottom.args[0]}}}", top.args[0], hand)
    coefficient, rest = top.as_coeff_Mul()
    if bottom.is_Integer and rest != 1 and hand.habit("fraction in front"):
        first = _over(coefficient, bottom, hand)
        first, following = first if hand.latex else f"({first})", within(rest, hand, POWER)
        return first + joint(first, following, hand) + following, PRODUCT
    return _over(top, bottom, hand), PRODUCT


def _over(top: Expr, bottom: Expr, hand: Hand) -> str:
    if hand.latex and not hand.habit("slash", 0.07):
        command = hand.pick("command", r"\frac", r"\dfrac", r"\tfrac")
        return f"{command}{{{within(top, hand, SUM)}}}{{{within(bottom, hand, SUM)}}}"
    return f"{within(top, hand, PRODUCT)}/{within(bottom, hand, POWER if not bottom.is_Mul else ATOM)}"


def _factors(expr: Expr, hand: Hand) -> str:
    factors = list(expr.as_ordered_factors()) if expr.is_Mul else [expr]
    if len(factors) > 1 and hand.habit("commuted product", 0.1):
        hand.random.shuffle(factors)
    text = within(factors[0], hand, POWER if len(factors) > 1 else SUM)
    for factor in factors[1:]:
        following = within(factor, hand, PRODUCT if factor is factors[-1] and not factor.is_Mul else POWER)
        text += joint(text, following, hand) + following
    return text


def _power(expr: Expr, hand: Hand) -> Written:
    base, exponent = (sympy.E, expr.args[0]) if expr.func is sympy.exp else (expr.base, expr.exp)
    if base is sympy.E and hand.habit("exp", 0.15):
        return _call("exp", "", exponent, hand)
    if exponent.is_Rational and exponent.p == 1 and exponent.q > 1 and not hand.habit("root as a power", 0.1):
        return _root(base, int(exponent.q), hand)
    if base.is_Function and exponent.is_Integer and hand.latex and base.func.__name__ in FUNCTIONS and hand.habit(r"\sin^2", 0.5):
        return _call(FUNCTIONS[base.func.__name__], f"^{{{exponent}}}", base.args[0], hand)
    return f"{within(base, hand, ATOM)}{_raised(exponent, hand)}", POWER


def _raised(exponent: Expr, hand: Hand) -> str:
    if exponent.is_Integer and hand.syntax == "unicode":
        return str(exponent).translate(SUPERSCRIPT)
    text = within(exponent, hand, SUM)
    if hand.latex:
        return f"^{text}" if len(text) == 1 and hand.habit("bare exponent", 0.5) else f"^{{{text}}}"
    return f"^{text}" if len(text) == 1 else f"^({text})"


def _root(base: Expr, order: int, hand: Hand) -> Written:
    inner = within(base, hand, SUM)
    if hand.latex:
        return rf"\sqrt{'' if order == 2 else f'[{order}]'}{{{inner}}}", POWER
    if hand.syntax == "unicode" and order in (2, 3):
        return f"{'√' if order == 2 else '∛'}{inner if inner.isdigit() or (inner.isalpha() and len(inner) == 1) else f'({inner})'}", POWER
    if order == 2:
        return f"sqrt({inner})", ATOM
    return f"{within(base, hand, ATOM)}^(1/{order})", POWER


def _call(name: str, power: str, argument: Expr, hand: Hand) -> Written:
    command = f"\\{name}{power}" if hand.latex else name
    if (argument.is_Symbol or argument.is_Integer) and hand.habit("bare argument", 0.3):
        return f"{command} {within(argument, hand, SUM)}", PRODUCT
    return f"{command}{hand.bracket(within(argument, hand, SUM))}", ATOM

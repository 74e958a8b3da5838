"""Exact arithmetic over numbers, parentheses and + - * / // % **."""

from __future__ import annotations

import ast
import operator
from fractions import Fraction

from r1lite.episodes.tools import Malformed, tool

MOST_DIGITS = 300  # of a number on the way
_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}


@tool
def calculator(expression: str) -> str:
    """Compute an arithmetic expression.

    Args:
        expression: the expression, such as 12*(3+4)
    """
    if len(expression) > 1000:
        raise Malformed("the expression is too long")
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise Malformed(f"{expression.strip()!r} is no expression") from None
    value = _value(tree.body)
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.12g}"


def _value(node: ast.expr) -> Fraction:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return _small(Fraction(str(node.value)) if isinstance(node.value, float) else Fraction(node.value))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _value(node.operand)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        return _power(_value(node.left), _value(node.right))
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        try:
            return _small(Fraction(_OPERATORS[type(node.op)](_value(node.left), _value(node.right))))
        except ZeroDivisionError:
            raise Malformed("division by zero") from None
    raise Malformed("only numbers, parentheses and + - * / // % ** are understood")


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    digits = len(str(max(abs(base.numerator), base.denominator)))
    if exponent.denominator != 1 or abs(exponent) * digits > MOST_DIGITS or (not base and exponent < 0):
        raise Malformed("the power is too large, or its exponent no whole number")
    return _small(base ** int(exponent))


def _small(value: Fraction) -> Fraction:
    if max(abs(value.numerator), value.denominator) >= 10**MOST_DIGITS:
        raise Malformed("the numbers become too large")
    return value

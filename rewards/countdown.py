"""Does the expression use every given number once and reach the target?

The expression is walked as a syntax tree over numbers and + - * / and brackets; nothing else is understood, `**` and
names least of all, and nothing is evaluated. Covered: length and depth are capped, division is exact; the value may stand
behind an equals sign, as in 3*5+9=24, and has to be right there.
"""

import ast
import re
from collections import Counter
from fractions import Fraction

from r1lite.text.response import last_answer
from rewards import Problem, Rollout, Verdict, needs, reward

MAX_CHARACTERS = 200
CHARACTERS = re.compile(r"[0-9+*/()\s-]*")  # Python reads more as whole numbers: 0x18, 1_0, and a comment after them
VALUE = re.compile(r"\s{0,9}-?\d{1,20}(?:/[1-9]\d{0,19}|\.\d{1,20})?\s{0,9}", re.ASCII)
OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


class NotAnExpression(ValueError):
    """The text is not arithmetic over whole numbers."""


@reward("countdown")
def countdown(problem: Problem, rollout: Rollout, *, partial: float = 0.0) -> Verdict:
    """1 where the target is reached; `partial` where the right numbers make another value; else 0."""
    target, numbers = Fraction(needs(problem, "target")), needs(problem, "numbers")
    given = last_answer(rollout.response)
    if given is None:
        return Verdict(value=0.0, why="no answer block")
    try:
        expression, told = _sides(given)
        value, used = evaluate(expression)
    except NotAnExpression as error:
        return Verdict(value=0.0, why=f"{given!r}: {error}")
    if Counter(used) != Counter(int(n) for n in numbers):
        return Verdict(value=0.0, why=f"{given!r} uses {sorted(used)}, given were {sorted(numbers)}")
    if value != target:
        return Verdict(value=partial, why=f"{given!r} is {value}, wanted {target}")
    if told is not None and told != target:
        return Verdict(value=0.0, why=f"{given!r} is {target}, and says that it is {told}")
    return Verdict(value=1.0, why=f"{given!r} is {target}")


def _sides(given: str) -> tuple[str, Fraction | None]:
    """The expression, and the value that stands behind an equals sign."""
    expression, equals, told = given.rpartition("=")
    if not equals:
        return given, None
    if not VALUE.fullmatch(told):
        raise NotAnExpression("what stands behind the equals sign is no value")
    return expression, Fraction(told.strip())


def evaluate(text: str) -> tuple[Fraction, list[int]]:
    """The value of an expression, and the numbers in it."""
    if len(text) > MAX_CHARACTERS:
        raise NotAnExpression(f"longer than {MAX_CHARACTERS} characters")
    if not CHARACTERS.fullmatch(text.strip()):
        raise NotAnExpression("only numbers, + - * / and brackets are understood")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        used: list[int] = []
        return _walk(tree, used), used
    except (SyntaxError, RecursionError, MemoryError, ValueError) as error:
        raise NotAnExpression(str(error) if isinstance(error, NotAnExpression) else "not an expression") from error


def _walk(node: ast.expr, used: list[int]) -> Fraction:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        used.append(node.value)
        return Fraction(node.value)
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        left, right = _walk(node.left, used), _walk(node.right, used)
        match OPERATORS[type(node.op)]:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
        if not right:
            raise NotAnExpression("division by zero")
        return left / right
    raise NotAnExpression("only numbers, + - * / and brackets are understood")

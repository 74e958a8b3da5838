"""Does the expression use each number once and reach the target?

Covered: numbers, + - * / and brackets, read as a syntax tree and never evaluated as Python; length and depth are limited,
division is exact. A value after an equals sign, as in 3*5+9=24, has to be correct.
Not covered: other notations, such as `**`, x for times, or an expression in words.
"""

import ast
import re
from collections import Counter
from fractions import Fraction

from r1lite.text.response import last_answer
from rewards import Problem, Rollout, Verdict, needs, reward
from rewards._text import evidence

MAX_CHARACTERS = 200
CHARACTERS = re.compile(r"[0-9+*/()\s-]*")  # Python would also accept 0x18, 1_0 and comments
VALUE = re.compile(r"\s{0,9}-?\d{1,20}(?:/[1-9]\d{0,19}|\.\d{1,20})?\s{0,9}", re.ASCII)
OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


class NotAnExpression(ValueError):
    """The text is not arithmetic over whole numbers."""


@reward("countdown", evidence=evidence)
def countdown(problem: Problem, rollout: Rollout, *, partial: float = 0.0) -> Verdict:
    """1 if the target is reached; `partial` if the right numbers give another value; else 0."""
    target, numbers = Fraction(needs(problem, "target")), needs(problem, "numbers")
    answer = last_answer(rollout.response)
    if answer is None:
        return Verdict(value=0.0, why="no answer block")
    try:
        expression, claimed = _sides(answer)
        value, used = evaluate(expression)
    except NotAnExpression as error:
        return Verdict(value=0.0, why=f"{answer!r}: {error}")
    if Counter(used) != Counter(int(n) for n in numbers):
        return Verdict(value=0.0, why=f"{answer!r} uses {sorted(used)}, expected {sorted(numbers)}")
    if value != target:
        return Verdict(value=partial, why=f"{answer!r} is {value}, expected {target}")
    if claimed is not None and claimed != target:
        return Verdict(value=0.0, why=f"{answer!r} is {target}, but claims to be {claimed}")
    return Verdict(value=1.0, why=f"{answer!r} is {target}")


def _sides(answer: str) -> tuple[str, Fraction | None]:
    """The expression, and the value after an equals sign."""
    expression, equals, claimed = answer.rpartition("=")
    if not equals:
        return answer, None
    if not VALUE.fullmatch(claimed):
        raise NotAnExpression("there is no value after the equals sign")
    return expression, Fraction(claimed.strip())


def evaluate(text: str) -> tuple[Fraction, list[int]]:
    """The value of an expression, and the numbers in it."""
    if len(text) > MAX_CHARACTERS:
        raise NotAnExpression(f"longer than {MAX_CHARACTERS} characters")
    if not CHARACTERS.fullmatch(text.strip()):
        raise NotAnExpression("only numbers, + - * / and brackets are allowed")
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
    raise NotAnExpression("only numbers, + - * / and brackets are allowed")

"""Guards for reasoning-gym's scorers: answers that they would execute, or accept though they hold more than the answer."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping
from typing import Any

Entry = Mapping[str, Any]

MAX_TIMES, MAX_MORE = 4, 400  # an answer's length: at most 4 times the expected answer's, plus 400
FUNCTIONS = {"sin", "cos", "tan", "exp", "log", "ln", "sqrt", "asin", "acos", "atan", "sinh", "cosh", "tanh"}
CONSTANTS = {"C", "E", "pi"}
FORMULAS = {"intermediate_integration", "polynomial_multiplication", "simple_integration"}
MAX_NODES, MAX_NUMBER, MAX_EXPONENT = 400, 10**12, 64
OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.UAdd, ast.USub)

_DIGITS = r"\d{1,60}+"  # bounded and without backtracking, as a page of digits is tried at each of them
_DECIMAL = rf"[-+]?(?:{_DIGITS}\.?\d{{0,60}}+|\.{_DIGITS})"

# The form of a whole answer, for scorers that would search for its parts in any text.
SHAPES = {
    "advanced_geometry": re.compile(rf"{_DECIMAL}\s{{0,9}}°?|\(?\s{{0,9}}{_DECIMAL}\s{{0,9}},\s{{0,9}}{_DECIMAL}\s{{0,9}}\)?", re.ASCII),
    # Digits and the imaginary unit only: the scorer gives full marks to nan.
    "complex_arithmetic": re.compile(r"[-+\d.ij\s*()]+", re.ASCII),
    "fraction_simplification": re.compile(
        rf"\$?\s{{0,9}}-?(?:{_DIGITS}\s{{0,9}}/\s{{0,9}}{_DIGITS}|\\d?frac\s{{0,9}}\{{-?{_DIGITS}\}}\s{{0,9}}\{{-?{_DIGITS}\}})\s{{0,9}}\$?",
        re.ASCII,
    ),
    "kakurasu": re.compile(r"[01\s]+", re.ASCII),
    "polynomial_equations": re.compile(rf"{_DECIMAL}(?:\s{{0,9}},\s{{0,9}}{_DECIMAL}){{0,20}}", re.ASCII),
    "quantum_lock": re.compile(r"[A-Ca-c\s,→>-]+"),
    "rubiks_cube": re.compile(r"[A-Za-z0-9'\s]+", re.ASCII),
    "sokoban": re.compile(r"[UDLR]+"),
    "survo": re.compile(r"[\d\s]+", re.ASCII),
    "tower_of_hanoi": re.compile(r"(?:Move disk \d{1,9} from Peg \d{1,9} to Peg \d{1,9}\s{0,9})+", re.ASCII),
    "time_intervals": re.compile(r"[\d:.]+|\d+( days?)?|\d+ days?, [\d:.]+", re.ASCII),
}


def refusal(name: str, answer: str, entry: Entry) -> str:
    """Why an answer must not reach the scorer; empty if it may."""
    if len(answer) > MAX_TIMES * len(str(entry["answer"])) + MAX_MORE:
        return f"{len(answer)} characters are too long for an answer"
    if name in SHAPES and not SHAPES[name].fullmatch(answer):
        return "not an answer only"
    if name in FORMULAS:
        return _unsafe_formula(answer, {str(v) for v in (entry["metadata"].get("variable"), *entry["metadata"].get("variables", ())) if v})
    if name == "knights_knaves":
        words, expected = _words(answer), _words(str(entry["answer"]))
        if not {*words} <= {*expected, "and", "is", "a", "an"} or len(words) > len(expected) + len(entry["metadata"]["names"]):
            return "too many words for an answer, or other words"
    return ""


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _unsafe_formula(text: str, variables: set[str]) -> str:
    """Why a formula must not reach sympy's parser, which evaluates its input; empty if it is plain arithmetic on known names."""
    try:
        nodes = list(ast.walk(ast.parse(text.strip(), mode="eval").body))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "not a formula"
    if len(nodes) > MAX_NODES:
        return "too many parts for an answer"
    powers = [node for node in nodes if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)]
    called = {node.func for node in nodes if isinstance(node, ast.Call)}
    for node in nodes:
        if isinstance(node, ast.Constant) and not _small(node.value):
            return "a constant that is too large for an answer"
        if isinstance(node, ast.Name) and node.id not in (FUNCTIONS if node in called else variables | CONSTANTS):
            return f"the name {node.id!r:.30} is unknown"
        if isinstance(node, ast.Call) and (node.keywords or len(node.args) != 1 or not isinstance(node.func, ast.Name)):
            return "a call that is not a function of one argument"
        if not isinstance(node, (ast.Constant, ast.Name, ast.Call, ast.BinOp, ast.UnaryOp, ast.Load, *OPERATORS)):
            return "only numbers, variables, functions and + - * / ** are allowed"
    # What sympy computes while parsing has to stay small: no towers, powers of powers, or exponents that are products.
    exponents = [operation for power in powers for operation in _operations(power.right)]
    towers = any(isinstance(node.op, ast.Pow) and not isinstance(node.left, ast.Name) for node in exponents)
    if towers or (powers and max(map(_growth, powers)) > MAX_EXPONENT**2):
        return "powers that are too large for an answer"
    return ""


def _small(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MAX_NUMBER


def _operations(node: ast.AST) -> list[ast.BinOp]:
    return [part for part in ast.walk(node) if isinstance(part, ast.BinOp)]


def _growth(node: ast.AST) -> float:
    """The largest exponent that may result: nested exponents are multiplied."""
    inner = max((_growth(child) for child in ast.iter_child_nodes(node)), default=1.0)
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)):
        return inner
    constants = (part.value for part in ast.walk(node.right) if isinstance(part, ast.Constant))
    return inner * math.prod(max(1.0, abs(float(c))) for c in constants if isinstance(c, int | float))

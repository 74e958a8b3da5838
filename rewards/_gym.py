"""What stands between an answer and reasoning-gym's scorers: what they would run, and what they would let pass."""

from __future__ import annotations

import ast
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from rewards._number import read_number
from rewards.countdown import NotAnExpression, evaluate

Entry = Mapping[str, Any]

MOST = (4, 400)  # characters of an answer: so many times those of the expected one, and so many more
FUNCTIONS = {"sin", "cos", "tan", "exp", "log", "ln", "sqrt", "asin", "acos", "atan", "sinh", "cosh", "tanh"}
CONSTANTS = {"C", "E", "pi"}
FORMULAS = {"intermediate_integration", "polynomial_multiplication", "simple_integration"}
MAX_NODES, MAX_NUMBER, MAX_EXPONENT = 400, 10**12, 64
OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.UAdd, ast.USub)

# What a whole answer looks like, where the scorer would look for its parts in anything.
SHAPES = {
    # Digits and the imaginary unit: its scorer gives full marks to nan.
    "complex_arithmetic": re.compile(r"[-+\d.ij\s*()]+", re.ASCII),
    "coin_flip": re.compile(r"[\d\s./]+", re.ASCII),
    "kakurasu": re.compile(r"[01\s]+", re.ASCII),
    "polynomial_equations": re.compile(r"[-\d\s.,]+", re.ASCII),
    "quantum_lock": re.compile(r"[A-Ca-c\s,→>-]+"),
    "rubiks_cube": re.compile(r"[A-Za-z0-9'\s]+", re.ASCII),
    "sokoban": re.compile(r"[UDLR]+"),
    "survo": re.compile(r"[\d\s]+", re.ASCII),
    "time_intervals": re.compile(r"[\d:.]+|\d+( days?)?|\d+ days?, [\d:.]+", re.ASCII),
}


def refusal(name: str, given: str, entry: Entry) -> str:
    """Why an answer is never shown to the scorer; empty where it is."""
    if len(given) > MOST[0] * len(str(entry["answer"])) + MOST[1]:
        return f"{len(given)} characters are no answer"
    if name in SHAPES and not SHAPES[name].fullmatch(given):
        return "not an answer alone"
    if name in FORMULAS:
        return _no_formula(given, {str(v) for v in (entry["metadata"].get("variable"), *entry["metadata"].get("variables", ())) if v})
    if name == "knights_knaves":
        said, expected = _words(given), _words(str(entry["answer"]))
        if not {*said} <= {*expected, "and", "is", "a", "an"} or len(said) > len(expected) + len(entry["metadata"]["names"]):
            return "more words than an answer has, or others"
    return ""


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _no_formula(text: str, variables: set[str]) -> str:
    """sympy's parser runs what it is given, so only numbers, the problem's letters, known functions and + - * / ** may reach it."""
    try:
        nodes = list(ast.walk(ast.parse(text.strip(), mode="eval").body))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "not a formula"
    if len(nodes) > MAX_NODES:
        return "a formula of more parts than any answer has"
    powers = [node for node in nodes if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)]
    called = {node.func for node in nodes if isinstance(node, ast.Call)}
    for node in nodes:
        if isinstance(node, ast.Constant) and not _small(node.value):
            return "a constant that no answer has"
        if isinstance(node, ast.Name) and node.id not in (FUNCTIONS if node in called else variables | CONSTANTS):
            return f"the name {node.id!r:.30} means nothing here"
        if isinstance(node, ast.Call) and (node.keywords or len(node.args) != 1 or not isinstance(node.func, ast.Name)):
            return "not a function of one value"
        if not isinstance(node, (ast.Constant, ast.Name, ast.Call, ast.BinOp, ast.UnaryOp, ast.Load, *OPERATORS)):
            return "only numbers, letters, functions and + - * / ** are understood"
    # Whatever is computed before anything is compared has to stay small: towers, powers of powers, exponents out of products.
    towers = any(isinstance(node.op, ast.Pow) and not isinstance(node.left, ast.Name) for power in powers for node in _joins(power.right))
    if towers or (powers and max(map(_growth, powers)) > MAX_EXPONENT**2):
        return "powers that no answer has"
    return ""


def _small(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MAX_NUMBER


def _joins(node: ast.AST) -> list[ast.BinOp]:
    return [one for one in ast.walk(node) if isinstance(one, ast.BinOp)]


def _growth(node: ast.AST) -> float:
    """How large an exponent may become: the product of all that stand above each other."""
    inner = max((_growth(child) for child in ast.iter_child_nodes(node)), default=1.0)
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)):
        return inner
    constants = (one.value for one in ast.walk(node.right) if isinstance(one, ast.Constant))
    return inner * math.prod(max(1.0, abs(float(c))) for c in constants if isinstance(c, int | float))


def _exactly(given: str, entry: Entry) -> bool:
    return given.split() == str(entry["answer"]).split()


def _words_alike(given: str, entry: Entry) -> bool:
    return given.casefold().split() == str(entry["answer"]).casefold().split()


def _listed(given: str, entry: Entry) -> bool:
    return [word.strip() for word in given.split(",")] == list(entry["metadata"]["sorted_words"])


def _expression(given: str, entry: Entry, target: float) -> bool:
    try:
        value, used = evaluate(given)
    except NotAnExpression:
        return False
    return value == target and Counter(used) == Counter(int(n) for n in entry["metadata"]["numbers"])


def _json(given: str, entry: Entry) -> bool:
    try:
        return json.loads(given) == json.loads(entry["answer"])
    except (ValueError, RecursionError):
        return False


def _number(given: str, entry: Entry) -> bool:
    value = read_number(given.strip().lstrip("$"))
    return value is not None and value == read_number(str(entry["answer"]))


def _queens(given: str, entry: Entry) -> bool:
    board = [line.split() for line in given.splitlines()]
    return any(board == [line.split() for line in valid.splitlines()] for valid in entry["metadata"]["valid_answers"])


# Scorers of ours, where theirs evaluates the answer, or takes a part of it for the whole.
OWN: dict[str, Callable[[str, Entry], bool]] = {
    "binary_matrix": _exactly,
    "countdown": lambda given, entry: _expression(given, entry, entry["metadata"]["target"]),
    "figlet_font": lambda given, entry: given.replace(" ", "").casefold() == str(entry["answer"]).strip().casefold(),
    "game_of_life": _json,
    "gsm_symbolic": _number,
    "letter_jumble": _words_alike,
    "n_queens": _queens,
    "puzzle24": lambda given, entry: _expression(given, entry, 24),
    "spiral_matrix": _exactly,
    "string_insertion": _exactly,
    "word_sorting": _listed,
}

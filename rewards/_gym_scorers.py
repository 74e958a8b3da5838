"""Our own scorers for data sets of reasoning-gym."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from rewards._number import read_number
from rewards.countdown import NotAnExpression, evaluate

Entry = Mapping[str, Any]


def _exactly(answer: str, entry: Entry) -> bool:
    return answer.split() == str(entry["answer"]).split()


def _same_words(answer: str, entry: Entry) -> bool:
    return answer.casefold().split() == str(entry["answer"]).casefold().split()


def _word_list(answer: str, entry: Entry) -> bool:
    return [word.strip() for word in answer.split(",")] == list(entry["metadata"]["sorted_words"])


def _expression(answer: str, entry: Entry, target: float) -> bool:
    try:
        value, used = evaluate(answer)
    except NotAnExpression:
        return False
    return value == target and Counter(used) == Counter(int(n) for n in entry["metadata"]["numbers"])


def _json(answer: str, entry: Entry) -> bool:
    try:
        return json.loads(answer) == json.loads(entry["answer"])
    except (ValueError, RecursionError):
        return False


def _number(answer: str, entry: Entry) -> bool:
    value = read_number(answer.strip().lstrip("$"))
    return value is not None and value == read_number(str(entry["answer"]))


def _probability(answer: str, entry: Entry) -> bool:
    """Within 0.01% of the expected value, which may be smaller than the scorer's tolerance."""
    value, expected = read_number(answer), Fraction(str(entry["answer"]))
    return value is not None and abs(value - expected) <= expected / 10_000


def _matrix(answer: str, entry: Entry) -> bool:
    """Each number within 0.01 of the expected one: averages are rounded."""
    rows, expected = _numbers(answer), _numbers(str(entry["answer"]))
    return [len(row) for row in rows] == [len(row) for row in expected] and all(
        a is not None and b is not None and abs(a - b) <= Fraction(1, 100)
        for row, other in zip(rows, expected, strict=True)
        for a, b in zip(row, other, strict=True)
    )


def _numbers(text: str) -> list[list[Fraction | None]]:
    return [[read_number(word) for word in line.split()] for line in text.splitlines()]


def _queens(answer: str, entry: Entry) -> bool:
    board = [line.split() for line in answer.splitlines()]
    return any(board == [line.split() for line in valid.splitlines()] for valid in entry["metadata"]["valid_answers"])


# For data sets whose scorer evaluates the answer as Python, or gives full marks to a part of it or to other text.
OWN: dict[str, Callable[[str, Entry], bool]] = {
    "binary_matrix": _exactly,
    "coin_flip": _probability,
    "countdown": lambda answer, entry: _expression(answer, entry, entry["metadata"]["target"]),
    "figlet_font": lambda answer, entry: answer.replace(" ", "").casefold() == str(entry["answer"]).strip().casefold(),
    "game_of_life": _json,
    "game_of_life_halting": _same_words,  # the package compares the truth of two texts: "False" is as true as any
    "gsm_symbolic": _number,
    "letter_jumble": _same_words,
    "n_queens": _queens,
    "pool_matrix": _matrix,
    "puzzle24": lambda answer, entry: _expression(answer, entry, 24),
    "spell_backward": _same_words,
    "spiral_matrix": _exactly,
    "string_insertion": _exactly,
    "word_sorting": _word_list,
}

"""The choices of a row and the right one, in any of the shapes that data sets have them.

choices    a list (`choices`, `options`, `endings`); {"text": [...], "label": [...]} or a list of such pairs; an object from
           letter to text; columns A, B, C, ..., or option1, option2, ..., or opa, opb, ...; or `correct_answer` beside
           `incorrect_answers`, or `distractor1`, ..., then put into an order that the question decides
answer     a letter, a label, a choice's text, or an index (`answer`, `answerKey`, `answer_idx`, `label`, `cop`, ...)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from string import ascii_uppercase
from typing import Any

LISTED = ("choices", "options", "endings")
LETTERED = (("A", "B", "C", "D", "E", "F"), ("a", "b", "c", "d", "e", "f"), ("opa", "opb", "opc", "opd", "ope"))
NUMBERED = re.compile(r"(?:option|choice|answer|sol)[ _]?(\d|[A-Ja-j])")
RIGHT, WRONG = (
    re.compile(r"(?:correct|right)[ _]answer", re.I),
    re.compile(r"(?:incorrect|wrong)[ _]answers?[ _]?\d*|distractor[ _]?\d+", re.I),
)
ANSWERS = ("answer", "answerKey", "answer_key", "answer_idx", "answer_index", "label", "cop", "target", "gold", "correct_option")


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """What there is to choose from, how the row calls it, and the columns that said so."""

    texts: Sequence[str]
    labels: Sequence[str] = ()
    columns: Sequence[str] = ()
    right: int | None = None  # where the row's own columns say it


def choices_of(row: Mapping[str, Any], question: str) -> Choices:
    found = _listed(row) or _in_columns(row) or _right_and_wrong(row, question)
    if found is None:
        raise ValueError("no choices: they stand in a column such as choices or options, or in columns A, B, C, ...")
    if not 2 <= len(found.texts) <= len(ascii_uppercase) or not all(text.strip() for text in found.texts):
        raise ValueError(f"a question has 2 to 26 choices, none of them empty, got {len(found.texts)}")
    if len({text.strip().casefold() for text in found.texts}) < len(found.texts):
        raise ValueError("two choices are the same")
    return found


def right_one(row: Mapping[str, Any], choices: Choices, first_index: int) -> int:
    """Where the right choice stands."""
    if choices.right is not None:
        return choices.right
    column = next((name for name in ANSWERS if name not in choices.columns and row.get(name) not in (None, "")), None)
    if column is None:
        raise ValueError(f"no answer: it stands in one of {', '.join(ANSWERS)}")
    given = row[column]
    if isinstance(given, list) and len(given) == 1:
        given = given[0]
    place = _place(given, choices, first_index)
    if place is None or not 0 <= place < len(choices.texts):
        raise ValueError(f"the answer {given!r:.60} in column {column!r} is none of the {len(choices.texts)} choices")
    return place


def _place(given: Any, choices: Choices, first_index: int) -> int | None:
    if isinstance(given, bool) or not isinstance(given, int | float | str) or (isinstance(given, float) and not given.is_integer()):
        return None
    if isinstance(given, str):
        text = given.strip()
        for names in (choices.labels, ascii_uppercase[: len(choices.texts)], choices.texts):
            same = [i for i, name in enumerate(names) if name.strip().casefold() == text.strip("().").casefold() or name.strip() == text]
            if len(same) == 1:
                return same[0]
        if not re.fullmatch(r"\d{1,2}", text, re.ASCII):
            return None
    named = str(int(given))
    return choices.labels.index(named) if named in choices.labels else int(given) - first_index


def _listed(row: Mapping[str, Any]) -> Choices | None:
    column = next((name for name in LISTED if row.get(name)), None)
    if column is None:
        return None
    given = row[column]
    if isinstance(given, list) and all(isinstance(one, Mapping) and {"text", "label"} <= one.keys() for one in given):
        given = {"text": [one["text"] for one in given], "label": [one["label"] for one in given]}
    if isinstance(given, Mapping) and {"text", "label"} <= given.keys():
        return Choices(texts=_texts(given["text"]), labels=_texts(given["label"]), columns=(column,))
    if isinstance(given, Mapping):
        named = {str(key): text for key, text in given.items() if text is not None}
        return Choices(texts=_texts(list(named.values())), labels=list(named), columns=(column,))
    return Choices(texts=_texts(given), columns=(column,))


def _in_columns(row: Mapping[str, Any]) -> Choices | None:
    numbered = sorted(name for name in row if NUMBERED.fullmatch(name))
    for names in (*LETTERED, numbered):
        there = [name for name in names if row.get(name) not in (None, "")]
        if len(there) >= 2:
            labels = [NUMBERED.sub(r"\1", name).removeprefix("op") for name in there]
            return Choices(texts=_texts([row[name] for name in there]), labels=labels, columns=there)
    return None


def _right_and_wrong(row: Mapping[str, Any], question: str) -> Choices | None:
    right = next((name for name in row if RIGHT.fullmatch(name)), None)
    wrong = sorted(name for name in row if WRONG.fullmatch(name) and row[name])
    if right is None or not wrong:
        return None
    others = [text for name in wrong for text in (row[name] if isinstance(row[name], list) else [row[name]])]
    texts = _texts([row[right], *others])
    order = Random(f"choices/{question}").sample(range(len(texts)), len(texts))
    return Choices(texts=[texts[i] for i in order], columns=(right, *wrong), right=order.index(0))


def _texts(given: Any) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(one, str | int | float) for one in given):
        raise ValueError(f"choices are a list of texts, got {given!r:.60}")
    return [str(one) for one in given]

"""The choices of a row and the correct one, in any of the formats that data sets use.

choices    a list (`choices`, `options`, `endings`); {"text": [...], "label": [...]} or a list of such pairs; an object from
           letter to text; columns A, B, C, ..., or option1, option2, ..., or opa, opb, ...; or `correct_answer` with
           `incorrect_answers` or `distractor1`, ..., which are shuffled, seeded by the question
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
CORRECT, WRONG = (
    re.compile(r"(?:correct|right)[ _]answer", re.I),
    re.compile(r"(?:incorrect|wrong)[ _]answers?[ _]?\d*|distractor[ _]?\d+", re.I),
)
ANSWERS = ("answer", "answerKey", "answer_key", "answer_idx", "answer_index", "label", "cop", "target", "gold", "correct_option")


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """The choices of a row, the row's labels for them, and the columns that they come from."""

    texts: Sequence[str]
    labels: Sequence[str] = ()
    columns: Sequence[str] = ()
    correct: int | None = None  # the index of the correct choice, if the columns determine it


def choices_of(row: Mapping[str, Any], question: str) -> Choices:
    choices = _listed(row) or _in_columns(row) or _correct_and_wrong(row, question)
    if choices is None:
        raise ValueError("no choices: they are read from a column such as choices or options, or from columns A, B, C, ...")
    if not 2 <= len(choices.texts) <= len(ascii_uppercase) or not all(text.strip() for text in choices.texts):
        raise ValueError(f"a question has 2 to 26 choices, none of them empty, got {len(choices.texts)}")
    if len({text.strip().casefold() for text in choices.texts}) < len(choices.texts):
        raise ValueError("two choices are the same")
    return choices


def correct_index(row: Mapping[str, Any], choices: Choices, first_index: int) -> int:
    """The index of the correct choice."""
    if choices.correct is not None:
        return choices.correct
    column = next((name for name in ANSWERS if name not in choices.columns and row.get(name) not in (None, "")), None)
    if column is None:
        raise ValueError(f"no answer: it is read from one of {', '.join(ANSWERS)}")
    answer = row[column]
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    index = _index(answer, choices, first_index)
    if index is None or not 0 <= index < len(choices.texts):
        raise ValueError(f"the answer {answer!r:.60} in column {column!r} is none of the {len(choices.texts)} choices")
    return index


def _index(answer: Any, choices: Choices, first_index: int) -> int | None:
    if isinstance(answer, bool) or not isinstance(answer, int | float | str) or (isinstance(answer, float) and not answer.is_integer()):
        return None
    if isinstance(answer, str):
        text = answer.strip()
        for names in (choices.labels, ascii_uppercase[: len(choices.texts)], choices.texts):
            same = [i for i, name in enumerate(names) if name.strip().casefold() == text.strip("().").casefold() or name.strip() == text]
            if len(same) == 1:
                return same[0]
        if not re.fullmatch(r"\d{1,2}", text, re.ASCII):
            return None
    label = str(int(answer))
    return choices.labels.index(label) if label in choices.labels else int(answer) - first_index


def _listed(row: Mapping[str, Any]) -> Choices | None:
    column = next((name for name in LISTED if row.get(name)), None)
    if column is None:
        return None
    value = row[column]
    if isinstance(value, list) and all(isinstance(pair, Mapping) and {"text", "label"} <= pair.keys() for pair in value):
        value = {"text": [pair["text"] for pair in value], "label": [pair["label"] for pair in value]}
    if isinstance(value, Mapping) and {"text", "label"} <= value.keys():
        return Choices(texts=_texts(value["text"]), labels=_texts(value["label"]), columns=(column,))
    if isinstance(value, Mapping):
        by_label = {str(key): text for key, text in value.items() if text is not None}
        return Choices(texts=_texts(list(by_label.values())), labels=list(by_label), columns=(column,))
    return Choices(texts=_texts(value), columns=(column,))


def _in_columns(row: Mapping[str, Any]) -> Choices | None:
    numbered = sorted(name for name in row if NUMBERED.fullmatch(name))
    for names in (*LETTERED, numbered):
        columns = [name for name in names if row.get(name) not in (None, "")]
        if len(columns) >= 2:
            labels = [NUMBERED.sub(r"\1", name).removeprefix("op") for name in columns]
            return Choices(texts=_texts([row[name] for name in columns]), labels=labels, columns=columns)
    return None


def _correct_and_wrong(row: Mapping[str, Any], question: str) -> Choices | None:
    correct = next((name for name in row if CORRECT.fullmatch(name)), None)
    wrong = sorted(name for name in row if WRONG.fullmatch(name) and row[name])
    if correct is None or not wrong:
        return None
    others = [text for name in wrong for text in (row[name] if isinstance(row[name], list) else [row[name]])]
    texts = _texts([row[correct], *others])
    order = Random(f"choices/{question}").sample(range(len(texts)), len(texts))
    return Choices(texts=[texts[i] for i in order], columns=(correct, *wrong), correct=order.index(0))


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(text, str | int | float) for text in value):
        raise ValueError(f"choices are a list of texts, got {value!r:.60}")
    return [str(text) for text in value]

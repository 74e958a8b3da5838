"""Whether two models speak in the same tokens: only then can one say what it thinks of the other's next token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from r1lite.prompt import Prompter, end_token
from r1lite.types import Problem

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

USE_TRACES = "Use distill.method=traces: what a teacher writes can be learnt with any tokenizer."


def same_vocabulary(teacher: PreTrainedTokenizerBase, student: PreTrainedTokenizerBase) -> int:
    """How many rows of an output head the tokens need; ValueError where a token of one is not the other's under the same id."""
    theirs, mine = teacher.get_vocab(), student.get_vocab()
    if theirs != mine:
        odd = sorted(token for token in theirs.keys() | mine.keys() if theirs.get(token) != mine.get(token))
        raise ValueError(
            f"distill.method=on_policy compares distributions over the same tokens, and the teacher's tokenizer "
            f"({len(theirs)} tokens) is not the student's ({len(mine)}): {len(odd)} differ, such as {odd[0]!r} "
            f"(id {theirs.get(odd[0])} in the teacher, {mine.get(odd[0])} in the student). {USE_TRACES}"
        )
    return max(mine.values()) + 1


def same_opening(teacher: Prompter, student: Prompter, problem: Problem) -> None:
    """Both must go on from the same point: a think tag that one template has written already, the other model would write."""
    theirs, mine = teacher.response_prefix(problem), student.response_prefix(problem)
    if theirs != mine:
        raise ValueError(
            f"the teacher's chat template opens a response with {theirs!r}, the student's with {mine!r}. "
            f"Give both the same template, or set prompt.prefill. {USE_TRACES}"
        )


def odd_ends(teacher: PreTrainedTokenizerBase, student: PreTrainedTokenizerBase) -> str:
    """What to tell the reader where the two models end a response differently, or nothing."""
    theirs, mine = (tokenizer.convert_ids_to_tokens(end_token(tokenizer)) for tokenizer in (teacher, student))
    if theirs == mine:
        return ""
    return f"the teacher ends a response with {theirs}, the student with {mine}: the student may learn not to end"


def common_width(teacher_rows: int, student_rows: int, needed: int) -> tuple[int, str]:
    """The rows of the two output heads that are compared, and a word on it: heads are often padded to a round number."""
    width = min(teacher_rows, student_rows)
    if width < needed:
        raise ValueError(f"an output head has {width} rows, and the tokenizer {needed} tokens: the model and its tokenizer do not fit")
    if teacher_rows == student_rows:
        return width, ""
    return width, f"output heads of {teacher_rows} (teacher) and {student_rows} rows (student) are compared over the first {width}"

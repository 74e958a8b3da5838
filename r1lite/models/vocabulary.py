"""Whether two models share a vocabulary: only then can one score the other's tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from r1lite.prompt import Prompter, end_token
from r1lite.types import Problem

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

USE_TRACES = "Use distill.method=traces: a teacher's text can be learnt with any tokenizer."


def check_same_vocabulary(teacher: PreTrainedTokenizerBase, student: PreTrainedTokenizerBase) -> int:
    """The number of output rows that the tokens need; ValueError where a token has different ids in the two."""
    of_teacher, of_student = teacher.get_vocab(), student.get_vocab()
    if of_teacher != of_student:
        different = sorted(t for t in of_teacher.keys() | of_student.keys() if of_teacher.get(t) != of_student.get(t))
        first = different[0]
        raise ValueError(
            f"distill.method=on_policy compares distributions over the same tokens, but the teacher's tokenizer "
            f"({len(of_teacher)} tokens) is not the student's ({len(of_student)}): {len(different)} differ, such as {first!r} "
            f"(id {of_teacher.get(first)} in the teacher, {of_student.get(first)} in the student). {USE_TRACES}"
        )
    return max(of_student.values()) + 1


def check_same_opening(teacher: Prompter, student: Prompter, problem: Problem) -> None:
    """Both must continue from the same point: a think tag that one template has written, the other model would still write."""
    of_teacher, of_student = teacher.response_prefix(problem), student.response_prefix(problem)
    if of_teacher != of_student:
        raise ValueError(
            f"the teacher's chat template opens a response with {of_teacher!r}, the student's with {of_student!r}. "
            f"Give both the same template, or set prompt.prefill. {USE_TRACES}"
        )


def end_token_warning(teacher: PreTrainedTokenizerBase, student: PreTrainedTokenizerBase) -> str:
    """A warning for models that end a response with different tokens; empty where they agree."""
    of_teacher, of_student = (tokenizer.convert_ids_to_tokens(end_token(tokenizer)) for tokenizer in (teacher, student))
    if of_teacher == of_student:
        return ""
    return f"the teacher ends a response with {of_teacher}, the student with {of_student}: the student may learn not to end"


def common_width(teacher_rows: int, student_rows: int, needed: int) -> tuple[int, str]:
    """How many rows of the two output heads are compared, and a notice where they differ: heads are often padded to a round number."""
    width = min(teacher_rows, student_rows)
    if width < needed:
        raise ValueError(
            f"an output head has {width} rows and the tokenizer {needed} tokens: the model and its tokenizer do not belong together"
        )
    if teacher_rows == student_rows:
        return width, ""
    return width, f"output heads of {teacher_rows} (teacher) and {student_rows} rows (student) are compared over the first {width}"

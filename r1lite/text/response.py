"""The parts of a response: tags, thought, answer."""

from __future__ import annotations

import re

from r1lite.types import Response, Span

# The tags of DeepSeek-R1, defined only here.
THINK, END_THINK = "<think>", "</think>"
ANSWER, END_ANSWER = "<answer>", "</answer>"
TAGS = (THINK, END_THINK, ANSWER, END_ANSWER)

_TAG = re.compile("|".join(map(re.escape, TAGS)))
_WELL_FORMED = re.compile(rf"\s{{0,9}}{THINK}(?P<thought>.*?){END_THINK}\s{{0,9}}{ANSWER}(?P<answer>.*?){END_ANSWER}\s{{0,9}}", re.DOTALL)


def respond(response: Response) -> str:
    """A response with its tags, as every shipped rule and task expects it."""
    return f"{THINK}{response.thought}{END_THINK}{ANSWER}{response.answer}{END_ANSWER}"


def parse(text: str) -> Response | None:
    """Thought and answer of a well-formed response: one think block, then one answer block, neither empty, nothing else; else None."""
    if _TAG.findall(text) != list(TAGS):
        return None
    match = _WELL_FORMED.fullmatch(text)
    if match is None or not match["thought"].strip() or not match["answer"].strip():
        return None
    return Response(thought=match["thought"].strip(), answer=match["answer"].strip())


def last_answer(text: str) -> str | None:
    """The content of the last answer block after the thought; None if the thought or the block is not closed."""
    _, thought, after = text.rpartition(END_THINK)
    if THINK in text and not thought:
        return None
    opened = after.rfind(ANSWER)
    closed = after.find(END_ANSWER, opened)
    if opened < 0 or closed < 0:
        return None
    return after[opened + len(ANSWER) : closed].strip()


def answer_span(text: str) -> tuple[Span, ...]:
    """Where the last answer block has its content, for `Verdict.spans`; empty if there is none."""
    answer = last_answer(text)
    return find_span(text, answer, after=text.rfind(ANSWER)) if answer else ()


def find_span(text: str, part: str, after: int = 0) -> tuple[Span, ...]:
    """Where a part of a text is, for `Verdict.spans`; empty if it is not there as it is written."""
    at = text.find(part, max(0, after)) if part else -1
    return ((at, at + len(part)),) if at >= 0 else ()


def after_thought(response: str) -> str | None:
    """The text after the last thought; the whole response if there are no tags; None if the thought is not closed."""
    before, closed, after = response.rpartition(END_THINK)
    if THINK in (after if closed else response):
        return None
    return (after if closed else before + after).strip()


def reasoning(response: str) -> str:
    """Everything outside the final answer, including a second thought and text between the blocks."""
    _, thought, after = response.rpartition(END_THINK)
    if last_answer(response) is not None:
        opened = response.rfind(ANSWER)
        closed = response.find(END_ANSWER, opened) + len(END_ANSWER)
        response = f"{response[:opened]}\n{response[closed:]}"
    elif thought and THINK not in after:
        response = response.removesuffix(after)
    return _TAG.sub("\n", response).strip()

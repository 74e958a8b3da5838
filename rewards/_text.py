"""What rules read in a response: its reasoning, its answer, its words."""

from __future__ import annotations

import re
import unicodedata

from r1lite.prompt import ANSWER, END_ANSWER, END_THINK, TAGS, THINK, last_answer
from rewards import Problem, Rollout
from rewards._options import one_of

SHOWN = 80  # characters of a text in `why`

# Where a rule looks: the last answer block, everything after the thought, or the reasoning.
PLACES = ("answer", "response", "thought")

# Letters to Unicode, and nothing to the eye: the fillers of Hangul and Khmer, the empty Braille cell.
BLANK = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_TAG = re.compile("|".join(map(re.escape, TAGS)))
# Writing without spaces goes character by character, everything else word by word.
_TOKEN = re.compile(r"[\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\W\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")


def read(rule: str, rollout: Rollout, within: str) -> str | None:
    """The part of the response that a rule is told to look at; None where it is not there."""
    one_of(rule, "within", within, PLACES)
    if within == "answer":
        return last_answer(rollout.response)
    return reasoning(rollout.response) if within == "thought" else after_thought(rollout.response)


def after_thought(response: str) -> str | None:
    """What follows the last thought; all of it where there are no tags; None where the thought is not closed."""
    before, closed, after = response.rpartition(END_THINK)
    if THINK in (after if closed else response):
        return None
    return (after if closed else before + after).strip()


def reasoning(response: str) -> str:
    """All that is said outside the final answer, so that no second thought and no word between the blocks escapes."""
    _, thought, after = response.rpartition(END_THINK)
    if last_answer(response) is not None:
        opened = response.rfind(ANSWER)
        closed = response.find(END_ANSWER, opened) + len(END_ANSWER)
        response = f"{response[:opened]}\n{response[closed:]}"
    elif thought and THINK not in after:
        response = response.removesuffix(after)
    return _TAG.sub("\n", response).strip()


def question(problem: Problem) -> str:
    """The prompt as one text."""
    prompt = problem.prompt
    return prompt if isinstance(prompt, str) else "\n".join(str(m["content"]) for m in prompt)


def tokens(text: str) -> list[str]:
    """Words and numbers, whatever their case and width; invisible characters do not make a word a new one."""
    if text.isascii():  # where all that follows changes nothing
        return _TOKEN.findall(text.casefold())
    text = unicodedata.normalize("NFKC", text).casefold()
    return _TOKEN.findall("".join(c for c in text if unicodedata.category(c) != "Cf"))


def says_something(text: str) -> bool:
    """Whether there is a letter or a digit in it: neither white space nor invisible characters nor dots are a thought."""
    return any(c.isalnum() and c not in BLANK for c in text)


def short(text: str) -> str:
    """A text as it stands in `why`."""
    return repr(text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}...")

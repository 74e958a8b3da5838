"""Does the reasoning have steps?

Covered: lines that begin with a number, `Step 2`, a bullet, or a word such as First, Next, Finally, 首先, 第二步; such words
also at the beginning of a sentence. A step counts if it has at least three words or numbers, two of them not in an earlier
step, and is not copied from the question. Only the reasoning is read, not the answer.
Not covered: whether the steps are correct or follow from each other. Give this rule little weight beside a rule on the answer.
"""

from __future__ import annotations

import re

from r1lite.text.comparison import normalised_words, question
from r1lite.text.response import reasoning
from rewards import Problem, Rollout, Verdict, reward
from rewards._options import at_least

MIN_WORDS = 3
MIN_NEW = 2
_SENTENCE = re.compile(r"\n+|(?<=[.!?;])\s+|(?<=[。！？；])")
_MARK = re.compile(
    r"\s{0,9}+(?:#{1,6}+\s{0,9}+)?(?:\*\*)?\s{0,9}+(?:"
    r"step\s{0,9}\d{1,3}\b|\(?\d{1,3}[.):、](?!\d)|[-*•]\s|"
    r"(?:first|second|third|fourth|next|then|finally|lastly|after that)(?:ly)?\b|"
    r"第[一二三四五六七八九十\d]{1,3}步?|步骤\s{0,9}[一二三四五六七八九十\d]{1,3}|首先|其次|再次|然后|接着|接下来|最后"
    r")[\s:：.,，、)*]{0,60}",
    re.IGNORECASE,
)


@reward("reasoning_steps")
def reasoning_steps(problem: Problem, rollout: Rollout, *, enough: int = 3) -> Verdict:
    """1 for at least `enough` steps, a proportional share below.

    enough: the number of steps that earn the whole reward
    """
    at_least("reasoning_steps", "enough", enough, 1)
    count = len(steps(reasoning(rollout.response), question(problem)))
    return Verdict(value=min(1.0, count / enough), why=f"{count} {'step' if count == 1 else 'steps'}, {enough} are enough")


def steps(text: str, question: str = "") -> list[str]:
    """The steps that add something new."""
    kept: list[str] = []
    seen: set[str] = set()
    copied = _flat(question)
    for content in _marked(text):
        words = normalised_words(content)
        if len(words) < MIN_WORDS or _flat(content) in copied:
            continue
        new = set(words) - seen
        if len(new) >= MIN_NEW:
            kept.append(content)
        seen |= new
    return kept


def _marked(text: str) -> list[str]:
    """The text after each step mark. A mark alone, as in `1.`, belongs to the next sentence."""
    contents: list[str] = []
    waiting = False
    for sentence in _SENTENCE.split(text):
        mark = _MARK.match(sentence)
        content = sentence[mark.end() :] if mark else sentence
        if mark or waiting:
            waiting = not content.strip()
            if not waiting:
                contents.append(content)
    return contents


def _flat(text: str) -> str:
    return f" {' '.join(normalised_words(text))} "

"""Does the reasoning go in steps?

Covered: lines that begin with a number, `Step 2`, a bullet, or a word such as First, Next, Finally, 首先, 第二步; such words
also at the beginning of a sentence. A step counts where it says something: three words or numbers at least, two of
them not in an earlier step, and not a line of the question. Only the reasoning is read, not the answer.
Not covered: whether the steps are right, or follow from each other. So give it little weight, beside a rule on the answer.
"""

from __future__ import annotations

import re

from r1lite.text.response import reasoning
from r1lite.text.tokens import question, tokens
from rewards import Problem, Rollout, Verdict, reward
from rewards._options import at_least

LEAST_WORDS = 3
LEAST_NEW = 2
_SENTENCE = re.compile(r"\n+|(?<=[.!?;])\s+|(?<=[。！？；])")
_MARK = re.compile(
    r"\s*(?:#+\s*)?(?:\*\*)?\s*(?:"
    r"step\s*\d{1,3}\b|\(?\d{1,3}[.):、](?!\d)|[-*•]\s|"
    r"(?:first|second|third|fourth|next|then|finally|lastly|after that)(?:ly)?\b|"
    r"第[一二三四五六七八九十\d]{1,3}步?|步骤\s*[一二三四五六七八九十\d]{1,3}|首先|其次|再次|然后|接着|接下来|最后"
    r")[\s:：.,，、)*]*",
    re.IGNORECASE,
)


@reward("reasoning_steps")
def reasoning_steps(problem: Problem, rollout: Rollout, *, enough: int = 3) -> Verdict:
    """1 from `enough` steps on, a share of it below.

    enough: how many steps earn the whole reward
    """
    at_least("reasoning_steps", "enough", enough, 1)
    found = len(steps(reasoning(rollout.response), question(problem)))
    return Verdict(value=min(1.0, found / enough), why=f"{found} {'step' if found == 1 else 'steps'}, {enough} are enough")


def steps(text: str, asked: str = "") -> list[str]:
    """The steps that say something new."""
    kept: list[str] = []
    seen: set[str] = set()
    pasted = _flat(asked)
    for content in _marked(text):
        words = tokens(content)
        if len(words) < LEAST_WORDS or _flat(content) in pasted:
            continue
        new = set(words) - seen
        if len(new) >= LEAST_NEW:
            kept.append(content)
        seen |= new
    return kept


def _marked(text: str) -> list[str]:
    """What stands after each mark; a number alone at the end of a sentence, as in `1.`, belongs to the next one."""
    found: list[str] = []
    waiting = False
    for sentence in _SENTENCE.split(text):
        mark = _MARK.match(sentence)
        content = sentence[mark.end() :] if mark else sentence
        if mark or waiting:
            waiting = not content.strip()
            if not waiting:
                found.append(content)
    return found


def _flat(text: str) -> str:
    return f" {' '.join(tokens(text))} "

"""How many of the four tags are where they belong: a slope towards `format` for a model that knows no tags yet.

Covered: a tag counts where it stands exactly once and after the tags counted before it, and a closing tag only where
its block says something. Not covered: text outside the blocks. Four tags around a poor thought are paid in full,
so give it little weight beside a rule on the answer.
"""

from r1lite.text.response import END_ANSWER, END_THINK, TAGS
from rewards import Problem, Rollout, Verdict, reward
from rewards._text import BLANK, says_something

CLOSING = (END_THINK, END_ANSWER)


@reward("tag_count")
def tag_count(problem: Problem, rollout: Rollout) -> Verdict:
    """A quarter for each tag in its place."""
    found = in_place(rollout.response)
    missing = [tag for tag in TAGS if tag not in found]
    return Verdict(value=len(found) / len(TAGS), why=f"not in place: {', '.join(missing)}" if missing else "all four tags in place")


def in_place(text: str) -> list[str]:
    """The tags that stand once, in order, and close something."""
    found: list[str] = []
    end = 0
    for tag in TAGS:
        at = text.find(tag, end)
        if at < 0 or text.count(tag) != 1:
            continue
        if tag in CLOSING and not _says(tag, text[end:at]):
            continue
        found.append(tag)
        end = at + len(tag)
    return found


def _says(closing: str, block: str) -> bool:
    # A thought has words or numbers; an answer may be a sign, such as an infinity.
    return says_something(block) if closing == END_THINK else any(c.isprintable() and not c.isspace() and c not in BLANK for c in block)

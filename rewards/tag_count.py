"""How many of the four tags are in place? Partial reward on the way to `format`, for a model that does not use tags yet.

Covered: a tag counts if it occurs exactly once, after the tags counted before it; a closing tag only if its block is not
empty. Not covered: text outside the blocks. Four tags around a poor thought are paid in full, so give this rule little
weight beside a rule on the answer.
"""

from r1lite.text.response import END_ANSWER, END_THINK, TAGS
from rewards import Problem, Rollout, Verdict, reward
from rewards._text import BLANK, says_something

CLOSING = (END_THINK, END_ANSWER)


@reward("tag_count")
def tag_count(problem: Problem, rollout: Rollout) -> Verdict:
    """A quarter for each tag in place."""
    placed = in_place(rollout.response)
    missing = [tag for tag in TAGS if tag not in placed]
    return Verdict(value=len(placed) / len(TAGS), why=f"not in place: {', '.join(missing)}" if missing else "all four tags in place")


def in_place(text: str) -> list[str]:
    """The tags that occur once, in order, and do not close an empty block."""
    placed: list[str] = []
    end = 0
    for tag in TAGS:
        at = text.find(tag, end)
        if at < 0 or text.count(tag) != 1:
            continue
        if tag in CLOSING and not _filled(tag, text[end:at]):
            continue
        placed.append(tag)
        end = at + len(tag)
    return placed


def occurrences(tag: str, text: str) -> str:
    """For a tag that does not occur once: the reason, for `why`."""
    return f"{tag} occurs {text.count(tag)} times" if tag in text else f"{tag} is missing"


def _filled(closing: str, block: str) -> bool:
    # A thought has letters or digits; an answer may be a symbol, such as infinity.
    return says_something(block) if closing == END_THINK else any(c.isprintable() and not c.isspace() and c not in BLANK for c in block)

"""Does the response contain one thought and then one answer, whatever surrounds them?

Covered: each tag exactly once, in order, neither block empty; text before, between and after the blocks is allowed.
Not covered: the amount and content of that text; `format` allows none.
"""

from r1lite.text.response import END_ANSWER, TAGS
from rewards import Problem, Rollout, Verdict, reward
from rewards.tag_count import in_place, occurrences


@reward("format_soft")
def format_soft(problem: Problem, rollout: Rollout) -> Verdict:
    """1 if both blocks occur once, in order, and neither is empty; else 0."""
    text = rollout.response
    if rollout.finish == "length" and END_ANSWER not in text:
        return Verdict(value=0.0, why="cut off at the token limit")
    for tag in TAGS:
        if text.count(tag) != 1:
            return Verdict(value=0.0, why=occurrences(tag, text))
    if sorted(TAGS, key=text.index) != list(TAGS):
        return Verdict(value=0.0, why="the tags are out of order")
    if in_place(text) != list(TAGS):
        return Verdict(value=0.0, why="a block is empty")
    return Verdict(value=1.0, why="one thought, then one answer")

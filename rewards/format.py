"""Is the response one thought, then one answer, and nothing else?

Covered: each tag exactly once, in order; neither block empty (a thought needs letters or digits); only white space around
them; an opening think tag written by the template counts as part of the response. Not covered: the content of the thought.
"""

from r1lite.text.response import END_ANSWER, TAGS, parse
from rewards import Problem, Rollout, Verdict, reward
from rewards.tag_count import in_place, occurrences


@reward("format")
def format(problem: Problem, rollout: Rollout) -> Verdict:
    """1 for a well-formed response, 0 for any other."""
    if parse(rollout.response) and in_place(rollout.response) == list(TAGS):
        return Verdict(value=1.0, why="one thought, then one answer")
    return Verdict(value=0.0, why=_fault(rollout))


def _fault(rollout: Rollout) -> str:
    text = rollout.response
    if rollout.finish == "length" and END_ANSWER not in text:
        return "cut off at the token limit"
    for tag in TAGS:
        if text.count(tag) != 1:
            return occurrences(tag, text)
    if sorted(TAGS, key=text.index) != list(TAGS):
        return "the tags are out of order"
    return "a block is empty, or there is text outside the blocks"

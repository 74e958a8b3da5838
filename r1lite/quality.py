"""Which responses are fit to learn from: right, readable, and not many times the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from r1lite.prompt import parse
from r1lite.types import Scored

REPEATED_WORDS = 8  # a run of so many words that comes back again and again is a loop, not a thought
MAX_REPEATS = 3


def readable(scored: Scored) -> bool:
    """Finished, well-formed, free of broken characters and of loops."""
    text = scored.rollout.response
    return scored.rollout.finish == "stop" and parse(text) is not None and "\ufffd" not in text and not loops(text)


def loops(text: str) -> bool:
    words = text.split()
    runs = Counter(tuple(words[i : i + REPEATED_WORDS]) for i in range(len(words) - REPEATED_WORDS + 1))
    return any(count > MAX_REPEATS for count in runs.values())


def keep_best(groups: Sequence[Sequence[Scored]], *, per_prompt: int) -> list[Scored]:
    """Of each prompt, at most so many distinct responses that are right and readable; the best first, then the shortest."""
    kept: dict[str, list[Scored]] = {}
    seen: set[tuple[str, str]] = set()
    for group in groups:
        fit = [s for s in group if s.right and readable(s)]
        for scored in sorted(fit, key=lambda s: (-s.reward, len(s.rollout.token_ids))):
            text = " ".join(scored.rollout.response.split())
            mine = kept.setdefault(scored.problem.id, [])
            if len(mine) < per_prompt and (scored.problem.id, text) not in seen:
                seen.add((scored.problem.id, text))
                mine.append(scored)
    return [scored for mine in kept.values() for scored in mine]

"""Which responses are fit to learn from: right, readable, and not many times the same; and why the others are not.

DeepSeek-R1 dropped what was wrong, mixed languages, long paragraphs, code blocks and endless repetition. Each of these has
a name here, and is counted under it: the first that applies.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from r1lite.config import QualityConfig
from r1lite.scoring.metrics import judged
from r1lite.text.language import UNKNOWN, tell
from r1lite.text.response import parse
from r1lite.text.strip import prose
from r1lite.text.words import words
from r1lite.types import Scored

REPEATED_WORDS = 8  # a run of so many words that comes back again and again is a loop, not a thought
MAX_REPEATS = 3
CODE_BLOCKS = ("nowhere", "thought", "anywhere")
_FENCE = re.compile(r"^\s*(```|~~~)", re.MULTILINE)
_PARAGRAPH = re.compile(r"\n\s*\n")


def sift(groups: Sequence[Sequence[Scored]], quality: QualityConfig, *, per_prompt: int) -> tuple[list[Scored], Counter[str]]:
    """Of each prompt at most so many distinct responses, the best first, then the shortest; and how many were dropped for what."""
    kept: dict[str, list[Scored]] = {}
    seen: set[tuple[str, str]] = set()
    dropped: Counter[str] = Counter()
    for group in groups:
        faults = [fault(s, quality) for s in group]
        dropped.update(why for why in faults if why)
        fit = [s for s, why in zip(group, faults, strict=True) if not why]
        for scored in sorted(fit, key=lambda s: (-s.reward, len(s.rollout.token_ids))):
            text = " ".join(scored.rollout.response.split())
            mine = kept.setdefault(scored.problem.id, [])
            if (scored.problem.id, text) in seen:
                dropped["duplicate"] += 1
            elif len(mine) >= per_prompt:
                dropped["over_the_cap"] += 1
            else:
                seen.add((scored.problem.id, text))
                mine.append(scored)
    return [scored for mine in kept.values() for scored in mine], dropped


def fault(scored: Scored, quality: QualityConfig) -> str:
    """What keeps a response from being an example; empty where nothing does."""
    if not scored.right:
        return "wrong" if judged(scored) else "not_judged"
    return unreadable(scored) or unfit(scored, quality)


def unreadable(scored: Scored) -> str:
    """Unfinished, malformed, broken or a loop: what no setting allows."""
    text = scored.rollout.response
    if scored.rollout.finish != "stop":
        return "cut_off"
    if parse(text) is None:
        return "malformed"
    if "\ufffd" in text:
        return "broken_characters"
    return "loop" if loops(text) else ""


def unfit(scored: Scored, quality: QualityConfig) -> str:
    """What the settings do not allow."""
    text = scored.rollout.response
    response = parse(text)
    thought = response.thought if response else text
    if 0 < quality.max_tokens < len(scored.rollout.token_ids):
        return "too_long"
    if 0 < quality.max_paragraph < max(map(len, _PARAGRAPH.split(thought))):
        return "long_paragraph"
    if quality.code_blocks != "nowhere" and _FENCE.search(text if quality.code_blocks == "anywhere" else thought):
        return "code_block"
    return "mixed_languages" if main_language_share(thought) < quality.min_language_share else ""


def main_language_share(text: str) -> float:
    """Of the words whose language is known, the share of the most frequent one; code and formulas are no words."""
    said = words(prose(text))
    weights: dict[str, float] = {}
    for word, language in zip(said, tell(said, default="en"), strict=True):
        if language != UNKNOWN:
            weights[language] = weights.get(language, 0.0) + word.weight
    return max(weights.values()) / sum(weights.values()) if weights else 1.0


def loops(text: str) -> bool:
    words = text.split()
    runs = Counter(tuple(words[i : i + REPEATED_WORDS]) for i in range(len(words) - REPEATED_WORDS + 1))
    return any(count > MAX_REPEATS for count in runs.values())

"""Selects the responses to learn from, which are correct, readable and distinct, and counts why the others are dropped.

DeepSeek-R1 dropped wrong responses, mixed languages, long paragraphs, code blocks and endless repetition. Each of these faults
has a name here. A response counts under the first that applies.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from r1lite.config import QualityConfig
from r1lite.scoring.metrics import judged
from r1lite.text.language import UNKNOWN, languages_of
from r1lite.text.response import parse
from r1lite.text.strip import prose
from r1lite.text.words import words
from r1lite.types import Scored

REPEATED_WORDS = 8  # a response that repeats a run of this many words
MAX_REPEATS = 3  # more often than this is a loop
CODE_BLOCKS = ("nowhere", "thought", "anywhere")
_FENCE = re.compile(r"^\s*(```|~~~)", re.MULTILINE)
_PARAGRAPH = re.compile(r"\n\s*\n")


def select(groups: Sequence[Sequence[Scored]], quality: QualityConfig, *, per_prompt: int) -> tuple[list[Scored], Counter[str]]:
    """At most `per_prompt` distinct responses to each prompt, by reward, then by length; and how many were dropped for each fault."""
    kept: dict[str, list[Scored]] = {}
    seen: set[tuple[str, str]] = set()
    dropped: Counter[str] = Counter()
    for group in groups:
        faults = [fault(s, quality) for s in group]
        dropped.update(name for name in faults if name)
        faultless = [s for s, name in zip(group, faults, strict=True) if not name]
        for scored in sorted(faultless, key=lambda s: (-s.reward, len(s.rollout.token_ids))):
            text = " ".join(scored.rollout.response.split())
            of_prompt = kept.setdefault(scored.problem.id, [])
            if (scored.problem.id, text) in seen:
                dropped["duplicate"] += 1
            elif len(of_prompt) >= per_prompt:
                dropped["over_the_cap"] += 1
            else:
                seen.add((scored.problem.id, text))
                of_prompt.append(scored)
    return [scored for of_prompt in kept.values() for scored in of_prompt], dropped


def fault(scored: Scored, quality: QualityConfig) -> str:
    """The fault for which a response is dropped; empty if it has none."""
    if not scored.right:
        return "wrong" if judged(scored) else "not_judged"
    return structural_fault(scored) or style_fault(scored, quality)


def structural_fault(scored: Scored) -> str:
    """Faults that no setting allows: unfinished, malformed, with broken characters, or a loop."""
    text = scored.rollout.response
    if scored.rollout.finish != "stop":
        return "cut_off"
    if parse(text) is None:
        return "malformed"
    if "\ufffd" in text:
        return "broken_characters"
    return "loop" if loops(text) else ""


def style_fault(scored: Scored, quality: QualityConfig) -> str:
    """Faults that depend on the settings in `quality`."""
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
    """The share of the most frequent language among the words whose language is known. Code and formulas do not count."""
    prose_words = words(prose(text))
    weights: dict[str, float] = {}
    for word, language in zip(prose_words, languages_of(prose_words, default="en"), strict=True):
        if language != UNKNOWN:
            weights[language] = weights.get(language, 0.0) + word.weight
    return max(weights.values()) / sum(weights.values()) if weights else 1.0


def loops(text: str) -> bool:
    """Whether a run of words is repeated too often."""
    words = text.split()
    runs = Counter(tuple(words[i : i + REPEATED_WORDS]) for i in range(len(words) - REPEATED_WORDS + 1))
    return any(count > MAX_REPEATS for count in runs.values())

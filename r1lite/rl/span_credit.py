"""Rules whose part of the advantage goes to the tokens of their spans alone (`rewards.<rule>.credit=spans`)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from r1lite.advantage import group_advantages
from r1lite.config import AlgorithmConfig
from r1lite.scoring.metrics import Groups
from r1lite.scoring.rules import Rules
from r1lite.types import Rollout, Sample, Scored, Span

Decode = Callable[[Sequence[int]], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class SpanCredit:
    """What it takes to find the part of a rule and the tokens of its spans."""

    rules: Rules
    decode: Decode

    def assign(self, samples: Sequence[Sample], groups: Groups, rewards: Sequence[Sequence[float]], a: AlgorithmConfig) -> list[Sample]:
        """Take the part of each such rule from the tokens outside of its spans.

        The part is centred like the reward and divided by the same scale, so that a token within the spans of all rules keeps the
        whole advantage. A verdict without spans gives its part to the whole response.
        """
        rollouts = [s for group in groups for s in group]
        rows = [[sample.advantage] * len(sample.token_ids) for sample in samples]
        for rule in sorted(self.rules.by_span):
            parts = [[self.rules.parts(s.verdicts).get(rule, 0.0) for s in group] for group in groups]
            flat = [x for group in group_advantages(rewards, center=a.center, scale=a.scale, eps=a.eps, parts=parts) for x in group]
            for row, scored, part in zip(rows, rollouts, flat, strict=True):
                row[:] = [x if within else x - part for x, within in zip(row, self._within(scored, rule), strict=True)]
        return [replace(s, token_advantages=tuple(row)) for s, row in zip(samples, rows, strict=True)]

    def _within(self, scored: Scored, rule: str) -> list[bool]:
        spans = scored.verdicts[rule].spans
        return tokens_within(scored.rollout, spans, self.decode) if spans else [True] * len(scored.rollout.token_ids)


def tokens_within(rollout: Rollout, spans: Sequence[Span], decode: Decode) -> list[bool]:
    """Whether each token writes a character of the spans, of which some may lie in the prefill."""
    count = len(rollout.token_ids)

    def characters_before(token: int) -> int:
        return len(rollout.prefill) + len(decode(rollout.token_ids[:token]))

    within = [False] * count
    for start, end in spans:
        first = max(0, bisect_right(range(count), start, key=characters_before) - 1)
        last = bisect_left(range(count), end, key=characters_before)
        within[first:last] = [True] * max(0, last - first)
    return within

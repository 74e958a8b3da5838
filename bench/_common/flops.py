"""Useful floating-point operations of a GRPO step: those that no implementation can avoid.

Counted: matrix products of the trunk and of the output head, and attention over the positions that the causal mask
allows. A prompt counts once for all of its rollouts, the head only where a token is sampled or scored, a backward pass as
two forward passes. Not counted: padding, prompts computed again for each rollout, recomputation, groups without signal,
softmax, norms, the optimiser.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Group = tuple[int, Sequence[int]]  # token counts: of a prompt, and of each of its completions
FORWARD_AND_BACKWARD = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """Sizes of a decoder: projections of queries, keys, values and output; a gated feed-forward block."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocab: int

    @classmethod
    def of(cls, config: Any) -> Shape:
        heads = config.num_attention_heads
        return cls(
            hidden=config.hidden_size,
            layers=config.num_hidden_layers,
            heads=heads,
            kv_heads=getattr(config, "num_key_value_heads", None) or heads,
            head_dim=getattr(config, "head_dim", None) or config.hidden_size // heads,
            intermediate=config.intermediate_size,
            vocab=config.vocab_size,
        )

    @property
    def position(self) -> int:
        """Operations for one position in the trunk, without attention's own products."""
        attention = self.hidden * self.head_dim * 2 * (self.heads + self.kv_heads)
        return 2 * self.layers * (attention + 3 * self.hidden * self.intermediate)

    @property
    def head(self) -> int:
        """Operations for one position in the output head."""
        return 2 * self.hidden * self.vocab

    def span(self, begin: int, end: int) -> int:
        """Operations for the positions from `begin` up to `end` in the trunk; each attends to itself and to all before it."""
        attended = (end * (end + 1) - begin * (begin + 1)) // 2
        return (end - begin) * self.position + 4 * self.layers * self.heads * self.head_dim * attended


def sampling_flops(shape: Shape, groups: Sequence[Group]) -> int:
    return sum(_trunk(shape, group) + shape.head * (1 + sum(tokens - 1 for tokens in group[1])) for group in groups)


def training_flops(shape: Shape, groups: Sequence[Group]) -> int:
    """Operations of one forward and backward pass over the groups that carry signal."""
    return FORWARD_AND_BACKWARD * sum(_trunk(shape, group) + shape.head * sum(group[1]) for group in groups)


def _trunk(shape: Shape, group: Group) -> int:
    """The last token of a completion is not counted: it is sampled, and scored, from the state before it."""
    prompt, completions = group
    return shape.span(0, prompt) + sum(shape.span(prompt, prompt + tokens - 1) for tokens in completions)

"""Useful floating-point operations of a GRPO step: those that no implementation can avoid.

Counted: matrix products of the trunk and of the output head, and attention over the positions that the causal mask
allows. A prompt counts once for all of its rollouts, the head only where a token is sampled or scored, a backward pass as
two forward passes. Not counted: padding, prompts computed again for each rollout, recomputation, groups without signal,
softmax, norms, the optimiser.
"""

from __future__ import annotations

from collections.abc import Sequence

from r1lite.planning.shape import Shape

Group = tuple[int, Sequence[int]]  # token counts: of a prompt, and of each of its completions
FORWARD_AND_BACKWARD = 3


def position(shape: Shape) -> int:
    """Operations for one position in the trunk, without attention's own products."""
    attention = shape.hidden * shape.head_dim * 2 * (shape.heads + shape.kv_heads)
    return 2 * shape.layers * (attention + 3 * shape.hidden * shape.intermediate)


def head(shape: Shape) -> int:
    """Operations for one position in the output head."""
    return 2 * shape.hidden * shape.vocab


def span(shape: Shape, begin: int, end: int) -> int:
    """Operations for the positions from `begin` up to `end` in the trunk; each attends to itself and to all before it."""
    attended = (end * (end + 1) - begin * (begin + 1)) // 2
    return (end - begin) * position(shape) + 4 * shape.layers * shape.heads * shape.head_dim * attended


def sampling_flops(shape: Shape, groups: Sequence[Group]) -> int:
    return sum(_trunk(shape, group) + head(shape) * (1 + sum(tokens - 1 for tokens in group[1])) for group in groups)


def training_flops(shape: Shape, groups: Sequence[Group]) -> int:
    """Operations of one forward and backward pass over the groups that carry signal."""
    return FORWARD_AND_BACKWARD * sum(_trunk(shape, group) + head(shape) * sum(group[1]) for group in groups)


def _trunk(shape: Shape, group: Group) -> int:
    """The last token of a completion is not counted: it is sampled, and scored, from the state before it."""
    prompt, completions = group
    return span(shape, 0, prompt) + sum(span(shape, prompt, prompt + tokens - 1) for tokens in completions)

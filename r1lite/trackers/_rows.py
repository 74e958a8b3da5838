"""Some rollouts of a step, as the rows of a table."""

from __future__ import annotations

from collections.abc import Sequence

from r1lite.types import Scored

Row = dict[str, str | float | bool]
ROWS, LONGEST = 32, 2000  # rollouts of a step; characters of a cell


def rows_of(groups: Sequence[Sequence[Scored]]) -> list[Row]:
    """Whole groups, so that the rollouts of one problem can be compared; as many as fit into ROWS."""
    size = max(map(len, groups), default=1)
    return [_row(scored) for group in groups[: max(1, ROWS // size)] for scored in group]


def _row(scored: Scored) -> Row:
    prompt = scored.problem.prompt if isinstance(scored.problem.prompt, str) else scored.problem.prompt[-1]["content"]
    reasons = "; ".join(f"{name}: {verdict.why or verdict.value}" for name, verdict in scored.verdicts.items())
    return {
        "problem": _cut(prompt),
        "response": _cut(scored.rollout.response),
        "reward": scored.reward,
        "correct": scored.right,
        "finish": scored.rollout.finish,
        "verdicts": _cut(reasons),
    }


def _cut(text: str) -> str:
    """Without lone surrogates, which no tracker can store."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"

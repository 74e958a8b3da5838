"""r1lite.score: scores completions from any source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from r1lite.api.rewards import Rewards, chosen
from r1lite.types import Scored


def score(
    completions: Sequence[str],
    answers: Sequence[Any] | None = None,
    *,
    rewards: Rewards,
    prompts: Sequence[Any] | None = None,
    columns: Mapping[str, Sequence[Any]] | None = None,
    plugins: Sequence[str] = (),
    workers: int = 1,
    seconds: float = 2.0,
    memory_mb: int = 1024,
) -> list[Scored]:
    """Score each completion with every rule. Returns them in the same order.

    answers, prompts: one per completion, if the rules need them
    rewards: names of rules and functions, in a list, or in a dict with their weights
    columns: other columns that rules read (`problem.info`), with one value per completion. Rules that compare responses see the
        completions with the same `id` together; without this column, those with the same prompt
    plugins: files of rules
    workers, seconds, memory_mb: processes, deadline and memory limit, as in the settings of `scoring`
    """
    from r1lite.commands.score_file import scored_rows
    from r1lite.config import ScoringConfig
    from r1lite.scoring.rules import Rules
    from r1lite.scoring.scorer import Scorer

    if isinstance(completions, str):
        raise ValueError("completions should be a list of texts; for a single one, pass [text]")
    given = {"completion": completions, "answer": answers, "prompt": prompts, **(columns or {})}
    table = {name: list(values) for name, values in given.items() if values is not None}
    short = [name for name, values in table.items() if len(values) != len(completions)]
    if short:
        raise ValueError(f"{', '.join(short)} should have one value for each of the {len(completions)} completions")
    rows = [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]
    rules = Rules.from_config(chosen(rewards), plugins)
    cfg = ScoringConfig(workers=workers, seconds=seconds, memory_mb=memory_mb, max_failed_share=1.0, right_rule="", right_at=1.0)
    with Scorer(rules, cfg) as scorer:
        return scored_rows(scorer, list(enumerate(rows)), "completions")

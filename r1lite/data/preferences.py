"""Pairs of responses to one prompt, one preferred: from a file, or from what an earlier stage's rollouts left in the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from r1lite.data.decontaminate import HeldOut, fit_to_learn
from r1lite.data.examples import as_sample, asked_in
from r1lite.prompt import Prompter
from r1lite.text.rows import read_rows, require
from r1lite.types import Pair, Sample

LEDGER = "ledger"  # as data=: the rollouts of the nearest earlier stage that left any
HELD_OUT = "evaluate"  # the stage whose rollouts are answers to held-out problems
COLUMNS = ["step", "problem_id", "prompt_ids", "token_ids", "finish", "right", "reward", "verdicts", "mask"]


def drawn(found: Iterable[Pair], count: int, seed: str) -> list[Pair]:
    """So many of them by lot, or all, in an order by lot. No more are held at once: a long run leaves millions."""
    random, pairs = Random(seed), []
    for seen, pair in enumerate(found):
        if not count or len(pairs) < count:
            pairs.append(pair)
        elif (place := random.randrange(seen + 1)) < count:
            pairs[place] = pair
    random.shuffle(pairs)
    return pairs


def pairs_of_ledger(folder: Path, per_prompt: int, seed: str) -> Iterator[Pair]:
    """Right beside wrong, of the same prompt in the same step. No rollout stands in two pairs of it."""
    import pyarrow.parquet as pq

    for path in sorted(folder.glob("*.parquet")):
        groups: dict[tuple[int, str], list[dict[str, Any]]] = defaultdict(list)
        known = pq.read_schema(path).names  # a ledger from before episodes has no mask
        for row in pq.read_table(path, columns=[c for c in COLUMNS if c in known]).to_pylist():
            if _was_judged(row):
                groups[row["step"], row["problem_id"]].append(row)
        for key, rows in groups.items():
            random = Random(f"{seed}/{key}")
            right, wrong = [r for r in rows if r["right"]], [r for r in rows if not r["right"]]
            random.shuffle(right)
            random.shuffle(wrong)
            for chosen, rejected in list(zip(right, wrong, strict=False))[:per_prompt]:
                yield Pair(chosen=_as_sample(chosen), rejected=_as_sample(rejected))


def pairs_of_file(path: Path, prompter: Prompter, *, held_out: HeldOut | None = None) -> Iterator[Pair]:
    """`prompt` (text or chat messages), `chosen` and `rejected`; a number in `margin` says by how much, where it is known."""
    rows = list(read_rows(path))
    problems = [asked_in(row, path, line) for line, row in rows]
    for place in fit_to_learn(problems, held_out, path) if held_out else range(len(rows)):
        problem, (line, row) = problems[place], rows[place]
        chosen, rejected = (str(require(row, side, path, line)) for side in ("chosen", "rejected"))
        if chosen == rejected:
            raise ValueError(f"{path}, line {line}: chosen and rejected are the same text, so nothing is preferred")
        yield Pair(
            chosen=as_sample(problem, chosen, prompter),
            rejected=as_sample(problem, rejected, prompter),
            margin=_margin(row.get("margin"), path, line),
        )


def _was_judged(row: dict[str, Any]) -> bool:
    outcomes = {v["outcome"] for v in row["verdicts"]}
    return "scored" in outcomes and not outcomes & {"failed", "timed_out"}


def _as_sample(row: dict[str, Any]) -> Sample:
    return Sample(prompt_ids=tuple(row["prompt_ids"]), token_ids=tuple(row["token_ids"]), mask=tuple(row.get("mask") or ()))


def _margin(given: Any, path: Path, line: int) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float | None):
        raise ValueError(f"{path}, line {line}: margin should be a number, got {given!r}")
    return float(given or 0.0)

"""Preference pairs: a preferred and a rejected response to one prompt, from a file or from an earlier stage's ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from r1lite.data.decontaminate import HeldOut, indices_not_held_out
from r1lite.data.examples import as_sample, problem_of
from r1lite.prompt import Prompter
from r1lite.text.rows import read_rows, require
from r1lite.types import Pair, Sample

COLUMNS = ["step", "problem_id", "prompt_ids", "token_ids", "finish", "right", "reward", "verdicts", "mask"]


def sample_pairs(pairs: Iterable[Pair], count: int, seed: str) -> list[Pair]:
    """A random sample of `count` pairs (0: all), shuffled. Only the sample is in memory: a long run has millions of pairs."""
    random, sample = Random(seed), []
    for seen, pair in enumerate(pairs):
        if not count or len(sample) < count:
            sample.append(pair)
        elif (slot := random.randrange(seen + 1)) < count:
            sample[slot] = pair
    random.shuffle(sample)
    return sample


def pairs_of_ledger(folder: Path, per_prompt: int, seed: str) -> Iterator[Pair]:
    """Pairs of a correct and a wrong rollout of one prompt in one step. Each rollout is in at most one pair."""
    import pyarrow.parquet as pq

    for path in sorted(folder.glob("*.parquet")):
        groups: dict[tuple[int, str], list[dict[str, Any]]] = defaultdict(list)
        columns = pq.read_schema(path).names  # older ledgers have no mask
        for row in pq.read_table(path, columns=[c for c in COLUMNS if c in columns]).to_pylist():
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
    """Pairs from a file with `prompt` (text or chat messages), `chosen`, `rejected`, and optionally a number in `margin`."""
    rows = list(read_rows(path))
    problems = [problem_of(row, path, line) for line, row in rows]
    for i in indices_not_held_out(problems, held_out, path) if held_out else range(len(rows)):
        problem, (line, row) = problems[i], rows[i]
        chosen, rejected = (str(require(row, side, path, line)) for side in ("chosen", "rejected"))
        if chosen == rejected:
            raise ValueError(f"{path}, line {line}: chosen and rejected are the same text, so neither is preferred")
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


def _margin(value: object, path: Path, line: int) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        raise ValueError(f"{path}, line {line}: margin should be a number, got {value!r}")
    return float(value or 0.0)

"""Prints the accuracy of each field and the targets that are met, for the models of one or more seeds.

    python examples/matchmaker/table.py RUN...

Reads the evaluations that `run.sh` writes to RUN/table/cold_start, RUN/table/rl and RUN/table/distill.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from statistics import fmean
from typing import Any

import pyarrow.parquet as pq
import yaml

from r1lite.text.response import last_answer

MODELS = {"cold_start": "cold start", "rl": "teacher", "distill": "student"}
Figures = dict[str, float]
Table = dict[tuple[str, str], Figures]  # by stage and split


def table(run: Path) -> Table:
    return {(stage, split): of_split for stage in MODELS for split, of_split in evaluated(run / "table" / stage).items()}


def evaluated(run: Path) -> dict[str, Figures]:
    """The figures of each split of an evaluation."""
    splits = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))["evaluate"]["splits"]
    size = json.loads((run / "evaluate" / "evaluation.json").read_text(encoding="utf-8"))["parameters"]
    ledgers = sorted((run / "evaluate" / "rollouts").glob("*.parquet"))
    rollouts = {split: pq.read_table(ledger).to_pylist() for split, ledger in zip(splits, ledgers, strict=True)}
    return {split: {"parameters": size, **figures(rows)} for split, rows in rollouts.items()}


def figures(rows: list[dict[str, Any]]) -> Figures:
    """Means over rollouts. `fields` is the value of profile_fields, `invalid` the share of answers that do not match the schema."""
    values: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        verdicts = {v["rule"]: v["value"] for v in row["verdicts"]}
        values["whole"].append(float(row["right"]))
        values["fields"].append(verdicts["profile_fields"])
        values["invalid"].append(1 - verdicts["json_schema"])
        if verdicts["language"] is not None:
            values["language"].append(verdicts["language"])
        for field, correct in _by_field(row).items():
            values[field].append(correct)
    return {name: fmean(of_name) for name, of_name in values.items()}


def _by_field(row: dict[str, Any]) -> Figures:
    """1 for each correct field, else 0. The order of lists does not matter."""
    gold = json.loads(row["answer"])
    try:
        profile = json.loads(last_answer(row["response"]) or "")
    except (ValueError, RecursionError):
        profile = {}
    profile = profile if isinstance(profile, dict) else {}
    return {field: float(_sorted(profile.get(field)) == _sorted(gold[field])) for field in gold}


def _sorted(value: Any) -> Any:
    return sorted(map(str, value)) if isinstance(value, list) else value


def lines(results: Table) -> list[str]:
    """A Markdown table, with one model and split per line."""
    heads = list(next(iter(results.values())))[1:]
    rows = [f"| | parameters | chats | {' | '.join(heads)} |", f"|---|---|---|{'---|' * len(heads)}"]
    for (stage, split), of_split in results.items():
        cells = " | ".join(f"{of_split.get(head, float('nan')):.3f}" for head in heads)
        rows.append(f"| {MODELS[stage]} | {of_split['parameters']:,.0f} | {split} | {cells} |")
    return rows


def targets(results: Table) -> list[str]:
    """The targets of the example, and whether they are met."""
    gain = results["rl", "hard"]["whole"] / max(results["cold_start", "hard"]["whole"], 1e-9)
    size = results["distill", "hard"]["parameters"] / results["rl", "hard"]["parameters"]
    kept = {split: results["distill", split]["fields"] / results["rl", split]["fields"] for split in ("hard", "easy")}
    invalid = {MODELS[stage]: max(results[stage, split]["invalid"] for split in ("hard", "easy")) for stage in ("rl", "distill")}
    return [
        _target("teacher to cold start, whole profiles of hard chats", gain, "at least 1.5", gain >= 1.5),
        _target("student to teacher, parameters", size, "at most a third", 3 * size <= 1),
        *(_target(f"student to teacher, fields of {split} chats", k, "at least 0.95", k >= 0.95) for split, k in kept.items()),
        *(_target(f"{model}'s answers that do not match the schema", n, "under 0.01", n < 0.01) for model, n in invalid.items()),
    ]


def _target(quantity: str, value: float, condition: str, met: bool) -> str:
    return f"- {quantity}: {value:.3f} ({condition}: {'met' if met else 'missed'})"


def main() -> None:
    for run in map(Path, sys.argv[1:]):
        results = table(run)
        print("\n".join([f"{run}:", "", *lines(results), "", *targets(results), ""]))


if __name__ == "__main__":
    main()

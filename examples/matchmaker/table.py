"""What the models of one or more seeds get right, field by field: python examples/matchmaker/table.py RUN...

RUN/table/cold_start, RUN/table/rl and RUN/table/distill hold evaluations, as `run.sh` leaves them there.
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
    return {(stage, split): found for stage in MODELS for split, found in evaluated(run / "table" / stage).items()}


def evaluated(run: Path) -> dict[str, Figures]:
    """The figures of each split that the evaluation asked."""
    splits = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))["evaluate"]["splits"]
    size = json.loads((run / "evaluate" / "evaluation.json").read_text(encoding="utf-8"))["parameters"]
    ledgers = sorted((run / "evaluate" / "rollouts").glob("*.parquet"))
    read = {split: pq.read_table(ledger).to_pylist() for split, ledger in zip(splits, ledgers, strict=True)}
    return {split: {"parameters": size, **figures(rollouts)} for split, rollouts in read.items()}


def figures(rollouts: list[dict[str, Any]]) -> Figures:
    """Means over rollouts; `fields` is the rule's own value, `invalid` the share whose answer is no JSON under the schema."""
    said: dict[str, list[float]] = defaultdict(list)
    for row in rollouts:
        verdicts = {v["rule"]: v["value"] for v in row["verdicts"]}
        said["whole"].append(float(row["right"]))
        said["fields"].append(verdicts["profile_fields"])
        said["invalid"].append(1 - verdicts["json_schema"])
        if verdicts["language"] is not None:
            said["language"].append(verdicts["language"])
        for field, right in _by_field(row).items():
            said[field].append(right)
    return {name: fmean(values) for name, values in said.items()}


def _by_field(row: dict[str, Any]) -> Figures:
    gold = json.loads(row["answer"])
    try:
        given = json.loads(last_answer(row["response"]) or "")
    except (ValueError, RecursionError):
        given = {}
    given = given if isinstance(given, dict) else {}
    return {field: float(_sorted(given.get(field)) == _sorted(gold[field])) for field in gold}


def _sorted(value: Any) -> Any:
    return sorted(map(str, value)) if isinstance(value, list) else value


def lines(found: Table) -> list[str]:
    """Markdown, a model and split a line."""
    heads = list(next(iter(found.values())))[1:]
    rows = [f"| | parameters | chats | {' | '.join(heads)} |", f"|---|---|---|{'---|' * len(heads)}"]
    for (stage, split), one in found.items():
        cells = " | ".join(f"{one.get(head, float('nan')):.3f}" for head in heads)
        rows.append(f"| {MODELS[stage]} | {one['parameters']:,.0f} | {split} | {cells} |")
    return rows


def aims(found: Table) -> list[str]:
    """What the example wants to show, and whether it does."""
    gain = found["rl", "hard"]["whole"] / max(found["cold_start", "hard"]["whole"], 1e-9)
    size = found["distill", "hard"]["parameters"] / found["rl", "hard"]["parameters"]
    kept = {split: found["distill", split]["fields"] / found["rl", split]["fields"] for split in ("hard", "easy")}
    invalid = {MODELS[stage]: max(found[stage, split]["invalid"] for split in ("hard", "easy")) for stage in ("rl", "distill")}
    return [
        _aim("teacher to cold start, whole profiles of hard chats", gain, "at least 1.5", gain >= 1.5),
        _aim("student to teacher, parameters", size, "at most a third", 3 * size <= 1),
        *(_aim(f"student to teacher, fields of {split} chats", k, "at least 0.95", k >= 0.95) for split, k in kept.items()),
        *(_aim(f"answers of the {model} that are no JSON under the schema", n, "under 0.01", n < 0.01) for model, n in invalid.items()),
    ]


def _aim(what: str, value: float, wanted: str, met: bool) -> str:
    return f"- {what}: {value:.3f} ({wanted}: {'met' if met else 'missed'})"


def main() -> None:
    for run in map(Path, sys.argv[1:]):
        found = table(run)
        print("\n".join([f"{run}:", "", *lines(found), "", *aims(found), ""]))


if __name__ == "__main__":
    main()

"""What an evaluation's ledger says of every field: python examples/matchmaker/table.py RUN_DIR..."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from statistics import fmean
from typing import Any

import pyarrow.parquet as pq

from r1lite.prompt import last_answer


def rows(run: Path) -> dict[str, list[dict[str, Any]]]:
    """The rollouts of each split, in the order of the run's evaluate.splits."""
    return {path.stem: pq.read_table(path).to_pylist() for path in sorted((run / "evaluate" / "rollouts").glob("*.parquet"))}


def figures(rollouts: list[dict[str, Any]]) -> dict[str, float]:
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
    return {name: round(fmean(values), 4) for name, values in said.items()}


def _by_field(row: dict[str, Any]) -> dict[str, float]:
    gold = json.loads(row["answer"])
    try:
        given = json.loads(last_answer(row["response"]) or "")
    except (ValueError, RecursionError):
        given = {}
    given = given if isinstance(given, dict) else {}
    return {field: float(_sorted(given.get(field)) == _sorted(gold[field])) for field in gold}


def _sorted(value: Any) -> Any:
    return sorted(map(str, value)) if isinstance(value, list) else value


def main() -> None:
    for run in map(Path, sys.argv[1:]):
        for split, rollouts in rows(run).items():
            shown = "  ".join(f"{name} {value:.3f}" for name, value in figures(rollouts).items())
            print(f"{run.name} {split} ({len(rollouts)} rollouts)  {shown}")


if __name__ == "__main__":
    main()

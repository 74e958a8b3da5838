"""What examples/matchmaker/table.py says of evaluations whose figures are counted by hand."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from r1lite.store.ledger import Ledger
from r1lite.types import Problem, Rollout, Scored, Verdict

TABLE = Path(__file__).resolve().parent.parent / "examples" / "matchmaker" / "table.py"
GOLD = {"age": 34, "city": "Wuhan", "education": "master", "must_haves": ["music", "pets"], "deal_breakers": ["smoking"]}


@pytest.fixture(scope="module")
def table() -> Any:
    spec = importlib.util.spec_from_file_location("matchmaker_table", TABLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answered(answer: str, fields: float, valid: float, language: float | None) -> Scored:
    rollout = Rollout(
        problem_id="x", index=0, prompt_ids=(1,), token_ids=(2,), logprobs=(0.0,), text=f"<think>so</think><answer>{answer}</answer>"
    )
    values = {"profile_fields": fields, "json_schema": valid, "language": language}
    return Scored(
        problem=Problem(id="x", prompt="?", answer=json.dumps(GOLD)),
        rollout=rollout,
        reward=fields,
        verdicts={name: Verdict(value=value) for name, value in values.items()},
        right=fields == 1.0,
    )


def evaluation(folder: Path, parameters: int, **splits: list[Scored]) -> None:
    """As the stage evaluate leaves it."""
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(json.dumps({"evaluate": {"splits": list(splits)}}))
    ledger = Ledger(folder / "evaluate" / "rollouts", "evaluate")
    for number, scored in enumerate(splits.values()):
        ledger.write(number, [scored])
    (folder / "evaluate" / "evaluation.json").write_text(json.dumps({"parameters": parameters}))


RIGHT = answered(json.dumps(GOLD | {"must_haves": ["pets", "music"]}), 1.0, 1.0, 1.0)
OLDER = answered(json.dumps(GOLD | {"age": 35, "must_haves": ["pets"]}), 0.7, 1.0, 0.5)
BROKEN = answered('{"age":34', 0.0, 0.0, None)


def test_figures_are_means_over_rollouts_and_lists_have_no_order(table: Any, tmp_path: Path) -> None:
    evaluation(tmp_path / "a", 7, hard=[RIGHT, OLDER, RIGHT, BROKEN], easy=[RIGHT])
    found = table.evaluated(tmp_path / "a")
    assert found["easy"] == {"parameters": 7, "invalid": 0.0} | dict.fromkeys(("whole", "fields", "language", *GOLD), 1.0)
    hard = {"parameters": 7, "whole": 0.5, "fields": 0.675, "invalid": 0.25, "language": 2.5 / 3}
    assert found["hard"] == pytest.approx(hard | dict.fromkeys(GOLD, 0.75) | {"age": 0.5, "must_haves": 0.5}, abs=1e-12)


def test_the_targets_are_ratios_of_the_three_models(table: Any, tmp_path: Path) -> None:
    evaluation(tmp_path / "table" / "cold_start", 300, hard=[RIGHT, OLDER, OLDER, OLDER], easy=[RIGHT])
    evaluation(tmp_path / "table" / "rl", 300, hard=[RIGHT, RIGHT, OLDER, OLDER], easy=[RIGHT])
    evaluation(tmp_path / "table" / "distill", 101, hard=[RIGHT, OLDER, OLDER, OLDER], easy=[RIGHT, BROKEN])
    found = table.table(tmp_path)
    assert [line.rsplit(": ", 2)[1:] for line in table.targets(found)] == [
        ["2.000 (at least 1.5", "met)"],
        ["0.337 (at most a third", "missed)"],
        ["0.912 (at least 0.95", "missed)"],
        ["0.500 (at least 0.95", "missed)"],
        ["0.000 (under 0.01", "met)"],
        ["0.500 (under 0.01", "missed)"],
    ]
    assert table.lines(found)[2] == "| cold start | 300 | hard | 0.250 | 0.775 | 0.000 | 0.625 | 0.250 | 1.000 | 1.000 | 0.250 | 1.000 |"
    assert len(table.lines(found)) == 8

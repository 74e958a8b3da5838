"""Findings: what they see in a stage's metrics, said once when it begins and once when it ends, also across a resume."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from r1lite.config import Config
from r1lite.diagnosis.finding import findings
from r1lite.diagnosis.watch import FILE, Diagnosis, StageWatch, read
from r1lite.store.metrics import Metrics

DEAD = {"zero_variance_share": 1.0, "rollouts/all_wrong": 1.0, "rollouts/right": 0.0, "tokens/trained": 0.0}
ALIVE = {"zero_variance_share": 0.2, "rollouts/all_wrong": 0.1, "rollouts/right": 0.5, "tokens/trained": 100.0}


def watched(steps: Sequence[dict[str, float]], stage: str = "rl", **settings: Any) -> list[dict[str, Any]]:
    """All lines of a stage with these metrics."""
    watch = StageWatch(stage, {f"{stage}.group_size": 8, "algorithm.ratio": "token", "algorithm.gate": "clip", **settings})
    return [line for step, metrics in enumerate(steps, 1) for line in watch.take(step, metrics)]


def events(lines: Sequence[dict[str, Any]]) -> list[tuple[str, str, int]]:
    return [(line["event"], line["name"], line["step"]) for line in lines]


def test_a_finding_is_reported_once_when_it_begins_and_once_when_it_ends() -> None:
    lines = watched([ALIVE, *[DEAD] * 5, *[ALIVE] * 5, DEAD])
    assert events(lines) == [("begins", "all_wrong", 4), ("ends", "all_wrong", 11)]
    assert [line["since"] for line in lines] == [2, 2]
    first = lines[0]
    assert (first["weight"], first["stage"], first["overrides"]) == (
        "warning",
        "rl",
        ["rl.group_size=16", "task.difficulty=easy", "algorithm.refill_rounds=3"],
    )
    assert first["evidence"]["rollouts/all_wrong"] == 1.0
    assert list(first) == ["event", "name", "stage", "step", "since", "weight", "title", "evidence", "meaning", "overrides"]


def test_a_finding_that_flickers_does_not_end() -> None:
    assert events(watched([*[DEAD] * 4, ALIVE, ALIVE, DEAD, DEAD, DEAD, ALIVE])) == [("begins", "all_wrong", 3)]


def test_a_round_is_given_overrides_of_its_own() -> None:
    watch = StageWatch("rl_2", {"rl.group_size": 8})
    lines = [line for step in (1, 2, 3) for line in watch.take(step, DEAD)]
    assert [line["overrides"][0] for line in lines] == ["rl_2.group_size=16"]


STEPS = [ALIVE, *[DEAD] * 5, *[ALIVE] * 5]


def follow(folder: Path, first: int, last: int, done: int | None = None) -> None:
    """Log the steps from first to last, in a process that begins after step `done`."""
    metrics = Metrics(folder / "metrics.jsonl")
    metrics.watchers.append(Diagnosis(folder, Config()))
    metrics.begin("rl", first - 1 if done is None else done)
    for step in range(first, last + 1):
        metrics.log("rl", step, STEPS[step - 1])


@pytest.mark.parametrize("stop", range(2, 12))
def test_a_resumed_stage_neither_repeats_nor_loses_a_finding(stop: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    follow(tmp_path / "whole", 1, 11)
    said = capsys.readouterr().out
    follow(tmp_path / "parts", 1, stop)
    follow(tmp_path / "parts", stop, 11)  # the last step is lost: the checkpoint was saved before it
    assert (tmp_path / "parts" / FILE).read_text() == (tmp_path / "whole" / FILE).read_text()
    assert events(read(tmp_path / "parts" / FILE)) == [("begins", "all_wrong", 4), ("ends", "all_wrong", 11)]
    said_in_parts = capsys.readouterr().out
    repeated = stop in (4, 11)  # only what was found in the step that is taken again
    assert len(said_in_parts.splitlines()) - len(said.splitlines()) in ((0,) if not repeated else (1, 3))


def test_lines_of_other_stages_are_kept_and_a_line_that_was_cut_off_is_not(tmp_path: Path) -> None:
    other = {"event": "begins", "name": "x", "stage": "dpo", "step": 1}
    (tmp_path / FILE).write_text(json.dumps(other) + '\n{"event": "beg')
    follow(tmp_path, 1, 4)
    assert [line["name"] for line in read(tmp_path / FILE)] == ["x", "all_wrong"]


def test_a_fault_in_a_finding_ends_the_diagnosis_and_not_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    diagnosis = Diagnosis(tmp_path, Config())
    diagnosis.log("rl", 1, DEAD)  # no stage has begun
    diagnosis.begin("rl", [])
    assert capsys.readouterr().out.count("the diagnosis failed and is off for the rest of this run: AssertionError") == 1


def test_the_page_lists_every_finding() -> None:
    page = (Path(__file__).resolve().parent.parent / "docs" / "use" / "diagnosis.md").read_text(encoding="utf-8")
    assert [name for name in findings if f"| `{name}` |" not in page] == []


@pytest.mark.parametrize(
    ("before", "after", "reward", "flat"),
    [(0.3, 0.31, 0.7, True), (0.3, 0.6, 0.7, False), (0.3, 0.31, 0.52, False), (0.3, 0.2, 0.7, True)],
)
def test_what_was_learnt_should_show_on_held_out_problems(
    before: float, after: float, reward: float, flat: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    diagnosis = Diagnosis(tmp_path, Config())
    diagnosis.begin("rl", [])
    for step in range(1, 8):
        diagnosis.log("rl", step, {"reward/mean": 0.5 if step < 4 else reward})
    entries = [{"name": "base", "eval": {"pass@1": before}}, {"name": "rl", "eval": {"pass@1": after}}]
    diagnosis.evaluated("rl", entries)
    diagnosis.evaluated("sft", entries)  # a stage that this process did not train
    assert [line["name"] for line in read(tmp_path / FILE)] == ["held_out_flat"] * flat
    assert ("pass@1 on held-out problems" in capsys.readouterr().out) == flat


def test_without_evaluations_there_is_nothing_to_compare(tmp_path: Path) -> None:
    diagnosis = Diagnosis(tmp_path, Config())
    diagnosis.begin("rl", [])
    diagnosis.log("rl", 1, {"reward/mean": 0.5})
    diagnosis.evaluated("rl", [{"name": "base"}, {"name": "rl"}])
    diagnosis.evaluated("rl", [])
    assert not (tmp_path / FILE).exists()
    assert not diagnosis.failed

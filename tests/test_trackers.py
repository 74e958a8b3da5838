"""Trackers: one file each. A run gives them every step, and does not depend on them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from scored import scored

from r1lite.config import Config
from r1lite.trackers import Trackers, _background, tracker
from r1lite.trackers._rows import rows_of
from r1lite.train import train

PLUGIN = """
from pathlib import Path
from r1lite.trackers import tracker

class Lines:
    def __init__(self, path, fails_at):
        self.path, self.fails_at = path, fails_at
        path.write_text("")

    def log(self, stage, step, metrics):
        if step == self.fails_at:
            raise OSError("the server is away")
        with self.path.open("a") as file:
            file.write(f"{stage} {step} {metrics['loss']}\\n")

    def close(self):
        self.path.write_text(self.path.read_text() + "closed\\n")

@tracker("lines")
def lines(run_dir, settings):
    assert settings["cold_start"]["steps"] == 3
    return Lines(run_dir / "lines.txt", fails_at=None)

@tracker("broken")
def broken(run_dir, settings):
    return Lines(run_dir / "broken.txt", fails_at=2)

@tracker("hanging")
def hanging(run_dir, settings):
    from threading import Event
    Event().wait()
"""
SMALL = (
    "stages=[cold_start] cold_start.steps=3 cold_start.examples=8 cold_start.batch_size=4 evaluate.every_stage=false "
    "scoring.workers=0 threads=1"
).split()


def run(config: Callable[..., Config], tmp_path: Path, *settings: str) -> list[dict[str, float]]:
    (tmp_path / "mine.py").write_text(PLUGIN)
    train(config(*SMALL, f"plugins=[{tmp_path / 'mine.py'}]", f"run_dir={tmp_path / 'run'}", *settings))
    return [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]


def test_a_tracker_gets_every_step(config: Callable[..., Config], tmp_path: Path) -> None:
    logged = run(config, tmp_path, "track=[lines]")
    *lines, last = (tmp_path / "run" / "lines.txt").read_text().splitlines()
    assert last == "closed"
    assert [line.split()[:2] for line in lines] == [["cold_start", str(step)] for step in (1, 2, 3)]
    assert [float(line.split()[2]) for line in lines] == pytest.approx([entry["loss"] for entry in logged], rel=1e-5)


def test_one_that_fails_is_not_called_again_and_the_run_goes_on(
    config: Callable[..., Config], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logged = run(config, tmp_path, "track=[broken,lines]")
    assert len(logged) == 3
    assert (tmp_path / "run" / "broken.txt").read_text().count("\n") == 1
    assert len((tmp_path / "run" / "lines.txt").read_text().splitlines()) == 4
    assert capsys.readouterr().out.count("tracker 'broken' failed and is not used any more in this run: OSError: the server is away") == 1


def test_one_that_never_opens_costs_a_line(
    config: Callable[..., Config], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_background, "CLOSING_SECONDS", 0.0)
    assert len(run(config, tmp_path, "track=[hanging]")) == 3
    assert (
        "tracker 'hanging' failed and is not used any more in this run: it was still busy 0 s after the run's end"
        in capsys.readouterr().out
    )


def test_one_that_is_too_slow_is_given_up(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(_background, "WAITING", 3)
    may_open, calls = Event(), []

    class Slow:
        def log(self, stage: str, step: int, metrics: dict[str, float]) -> None:
            calls.append(step)

        def close(self) -> None:
            calls.append("closed")

    def opens(run_dir: Path, settings: object) -> Slow:
        may_open.wait()
        return Slow()

    tracker("slow")(opens)
    own = Trackers(["slow"])
    for step in range(5):
        own.log("rl", step, {})
    assert own.open == {}
    assert (
        capsys.readouterr().out == "tracker 'slow' failed and is not used any more in this run: it did not keep up: 3 calls were waiting\n"
    )
    may_open.set()


def test_what_a_tracker_can_show_is_given_to_it_in_order_and_the_rest_is_not() -> None:
    got: list[tuple[object, ...]] = []

    class All:
        def __getattr__(self, method: str) -> Callable[..., None]:
            return lambda *arguments: got.append((method, *arguments))

    class Plain:
        def log(self, stage: str, step: int, metrics: dict[str, float]) -> None:
            got.append(("plain", step))

        def close(self) -> None:
            """Nothing is open."""

    tracker("all")(lambda run_dir, settings: All())
    tracker("plain")(lambda run_dir, settings: Plain())
    for name in ("all", "plain"):
        own = Trackers([name])
        own.begin("rl", 2)
        own.log("rl", 3, {"loss": 1.0})
        own.alert({"name": "all_wrong"})
        own.rollouts("rl", 3, [[scored(1.0)]])
        own.close(failed=True)
    *of_all, plain = got
    assert plain == ("plain", 3)
    assert [call[0] for call in of_all] == ["begin", "log", "alert", "rollouts", "fail", "close"]
    assert of_all[3][1:3] == ("rl", 3)


def test_rows_are_whole_groups_cut_to_what_a_table_can_show() -> None:
    rows = rows_of([[scored(float(i))] * 8 for i in range(9)])
    assert [row["reward"] for row in rows] == [0.0] * 8 + [1.0] * 8 + [2.0] * 8 + [3.0] * 8
    assert rows[0] == {"problem": "?", "response": "x", "reward": 0.0, "correct": False, "finish": "stop", "verdicts": "rule: 0.0"}
    hostile = replace(scored(1.0), rollout=replace(scored(1.0).rollout, text="a" * 5000 + "\ud800"))
    (row,) = rows_of([[hostile]])
    assert len(str(row["response"])) == 2000
    assert str(row["response"]).encode()
    assert len(rows_of([[scored(1.0)] * 100])) == 100  # one group, however large
    assert rows_of([]) == []


@pytest.mark.parametrize("name", ["tensorboard", "wandb", "trackio", "mlflow", "swanlab"])
def test_a_missing_library_names_its_extra_before_any_work(
    name: str, config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("r1lite.trackers.find_spec", lambda module: None)
    with pytest.raises(ValueError, match=rf"track=\[{name}\] needs the package {name}: pip install 'r1lite\[{name}\]'"):
        run(config, tmp_path, f"track=[{name}]")
    assert not (tmp_path / "run").exists()


def test_an_unknown_tracker_is_refused_before_any_work(config: Callable[..., Config], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"unknown tracker 'liness'\. Did you mean 'lines'\?"):
        run(config, tmp_path, "track=[liness]")
    assert not (tmp_path / "run").exists()

"""Trackers: one file each. A run gives them every step, and does not depend on them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from r1lite.config import Config
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
    logged = run(config, tmp_path, "trackers=[lines]")
    *lines, last = (tmp_path / "run" / "lines.txt").read_text().splitlines()
    assert last == "closed"
    assert [line.split()[:2] for line in lines] == [["cold_start", str(step)] for step in (1, 2, 3)]
    assert [float(line.split()[2]) for line in lines] == pytest.approx([entry["loss"] for entry in logged], rel=1e-5)


def test_one_that_fails_is_not_called_again_and_the_run_goes_on(
    config: Callable[..., Config], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logged = run(config, tmp_path, "trackers=[broken,lines]")
    assert len(logged) == 3
    assert (tmp_path / "run" / "broken.txt").read_text().count("\n") == 1
    assert len((tmp_path / "run" / "lines.txt").read_text().splitlines()) == 4
    assert capsys.readouterr().out.count("tracker 'broken' failed and is not used any more in this run: OSError: the server is away") == 1


def test_an_unknown_tracker_is_refused_before_any_work(config: Callable[..., Config], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"unknown tracker 'liness'\. Did you mean 'lines'\?"):
        run(config, tmp_path, "trackers=[liness]")
    assert not (tmp_path / "run").exists()

"""`r1lite explain`: the texts of metrics and settings, and the values of a run."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from test_metric_reference import PAGE

from r1lite.commands import explain
from r1lite.reporting.metric_reference import METRICS
from r1lite.store.config_file import write_config

Told = Callable[..., str]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Told:
    def tell(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["r1lite explain", *words])
        explain.main()
        return capsys.readouterr().out

    return tell


@pytest.fixture
def run(tmp_path: Path) -> str:
    write_config(tmp_path, {"rl": {"group_size": 16}, "rewards": {"math": {"weight": 1.0}}})
    lines = [
        {"stage": "rl", "step": step, "zero_variance_share": share, "reward/math": 0.5} for step, share in ((1, 0.25), (2, 0.95), (3, 0.5))
    ]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"stage": "rl", "st')
    return str(tmp_path)


def test_a_metric(told: Told) -> None:
    assert told("parity/max") == (
        "parity/max: a metric; unit: nats per token\n  The largest of these differences.\n  Healthy: at most 2.\n"
        "  A large one beside a small mean is one wrong token, often the end token.\n"
    )
    assert told("reward/math").startswith("reward/math (reward/<rule>): a metric; unit: value of the rule, before its weight\n")


def test_a_setting_by_its_name_its_last_part_or_that_of_another_trainer(told: Told) -> None:
    text = "rl.group_size: a setting, int, by default 8\n  rollouts of one prompt [TRL: num_generations, "
    for name in ("rl.group_size", "group_size", "num_generations", "actor_rollout_ref.rollout.n"):
        assert told(name).startswith(text)
    assert "distill.lr: a setting" in told("lr")
    assert "lr: a metric" in told("lr")
    assert "distill.lr" not in told("rl.lr")


def test_the_values_of_a_run(told: Told, run: str) -> None:
    text = told("zero_variance_share", "reward/math", "entropy", "rl.group_size", "rewards", "rl.lr", f"run={run}")
    assert (
        "rl: zero_variance_share 0.25 at step 1, 0.5 at step 3; between 0.25 and 0.95; outside its range in 1 of 3, last at step 2\n"
        in text
    )
    assert "rl: reward/math 0.5 at step 1, 0.5 at step 3; between 0.5 and 0.5\n" in text
    assert f"{run} has not logged it." in text
    assert f"{run}: rl.group_size=16\n" in text
    assert f"{run}: rewards.math.weight=1\n" in text
    assert f"{run}: rl.lr is not set" in text


def test_a_family_shows_all_its_metrics(told: Told, run: str) -> None:
    assert "rl: reward/math 0.5 at step 1" in told("reward/<rule>", f"run={run}")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("entrpy",), r"error: unknown metric or setting 'entrpy'\. Did you mean 'entropy'\?"),
        (("rl.stepz",), r"Did you mean 'rl\.steps'\?"),
        (("run=x",), "error: name a metric or a setting"),
        (("lr", "run=nowhere"), r"error: nowhere is not a run directory: it has no config\.yaml"),
        (("lr", "ran=nowhere"), r"error: unknown setting 'ran'\. Did you mean 'run'\?"),
    ],
)
def test_mistakes(told: Told, words: tuple[str, ...], error: str) -> None:
    with pytest.raises(SystemExit, match=error):
        told(*words)


def test_every_name_has_an_explanation(told: Told) -> None:
    text = told(*METRICS)
    assert all(metric.meaning.replace("`", "") in text.replace("\n  ", " ") for metric in METRICS.values())


def test_it_writes_the_metrics_page(told: Told) -> None:
    assert told("format=markdown") == PAGE.read_text(encoding="utf-8")

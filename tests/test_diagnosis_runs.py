"""The diagnosis in real short runs: faults are named, an error that ends a stage is written, and it can be switched off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from r1lite.config import Config
from r1lite.diagnosis.watch import FILE, read
from r1lite.store.metrics import read_metrics
from r1lite.train import train

SMALL = (
    "stages=[rl] threads=1 scoring.workers=0 preflight.enabled=false evaluate.every_stage=false sampler.max_tokens=16 rl.show_every=0 "
    "rl.steps=3 rl.prompts_per_step=2 rl.group_size=4 rl.warmup_steps=0"
).split()
RULE = """
from rewards import reward

@reward
def fragile(problem, rollout):
    return 1.0 / (len(rollout.token_ids) == 1)  # only the gold answers, which a run tries first, have one token
"""


def found(config: Callable[..., Config], folder: Path, *settings: str) -> list[tuple[str, str]]:
    """Names and weights of what a run reports, besides the remark on a loss of 0."""
    (folder / "fragile.py").write_text(RULE)
    train(config(*SMALL, f"run_dir={folder / 'run'}", *settings))
    return names(folder)


def names(folder: Path) -> list[tuple[str, str]]:
    lines = read(folder / "run" / FILE)
    return [(line["name"], line["weight"]) for line in lines if line["event"] == "begins" and line["name"] != "loss_zero"]


def test_a_learning_rate_that_is_far_too_high(config: Callable[..., Config], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert found(config, tmp_path, "rl.lr=0.05")[0] == ("learning_rate_too_high", "warning")
    said = capsys.readouterr().out
    assert said.count("[learning_rate_too_high, since step") == 1
    assert "  try: rl.lr=" in said


def test_completions_that_are_cut_off(config: Callable[..., Config], tmp_path: Path) -> None:
    assert found(config, tmp_path, "sampler.max_tokens=3")[0] == ("cut_off", "warning")
    assert "rollouts/right" in read_metrics(tmp_path / "run" / "metrics.jsonl")[-1]


def test_a_rule_that_ends_the_run(config: Callable[..., Config], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="rule 'fragile' gave no verdict"):
        found(config, tmp_path, f"plugins=[{tmp_path / 'fragile.py'}]", "+rewards.fragile.weight=0.1")
    (line,) = read(tmp_path / "run" / FILE)
    assert (line["name"], line["weight"], line["step"], line["evidence"]) == ("rule_fails", "error", 1, {"outcome/fragile/failed": 1.0})


def test_without_the_diagnosis_nothing_is_found_or_counted(config: Callable[..., Config], tmp_path: Path) -> None:
    assert found(config, tmp_path, "sampler.max_tokens=3", "diagnosis.enabled=false", "rl.steps=1") == []
    assert not (tmp_path / "run" / FILE).exists()
    assert not [key for key in read_metrics(tmp_path / "run" / "metrics.jsonl")[-1] if key.startswith("rollouts/")]

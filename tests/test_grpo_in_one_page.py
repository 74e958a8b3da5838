"""The teaching page gives the numbers of the trainer."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from r1lite.config import Config
from r1lite.train import train

PAGE = Path(__file__).resolve().parent.parent / "examples" / "grpo_in_one_page.py"
STEPS = 3


@pytest.mark.slow
def test_its_first_steps_are_those_of_r1_zero(config: Callable[..., Config], tmp_path: Path) -> None:
    spec = spec_from_file_location("grpo_in_one_page", PAGE)
    assert spec is not None
    assert spec.loader is not None
    page = module_from_spec(spec)
    spec.loader.exec_module(page)
    settings = ("experiment=r1_zero", "threads=1", "rl.prompts_per_step=16", "evaluate.every_stage=false")
    mine = list(page.grpo(config(*settings), STEPS))
    # The page's schedule is that of the whole experiment, so the run that is stopped after some steps keeps rl.steps.
    cfg = config(*settings, f"run_dir={tmp_path / 'run'}", "rl.checkpoint_every=1", "preflight.enabled=false")
    with pytest.MonkeyPatch.context() as patch:
        stop_after(patch, STEPS)
        with pytest.raises(KeyboardInterrupt):
            train(cfg)
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert len(lines) == STEPS
    names = {"reward": "reward/mean", "length": "response/length_mean", "loss": "loss", "grad_norm": "grad_norm"}
    for page_step, run_step in zip(mine, lines, strict=True):
        assert {name: page_step[name] for name in names} == {
            name: pytest.approx(run_step[key], rel=2e-5, abs=1e-7) for name, key in names.items()
        }
    assert any(step["loss"] != 0 for step in mine)


def stop_after(patch: pytest.MonkeyPatch, steps: int) -> None:
    from r1lite.store.metrics import Metrics

    log = Metrics.log

    def stopping(self: Metrics, stage: str, step: int, metrics: dict[str, float]) -> None:
        log(self, stage, step, metrics)
        if step == steps:
            raise KeyboardInterrupt

    patch.setattr(Metrics, "log", stopping)


def test_it_is_one_page() -> None:
    assert len(PAGE.read_text(encoding="utf-8").splitlines()) <= 120

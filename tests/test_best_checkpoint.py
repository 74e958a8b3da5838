"""The best checkpoint of a supervised stage: what is measured, which weights are kept, and that it can be interrupted."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from r1lite.config import Config
from r1lite.sampling.rollouts import Sampler
from r1lite.store.run import Run
from r1lite.teaching import best_checkpoint
from r1lite.teaching.best_checkpoint import best, figures
from r1lite.train import train
from r1lite.types import Problem, Rollout, Scored, Verdict


def scored(reward: float, *logprobs: float, right: bool = False) -> Scored:
    rollout = Rollout(problem_id="p", index=0, prompt_ids=(), token_ids=tuple(range(len(logprobs))), logprobs=logprobs, text="")
    return Scored(problem=Problem(id="p", prompt="?"), rollout=rollout, reward=reward, right=right, verdicts={"r": Verdict(value=reward)})


def test_a_measurement_counts_groups_with_signal_correct_responses_and_entropy() -> None:
    half = math.log(0.5)
    groups = [
        [scored(1.0, half, half, right=True), scored(0.0, half, 2 * half)],  # live
        [scored(0.0, half), scored(0.0, half)],
        [scored(1.0, half, right=True), scored(1.0, half, right=True)],
        [scored(0.1, half), scored(0.2, half)],  # live, without a right answer
    ]
    assert figures(groups) == {
        "live_share": 0.5,
        "pass_rate": 3 / 8,
        "entropy": pytest.approx(11 / 10 * math.log(2)),
        "length_mean": 1.25,
    }


def test_signal_comes_first_then_correct_responses_then_the_earlier_step() -> None:
    def row(step: int, live: float, right: float) -> dict[str, float]:
        return {"step": step, "live_share": live, "pass_rate": right}

    assert best([row(2, 0.5, 0.2), row(4, 0.9, 0.3), row(6, 0.6, 0.9)])["step"] == 4
    assert best([row(2, 0.5, 0.2), row(4, 0.5, 0.3), row(6, 0.5, 0.1)])["step"] == 4
    assert best([row(2, 0.5, 0.2), row(4, 0.5, 0.2)])["step"] == 2


SMALL = (
    "stages=[cold_start] cold_start.steps=5 cold_start.examples=16 cold_start.batch_size=8 cold_start.checkpoint_every=1 "
    "cold_start.gate_every=2 cold_start.gate_prompts=6 rl.group_size=4 sampler.max_tokens=40 scoring.workers=0 threads=1 "
    "evaluate.every_stage=false task.difficulty=easy"
).split()


def test_a_measurement_uses_the_weights_of_its_step(config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the sampler has copies, here of another precision."""
    seen: list[torch.Tensor] = []
    sample = Sampler.sample

    def sampled(self: Sampler, *args: Any, **kwargs: Any) -> Any:
        seen.append(next(self.engine.decoder.parameters()).detach().clone())
        return sample(self, *args, **kwargs)

    monkeypatch.setattr(Sampler, "sample", sampled)
    run(config, tmp_path / "run", "cold_start.gate=signal", "sampler.dtype=bfloat16", "cold_start.lr=0.01")
    assert len(seen) == 3
    assert not torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[1], seen[2])


def run(config: Callable[..., Config], folder: Path, *changes: str) -> dict[str, torch.Tensor]:
    train(config(*SMALL, *changes, f"run_dir={folder}"))
    return load_file(folder / "cold_start" / "final" / "model.safetensors")


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture
def prefers(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Measurements with the most signal at one step; the other figures are real."""
    measure, figures_of = best_checkpoint.BestCheckpoint.measure, best_checkpoint.figures

    def prefer(step: int) -> None:
        def measured(self: Any, at: int) -> dict[str, float]:
            monkeypatch.setattr(best_checkpoint, "figures", lambda groups: figures_of(groups) | {"live_share": 1.0 if at == step else 0.1})
            return measure(self, at)

        monkeypatch.setattr(best_checkpoint.BestCheckpoint, "measure", measured)

    return prefer


def test_the_weights_that_come_out_are_those_of_the_chosen_step(
    config: Callable[..., Config], tmp_path: Path, prefers: Callable[[int], None]
) -> None:
    prefers(2)
    chosen = run(config, tmp_path / "gate", "cold_start.gate=signal")
    folder = tmp_path / "gate" / "cold_start"
    table = json.loads((folder / "gate.json").read_text())
    assert [row["step"] for row in table] == [2, 4, 5]  # the last step is always measured
    assert not list(folder.glob("gate-*"))
    # The same training that stops at the chosen step, with the schedule of the whole.
    from r1lite.build import make_policy, make_prompter
    from r1lite.objective import IMITATE
    from r1lite.teaching.imitation import epochs, task_examples

    cfg = config(*SMALL)
    policy = make_policy("tiny_base", cfg, cfg.cold_start, steps=5)
    samples = task_examples(cfg, 16, make_prompter(policy.tokenizer, cfg), seed="0/cold_start")
    for step in (1, 2):
        policy.step(epochs(samples, 8, "0/cold_start")(step), IMITATE)
    assert all(torch.equal(p.detach(), chosen[name]) for name, p in policy.weights())


def test_keeping_the_last_step_changes_nothing(config: Callable[..., Config], tmp_path: Path, prefers: Callable[[int], None]) -> None:
    last = run(config, tmp_path / "last")
    prefers(5)
    assert same(run(config, tmp_path / "gate", "cold_start.gate=signal"), last)
    lines = [json.loads(line) for line in (tmp_path / "gate" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "gate/live_share" in line] == [2, 4, 5]
    assert not (tmp_path / "last" / "cold_start" / "gate.json").exists()


@pytest.mark.parametrize("dies_in", [1, 2, 3])
def test_an_interrupted_stage_keeps_the_same_step(
    dies_in: int, config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(config, tmp_path / "whole", "cold_start.gate=signal")
    table = (tmp_path / "whole" / "cold_start" / "gate.json").read_text()
    written: list[int] = []
    write = best_checkpoint.write_json

    def dies(path: Path, value: Any) -> None:
        written.append(1)
        if len(written) == dies_in:  # the weights are saved by then, but the table is not
            raise KeyboardInterrupt
        write(path, value)

    with monkeypatch.context() as patch:
        patch.setattr(best_checkpoint, "write_json", dies)
        with pytest.raises(KeyboardInterrupt):
            run(config, tmp_path / "killed", "cold_start.gate=signal")
    assert same(run(config, tmp_path / "killed", "cold_start.gate=signal"), whole)
    assert (tmp_path / "killed" / "cold_start" / "gate.json").read_text() == table


def test_the_best_weights_can_be_saved_again(
    config: Callable[..., Config], tmp_path: Path, prefers: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an interruption between saving them and marking the stage as finished."""
    prefers(2)
    whole = run(config, tmp_path / "whole", "cold_start.gate=signal")

    def dies(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Run, "finish", dies)
        with pytest.raises(KeyboardInterrupt):
            run(config, tmp_path / "killed", "cold_start.gate=signal")
    assert same(run(config, tmp_path / "killed", "cold_start.gate=signal"), whole)
    assert not (tmp_path / "killed" / "cold_start" / "checkpoints").exists()

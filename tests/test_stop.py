"""SIGTERM, Ctrl-C and weights that differ: all ranks leave together, and what they saved resumes."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import ranks
import torch

from r1lite.config import Config
from r1lite.learning.loop import run_steps
from r1lite.learning.policy import Policy
from r1lite.models.tiny import build_model, build_tokenizer
from r1lite.parallel import exchange, stop, world
from r1lite.parallel.drift import odd_one
from r1lite.settings.compose import configuration
from r1lite.store.metrics import Metrics, read_metrics
from r1lite.store.run import Place

SMALL = "pretrain.hidden=32 pretrain.layers=2 pretrain.heads=2 pretrain.intermediate=48 pretrain.checkpoint_every=1000".split()


def command(folder: Path, steps: int, do: Callable[..., None] | None = None) -> None:
    """`python -m r1lite.train`, whose only stage does nothing in its steps, unless told what."""
    from r1lite.api import pipeline
    from r1lite.api import ranks as module

    def stage(cfg: Config) -> None:
        tokenizer = build_tokenizer()
        policy = Policy(build_model(cfg.pretrain, tokenizer, seed=0), tokenizer, cfg.pretrain, total_steps=steps)
        place = Place(name="pretrain", out=folder / "out", run=folder, metrics=Metrics(folder / "metrics.jsonl"), compares_every=2)

        def step(number: int) -> dict[str, float]:
            exchange.gather(number)
            (do or time.sleep)(*([policy] if do else [0.02]))
            return {"loss": 1.0}

        run_steps(policy, step, cfg.pretrain, place, steps=steps, shown=("loss",))
        stop.leave_if_asked("after stage pretrain")

    pipeline.train = stage  # pyright: ignore
    module.run_here(configuration([*SMALL, f"run_dir={folder}"]))


def ended_by(number: signal.Signals, to: Sequence[int], folder: Path, *, count: int) -> tuple[list[int | None], list[str], int]:
    """The exit codes, the messages, and the steps that were taken before and shortly after the signal."""
    alone = {"WORLD_SIZE": "1"} if count == 1 else {}
    with ranks.started(command, [(folder, 10_000)] * count, folder, alone) as processes:
        wait_until(lambda: len(read_metrics(folder / "metrics.jsonl")) >= 3)
        for rank in to:
            os.kill(processes[rank].pid, number)
        for one in processes:
            one.join(60)
        codes = [one.exitcode for one in processes]
    output = "".join(ranks.logs(folder))
    assert "Traceback" not in output
    return (
        codes,
        [line for line in output.splitlines() if line.startswith(("error", "stopped"))],
        len(read_metrics(folder / "metrics.jsonl")),
    )


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + ranks.SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(("count", "to"), [(1, [0]), (2, [0]), (2, [1]), (2, [0, 1, 1])])
def test_sigterm_saves_after_the_step_and_the_same_command_goes_on(count: int, to: Sequence[int], tmp_path: Path) -> None:
    codes, messages, steps = ended_by(signal.SIGTERM, to, tmp_path, count=count)
    assert codes == [143] * count
    resumes = f"The same command with run_dir={tmp_path} resumes the run from its last checkpoint."
    assert messages == [f"stopped by SIGTERM after step {steps} of pretrain. {resumes}"]
    assert [path.name for path in (tmp_path / "out" / "checkpoints").glob("step-*")] == [f"step-{steps:06d}"]
    with ranks.started(command, [(tmp_path, steps + 2)] * 2, tmp_path) as processes:
        for one in processes:
            one.join(ranks.SECONDS)
        assert [one.exitcode for one in processes] == [0, 0]
    assert [line["step"] for line in read_metrics(tmp_path / "metrics.jsonl")] == [*range(1, steps + 3)]


def test_ctrl_c_ends_all_ranks_with_one_line(tmp_path: Path) -> None:
    codes, messages, _ = ended_by(signal.SIGINT, [0, 1, 0, 1], tmp_path, count=2)
    assert codes == [130, 130]
    assert messages == [f"stopped. The same command with run_dir={tmp_path} resumes the run from its last checkpoint."]


def drift(policy: Policy) -> None:
    if world.rank() == 1:
        with torch.no_grad():
            dict(policy.weights())["model.layers.1.mlp.up_proj.weight"][3, 5] += 1e-6


def test_weights_that_differ_are_noticed(tmp_path: Path) -> None:
    with ranks.started(command, [(tmp_path, 9, drift)] * 3, tmp_path) as processes:
        for one in processes:
            one.join(ranks.SECONDS)
        assert [one.exitcode for one in processes] == [1, 1, 1]
    (message,) = re.findall(r"^error: .*", "".join(ranks.logs(tmp_path)), re.MULTILINE)
    expected = (
        r"error: rank 1 on \S+ holds other weights than the other ranks after step 2 \(the first is model.layers.1.mlp.up_proj.weight\)"
    )
    assert re.match(expected, message)


@pytest.mark.parametrize(
    ("rows", "odd"),
    [
        ([[1, 2], [1, 2]], None),
        ([[1, 2], [1, 3]], (1, 1)),
        ([[0, 2], [1, 2], [1, 2]], (0, 0)),
        ([[1, 2, 5]], None),
    ],
)
def test_the_odd_one_is_the_one_that_most_differ_from(rows: Sequence[Sequence[int]], odd: tuple[int, int] | None) -> None:
    assert odd_one(rows) == odd


def test_a_run_that_was_not_asked_does_not_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stop.on_sigterm(), stop.after_steps():
        assert not stop.is_asked()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.is_asked()
        with pytest.raises(stop.Stopped):
            stop.leave_if_asked("here")
    with stop.on_sigterm():
        assert not stop.is_asked()
        with pytest.raises(stop.Stopped):  # outside of steps there is nothing to wait for
            os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before

"""Sampling ahead of training: which weights sample what, and that neither timing nor a kill changes anything."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file
from test_rl import Counting

from r1lite.config import Config
from r1lite.learning.batch import collate
from r1lite.learning.forward import forward
from r1lite.models.pretrained import locate
from r1lite.rl.collect import Collected, collect
from r1lite.rl.prefetch import Prefetcher, temporary_weights
from r1lite.stages import rl
from r1lite.store.metrics import Metrics
from r1lite.store.run import Place
from r1lite.train import train
from r1lite.types import Sample


class Loaded:
    """A sampler that is nothing but the number it was given."""

    def __init__(self) -> None:
        self.number = 0.0

    def load(self, weights: Any) -> None:
        ((_, tensor),) = weights
        self.number = float(tensor)


def steps_of(lag: int, *, last: int) -> list[tuple[int, int, float]]:
    """For each step: step, steps that its weights were said to have seen, and the number that really sampled it."""
    sampler: Any = Loaded()
    weight = torch.zeros(())

    def slow(step: int, weights: int) -> Collected:
        time.sleep(0.02)  # training is faster, so that a sync which did not wait would be seen
        groups: Any = (step, weights, sampler.number)
        return Collected(groups=groups, sampled_by=[], weights_step=weights, position=0, settled=(), prompts={}, broken=None, seconds={})

    found: list[Any] = []
    with Prefetcher(slow, sampler, lag=lag, last=last) as ahead:
        for step in range(1, last + 1):
            found.append(ahead.take(step).groups)
            past = float(ahead.past["w"]) if ahead.past else float(weight)
            assert past == found[-1][2]  # what a check compares with are the weights that sampled
            ahead.keep_past([("w", weight)])
            weight += 1
            ahead.sync(step, [("w", weight)])
        assert ahead.submitted == last
        assert not ahead.pending
    return found


def test_without_a_lag_each_step_is_sampled_with_the_newest_weights() -> None:
    assert steps_of(0, last=4) == [(1, 0, 0.0), (2, 1, 1.0), (3, 2, 2.0), (4, 3, 3.0)]


def test_with_a_lag_each_step_is_sampled_with_the_weights_of_before() -> None:
    assert steps_of(1, last=5) == [(1, 0, 0.0), (2, 0, 0.0), (3, 1, 1.0), (4, 2, 2.0), (5, 3, 3.0)]


def test_what_goes_wrong_ahead_is_said_when_its_turn_comes() -> None:
    def failing(step: int, weights: int) -> Collected:
        if step == 2:
            raise ValueError("no such prompt")
        return Collected(groups=[], sampled_by=[], weights_step=weights, position=0, settled=(), prompts={}, broken=None, seconds={})

    sampler: Any = Loaded()
    with Prefetcher(failing, sampler, lag=1, last=3) as ahead:
        ahead.take(1)
        ahead.sync(1, [("w", torch.ones(()))])
        with pytest.raises(ValueError, match="no such prompt"):
            ahead.take(2)


@pytest.mark.parametrize("lag", [0, 1])
def test_groups_are_refilled_before_the_next_step_takes_its_prompts(lag: int, config: Callable[..., Config]) -> None:
    source: Any = Counting()
    cfg = config("rl.prompts_per_step=6", "rl.group_size=2")
    seen = []
    with Prefetcher(partial(collect, source, source, source, cfg.rl, 1), source, lag=lag, last=3) as ahead:
        for step in (1, 2, 3):
            got = ahead.take(step)
            seen.append((got.position, [int(group[0].problem.id) for group in got.groups]))
            ahead.sync(step, [])
    assert seen == [(10, [*range(10)]), (20, [*range(10, 20)]), (30, [*range(20, 30)])]
    assert source.seeds == ["0/rl/1", "0/rl/1/1", "0/rl/2", "0/rl/2/1", "0/rl/3", "0/rl/3/1"]


def test_the_past_is_there_inside_and_nowhere_else() -> None:
    layer = torch.nn.Linear(2, 1, bias=False)
    now, then = layer.weight.detach().clone(), torch.tensor([[3.0, 4.0]])
    past = {"weight": then.clone()}
    with suppress(RuntimeError), temporary_weights(past, layer.named_parameters()):
        assert layer(torch.ones(2)).item() == 7.0
        raise RuntimeError  # an error inside must not leave the past behind
    assert torch.equal(layer.weight, now)
    assert torch.equal(past["weight"], then)
    with temporary_weights({}, layer.named_parameters()):
        assert torch.equal(layer.weight, now)


SMALL = (
    "stages=[rl] task.difficulty=easy rl.steps=4 rl.prompts_per_step=4 rl.group_size=4 rl.checkpoint_every=2 rl.show_every=0 rl.lr=1e-3 "
    "rl.warmup_steps=0 rl.lag=1 sampler.max_tokens=40 evaluate.every_stage=false scoring.workers=0 threads=1"
).split()


def trained(folder: Path, config: Callable[..., Config], *overrides: str) -> tuple[dict[str, torch.Tensor], list[dict[str, float]]]:
    """The weights at the end, and what was logged of each step, but for the seconds."""
    train(config(*SMALL, f"run_dir={folder}", *overrides))
    logged = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    metrics = [{k: v for k, v in line.items() if not k.startswith("seconds/")} for line in logged]
    return load_file(folder / "rl" / "final" / "model.safetensors"), metrics


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_a_steps_rollouts_come_from_the_weights_before_the_last(config: Callable[..., Config], tmp_path: Path) -> None:
    """Against log-probs that are made anew with the weights of every step, kept by this test alone."""
    cfg = config(*SMALL, "rl.steps=3", f"run_dir={tmp_path}")
    place = Place(name="rl", out=tmp_path / "rl", run=tmp_path, metrics=Metrics(tmp_path / "metrics.jsonl"))
    parts, _ = rl.open_parts(cfg, Path(locate("tiny_base")), place)
    model = parts.policy.model
    history = [{name: p.detach().clone() for name, p in model.named_parameters()}]
    steps = []
    with parts.scorer, parts.source:
        for step in (1, 2, 3):
            steps.append(rl.take_step(parts, cfg, step))
            history.append({name: p.detach().clone() for name, p in model.named_parameters()})
    off = [[difference(model, history[weights], got) for weights in range(3)] for got, _ in steps]
    assert [got.weights_step for got, _ in steps] == [0, 0, 1]
    for mine, (got, metrics) in zip(off, steps, strict=True):
        assert metrics["tokens/trained"] > 0  # or the weights after it would be those before
        assert metrics["parity/max"] < 1e-4
        assert mine[got.weights_step] < 1e-4
        assert all(mine[other] > 1e-3 for other in range(3) if other != got.weights_step)


@torch.no_grad()
def difference(model: Any, weights: dict[str, torch.Tensor], got: Collected) -> float:
    for name, parameter in model.named_parameters():
        parameter.copy_(weights[name])
    largest = 0.0
    for rollout in (s.rollout for group in got.groups for s in group):
        (batch,) = collate([Sample(prompt_ids=rollout.prompt_ids, token_ids=rollout.token_ids)], micro_batch_tokens=1)
        largest = max(largest, (forward(model, batch, 1.0).logp[0] - torch.tensor(rollout.logprobs)).abs().max().item())
    return largest


def test_who_is_faster_and_a_kill_change_nothing(config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With refills, whose prompts and rollouts must come again as they were."""
    dapo = ("algorithm=dapo", "algorithm.refill_rounds=1")
    weights, metrics = trained(tmp_path / "one", config, *dapo)
    assert [m["step"] for m in metrics] == [1, 2, 3, 4]
    assert max(m["mismatch/kl"] for m in metrics[1:]) > 1e-6  # the rollouts are one step old
    assert max(m["parity/max"] for m in metrics) < 1e-4

    def late(*arguments: Any) -> Collected:
        time.sleep(0.2)
        return collect(*arguments)

    logged = Metrics.log

    def killed(self: Metrics, stage: str, step: int, values: Any) -> None:
        if step == 4:
            raise KeyboardInterrupt
        logged(self, stage, step, values)

    with monkeypatch.context() as changed:
        changed.setattr(rl, "collect", late)
        changed.setattr(Metrics, "log", killed)
        with pytest.raises(KeyboardInterrupt):
            trained(tmp_path / "two", config, *dapo)
    assert not (tmp_path / "two" / "rl" / "final").exists()
    again, told = trained(tmp_path / "two", config, *dapo)
    assert same(weights, again)
    assert told == metrics
    for path in (tmp_path / "one").glob("rl/rollouts/*.parquet"):
        assert pq.read_table(tmp_path / "two" / path.relative_to(tmp_path / "one")).equals(pq.read_table(path))


def test_a_step_that_fails_the_parity_check_is_kept_and_not_trained(
    config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also with a lag; and once the sampler is fixed, the same command resumes the run."""
    made = rl.make_sampler

    def lying(model: Any, *rest: Any) -> Any:
        sampler: Any = made(model, *rest)
        monkeypatch.setattr(sampler, "load", lambda _: None)  # it goes on with the weights that it has
        return sampler

    with monkeypatch.context() as changed:
        changed.setattr(rl, "make_sampler", lying)
        with pytest.raises(ValueError, match=r"step 3 was not trained on[\s\S]*Stale weights"):
            trained(tmp_path, config)
    assert [p.stem for p in sorted((tmp_path / "rl" / "rollouts").glob("*"))] == ["step-000001", "step-000002", "step-000003"]
    assert sorted(p.name for p in (tmp_path / "rl" / "checkpoints").iterdir()) == ["step-000002"]
    _, metrics = trained(tmp_path, config, "parity.sequences=2")
    assert [m["step"] for m in metrics] == [1, 2, 3, 4]

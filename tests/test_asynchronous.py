"""Asynchronous runs, against stand-in servers that sample with the weights they have been sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file
from vllm_here import PROBLEMS
from vllm_servers import Samples, StandIn, made, stand_ins

from r1lite.api.pipeline import train
from r1lite.data.feed import Feed
from r1lite.rl.asynchronous import Asynchronous
from r1lite.rl.staleness import staleness
from r1lite.sampling.vllm.client import Server
from r1lite.sampling.vllm.idle import Idle
from r1lite.store.ledger import Ledger
from r1lite.types import Problem, Rollout, Scored

SMALL = (
    "experiment=r1_zero rl.steps=4 rl.prompts_per_step=4 rl.group_size=4 rl.updates_per_step=1 rl.checkpoint_every=1 rl.lr=1e-3"
    " rl.warmup_steps=0 rl.show_every=0 sampler.max_tokens=24 evaluate.every_stage=false scoring.workers=0 threads=1"
    " sampler=vllm_server sampler.max_rows=8 rl.asynchronous=true algorithm.correction=truncate"
).split()


@pytest.fixture
def servers(config: Callable[..., Any]) -> Iterator[Callable[..., tuple[StandIn, str]]]:
    with stand_ins() as start:
        yield lambda **how: start(sampler=Samples(config()), **how)


def settings(folder: Path, urls: list[str], *more: str) -> list[str]:
    return [*SMALL, f"sampler.urls=[{','.join(urls)}]", f"run_dir={folder}", *more]


def metrics(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "rl" / "final" / "model.safetensors")


def rollouts(folder: Path) -> list[dict[str, Any]]:
    return [row for path in sorted(folder.glob("rl/rollouts/*.parquet")) for row in pq.read_table(path).to_pylist()]


def test_a_run_stays_within_its_lag_and_its_ledger_says_which_weights_sampled(servers: Any, config: Any, tmp_path: Path) -> None:
    (one, first), (two, second) = servers(seconds=0.02), servers(seconds=0.05)
    train(config(*settings(tmp_path, [first, second], "rl.lag=2")))
    assert one.asked > 8 < two.asked
    lines = metrics(tmp_path)
    assert [line["staleness/max"] <= 2 for line in lines] == [True] * 4
    assert all(line["parity/mean"] < 1e-4 for line in lines[1:])  # the probes: servers have the newest weights
    assert "/pause?mode=keep" in one.updates
    assert "/reset_prefix_cache" not in one.updates
    rows = rollouts(tmp_path)
    assert len(rows) == 4 * 4 * 4
    assert all(row["step"] - 2 <= row["version"] <= row["step"] for row in rows)
    spans = [row["versions"] for row in rows if row["versions"]]
    assert all(sum(count for _, count in of_row) for of_row in spans)


def test_every_server_is_asked_whether_it_has_the_new_weights(servers: Any, config: Any, tmp_path: Path) -> None:
    started = [servers() for _ in range(3)]
    (stale, _), urls = started[2], [url for _, url in started]
    stale.sampler.load = lambda held: None  # it says that it has them
    with pytest.raises(ValueError, match="the sampler's log-probs are not the trainer's, so step 2 was not trained on"):
        train(config(*settings(tmp_path, urls, "rl.lag=1", "parity.sequences=1", "rl.lr=1e-2")))


def test_a_replayed_run_has_the_same_weights(servers: Any, config: Any, tmp_path: Path) -> None:
    _, url = servers(seconds=0.02)
    train(config(*settings(tmp_path / "run", [url], "rl.lag=2")))
    again = [s for s in SMALL if s not in ("sampler=vllm_server", "rl.asynchronous=true")]
    train(config(*again, f"rl.replay={tmp_path / 'run' / 'rl' / 'rollouts'}", f"run_dir={tmp_path / 'again'}"))
    first, second = weights(tmp_path / "run"), weights(tmp_path / "again")
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert [row["token_ids"] for row in rollouts(tmp_path / "run")] == [row["token_ids"] for row in rollouts(tmp_path / "again")]
    with pytest.raises(ValueError, match=r"rl.replay: .* has no rollouts of step 5. Set rl.steps to the steps that it has"):
        train(config(*again, "rl.steps=5", f"rl.replay={tmp_path / 'run' / 'rl' / 'rollouts'}", f"run_dir={tmp_path / 'more'}"))


def test_an_interrupted_run_trains_every_problem_that_it_asked_for(
    servers: Any, config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, url = servers(seconds=0.02)
    cfg = config(*settings(tmp_path, [url], "rl.lag=2"))
    from r1lite.stages import rl

    take_step = rl.take_step

    def interrupted(parts: Any, cfg: Any, step: int) -> Any:
        if step == 3:
            raise KeyboardInterrupt
        return take_step(parts, cfg, step)

    monkeypatch.setattr(rl, "take_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(cfg)
    monkeypatch.setattr(rl, "take_step", take_step)
    train(cfg)
    assert [line["step"] for line in metrics(tmp_path)] == [1, 2, 3, 4]
    asked = {row["problem_id"] for row in rollouts(tmp_path)}
    assert len(asked) == 16  # the first sixteen, as without the interruption: none is lost, none comes twice
    _, other = servers()
    train(config(*settings(tmp_path / "whole", [other], "rl.lag=0")))
    assert {row["problem_id"] for row in rollouts(tmp_path / "whole")} == asked


def test_a_server_that_loses_its_weights_is_left_out_and_comes_back(
    servers: Any, config: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (restarted, one), (_, two) = servers(restarts_after=20, seconds=0.01), servers(seconds=0.01)
    train(config(*settings(tmp_path, [one, two], "rl.lag=1")))
    assert f"{one} is left out until it has received weights again" in capsys.readouterr().out
    assert restarted.weights != "default"  # it has received new weights since
    assert len(rollouts(tmp_path)) == 4 * 4 * 4
    assert all(row["version"] > 0 for row in rollouts(tmp_path))


def test_a_slow_group_is_dropped_and_counted_where_the_run_does_not_wait(servers: Any, config: Any, tmp_path: Path) -> None:
    (_, quick), (slow, late) = servers(), servers(seconds=600.0)  # until it is told to abort
    train(config(*settings(tmp_path, [quick, late], "rl.lag=1", "rl.wait_for_slow=false", "parity.sequences=0")))
    assert sum(line["groups/dropped"] for line in metrics(tmp_path)) > 0
    assert len(rollouts(tmp_path)) == 4 * 4 * 4
    assert slow.asked
    assert slow.aborted.is_set()


def test_groups_without_signal_are_replaced_and_kept_in_the_ledger(servers: Any, config: Any, tmp_path: Path) -> None:
    _, url = servers()
    train(config(*settings(tmp_path, [url], "rl.lag=1", "algorithm.refill_rounds=2", "rl.group_size=2", "rl.steps=2")))
    assert all(line["zero_variance_share"] > 0 for line in metrics(tmp_path))
    assert 8 < len(rollouts(tmp_path)) // 2 <= 8 + 2 * 8  # two steps of 4, and up to twice as many in place of others


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            ["sampler=native", "sampler.urls=[]"],
            "rl.asynchronous=true needs sampler=vllm_server; with sampler=native, rl.lag=1",
        ),
        (["algorithm.correction=none"], "algorithm.correction must make up for: set algorithm.correction=truncate"),
        (["rl.asynchronous=false", "rl.lag=2"], "rl.lag must be 0 or 1, got 2; more needs rl.asynchronous=true"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes: list[str], says: str, config: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=says.replace("(", r"\(")):
        train(config(*settings(tmp_path, ["http://127.0.0.1:9"], *changes)))


def test_a_server_without_the_route_says_how_to_start_it(config: Any) -> None:
    from r1lite.sampling.vllm.connection import RequestRefused
    from r1lite.sampling.vllm.requests import jobs_of
    from r1lite.types import Request

    with stand_ins() as start:
        _, url = start(status=403)
        (job,) = jobs_of([Request(prompt_ids=(1,), seeds=(1,), max_tokens=2)])
        with pytest.raises(RequestRefused, match=r"start it with --enable-scale-out, which rl\.asynchronous needs"):
            Server(url, 5.0).generate(job, {}, "w")


def test_only_groups_that_can_begin_are_asked_for(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Asynchronous, "_complete", lambda *_: None)
    with stand_ins() as start:
        _, url = start()
        cfg = config(*SMALL, "rl.lag=3")
        _, sampler, _ = made(config, [url])
        feed = Feed(PROBLEMS, seed="s", prompter=sampler.prompter, limits=cfg.prompt)
        with Asynchronous(sampler, cast("Any", None), feed, cfg.rl, rows=8, probes=0, refill=0) as source:
            source.resume(0, [], [])
            assert len(source.groups) == 8 // cfg.rl.group_size  # the bound alone would allow 16


def test_the_ledger_gives_back_which_versions_sampled(tmp_path: Path) -> None:
    rollout = Rollout(
        problem_id="p", index=0, prompt_ids=(1,), token_ids=(2, 3, 4), logprobs=(0.0,) * 3, text="", version=3, versions=((3, 1), (4, 2))
    )
    ledger = Ledger(tmp_path, "rl")
    ledger.write(1, [[Scored(problem=Problem(id="p", prompt="?", answer="4"), rollout=rollout, reward=0.5, verdicts={})]])
    ((again,),) = ledger.read(1) or [[]]
    assert again.rollout == rollout
    assert (again.problem.prompt, again.problem.answer, again.reward) == ("?", "4", 0.5)


def test_staleness_counts_tokens_by_the_weights_that_sampled_them() -> None:
    def rollout(version: int, *versions: tuple[int, int]) -> Scored:
        made = Rollout(
            problem_id="p", index=0, prompt_ids=(1,), token_ids=(1,) * 4, logprobs=(0.0,) * 4, text="", version=version, versions=versions
        )
        return Scored(problem=Problem(id="p", prompt=""), rollout=made, reward=0.0, verdicts={})

    found = staleness([[rollout(5), rollout(3, (3, 1), (5, 3))]], step=5)
    assert found == {"staleness/mean": 2 / 8, "staleness/max": 2.0, "staleness/mixed_share": 0.5}


def test_idle_time_is_that_without_any_request() -> None:
    now = [0.0]
    idle = Idle(clock=lambda: now[0])
    now[0] = 2.0
    with idle.busy():
        now[0] = 3.0
        with idle.busy():
            now[0] = 5.0
        now[0] = 6.0
    now[0] = 8.0
    assert idle.share() == 0.5  # 2 s before, 2 s after, of 8
    now[0] = 9.0
    assert idle.share() == 1.0


@pytest.mark.parametrize(("rows", "running", "begins"), [(8, 4, True), (8, 5, False), (2, 0, True), (2, 1, False)])
def test_a_group_begins_when_enough_completions_have_finished(rows: int, running: int, begins: bool, config: Any) -> None:
    source: Any = object.__new__(Asynchronous)
    source.closed, source.rows, source.running, source.cfg = False, rows, running, config("rl.group_size=4").rl
    assert source._can_begin() == begins

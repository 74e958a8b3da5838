"""vLLM under several ranks: an engine in each, or servers that all of them share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import ranks
from vllm_here import needs_vllm
from vllm_servers import running

from r1lite.api.pipeline import train
from r1lite.settings.compose import configuration
from r1lite.store.metrics import read_metrics

pytestmark = [needs_vllm, pytest.mark.slow]
SETTINGS = (
    "stages=[rl] rl.steps=2 rl.prompts_per_step=4 rl.group_size=4 rl.show_every=0 sampler.max_tokens=24 sampler.max_rows=16 "
    "sampler.cache_mb=64 evaluate.problems=3 evaluate.samples=1 evaluate.k=1 evaluate.splits=[test] threads=1"
).split()


def run(settings: list[str]) -> dict[str, Any]:
    return {"status": train(configuration([*SETTINGS, *settings]))["status"]}


def agrees(run_dir: Path) -> bool:
    """Whether sampler and trainer agree: the parity check of every step compares some rollouts of each rank."""
    return [0 <= line["parity/mean"] < 1e-4 for line in read_metrics(run_dir / "metrics.jsonl")] == [True, True]


def test_each_rank_has_an_engine(tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert ranks.run(run, 2, ["sampler=vllm", f"run_dir={out}"], folder=tmp_path, shard=2) == [{"status": "finished"}] * 2
    assert agrees(out)


def test_all_ranks_share_the_servers(tmp_path: Path) -> None:
    with running(tmp_path, "--enable-lora", "--max-lora-rank", "8") as url:
        for name, changes in (("weights", []), ("adapters", ["model.lora_rank=8"])):
            out = tmp_path / name
            settings = ["sampler=vllm_server", f"sampler.urls=[{url}]", f"run_dir={out}", *changes]
            assert ranks.run(run, 2, settings, folder=tmp_path) == [{"status": "finished"}] * 2
            assert agrees(out)

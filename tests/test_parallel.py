"""Several ranks do what one does: the same decisions, the same rollouts, and training that is equal to rounding."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import ranks
import torch
from safetensors.torch import load_file

from r1lite.api.pipeline import train
from r1lite.learning.packing import length, pack_shares, pack_shares_by_prompt
from r1lite.learning.policy import Policy
from r1lite.learning.sharding import full_weights
from r1lite.models.tiny import build_model, build_tokenizer
from r1lite.objective import Objective
from r1lite.parallel import exchange, share, world
from r1lite.settings.compose import configuration
from r1lite.types import Sample

SAMPLES = [Sample(prompt_ids=(1, 2), token_ids=tuple(range(3, 5 + i)), logprobs=(-3.0,) * (2 + i), advantage=0.5 - i / 3) for i in range(5)]
SHARES = (1.0, 0.4)  # of the tokens, those of highest entropy over all ranks
SHORT = (
    "experiment=demo rl.steps=2 rl.prompts_per_step=6 rl.group_size=4 rl.show_every=0 cold_start.steps=2 cold_start.examples=16 "
    "cold_start.batch_size=16 evaluate.problems=4 evaluate.splits=[test] reject.prompts=16 sft.steps=2 distill.prompts=16 "
    "distill.steps=2 threads=1"
).split()
# Fewer problems than ranks, and batches that ranks do not divide.
FEW = "rl.prompts_per_step=3 evaluate.problems=3 cold_start.batch_size=3 sft.batch_size=3 distill.batch_size=3".split()
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def exchanged() -> dict[str, Any]:
    number = world.rank()
    return {
        "gather": exchange.gather(number),
        "flat": exchange.gather_flat(range(number)),
        "leader": exchange.on_leader(lambda: f"from {number}, one of {world.size()}"),
        "metrics": exchange.sum_metrics({"loss": 1.5, **({"late": 1.0} if number else {})}),
        "values": exchange.gather_values(torch.arange(number + 1.0)),
        "share": share.every_nth(["a", "b", "c"]),
    }


def trained(entropy_share: float) -> dict[str, Any]:
    """Two steps, with an objective whose threshold and divisor are those of the whole step."""
    small = ["pretrain.hidden=32", "pretrain.layers=2", "pretrain.heads=2", "pretrain.intermediate=48"]
    cfg = configuration([*small, "rl.lr=0.01", "rl.micro_batch_tokens=16"])
    tokenizer = build_tokenizer()
    model: Any = build_model(cfg.pretrain, tokenizer, seed=0)
    policy = Policy(model, tokenizer, cfg.rl, total_steps=2, entropy_share=entropy_share)
    before = policy.logprobs(SAMPLES)
    metrics = [policy.step(SAMPLES, Objective.preset("dapo")) for _ in range(2)]
    return {"before": before, "metrics": metrics, "weights": {name: p.detach() for name, p in full_weights(policy.weights())}}


def trained_with_each_share() -> list[dict[str, Any]]:
    return [trained(entropy_share) for entropy_share in SHARES]


def whole_run(settings: Sequence[str]) -> dict[str, Any]:
    summary = train(configuration(settings))
    return {"stages": [entry["name"] for entry in summary["stages"]]}


def test_what_ranks_tell_each_other(tmp_path: Path) -> None:
    first, second = ranks.run(exchanged, 2, folder=tmp_path)
    for told in (first, second):
        assert told["gather"] == [0, 1]
        assert told["flat"] == [0]
        assert told["leader"] == "from 0, one of 1"
        assert told["metrics"] == {"loss": 3.0, "late": 1.0}
        assert told["values"].tolist() == [0.0, 0.0, 1.0]
    assert (first["share"], second["share"]) == ([(0, "a"), (2, "c")], [(1, "b")])


@pytest.mark.parametrize(("count", "shard"), [(2, 1), (4, 1), (2, 2), (4, 2)])
def test_several_ranks_train_as_one(tmp_path: Path, count: int, shard: int) -> None:
    results = ranks.run(trained_with_each_share, count, folder=tmp_path, shard=shard)
    for number, entropy_share in enumerate(SHARES):
        alone, (first, *others) = trained(entropy_share), [result[number] for result in results]
        for other in others:
            assert other["metrics"] == first["metrics"]
            assert other["before"] == first["before"]
            for name, weight in first["weights"].items():
                assert torch.equal(other["weights"][name], weight)
        for name, weight in alone["weights"].items():
            torch.testing.assert_close(first["weights"][name], weight, rtol=1e-3, atol=1e-5)
        for mine, theirs in zip(alone["metrics"], first["metrics"], strict=True):
            torch.testing.assert_close(theirs, mine, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("count", "shard", "changes"), [(2, 1, []), (4, 2, FEW)], ids=["2 ranks", "4 ranks, 3 problems"])
def test_a_recipe_of_several_ranks_is_that_of_one(count: int, shard: int, changes: list[str], tmp_path: Path) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    whole_run([*SHORT, *changes, f"run_dir={alone}"])
    ranks.run(whole_run, count, [*SHORT, *changes, f"run_dir={together}"], folder=tmp_path, shard=shard)
    assert files(alone) == files(together)
    for weights in alone.glob("*/final/model.safetensors"):
        torch.testing.assert_close(load_file(together / weights.relative_to(alone)), load_file(weights), **CLOSE)
    for rollouts in alone.glob("*/rollouts/*.parquet"):
        mine, theirs = (pq.read_table(path).to_pylist() for path in (rollouts, together / rollouts.relative_to(alone)))
        for row, other in zip(mine, theirs, strict=True):
            for column in ("logprobs", "advantage"):
                torch.testing.assert_close(other.pop(column), row.pop(column), **CLOSE)
            assert other == row
    assert metrics(alone) == [pytest.approx(line, rel=1e-4, abs=1e-5) for line in metrics(together)]


def files(run: Path) -> set[str]:
    return {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}


def metrics(run: Path) -> list[dict[str, Any]]:
    lines = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return [{key: value for key, value in line.items() if not key.startswith("seconds/") and key != "stage"} for line in lines]


def test_one_rank_exchanges_nothing() -> None:
    assert world.size() == 1
    assert exchange.gather("all") == ["all"]
    assert exchange.on_leader(world.size) == 1
    assert share.every_nth(["a", "b"]) == [(0, "a"), (1, "b")]


def test_loads_are_dealt_evenly() -> None:
    loads = [7, 1, 5, 3, 3, 2, 9, 1]
    shares = share.deal(loads, 3)
    assert sorted(i for of_rank in shares for i in of_rank) == list(range(len(loads)))
    assert [sum(loads[i] for i in of_rank) for of_rank in shares] == [11, 10, 10]
    assert share.deal(loads, 1) == [list(range(len(loads)))]
    assert share.deal([4], 3) == [[0], [], []]


def test_every_sample_is_trained_on_by_one_rank_and_a_prompt_stays_whole() -> None:
    samples = [Sample(prompt_ids=(p,), token_ids=(1,) * (1 + p * i % 7)) for p in range(6) for i in range(4)]
    for packed in (
        pack_shares(samples, 20, 3),
        [[[i for rows in part for i in rows] for part in of] for of in pack_shares_by_prompt(samples, 20, 3)],
    ):
        assert sorted(i for of_rank in packed for part in of_rank for i in part) == list(range(len(samples)))
    for of_rank in pack_shares(samples, 20, 3):
        assert all(len(part) * max(length(samples[i]) for i in part) <= 20 for part in of_rank)
    owners = [
        {samples[i].prompt_ids for part in of_rank for rows in part for i in rows} for of_rank in pack_shares_by_prompt(samples, 20, 3)
    ]
    assert sum(map(len, owners)) == 6
    few = [{i for part in of_rank for rows in part for i in rows} for of_rank in pack_shares_by_prompt(samples[:8], 20, 4)]
    assert all(few)

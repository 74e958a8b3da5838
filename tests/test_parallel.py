"""Ranks: two processes over gloo train as one does, each on its own part of a step."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from commands import PRELOADED

from r1lite.learning import parallel
from r1lite.learning.policy import Policy
from r1lite.models.tiny import build_model, build_tokenizer
from r1lite.objective import Objective
from r1lite.settings.compose import configuration
from r1lite.types import Sample, Totals

SAMPLES = [Sample(prompt_ids=(1, 2), token_ids=tuple(range(3, 5 + i)), logprobs=(-3.0,) * (2 + i), advantage=0.5 - i / 3) for i in range(5)]

SHARES = (1.0, 0.4)  # of the tokens, those of highest entropy over all ranks


def trained(samples: list[Sample], share: float) -> dict[str, Any]:
    """Two steps, with an objective whose threshold and divisor are those of the whole step."""
    small = ["pretrain.hidden=32", "pretrain.layers=2", "pretrain.heads=2", "pretrain.intermediate=48"]
    cfg = configuration([*small, "rl.lr=0.01", "rl.micro_batch_tokens=16"])
    tokenizer = build_tokenizer()
    model: Any = build_model(cfg.pretrain, tokenizer, seed=0)
    policy = Policy(model, tokenizer, cfg.rl, total_steps=2, entropy_share=share)
    metrics = [policy.step(samples, Objective.preset("dapo")) for _ in range(2)]
    return {"metrics": metrics, "weights": {name: p.detach() for name, p in model.named_parameters()}}


def rank(number: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=number, world_size=2)
    assert parallel.sum_totals(Totals(tokens=number + 1, sequences=2)) == Totals(tokens=3, sequences=4)
    assert parallel.gather_values(torch.arange(number + 1.0)).tolist() == [0.0, 0.0, 1.0]
    torch.save({share: trained(SAMPLES[number::2], share) for share in SHARES}, f"{folder}/{number}.pt")
    dist.destroy_process_group()


def test_two_ranks_train_as_one(tmp_path: Path) -> None:
    multiprocessing.get_context("forkserver").set_forkserver_preload(PRELOADED)
    mp.start_processes(rank, args=(str(tmp_path),), nprocs=2, start_method="forkserver")
    ranks = [torch.load(tmp_path / f"{number}.pt", weights_only=True) for number in range(2)]
    for share in SHARES:
        alone, (first, second) = trained(SAMPLES, share), [saved[share] for saved in ranks]
        for name, weight in alone["weights"].items():
            assert torch.equal(first["weights"][name], second["weights"][name])
            torch.testing.assert_close(first["weights"][name], weight, rtol=1e-3, atol=1e-5)
        for mine, theirs in zip(alone["metrics"], first["metrics"], strict=True):
            assert mine.keys() == theirs.keys()
            for key in mine:
                torch.testing.assert_close(torch.tensor(mine[key]), torch.tensor(theirs[key]), rtol=1e-4, atol=1e-6, msg=key)


def test_one_process_exchanges_nothing() -> None:
    totals = Totals(tokens=3, sequences=1)
    assert parallel.world_size() == 1
    assert parallel.sum_totals(totals) is totals
    assert parallel.sum_metrics({"loss": 1.5}) == {"loss": 1.5}

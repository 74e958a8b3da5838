"""The contract of sampler=vllm_server, against a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from samplers import native
from vllm_here import PROBLEMS, disturbed, needs_vllm, off_by, rollouts
from vllm_servers import made, running

from r1lite.prompt import Prompter
from r1lite.sampling.vllm.client import Server
from r1lite.sampling.vllm.transfer import DiskTransfer
from r1lite.types import Problem

pytestmark = [needs_vllm, pytest.mark.slow]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("server")) as address:
        yield address


@pytest.mark.parametrize("filters", [(), ("sampler.top_p=0.7", "sampler.top_k=20")], ids=["unfiltered", "top-p and top-k"])
def test_kept_logprobs_are_the_models_at_the_sampling_temperature(url: str, config: Any, filters: tuple[str, ...]) -> None:
    model, sampler, _ = made(config, [url], "sampler.temperature=0.7", *filters)
    sampled = rollouts(sampler.sample(PROBLEMS, n=3, seed="s"))
    assert off_by(model, sampled, 0.7) < 1e-4
    assert [r.index for r in sampled] == [0, 1, 2] * len(PROBLEMS)
    assert len({r.token_ids for r in sampled if r.problem_id == "p0"}) == 3
    assert [r.token_ids for r in rollouts(sampler.sample(PROBLEMS[::-1], n=3, seed="s"))] == [r.token_ids for r in sampled]


def test_new_weights_are_sampled_from_also_behind_a_warm_cache(url: str, config: Any) -> None:
    model, sampler, _ = made(config, [url])
    before = rollouts(sampler.sample(PROBLEMS, n=2, seed="s"))
    disturbed(model, seed=1)
    sampler.load(model.named_parameters())
    after = rollouts(sampler.sample(PROBLEMS, n=2, seed="s"))
    assert off_by(model, before, 1.0) > 0.1
    assert off_by(model, after, 1.0) < 1e-4
    assert ({r.version for r in before}, {r.version for r in after}) == ({0}, {1})


def test_greedy_and_stop_strings_are_as_the_native_samplers(url: str, config: Any) -> None:
    model, sampler, tokenizer = made(config, [url])
    free = rollouts(sampler.sample(PROBLEMS, n=1, seed="", greedy=True))
    sampler.cfg.stop = [tokenizer.decode(free[0].token_ids[:4])]
    other = native(model, Prompter(tokenizer=tokenizer), sampler.cfg)
    ours, theirs = (rollouts(s.sample(PROBLEMS, n=1, seed="", greedy=True)) for s in (sampler, other))
    assert [(r.token_ids, r.text, r.finish) for r in ours] == [(r.token_ids, r.text, r.finish) for r in theirs]
    assert (ours[0].token_ids, ours[0].finish) == (free[0].token_ids[:4], "stop")


def test_an_update_that_a_killed_trainer_left_open_is_closed(url: str, config: Any) -> None:
    model, sampler, _ = made(config, [url])
    server = Server(url, 60.0)
    server.post("/pause?mode=wait")
    server.post("/start_weight_update")
    assert off_by(model, rollouts(sampler.sample(PROBLEMS, n=1, seed="s")), 1.0) < 1e-4


def test_a_server_that_lost_its_weights_is_given_them_again(url: str, config: Any, capsys: Any) -> None:
    model, sampler, _ = made(config, [url])
    sampling = sampler.sample(PROBLEMS * 8, n=1, seed="s")
    first = next(sampling)
    Server(url, 60.0).post("/update_weight_version", {"new_version": "default"})  # as after a restart
    groups = [first, *sampling]
    assert len(groups) == 8 * len(PROBLEMS)
    assert off_by(model, [r for g in groups for r in g.rollouts], 1.0) < 1e-4


def test_an_update_that_lacks_weights_is_refused(url: str, config: Any, tmp_path: Path) -> None:
    _, sampler, _ = made(config, [url])
    server = Server(url, 60.0)
    failed = DiskTransfer(tmp_path, 1.0).send([server], "part", lambda: {"model.norm.weight": torch.ones(128)})
    assert "/update_weights answers 500" in str(failed[server])
    assert len(rollouts(sampler.sample(PROBLEMS, n=1, seed="s"))) == 4  # all weights make it whole again


def test_a_prompt_that_does_not_fit_is_the_users_error(url: str, config: Any) -> None:
    _, sampler, _ = made(config, [url])
    with pytest.raises(ValueError, match=r"refuses the request.*maximum context length"):
        list(sampler.sample([Problem(id="huge", prompt="9" * 3000)], n=1, seed="s"))

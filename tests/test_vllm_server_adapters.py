"""Adapters that go over to sampler=vllm_server by themselves: against a real server, and against stand-ins that fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from vllm_here import PROBLEMS, adapted, disturbed_adapters, needs_vllm, off_by, rollouts, tiny
from vllm_servers import PAGE, StandIn, made, running, stand_ins

from r1lite.models import adapters
from r1lite.sampling.vllm.client import Server

MORE = ("VLLM_ALLOW_RUNTIME_LORA_UPDATING=True", "--enable-lora", "--max-lora-rank", "16")
RANK = "model.lora_rank=4"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("server"), *MORE) as address:
        yield address


@pytest.fixture
def stood_in() -> Iterator[Callable[..., tuple[StandIn, str]]]:
    with stand_ins() as start:
        yield start


def served(url: str) -> list[str]:
    """The adapters that a server knows."""
    return [model["id"] for model in Server(url, 60.0).fetch_json("/v1/models")["data"][1:]]


def test_the_page_says_how_to_start_a_server_for_adapters() -> None:
    assert f"`{MORE[0]}`" in PAGE.read_text()
    assert f"`{' '.join(MORE[1:])}`" in PAGE.read_text()


@needs_vllm
@pytest.mark.slow
def test_adapters_are_sampled_with_also_behind_a_warm_cache(url: str, config: Any, tmp_path: Path) -> None:
    model, sampler, _ = made(config, [url], RANK, "sampler.temperature=0.7", f"sampler.sync_folder={tmp_path}")
    for seed in (1, 2):
        before = rollouts(sampler.sample(PROBLEMS, n=2, seed="s"))
        disturbed_adapters(model, seed=seed)
        assert off_by(model, before, 0.7) > 0.05
        sampler.load(adapters.trainable_parameters(model))
        assert off_by(model, rollouts(sampler.sample(PROBLEMS, n=2, seed="s")), 0.7) < 1e-4
    assert served(url) == [f"{sampler.engine.fleet.newest.run}-2"]
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{sampler.engine.fleet.newest.run}-base-0.safetensors",
        f"{sampler.engine.fleet.newest.run}-2",
    }


@needs_vllm
@pytest.mark.slow
def test_a_server_that_served_others_is_given_the_weights_and_the_adapters_again(url: str, config: Any) -> None:
    model, sampler, _ = made(config, [url], RANK)
    other, another, _ = made(config, [url], RANK, "sampler.adapters=merged")
    disturbed_adapters(other, seed=8)
    for _ in range(2):
        assert off_by(model, rollouts(sampler.sample(PROBLEMS, n=1, seed="s")), 1.0) < 1e-4
        assert off_by(other, rollouts(another.sample(PROBLEMS, n=1, seed="s")), 1.0) < 1e-4


@needs_vllm
@pytest.mark.slow
def test_a_server_that_has_lost_the_adapters_refuses_requests_and_gets_them_again(url: str, config: Any, capsys: Any) -> None:
    model, sampler, _ = made(config, [url], RANK, "sampler.max_rows=1")
    sampling = sampler.sample(PROBLEMS, n=1, seed="s")
    first = next(sampling)
    Server(url, 60.0).post("/v1/unload_lora_adapter", {"lora_name": f"{sampler.engine.fleet.newest.run}-0"})
    assert off_by(model, rollouts([first, *sampling]), 1.0) < 1e-4
    assert "/v1/completions answers 404" in capsys.readouterr().out


@needs_vllm
@pytest.mark.slow
def test_adapters_that_the_server_was_not_started_for_are_merged(url: str, config: Any, capsys: Any) -> None:
    model, sampler, _ = made(config, [url], "model.lora_rank=32")
    sampler.load(adapters.trainable_parameters(model))
    assert off_by(model, rollouts(sampler.sample(PROBLEMS, n=1, seed="s")), 1.0) < 1e-4
    assert "LoRA rank 32 is greater than max_lora_rank 16" in capsys.readouterr().out


def test_the_weights_go_over_once_and_then_adapters_alone(stood_in: Any, config: Any) -> None:
    stand_in, url = stood_in()
    model, sampler, _ = made(config, [url], RANK)
    for version in (1, 2):
        disturbed_adapters(model, seed=version)
        sampler.load(adapters.trainable_parameters(model))
        (held,) = stand_in.adapters.items()
        assert held[0] == stand_in.weights == f"{sampler.engine.fleet.newest.run}-{version}"
        mine = {name.replace(".default.", "."): p for name, p in adapters.trainable_parameters(model)}
        assert held[1].keys() == mine.keys()
        assert all(torch.equal(held[1][name], p) for name, p in mine.items())
    plain = dict(tiny(config)[0].named_parameters())
    assert stand_in.held.keys() == plain.keys()
    assert all(torch.equal(stand_in.held[name], p) for name, p in plain.items())
    all_weights = [
        "/init_weight_transfer_engine", "/pause?mode=wait", "/start_weight_update", "/update_weights", "/finish_weight_update",
        "/reset_prefix_cache", "/resume",
    ]  # fmt: skip
    adapted_to = [
        "/pause?mode=wait", "/v1/unload_lora_adapter", "/v1/load_lora_adapter", "/update_weight_version", "/reset_prefix_cache", "/resume",
    ]  # fmt: skip
    assert stand_in.updates == [*all_weights, *adapted_to, *adapted_to]
    assert {r.version for r in rollouts(sampler.sample(PROBLEMS, n=1, seed="s"))} == {2}
    assert set(stand_in.named) == {f"{sampler.engine.fleet.newest.run}-2"}


def test_a_restarted_server_is_not_used_before_weights_and_adapters_are_there(stood_in: Any, config: Any) -> None:
    restarted, url = stood_in(restarts_after=3)
    model, sampler, _ = made(config, [url], RANK, "sampler.max_rows=1")
    sampler.load(adapters.trainable_parameters(model))
    began, given = len(restarted.updates), dict(restarted.adapters)
    version = {name: p.detach().clone() for name, p in adapters.trainable_parameters(model)}
    sampling = sampler.sample(PROBLEMS, n=4, seed="s")
    disturbed_adapters(model, seed=9)  # the trainer goes on meanwhile
    assert len(rollouts(sampling)) == 16
    again = restarted.updates[began:]
    assert again.index("/update_weights") < again.index("/v1/load_lora_adapter")
    assert again.count("/resume") == 2
    ((name, held),) = restarted.adapters.items()
    assert all(torch.equal(held[key], tensor) for key, tensor in given[name].items())
    assert all(torch.equal(held[key.replace(".default.", ".")], tensor) for key, tensor in version.items())
    assert restarted.asked == 16 + 1  # the third answer was refused, and nothing was asked before the adapters were back


def test_adapters_that_a_server_alone_has_lost_are_given_again(stood_in: Any, config: Any) -> None:
    stand_in, url = stood_in()
    _, sampler, _ = made(config, [url], RANK, "sampler.max_rows=1")
    sampling = sampler.sample(PROBLEMS, n=1, seed="s")
    groups = [next(sampling)]
    stand_in.adapters.clear()
    assert len(rollouts([*groups, *sampling])) == 4
    assert [stand_in.updates.count(path) for path in ("/update_weights", "/v1/load_lora_adapter")] == [1, 2]
    assert set(stand_in.named) == {f"{sampler.engine.fleet.newest.run}-0"}


@pytest.mark.parametrize("how", ["model.dora=true", "sampler.adapters=merged", ""], ids=["dora", "merged", "server"])
def test_adapters_that_cannot_or_shall_not_be_sent_are_merged(stood_in: Any, config: Any, capsys: Any, how: str) -> None:
    stand_in, url = stood_in(serves_adapters=bool(how))
    model, sampler, _ = made(config, [url], RANK, *([how] if how else []))
    for seed in (1, 2):
        disturbed_adapters(model, seed=seed)
        sampler.load(adapters.trainable_parameters(model))
        merged = dict(adapters.merged(model).named_parameters())
        assert stand_in.held.keys() == merged.keys()
        assert all(torch.equal(stand_in.held[name], p) for name, p in merged.items())
    list(sampler.sample(PROBLEMS, n=1, seed="s"))
    assert set(stand_in.named) == {""}
    said = capsys.readouterr().out
    assert said.count("Adapters are merged, and all weights are sent at every sync.") == (how != "sampler.adapters=merged")
    assert ("It may if started with VLLM_ALLOW_RUNTIME_LORA_UPDATING=True and --enable-lora --max-lora-rank 8." in said) == (not how)


def test_a_server_that_comes_back_without_adapters_is_given_those_of_the_sync_merged(stood_in: Any, config: Any) -> None:
    stand_in, url = stood_in()
    model, sampler, _ = made(config, [url], RANK)
    sampler.load(adapters.trainable_parameters(model))
    synced = {name: p.detach().clone() for name, p in adapters.merged(model).named_parameters()}
    stand_in.restart()
    stand_in.serves_adapters = False
    disturbed_adapters(model, seed=9)  # the trainer has gone on
    list(sampler.sample(PROBLEMS, n=1, seed="s"))
    assert all(torch.equal(stand_in.held[name], tensor) for name, tensor in synced.items())


def test_weights_that_are_given_under_the_adapters_go_over_too(stood_in: Any, config: Any) -> None:
    stand_in, url = stood_in()
    model, sampler, _ = made(config, [url], RANK)
    sampler.load(adapters.trainable_parameters(model))
    other = adapted(config)[0]
    with torch.no_grad():
        other.get_parameter("base_model.model.model.norm.weight").mul_(2)
    for given in (other.named_parameters(), adapters.trainable_parameters(model)):
        sampler.load(given)
        of = other if stand_in.updates.count("/update_weights") == 2 else model
        assert torch.equal(stand_in.held["model.norm.weight"], of.get_parameter("base_model.model.model.norm.weight"))
    assert stand_in.updates.count("/update_weights") == 3

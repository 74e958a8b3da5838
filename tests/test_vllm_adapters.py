"""Adapters that go over to sampler=vllm by themselves, against the real package."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from vllm_here import PROBLEMS, adapted, disturbed, disturbed_adapters, needs_vllm, off_by, rollouts, tiny

from r1lite.build import make_sampler
from r1lite.config import Config
from r1lite.models import adapters as lora
from r1lite.prompt import Prompter
from r1lite.sampling.rollouts import Sampler
from r1lite.sampling.vllm import adapters as sent_adapters
from r1lite.sampling.vllm.local import VllmEngine
from r1lite.sampling.vllm.runtime import explain_adapter_errors

SYNC = dict[str, int]  # bytes under each name


def made(model: Any, tokenizer: Any, cfg: Config) -> Sampler:
    sampler = make_sampler(model, Prompter(tokenizer=tokenizer), cfg)
    assert isinstance(sampler.engine, VllmEngine)
    return sampler


@pytest.fixture
def ready(config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Any, Sampler, list[SYNC]]]:
    """A model with adapters, its sampler, and what goes over at each sync. All share one engine."""

    def make(*overrides: str) -> tuple[Any, Sampler, list[SYNC]]:
        model, tokenizer, cfg = adapted(config, "sampler=vllm", *overrides)
        sampler, went = made(model, tokenizer, cfg), []
        load, adapt = sampler.engine.runtime.load, sampler.engine.runtime.load_adapters

        def loaded(weights: dict[str, torch.Tensor], temperature: float) -> None:
            went.append({name: tensor.nbytes for name, tensor in weights.items()})
            load(weights, temperature)

        def adapted_to(write: Callable[[Path], None]) -> None:
            adapt(write)
            with safe_open(Path(sampler.engine.runtime.adapters.lora_path) / "adapter_model.safetensors", "pt") as file:
                went.append({name: file.get_tensor(name).nbytes for name in file.keys()})  # noqa: SIM118

        monkeypatch.setattr(sampler.engine.runtime, "load", loaded)
        monkeypatch.setattr(sampler.engine.runtime, "load_adapters", adapted_to)
        return model, sampler, went

    return make


def right(model: Any, sampler: Sampler, temperature: float = 1.0) -> bool:
    return off_by(model, rollouts(sampler.sample(PROBLEMS, n=2, seed="s")), temperature) < 1e-4


@needs_vllm
@pytest.mark.slow
def test_the_weights_go_over_once_and_then_adapters_alone_also_behind_a_warm_cache(ready: Any, config: Any) -> None:
    model, sampler, went = ready("sampler.temperature=0.7")
    for seed in (1, 2, 3):
        before = rollouts(sampler.sample(PROBLEMS, n=2, seed="s"))
        disturbed_adapters(model, seed=seed)
        assert off_by(model, before, 0.7) > 0.05
        sampler.load(lora.trainable_parameters(model))
        assert right(model, sampler, 0.7)
    plain = {name for name, _ in tiny(config)[0].named_parameters()}
    assert [set(sync) == plain for sync in went] == [True, False, False, False, False]
    assert all(".lora_A." in name or ".lora_B." in name for sync in went[1:] for name in sync)
    trained = sum(p.nbytes for _, p in lora.trainable_parameters(model))
    assert [sum(sync.values()) for sync in went[1:]] == [trained] * 4
    assert sampler.engine.runtime.llm.llm_engine.list_loras() == {sampler.engine.runtime.adapters.lora_int_id}
    assert len(list(Path(sampler.engine.runtime.folder.name).glob("adapters-*"))) == 1


@needs_vllm
@pytest.mark.slow
def test_adapters_that_are_given_count_and_the_model_stays_as_it_is(ready: Any, config: Any) -> None:
    model, sampler, _ = ready()
    mine = {name: p.detach().clone() for name, p in model.named_parameters()}
    other = disturbed_adapters(adapted(config)[0], seed=5)
    sampler.load(lora.trainable_parameters(other))
    assert right(other, sampler)
    assert all(torch.equal(p, mine[name]) for name, p in model.named_parameters())


@needs_vllm
@pytest.mark.slow
def test_samplers_with_and_without_adapters_take_turns(ready: Any, config: Any) -> None:
    model, sampler, went = ready()
    plain, tokenizer, cfg = tiny(config, "sampler=vllm")
    other = made(disturbed(plain, seed=4), tokenizer, cfg)
    for _ in range(2):
        assert right(plain, other)
        assert right(model, sampler)
    assert len(went) == 2 * (1 + 2)  # the base is given again, once another's weights were there


@needs_vllm
@pytest.mark.slow
def test_weights_under_the_adapters_that_are_given_go_over_too(ready: Any, config: Any) -> None:
    model, sampler, went = ready()
    assert right(model, sampler)
    other = disturbed(adapted(config)[0], seed=6)
    sampler.load(other.named_parameters())
    assert right(other, sampler)
    sampler.load(lora.trainable_parameters(model))
    assert right(model, sampler)
    assert len(went) == 6


@needs_vllm
@pytest.mark.slow
@pytest.mark.parametrize("how", ["model.dora=true", "sampler.adapters=merged"])
def test_adapters_that_cannot_or_shall_not_be_sent_are_merged(ready: Any, capsys: Any, how: str) -> None:
    model, sampler, went = ready(how)
    sampler.load(lora.trainable_parameters(model))
    assert right(model, sampler)
    assert ["lora" in name for sync in went for name in sync].count(True) == 0
    assert ("vLLM does not support DoRA. Adapters are merged" in capsys.readouterr().out) == (how == "model.dora=true")


@needs_vllm
@pytest.mark.slow
@pytest.mark.parametrize(
    ("layer", "instead", "why"),
    [
        ("layers.1.self_attn.q_proj", "layers.1.self_attn.strange", "expected target modules"),
        ("layers.1.self_attn.q_proj", "layers.9.self_attn.o_proj", "it does not use those of model.layers.9.self_attn.o_proj"),
    ],
    ids=["refused", "passed over"],
)
def test_adapters_that_vllm_does_not_take_are_merged(
    ready: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any, layer: str, instead: str, why: str
) -> None:
    model, sampler, _ = ready()
    write = sent_adapters.write

    def misnamed(folder: Path, *parts: Any) -> None:
        write(folder, *parts)
        file = folder / "adapter_model.safetensors"
        save_file({name.replace(layer, instead): tensor for name, tensor in load_file(file).items()}, file)

    monkeypatch.setattr(sent_adapters, "write", misnamed)
    assert right(model, sampler)
    said = capsys.readouterr().out
    assert why in said
    assert said.count("Adapters are merged, and all weights are sent at every sync") == 1
    assert right(disturbed_adapters(model, seed=7), sampler) is False
    sampler.load(lora.trainable_parameters(model))
    assert right(model, sampler)
    assert "merged" not in capsys.readouterr().out


def test_what_is_trained_beside_adapters_is_not_left_out(config: Any) -> None:
    model, _, _ = adapted(config)
    mine, all_of_them = dict(lora.trainable_parameters(model)), dict(model.named_parameters())
    assert sent_adapters.base_changed(model, {}, mine) is False
    assert sent_adapters.base_changed(model, mine, all_of_them) is True
    assert sent_adapters.base_changed(model, all_of_them, mine) is True  # back to the model's own
    model.get_parameter("base_model.model.model.norm.weight").requires_grad_(True)
    assert sent_adapters.base_changed(model, {}, dict(lora.trainable_parameters(model))) is True
    with pytest.raises(AssertionError, match=r"model\.norm\.weight is trained beside the adapters but was not loaded"):
        sent_adapters.base_changed(model, {}, mine)


@pytest.mark.parametrize(("rank", "ready_for"), [(0, 0), (1, 1), (4, 8), (16, 16), (17, 32)])
def test_vllm_is_started_for_a_rank_that_it_knows(config: Any, rank: int, ready_for: int) -> None:
    model, _, cfg = tiny(config, f"model.lora_rank={rank}")
    assert sent_adapters.rank_to_send(lora.prepare(model, cfg.model, seed=0), cfg.sampler) == ready_for


def test_an_engine_that_does_not_start_for_adapters_says_what_would() -> None:
    with pytest.raises(ValueError, match=r"adapters of rank 8: no such layer\. Set sampler\.adapters=merged"), explain_adapter_errors(8):
        raise RuntimeError("no such layer\nand a long story")
    with pytest.raises(RuntimeError, match="no memory"), explain_adapter_errors(0):
        raise RuntimeError("no memory")

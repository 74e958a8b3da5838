"""Modules replaced in their parents: the same parameters under the same names, for peft, deepcopy and FSDP2 alike."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import Linear as LoraLinear
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module
from transformers import LlamaConfig, LlamaForCausalLM

import r1lite.models.cpu.linear
import r1lite.models.cpu.recompute
from r1lite.config import Config
from r1lite.models.cpu.linear import OneDnnLinear
from r1lite.models.cpu.recompute import GatedMLP, RMSNorm
from r1lite.models.pretrained import use_fast_layers
from r1lite.models.replace import replace_modules

IDS = torch.arange(30).view(3, 10)


@pytest.fixture(autouse=True)
def replaced_layers_take_their_own_way_at_every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(r1lite.models.cpu.linear, "SMALL", 0)
    monkeypatch.setattr(r1lite.models.cpu.recompute, "SMALL", 0)


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[Any]:
    if dist.is_initialized():  # vLLM in this process has a group of one rank
        yield init_device_mesh("cpu", (1,))
        return
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/meet", rank=0, world_size=1)
    yield init_device_mesh("cpu", (1,))
    dist.destroy_process_group()


def llama(bias: bool = False) -> Any:
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=50,
            hidden_size=24,
            intermediate_size=40,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            attention_bias=bias,
        )
    )


def fast(config: Callable[..., Config], bias: bool = False) -> Any:
    model = llama(bias)
    use_fast_layers(model, config().model)
    return model


def gradients(model: Any) -> dict[str, Tensor]:
    """Of each weight, after a pass over IDS; whole, where a rank holds a part."""
    model.zero_grad()
    model(input_ids=IDS, labels=IDS).loss.backward()
    grads = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    return {name: grad.full_tensor() if isinstance(grad, DTensor) else grad for name, grad in grads.items()}


@pytest.mark.parametrize("bias", [False, True])
def test_parameters_are_the_very_same_under_the_same_names(bias: bool, config: Callable[..., Config]) -> None:
    model = llama(bias)
    before, state = list(model.named_parameters()), list(model.state_dict())
    use_fast_layers(model, config().model)
    after = list(model.named_parameters())
    assert [name for name, _ in after] == [name for name, _ in before]
    assert all(new is old for (_, new), (_, old) in zip(after, before, strict=True))
    assert list(model.state_dict()) == state
    kinds = [type(m) for m in model.modules()]
    assert nn.Linear not in kinds
    assert (kinds.count(OneDnnLinear), kinds.count(GatedMLP), kinds.count(RMSNorm)) == (2 * 7 + 1, 2, 5)


def test_the_mode_of_a_module_is_kept(config: Callable[..., Config]) -> None:
    model = llama().eval()
    use_fast_layers(model, config().model)
    assert not any(m.training for m in model.modules())


def test_a_module_of_two_parents_stays_one() -> None:
    shared = nn.Linear(3, 3)
    model = nn.ModuleDict({"a": shared, "b": nn.Sequential(shared, nn.ReLU())})
    replace_modules(model, lambda m: OneDnnLinear(m) if type(m) is nn.Linear else None)
    assert isinstance(model["a"], OneDnnLinear)
    assert model["a"] is model["b"][0]  # pyright: ignore
    assert model["a"].weight is shared.weight


def test_a_deep_copy_shares_nothing_and_computes_the_same(config: Callable[..., Config]) -> None:
    model = fast(config)
    copied = copy.deepcopy(model)
    for one, other in zip(gradients(model).values(), gradients(copied).values(), strict=True):
        assert torch.equal(one, other)
    with torch.no_grad():
        for p in copied.parameters():
            p.zero_()
    assert all(bool(p.any()) for p in model.parameters())


def test_peft_adapts_the_same_layers_and_merges_to_the_same_weights(config: Callable[..., Config]) -> None:
    merged = []
    for model in (llama(), fast(config)):
        torch.manual_seed(1)
        adapted: Any = get_peft_model(model, LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False))
        assert [type(m) for m in adapted.modules()].count(LoraLinear) == 2 * 7
        merged.append(adapted.merge_and_unload().state_dict())
    assert list(merged[0]) == list(merged[1])
    assert all(torch.equal(merged[0][name], merged[1][name]) for name in merged[0])


def test_fsdp2_shards_replaced_modules_and_gives_the_same_gradients(config: Callable[..., Config], mesh: Any) -> None:
    expected, model = gradients(fast(config)), fast(config)
    for layer in model.model.layers:
        fully_shard(layer.mlp, mesh=mesh)
        fully_shard(layer.self_attn.q_proj, mesh=mesh)
        fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)
    assert all(isinstance(p, DTensor) for p in model.parameters())
    found = gradients(model)
    assert list(found) == list(expected)
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_tensor_parallel_weights_take_torchs_own_products(config: Callable[..., Config], mesh: Any) -> None:
    expected, model = gradients(fast(config)), fast(config)
    for layer in model.model.layers:
        plan: Any = {"gate_proj": ColwiseParallel(), "up_proj": ColwiseParallel(), "down_proj": RowwiseParallel()}
        parallelize_module(layer.mlp, mesh, plan)
    found = gradients(model)
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-4, atol=1e-6, msg=name)

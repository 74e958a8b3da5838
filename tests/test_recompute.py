"""Layers that keep less for the backward pass: transformers' own values and gradients, from fewer tensors."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM
from transformers.models.llama.modeling_llama import LlamaMLP, LlamaRMSNorm

import r1lite.models.cpu.recompute
from r1lite.config import Config
from r1lite.models.adapters import prepare
from r1lite.models.cpu.linear import use_onednn
from r1lite.models.cpu.recompute import GatedMLP, RMSNorm, use_recomputing_layers
from r1lite.models.pretrained import use_fast_layers

SMALL = {"vocab_size": 50, "hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 2, "head_dim": 12}
HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2}


@pytest.fixture(autouse=True)
def every_size_is_lean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(r1lite.models.cpu.recompute, "SMALL", 0)


def models() -> list[Any]:
    torch.manual_seed(0)
    made = [LlamaForCausalLM(LlamaConfig(**SMALL, **HEADS)), Qwen3ForCausalLM(Qwen3Config(**SMALL, **HEADS))]
    for model in made:
        for p in model.parameters():
            nn.init.normal_(p, std=0.3)  # norms' weights too: they begin as ones, which hides a factor that is left out
    return made


def outcome(model: Any, mask: Tensor | None = None) -> list[Tensor]:
    """Logits, and the gradient of every weight."""
    ids = torch.arange(30).view(3, 10)
    logits = model(input_ids=ids, attention_mask=mask).logits
    (logits * torch.linspace(-1, 1, logits.numel()).view_as(logits)).sum().backward()
    return [logits.detach(), *(p.grad for p in model.parameters() if p.grad is not None)]


def kept_by(model: Any) -> int:
    """Bytes of all that waits for the backward pass, weights aside."""
    sizes: dict[int, int] = {}
    own = {p.data_ptr() for p in model.parameters()}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        out = model(input_ids=torch.arange(30).view(3, 10)).logits
    assert out.requires_grad
    return sum(sizes.values())


@pytest.mark.parametrize("at", [0, 1], ids=["llama", "qwen3"])
def test_a_model_computes_what_it_computed_and_keeps_less(at: int, config: Callable[..., Config]) -> None:
    plain, lean = models()[at], models()[at]
    use_fast_layers(lean, config().model)
    assert {GatedMLP, RMSNorm} <= {type(module) for module in lean.modules()}
    assert lean.config._attn_implementation == "r1lite_grouped"
    holes = torch.ones(3, 10)
    holes[1, :4] = 0  # a mask, so that heads are shared by our own attention
    for mask in (None, holes):
        plain.zero_grad()
        lean.zero_grad()
        for one, other in zip(outcome(lean, mask), outcome(plain, mask), strict=True):
            assert torch.allclose(one, other, rtol=1e-4, atol=1e-4 * float(other.abs().max()))
    assert kept_by(lean) < 0.75 * kept_by(plain)


def test_gradients_are_those_of_finite_differences() -> None:
    torch.manual_seed(1)
    x, gate, up = (torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in ((5, 4), (6, 4), (6, 4)))
    down = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(r1lite.models.cpu.recompute._GatedFunction.apply, (x, gate, up, down))
    weight = torch.randn(4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, w: r1lite.models.cpu.recompute._NormFunction.apply(x, w, 1e-5), (x, weight))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_without_gradients_the_values_are_transformers_to_the_bit(dtype: torch.dtype) -> None:
    torch.manual_seed(2)
    x = torch.randn(7, 24).to(dtype)
    for module in (LlamaMLP(LlamaConfig(**SMALL, **HEADS)).to(dtype), LlamaRMSNorm(24).to(dtype)):
        with torch.no_grad():
            replaced = GatedMLP(module) if isinstance(module, LlamaMLP) else RMSNorm(module)
            assert torch.equal(replaced(x), module(x))


def test_what_is_frozen_gets_no_gradient_and_the_rest_gets_its_own() -> None:
    plain, lean = models()[0], models()[0]
    use_onednn(lean)
    use_recomputing_layers(lean)
    for model in (plain, lean):
        for name, p in model.named_parameters():
            p.requires_grad_("up_proj" in name or "layers.1.input_layernorm" in name)
    for one, other in zip(outcome(lean), outcome(plain), strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-4 * float(other.abs().max()))


def test_adapters_in_a_part_are_not_passed_by(config: Callable[..., Config]) -> None:
    settings = config("model.lora_rank=2").model
    plain, lean = models()[0], models()[0]
    use_recomputing_layers(lean)
    plain, lean = prepare(plain, settings, seed=0), prepare(lean, settings, seed=0)
    for model in (plain, lean):
        for name, p in model.named_parameters():
            if "lora_B" in name:
                nn.init.normal_(p, generator=torch.Generator().manual_seed(3))
    found = outcome(lean)
    assert len(found) > 2 * 2 * 7
    for one, other in zip(found, outcome(plain), strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-4 * float(other.abs().max()))


def test_a_saved_folder_is_transformers_own(config: Callable[..., Config], tmp_path: Path) -> None:
    lean = models()[0]
    use_fast_layers(lean, config().model)
    lean.save_pretrained(tmp_path)
    again = LlamaForCausalLM.from_pretrained(tmp_path)
    assert list(again.state_dict()) == list(lean.state_dict())
    assert again.config._attn_implementation == "sdpa"
    assert "r1lite" not in (tmp_path / "config.json").read_text()
    ids = torch.arange(30).view(3, 10)
    assert torch.allclose(again(input_ids=ids).logits, lean(input_ids=ids).logits, rtol=1e-4, atol=1e-3)

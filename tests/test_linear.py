"""Products through oneDNN: torch's own values and gradients, whatever the strides."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import r1lite.models.cpu.linear
from r1lite.models.cpu.linear import OneDnnLinear, product, transposed_product, use_onednn


def replaced(*layers: nn.Linear) -> Any:
    model = nn.Sequential(*layers)
    use_onednn(model)
    return model[0]


def gradients(layer: nn.Linear, x: Tensor) -> list[Tensor]:
    out = layer(x)
    weights = torch.arange(out.numel(), dtype=out.dtype).view(out.shape) / out.numel()
    return [out, *torch.autograd.grad((out * weights).sum(), [x, *layer.parameters()])]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(2, 65, 48), (130, 48), (1, 48)])
def test_a_layer_gives_torchs_values_and_gradients(shape: tuple[int, ...], bias: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(r1lite.models.cpu.linear, "SMALL", 0)
    assert r1lite.models.cpu.linear.AVAILABLE
    torch.manual_seed(0)
    layer = nn.Linear(48, 72, bias=bias)
    x = torch.randn(shape, requires_grad=True)
    expected = gradients(layer, x)
    through_onednn = replaced(layer)
    assert type(through_onednn) is OneDnnLinear
    for one, other in zip(gradients(through_onednn, x), expected, strict=True):
        assert torch.allclose(one, other, atol=2e-5)


def test_views_and_repeated_rows_multiply_as_they_are() -> None:
    torch.manual_seed(0)
    a, b = torch.randn(40, 30), torch.randn(40, 20)
    assert torch.allclose(transposed_product(a, b), a.T @ b, atol=1e-5)
    assert torch.allclose(product(a.T, b.T), a.T @ b, atol=1e-5)
    assert torch.allclose(product(a[:1].expand(7, -1), torch.ones(3, 30)), a[:1].expand(7, -1) @ torch.ones(30, 3), atol=1e-5)


def test_an_expanded_gradient_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(r1lite.models.cpu.linear, "SMALL", 0)
    layer = replaced(nn.Linear(8, 4))
    x = torch.randn(6, 8)
    layer(x).sum().backward()
    assert torch.allclose(layer.weight.grad, x.sum(0).expand(4, 8), atol=1e-5)


def test_other_precisions_go_torchs_way(model: Any) -> None:
    layer = replaced(nn.Linear(8, 4, dtype=torch.float64))
    assert type(layer) is nn.Linear
    use_onednn(model)
    assert all(type(m) is not nn.Linear for m in model.modules())

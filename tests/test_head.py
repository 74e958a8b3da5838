"""The output head in chunks: against log_softmax over whole logits, and finite differences in float64."""

import pytest
import torch
from torch import Tensor, nn

import r1lite.models.head
from r1lite.models.head import has_plain_head, head_log_probs

VOCABULARY, TOKENS, HIDDEN = 11, 7, 5


def parts(dtype: torch.dtype, bias: bool = True) -> tuple[nn.Linear, Tensor, Tensor]:
    torch.manual_seed(0)
    head = nn.Linear(HIDDEN, VOCABULARY, bias=bias, dtype=dtype)
    return head, torch.randn(TOKENS, HIDDEN, dtype=dtype, requires_grad=True), torch.randint(0, VOCABULARY, (TOKENS,))


def plainly(head: nn.Linear, states: Tensor, tokens: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    logprobs = torch.log_softmax(head(states) / temperature, -1)
    return logprobs.gather(1, tokens[:, None]).squeeze(1), -(logprobs.exp() * logprobs).sum(-1)


@pytest.mark.parametrize("chunk", [1, 2, 99])
@pytest.mark.parametrize("kept", [0, 3, 99])
def test_chunks_and_what_is_kept_change_nothing(chunk: int, kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(r1lite.models.head, "CHUNK_BYTES", chunk * VOCABULARY * 8)
    monkeypatch.setattr(r1lite.models.head, "KEPT_BYTES", kept * VOCABULARY * 8)
    monkeypatch.setattr(r1lite.models.head, "BLOCK_BYTES", 2 * VOCABULARY * 8)
    head, states, tokens = parts(torch.float64)
    weights = torch.linspace(-1, 1, TOKENS, dtype=torch.float64)

    def gradients(logp: Tensor, entropy: Tensor) -> list[Tensor]:
        assert head.bias is not None
        return list(torch.autograd.grad((logp * weights).sum() + (entropy * weights.flip(0)).sum(), [states, head.weight, head.bias]))

    found = head_log_probs(head, states, tokens, 0.7, entropy_grad=True)
    expected = plainly(head, states, tokens, 0.7)
    for one, other in zip([*found, *gradients(*found)], [*expected, *gradients(*expected)], strict=True):
        assert torch.allclose(one, other, atol=1e-12)


@pytest.mark.parametrize("entropy_grad", [True, False])
def test_gradients_are_those_of_finite_differences(entropy_grad: bool) -> None:
    head, states, tokens = parts(torch.float64, bias=False)

    def both(states: Tensor, weight: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        logp, entropy = r1lite.models.head._HeadFunction.apply(states, weight, None, tokens, 1.0, entropy_grad)  # pyright: ignore
        return (logp, entropy) if entropy_grad else logp

    assert torch.autograd.gradcheck(both, (states, head.weight))


def test_an_entropy_that_is_only_watched_has_no_gradient() -> None:
    head, states, tokens = parts(torch.float32)
    logp, entropy = head_log_probs(head, states, tokens, 1.0, entropy_grad=False)
    assert logp.requires_grad
    assert not entropy.requires_grad


def test_bfloat16_states_give_float32_log_probs() -> None:
    head, states, tokens = parts(torch.bfloat16)
    logp, entropy = head_log_probs(head, states, tokens, 1.0, entropy_grad=False)
    expected, _ = plainly(head.float(), states.float(), tokens, 1.0)
    assert (logp.dtype, entropy.dtype) == (torch.float32, torch.float32)
    assert torch.allclose(logp, expected, atol=0.03)


def test_a_frozen_head_gets_no_gradient_and_its_states_do() -> None:
    head, states, tokens = parts(torch.float64)
    head.requires_grad_(False)
    head_log_probs(head, states, tokens, 1.0, entropy_grad=False)[0].sum().backward()
    own = states.grad
    states.grad = None
    plainly(head, states, tokens, 1.0)[0].sum().backward()
    assert own is not None
    assert states.grad is not None
    assert torch.allclose(own, states.grad)


def test_a_head_that_is_followed_by_something_is_not_plain(model: nn.Module) -> None:
    assert has_plain_head(model)
    model.config.logit_scale = 2.0  # pyright: ignore
    assert not has_plain_head(model)

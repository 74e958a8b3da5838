"""What torch passes to an autograd function as `ctx`, which torch itself does not type."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class Context(Protocol):
    needs_input_grad: tuple[bool, ...]

    @property
    def saved_tensors(self) -> tuple[Tensor, ...]: ...

    def save_for_backward(self, *tensors: Tensor | None) -> None: ...

    def set_materialize_grads(self, value: bool) -> None: ...

    def mark_non_differentiable(self, *tensors: Tensor) -> None: ...

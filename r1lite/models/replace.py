"""Replacing modules of a model by others that hold the same parameters."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn


def replace_modules(model: nn.Module, replacement: Callable[[nn.Module], nn.Module | None]) -> None:
    """Put `replacement(module)` in the place of every submodule, except where it is None.

    Names in the state dict stay as they are. A module with several parents is replaced by one module.
    """
    replacements = {module: replacement(module) for module in model.modules() if module is not model}
    for name, module in list(model.named_modules(remove_duplicate=False)):
        new = replacements.get(module)
        if new is not None:
            model.set_submodule(name, new)

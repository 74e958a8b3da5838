"""Callable modules: `r1lite.train(...)` works beside `python -m r1lite.train` and `from r1lite.train import train`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any


def make_callable(name: str, function: Callable[..., Any]) -> None:
    """Make a module callable, by a module class with `__call__`, which is the function.

    The package cannot bind the name to the function itself: importing the module would replace it by the module.
    """

    class CallableModule(ModuleType):
        __call__ = staticmethod(function)

    sys.modules[name].__class__ = CallableModule

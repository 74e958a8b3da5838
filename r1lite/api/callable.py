"""Modules that can be called: `r1lite.train(...)` beside `python -m r1lite.train` and `from r1lite.train import train`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any


def make_callable(name: str, function: Callable[..., Any]) -> None:
    """Give a module a class of its own, as the language reference describes it, whose call is the function.

    The function cannot take the module's name in the package: importing the module would put the module back there.
    """

    class CallableModule(ModuleType):
        __call__ = staticmethod(function)

    sys.modules[name].__class__ = CallableModule

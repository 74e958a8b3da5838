"""r1lite trains small reasoning models with verifiable rewards.

In Python: r1lite.train(...), r1lite.score(...), r1lite.evaluate(...), r1lite.open_run(folder).
"""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from r1lite.api.evaluate import evaluate
    from r1lite.api.reader import RunReader, open_run
    from r1lite.api.score import score
    from r1lite.api.train import train

__version__ = "0.1.0"
__all__ = ["RunReader", "__version__", "evaluate", "open_run", "score", "train"]

HOME = Path(__file__).resolve().parent.parent
ROOMS = ("rewards", "tasks", "sandbox")


def _guard_names() -> None:
    """Refuse to start where a user's own `tasks.py` (say), or another package's, would be imported instead of ours."""
    for name in ROOMS:
        spec = find_spec(name)
        found = Path(spec.origin).resolve() if spec and spec.origin else None
        if found is None:
            raise ImportError(f"r1lite needs its package {name!r} beside {HOME / 'r1lite'}, which is missing. Reinstall r1lite.")
        if found != HOME / name / "__init__.py":
            raise ImportError(
                f"the name {name!r} resolves to {found}, which is not r1lite's ({HOME / name}). "
                f"Rename that file, or start r1lite from another directory."
            )
        if "r1lite" not in found.read_text(encoding="utf-8"):  # installers silently overwrite files of the same name
            raise ImportError(
                f"{found} belongs to another installed package that is also called {name!r}. "
                f"Remove that package and reinstall r1lite, or give r1lite a virtual environment of its own."
            )


_guard_names()

# The module of each public name, imported on first use. `train` and `score` are modules that can be called (api/callable.py).
_OFFERED = {
    "train": "r1lite.train",
    "score": "r1lite.score",
    "evaluate": "r1lite.api.evaluate",
    "open_run": "r1lite.api.reader",
    "RunReader": "r1lite.api.reader",
}


if not TYPE_CHECKING:  # a type checker would accept any name

    def __getattr__(name: str) -> Any:
        if name not in _OFFERED:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = import_module(_OFFERED[name])
        return module if module.__name__ == f"{__name__}.{name}" else getattr(module, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_OFFERED})

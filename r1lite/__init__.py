"""r1lite trains small reasoning models with rewards that a rule can check."""

from importlib.util import find_spec
from pathlib import Path

__version__ = "0.1.0"

HOME = Path(__file__).resolve().parent.parent
ROOMS = ("rewards", "tasks", "sandbox")


def _guard_names() -> None:
    """Refuse to start where a user's own `tasks.py` (say), or another package's, would be imported instead of ours."""
    for name in ROOMS:
        spec = find_spec(name)
        found = Path(spec.origin).resolve() if spec and spec.origin else None
        if found is None:
            raise ImportError(f"r1lite needs its package {name!r} beside {HOME / 'r1lite'}, and it is not there. Reinstall r1lite.")
        if found != HOME / name / "__init__.py":
            raise ImportError(
                f"the name {name!r} resolves to {found}, which is not r1lite's ({HOME / name}). "
                f"Rename that file, or start r1lite from another directory."
            )
        if "r1lite" not in found.read_text(encoding="utf-8"):  # installers overwrite files of the same name without a word
            raise ImportError(
                f"{found} belongs to another installed package that is called {name!r} as well. "
                f"Remove that package and reinstall r1lite, or give r1lite a virtual environment of its own."
            )


_guard_names()

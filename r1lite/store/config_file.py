"""config.yaml of a run directory. Paths inside the directory are stored relative to it, so that the directory can be moved."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from r1lite.store.files import atomic

CONFIG = "config.yaml"
INSIDE = "${run_dir}/"  # begins a stored path inside the run directory


def write_config(folder: Path, tree: Mapping[str, Any]) -> None:
    from omegaconf import OmegaConf

    # Through JSON, so that tuples and lists compare equal when the file is read again.
    text = OmegaConf.to_yaml(OmegaConf.create(json.loads(json.dumps(portable(tree, folder)))))
    with atomic(folder / CONFIG) as part:
        part.write_text(text)


def read_config(folder: Path) -> dict[str, Any]:
    from omegaconf import OmegaConf

    return located(OmegaConf.to_container(OmegaConf.load(folder / CONFIG)), folder)


def portable(tree: Any, folder: Path) -> Any:
    """The tree with absolute paths inside the folder, as keys or values, written relative to it."""
    start = f"{folder.resolve()}/"
    return _mapped(tree, lambda text: INSIDE + text.removeprefix(start) if text.startswith(start) else text)


def located(tree: Any, folder: Path) -> Any:
    """The inverse of `portable`, for the place where the folder is now."""
    start = f"{folder.resolve()}/"
    return _mapped(tree, lambda text: start + text.removeprefix(INSIDE) if text.startswith(INSIDE) else text)


def _mapped(tree: Any, change: Callable[[str], str]) -> Any:
    if isinstance(tree, Mapping):
        return {_mapped(key, change): _mapped(value, change) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_mapped(value, change) for value in tree]
    return change(tree) if isinstance(tree, str) else tree

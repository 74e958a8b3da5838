"""Atomic writes: a file or folder is written completely, or not at all."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MIN_FREE_BYTES = 2**20  # with less free space, any failed write is taken for a full disk


def make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise ValueError(f"{path} cannot be a folder: {error.filename} is a file") from error


def from_here(path: Path) -> str:
    """The path as messages show it: relative, if it is in the working directory."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary path for a file or folder. It is renamed to `path` once everything is written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    remove(part)
    try:
        yield part
        _flush_to_disk(part)
        _replace(part, path)
    except Exception as error:
        full = _disk_is_full(error, path.parent)
        remove(part)
        if full:
            raise DiskFull(
                f"the disk is full: {path} could not be written; its earlier version, if any, is unchanged. "
                f"Free some space, then run the same command again."
            ) from error
        raise
    except BaseException:
        remove(part)
        raise


class DiskFull(ValueError):
    """A file could not be written because the disk is full."""


def write_json(path: Path, value: Any) -> None:
    with atomic(path) as part:
        part.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def remove(path: Path) -> None:
    """Remove a file, a link or a folder, if it exists. Links are not followed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _disk_is_full(error: Exception, folder: Path) -> bool:
    # torch and safetensors raise errors of their own, without an errno.
    return getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or shutil.disk_usage(folder).free < MIN_FREE_BYTES


def _flush_to_disk(path: Path) -> None:
    """Without this, the rename may reach the disk before the data, and a power failure would leave an empty file."""
    for file in [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]:
        with file.open("rb") as handle:
            os.fsync(handle.fileno())


def _replace(part: Path, path: Path) -> None:
    if path.is_dir():
        old = path.with_name(f".{path.name}.old")
        remove(old)
        path.rename(old)
        part.rename(path)
        remove(old)
    else:
        part.replace(path)

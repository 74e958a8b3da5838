"""Writing files so that they are whole or not there."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LEAST_ROOM = 2**20  # bytes; with less than that left, whatever failed to be written failed for it


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A path to write to; it takes the real name only once everything is written. Works for files and for folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    remove(part)
    try:
        yield part
        _flush(part)
        _replace(part, path)
    except Exception as error:
        full = _no_room(error, path.parent)
        remove(part)
        if full:
            raise DiskFull(
                f"the disk is full: {path} could not be written, and what was there before is untouched. "
                f"Make room and run the same command again."
            ) from error
        raise
    except BaseException:
        remove(part)
        raise


class DiskFull(ValueError):
    """No room for a file that must not be lost."""


def write_json(path: Path, value: Any) -> None:
    with atomic(path) as part:
        part.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _no_room(error: Exception, folder: Path) -> bool:
    # torch and safetensors report a full disk as errors of their own, without an errno.
    return getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or shutil.disk_usage(folder).free < LEAST_ROOM


def _flush(path: Path) -> None:
    """A rename may reach the disk before the data does; then a power cut would leave an empty file of the right name."""
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

"""Tensors in safetensors files, written by all ranks together, each its parts, and read by any number of ranks.

One rank writes a plain file. Several write in torch's distributed format, of which the plain file is a special case, so that one
reader serves both. Reading is in place. Every file has a checksum.
"""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from r1lite.parallel import exchange, share, world
from r1lite.store.files import atomic, read_json, write_json

if TYPE_CHECKING:
    from torch import Tensor

ABOUT = "about.json"
ENDING = ".safetensors"
FILE_BYTES = 512 * 2**20  # in a file of several ranks, since torch assembles a file in memory
BLOCK_BYTES = 2**22  # read at once for a checksum

Tensors = Mapping[str, "Tensor"]


def save_folder(folder: Path, tensors: Tensors, about: Mapping[str, Any] | None = None) -> None:
    """Write the tensors, and a few values, into a folder that exists only once all of it is written. All ranks must call it."""
    with ExitStack() as stack:  # the leader's: it makes the folder, and gives it its name when all have written
        part = exchange.on_leader(lambda: _begun(stack, folder))
        _write(part, tensors)
        own = [(path.name, checksum(path)) for _, path in share.every_nth(sorted(part.glob(f"*{ENDING}")))]
        files = dict(exchange.gather_flat(own))
        exchange.leader_writes(lambda: write_json(part / ABOUT, {**(about or {}), "files": files}))
    exchange.wait_for_leader()


def load_folder(folder: Path, tensors: Tensors) -> None:
    """Fill the tensors from a folder. ValueError if a file is damaged, or if it holds others. All ranks must call it."""
    from torch.distributed import checkpoint

    expected = share.every_nth(sorted(read_about(folder)["files"].items()))
    damaged = exchange.gather_flat([name for _, (name, value) in expected if checksum(folder / name) != value])
    if damaged:
        raise ValueError(f"{folder / damaged[0]} is damaged: it is not what was written. Delete {folder} to resume from the one before.")
    reader = checkpoint.HuggingFaceStorageReader(str(folder))
    _refuse_others(folder, tensors, reader.read_metadata().state_dict_metadata)
    alone = world.size() == 1
    targets = {name: tensor.detach() for name, tensor in tensors.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that there are no other ranks
        checkpoint.load(targets, storage_reader=reader, process_group=None if alone else world.group(), no_dist=alone)


def read_about(folder: Path) -> Any:
    if not (folder / ABOUT).is_file():
        raise ValueError(f"{folder} was written by another version of r1lite. Delete {folder.parent.parent} to repeat that stage.")
    return read_json(folder / ABOUT)


def _begun(stack: ExitStack, folder: Path) -> Path:
    part = stack.enter_context(atomic(folder))
    part.mkdir(parents=True)
    return part


def _write(folder: Path, tensors: Tensors) -> None:
    if world.size() == 1:
        from safetensors.torch import save_file

        save_file({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, folder / f"tensors{ENDING}")
        return
    from torch.distributed import checkpoint

    writer = checkpoint.HuggingFaceStorageWriter(str(folder), _files_for(tensors), save_distributed=True)
    checkpoint.save({name: tensor.detach() for name, tensor in tensors.items()}, storage_writer=writer, process_group=world.group())


def checksum(path: Path) -> int:
    value = 0
    if not path.is_file():
        return -1
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            value = zlib.crc32(block, value)
    return value


def _refuse_others(folder: Path, tensors: Tensors, saved: Mapping[str, Any]) -> None:
    differing = tensors.keys() ^ saved.keys() or {name for name, tensor in tensors.items() if tensor.shape != saved[name].size}
    if differing:
        raise ValueError(f"{folder} holds another model: {_listed(differing)}")


def _listed(names: Iterable[str]) -> str:
    first = sorted(names)
    return ", ".join(first[:3]) + (" ..." if len(first) > 3 else "")


def _files_for(tensors: Tensors) -> dict[str, int]:
    """The number of the file that each tensor goes to."""
    files: dict[str, int] = {}
    number, size = 1, 0
    for name, tensor in tensors.items():
        own = tensor.numel() * tensor.element_size() // world.size()
        if size and size + own > FILE_BYTES:
            number, size = number + 1, 0
        files[name], size = number, size + own
    return files

"""Whether the ranks of a run fit together: settings, versions, files, the run directory, GPUs. All ranks find the same error."""

from __future__ import annotations

import secrets
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from platform import python_version

from r1lite.config import Config
from r1lite.parallel import exchange, world
from r1lite.settings.resume import flat, sources
from r1lite.store.files import make_folder

OWN = ("run_dir", "processes")  # settings that may differ: the leader's run_dir counts
PACKAGES = ("r1lite", "torch", "transformers")
SEEN_SECONDS = 10.0  # after which a file that the leader wrote must be seen on a shared folder


def check_ranks(cfg: Config) -> None:
    """ValueError if the ranks differ where they must not. Collective."""
    if world.size() == 1:
        return
    _same("settings", {key: repr(value) for key, value in flat(asdict(cfg)).items() if key not in OWN})
    _same("versions", {"python": python_version(), **{name: version(name) for name in PACKAGES}})
    _same("files", sources(cfg))
    _enough_gpus(cfg.model.device)
    _same_folder(Path(cfg.run_dir).expanduser())


def _same(what: str, mine: dict[str, str]) -> None:
    first, *others = exchange.gather(mine)
    for number, theirs in enumerate(others, start=1):
        differing = [key for key in sorted({*first, *theirs}) if first.get(key) != theirs.get(key)]
        if differing:
            lines = "\n".join(f"  {key}: {first.get(key, 'none')} there, {theirs.get(key, 'none')} here" for key in differing[:5])
            raise ValueError(
                f"{world.place_of(number)} has other {what} than {world.place_of(0)}:\n{lines}\n"
                "Start all ranks with the same command and the same files."
            )


def _enough_gpus(device: str) -> None:
    import torch

    count = torch.cuda.device_count()
    lacking = world.local_size() > count > 0 and device in ("auto", "cuda")
    for number, is_lacking in enumerate(exchange.gather(lacking)):
        if is_lacking:
            raise ValueError(
                f"{world.place_of(number)} has more ranks than GPUs ({count}), and each rank needs one of its own: "
                "start as many ranks as there are GPUs (processes=auto does), or set model.device=cpu"
            )


def _same_folder(folder: Path) -> None:
    """All ranks must see the run directory: they read there what the leader writes."""

    def mark() -> str:
        make_folder(folder)
        name = f".seen-{secrets.token_hex(8)}"
        (folder / name).touch()
        return name

    name = exchange.on_leader(mark)
    deadline = time.monotonic() + SEEN_SECONDS
    while not (seen := (folder / name).exists()) and time.monotonic() < deadline:
        time.sleep(0.2)
    blind = [number for number, sees in enumerate(exchange.gather(seen)) if not sees]
    exchange.on_leader(lambda: (folder / name).unlink())
    if blind:
        raise ValueError(
            f"{world.place_of(blind[0])} does not see the run directory {folder} of {world.place_of(0)}: "
            "ranks on several machines need a shared folder, at the same path, as run_dir"
        )

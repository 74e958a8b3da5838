"""The weights that all servers of a run should have, and their names there."""

from __future__ import annotations

import uuid
import weakref
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from torch import Tensor

from r1lite.config import SamplerConfig
from r1lite.models.adapters import is_adapter
from r1lite.parallel import exchange, world
from r1lite.sampling.vllm import adapters
from r1lite.sampling.vllm.weights import all_weights, base_weights
from r1lite.store.files import remove

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Newest:
    """The newest weights. Each update has a new name, by which a server that was restarted is noticed."""

    def __init__(self, model: PreTrainedModel, cfg: SamplerConfig) -> None:
        self.model = model
        self.temporary = None if cfg.sync_folder else TemporaryDirectory(prefix="r1lite-weights-")
        self.folder = Path(self.temporary.name if self.temporary else cfg.sync_folder).expanduser().resolve()
        self.rank = adapters.rank_to_send(model, cfg)  # of adapters; 0 sends all weights, with adapters merged
        # Part of all names, since servers may have weights of another trainer. All ranks use the same servers.
        self.run = exchange.on_leader(lambda: uuid.uuid4().hex[:12])
        self.loaded: dict[str, Tensor] = {}
        self.version = self.base_version = 0
        weakref.finalize(self, _remove_all, self.folder, f"{self.run}-*")  # a run makes a sampler for every stage and evaluation

    def load(self, weights: Iterable[tuple[str, Tensor]]) -> dict[str, Tensor]:
        """Take new weights, and return those before. Weights that are not among them, such as frozen ones, are the model's own.

        The leader keeps them. The other ranks only go through them, since each part may have to be gathered; what was gathered
        goes to the CPU's memory, tensor by tensor, as a GPU may not have room for all.
        """
        gathered = world.shard() > 1
        before, self.loaded = self.loaded, {name: tensor.cpu() if gathered else tensor for name, tensor in weights if world.is_leader()}
        self.version += 1
        return before

    def prepare(self, before: dict[str, Tensor]) -> None:
        """Decide what of the loaded weights must be sent again: the adapters alone, or those under them too."""
        if self.rank:
            self.base_version += adapters.base_changed(self.model, before, self.loaded)
            # Copy the adapters, which are small: a server that returns later can get them while training continues.
            self.loaded = {name: tensor.detach().clone() if is_adapter(name) else tensor for name, tensor in self.loaded.items()}

    def remove_older(self) -> None:
        for path in self.folder.glob(f"{self.run}-*"):
            if path.stem not in (self.name, self.base_name):
                remove(path)

    def whole(self) -> dict[str, Tensor]:
        return all_weights(self.model, self.loaded)

    def base(self) -> dict[str, Tensor]:
        return base_weights(self.model, self.loaded)

    def adapters_folder(self) -> Path:
        folder = self.folder / self.name
        if not folder.exists():
            adapters.write(folder, self.model, self.loaded)
        return folder

    @property
    def name(self) -> str:
        """The servers' name for the newest weights or adapters."""
        return f"{self.run}-{self.version}"

    @property
    def base_name(self) -> str:
        """The servers' name for the newest weights under adapters, while no adapters are loaded."""
        return f"{self.run}-base-{self.base_version}"


def _remove_all(folder: Path, pattern: str) -> None:
    for path in folder.glob(pattern):
        remove(path)

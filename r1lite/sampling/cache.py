"""A key-value cache with a preallocated, growable buffer whose rows can leave and join."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import Cache, DynamicCache
from transformers.cache_utils import CacheLayerMixin

CHUNK = 64  # positions the buffer grows by


class SlotLayer(CacheLayerMixin):
    """Keys and values of one layer, [rows, heads, positions, head_dim]; each row writes at its own position."""

    is_sliding = False

    def __init__(self, cache: SlotCache, keys: Tensor, values: Tensor) -> None:
        super().__init__()
        self.cache = cache
        self.k, self.v = keys, values
        self.is_initialized = True

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """The buffers come from a prefill."""

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        rows, at, width = self.cache.rows, self.cache.lengths, self.cache.width
        self.k[rows, :, at] = key_states[:, :, 0]
        self.v[rows, :, at] = value_states[:, :, 0]
        return self.k[:, :, :width], self.v[:, :, :width]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.cache.width, 0

    def get_seq_length(self) -> int:
        return self.cache.width - 1

    def get_max_length(self) -> int:
        return -1


class SlotCache(Cache):
    """The cache of all layers. `lengths` says how many positions of each row are filled."""

    layers: list[SlotLayer]  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self, prefilled: DynamicCache, lengths: Tensor, copies: int) -> None:
        """From a prefill of P prompts (padded on the right), `copies` rows for each."""
        self.lengths = lengths.repeat_interleave(copies)
        self.rows = torch.arange(len(self.lengths), device=lengths.device)
        held: list[Any] = list(prefilled.layers)
        copied = [(layer.keys.repeat_interleave(copies, 0), layer.values.repeat_interleave(copies, 0)) for layer in held]
        super().__init__(layers=[SlotLayer(self, keys, values) for keys, values in copied])
        self._reserve(int(lengths.max()) + CHUNK)

    @property
    def width(self) -> int:
        """Positions that attention looks at in a decoding step, the new token's included."""
        return self._longest + 1

    def before_step(self) -> Tensor:
        """Make room for one token a row; give the attention mask [rows, 1, 1, width] of the step."""
        self._longest = int(self.lengths.max())
        if self.width > self.layers[0].k.shape[2]:
            self._reserve(self.width + CHUNK)
        positions = torch.arange(self.width, device=self.lengths.device)
        return (positions <= self.lengths[:, None])[:, None, None, :]

    def after_step(self) -> None:
        self.lengths += 1

    def keep(self, rows: Tensor) -> None:
        """Drop every other row, and the positions that only they needed."""
        self.lengths = self.lengths[rows]
        self.rows = torch.arange(len(rows), device=rows.device)
        for layer in self.layers:
            layer.k, layer.v = layer.k[rows], layer.v[rows]

    def join(self, other: SlotCache) -> None:
        """Take in the rows of another cache."""
        room = max(self.layers[0].k.shape[2], other.layers[0].k.shape[2])
        self._reserve(room)
        other._reserve(room)
        self.lengths = torch.cat([self.lengths, other.lengths])
        self.rows = torch.arange(len(self.lengths), device=self.lengths.device)
        for mine, theirs in zip(self.layers, other.layers, strict=True):
            mine.k = torch.cat([mine.k, theirs.k])
            mine.v = torch.cat([mine.v, theirs.v])

    def _reserve(self, positions: int) -> None:
        for layer in self.layers:
            layer.k, layer.v = (_grown(t, positions) for t in (layer.k, layer.v))


def _grown(buffer: Tensor, positions: int) -> Tensor:
    missing = positions - buffer.shape[2]
    return torch.nn.functional.pad(buffer, (0, 0, 0, missing)) if missing > 0 else buffer

"""A key-value cache of slots: one for each row in flight, filled from a prefill, taken over by another row when it is free."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from transformers import Cache, DynamicCache
from transformers.cache_utils import CacheLayerMixin

CHUNK = 256  # positions the buffers grow by, at least: new memory costs more than five steps


class SlotLayer(CacheLayerMixin):
    """Keys and values of one layer, [slots, heads, positions, head_dim]; each row writes at its own position.

    On the CPU a key's entries lie apart and those of neighbouring positions together: so the scores of one query are
    read in order.
    """

    is_sliding = False

    def __init__(self, cache: SlotCache, keys: Tensor, values: Tensor) -> None:
        super().__init__()
        self.cache = weakref.proxy(cache)  # not in a circle: all of this memory has to be free as soon as sampling is done
        self.k, self.v = keys, values
        self.is_initialized = True

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """The buffers come from a prefill."""

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        rows, at, width = self.cache.rows, self.cache.lengths, self.cache.width
        self.k[rows, :, at] = key_states[:, :, 0]
        self.v[rows, :, at] = value_states[:, :, 0]
        return self.k[: len(rows), :, :width], self.v[: len(rows), :, :width]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.cache.width, 0

    def get_seq_length(self) -> int:
        return self.cache.width - 1

    def get_max_length(self) -> int:
        return -1


class SlotCache(Cache):
    """The cache of all layers. `lengths` says how many positions of each row are filled; rows are the first slots."""

    layers: list[SlotLayer]  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self, prefilled: DynamicCache, lengths: Tensor, copies: int, *, most: int) -> None:
        """From a prefill of P prompts (padded on the right), `copies` rows for each, of `most` positions in the end."""
        held: list[Any] = list(prefilled.layers)
        empty = [(layer.keys[:0], layer.values[:0]) for layer in held]
        super().__init__(layers=[SlotLayer(self, keys, values) for keys, values in empty])
        self.most = most
        self.lengths = lengths[:0]
        self.rows = torch.arange(0, device=lengths.device)
        self.join(prefilled, lengths, copies)

    @property
    def slots(self) -> int:
        return len(self.layers[0].k)

    @property
    def positions(self) -> int:
        return self.layers[0].k.shape[2]

    @property
    def width(self) -> int:
        """Positions that attention looks at in a decoding step, the new token's included."""
        return self._longest + 1

    def is_full(self) -> bool:
        """Whether some row has as many positions as rows were said to need in the end."""
        return int(self.lengths.max()) >= self.most

    def before_step(self) -> None:
        """Make room for one token a row."""
        self._longest = int(self.lengths.max())
        if self.width > self.positions:
            self._reserve(self.slots, max(self.width, min(self.most, max(self.width + CHUNK, self.positions * 5 // 4))))

    def reserve_all(self) -> None:
        """Room for every row to the end."""
        self._reserve(self.slots, max(self.width, self.most))

    def memory(self) -> tuple[int, ...]:
        """Where it lies, and how."""
        return self.slots, self.positions, *(buffer.data_ptr() for layer in self.layers for buffer in (layer.k, layer.v))

    def mask(self, dtype: torch.dtype) -> Tensor:
        """What a step adds to its attention scores, [rows, 1, 1, width]."""
        seen = torch.arange(self.width, device=self.lengths.device) <= self.lengths[:, None]
        return torch.zeros(seen.shape, dtype=dtype, device=seen.device).masked_fill_(~seen, -torch.inf)[:, None, None, :]

    @contextmanager
    def as_if(self, lengths: Tensor, width: int) -> Iterator[None]:
        """For what runs inside of this, the rows are as many and as long as `lengths` says when it is read."""
        kept = self.lengths, self.rows, self._longest
        self.lengths, self.rows, self._longest = lengths, torch.arange(len(lengths), device=lengths.device), width - 1
        try:
            yield
        finally:
            self.lengths, self.rows, self._longest = kept

    def after_step(self) -> None:
        self.lengths += 1

    def join(self, prefilled: DynamicCache, lengths: Tensor, copies: int) -> None:
        """New rows in the slots behind those in use."""
        begin, end, width = len(self.lengths), len(self.lengths) + len(lengths) * copies, int(lengths.max())
        self._reserve(end, max(width, min(self.most, width + CHUNK)))
        held: list[Any] = list(prefilled.layers)
        for mine, given in zip(self.layers, held, strict=True):
            mine.k[begin:end, :, :width] = given.keys.repeat_interleave(copies, 0)
            mine.v[begin:end, :, :width] = given.values.repeat_interleave(copies, 0)
        self._count(torch.cat([self.lengths, lengths.repeat_interleave(copies)]))

    def keep(self, order: Sequence[int]) -> None:
        """Row i is now what row order[i] was; a row that stays where it was is not touched."""
        moved = [(to, at) for to, at in enumerate(order) if to != at]
        if moved:
            to, at = (torch.tensor(places, device=self.lengths.device) for places in zip(*moved, strict=True))
            longest = int(self.lengths[at].max())
            for layer in self.layers:
                layer.k[to, :, :longest] = layer.k[at, :, :longest]
                layer.v[to, :, :longest] = layer.v[at, :, :longest]
        self._count(self.lengths[torch.tensor(order, dtype=torch.long, device=self.lengths.device)])

    def _count(self, lengths: Tensor) -> None:
        self.lengths = lengths
        self.rows = torch.arange(len(lengths), device=lengths.device)

    def _reserve(self, slots: int, positions: int) -> None:
        for layer in self.layers:
            layer.k = _grown(layer.k, slots, positions, by_entry=layer.k.device.type == "cpu")
            layer.v = _grown(layer.v, slots, positions)


def bytes_per_token(model: Any) -> int:
    """What one position of one row takes in all layers."""
    c = model.config
    heads = getattr(c, "num_key_value_heads", None) or c.num_attention_heads
    size = getattr(c, "head_dim", None) or c.hidden_size // c.num_attention_heads
    return 2 * c.num_hidden_layers * heads * size * model.dtype.itemsize


def compacted(count: int, leaving: Sequence[int]) -> list[int]:
    """The order of `count` rows without those that leave, in which rows from the end fill the gaps."""
    gone, staying = set(leaving), count - len(leaving)
    last = iter(i for i in range(count - 1, staying - 1, -1) if i not in gone)
    return [next(last) if i in gone else i for i in range(staying)]


def _grown(buffer: Tensor, slots: int, positions: int, *, by_entry: bool = False) -> Tensor:
    """With zeros, never with whatever lay there: attention multiplies what is masked by 0, and 0 times NaN is NaN."""
    rows, heads, width, size = buffer.shape
    if slots <= rows and positions <= width:
        return buffer
    slots, positions = max(slots, rows), max(positions, width)
    if by_entry:
        grown = buffer.new_zeros(slots, heads, size, positions).transpose(-1, -2)
    else:
        grown = buffer.new_zeros(slots, heads, positions, size)
    grown[:rows, :, :width] = buffer
    return grown

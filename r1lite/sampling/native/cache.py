"""A key-value cache with a slot for each row in flight. Slots are filled from a prefill, and reused when rows leave."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import Cache, DynamicCache
from transformers.cache_utils import CacheLayerMixin

if TYPE_CHECKING:
    from transformers import PreTrainedModel

CHUNK = 256  # the least number of positions by which buffers grow: an allocation costs more than five steps


class SlotLayer(CacheLayerMixin):
    """Keys and values of one layer, [slots, heads, positions, head_dim]. Each row writes at its own position.

    On the CPU, keys are stored transposed, with neighbouring positions adjacent, so that a query's scores read memory in order.
    """

    is_sliding = False

    def __init__(self, cache: SlotCache, keys: Tensor, values: Tensor) -> None:
        super().__init__()
        self.cache = weakref.proxy(cache)  # a reference cycle would keep this memory after sampling
        self.k, self.v = keys, values
        self.is_initialized = True

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Nothing to do: the buffers come from a prefill."""

    def update(self, key_states: Tensor, value_states: Tensor, *args: object, **kwargs: object) -> tuple[Tensor, Tensor]:
        rows, positions, width = self.cache.rows, self.cache.lengths, self.cache.width
        self.k[rows, :, positions] = key_states[:, :, 0]
        self.v[rows, :, positions] = value_states[:, :, 0]
        return self.k[: len(rows), :, :width], self.v[: len(rows), :, :width]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.cache.width, 0

    def get_seq_length(self) -> int:
        return self.cache.width - 1

    def get_max_length(self) -> int:
        return -1


class SlotCache(Cache):
    """The cache of all layers. Row i is in slot i, and has `lengths[i]` filled positions."""

    layers: list[SlotLayer]  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self, prefilled: DynamicCache, lengths: Tensor, copies: int, *, max_positions: int) -> None:
        """From a prefill of P prompts (padded on the right) with `copies` rows each. No row will need more than `max_positions`."""
        super().__init__(layers=[SlotLayer(self, keys[:0], values[:0]) for keys, values in _keys_and_values(prefilled)])
        self.max_positions = max_positions
        self.lengths = lengths[:0]
        self.rows = torch.arange(0, device=lengths.device)
        self.add_rows(prefilled, lengths, copies)

    @property
    def slots(self) -> int:
        return len(self.layers[0].k)

    @property
    def positions(self) -> int:
        return self.layers[0].k.shape[2]

    @property
    def width(self) -> int:
        """The number of positions that attention reads in a decoding step, including the new token's."""
        return self._longest + 1

    def is_full(self) -> bool:
        """Whether a row has reached `max_positions`."""
        return int(self.lengths.max()) >= self.max_positions

    def before_step(self) -> None:
        """Make room for one more token per row."""
        self._longest = int(self.lengths.max())
        if self.width > self.positions:
            self._reserve(self.slots, max(self.width, min(self.max_positions, max(self.width + CHUNK, self.positions * 5 // 4))))

    def after_step(self) -> None:
        """Count the token that a step has added to each row."""
        self.lengths += 1

    def reserve_all(self) -> None:
        """Allocate `max_positions` for all slots."""
        self._reserve(self.slots, max(self.width, self.max_positions))

    def layout(self) -> tuple[int, ...]:
        """The shapes and addresses of the buffers. A recorded step is valid for one layout."""
        return self.slots, self.positions, *(buffer.data_ptr() for layer in self.layers for buffer in (layer.k, layer.v))

    def mask(self, dtype: torch.dtype) -> Tensor:
        """The mask [rows, 1, 1, width] that a step adds to its attention scores."""
        filled = torch.arange(self.width, device=self.lengths.device) <= self.lengths[:, None]
        return torch.zeros(filled.shape, dtype=dtype, device=filled.device).masked_fill_(~filled, -torch.inf)[:, None, None, :]

    @contextmanager
    def overridden(self, lengths: Tensor, width: int) -> Iterator[None]:
        """Use other lengths and another width inside the context. A recorded step reads `lengths` anew each time it is replayed."""
        saved = self.lengths, self.rows, self._longest
        self.lengths, self.rows, self._longest = lengths, torch.arange(len(lengths), device=lengths.device), width - 1
        try:
            yield
        finally:
            self.lengths, self.rows, self._longest = saved

    def add_rows(self, prefilled: DynamicCache, lengths: Tensor, copies: int) -> None:
        """Copy each prefilled prompt into `copies` new rows, in the slots after those in use."""
        begin, end, width = len(self.lengths), len(self.lengths) + len(lengths) * copies, int(lengths.max())
        self._reserve(end, max(width, min(self.max_positions, width + CHUNK)))
        for layer, (keys, values) in zip(self.layers, _keys_and_values(prefilled), strict=True):
            layer.k[begin:end, :, :width] = keys.repeat_interleave(copies, 0)
            layer.v[begin:end, :, :width] = values.repeat_interleave(copies, 0)
        self._set_lengths(torch.cat([self.lengths, lengths.repeat_interleave(copies)]))

    def reorder(self, order: Sequence[int]) -> None:
        """Make row order[i] row i, and drop rows that are not in the order. Only rows that change their slot are copied."""
        moves = [(target, source) for target, source in enumerate(order) if target != source]
        if moves:
            targets, sources = (torch.tensor(slots, device=self.lengths.device) for slots in zip(*moves, strict=True))
            longest = int(self.lengths[sources].max())
            for layer in self.layers:
                layer.k[targets, :, :longest] = layer.k[sources, :, :longest]
                layer.v[targets, :, :longest] = layer.v[sources, :, :longest]
        self._set_lengths(self.lengths[torch.tensor(order, dtype=torch.long, device=self.lengths.device)])

    def _set_lengths(self, lengths: Tensor) -> None:
        self.lengths = lengths
        self.rows = torch.arange(len(lengths), device=lengths.device)

    def _reserve(self, slots: int, positions: int) -> None:
        for layer in self.layers:
            layer.k = _grown(layer.k, slots, positions, transposed=layer.k.device.type == "cpu")
            layer.v = _grown(layer.v, slots, positions)


def bytes_per_token(model: PreTrainedModel) -> int:
    """The bytes of keys and values for one position of one row, in all layers."""
    config: Any = model.config
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return 2 * config.num_hidden_layers * heads * size * model.dtype.itemsize


def compact_order(count: int, leaving: Sequence[int]) -> list[int]:
    """An order of `count` rows without those that leave, in which rows from the end fill the gaps."""
    gone, staying = set(leaving), count - len(leaving)
    last = iter(i for i in range(count - 1, staying - 1, -1) if i not in gone)
    return [next(last) if i in gone else i for i in range(staying)]


def _keys_and_values(cache: DynamicCache) -> list[tuple[Tensor, Tensor]]:
    layers: list[Any] = list(cache.layers)
    return [(layer.keys, layer.values) for layer in layers]


def _grown(buffer: Tensor, slots: int, positions: int, *, transposed: bool = False) -> Tensor:
    """The buffer with at least so many slots and positions. New memory is zeroed: attention multiplies masked values by 0,
    and 0 times NaN would be NaN."""
    rows, heads, width, size = buffer.shape
    if slots <= rows and positions <= width:
        return buffer
    slots, positions = max(slots, rows), max(positions, width)
    if transposed:
        grown = buffer.new_zeros(slots, heads, size, positions).transpose(-1, -2)
    else:
        grown = buffer.new_zeros(slots, heads, positions, size)
    grown[:rows, :, :width] = buffer
    return grown

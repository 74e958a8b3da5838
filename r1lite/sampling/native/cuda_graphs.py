"""Decoding steps on a GPU, recorded as CUDA graphs and replayed. With one token per row, launching kernels takes longer than running them.

A recording reads and writes fixed memory, for one number of rows and one width of the cache. So rows are padded to one of a few
numbers, and widths are rounded up. Padding rows write to unused slots.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from r1lite.console import say
from r1lite.sampling.native.cache import SlotCache

WIDTH = 256  # widths are rounded up to a multiple of this many positions

Forward = Callable[[Tensor, SlotCache], Tensor]  # tokens of all rows, and a cache with room for them -> logits
Record = Callable[[Callable[[], None]], Callable[[], None]]  # a function to record -> a function that replays it
Recorder = Callable[[], Record]  # makes a Record whose recordings share memory for intermediate results


@dataclass(frozen=True, kw_only=True, slots=True)
class _Recording:
    tokens: Tensor  # inputs: these three must stay at their addresses
    lengths: Tensor
    rows: Tensor
    logits: list[Tensor]  # the output
    replay: Callable[[], None]


class RecordedStep:
    """A decoding step that replays a recording of its size. The logits are valid until the next step."""

    def __init__(self, forward: Forward, recorder: Recorder) -> None:
        self.forward, self.recorder, self.record = forward, recorder, recorder()
        self.recordings: dict[tuple[int, int], _Recording] = {}
        self.layout: tuple[int, ...] = ()  # of the cache that they were made on
        self.can_record = True

    def __call__(self, tokens: Tensor, cache: SlotCache) -> Tensor:
        cache.before_step()
        recording = self._recording(tokens, cache) if self.can_record else None
        if recording is None:
            logits = self.forward(tokens, cache)
        else:
            recording.replay()
            logits = recording.logits[0][: len(tokens)]
        cache.after_step()
        return logits

    def _recording(self, tokens: Tensor, cache: SlotCache) -> _Recording | None:
        """A recording of this step's size, with this step's inputs copied in; None if the model's steps cannot be recorded."""
        cache.reserve_all()
        if self.layout != (layout := cache.layout()):
            self.recordings.clear()
            self.record, self.layout = self.recorder(), layout
        size = min(padded_rows(len(tokens)), cache.slots), min(-(-cache.width // WIDTH) * WIDTH, cache.positions)
        recording = self.recordings.get(size)
        rows, width = size
        inputs = (recording.tokens, recording.lengths) if recording else (tokens.new_zeros(rows), cache.lengths.new_zeros(rows))
        for recorded, current in zip(inputs, (tokens, cache.lengths), strict=True):
            recorded[: len(tokens)] = current
            recorded[len(tokens) :] = 0
        if recording is None:
            try:
                self.recordings[size] = recording = self._record(*inputs, cache, width)
            except RuntimeError as error:
                self.can_record = False
                why = (str(error) or repr(error)).splitlines()[0]
                say(f"sampler.eager=false: decoding steps of this model cannot be recorded as CUDA graphs, so they run as they are ({why})")
        return recording

    def _record(self, tokens: Tensor, lengths: Tensor, cache: SlotCache, width: int) -> _Recording:
        logits: list[Tensor] = []

        def run() -> None:
            logits[:] = [self.forward(tokens, cache)]

        with cache.overridden(lengths, width):
            rows, replay = cache.rows, self.record(run)
        return _Recording(tokens=tokens, lengths=lengths, rows=rows, logits=logits, replay=replay)


def padded_rows(rows: int) -> int:
    """The next power of two, or three quarters of it if that is enough: at most a third of the rows are padding."""
    power = 1 << (rows - 1).bit_length()
    return power * 3 // 4 if power >= 4 and rows <= power * 3 // 4 else power


def cuda_graph_recorder() -> Recorder:
    """A recorder of CUDA graphs."""
    stream = torch.cuda.Stream()  # one for all graphs: libraries keep working memory for every stream that they have seen

    def recorder() -> Record:
        pool = torch.cuda.graph_pool_handle()  # a new one: the pool of graphs that were deleted cannot be used again

        def record(run: Callable[[], None]) -> Callable[[], None]:
            current = torch.cuda.current_stream()
            stream.wait_stream(current)
            with torch.cuda.stream(stream):
                run()  # libraries initialise themselves in a first run, which must not be recorded
            current.wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            try:
                # Another thread may be training (rl.lag=1), which must not become part of the graph.
                with torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
                    run()
            finally:
                torch.cuda.set_stream(current)  # a failed capture does not restore the stream
            return graph.replay

        return record

    return recorder

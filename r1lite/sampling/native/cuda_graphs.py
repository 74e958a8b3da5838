"""Decoding steps on a GPU, recorded once and played back. With one token a row, launching a step's kernels takes longer than they run.

What is played back reads and writes the very memory it was recorded on, for one number of rows and one width of the cache. So
rows are filled up to one of a few numbers, and widths to a few widths. Rows that fill up write to slots that nobody uses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from r1lite.console import say
from r1lite.sampling.native.cache import SlotCache

WIDTH = 256  # positions from one width to the next

Forward = Callable[[Tensor, SlotCache], Tensor]  # tokens of all rows, and the cache that has room for them -> logits
Record = Callable[[Callable[[], None]], Callable[[], None]]  # what is to be recorded -> what plays it back
Recorder = Callable[[], Record]  # one whose recordings share the memory of what they compute on the way


@dataclass(frozen=True, kw_only=True, slots=True)
class _Recording:
    tokens: Tensor  # it reads these three, which have to stay where they are
    lengths: Tensor
    rows: Tensor
    logits: list[Tensor]  # it writes this one
    play: Callable[[], None]


class RecordedStep:
    """One more token a row, by playing back what an earlier step of this size recorded. The logits hold until the next step."""

    def __init__(self, forward: Forward, recorder: Recorder) -> None:
        self.forward, self.recorder, self.record = forward, recorder, recorder()
        self.recordings: dict[tuple[int, int], _Recording] = {}
        self.memory: tuple[int, ...] = ()  # where the cache lay when they were made
        self.able = True

    def __call__(self, tokens: Tensor, cache: SlotCache) -> Tensor:
        cache.before_step()
        recording = self._recording(tokens, cache) if self.able else None
        if recording is None:
            logits = self.forward(tokens, cache)
        else:
            recording.play()
            logits = recording.logits[0][: len(tokens)]
        cache.after_step()
        return logits

    def _recording(self, tokens: Tensor, cache: SlotCache) -> _Recording | None:
        """One of this step's size that has read this step's input; None if steps of this model cannot be recorded."""
        cache.reserve_all()
        if self.memory != (memory := cache.memory()):
            self.recordings.clear()
            self.record, self.memory = self.recorder(), memory
        size = min(filled_up(len(tokens)), cache.slots), min(-(-cache.width // WIDTH) * WIDTH, cache.positions)
        known = self.recordings.get(size)
        rows, width = size
        inputs = (known.tokens, known.lengths) if known else (tokens.new_zeros(rows), cache.lengths.new_zeros(rows))
        for mine, given in zip(inputs, (tokens, cache.lengths), strict=True):
            mine[: len(tokens)] = given
            mine[len(tokens) :] = 0
        if known is None:
            try:
                self.recordings[size] = known = self._record(*inputs, cache, width)
            except RuntimeError as error:
                self.able = False
                why = (str(error) or repr(error)).splitlines()[0]
                say(f"sampler.eager=false: steps of this model cannot be recorded, so they are not ({why})")
        return known

    def _record(self, tokens: Tensor, lengths: Tensor, cache: SlotCache, width: int) -> _Recording:
        logits: list[Tensor] = []

        def run() -> None:
            logits[:] = [self.forward(tokens, cache)]

        with cache.as_if(lengths, width):
            rows, play = cache.rows, self.record(run)
        return _Recording(tokens=tokens, lengths=lengths, rows=rows, logits=logits, play=play)


def filled_up(rows: int) -> int:
    """The next power of two, or the one before it and a half: at most a third of the rows do nothing."""
    power = 1 << (rows - 1).bit_length()
    return power * 3 // 4 if power >= 4 and rows <= power * 3 // 4 else power


def as_cuda_graphs() -> Recorder:
    """Recordings as CUDA graphs."""
    aside = torch.cuda.Stream()  # one for all: libraries keep working memory for each stream that they have seen

    def recorder() -> Record:
        pool = torch.cuda.graph_pool_handle()  # that of graphs which are gone cannot be taken up again

        def record(run: Callable[[], None]) -> Callable[[], None]:
            before = torch.cuda.current_stream()
            aside.wait_stream(before)
            with torch.cuda.stream(aside):
                run()  # libraries set themselves up in a first run, which no recording may hold
            before.wait_stream(aside)
            graph = torch.cuda.CUDAGraph()
            try:
                # Another thread may be training meanwhile (rl.lag=1): what it does is no part of this.
                with torch.cuda.graph(graph, pool=pool, stream=aside, capture_error_mode="thread_local"):
                    run()
            finally:
                torch.cuda.set_stream(before)  # a capture that fails as it begins or ends leaves its own behind
            return graph.replay

        return record

    return recorder

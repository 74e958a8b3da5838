"""Bytes that a pass over a micro-batch takes: tensors kept for the backward pass, and temporary ones of a layer and of the head.

Counted as torch saves them (tests/test_planning.py compares with saved_tensors_hooks). On the CPU, models/cpu/recompute.py keeps
less than torch's own layers do.
"""

from __future__ import annotations

from r1lite.models.cpu.recompute import LLAMA_SHAPED
from r1lite.models.head import CHUNK_BYTES, KEPT_BYTES
from r1lite.planning.shape import KINDS, adapted, trains_head
from r1lite.planning.work import Job, MicroBatch

FLOAT = 4


def kept(job: Job, batch: MicroBatch) -> int:
    """What the trunk keeps for the backward pass, and the states that the head reads."""
    layers = job.shape.layers
    b = job.itemsize
    of_states = batch.tokens * _norm(job, job.shape.hidden) + batch.trained * job.shape.hidden * b
    if job.cfg.model.gradient_checkpointing:
        return layers * batch.tokens * job.shape.hidden * b + of_states
    return layers * of_layer(job, batch) + of_states


def of_layer(job: Job, batch: MicroBatch) -> int:
    """What a layer keeps for the backward pass."""
    per_position = of_position(job)
    if not batch.shared:
        return batch.tokens * per_position
    # Responses see copies of their prompt's keys and values, under a mask that each layer keeps as numbers.
    seen, columns = batch.prompt + batch.response - 1, batch.response - 1
    width = job.shape.query_width if job.on_gpu else job.shape.key_width  # a GPU's kernels take no mask with shared heads
    copies = batch.rows * job.itemsize * (2 * seen * width - 2 * columns * job.shape.key_width)
    return batch.tokens * per_position + copies + batch.rows * columns * seen * job.itemsize


def of_position(job: Job) -> int:
    """What a layer keeps for each position."""
    shape, b = job.shape, job.itemsize
    h, q, k, i = shape.hidden, shape.query_width, shape.key_width, shape.intermediate
    size = 2 * _norm(job, h) + b * (2 * q + 2 * k) + FLOAT * shape.heads  # the latter are attention's log-sums
    if KINDS.get(shape.kind) == "head norms":
        size += _norm(job, q, shape.heads) + _norm(job, k, shape.kv_heads)
    with_adapters = adapted(job.cfg.model)
    return size + (_adapted_inputs(job, with_adapters) if with_adapters else b * (2 * h + (2 if _recomputes(job) else 4) * i))


def _adapted_inputs(job: Job, layers: frozenset[str]) -> int:
    """Inputs of the adapters, which compute in float32, and of the products with frozen weights, which keep none."""
    shape, b = job.shape, job.itemsize
    h, q, i = shape.hidden, shape.query_width, shape.intermediate
    widths = {"q_proj": h, "k_proj": h, "v_proj": h, "o_proj": q, "gate_proj": h, "up_proj": h, "down_proj": i}
    between = FLOAT * job.cfg.model.lora_rank * len(layers)
    if b == FLOAT:  # inputs that several adapters read are kept once; that of o_proj is attention's output, counted there
        inputs = b * (h * bool(layers & {"q_proj", "k_proj", "v_proj"}) + h * bool(layers & {"gate_proj", "up_proj"}))
    else:  # each adapter has a float32 copy of its input
        inputs = FLOAT * sum(widths[name] for name in layers)
    mlp = layers & {"gate_proj", "up_proj", "down_proj"}
    if not mlp and _recomputes(job):
        return inputs + between + b * (h + 2 * i)
    return inputs + between + b * i * (4 if b == FLOAT and "down_proj" in layers else 3)


def _norm(job: Job, width: int, groups: int = 1) -> int:
    """A norm keeps its input in float32, and, for the gradient of its weight, what it has normed."""
    frozen = bool(job.cfg.model.lora_rank)
    if job.itemsize == FLOAT:
        return FLOAT * width * (1 if frozen or _recomputes(job) else 2) + FLOAT * groups
    return FLOAT * width + (0 if frozen else job.itemsize * width) + FLOAT * groups


def _recomputes(job: Job) -> bool:
    return not job.on_gpu and job.shape.kind in LLAMA_SHAPED


def in_layer_backward(job: Job, batch: MicroBatch) -> int:
    """Temporary tensors of a layer's backward pass, at its widest place: the feed-forward block."""
    shape, b = job.shape, job.itemsize
    wide = 4 * shape.intermediate + 2 * shape.hidden
    again = of_layer(job, batch) if job.cfg.model.gradient_checkpointing else 0
    return batch.tokens * b * wide + again


def in_layer_forward(job: Job, tokens: int) -> int:
    """Temporary tensors of a layer without gradients."""
    return tokens * job.itemsize * (3 * job.shape.intermediate + 2 * job.shape.hidden)


def logits(job: Job, tokens: int) -> tuple[int, int]:
    """Bytes of the log-probs that the head keeps for the backward pass, and of a chunk of them."""
    row = job.shape.vocab * FLOAT
    in_chunk = max(1, CHUNK_BYTES // row)
    chunks = min(KEPT_BYTES // row, tokens) // in_chunk * in_chunk if tokens > in_chunk else tokens
    return row * min(chunks, tokens), row * min(in_chunk, tokens)


def in_head_forward(job: Job, tokens: int, *, keeps: bool) -> int:
    """The log-probs so far, and the chunk in progress, which is also there in the precision of the weights."""
    saved, chunk = logits(job, tokens)
    lower = chunk // 2 if job.itemsize < FLOAT else 0
    return (max(saved, chunk) if keeps else chunk) + lower


def in_head_backward(job: Job, tokens: int) -> int:
    """Kept log-probs, of which a chunk is turned into a gradient, and the gradients of states and weight."""
    saved, chunk = logits(job, tokens)
    size = max(saved, chunk) + tokens * job.shape.hidden * job.itemsize
    if job.itemsize < FLOAT:
        size += chunk * job.itemsize // FLOAT  # the gradient in the precision of the weights
    if not trains_head(job.shape, job.cfg.model):
        return size
    if job.itemsize == FLOAT and not job.on_gpu:
        size += chunk  # oneDNN's product takes a transposed copy
    several = tokens * job.shape.vocab * FLOAT > chunk
    return size + job.shape.embedding * job.itemsize * (3 if several else 1)  # the sum of earlier chunks, this one's, and both

"""Bytes of memory on a rank, by moment: sampling, passes, optimiser step, saving. A moment is a dictionary from part to bytes."""

from __future__ import annotations

from r1lite.models.cpu.linear import SMALL
from r1lite.parallel.exchange import BUCKET_BYTES
from r1lite.planning import activations
from r1lite.planning.activations import FLOAT
from r1lite.planning.shape import adapter_weights, layer_weights, projections, trained_weights, trains_head, weights
from r1lite.planning.work import ITEMSIZE, Job, MicroBatch, cached_bytes, decoded_rows, micro_batch, micro_batches
from r1lite.sampling.native.scheduler import PREFILL_TOKENS

Parts = dict[str, int]
SAMPLING, PASSES, STEP, SAVING = "sampling", "forward, backward", "optimiser", "saving"


def moments(job: Job) -> dict[str, Parts]:
    """The bytes of each part at each moment; the sum is the memory that the moment takes."""
    held = state(job)
    found = {PASSES: held | in_passes(job), STEP: held | gradients(job) | in_step(job), SAVING: held | in_saving(job)}
    if job.samples:
        sampled = in_sampling(job)
        if job.cfg.rl.lag:  # the sampler works while the policy trains
            return {f"{SAMPLING} + {name}": parts | sampled for name, parts in found.items()}
        found = {SAMPLING: held | sampled} | found
    return found


def peak(found: dict[str, Parts]) -> tuple[str, int]:
    return max(((name, sum(parts.values())) for name, parts in found.items()), key=lambda entry: entry[1])


def state(job: Job) -> Parts:
    """What is there all the time."""
    shape, cfg, b = job.shape, job.cfg, job.itemsize
    trained, own = trained_weights(shape, cfg.model), FLOAT if job.shard > 1 else b  # parts are float32
    parts = {"weights": shape.parameters * own // job.shard + adapter_weights(shape, cfg.model) * FLOAT // job.shard}
    if b < FLOAT and job.shard == 1 and not cfg.model.lora_rank:
        parts["masters"] = trained * FLOAT
    parts["moments"] = 2 * FLOAT * trained // job.shard
    if job.samples:
        parts |= _others(job, trained, own)
    return parts


def _others(job: Job, trained: int, own: int) -> Parts:
    """What the algorithm, and a sampler with weights of its own, add in reinforcement learning."""
    shape, cfg, b = job.shape, job.cfg, job.itemsize
    a, parts = cfg.algorithm, Parts()
    if (a.kl != "none" or a.reward_kl_coef) and not cfg.model.lora_rank:
        parts["reference"] = shape.parameters * own // job.shard
    if a.critic == "separate":
        masters = FLOAT if b < FLOAT and job.shard == 1 and not cfg.model.lora_rank else 0
        parts["critic"] = (_critic_weights(job) * own + _critic_trained(job) * (masters + 2 * FLOAT)) // job.shard
    if cfg.rl.lag:
        parts["earlier weights"] = trained * (FLOAT if cfg.model.lora_rank else own) // job.shard
    sampled = b if cfg.sampler.dtype == "auto" else ITEMSIZE[cfg.sampler.dtype]
    if cfg.sampler.name == "vllm" or job.shard > 1 or cfg.rl.lag or sampled != b:
        parts["sampler's weights"] = shape.parameters * sampled if cfg.sampler.name != "vllm_server" else 0
    return parts


def _critic_weights(job: Job) -> int:
    """The weights of the policy's trunk."""
    return job.shape.parameters - (0 if job.shape.tied else job.shape.embedding)


def _critic_trained(job: Job) -> int:
    trained = trained_weights(job.shape, job.cfg.model)
    return trained if job.cfg.model.lora_rank else trained - (0 if job.shape.tied else job.shape.embedding)


def gradients(job: Job) -> Parts:
    critic = _critic_trained(job) if job.samples and job.cfg.algorithm.critic == "separate" else 0
    return {"gradients": FLOAT * (trained_weights(job.shape, job.cfg.model) + critic) // job.shard}


def in_passes(job: Job) -> Parts:
    """At the widest place of the forward and backward pass over a micro-batch: in the head, in the last layer, or at the end."""
    batch = micro_batch(job)
    several = micro_batches(job) > 1  # then the gradients of earlier ones are there from the start
    before = gradients(job) if several else {"gradients": 0}
    kept = {"activations": _kept(job, batch)}
    in_layer = {"temporary": _held_back(job) + activations.in_layer_backward(job, batch)}
    head = max(activations.in_head_backward(job, batch.trained), *_heads_forward(job, batch))
    with_head, with_layer, with_root = _gathered(job)
    at_head = before | kept | {"logits": head} | with_head
    at_layer = before | kept | in_layer | with_layer
    at_end = gradients(job) | in_layer | with_root
    return max((at_head, at_layer, at_end), key=lambda parts: sum(parts.values()))


def _kept(job: Job, batch: MicroBatch) -> int:
    trunks = 2 if job.samples and job.cfg.algorithm.critic == "separate" else 1
    return trunks * activations.kept(job, batch)


def _heads_forward(job: Job, batch: MicroBatch) -> tuple[int, int]:
    """The head of the policy, and that of the reference while the policy's log-probs are kept."""
    own = activations.in_head_forward(job, batch.trained, keeps=True)
    if not (job.samples and job.cfg.algorithm.kl != "none"):
        return own, 0
    reference = activations.in_head_forward(job, batch.trained, keeps=False)
    return own, activations.logits(job, batch.trained)[0] + max(reference, activations.in_layer_forward(job, batch.tokens))


def _held_back(job: Job) -> int:
    """The gradient of tied embeddings, as the head gives it, which waits for the other half until the pass ends."""
    waits = job.shape.tied and trains_head(job.shape, job.cfg.model)
    return job.shape.embedding * job.itemsize if waits else 0


def _gathered(job: Job) -> tuple[Parts, Parts, Parts]:
    """With shards: whole weights and their gradients at the three places. Embeddings and head stay gathered during a pass."""
    if job.shard == 1:
        return {}, {}, {}
    b, layer = job.itemsize, sum(size for _, size in layer_weights(job.shape))
    root = job.shape.embedding * (1 if job.shape.tied else 2)
    head = 0 if job.shape.tied else job.shape.embedding  # its gradient, which waits for the embedding's
    in_head, in_layer = b * (root + layer), b * (root + head + 3 * layer)  # a layer, its gradient, and the layer that follows
    return {"gathered": in_head}, {"gathered": in_layer}, {"gathered": root * (2 * b + FLOAT)}  # the last: gradients on their way


def in_step(job: Job) -> Parts:
    """Ranks with whole copies add their gradients in buckets."""
    if job.ranks == job.shard:
        return {}
    trained = trained_weights(job.shape, job.cfg.model)
    largest = max(size for _, size in weights(job.shape)) if not job.cfg.model.lora_rank else 0
    return {"temporary": min(FLOAT * trained, max(BUCKET_BYTES, FLOAT * largest))}


def _packed(job: Job) -> int:
    """The numbers in the CPU's copies of the weights. Layers with one input are one product; a small one is also there unpacked."""
    sizes = {name: inputs * outputs for name, (inputs, outputs) in projections(job.shape).items()}
    together = [sum(sizes[name] for name in names) for names in (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"))]
    unpacked = sum(size for size in together if size < SMALL and not job.cfg.model.lora_rank)
    return job.shape.layers * (sum(sizes.values()) + unpacked) + job.shape.embedding


def in_saving(job: Job) -> Parts:
    """Tensors are written from where they are, but adapters are merged into a copy, and shards are gathered into one on the CPU."""
    copied = bool(job.cfg.model.lora_rank) or (job.shard > 1 and not job.on_gpu)
    return {"copy": job.shape.parameters * job.itemsize} if copied else {}


def in_sampling(job: Job) -> Parts:
    """Keys and values at full length, the logits of a step, and on the CPU packed copies of the weights."""
    cfg = job.cfg
    if cfg.sampler.name == "vllm_server":
        return {}
    if cfg.sampler.name == "vllm":
        return {"keys and values": cfg.sampler.cache_mb * 2**20}
    rows = decoded_rows(job)
    b = ITEMSIZE[cfg.sampler.dtype] if cfg.sampler.dtype != "auto" else job.itemsize
    parts = {"keys and values": rows * (job.prompt + job.response) * cached_bytes(job)}
    if not job.on_gpu:
        parts["packed weights"] = _packed(job) * b
    of_logits = rows * job.shape.vocab * (FLOAT + (b if b < FLOAT else 0))
    prefilled = min(PREFILL_TOKENS, -(-rows // cfg.rl.group_size) * job.prompt)
    prefill = activations.in_layer_forward(job, prefilled) + prefilled * cached_bytes(job)
    return parts | {"logits": of_logits, "prefill": max(0, prefill - of_logits)}

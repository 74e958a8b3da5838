"""Seconds of a step by part, from a machine's rates, and from the share of them that is reached. Sequences are at full length."""

from __future__ import annotations

from dataclasses import dataclass

from r1lite.planning.machine import Machine
from r1lite.planning.operations import sampling_flops, training_flops
from r1lite.planning.shape import adapter_weights, trained_weights
from r1lite.planning.work import Job, cached_bytes, decoded_rows, micro_batches, rollouts, shares_prompts


@dataclass(frozen=True, kw_only=True, slots=True)
class Reached:
    """Shares of a machine's rates."""

    training: float  # of the rate of products
    sampling: float  # of the same
    reading: float  # of the rate of memory
    links: float


GPU = Reached(training=0.4, sampling=0.4, reading=0.6, links=0.7)  # assumed: nothing has been measured on a GPU
CPU = Reached(training=0.55, sampling=0.44, reading=0.6, links=0.5)  # training and sampling as in bench/RESULTS.md
RECOMPUTED = 4 / 3  # with gradient checkpointing, a forward pass more
ADAPTED = 2 / 3  # frozen weights have no gradients


def seconds(job: Job, machine: Machine) -> dict[str, float]:
    """Seconds of each part. Parts that run at the same time (rl.lag, gathering behind products) are listed each by itself."""
    parts = {"sampling": sampling(job, machine)} if job.samples else {}
    parts |= {"training": training(job, machine), "gradients and shards": exchange(job, machine)}
    return parts | ({"sync": sync(job, machine)} if job.samples else {})


def reached(machine: Machine) -> Reached:
    return GPU if machine.is_gpu else CPU


def total(parts: dict[str, float], *, ahead: bool) -> float:
    """Seconds of a step. With sampling ahead, the slower side decides."""
    rest = sum(parts.values()) - parts.get("sampling", 0.0)
    return max(parts["sampling"], rest) if ahead and "sampling" in parts else sum(parts.values())


def sampling(job: Job, machine: Machine) -> float:
    """A decoding step reads all weights, and the keys and values of its rows; or it is limited by products."""
    own, rows = rollouts(job), decoded_rows(job)
    rounds = -(-own // rows)
    weights = job.shape.parameters * job.itemsize
    read = job.response * (weights + rows * (job.prompt + job.response / 2) * cached_bytes(job))
    group = (job.prompt, (job.response,) * job.cfg.rl.group_size)
    computed = sampling_flops(job.shape, [group]) * own / job.cfg.rl.group_size
    return max(
        rounds * read / (reached(machine).reading * machine.card.memory_rate), computed / (reached(machine).sampling * machine.card.flops)
    )


def training(job: Job, machine: Machine) -> float:
    """The passes over a step's sequences on a rank, at all epochs, and the passes of reference and critic."""
    cfg, sequences = job.cfg, updates(job) * job.sequences
    of_prompt = cfg.rl.group_size // cfg.rl.updates_per_step if shares_prompts(job) else 1
    group = (job.prompt, (job.response,) * max(1, of_prompt))
    flops = training_flops(job.shape, [group]) * sequences / max(1, of_prompt)
    factor = (RECOMPUTED if cfg.model.gradient_checkpointing else 1) * (ADAPTED if cfg.model.lora_rank else 1)
    if job.samples:
        a = cfg.algorithm
        factor += (1 if a.critic == "separate" else 0) + (1 / 3 if a.kl != "none" or a.reward_kl_coef else 0)
    return flops * factor / (reached(machine).training * machine.card.flops)


def updates(job: Job) -> int:
    return job.cfg.rl.updates_per_step * job.cfg.rl.epochs if job.samples else 1


def exchange(job: Job, machine: Machine) -> float:
    """Whole copies sum gradients once an update. Parts are gathered twice for each micro-batch, and their gradients summed."""
    if job.ranks == 1:
        return 0.0
    rate, trained = reached(machine).links * machine.link_rate, trained_weights(job.shape, job.cfg.model)
    copies = job.ranks // job.shard
    summed = 2 * 4 * trained / job.shard * (copies - 1) / copies
    moved = micro_batches(job) * (2 * job.itemsize * job.shape.parameters + 4 * trained) * (job.shard - 1) / job.shard
    return updates(job) * (summed + moved) / rate


def sync(job: Job, machine: Machine) -> float:
    """New weights for a sampler that has its own; one that shares the policy's needs nothing."""
    own = job.cfg.sampler.name != "native" or job.shard > 1 or job.cfg.rl.lag > 0
    size = (adapter_weights(job.shape, job.cfg.model) or job.shape.parameters) * job.itemsize
    return size / (reached(machine).links * machine.link_rate) if own else 0.0

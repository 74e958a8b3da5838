"""How the settings divide a step: micro-batches of a rank, and rows that its sampler decodes at once. All sequences at full length."""

from __future__ import annotations

from dataclasses import dataclass

from r1lite.config import Config, TrainingConfig
from r1lite.planning.shape import Shape
from r1lite.settings.rounds import kind_of, settings_for

SUPERVISED = ("cold_start", "sft")
PLANNED = ("rl", *SUPERVISED)  # stages, the dearest first
ITEMSIZE = {"auto": 4, "float32": 4, "bfloat16": 2}


@dataclass(frozen=True, kw_only=True, slots=True)
class MicroBatch:
    """Rows of prompt and response, or, if prompts are shared, each prompt once and the responses to it."""

    rows: int
    prompts: int  # computed: as many as rows, unless they are shared
    prompt: int  # tokens
    response: int
    shared: bool

    @property
    def tokens(self) -> int:
        """The positions that the layers compute. A shared prompt's last position predicts the first token of its responses."""
        return self.prompts * self.prompt + self.rows * (self.response - self.shared)

    @property
    def trained(self) -> int:
        return self.rows * self.response


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One stage of a run, as a rank sees it."""

    shape: Shape
    cfg: Config
    stage: str
    ranks: int
    on_gpu: bool
    prompt: int  # tokens of a prompt

    @property
    def training(self) -> TrainingConfig:
        return getattr(self.cfg, kind_of(self.stage))

    @property
    def samples(self) -> bool:
        return kind_of(self.stage) == "rl"

    @property
    def shard(self) -> int:
        return self.cfg.parallel.shard

    @property
    def itemsize(self) -> int:
        """Bytes of a number that the model computes with."""
        return ITEMSIZE[self.cfg.model.dtype]

    @property
    def response(self) -> int:
        return self.cfg.sampler.max_tokens

    @property
    def sequences(self) -> int:
        """Sequences of an optimiser update on a rank."""
        cfg = self.cfg
        count = cfg.rl.prompts_per_step * cfg.rl.group_size / cfg.rl.updates_per_step if self.samples else self.training.batch_size  # pyright: ignore[reportAttributeAccessIssue]
        return max(1, -int(-count // self.ranks))


def jobs(shape: Shape, cfg: Config, *, ranks: int, on_gpu: bool, prompt: int) -> list[Job]:
    """The stages that can be planned, the dearest kind first."""
    stages = sorted((name for name in cfg.stages if kind_of(name) in PLANNED), key=lambda name: PLANNED.index(kind_of(name)))
    return [Job(shape=shape, cfg=settings_for(cfg, name), stage=name, ranks=ranks, on_gpu=on_gpu, prompt=prompt) for name in stages]


def micro_batch(job: Job) -> MicroBatch:
    """The largest micro-batch of a rank."""
    budget, prompt, response = job.training.micro_batch_tokens, job.prompt, job.response
    of_prompt = -(-job.cfg.rl.group_size // job.cfg.rl.updates_per_step) if job.samples else 1
    if not shares_prompts(job) or of_prompt < 2:
        rows = min(job.sequences, max(1, budget // (prompt + response)))
        return MicroBatch(rows=rows, prompts=rows, prompt=prompt, response=response, shared=False)
    prompts, left = divmod(budget, prompt + of_prompt * response)
    more = max(0, (left - prompt) // response)  # responses to one more prompt
    rows = min(job.sequences, max(1, prompts * of_prompt + more))
    return MicroBatch(rows=rows, prompts=-(-rows // of_prompt), prompt=prompt, response=response, shared=True)


def shares_prompts(job: Job) -> bool:
    model = job.cfg.model
    return job.samples and job.cfg.rl.share_prompts and not model.gradient_checkpointing and model.attention == "auto"


def micro_batches(job: Job) -> int:
    """The micro-batches of an optimiser update on a rank."""
    return -(-job.sequences // micro_batch(job).rows)


def rollouts(job: Job) -> int:
    """The rollouts of a step that a rank samples."""
    return -(-job.cfg.rl.prompts_per_step // job.ranks) * job.cfg.rl.group_size


def cached_bytes(job: Job) -> int:
    """Bytes of keys and values for one position of one row, in all layers."""
    return key_value_bytes(job.shape, ITEMSIZE[job.cfg.sampler.dtype] if job.cfg.sampler.dtype != "auto" else job.itemsize)


def key_value_bytes(shape: Shape, itemsize: int) -> int:
    return 2 * shape.layers * shape.key_width * itemsize


def decoded_rows(job: Job) -> int:
    """The most rows that the sampler decodes at once, each with room for its longest response."""
    positions = job.cfg.sampler.cache_mb * 2**20 // cached_bytes(job)
    rows = min(job.cfg.sampler.max_rows, positions // (job.prompt + job.response), rollouts(job))
    return max(rows, min(job.cfg.rl.group_size, rollouts(job)))  # a prompt's rollouts always join together

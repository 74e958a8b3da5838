"""Every setting, with its type and one line of help. The values stand in conf/*.yaml, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import MISSING, OmegaConf

PACKAGE = Path(__file__).resolve().parent
# Inside the wheel conf/ lies in the package; in a checkout it stands beside it.
CONF = PACKAGE / "conf" if (PACKAGE / "conf").is_dir() else PACKAGE.parent / "conf"


@dataclass
class ModelConfig:
    path: str = MISSING  # tiny_base, tiny_student, a folder, a GGUF file, or a Hugging Face hub name
    dtype: str = MISSING  # float32 (auto), or bfloat16, of which the optimiser keeps float32 masters
    device: str = MISSING  # cpu, cuda, cuda:1, ..., or auto (a GPU where there is one)
    attention: str = MISSING  # auto is torch's own; flash_attention_2 where it is installed, or eager: both train without shared prompts
    gradient_checkpointing: bool = MISSING  # keep one state a layer and compute the rest again: less memory, a third more time
    compile: bool = MISSING  # compile the layers' feed-forward parts and norms: a minute at the start, and faster steps
    lora_rank: int = MISSING  # of adapters that are trained in place of the weights; 0 trains the weights themselves
    lora_alpha: float = MISSING  # adapters count lora_alpha / lora_rank times
    lora_targets: list[str] = MISSING  # names of layers that get adapters; none given is all linear ones but the head
    dora: bool = MISSING  # DoRA: a magnitude of its own for each column
    freeze: list[str] = MISSING  # patterns of weights that are not trained, such as "*embed_tokens*"


@dataclass
class PromptConfig:
    system: str = MISSING  # a system message before every problem
    prefill: str = MISSING  # text the model goes on from, such as "<think>\n"
    max_tokens: int = MISSING  # longest prompt
    too_long: str = MISSING  # skip (and count), or refuse


@dataclass
class SamplerConfig:
    name: str = MISSING
    temperature: float = MISSING
    top_p: float = MISSING  # 1.0 keeps all
    top_k: int = MISSING  # 0 keeps all
    max_tokens: int = MISSING  # longest completion
    stop: list[str] = MISSING  # strings that end a completion, besides the end token
    dtype: str = MISSING  # native, vllm: of the weights. auto is the model's; bfloat16 under a float32 model wants algorithm.correction
    max_rows: int = MISSING  # rollouts decoded at once, at most
    cache_mb: int = MISSING  # for their keys and values; native counts every rollout at its longest
    eager: bool = MISSING  # start at once; false compiles first, or records CUDA graphs (native on a GPU): long runs earn it back
    adapters: str = MISSING  # vllm, vllm_server: auto sends LoRA adapters by themselves where vLLM serves them; merged sends all weights
    urls: list[str] = MISSING  # vllm_server: where the servers are, such as http://127.0.0.1:8001
    transfer: str = MISSING  # vllm_server: how weights get there: disk (sync_folder), or nccl (from GPU to GPU)
    sync_folder: str = MISSING  # vllm_server: where weights are handed over, under one path for all; empty is a temporary folder
    seconds: float = MISSING  # vllm_server: deadline of one request


@dataclass
class ScoringConfig:
    workers: int = MISSING  # processes that score while sampling goes on; 0 scores in this process, without deadlines
    seconds: float = MISSING  # deadline of one verdict
    memory_mb: int = MISSING  # that a worker may take beyond what it starts with
    max_failed_share: float = MISSING  # a rule that fails or times out more often stops the run
    right_rule: str = MISSING  # the rule that says whether a response is right; empty takes the one of largest weight
    right_at: float = MISSING  # its value from which on a response is right


@dataclass
class AlgorithmConfig:
    """From rewards to a loss: the parts that advantage.py, rl/filters.py and objective.py compose."""

    # what is trained on
    reward_kl_coef: float = MISSING  # of the k1 KL to the reference taken from the reward: of each token, or summed for advantage=group
    keep: str = MISSING  # signal (groups whose rewards differ), all, above_mean, top_fraction; advantages are taken before
    keep_fraction: float = MISSING  # of each group, for keep=top_fraction
    refill_rounds: int = MISSING  # extra rounds of fresh prompts until the step is full of groups with signal; 0 takes what comes
    count_dropped: bool = MISSING  # what was dropped counts in the divisor, so updates shrink as it grows
    mask_overlong: bool = MISSING  # a response that was cut off is not trained on
    entropy_share: float = MISSING  # only this share of the tokens, those of highest entropy, moves the policy; 1.0 takes all
    # rewards -> advantages
    advantage: str = MISSING  # group, pass_at_k, gdpo (each rule by itself), return_to_go, gae
    center: str = MISSING  # mean, leave_one_out, none
    scale: str = MISSING  # std (of the group), batch, mean (MaxRL), signal (GPG's alpha), none
    eps: float = MISSING  # added to the deviation
    pass_k: int = MISSING  # k of advantage=pass_at_k
    gamma: float = MISSING  # discount of a token, for return_to_go and gae
    lam: float = MISSING  # of gae: 0 is one-step TD, 1 is Monte Carlo
    whiten: str = MISSING  # none, tokens, sequences: then over the whole step
    # the critic, for advantage=gae
    critic: str = MISSING  # none, separate (a copy of the policy), shared (a head on the policy's trunk)
    critic_lr: float = MISSING
    value_clip: float = MISSING  # how far a value may move from the one before the step; 0 is off
    value_coef: float = MISSING  # of the value loss
    # advantages -> a loss
    ratio: str = MISSING  # token, sequence, sequence_token, sequence_sum, none
    gate: str = MISSING  # clip, sigmoid, cap, log_clip, tv_mask, reinforce
    clip_low: float = MISSING  # of clip: 1 - clip_low; of log_clip: -clip_low
    clip_high: float = MISSING
    dual_clip: float = MISSING  # of clip: the ratio's upper bound where the advantage is below 0; 0 is off
    cap: float = MISSING  # of cap and tv_mask: the largest weight
    tau_pos: float = MISSING  # of sigmoid: steepness where the advantage is above 0
    tau_neg: float = MISSING  # of sigmoid: elsewhere
    delta_low: float = MISSING  # of tv_mask: how far a token's probability may have fallen
    delta_high: float = MISSING  # of tv_mask: how far it may have risen
    aggregate: str = MISSING  # token_mean, seq_mean_token_mean, seq_mean_token_sum, budget
    budget: int = MISSING  # tokens a sequence is divided by, for aggregate=budget: the generation budget
    kl: str = MISSING  # in the loss: none, k2 (gradient of KL(policy || reference)), k3 (of the reverse), k3_weighted (as k2)
    kl_coef: float = MISSING
    reference_every: int = MISSING  # steps between refreshes of the reference; 0 keeps it frozen
    correction: str = MISSING  # for a sampler that differs from the trainer: none, truncate, mask
    correction_level: str = MISSING  # token, sequence
    correction_low: float = MISSING  # of mask: smaller weights count 0
    correction_high: float = MISSING  # of truncate: the largest weight; of mask: larger ones count 0
    entropy_coef: float = MISSING  # of the entropy bonus


@dataclass
class TrainingConfig:
    """What every stage that trains has."""

    start: str = MISSING  # weights to begin from: previous, base, the name of an earlier stage, or a path
    lr: float = MISSING
    final_lr_share: float = MISSING  # the cosine ends at this share of lr; 1.0 keeps it constant
    warmup_steps: int = MISSING
    weight_decay: float = MISSING
    max_grad_norm: float = MISSING
    micro_batch_tokens: int = MISSING  # prompt and completion tokens in memory at once; changes nothing else
    checkpoint_every: int = MISSING  # steps


@dataclass
class AskConfig:
    """What is asked of a model whose right and readable answers become examples."""

    prompts: int = MISSING
    samples: int = MISSING  # of each prompt
    keep_per_prompt: int = MISSING  # distinct responses kept of each prompt


@dataclass
class ImitationConfig(TrainingConfig):
    data: str = MISSING  # task (its own demonstrations), teacher (section teacher), own (samples of start), an earlier stage, or a file
    examples: int = MISSING  # at most; 0 takes all, except of data=task, which has no end
    steps: int = MISSING  # optimiser steps
    batch_size: int = MISSING  # sequences a step
    ask: AskConfig = field(default_factory=AskConfig)  # for data=teacher and data=own
    gate: str = MISSING  # which weights come out: last, or signal (those that leave reinforcement learning the most live groups)
    gate_every: int = MISSING  # steps between looks, for gate=signal; the last step is always looked at
    gate_prompts: int = MISSING  # of a look, with rl.group_size rollouts each


@dataclass
class DataConfig:
    decontaminate_against: list[str] = MISSING  # files, hub names or tasks: training problems that share a run of words are left out
    files: list[str] = MISSING  # that plugins read: like plugins and problems, they may not change before a run goes on
    ngram: int = MISSING  # words (or characters, where writing has no spaces) of such a run


@dataclass
class CurriculumConfig:
    revisit: float = MISSING  # chance of a problem whose last group was all right or all wrong to be taken when it comes; 1.0 is off
    column: str = MISSING  # of problem.info: a number that says how hard a problem is; empty takes all
    easiest: float = MISSING  # the limit on it at the first step
    hardest: float = MISSING  # and at the end of its rise
    until: float = MISSING  # the share of all steps over which it rises


@dataclass
class RLConfig(TrainingConfig):
    steps: int = MISSING
    prompts_per_step: int = MISSING
    group_size: int = MISSING  # rollouts of one prompt
    updates_per_step: int = MISSING  # optimiser updates that one step's rollouts are split into
    epochs: int = MISSING  # passes over one step's rollouts
    share_prompts: bool = MISSING  # train with each prompt once for all of its rollouts, where that leaves less to compute
    shuffle_rewards: bool = MISSING  # a control: with rewards shuffled inside each group, nothing can be learnt
    show_every: int = MISSING  # steps between printed rollouts; 0 prints none
    lag: int = MISSING  # 1 samples the next step while this one trains, with the weights of before; 0 samples with the newest
    curriculum: CurriculumConfig = field(default_factory=CurriculumConfig)


@dataclass
class ParityConfig:
    """The gate between sampler and trainer, which must agree on log-probs before a step is trained on."""

    sequences: int = MISSING  # rollouts of each step that the trainer looks at as well; 0 opens the gate
    threshold: float = MISSING  # largest mean difference of log-probs where both compute in float32
    threshold_bfloat16: float = MISSING  # the same, where one of them computes in less


@dataclass
class RejectConfig:
    start: str = MISSING
    prompts: int = MISSING
    samples: int = MISSING  # of each prompt
    keep_per_prompt: int = MISSING  # distinct responses kept of each prompt


@dataclass
class DistillConfig(TrainingConfig):
    student: str = MISSING  # the smaller model, as model.path
    max_share: float = MISSING  # of the teacher's parameters that the student may have
    prompts: int = MISSING  # that the teacher answers; on-policy, that the student answers
    samples: int = MISSING
    keep_per_prompt: int = MISSING
    steps: int = MISSING
    batch_size: int = MISSING
    teacher: str = MISSING  # local (the weights that the stage begins from), or endpoint (section teacher)
    method: str = MISSING  # traces (imitate what the teacher wrote), or on_policy (its distribution over what the student writes)
    on_policy_share: float = MISSING  # of a step's sequences that the student writes; the rest are the teacher's (lambda of GKD)
    loss: str = MISSING  # of on_policy: reverse_kl, forward_kl, jsd
    beta: float = MISSING  # of jsd: the teacher's share of the mixture; towards 0 forward, towards 1 reverse
    top_k: int = MISSING  # compare the teacher's k likeliest tokens, and the rest as one; 0 compares the whole vocabulary


@dataclass
class PreferenceConfig(TrainingConfig):
    data: str = MISSING  # ledger (the rollouts of the nearest earlier stage that left any), the name of one, or a file
    pairs: int = MISSING  # at most; 0 takes all
    pairs_per_prompt: int = MISSING  # made of the rollouts of one prompt in one step
    steps: int = MISSING
    batch_size: int = MISSING  # pairs a step


@dataclass
class RewardModelConfig(PreferenceConfig):
    centring: float = MISSING  # holds the mean score near 0
    held_out: float = MISSING  # share of the pairs that it is tried on, and not trained


@dataclass
class DPOConfig(PreferenceConfig):
    loss: str = MISSING  # sigmoid (DPO), ipo
    beta: float = MISSING  # how much a drift from the reference costs
    nll_coef: float = MISSING  # of the preferred side's own loss per token, which keeps it from falling with the other
    label_smoothing: float = MISSING  # share of the pairs thought to be the wrong way round


@dataclass
class EvaluateConfig:
    splits: list[str] = MISSING  # the first is the one that summary.json calls eval
    problems: int = MISSING  # of each split
    samples: int = MISSING  # of each problem
    k: int = MISSING  # of pass@k and maj@k; at most samples
    every_stage: bool = MISSING  # after each stage that makes weights


@dataclass
class PretrainConfig(TrainingConfig):
    """Makes a tiny base model from random weights."""

    hidden: int = MISSING
    layers: int = MISSING
    heads: int = MISSING
    intermediate: int = MISSING
    vocabulary: int = MISSING  # tokens of a tokenizer that is trained on the corpus; 0 takes bytes
    corpus: dict[str, float] = MISSING  # share of each "task/difficulty"
    steps: int = MISSING
    batch_size: int = MISSING
    guesses: float = MISSING  # share of blurted answers in the corpus
    habit_steps: int = MISSING  # steps at the end in which blurting becomes the habit
    habit_guesses: float = MISSING


@dataclass
class TeacherConfig:
    """A teacher behind an OpenAI-compatible endpoint, for distill.teacher=endpoint and cold_start.data=teacher."""

    url: str = MISSING  # up to its version, such as http://localhost:8000/v1
    model: str = MISSING  # as the endpoint calls it
    api_key_env: str = MISSING  # the environment variable that holds the key; empty sends none
    system: str = MISSING  # the system message that it gets in place of prompt.system
    temperature: float = MISSING
    max_tokens: int = MISSING  # longest answer; 0 leaves it to the endpoint
    extra: dict[str, Any] = MISSING  # more fields of every request, sent as they are
    concurrency: int = MISSING  # requests under way at once
    requests_per_minute: float = MISSING  # 0 is no limit
    retries: int = MISSING  # of one request, before it is given up
    backoff: float = MISSING  # seconds before the first retry, doubled with each; or longer, where the endpoint says so
    timeout: float = MISSING  # seconds of one request
    price_in: float = MISSING  # of a million prompt tokens, for the bill
    price_out: float = MISSING  # of a million answered tokens


@dataclass
class QualityConfig:
    """Which right responses are fit to learn from, besides being finished, well-formed and free of loops."""

    max_tokens: int = MISSING  # of a response; 0 is no limit
    max_paragraph: int = MISSING  # characters of a thought between empty lines; 0 is no limit
    min_language_share: float = MISSING  # of a thought's words that are in its main language; 0 lets languages mix
    code_blocks: str = MISSING  # fenced code is dropped: nowhere, thought, anywhere


@dataclass
class Config:
    experiment: str = MISSING  # names the run directory
    run_dir: str = MISSING
    seed: int = MISSING
    stages: list[str] = MISSING  # in their order; one that comes again bears a number: rl, reject, sft, rl_2
    plugins: list[str] = MISSING  # users' own rewards and tasks: my_package.rules or ./rules.py
    threads: int = MISSING  # of torch on the CPU; 0 leaves torch's own choice
    model: ModelConfig = field(default_factory=ModelConfig)
    prompt: PromptConfig = field(default_factory=PromptConfig)
    task: dict[str, Any] = MISSING  # name, and the task's own options
    rewards: dict[str, Any] = MISSING  # rule -> weight and the rule's own options
    data: DataConfig = field(default_factory=DataConfig)
    algorithm: AlgorithmConfig = field(default_factory=AlgorithmConfig)
    sampler: SamplerConfig = field(default_factory=SamplerConfig)
    scoring: ScoringConfig = field(default_factory=ScoringConfig)
    pretrain: PretrainConfig = field(default_factory=PretrainConfig)
    cold_start: ImitationConfig = field(default_factory=ImitationConfig)
    rl: RLConfig = field(default_factory=RLConfig)
    reject: RejectConfig = field(default_factory=RejectConfig)
    sft: ImitationConfig = field(default_factory=ImitationConfig)
    distill: DistillConfig = field(default_factory=DistillConfig)
    reward_model: RewardModelConfig = field(default_factory=RewardModelConfig)
    dpo: DPOConfig = field(default_factory=DPOConfig)
    evaluate: EvaluateConfig = field(default_factory=EvaluateConfig)
    parity: ParityConfig = field(default_factory=ParityConfig)
    teacher: TeacherConfig = field(default_factory=TeacherConfig)
    quality: QualityConfig = field(default_factory=QualityConfig)
    rounds: dict[str, Any] = MISSING  # what a stage that comes again differs in, written as rl_2.steps=20


def register() -> None:
    """Make the schema the first default of conf/config.yaml."""
    from hydra.core.config_store import ConfigStore

    ConfigStore.instance().store(name="schema", node=Config)


def algorithm_values(name: str) -> dict[str, Any]:
    """The values of a named algorithm: those of the one it builds on (its `defaults`), then its own."""
    path = CONF / "algorithm" / f"{name}.yaml"
    if not path.is_file():
        from r1lite.registry import unknown

        raise ValueError(unknown("algorithm", name, (p.stem for p in path.parent.glob("*.yaml"))))
    own: dict[str, Any] = dict(OmegaConf.to_container(OmegaConf.load(path)))  # pyright: ignore
    built_on = [algorithm_values(other) for other in own.pop("defaults", ()) if other != "_self_"]
    return {key: value for values in (*built_on, own) for key, value in values.items()}

"""Every setting: its name, its type, its default and one line of help. The YAML in conf/ holds only what differs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

PACKAGE = Path(__file__).resolve().parent
# In a wheel conf/ is inside the package, in a checkout beside it.
CONF = PACKAGE / "conf" if (PACKAGE / "conf").is_dir() else PACKAGE.parent / "conf"
REASON = "Reason step by step inside <think> </think>, then give the final answer, and nothing else, inside <answer> </answer>."


def group_values(group: str, name: str) -> dict[str, Any]:
    """The values in conf/<group>/<name>.yaml, on top of those in the files that it builds on (its `defaults`)."""
    from omegaconf import OmegaConf

    path = CONF / group / f"{name}.yaml"
    if not path.is_file():
        from r1lite.registry import unknown

        raise ValueError(unknown(group, name, (p.stem for p in path.parent.glob("*.yaml"))))
    own: dict[str, Any] = dict(OmegaConf.to_container(OmegaConf.load(path)))  # pyright: ignore
    built_on = [group_values(group, other) for other in own.pop("defaults", ()) if other != "_self_"]
    return {key: value for values in (*built_on, own) for key, value in values.items()}


def listed(*default: str) -> Any:
    """A setting that is a list."""
    return field(default_factory=lambda: list(default))


def free(default: Any) -> Any:
    """A setting, or a section, that may change when a run is resumed: it does not change the results."""
    factory = default if isinstance(default, type) else default.copy if isinstance(default, list) else None
    return field(default_factory=factory, metadata={"free": True}) if factory else field(default=default, metadata={"free": True})


def chosen(group: str, name: str) -> Any:
    """A setting whose value is a choice from a group, and the default choice."""
    return field(default_factory=lambda: group_values(group, name).get(group) or group_values(group, name))


@dataclass
class ModelConfig:
    """The model that a run starts with, and which of its weights are trained."""

    path: str = "tiny_base"  # tiny_base, tiny_student, a folder, a GGUF file, or a Hugging Face hub name
    dtype: str = "auto"  # float32 (auto), or bfloat16 with float32 masters in the optimiser
    device: str = "auto"  # cpu, cuda, cuda:1, ..., or auto (a GPU if there is one)
    attention: str = "auto"  # auto is torch's own; flash_attention_2 (if installed) and eager train without shared prompts
    gradient_checkpointing: bool = free(False)  # keep one state per layer and recompute the rest: less memory, a third more time
    compile: bool = False  # compile feed-forward layers and norms: a minute at the start, then faster steps
    lora_rank: int = 0  # of adapters that are trained instead of the weights; 0 trains the weights themselves
    lora_alpha: float = 32.0  # adapters are scaled by lora_alpha / lora_rank
    lora_targets: list[str] = listed()  # names of layers that get adapters; empty means all linear ones but the head
    dora: bool = False  # DoRA: a separate magnitude for each column
    freeze: list[str] = listed()  # patterns of weights that are not trained, such as "*embed_tokens*"


@dataclass
class PromptConfig:
    """How a problem becomes a prompt."""

    system: str = ""  # a system message before every problem
    prefill: str = ""  # text that the model continues, such as "<think>\n"
    max_tokens: int = 1024  # longest prompt
    too_long: str = "skip"  # skip (and count), or refuse


@dataclass
class DataConfig:
    """Decontamination of the training data, and files that plugins read."""

    decontaminate_against: list[str] = listed()  # files, hub names or tasks; problems that share an n-gram with them are left out
    files: list[str] = listed()  # files that plugins read; a run is not resumed if one has changed
    ngram: int = 13  # words in a shared n-gram (characters, in scripts without spaces)


@dataclass
class AdvantageConfig:
    """From rewards to advantages: which rollouts are trained on, and how each is credited."""

    reward_kl_coef: float = 0.0  # of the k1 KL to the reference, taken from the reward: per token, or summed for advantage=group
    keep: str = "signal"  # signal (groups whose rewards differ), all, above_mean, top_fraction; applied after advantages are computed
    keep_fraction: float = 1.0  # of each group, for keep=top_fraction
    refill_rounds: int = 0  # extra rounds of new prompts until the step is full of groups with signal; 0 never refills
    count_dropped: bool = False  # dropped rollouts count in the divisor, so updates shrink as more are dropped
    mask_overlong: bool = False  # responses that were cut off are not trained on
    entropy_share: float = 1.0  # only this share of the tokens, those with the highest entropy, is trained on; 1.0 takes all
    advantage: str = "group"  # group, pass_at_k, gdpo (each rule by itself), return_to_go, gae
    center: str = "mean"  # mean, leave_one_out, none
    scale: str = "std"  # std (of the group), batch, mean (MaxRL), signal (GPG's alpha), none
    eps: float = 1e-4  # added to the standard deviation
    pass_k: int = 1  # k of advantage=pass_at_k
    gamma: float = 1.0  # discount per token, for return_to_go and gae
    lam: float = 1.0  # of gae: 0 is one-step TD, 1 is Monte Carlo
    whiten: str = "none"  # none, tokens, sequences: over the whole step, after the above
    critic: str = "none"  # for advantage=gae: none, separate (a copy of the policy), shared (a head on the policy's trunk)
    critic_lr: float = 1e-5  # the critic's learning rate
    value_clip: float = 0.2  # how far a value may move from the one before the step; 0 is off
    value_coef: float = 0.1  # weight of the value loss


@dataclass
class LossConfig:
    """From advantages to a loss. The defaults are GRPO's (arXiv 2402.03300), without its KL."""

    ratio: str = "token"  # token, sequence, sequence_token, sequence_sum, none
    gate: str = "clip"  # clip, sigmoid, cap, log_clip, tv_mask, reinforce
    clip_low: float = 0.2  # of clip: 1 - clip_low; of log_clip: -clip_low
    clip_high: float = 0.2  # of clip: 1 + clip_high; of log_clip: clip_high
    dual_clip: float = 0.0  # of clip: the ratio's upper bound where the advantage is below 0; 0 is off
    cap: float = 5.0  # of cap and tv_mask: the largest weight
    tau_pos: float = 1.0  # of sigmoid: steepness where the advantage is above 0
    tau_neg: float = 1.05  # of sigmoid: steepness elsewhere
    delta_low: float = 0.15  # of tv_mask: how far a token's probability may have fallen
    delta_high: float = 0.15  # of tv_mask: how far it may have risen
    aggregate: str = "seq_mean_token_mean"  # token_mean, seq_mean_token_mean, seq_mean_token_sum, budget
    budget: int = 0  # tokens that a sequence is divided by, for aggregate=budget: the generation budget
    kl: str = "none"  # in the loss: none, k2 (gradient of KL(policy || reference)), k3 (of the reverse), k3_weighted (as k2)
    kl_coef: float = 0.0  # weight of the KL in the loss
    reference_every: int = 0  # steps between refreshes of the reference; 0 keeps it frozen
    correction: str = "none"  # for a sampler that differs from the trainer: none, truncate, mask
    correction_level: str = "token"  # token, sequence
    correction_low: float = 0.5  # of mask: smaller weights become 0
    correction_high: float = 2.0  # of truncate: the largest weight; of mask: larger ones become 0
    entropy_coef: float = 0.0  # weight of the entropy bonus


@dataclass
class AlgorithmConfig(LossConfig, AdvantageConfig):
    """From rewards to a loss. The defaults are GRPO; conf/algorithm/ holds what other algorithms change."""

    kl: str = "k3"
    kl_coef: float = 0.04

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Self:
        """A named algorithm, as conf/algorithm/<name>.yaml defines it."""
        return replace(cls(**group_values("algorithm", name)), **changes)


@dataclass
class SamplerConfig:
    """How rollouts are sampled, and by which engine."""

    name: str = "native"  # native, vllm (in this process), vllm_server
    temperature: float = 1.0  # of sampling, and of the policy in reinforcement learning
    top_p: float = 1.0  # 1.0 keeps all
    top_k: int = 0  # 0 keeps all
    max_tokens: int = 128  # longest completion
    stop: list[str] = listed()  # strings that end a completion, besides the end token
    dtype: str = "auto"  # native, vllm: of the weights. auto is the model's; bfloat16 with a float32 model needs algorithm.correction
    max_rows: int = free(512)  # maximum number of rollouts decoded at once
    cache_mb: int = free(4096)  # memory for their keys and values; native reserves the maximum length for every rollout
    eager: bool = True  # start at once; false compiles first, or records CUDA graphs (native on a GPU), which pays off in long runs
    adapters: str = free("auto")  # vllm, vllm_server: auto sends only LoRA adapters if vLLM can serve them; merged sends all weights
    urls: list[str] = free([])  # vllm_server: addresses of the servers, such as http://127.0.0.1:8001
    urls_from: str = free("")  # vllm_server: a file with the addresses, one a line, which is read again before each sync
    transfer: str = free("disk")  # vllm_server: how weights are sent: disk (sync_folder), or nccl (from GPU to GPU)
    sync_folder: str = free("")  # vllm_server: folder for the weights, at the same path on every machine; empty is a temporary folder
    seconds: float = free(600.0)  # vllm_server: deadline of one request
    reconnect_seconds: float = free(120.0)  # vllm_server: how long to wait for a server when none is left


@dataclass
class ScoringConfig:
    """How rules score rollouts, and which rule decides what is correct."""

    workers: int = free(1)  # processes that score during sampling; 0 scores in this process, without deadlines
    seconds: float = free(2.0)  # deadline of one verdict
    memory_mb: int = 1024  # that a worker may use in addition to what it starts with
    max_failed_share: float = free(0.05)  # a rule that fails or times out more often stops the run
    right_rule: str = ""  # the rule that decides whether a response is correct; empty is the one with the largest weight
    right_at: float = 1.0  # smallest value of that rule for a correct response


@dataclass
class TrainingConfig:
    """Settings of every stage that trains."""

    start: str = "previous"  # weights to start from: previous, base, the name of an earlier stage, or a path
    lr: float = 3e-4  # peak learning rate
    final_lr_share: float = 0.1  # the cosine ends at this share of lr; 1.0 keeps it constant
    warmup_steps: int = 3  # over which the learning rate rises
    weight_decay: float = 0.0  # of AdamW
    max_grad_norm: float = 1.0  # larger gradients are scaled down to it
    micro_batch_tokens: int = free(8192)  # prompt and completion tokens in memory at once; does not change the result
    checkpoint_every: int = 20  # steps


@dataclass
class PretrainConfig(TrainingConfig):
    """Makes a tiny base model from random weights."""

    start: str = "base"
    lr: float = 2.5e-3
    final_lr_share: float = 0.05
    warmup_steps: int = 50
    weight_decay: float = 0.01
    checkpoint_every: int = 100
    hidden: int = 128  # width of the model
    layers: int = 4  # of the model
    heads: int = 4  # of attention
    intermediate: int = 384  # width of the feed-forward layers
    vocabulary: int = 0  # tokens of a tokenizer that is trained on the corpus; 0 uses bytes
    corpus: dict[str, float] = chosen("corpus", "tiny")  # share of each "task/difficulty"
    steps: int = 2200  # optimiser steps, before those of habit_steps
    batch_size: int = 64  # sequences per step
    guesses: float = 0.05  # share of blurted answers in the corpus
    habit_steps: int = 120  # last steps, in which blurting becomes the habit
    habit_guesses: float = 0.8  # share of blurted answers in these


@dataclass
class AskConfig:
    """Sampling of responses, of which the correct and readable ones become examples."""

    prompts: int = 512  # problems to respond to
    samples: int = 2  # of each prompt
    keep_per_prompt: int = 1  # distinct responses kept per prompt


@dataclass
class ImitationConfig(TrainingConfig):
    """Supervised training on examples."""

    data: str = "task"  # task (its own demonstrations), teacher (section teacher), own (samples of start), an earlier stage, or a file
    examples: int = 0  # maximum number of examples; 0 takes all, except for data=task, which needs a number
    steps: int = 40  # optimiser steps
    batch_size: int = 64  # sequences per step
    ask: AskConfig = field(default_factory=AskConfig)  # for data=teacher and data=own
    gate: str = "last"  # which weights are kept: last, or signal (those with the largest share of groups with signal)
    gate_every: int = 10  # steps between measurements, for gate=signal; the last step is always measured
    gate_prompts: int = 32  # in a measurement, with rl.group_size rollouts each


@dataclass
class ColdStartConfig(ImitationConfig):
    """Short supervised training on a few worked examples, after which the model reasons often enough to be rewarded."""

    examples: int = 256
    steps: int = 8
    gate_every: int = 2


@dataclass
class SFTConfig(ImitationConfig):
    """Supervised training on an earlier stage's examples, starting from the base again."""

    start: str = "base"
    data: str = "reject"


@dataclass
class CurriculumConfig:
    """Which problems are trained on, and when."""

    revisit: float = 1.0  # probability of taking a problem whose last group was all correct or all wrong; 1.0 is off
    column: str = ""  # of problem.info: a number that measures how hard a problem is; empty takes all problems
    easiest: float = 0.0  # limit on that number at the first step
    hardest: float = 1.0  # limit at the end of its rise
    until: float = 0.5  # share of all steps over which the limit rises


@dataclass
class RLConfig(TrainingConfig):
    """Reinforcement learning with rule rewards. A model of a billion parameters needs an lr of about 1e-6."""

    lr: float = 2e-4
    final_lr_share: float = 0.05
    warmup_steps: int = 10
    checkpoint_every: int = 10
    steps: int = 40  # of sampling and training
    prompts_per_step: int = 64  # problems per step
    group_size: int = 8  # rollouts of one prompt
    updates_per_step: int = 2  # optimiser updates that one step's rollouts are split into
    epochs: int = 1  # passes over one step's rollouts
    share_prompts: bool = True  # in training, compute each prompt once for all of its rollouts if that is less work
    shuffle_rewards: bool = False  # a control: with rewards shuffled inside each group, nothing can be learnt
    show_every: int = free(10)  # steps between rollouts that are printed, and sent to trackers; 0 shows none
    lag: int = 0  # how many steps old the weights may be that sampled a step: 1 samples the next step while this one is trained on
    asynchronous: bool = False  # train whichever groups have finished, and update servers while they sample (sampler=vllm_server)
    wait_for_slow: bool = True  # asynchronous: wait for groups that cannot be trained later; false drops and counts them
    replay: str = ""  # a folder of rollouts from an earlier run (RUN/rl/rollouts), to train on the same steps again
    curriculum: CurriculumConfig = field(default_factory=CurriculumConfig)


@dataclass
class RejectConfig(AskConfig):
    """Rejection sampling: correct and readable responses become a data set."""

    start: str = "previous"  # weights to sample with: previous, base, the name of an earlier stage, or a path


@dataclass
class DistillConfig(TrainingConfig):
    """A smaller model learns from a larger one."""

    lr: float = 1e-3
    warmup_steps: int = 5
    checkpoint_every: int = 50
    student: str = "tiny_student"  # the smaller model, written like model.path
    max_share: float = 0.34  # the student's largest share of the teacher's parameters
    prompts: int = 1024  # that the teacher answers; on-policy, that the student answers
    samples: int = 2  # of each prompt
    keep_per_prompt: int = 2  # distinct responses kept per prompt
    steps: int = 100  # optimiser steps
    batch_size: int = 64  # sequences per step
    teacher: str = "local"  # local (the weights that the stage starts from), or endpoint (section teacher)
    method: str = "traces"  # traces (imitate what the teacher wrote), or on_policy (its distribution over what the student writes)
    on_policy_share: float = 1.0  # of a step's sequences that the student writes; the rest are the teacher's (lambda of GKD)
    loss: str = "reverse_kl"  # of on_policy: reverse_kl, forward_kl, jsd
    beta: float = 0.5  # of jsd: the teacher's share of the mixture; towards 0 forward, towards 1 reverse
    top_k: int = 0  # compare the teacher's k likeliest tokens, and the rest as one; 0 compares the whole vocabulary


@dataclass
class PreferenceConfig(TrainingConfig):
    """Training on pairs of responses, of which one is preferred."""

    data: str = "ledger"  # ledger (the rollouts of the nearest earlier stage that left any), the name of one, or a file
    pairs: int = 0  # maximum number of pairs; 0 takes all
    pairs_per_prompt: int = 2  # from the rollouts of one prompt in one step
    steps: int = 24  # optimiser steps
    batch_size: int = 64  # pairs per step


@dataclass
class RewardModelConfig(PreferenceConfig):
    """A reward model, from pairs; reward=model uses it as a rule."""

    lr: float = 5e-4
    warmup_steps: int = 5
    steps: int = 60
    centring: float = 0.01  # keeps the mean score near 0
    held_out: float = 0.1  # share of the pairs that are used only to test it


@dataclass
class DPOConfig(PreferenceConfig):
    """Direct preference optimisation. The paper's values are lr 1e-6, batches of 64 pairs, beta 0.1 and no nll_coef."""

    lr: float = 1e-4
    checkpoint_every: int = 12
    loss: str = "sigmoid"  # sigmoid (DPO), ipo
    beta: float = 0.1  # how much a drift from the reference costs
    nll_coef: float = 0.2  # weight of the preferred response's loss per token, which keeps its probability from falling
    label_smoothing: float = 0.0  # assumed share of the pairs with swapped labels


@dataclass
class EvaluateConfig:
    """Held-out problems, after stages and as a stage."""

    splits: list[str] = listed("test")  # the first is the one that summary.json calls eval
    problems: int = 128  # of each split
    samples: int = 4  # of each problem
    k: int = 4  # of pass@k and maj@k; at most samples
    every_stage: bool = True  # evaluate after each stage that makes weights


@dataclass
class ParityConfig:
    """The check that sampler and trainer agree on log-probs, made on every step before it is trained on."""

    sequences: int = 4  # rollouts of each step that the trainer computes as well; 0 skips the check
    threshold: float = 1e-3  # largest mean difference of log-probs if both compute in float32
    threshold_bfloat16: float = 0.1  # the same, if one of them computes in a lower precision


@dataclass
class DiagnosisConfig:
    """Findings: what goes wrong while a stage trains, said on the console and written to diagnosis.jsonl."""

    enabled: bool = True  # name what goes wrong, with the settings that would change it


@dataclass
class PreflightConfig:
    """A look at the run before its first rl stage: what `r1lite preflight` shows."""

    enabled: bool = True  # unless the stage is so short that `problems` are more than their share of it
    problems: int = 32  # training problems that it samples, at least
    seconds: float = 30.0  # that it samples and trains for, or the share of the stage, if that is more
    share: float = 0.05  # of the stage's time, and of its problems, that it may take
    memory_gb: float = 0.0  # that the run may take; 0 is what the machine has


@dataclass
class TeacherConfig:
    """A teacher behind an OpenAI-compatible endpoint, for distill.teacher=endpoint and cold_start.data=teacher."""

    url: str = free("")  # base URL up to the version, such as http://localhost:8000/v1
    model: str = ""  # its name at the endpoint
    api_key_env: str = free("")  # the environment variable that holds the key; empty sends none
    system: str = REASON  # its system message, instead of prompt.system
    temperature: float = 1.0  # of its answers
    max_tokens: int = 4096  # longest answer; 0 leaves it to the endpoint
    extra: dict[str, Any] = field(default_factory=dict)  # more fields of every request, sent unchanged
    concurrency: int = free(8)  # requests at the same time
    requests_per_minute: float = free(0.0)  # 0 is no limit
    retries: int = free(6)  # of one request, until it is given up
    backoff: float = free(1.0)  # seconds before the first retry, doubled with each; longer if the endpoint says so
    timeout: float = free(300.0)  # seconds of one request
    price_in: float = free(0.0)  # of a million prompt tokens, for the bill
    price_out: float = free(0.0)  # of a million completion tokens


@dataclass
class QualityConfig:
    """Which correct responses become examples. They must also be finished, well-formed and free of loops."""

    max_tokens: int = 0  # of a response; 0 is no limit
    max_paragraph: int = 0  # characters of a thought between empty lines; 0 is no limit
    min_language_share: float = 0.8  # of a thought's words that are in its main language; 0 lets languages mix
    code_blocks: str = "thought"  # fenced code is dropped: nowhere, thought, anywhere


@dataclass
class ParallelConfig:
    """Several ranks: processes that train together. `processes` starts them on this machine, torchrun on several."""

    shard: int = 1  # ranks that each hold a part of the weights, gradients and optimiser states; 1 gives each a whole copy
    offload: bool = False  # of the parts to the CPU's memory, for GPUs; slower
    background_saves: bool = False  # copy a checkpoint to the CPU's memory, and write it while training goes on
    timeout: float = 1800.0  # seconds that a rank waits for the others before all end
    check_every: int = 20  # steps after which ranks compare their weights, as they do before each checkpoint; 0 never does
    restarts: int = 0  # how often `processes` starts all ranks again, from the last checkpoint, after one was lost


@dataclass
class Config:
    """A whole run. From Python `Config()` is what `python -m r1lite.train` runs without any settings."""

    experiment: str = "recipe"  # name in the run directory
    run_dir: str = free("runs/recipe")  # where results go, and where a run resumes; from the command line runs/<experiment>-<time>
    seed: int = 0  # of every draw
    stages: list[str] = free(["cold_start", "rl", "reject", "sft", "distill"])  # in order; repeats get a number: rl_2
    plugins: list[str] = listed()  # your own rewards, tasks and trackers: my_package.rules or ./rules.py
    track: list[str] = free([])  # where metrics go besides metrics.jsonl: tensorboard, wandb, trackio, mlflow, swanlab, your plugins'
    watch: bool = free(False)  # serve the page of the run on this machine while it goes on, as r1lite watch does
    processes: str = free("1")  # on this machine, which train together; auto is one for each GPU
    threads: int = 0  # of torch on the CPU; 0 leaves torch's own choice
    model: ModelConfig = field(default_factory=ModelConfig)
    prompt: PromptConfig = field(default_factory=PromptConfig)
    task: dict[str, Any] = chosen("task", "arithmetic")  # name, and the task's own options
    episode: dict[str, Any] = field(default_factory=dict)  # name of an environment, its options, and turns: the most of the model; or empty
    rewards: dict[str, Any] = chosen("reward", "arithmetic")  # rule -> weight and the rule's own options
    data: DataConfig = field(default_factory=DataConfig)
    algorithm: AlgorithmConfig = field(default_factory=AlgorithmConfig)
    sampler: SamplerConfig = field(default_factory=SamplerConfig)
    scoring: ScoringConfig = field(default_factory=ScoringConfig)
    pretrain: PretrainConfig = field(default_factory=PretrainConfig)
    cold_start: ColdStartConfig = field(default_factory=ColdStartConfig)
    rl: RLConfig = field(default_factory=RLConfig)
    reject: RejectConfig = field(default_factory=RejectConfig)
    sft: SFTConfig = field(default_factory=SFTConfig)
    distill: DistillConfig = field(default_factory=DistillConfig)
    reward_model: RewardModelConfig = field(default_factory=RewardModelConfig)
    dpo: DPOConfig = field(default_factory=DPOConfig)
    evaluate: EvaluateConfig = field(default_factory=EvaluateConfig)
    parity: ParityConfig = free(ParityConfig)
    diagnosis: DiagnosisConfig = free(DiagnosisConfig)
    preflight: PreflightConfig = free(PreflightConfig)
    teacher: TeacherConfig = field(default_factory=TeacherConfig)
    quality: QualityConfig = field(default_factory=QualityConfig)
    parallel: ParallelConfig = free(ParallelConfig)
    rounds: dict[str, Any] = field(default_factory=dict)  # what a repeated stage changes, written as rl_2.steps=20

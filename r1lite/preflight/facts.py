"""What a preflight has found, as plain values that go into JSON."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """What was looked at."""

    stage: str
    task: str
    weights: str
    before: str = ""  # a stage that comes before, whose weights were not there to be looked at; empty if these are the stage's own
    problems: int
    rollouts: int
    demonstrates: bool = False  # the task has worked solutions, which a cold start could teach
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A prompt as the model sees it, and what the model wrote."""

    prompt: str
    prompt_tokens: int
    response: str
    response_tokens: int
    ended: bool
    reward: float
    why: str  # of the right rule
    ends: tuple[str, ...]  # the tokens that end a completion
    has_template: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Signal:
    """What the rewards give to compare."""

    passes: tuple[float, ...]  # the share of right rollouts, for each problem
    groups: int
    live: int  # groups whose rewards differ
    group_size: int
    prompts_per_step: int
    share: dict[str, float]  # group size -> the share of groups whose rewards would differ
    share_right: dict[str, float]  # the same, for groups with both right and wrong rollouts
    best: float  # the largest reward
    least: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Responses:
    """Shares of the rollouts, but for lengths in tokens."""

    length: float
    longest: int
    limit: int
    cut_off: float
    tags: float  # have the tags of thought and answer
    answered: float  # have an answer block
    empty: float
    goes_on_after: str = ""  # what most of those that were cut off write where an answer ends: a special token, or </answer>


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """The outcomes of a rule, as shares of the rollouts that it applies to."""

    name: str
    mean: float | None
    scored: float
    abstained: float
    failed: float
    timed_out: float
    why: str = ""  # the first reason for a missing verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Hacks:
    """What rewards pay for gold answers, and for hacks."""

    tried: int = 0  # responses
    gold: float = 0.0  # the least that a gold answer is paid
    best: float = 0.0  # the most that a wrong response is paid
    name: str = ""  # of that response
    wrong: tuple[str, ...] = ()  # what is wrong, in words
    golds: str = ""  # gold answers of the training split, in words
    golds_tried: int = 0
    golds_paid: float = 1.0  # share
    left_out: str = ""  # why nothing was tried


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """Bytes of the process that trains, or of its GPU."""

    peak: int  # of the whole run
    moment: str
    available: int
    measured_peak: int = 0  # of the look
    loaded: int = 0  # with the model loaded, before the first step
    planned: int  # by r1lite plan; 0 if it cannot plan this model
    measured: bool = True
    fits: bool = True
    buys: dict[str, int] = field(default_factory=dict)  # setting=value -> bytes that it adds, below 0
    advice: tuple[str, ...] = ()  # settings with which it fits


@dataclass(frozen=True, kw_only=True, slots=True)
class Worst:
    """The worst update: the longest prompt, every response as long as it may be."""

    prompt: int  # tokens
    response: int
    sequences: int
    micro_batches: int
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Time:
    """Seconds."""

    parts: dict[str, float]  # of a step
    step: float
    step_at_most: float  # if every response is cut off and every group counts
    steps: int
    others: dict[str, float]  # of the run's other stages, as far as they can be told, and of evaluations
    prompts: int  # of the largest step that was measured

    @property
    def stage(self) -> float:
        return self.steps * self.step


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Something that a user should know before the run starts."""

    name: str
    says: str
    overrides: tuple[str, ...] = ()
    refuses: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    looked: Looked
    example: Example
    signal: Signal
    responses: Responses
    rules: tuple[Rule, ...]
    hacks: Hacks
    memory: Memory
    worst: Worst | None
    time: Time | None

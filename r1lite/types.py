"""The nouns. Everything that walks through r1lite is one of these, and none of them changes once made."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

if TYPE_CHECKING:  # types.py is the ground floor: importing it must not import torch
    import torch
    from torch import Tensor

Message = Mapping[str, str]  # {"role": "user", "content": "..."}
Finish = Literal["stop", "length"]
Outcome = Literal["scored", "abstained", "failed", "timed_out"]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """A question whose answer a rule can check."""

    id: str
    prompt: str | tuple[Message, ...]
    answer: Any = None
    info: Mapping[str, Any] = field(default_factory=dict)  # every other column; rules read what they need


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """A worked answer, before any template: what a demonstration is made of."""

    thought: str
    answer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A prompt to complete, once for each seed."""

    prompt_ids: tuple[int, ...]
    seeds: tuple[int, ...]  # one for each completion; what it draws depends on nothing else
    max_tokens: int  # longest completion
    stop: tuple[str, ...] = ()  # strings that end a completion, besides the end tokens


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """What an engine sampled for one seed of a request."""

    token_ids: tuple[int, ...]  # includes the end token when finish is "stop"
    logprobs: tuple[float, ...]  # of each token, at the sampling temperature, before top-p and top-k
    finish: Finish
    version: int = 0  # of the weights


@dataclass(frozen=True, kw_only=True, slots=True)
class Rollout:
    """One completion that a model sampled. Token ids are kept and never made again from the text."""

    problem_id: str
    index: int  # which of the group's G samples
    prompt_ids: tuple[int, ...]
    token_ids: tuple[int, ...]  # includes the end token when finish is "stop"
    logprobs: tuple[float, ...]  # of each token, at the sampling temperature, before top-p and top-k
    text: str
    prefill: str = ""  # what the template had already written for the model, such as "<think>\n"
    finish: Finish = "stop"
    version: int = 0  # of the weights that sampled it: how often the sampler had been given new ones
    mask: tuple[bool, ...] = ()  # False on tokens of token_ids that an environment wrote; empty where the model wrote all

    @property
    def written(self) -> int:
        """Tokens that the model wrote."""
        return sum(self.mask) if self.mask else len(self.token_ids)

    @property
    def response(self) -> str:
        """The whole answer as a reader sees it, a prefilled opening tag included."""
        return self.prefill + self.text


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """All rollouts of one problem."""

    problem: Problem
    rollouts: tuple[Rollout, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What one rule says of one rollout, with its evidence."""

    value: float | None
    why: str = ""
    outcome: Outcome = "scored"


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """A rollout, its total reward and the verdict of every rule."""

    problem: Problem
    rollout: Rollout
    reward: float
    verdicts: Mapping[str, Verdict]
    right: bool = False  # by the one rule that says so, whatever else is paid


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One sequence to train on: a rollout with its advantage, or a demonstration (advantage 1)."""

    prompt_ids: tuple[int, ...]
    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...] = ()  # the sampler's; empty where no policy sampled it
    advantage: float = 1.0
    token_advantages: tuple[float, ...] = ()  # where they differ from token to token; then they count
    old_logprobs: tuple[float, ...] = ()  # the trainer's own, before the step, where they were recomputed
    values: tuple[float, ...] = ()  # of each token's state, by the critic, before the step
    returns: tuple[float, ...] = ()  # what the critic should have said
    mask: tuple[bool, ...] = ()  # False on tokens of token_ids that are not trained on; empty where all are

    @property
    def trained(self) -> int:
        """Tokens that are trained on."""
        return sum(self.mask) if self.mask else len(self.token_ids)


def on_mask(values: Sequence[T], mask: Sequence[bool]) -> list[T]:
    """The values, one for each token, where the mask is True; all of them where it is empty."""
    return [value for value, inside in zip(values, mask, strict=True) if inside] if mask and values else list(values)


def off_mask(values: Sequence[float], mask: Sequence[bool]) -> tuple[float, ...]:
    """The inverse: one value for each token, 0 where the mask is False."""
    inside = iter(values)
    return tuple(next(inside) if trained else 0.0 for trained in mask) if mask else tuple(values)


@dataclass(frozen=True, kw_only=True, slots=True)
class Credit:
    """What a rollout contributes to training."""

    sample: Sample
    trained: bool  # whether the sample is used in the update

    @property
    def advantage(self) -> float:
        """The mean over the trained tokens, where it differs from token to token."""
        tokens = on_mask(self.sample.token_advantages, self.sample.mask)
        return statistics.fmean(tokens) if tokens else self.sample.advantage


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Two responses to one prompt, of which the first is preferred."""

    chosen: Sample
    rejected: Sample
    margin: float = 0.0  # by how much, where it is known


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """What a whole optimiser step is divided by, whatever its micro-batches."""

    tokens: int  # of completions
    sequences: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompts:
    """The prompts that a micro-batch's completions share."""

    ids: Tensor  # [P, longest] padded on the right
    lengths: Tensor  # [P]
    of_row: Tensor  # [N] each row's prompt


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """A micro-batch: whole sequences, or with `prompts` completions alone; padded on the right.

    Column t of the [N, T] fields is token first + t of a whole sequence, or token t of a completion.
    """

    input_ids: Tensor  # [N, L]
    first: int | None  # where the earliest completion of the batch begins; T = L - first. None where prompts are shared
    mask: Tensor  # [N, T] 1.0 on completion tokens
    old_logp: Tensor  # [N, T] zeros where no policy sampled the tokens
    advantages: Tensor  # [N, T]
    totals: Totals
    rows: tuple[int, ...]  # where each sequence stood in what was collated
    prompts: Prompts | None = None
    sampler_logp: Tensor | None = None  # [N, T]
    values: Tensor | None = None  # [N, T] the critic's, before the step
    returns: Tensor | None = None  # [N, T]


class Task(Protocol):
    """Where problems come from. `demonstration` and `guess` are there where the task can write them."""

    name: str

    def problems(self, split: str) -> Sequence[Problem]: ...


class TeachingTask(Task, Protocol):
    """A task that can also show how a problem is solved: a cold-start set is made of these."""

    def demonstration(self, problem: Problem) -> Response: ...

    def guess(self, problem: Problem) -> str: ...


class Engine(Protocol):
    """Completes prompts: token ids in, token ids and log-probs out. It knows no problem, template or group."""

    ends: frozenset[int]  # tokens that end a completion

    @property
    def dtype(self) -> torch.dtype | None: ...  # what it computes in; None where it does not know

    def complete(self, requests: Sequence[Request], *, greedy: bool = False) -> Iterator[tuple[int, tuple[Completion, ...]]]: ...

    def load(self, weights: Iterable[tuple[str, Tensor]]) -> None: ...


class Sampler(Protocol):
    """Turns problems into groups of rollouts; yields each group as it finishes."""

    def sample(self, problems: Sequence[Problem], *, n: int, seed: str, greedy: bool = False) -> Iterator[Group]: ...

    def load(self, weights: Iterable[tuple[str, Tensor]]) -> None: ...


class Learner(Protocol):
    """What can be checkpointed, and saved when it is done."""

    def weights(self) -> Iterable[tuple[str, Tensor]]: ...

    def state(self) -> dict[str, Any]: ...

    def restore(self, weights: dict[str, Tensor], state: dict[str, Any]) -> None: ...

    def save(self, folder: Path) -> None: ...

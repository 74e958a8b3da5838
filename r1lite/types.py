"""Data types and protocols shared by all of r1lite. The data types are frozen."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:  # importing this module must not import torch
    import torch
    from torch import Tensor

Message = Mapping[str, str]  # {"role": "user", "content": "..."}
Finish = Literal["stop", "length"]
Ended = Literal["done", "turns", "tokens", "failed"]  # by the environment; at a limit; by a failure of the environment
Outcome = Literal["scored", "abstained", "failed", "timed_out"]
State = dict[str, Any]  # what a checkpoint holds besides tensors, as JSON
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """A question whose answer a rule can check."""

    id: str
    prompt: str | tuple[Message, ...]
    answer: Any = None
    info: Mapping[str, Any] = field(default_factory=dict)  # all other columns, for the rules that read them


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """A demonstration before any template: the reasoning and the final answer."""

    thought: str
    answer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A prompt to complete, once per seed."""

    prompt_ids: tuple[int, ...]
    seeds: tuple[int, ...]  # one per completion; a completion's random draws depend on nothing else
    max_tokens: int  # longest completion
    stop: tuple[str, ...] = ()  # strings that end a completion, besides the end tokens


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """What an engine sampled for one seed of a request."""

    token_ids: tuple[int, ...]  # includes the end token when finish is "stop"
    logprobs: tuple[float, ...]  # of each token, at the sampling temperature, before top-p and top-k
    finish: Finish
    version: int = 0  # of the weights: how often the engine had loaded new ones
    versions: tuple[tuple[int, int], ...] = ()  # of several: each version and how many tokens it sampled; `version` is the first


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """A part of an episode: what the model wrote, or what the environment wrote."""

    text: str
    tokens: int
    sampled: bool  # by the model


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """What an environment adds to a rollout, and how the model goes on after it."""

    token_ids: tuple[int, ...]
    seed: int  # of the model's next turn
    max_tokens: int  # longest next turn


Span = tuple[int, int]  # characters of a response: the first, and the one after the last


@dataclass(frozen=True, kw_only=True, slots=True)
class Rollout:
    """One sampled completion, or an episode. Its token ids are kept, never recomputed from the text.

    In an episode `text` is the last message without what the environment wrote into it, so that rules score the model's own words.
    """

    problem_id: str
    index: int  # in its group, 0 to G - 1
    prompt_ids: tuple[int, ...]
    token_ids: tuple[int, ...]  # includes the end token when finish is "stop"
    logprobs: tuple[float, ...]  # of each token, at the sampling temperature, before top-p and top-k
    text: str
    prefill: str = ""  # the start of the response if the template wrote it, such as "<think>\n"
    finish: Finish = "stop"
    version: int = 0  # of the weights that sampled it: how often the sampler had loaded new ones
    versions: tuple[tuple[int, int], ...] = ()  # if several sampled it: each version and its number of tokens; `version` is the first
    mask: tuple[bool, ...] = ()  # False on tokens that an environment wrote; empty if the model wrote all of token_ids
    turns: tuple[Turn, ...] = ()  # of an episode, in order; empty for a single completion
    ended: Ended | None = None  # why the episode ended
    failure: Verdict | None = None  # of the environment: the verdict of every rule

    @property
    def written(self) -> int:
        """How many tokens the model wrote."""
        return sum(self.mask) if self.mask else len(self.token_ids)

    @property
    def response(self) -> str:
        """The whole response as a reader sees it, including a prefilled opening tag."""
        return self.prefill + self.text


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """All rollouts of one problem."""

    problem: Problem
    rollouts: tuple[Rollout, ...]
    place: int = 0  # of the problem among those that were asked for


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What one rule says about one rollout: an outcome, a value and the reason."""

    value: float | None
    why: str = ""
    outcome: Outcome = "scored"
    how: str = field(default="", compare=False)  # the way in which a rule with several ways reached it
    spans: tuple[Span, ...] = field(default=(), compare=False)  # where in the response the evidence is


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """A rollout, its total reward and the verdict of every rule."""

    problem: Problem
    rollout: Rollout
    reward: float
    verdicts: Mapping[str, Verdict]
    right: bool = False  # correct according to scoring.right_rule, whatever the other rules pay


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One sequence to train on: a rollout with its advantage, or a demonstration (advantage 1)."""

    prompt_ids: tuple[int, ...]
    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...] = ()  # from the sampler; empty if the tokens were not sampled
    advantage: float = 1.0
    token_advantages: tuple[float, ...] = ()  # if the advantage differs between tokens; replaces `advantage`
    old_logprobs: tuple[float, ...] = ()  # from the trainer before the step, if they were recomputed
    values: tuple[float, ...] = ()  # from the critic before the step, of the state before each token
    returns: tuple[float, ...] = ()  # targets of the critic
    mask: tuple[bool, ...] = ()  # False on tokens that are not trained on; empty if all of token_ids are

    @property
    def trained(self) -> int:
        """How many tokens are trained on."""
        return sum(self.mask) if self.mask else len(self.token_ids)


def masked_select(values: Sequence[T], mask: Sequence[bool]) -> list[T]:
    """The values, one per token, where the mask is True. An empty mask selects all of them."""
    return [value for value, selected in zip(values, mask, strict=True) if selected] if mask and values else list(values)


def masked_scatter(values: Sequence[float], mask: Sequence[bool]) -> tuple[float, ...]:
    """Undo `masked_select`: one value per token, 0 where the mask is False."""
    selected = iter(values)
    return tuple(next(selected) if trained else 0.0 for trained in mask) if mask else tuple(values)


@dataclass(frozen=True, kw_only=True, slots=True)
class Credit:
    """What a rollout contributes to training."""

    sample: Sample
    trained: bool  # whether the sample is used in the update

    @property
    def advantage(self) -> float:
        """The rollout's advantage; the mean over the trained tokens if they differ."""
        tokens = masked_select(self.sample.token_advantages, self.sample.mask)
        return statistics.fmean(tokens) if tokens else self.sample.advantage


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """A preferred and a rejected response to one prompt."""

    chosen: Sample
    rejected: Sample
    margin: float = 0.0  # how much better the chosen one is, if known


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """The divisors of a loss: those of the whole optimiser step, in each of its micro-batches."""

    tokens: int  # trained on
    sequences: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompts:
    """The prompts that the completions of a micro-batch share."""

    ids: Tensor  # [P, longest] padded on the right
    lengths: Tensor  # [P]
    of_row: Tensor  # [N] index of each row's prompt


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """A micro-batch, padded on the right: whole sequences, or only completions if there are shared `prompts`.

    Column t of the [N, T] fields is token first + t of a whole sequence, or token t of a completion.
    """

    input_ids: Tensor  # [N, L]
    first: int | None  # column of the earliest completion token, T = L - first; None if prompts are shared
    mask: Tensor  # [N, T] 1.0 on tokens that are trained on
    old_logp: Tensor  # [N, T] zeros if the tokens were not sampled
    advantages: Tensor  # [N, T]
    totals: Totals
    rows: tuple[int, ...]  # each sequence's index among the samples that were collated
    blank: bool = False  # computed only to keep step with the passes of other ranks; it counts nothing
    prompts: Prompts | None = None
    sampler_logp: Tensor | None = None  # [N, T]
    values: Tensor | None = None  # [N, T] from the critic, before the step
    returns: Tensor | None = None  # [N, T]


class Task(Protocol):
    """A source of problems."""

    name: str

    def problems(self, split: str) -> Sequence[Problem]: ...


class TeachingTask(Task, Protocol):
    """A task that can also write worked solutions and guesses, for cold start and pre-training."""

    def demonstration(self, problem: Problem) -> Response: ...

    def guess(self, problem: Problem) -> str: ...


class Engine(Protocol):
    """Completes prompts: token ids in, token ids and log-probs out. It knows nothing of problems, templates or groups."""

    ends: frozenset[int]  # tokens that end a completion

    @property
    def dtype(self) -> torch.dtype | None: ...  # of its computation; None if unknown

    def complete(self, requests: Sequence[Request], *, greedy: bool = False) -> Iterator[tuple[int, tuple[Completion, ...]]]: ...

    def load(self, weights: Iterable[tuple[str, Tensor]]) -> None: ...


RolloutId = tuple[int, int]  # the index of its request, and its index among the request's completions


class Turns(Protocol):
    """The other side of episodes, as an engine sees it."""

    def ended(self, turns: Sequence[tuple[RolloutId, Completion]]) -> None:
        """Take turns that the model has finished. Returns at once; the environment works in the background."""
        ...

    def following(self, rollout: RolloutId) -> Given | None:
        """Wait for the environment's reply to a rollout's last turn; None if the episode has ended."""
        ...


@runtime_checkable
class Conversing(Protocol):
    """An engine that keeps keys and values of rollouts while they wait for their environment."""

    def converse(self, requests: Sequence[Request], turns: Turns, *, greedy: bool = False) -> Iterator[int]:
        """The index of each request, as soon as all of its episodes have ended."""
        ...


@runtime_checkable
class Measured(Protocol):
    """An engine with metrics of its own."""

    def metrics(self) -> dict[str, float]: ...


class Sampler(Protocol):
    """Turns this rank's share of the problems into groups of rollouts; yields each group as it finishes."""

    def sample(self, problems: Sequence[Problem], *, n: int, seed: str, greedy: bool = False) -> Iterator[Group]: ...

    def metrics(self) -> dict[str, float]: ...

    def load(self, weights: Iterable[tuple[str, Tensor]]) -> None: ...


class Learner(Protocol):
    """A model in training that can be checkpointed, restored and saved."""

    def weights(self) -> Iterable[tuple[str, Tensor]]: ...

    def tensors(self) -> Mapping[str, Tensor]:
        """All that a checkpoint holds: weights, moments, references. They are filled in place to resume."""
        ...

    def numbers(self) -> State:
        """What else it holds."""
        ...

    def resume(self, numbers: State) -> None:
        """Take over the numbers of a checkpoint, and have the tensors that it holds."""
        ...

    def resumed(self) -> None:
        """The tensors have been filled."""
        ...

    def save(self, folder: Path) -> None: ...

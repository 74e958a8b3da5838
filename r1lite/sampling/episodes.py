"""Samples episodes with any engine: the turns of the model from the engine, those between them from environments.

Token ids are kept as they were sampled and as they were given; nothing is decoded and encoded again, and no earlier turn is rendered
a second time. So a thought stays in the context of later turns, even if the chat template would leave it out of earlier messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from r1lite.config import SamplerConfig
from r1lite.episodes.contract import Insert
from r1lite.episodes.host import Host
from r1lite.episodes.play import Call, Reply
from r1lite.parallel import share
from r1lite.prompt import Prompter
from r1lite.sampling.rollouts import Sampler, as_text, seed_of, streams
from r1lite.types import (
    Completion,
    Conversing,
    Ended,
    Engine,
    Given,
    Group,
    Message,
    Problem,
    Request,
    Rollout,
    RolloutId,
    Turn,
    Turns,
    Verdict,
)


class EpisodeSampler(Sampler):
    """Samples groups of episodes."""

    def __init__(self, engine: Engine, prompter: Prompter, cfg: SamplerConfig, host: Host, *, most_turns: int) -> None:
        super().__init__(engine, prompter, cfg)
        self.host, self.most_turns = host, most_turns

    def sample(self, problems: Sequence[Problem], *, n: int, seed: str, greedy: bool = False) -> Iterator[Group]:
        """A group of n episodes for each problem of this rank's share, yielded as soon as all of them have ended."""
        named = list(zip(problems, streams(problems), strict=True))
        own = share.every_nth(named)
        begun = self.host.ask([Call(key=f"{seed}/{stream}", problem=problem) for _, (problem, stream) in own])
        told = [future.result() for future in begun]
        ready = [index for index, first in enumerate(told) if isinstance(first, tuple)]
        for index, first in enumerate(told):
            if isinstance(first, Verdict):
                yield self._without_start(own[index][0], own[index][1][0], first, n)
        asked = [replace(own[index][1][0], prompt=told[index]) for index in ready]
        names = [own[index][1][1] for index in ready]
        requests = [self._request(problem, stream, n, seed) for problem, stream in zip(asked, names, strict=True)]
        prefills = [self.prompter.response_prefix(problem) for problem in asked]
        dialogue = Dialogue(self, requests, [own[index][1][0] for index in ready], names=names, prefills=prefills, seed=seed)
        for number in self._converse(requests, dialogue, greedy=greedy):
            place, (problem, _) = own[ready[number]]
            yield Group(problem=problem, rollouts=tuple(dialogue.rollout(number, i) for i in range(n)), place=place)
        self.host.forget()

    def _request(self, problem: Problem, stream: str, n: int, seed: str) -> Request:
        return Request(
            prompt_ids=self.prompter.ids(problem),
            seeds=tuple(seed_of(seed, stream, index) for index in range(n)),
            max_tokens=self.cfg.max_tokens,
            stop=(*self.cfg.stop, *self.host.stop),
        )

    def _converse(self, requests: Sequence[Request], dialogue: Dialogue, *, greedy: bool) -> Iterator[int]:
        if isinstance(self.engine, Conversing):
            return self.engine.converse(requests, dialogue, greedy=greedy)
        return in_rounds(self.engine, requests, dialogue, greedy=greedy)

    def _without_start(self, place: int, problem: Problem, failure: Verdict, n: int) -> Group:
        nothing = {"prompt_ids": self.prompter.ids(problem), "token_ids": (), "logprobs": (), "text": ""}
        rollouts = (Rollout(problem_id=problem.id, index=i, ended="failed", failure=failure, **nothing) for i in range(n))
        return Group(problem=problem, rollouts=tuple(rollouts), place=place)


def in_rounds(engine: Engine, requests: Sequence[Request], turns: Turns, *, greedy: bool) -> Iterator[int]:
    """Episodes with an engine that knows no turns: a round completes one turn of every episode, from all tokens before it."""
    open_in = [len(request.seeds) for request in requests]
    asked: list[tuple[Request, list[RolloutId]]] = [(r, [(i, j) for j in range(len(r.seeds))]) for i, r in enumerate(requests)]
    so_far: dict[RolloutId, tuple[int, ...]] = {rollout: request.prompt_ids for request, of in asked for rollout in of}
    while asked:
        for index, completions in engine.complete([request for request, _ in asked], greedy=greedy):
            finished = list(zip(asked[index][1], completions, strict=True))
            for rollout, completion in finished:
                so_far[rollout] += completion.token_ids
            turns.ended(finished)
        following: list[tuple[Request, list[RolloutId]]] = []
        for rollout in [rollout for _, of in asked for rollout in of]:
            given = turns.following(rollout)
            if given is None:
                open_in[rollout[0]] -= 1
                if not open_in[rollout[0]]:
                    yield rollout[0]
                continue
            so_far[rollout] += given.token_ids
            stop = requests[rollout[0]].stop
            following.append((Request(prompt_ids=so_far[rollout], seeds=(given.seed,), max_tokens=given.max_tokens, stop=stop), [rollout]))
        asked = following


@dataclass(slots=True)
class _Episode:
    """One rollout in progress."""

    parts: list[tuple[Turn, tuple[int, ...], tuple[float, ...]]] = field(default_factory=list)  # each with its ids and log-probs
    replies: list[str] = field(default_factory=list)
    message: str = ""  # what the model has written of its last message
    finish: str = "stop"
    version: int = 0
    pending: Future[Reply] | None = None
    ended: Ended | None = None
    failure: Verdict | None = None

    @property
    def tokens(self) -> int:
        return sum(len(ids) for _, ids, _ in self.parts)


class Dialogue:
    """The environments' side of one call of `sample`, and the record of its rollouts."""

    def __init__(
        self,
        sampler: EpisodeSampler,
        requests: Sequence[Request],
        problems: Sequence[Problem],
        *,
        names: Sequence[str],  # of the problems' random numbers
        prefills: Sequence[str],
        seed: str,
    ) -> None:
        self.sampler, self.requests, self.problems = sampler, requests, problems
        self.names, self.prefills, self.seed = names, prefills, seed
        self.episodes = {(i, j): _Episode() for i, request in enumerate(requests) for j in range(len(request.seeds))}

    def ended(self, turns: Sequence[tuple[RolloutId, Completion]]) -> None:
        calls = []
        for rollout, completion in turns:
            episode = self.episodes[rollout]
            text = as_text(self.sampler.prompter.tokenizer, completion.token_ids, self.sampler.engine.ends)
            if not episode.message and not episode.replies:
                episode.version = completion.version
            turn = Turn(text=text, tokens=len(completion.token_ids), sampled=True)
            episode.parts.append((turn, completion.token_ids, completion.logprobs))
            index, number = rollout
            episode.replies.append(text if episode.message else self.prefills[index] + text)
            episode.message += text
            if completion.finish == "length":
                episode.ended = "tokens"
            else:
                call = Call(key=f"{self.seed}/{self.names[index]}/{number}", problem=self.problems[index], replies=tuple(episode.replies))
                calls.append((episode, call))
        for (episode, _), future in zip(calls, self.sampler.host.ask([call for _, call in calls]), strict=True):
            episode.pending = future

    def following(self, rollout: RolloutId) -> Given | None:
        episode = self.episodes[rollout]
        if episode.ended is not None:
            return None
        assert episode.pending is not None
        reply, episode.pending = episode.pending.result(), None
        if isinstance(reply, Verdict):
            episode.ended, episode.failure = "failed", reply
            return None
        if reply is None or len(episode.replies) >= self.sampler.most_turns:
            episode.ended = "done" if reply is None else "turns"
            return None
        ids, text = self._given(episode, reply)
        left = self.requests[rollout[0]].max_tokens - episode.tokens - len(ids)
        if left < 1:
            episode.ended = "tokens"
            return None
        if not isinstance(reply, Insert):
            episode.message = ""
        episode.parts.append((Turn(text=text, tokens=len(ids), sampled=False), ids, (0.0,) * len(ids)))
        index, number = rollout
        seed = seed_of(self.seed, self.names[index], f"{number}/{len(episode.replies)}")
        return Given(token_ids=ids, seed=seed, max_tokens=left)

    def _given(self, episode: _Episode, reply: Insert | tuple[Message, ...]) -> tuple[tuple[int, ...], str]:
        prompter = self.sampler.prompter
        if isinstance(reply, Insert):
            text = prompter.harmless(reply.text)
            return prompter.text_ids(text), text
        last = episode.parts[-1][1]
        ids = prompter.next_turn_ids(reply, last[-1] if last and last[-1] in self.sampler.engine.ends else None)
        return ids, "\n\n".join(message["content"] for message in reply)

    def rollout(self, index: int, number: int) -> Rollout:
        episode, sampler = self.episodes[index, number], self.sampler
        turns = tuple(turn for turn, _, _ in episode.parts)
        return Rollout(
            problem_id=self.problems[index].id,
            index=number,
            prompt_ids=self.requests[index].prompt_ids,
            token_ids=tuple(t for _, ids, _ in episode.parts for t in ids),
            logprobs=tuple(x for _, _, logprobs in episode.parts for x in logprobs),
            text=episode.message,
            prefill=self.prefills[index],
            finish="length" if episode.ended == "tokens" else "stop",
            version=episode.version and episode.version + sampler.earlier_loads,
            mask=() if len(turns) == 1 else tuple(t.sampled for t in turns for _ in range(t.tokens)),
            turns=turns,
            ended=episode.ended,
            failure=episode.failure,
        )

"""An engine completes requests, each by its own terms, whatever else is in the batch."""

from __future__ import annotations

from typing import Any

import pytest

from r1lite.prompt import Prompter
from r1lite.sampling.native.engine import NativeEngine
from r1lite.types import Completion, Problem, Request


@pytest.fixture
def engine(model: Any, tokenizer: Any, config: Any) -> NativeEngine:
    return NativeEngine(model, tokenizer, config("sampler.max_rows=7").sampler)


def requests(tokenizer: Any) -> list[Request]:
    """Different prompts, numbers of completions, limits and stop strings."""
    prompter = Prompter(tokenizer=tokenizer)
    prompts = [prompter.ids(Problem(id=str(i), prompt="x" * (4 * i + 1))) for i in range(6)]
    return [
        Request(prompt_ids=ids, seeds=tuple(range(10 * i, 10 * i + 1 + i % 3)), max_tokens=5 + 4 * i, stop=("a",) if i == 4 else ())
        for i, ids in enumerate(prompts)
    ]


def completed(engine: NativeEngine, wanted: list[Request], **how: bool) -> dict[int, tuple[Completion, ...]]:
    done = dict(engine.complete(wanted, **how))
    assert sorted(done) == list(range(len(wanted)))
    return done


def test_a_request_gets_its_completions_whatever_shares_the_batch(engine: NativeEngine, tokenizer: Any) -> None:
    wanted = requests(tokenizer)
    together = completed(engine, wanted)
    for place, request in enumerate(wanted):
        assert len(together[place]) == len(request.seeds)
        alone = completed(engine, [request])[0]
        for a, b in zip(together[place], alone, strict=True):
            assert (a.token_ids, a.finish) == (b.token_ids, b.finish)
            assert a.logprobs == pytest.approx(b.logprobs, abs=1e-4)


def test_each_ends_at_its_own_limit(engine: NativeEngine, tokenizer: Any) -> None:
    engine.ends = frozenset()
    wanted = requests(tokenizer)
    for place, done in completed(engine, wanted).items():
        for completion in done:
            assert len(completion.token_ids) == len(completion.logprobs) <= wanted[place].max_tokens
            if completion.finish == "length":
                assert len(completion.token_ids) == wanted[place].max_tokens
            else:
                assert wanted[place].stop
                assert tokenizer.decode(list(completion.token_ids)).endswith("a")


def test_a_seed_says_what_is_drawn(engine: NativeEngine, tokenizer: Any) -> None:
    ids = requests(tokenizer)[2].prompt_ids
    (done,) = completed(engine, [Request(prompt_ids=ids, seeds=(1, 2, 1), max_tokens=12)]).values()
    assert done[0].token_ids == done[2].token_ids != done[1].token_ids
    (greedy,) = completed(engine, [Request(prompt_ids=ids, seeds=(1, 2), max_tokens=12)], greedy=True).values()
    assert greedy[0].token_ids == greedy[1].token_ids


def test_completions_say_which_weights_they_come_from(engine: NativeEngine, tokenizer: Any) -> None:
    wanted = requests(tokenizer)[:2]
    engine.load([])
    engine.load([])
    assert {c.version for done in completed(engine, wanted).values() for c in done} == {2}

"""The order of problems, what there is to save, and prompts over the limit."""

import pytest

from r1lite.config import PromptConfig
from r1lite.data.feed import Feed
from r1lite.models.tiny import build_tokenizer
from r1lite.prompt import Prompter
from r1lite.types import Problem

PROMPTER = Prompter(tokenizer=build_tokenizer())


def problems(*lengths: int) -> list[Problem]:
    """With prompts of so many tokens, the two of the template included."""
    return [Problem(id=str(i), prompt="x" * (length - 2)) for i, length in enumerate(lengths)]


def feed(given: list[Problem], *, seed: str = "s", position: int = 0, most: int = 10, too_long: str = "skip") -> Feed:
    limits = PromptConfig(max_tokens=most, too_long=too_long)
    return Feed(given, seed=seed, prompter=PROMPTER, limits=limits, position=position)


def ids(taken: list[Problem]) -> list[str]:
    return [p.id for p in taken]


def test_an_epoch_is_every_problem_once_in_an_order_of_its_own() -> None:
    taken = ids(feed(problems(*[5] * 20)).take(60))
    epochs = [taken[:20], taken[20:40], taken[40:]]
    assert [sorted(epoch, key=int) for epoch in epochs] == [[str(i) for i in range(20)]] * 3
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_the_order_follows_from_seed_and_position_alone() -> None:
    twenty = problems(*[5] * 20)
    whole = ids(feed(twenty).take(50))
    assert whole == ids(feed(twenty).take(50))
    assert whole != ids(feed(twenty, seed="t").take(50))
    bits = feed(twenty)
    assert [i for n in (1, 7, 19, 23) for i in ids(bits.take(n))] == whole
    assert bits.position == 50
    assert whole[33:] == ids(feed(twenty, position=33).take(17))


def test_prompts_over_the_limit_are_skipped_and_counted() -> None:
    mixed = feed(problems(10, 11, 10, 99))
    assert sorted(ids(mixed.take(2))) == ["0", "2"]
    mixed.take(2)
    assert mixed.skipped in (2, 3, 4)
    mixed.take(100)
    assert mixed.position - mixed.skipped == 104


def test_the_position_counts_skipped_prompts_too() -> None:
    mixed = problems(5, 50, 5, 50, 5)
    one = feed(mixed)
    first, place = one.take(4), one.position
    assert place > 4
    assert ids(feed(mixed, position=place).take(6)) == ids(one.take(6))
    assert ids(feed(mixed).take(10))[:4] == ids(first)


@pytest.mark.parametrize("seed", ["a", "b", "c", "d", "e", "f", "g", "h"])
def test_one_prompt_that_fits_is_enough_wherever_an_epoch_puts_it(seed: str) -> None:
    assert ids(feed(problems(50, 5, 50), seed=seed).take(20)) == ["1"] * 20


def test_where_every_prompt_is_too_long_nothing_waits_for_ever() -> None:
    with pytest.raises(ValueError, match=r"every prompt is longer than prompt\.max_tokens=10: raise it, or shorten the prompts"):
        feed(problems(11, 12, 13)).take(1)
    with pytest.raises(ValueError, match="every prompt is longer"):
        feed(problems(11)).take(1)


def test_an_evaluation_takes_no_problem_twice() -> None:
    mixed = feed(problems(5, 50, 5, 50, 5))
    assert sorted(ids(mixed.take_once(99))) == ["0", "2", "4"]
    assert mixed.skipped == 2
    twenty = problems(*[5] * 20)
    assert ids(feed(twenty).take_once(8)) == ids(feed(twenty).take(8))
    with pytest.raises(ValueError, match="every prompt is longer"):
        feed(problems(11, 12)).take_once(1)


def test_prompts_over_the_limit_are_refused_where_that_is_wanted() -> None:
    with pytest.raises(ValueError, match=r"the prompt of 0 has 11 tokens, but prompt\.max_tokens is 10\. .*prompt\.too_long=skip"):
        feed(problems(11), too_long="refuse").take(1)
    assert ids(feed(problems(10), too_long="refuse").take(1)) == ["0"]


def test_what_cannot_work_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="the data set is empty"):
        feed([])
    with pytest.raises(ValueError, match=r"prompt\.too_long must be skip or refuse, got 'cut'"):
        feed(problems(5), too_long="cut")

"""Who is trained on, and with what advantage: every algorithm's way from rewards, on small groups."""

import math
from collections.abc import Sequence

import pytest
from scored import scored

from r1lite.config import AlgorithmConfig
from r1lite.rl.credit import Credits, credit, samples_of
from r1lite.types import Sample, Scored


class Told:
    """A reference that finds every token half as likely, and a critic that expects a quarter."""

    def reference_logprobs(self, samples: Sequence[Sample]) -> list[list[float]]:
        return [[logp - math.log(2) for logp in s.logprobs] for s in samples]

    def values(self, samples: Sequence[Sample]) -> list[list[float]]:
        return [[0.25] * len(s.token_ids) for s in samples]


def credits(groups: list[list[Scored]], shuffle: str = "", weights: dict[str, float] | None = None, **changes: object) -> Credits:
    a = AlgorithmConfig.preset("reinforce", **changes)
    return credit(groups, a, Told(), weights=weights or {"rule": 1.0}, shuffle=shuffle)


def advantages(given: Credits) -> list[list[float | None]]:
    return [[None if c is None else c.advantage for c in row] for row in given]


def test_a_rollout_that_was_not_judged_is_compared_with_nobody() -> None:
    given = credits([[scored(1.0), scored(0.0, outcome="failed"), scored(0.0)]])
    assert advantages(given) == [[0.5, None, -0.5]]
    assert [s.advantage for s in samples_of(given)] == [0.5, -0.5]


def test_groups_without_signal_are_left_out() -> None:
    groups = [[scored(1.0), scored(1.0)], [scored(1.0), scored(0.0)]]
    assert [s.advantage for s in samples_of(credits(groups))] == [0.5, -0.5]
    assert [s.advantage for s in samples_of(credits(groups, keep="all"))] == [0.0, 0.0, 0.5, -0.5]


def test_shuffled_rewards_stay_in_their_group_and_follow_the_seed() -> None:
    groups = [[scored(float(i)) for i in range(6)], [scored(1.0), scored(0.0)]]
    given = advantages(credits(groups, shuffle="a"))
    assert sorted(a for a in given[0] if a is not None) == [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5]
    assert given == advantages(credits(groups, shuffle="a"))
    assert given != advantages(credits(groups))


def test_filters_choose_after_the_group_was_compared() -> None:
    group = [[scored(3.0), scored(2.0), scored(1.0), scored(0.0)]]
    assert [s.advantage for s in samples_of(credits(group, keep="above_mean"))] == [1.5, 0.5]
    assert [s.advantage for s in samples_of(credits(group, keep="top_fraction", keep_fraction=0.25))] == [1.5]


def test_a_response_that_was_cut_off_may_be_left_out() -> None:
    group = [[scored(1.0), scored(0.0, finish="length")]]
    assert [s.advantage for s in samples_of(credits(group, mask_overlong=True))] == [0.5]


def test_a_kl_in_the_reward_is_charged_for_every_token() -> None:
    group = [[scored(1.0, tokens=1), scored(1.0, tokens=3)]]  # equal rewards, and the longer pays more
    given = credits(group, keep="all", reward_kl_coef=0.1)
    assert advantages(given)[0] == pytest.approx([0.1 * math.log(2), -0.1 * math.log(2)])


def test_what_is_still_to_come_is_each_tokens_credit() -> None:
    (sample,) = samples_of(credits([[scored(1.0, tokens=3)]], keep="all", center="none", advantage="return_to_go", gamma=0.5))
    assert sample.token_advantages == (0.25, 0.5, 1.0)


def test_with_a_critic_a_token_is_worth_more_than_was_expected() -> None:
    settings = {"keep": "all", "center": "none", "advantage": "gae", "critic": "separate"}
    (sample,) = samples_of(credits([[scored(1.0)]], lam=1.0, **settings))
    assert (sample.token_advantages, sample.returns, sample.values) == ((0.75, 0.75), (1.0, 1.0), (0.25, 0.25))
    (sample,) = samples_of(credits([[scored(1.0)]], lam=0.0, **settings))
    assert (sample.token_advantages, sample.returns) == ((0.0, 0.75), (0.25, 1.0))


def test_whitening_is_over_what_is_trained_on() -> None:
    groups = [[scored(1.0, tokens=1), scored(0.0, tokens=3)], [scored(5.0), scored(5.0)]]
    told = [a for s in samples_of(credits(groups, whiten="tokens")) for a in s.token_advantages]
    assert len(told) == 4
    assert sum(told) == pytest.approx(0, abs=1e-9)
    assert sum(a * a for a in told) / 3 == pytest.approx(1, abs=1e-6)


def test_the_best_of_k_and_each_rule_by_itself() -> None:
    group = [[scored(1.0), scored(0.0), scored(0.5)]]
    assert advantages(credits(group, advantage="pass_at_k", pass_k=3))[0] == [0.5, 0.0, 0.0]
    mixed = [[scored(1.0, a=1.0, b=0.0), scored(0.0, a=0.0, b=0.0), scored(0.0, a=0.0, b=1.0)]]
    best, none, other = advantages(credits(mixed, advantage="gdpo", weights={"a": 2.0, "b": 1.0}))[0]
    assert best is not None and none is not None and other is not None  # noqa: PT018
    assert best > other > none
    equal = [[scored(1.0, a=1.0, b=0.0), scored(1.0, a=0.0, b=1.0)]]  # equal totals, of different rules
    assert len(samples_of(credits(equal, advantage="gdpo", weights={"a": 1.0, "b": 1.0}))) == 2
    assert samples_of(credits(equal)) == []

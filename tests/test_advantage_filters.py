"""What is kept of a group."""

import pytest

from r1lite.rl.filters import kept


def indices(rewards: list[float], keep: str, fraction: float = 1.0) -> list[int]:
    return [i for i, yes in enumerate(kept(rewards, keep=keep, fraction=fraction)) if yes]


def test_a_group_with_signal_is_kept_whole() -> None:
    assert indices([1.0, 0.0, 0.0], "signal") == [0, 1, 2]
    assert indices([1.0, 1.0, 1.0], "signal") == []
    assert indices([1.0, 1.0, 1.0], "all") == [0, 1, 2]
    assert indices([], "all") == indices([], "signal") == indices([], "above_mean") == indices([], "top_fraction") == []


def test_the_hard_filter_is_strict() -> None:
    assert indices([1.0, 0.0, 0.5, 0.5], "above_mean") == [0]
    assert indices([1.0, 1.0, 0.0], "above_mean") == [0, 1]
    assert indices([1.0, 1.0], "above_mean") == []
    assert indices([0.1 + 0.2, 0.3, 0.3], "above_mean") == []  # rounding is no lead
    assert indices([0.0, 0.3, 0.6, 0.1 + 0.2], "above_mean") == [2]


@pytest.mark.parametrize(
    ("fraction", "expected"), [(0.01, [3]), (0.25, [3]), (0.5, [0, 3]), (0.6, [0, 3]), (0.75, [0, 2, 3]), (1.0, [0, 1, 2, 3])]
)
def test_the_soft_filter_rounds_down_but_keeps_one(fraction: float, expected: list[int]) -> None:
    assert indices([0.5, 0.1, 0.4, 0.9], "top_fraction", fraction) == expected


def test_of_equals_at_the_edge_the_soft_filter_keeps_those_sampled_first() -> None:
    assert indices([0.0, 1.0, 0.0, 0.0], "top_fraction", 0.5) == [0, 1]
    assert indices([1.0, 1.0, 0.0, 1.0], "top_fraction", 0.5) == [0, 1]
    assert indices([1.0, 1.0, 1.0, 1.0], "top_fraction", 0.5) == []


def test_a_fraction_means_what_it_says_in_decimals() -> None:
    rewards = [float(i) for i in range(100)]
    assert [len(indices(rewards, "top_fraction", f)) for f in (0.29, 0.07, 0.57, 0.58)] == [29, 7, 57, 58]


def test_unknown_filters_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown keep 'best'\. Known: signal, all, above_mean, top_fraction\."):
        kept([1.0], keep="best")
    with pytest.raises(ValueError, match=r"algorithm\.keep_fraction must be above 0 and at most 1, got 0\.0"):
        kept([1.0, 0.0], keep="top_fraction", fraction=0.0)

"""Advantages on lists small enough to work out by hand."""

import math

import pytest

from r1lite.advantage import group_advantages, has_signal


def test_without_a_scale_advantages_are_distances_from_the_mean() -> None:
    assert group_advantages([[1, 0]], scale="none") == [[0.5, -0.5]]
    assert group_advantages([[1.0, 0.0, 0.0, 0.0], [2.0, 4.0]], scale="none") == [[0.75, -0.25, -0.25, -0.25], [-1.0, 1.0]]


def test_the_scale_is_the_sample_deviation() -> None:
    assert group_advantages([[1.0, 3.0]], eps=0.0) == [[-1 / math.sqrt(2), 1 / math.sqrt(2)]]
    assert group_advantages([[0.0, 3.0, 6.0]], eps=0.0) == [[-1.0, 0.0, 1.0]]
    assert group_advantages([[0.0, 3.0, 6.0]], eps=3.0) == [[-0.5, 0.0, 0.5]]
    assert group_advantages([[0.0, 3.0, 6.0]]) == [[-3 / 3.0001, 0.0, 3 / 3.0001]]


def test_without_a_centre_rewards_stay_where_they_are() -> None:
    assert group_advantages([[0.0, 3.0, 6.0]], center="none", eps=0.0) == [[0.0, 1.0, 2.0]]
    assert group_advantages([[1.0, 2.0]], center="none", scale="none") == [[1.0, 2.0]]


def test_each_group_is_compared_within_itself() -> None:
    assert group_advantages([[0, 1], [10, 11]], scale="none") == [[-0.5, 0.5], [-0.5, 0.5]]


@pytest.mark.parametrize("center", ["mean", "none"])
@pytest.mark.parametrize("scale", ["std", "none"])
def test_a_group_without_spread_says_exactly_nothing(center: str, scale: str) -> None:
    flat = [[1.0, 1.0, 1.0], [0.1] * 3, [0.0, 0.0], [5.0], []]
    assert group_advantages(flat, center=center, scale=scale) == [[0.0, 0.0, 0.0], [0.0] * 3, [0.0, 0.0], [0.0], []]


def test_signal_is_a_difference() -> None:
    assert [has_signal(r) for r in ([], [1.0], [1.0, 1.0], [1.0, 0.0], [1, 1.0])] == [False, False, False, True, False]


def test_unknown_parts_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown center 'median'\. Known: mean, none\."):
        group_advantages([[1, 0]], center="median")
    with pytest.raises(ValueError, match=r"unknown scale 'mad'\. Known: std, none\."):
        group_advantages([[1, 0]], scale="mad")

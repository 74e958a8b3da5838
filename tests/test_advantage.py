"""Advantages on lists small enough to work out by hand, and against tensors for those that are not."""

import itertools
import math
import random

import pytest
import torch

from r1lite.advantage import (
    gae,
    gdpo_advantages,
    group_advantages,
    has_signal,
    pass_at_k_advantages,
    returns_to_go,
    token_rewards,
    whiten,
)

FLAT = [[1.0, 1.0, 1.0], [0.1] * 3, [0.0, 0.0], [5.0], []]
ZEROS = [[0.0] * len(group) for group in FLAT]


def near(rows: object) -> object:
    return [pytest.approx(row, abs=1e-12) for row in rows]  # pyright: ignore


def random_groups(seed: int, *, groups: int = 5, size: int = 4) -> list[list[float]]:
    rng = random.Random(seed)
    return [[rng.choice([0.0, 0.5, 1.0, rng.random()]) for _ in range(size)] for _ in range(groups)]


def test_without_a_scale_advantages_are_distances_from_the_mean() -> None:
    assert group_advantages([[1, 0]], scale="none") == [[0.5, -0.5]]
    assert group_advantages([[1.0, 0.0, 0.0, 0.0], [2.0, 4.0]], scale="none") == [[0.75, -0.25, -0.25, -0.25], [-1.0, 1.0]]


def test_the_scale_is_the_sample_deviation() -> None:
    assert group_advantages([[1.0, 3.0]], eps=0.0) == near([[-1 / math.sqrt(2), 1 / math.sqrt(2)]])
    assert group_advantages([[0.0, 3.0, 6.0]], eps=0.0) == [[-1.0, 0.0, 1.0]]
    assert group_advantages([[0.0, 3.0, 6.0]], eps=3.0) == [[-0.5, 0.0, 0.5]]
    assert group_advantages([[0.0, 3.0, 6.0]]) == [[-3 / 3.0001, 0.0, 3 / 3.0001]]


def test_leave_one_out_compares_with_the_others() -> None:
    assert group_advantages([[1.0, 0.0, 0.5, 0.0]], center="leave_one_out", scale="none") == near([[5 / 6, -0.5, 1 / 6, -0.5]])
    for group in random_groups(0):
        others = [r - (sum(group) - r) / (len(group) - 1) for r in group]
        assert group_advantages([group], center="leave_one_out", scale="none") == near([others])


def test_the_batch_scale_is_one_deviation_for_all() -> None:
    groups = [[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]
    spread = torch.tensor(groups).std().item()
    assert group_advantages(groups, scale="batch", eps=0.0) == [[pytest.approx(0.5 / spread), pytest.approx(-0.5 / spread)], [0, 0], [0, 0]]


def test_maxrl_divides_by_the_mean() -> None:
    assert group_advantages([[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 0.0]], scale="mean") == near(
        [[3, -1, -1, -1], [1 / 3, 1 / 3, 1 / 3, -1]]
    )
    assert group_advantages([[0.0, -1.0], [1.0, -1.0]], scale="mean") == [[0.0, 0.0], [0.0, 0.0]]


def test_gpgs_alpha_makes_up_for_groups_without_signal() -> None:
    assert group_advantages([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]], scale="signal") == [[1.5, -1.5], [0.0, 0.0], [0.0, 0.0]]
    assert group_advantages([[1.0, 1.0]], scale="signal") == [[0.0, 0.0]]


def test_without_a_centre_rewards_stay_where_they_are() -> None:
    assert group_advantages([[0.0, 3.0, 6.0]], center="none", eps=0.0) == [[0.0, 1.0, 2.0]]
    assert group_advantages([[1.0, 2.0], [1.0, 1.0]], center="none", scale="none") == [[1.0, 2.0], [1.0, 1.0]]
    assert group_advantages(FLAT, center="none", scale="none") == FLAT  # compared with nothing, equal rewards still teach
    assert group_advantages(FLAT, center="none", scale="std") == ZEROS  # but there is no deviation to divide by


def test_each_group_is_compared_within_itself() -> None:
    assert group_advantages([[0, 1], [10, 11]], scale="none") == [[-0.5, 0.5], [-0.5, 0.5]]


@pytest.mark.parametrize("center", ["mean", "leave_one_out"])
@pytest.mark.parametrize("scale", ["std", "batch", "mean", "signal", "none"])
def test_a_group_without_spread_says_exactly_nothing(center: str, scale: str) -> None:
    assert group_advantages(FLAT, center=center, scale=scale) == ZEROS


def test_signal_is_a_difference() -> None:
    assert [has_signal(r) for r in ([], [1.0], [1.0, 1.0], [1.0, 0.0], [1, 1.0])] == [False, False, False, True, False]


@pytest.mark.parametrize("rewards", [[0.1 + 0.2, 0.3], [0.1 + 0.2 - 0.3, 0.0], [1e6 + 0.1, 1e6 + 0.1 + 1e-9], [sum([0.1] * 10), 1.0]])
def test_rounding_is_no_difference(rewards: list[float]) -> None:
    assert not has_signal(rewards)
    assert group_advantages([rewards]) == [[0.0, 0.0]]
    assert pass_at_k_advantages([rewards], 2) == [[0.0, 0.0]]
    assert has_signal([0.0, 1e-6])


def test_pass_at_k_of_the_whole_group_is_the_lead_over_the_second() -> None:
    assert pass_at_k_advantages([[0.0, 1.0, 0.2, 0.0], [1.0, 1.0, 0.0, 0.0]], 4) == near([[0, 0.8, 0, 0], [0, 0, 0, 0]])
    assert pass_at_k_advantages([[0.0, 3.0]], 2, scale="std", eps=0.0) == near([[0, math.sqrt(2)]])
    assert pass_at_k_advantages([[1.0, 0.0, 0.5]], 1) == group_advantages([[1.0, 0.0, 0.5]], center="leave_one_out", scale="none")


def test_a_group_smaller_than_k_is_taken_whole() -> None:
    assert pass_at_k_advantages([[3.0, 1.0], [1.0], []], 4) == [[2.0, 0.0], [0.0], []]


@pytest.mark.parametrize("k", [2, 3, 4, 5])
def test_pass_at_k_averages_over_every_set_of_k(k: int) -> None:
    group = random_groups(3, groups=1, size=5)[0]
    naive = []
    for i in range(5):
        sets = list(itertools.combinations([j for j in range(5) if j != i], k - 1))
        naive.append(sum(max(group[i], *(group[j] for j in s)) - max(group[j] for j in s) for s in sets) / len(sets))
    assert pass_at_k_advantages([group], k) == near([naive])


@pytest.mark.parametrize("k", [1, 2, 3])
def test_pass_at_k_is_the_gradient_of_the_best_of_k(k: int) -> None:
    """By enumeration over all groups of 3 from a policy over 3 answers: E sum_i k/3 A_i grad log p_i = grad E best of k."""
    rewards, p = [0.0, 0.4, 1.0], torch.softmax(torch.tensor([0.3, -0.2, 0.1], dtype=torch.float64), 0).requires_grad_()
    exact = sum(math.prod([p[i] for i in s]) * max(rewards[i] for i in s) for s in itertools.product(range(3), repeat=k))
    ours = torch.zeros(3, dtype=torch.float64)
    for drawn in itertools.product(range(3), repeat=3):
        weight = math.prod(p[i].item() for i in drawn)
        advantages = pass_at_k_advantages([[rewards[i] for i in drawn]], k)[0]
        for i, a in zip(drawn, advantages, strict=True):
            ours[i] += weight * k / 3 * a / p[i].item()
    theirs = torch.autograd.grad(exact, p)[0]  # pyright: ignore
    assert torch.allclose(ours - ours.mean(), theirs - theirs.mean(), atol=1e-12)  # along the simplex


def test_gdpo_normalises_each_rule_then_the_sum() -> None:
    """As TRL 1.16 does for multi_objective_aggregation="normalize_then_sum", worked out in tensors."""
    rules, weights = [random_groups(1), random_groups(2)], [1.0, 0.3]
    t = torch.tensor(rules, dtype=torch.float64)
    z = (t - t.mean(2, keepdim=True)) / (t.std(2, keepdim=True) + 1e-4)
    total = (z * torch.tensor(weights).view(2, 1, 1)).sum(0)
    expected = (total - total.mean()) / (total.std() + 1e-4)
    assert gdpo_advantages(rules, weights) == [pytest.approx(row, abs=1e-6) for row in expected.tolist()]


def test_gdpo_keeps_apart_what_a_sum_confuses() -> None:
    right, short = [[1.0, 0.0, 0.0, 0.0]], [[0.0, 1.0, 1.0, 0.0]]
    assert len(set(group_advantages([[1.0, 1.0, 1.0, 0.0]])[0])) == 2  # right and short are one to the sum
    assert len(set(gdpo_advantages([right, short], [1.0, 1.0])[0])) == 3
    assert gdpo_advantages([[[1.0, 1.0]], [[0.0, 0.0]]], [1.0, 1.0]) == [[0.0, 0.0]]


def test_gdpo_leaves_an_abstention_out_of_its_rule() -> None:
    got = gdpo_advantages([[[1.0, None, 0.0]]], [1.0], eps=0.0)[0]
    assert got == pytest.approx([1.0, 0.0, -1.0])


def test_the_reward_comes_at_the_last_token_and_the_kl_at_each() -> None:
    assert token_rewards(1.0, length=3) == [0.0, 0.0, 1.0]
    assert token_rewards(1.0, length=3, kl=[0.5, -0.5, 1.0], kl_coef=0.1) == pytest.approx([-0.05, 0.05, 0.9])
    assert token_rewards(1.0, length=0) == []


def test_returns_to_go() -> None:
    assert returns_to_go([0.0, 0.0, 1.0]) == [1.0, 1.0, 1.0]
    assert returns_to_go([1.0, 2.0, 4.0], gamma=0.5) == [3.0, 4.0, 4.0]
    assert returns_to_go([]) == []


def test_gae_lies_between_one_step_td_and_monte_carlo() -> None:
    rewards, values = [0.0, 1.0, 2.0], [0.5, 1.0, 4.0]
    assert gae(rewards, values, gamma=0.5, lam=0.0)[0] == [0.0, 2.0, -2.0]  # r + g V' - V
    assert gae(rewards, values, gamma=0.5, lam=1.0) == ([0.5, 1.0, -2.0], [1.0, 2.0, 2.0])  # return to go - V
    assert gae(rewards, values, gamma=0.5, lam=0.5) == ([0.375, 1.5, -2.0], [0.875, 2.5, 2.0])


@pytest.mark.parametrize(("gamma", "lam"), [(1.0, 1.0), (0.99, 0.95), (0.9, 0.3)])
def test_gae_is_the_weighted_mean_of_all_n_step_advantages(gamma: float, lam: float) -> None:
    """The paper's definition: (1 - lam) (A1 + lam A2 + ...), what is left of the weight going to the last."""
    rng = random.Random(5)
    rewards, values = [rng.random() for _ in range(6)], [rng.random() for _ in range(6)]
    for t in range(6):
        ahead = 6 - t
        n_step = [
            sum(gamma**i * rewards[t + i] for i in range(n)) + (gamma**n * values[t + n] if t + n < 6 else 0.0) - values[t]
            for n in range(1, ahead + 1)
        ]
        mean = sum((1 - lam) * lam ** (n - 1) * a for n, a in enumerate(n_step[:-1], 1)) + lam ** (ahead - 1) * n_step[-1]
        assert gae(rewards, values, gamma=gamma, lam=lam)[0][t] == pytest.approx(mean)


def test_whitening_over_tokens_counts_every_token() -> None:
    rows = [[1.0, 2.0, 3.0], [10.0]]
    t = torch.tensor([1.0, 2.0, 3.0, 10.0], dtype=torch.float64)
    expected = ((t - t.mean()) * torch.rsqrt(t.var() + 1e-8)).tolist()
    got = whiten(rows)
    assert [x for row in got for x in row] == pytest.approx(expected)
    assert [len(row) for row in got] == [3, 1]


def test_whitening_over_sequences_counts_each_once() -> None:
    assert whiten([[1.0] * 9, [3.0]], over="sequences", eps=0.0) == near([[-1 / math.sqrt(2)] * 9, [1 / math.sqrt(2)]])
    assert whiten([[1.0] * 9, [3.0], []], over="sequences", eps=0.0)[2] == []


def test_whitening_what_does_not_vary_gives_nothing() -> None:
    assert whiten([[2.0, 2.0], [2.0]]) == [[0.0, 0.0], [0.0]]
    assert whiten([[7.0]]) == [[0.0]]
    assert whiten([]) == []
    assert whiten([[1.0, 2.0]], over="none") == [[1.0, 2.0]]


def test_unknown_parts_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown center 'median'\. Known: mean, leave_one_out, none\."):
        group_advantages([[1, 0]], center="median")
    with pytest.raises(ValueError, match=r"unknown scale 'mad'\. Known: std, batch, mean, signal, none\."):
        group_advantages([[1, 0]], scale="mad")
    with pytest.raises(ValueError, match=r"unknown over 'words'\. Known: none, tokens, sequences\."):
        whiten([[1.0]], over="words")
    with pytest.raises(ValueError, match=r"algorithm\.pass_k must be at least 1, got 0"):
        pass_at_k_advantages([[1, 0]], 0)

import pytest

from r1lite.rollouts import compare, judged, rollout_metrics, samples_with_signal
from r1lite.types import Problem, Rollout, Scored, Verdict

PROBLEM = Problem(id="p", prompt="?")


def scored(reward: float, *, tokens: int = 2, outcome: str = "scored", finish: str = "stop") -> Scored:
    rollout = Rollout(
        problem_id="p",
        index=0,
        prompt_ids=(1, 2, 3),
        token_ids=(7,) * tokens,
        logprobs=(-1.0,) * tokens,
        text="x",
        finish=finish,  # pyright: ignore
    )
    value = reward if outcome == "scored" else None
    return Scored(problem=PROBLEM, rollout=rollout, reward=reward, verdicts={"rule": Verdict(value=value, outcome=outcome)})  # pyright: ignore


def advantages(groups: list[list[Scored]], shuffle: str = "") -> list[list[float | None]]:
    return compare(groups, center="mean", scale="none", eps=1e-4, shuffle=shuffle)


def test_a_rollout_that_was_not_judged_is_compared_with_nobody() -> None:
    groups = [[scored(1.0), scored(0.0, outcome="failed"), scored(0.0)]]
    assert advantages(groups) == [[0.5, None, -0.5]]
    assert [s.advantage for s in samples_with_signal(groups, advantages(groups))] == [0.5, -0.5]


def test_an_abstention_alone_is_no_judgement() -> None:
    assert not judged(scored(0.0, outcome="abstained"))
    assert not judged(scored(0.0, outcome="timed_out"))
    assert judged(scored(0.0))


def test_groups_without_signal_are_left_out() -> None:
    groups = [[scored(1.0), scored(1.0)], [scored(1.0), scored(0.0)]]
    samples = samples_with_signal(groups, advantages(groups))
    assert [s.advantage for s in samples] == [0.5, -0.5]


def test_shuffled_rewards_stay_in_their_group_and_follow_the_seed() -> None:
    groups = [[scored(float(i)) for i in range(6)], [scored(1.0), scored(0.0)]]
    given = advantages(groups, shuffle="a")
    assert sorted(a for a in given[0] if a is not None) == [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5]
    assert given == advantages(groups, shuffle="a")
    assert given != advantages(groups)


def test_metrics_count_everyone_and_average_the_judged() -> None:
    groups = [[scored(1.0), scored(0.0, tokens=4, finish="length")], [scored(1.0), scored(0.0, outcome="failed")]]
    metrics = rollout_metrics(groups)
    assert metrics["reward/mean"] == pytest.approx(2 / 3)
    assert metrics["reward/rule"] == pytest.approx(2 / 3)
    assert metrics["outcome/rule/failed"] == 0.25
    assert metrics["response/length_mean"] == 2.5
    assert metrics["response/clipped_share"] == 0.25
    assert metrics["zero_variance_share"] == 0.5  # the second group has one judged member left
    assert (metrics["tokens/prompt"], metrics["tokens/completion"]) == (6, 10)

"""The numbers on a step's rollouts that findings read, on small groups that can be counted by hand."""

from __future__ import annotations

import pytest

from r1lite.diagnosis import rollouts
from r1lite.types import Credit, Problem, Rollout, Sample, Scored, Verdict


def scored(text: str, reward: float = 0.0, *, right: bool = False, length: int = 4, problem: str = "1", **values: float) -> Scored:
    part = {"task": problem.partition(":")[0]} if ":" in problem else {}
    return Scored(
        problem=Problem(id=problem, prompt="2+5", answer="7", info=part),
        rollout=Rollout(problem_id=problem, index=0, prompt_ids=(1,), token_ids=tuple(range(length)), logprobs=(0.0,) * length, text=text),
        reward=reward,
        right=right,
        verdicts={name: Verdict(value=value) for name, value in (values or {"answer": reward}).items()},
    )


def answered(answer: str, reward: float = 0.0, **kept: object) -> Scored:
    return scored(f"<think>2+5</think><answer>{answer}</answer>", reward, **kept)  # pyright: ignore[reportArgumentType]


def test_shares_of_groups_and_responses() -> None:
    groups = [[answered("7", 1.0, right=True)] * 2, [answered("8"), scored("8")]]
    metrics = rollouts.describe(groups, {"answer": 1.0})
    assert {key: metrics[f"rollouts/{key}"] for key in ("right", "all_right", "all_wrong", "answered", "distinct")} == {
        "right": 0.5, "all_right": 0.5, "all_wrong": 0.5, "answered": 0.75, "distinct": 0.75
    }  # fmt: skip
    assert (metrics["rollouts/top_answer"], metrics["rollouts/top_expected"]) == (pytest.approx(2 / 3), 1.0)
    assert (metrics["rollouts/agreement"], metrics["rollouts/majority_right"]) == (0.5, 0.5)
    assert rollouts.describe([], {}) == {}


def test_a_loop_repeats_at_least_half_of_a_response() -> None:
    assert rollouts.loops([5] * 24)
    assert rollouts.loops([1, 2, 3] * 10)
    assert not rollouts.loops([5] * 23)  # too short to tell
    assert not rollouts.loops(range(100))
    assert not rollouts.loops([*range(100), *[5] * 60])


def test_length_counts_among_responses_that_are_equally_correct() -> None:
    right = [answered("7", 1.0, right=True, length=n) for n in (60, 62)]
    wrong = [answered("8", 0.0, length=n) for n in (4, 6)]
    metrics = rollouts.describe([right + wrong], {"answer": 1.0})
    assert "rollouts/reward_with_length" not in metrics  # equal rewards: nothing varies beside correctness
    assert (metrics["rollouts/reward_with_right"], metrics["rollouts/reward_beside_right"]) == (1.0, 0.0)
    paid = [answered("8", n / 10, length=n) for n in (4, 6, 8)]
    metrics = rollouts.describe([paid], {"answer": 1.0})
    assert metrics["rollouts/reward_with_length"] == pytest.approx(1.0)
    assert metrics["rollouts/reward_beside_right"] == pytest.approx(1.0)


def test_a_rules_share_of_the_variance_is_weighted() -> None:
    group = [scored("7", exact=1.0, form=1.0), scored("8", exact=0.0, form=0.0)]
    metrics = rollouts.describe([group], {"exact": 1.0, "form": 0.5})
    assert (metrics["rollouts/variance/exact"], metrics["rollouts/variance/form"]) == (0.8, 0.2)


def test_parts_of_a_mixture() -> None:
    groups = [[answered("7", 1.0, right=True, problem="a:1"), answered("8", problem="a:1")], [answered("8", problem="b:1")] * 2]
    metrics = rollouts.describe(groups, {"answer": 1.0})
    assert (metrics["rollouts/source/a/dead"], metrics["rollouts/source/b/dead"], metrics["rollouts/source/a/right"]) == (0.0, 1.0, 0.5)
    assert not [key for key in rollouts.describe(groups[:1], {"answer": 1.0}) if "source" in key]


def test_explained_variance_of_trained_tokens() -> None:
    def credit(values: tuple[float, ...], mask: tuple[bool, ...] = ()) -> list[list[Credit | None]]:
        sample = Sample(prompt_ids=(1,), token_ids=(1, 2, 3), values=values, returns=(0.0, 1.0, 5.0), mask=mask)
        return [[Credit(sample=sample, trained=True), None]]

    assert rollouts.of_critic(credit((0.0, 1.0, 5.0))) == {"critic/explained_variance": 1.0}
    assert rollouts.of_critic(credit((2.0, 2.0, 2.0)))["critic/explained_variance"] == pytest.approx(0.0)
    assert rollouts.of_critic(credit((0.0, 1.0, -9.0), mask=(True, True, False))) == {"critic/explained_variance": 1.0}
    assert rollouts.of_critic([[None]]) == {}


def test_a_bare_prompt() -> None:
    groups = [[answered("7")]]
    assert rollouts.bare(groups, lambda _: " 2+5\n") == {"rollouts/bare_prompt": 1.0}
    assert rollouts.bare(groups, lambda _: "User: 2+5") == {"rollouts/bare_prompt": 0.0}
    assert rollouts.bare([], lambda _: "") == {}

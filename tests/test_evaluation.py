"""pass@k against brute force, and the figures of a split_figures small enough to count."""

from collections.abc import Callable
from itertools import combinations

import pytest

from r1lite.config import Config
from r1lite.reporting.evaluation import answer_of, evaluate, majority_is_correct, pass_at_k, split_figures
from r1lite.types import Problem, Rollout, Scored, Verdict


@pytest.mark.parametrize("samples", range(1, 8))
def test_pass_at_k_is_the_share_of_draws_that_hold_a_right_one(samples: int) -> None:
    for right in range(samples + 1):
        row = [True] * right + [False] * (samples - right)
        for k in range(1, samples + 1):
            draws = [any(draw) for draw in combinations(row, k)]
            assert pass_at_k(right, samples, k) == pytest.approx(sum(draws) / len(draws), abs=1e-15)


def test_pass_at_k_of_many_samples_is_exact() -> None:
    assert pass_at_k(1, 10_000, 1) == pytest.approx(1e-4, abs=1e-15)
    assert pass_at_k(0, 10_000, 5_000) == 0.0
    assert pass_at_k(1, 10_000, 10_000) == 1.0


@pytest.mark.parametrize("k", [0, -1, 5])
def test_k_lies_between_one_and_the_samples(k: int) -> None:
    with pytest.raises(ValueError, match=rf"evaluate\.k must be between 1 and evaluate\.samples \(4\), got {k}"):
        pass_at_k(1, 4, k)


@pytest.mark.parametrize(
    ("answers", "right", "won"),
    [
        (["1", "2", "2"], [True, False, False], False),
        (["1", "2", "2"], [False, True, True], True),
        (["1", "2"], [True, False], True),
        (["1", "2"], [False, True], False),
        ([None, None, "2"], [False, False, True], True),
        ([None, None, "2"], [False, False, False], False),
        ([None, None], [False, False], False),
        ([], [], False),
    ],
)
def test_the_majority_decides_and_the_earlier_answer_wins_a_tie(answers: list[str | None], right: list[bool], won: bool) -> None:
    assert majority_is_correct(answers, right) is won


@pytest.mark.parametrize(
    ("response", "vote"),
    [
        ("<think>so</think><answer>4</answer>", "4"),
        ("<think>\\boxed{3}</think>It is \\boxed{\\frac{1}{2}}. Done", "\\frac{1}{2}"),
        ("<think>so</think>```python\nprint(4)\n```", "```python print(4) ```"),
        ("It is  4.", "It is 4."),
        ("<think>never closed \\boxed{4}", None),
        ("<think>so</think>", None),
    ],
)
def test_what_a_response_votes_for(response: str, vote: str | None) -> None:
    assert answer_of(response) == vote


def scored(answer: str, reward: float, tokens: int, outcome: str = "scored") -> Scored:
    text = f"<answer>{answer}</answer>" if answer else "well"
    rollout = Rollout(problem_id="p", index=0, prompt_ids=(), token_ids=tuple(range(tokens)), logprobs=(), text=text)
    verdict = Verdict(value=reward if outcome == "scored" else None, outcome=outcome)  # pyright: ignore
    return Scored(problem=Problem(id="p", prompt="?"), rollout=rollout, reward=reward, right=reward >= 1, verdicts={"answer": verdict})


def test_the_figures_of_a_split() -> None:
    sampled = [
        [scored("1", 1.1, 4), scored("2", 0.1, 2), scored("1", 1.0, 6), scored("", 0.0, 8)],
        [scored("4", 1.1, 2), scored("3", 0.0, 2), scored("3", 0.99, 2), scored("3", 0.0, 2)],
    ]
    greedy = [[scored("1", 1.1, 100)], [scored("3", 0.9, 100)]]
    assert split_figures(sampled, greedy, 2) == {
        "pass@1": 0.375,  # 2 of 4, and 1 of 4
        "greedy": 0.5,
        "pass@2": round((5 / 6 + 1 / 2) / 2, 4),
        "maj@2": 1.0,  # of the first two, the earlier one of a tie: 1, and 4, which the other samples would outvote
        "length_mean": 3.5,
        "problems": 2,
        "k": 2,
    }


def test_what_was_not_judged_is_left_out_and_counted() -> None:
    lost = scored("1", 0.0, 3, "timed_out")
    sampled = [[scored("1", 1.0, 3), lost], [scored("2", 0.0, 3), scored("1", 1.0, 3)], [lost, lost]]
    figures = split_figures(sampled, [[scored("1", 1.0, 3)], [lost], [lost]], 2)
    assert (figures["pass@1"], figures["pass@2"], figures["greedy"]) == (0.75, 1.0, 1.0)
    assert figures["unjudged"] == round(5 / 9, 4)
    assert "unjudged" not in split_figures(sampled[1:2], [[scored("1", 1.0, 3)]], 2)


def test_problems_that_are_too_long_are_counted(config: Callable[..., Config], capsys: pytest.CaptureFixture[str]) -> None:
    small = "evaluate.problems=40", "evaluate.samples=1", "evaluate.k=1", "sampler.max_tokens=4", "scoring.workers=0", "threads=1"
    found = evaluate("tiny_student", config(*small, "evaluate.splits=[test]", "prompt.max_tokens=24"))["eval"]
    assert found["skipped"] > 0
    assert f"skipped {found['skipped']} problems of split test" in capsys.readouterr().out
    assert "skipped" not in evaluate("tiny_student", config(*small, "evaluate.splits=[test]"))["eval"]

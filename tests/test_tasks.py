"""Generated tasks: each proves itself through its own rewards; splits, seeds and levels hold."""

from itertools import islice
from random import Random
from typing import Any

import pytest
from omegaconf import OmegaConf

from r1lite.config import CONF
from r1lite.scoring.rules import Rules
from r1lite.scoring.verdicts import verdict_of
from r1lite.text.response import respond
from r1lite.types import Problem, Rollout
from tasks import tasks
from tasks._generated import GeneratedProblems, bucket
from tasks.arithmetic import Arithmetic
from tasks.countdown import Countdown, reordered

GENERATED = [name for name in tasks.names() if hasattr(tasks[name], "guess")]
LEVELS = ("easy", "standard", "hard")
SPLITS = ("train", "validation", "test", "hard")


def first(task: Any, split: str, count: int = 40) -> list[Problem]:
    return list(islice(task.problems(split), count))


def scored(problem: Problem, text: str) -> dict[str, float | None]:
    rules = own_rules(problem.id.split("/")[0])
    rollout = Rollout(problem_id=problem.id, index=0, prompt_ids=(), token_ids=(), logprobs=(), text=text)
    return {name: verdict_of(rules, name, problem, rollout).value for name in rules.weights}


def own_rules(name: str) -> Rules:
    """As conf/reward/<task>.yaml chooses them."""
    return Rules.from_config(OmegaConf.to_container(OmegaConf.load(CONF / "reward" / f"{name}.yaml")))  # pyright: ignore


def test_which_tasks_are_generated() -> None:
    assert {"arithmetic", "countdown"} <= set(GENERATED)
    assert "dataset" not in GENERATED


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", GENERATED)
def test_gold_answers_score_full_marks_through_the_tasks_own_rewards(name: str, level: str) -> None:
    task: Any = tasks[name](difficulty=level)
    for split in SPLITS:
        for problem in first(task, split, 10):
            marks = scored(problem, respond(task.demonstration(problem)))
            assert marks == dict.fromkeys(own_rules(name).weights, 1.0), (problem, task.demonstration(problem))


@pytest.mark.parametrize("name", GENERATED)
def test_guesses_are_well_meant_and_mostly_wrong(name: str) -> None:
    task: Any = tasks[name]()
    marks = [scored(p, f"<answer>{task.guess(p)}</answer>")[next(iter(own_rules(name).weights))] for p in first(task, "test", 100)]
    assert 0 < sum(m or 0 for m in marks) < 30
    assert task.guess(task.problems("test")[3]) == task.guess(task.problems("test")[3])


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", GENERATED)
def test_splits_are_disjoint_whatever_the_seed(name: str, level: str) -> None:
    prompts = {split: {p.prompt for s in range(3) for p in first(tasks[name](difficulty=level, seed=s), split, 200)} for split in SPLITS}
    for one in SPLITS:
        assert len(prompts[one]) > 50
        for other in SPLITS:
            assert one == other or not prompts[one] & prompts[other]


@pytest.mark.parametrize("name", GENERATED)
def test_the_same_seed_gives_the_same_problems_and_another_gives_others(name: str) -> None:
    once, again, other = (first(tasks[name](seed=s), "train") for s in (7, 7, 8))
    assert once == again
    assert once != other


@pytest.mark.parametrize("name", GENERATED)
def test_a_problem_depends_on_its_index_alone(name: str) -> None:
    problems = tasks[name](seed=1, size=50).problems("train")
    assert len(problems) == 50
    assert problems[49] == problems[-1]
    assert problems[10:13] == [problems[10], problems[11], problems[12]]
    assert problems[20] == tasks[name](seed=1, size=9999).problems("train")[20]
    with pytest.raises(IndexError):
        problems[50]


def test_a_problem_is_drawn_from_its_seed_split_and_index() -> None:
    drawn = GeneratedProblems(lambda random: Problem(id=str(random.random()), prompt="?"), seed=7, split="hard", size=9)
    assert [p.id for p in drawn] == [str(Random(f"7/hard/{i}").random()) for i in range(9)]


@pytest.mark.parametrize("name", GENERATED)
def test_wrong_levels_and_splits_say_what_there_is(name: str) -> None:
    with pytest.raises(ValueError, match=r"unknown task.difficulty 'standart'\. Did you mean 'standard'\? Known: easy, hard, standard\."):
        tasks[name](difficulty="standart")
    with pytest.raises(ValueError, match=r"unknown task.difficulty 'extreme'"):  # there is nothing above it to test on
        tasks[name](difficulty="extreme")
    with pytest.raises(ValueError, match=r"unknown split 'tset'\. Did you mean 'test'\?"):
        tasks[name]().problems("tset")


def test_a_modulus_below_two_is_refused() -> None:
    with pytest.raises(ValueError, match=r"task\.modulus must be at least 2, got 1"):
        Arithmetic(modulus=1)


@pytest.mark.parametrize(
    ("level", "own", "hard"),
    [("easy", range(2, 5), range(5, 9)), ("standard", range(5, 9), range(9, 13)), ("hard", range(9, 13), range(13, 17))],
)
def test_arithmetic_levels_are_lengths(level: str, own: range, hard: range) -> None:
    task = Arithmetic(difficulty=level)
    assert {p.info["operations"] for p in first(task, "train", 200)} == set(own)
    assert {p.info["operations"] for p in first(task, "hard", 200)} == set(hard)


@pytest.mark.parametrize(("level", "own", "hard"), [("easy", 3, 4), ("standard", 3, 4), ("hard", 4, 5)])
def test_countdown_levels_are_counts_of_numbers(level: str, own: int, hard: int) -> None:
    task = Countdown(difficulty=level)
    assert {len(p.info["numbers"]) for p in first(task, "train")} == {own}
    assert {len(p.info["numbers"]) for p in first(task, "hard")} == {hard}


def test_arithmetic_works_a_chain_out_from_left_to_right() -> None:
    task = Arithmetic(modulus=31)
    info = {"start": 7, "steps": (("+", 12), ("*", 3), ("+", 5)), "operations": 3}
    worked = task.demonstration(Problem(id="x", prompt="7+12*3+5 mod 31", answer="0", info=info))
    assert (worked.thought, worked.answer) == ("7+12=19 19*3=26 26+5=0", "0")


def test_arithmetic_answers_are_what_python_says() -> None:
    for problem in first(Arithmetic(seed=3, modulus=31), "train"):
        value = problem.info["start"]
        for sign, number in problem.info["steps"]:
            value = eval(f"({value}{sign}{number})")
        assert problem.answer == str(value % 31)


def test_no_countdown_that_is_held_out_is_trained_on_in_another_order() -> None:
    task = Countdown(size=300)
    asked = {p.prompt for split in ("test", "validation") for p in task.problems(split)}
    twins = {twin for p in task.problems("train") for twin in reordered(p)}
    assert len(asked) > 100
    assert not [twin for twin in twins if bucket(twin) < 15]
    assert not asked & twins
    assert reordered(Problem(id="p", prompt="?", info={"target": 6, "numbers": (1, 1, 3)})) == {
        "make 6 from 1 1 3",
        "make 6 from 1 3 1",
        "make 6 from 3 1 1",
    }


def test_countdown_solutions_reach_the_target_with_every_number() -> None:
    for problem in first(Countdown(difficulty="hard", seed=3), "train"):
        target, numbers = problem.info["target"], problem.info["numbers"]
        assert eval(problem.info["solution"]) == target
        assert 0 < target <= 99
        assert problem.prompt == f"make {target} from {' '.join(map(str, numbers))}"


def test_a_countdown_search_tries_nothing_twice_and_ends_with_the_target() -> None:
    task = Countdown(seed=5)
    for problem in first(task, "train"):
        *tries, found = task.demonstration(problem).thought.split("; ")
        assert len(set(tries)) == len(tries)
        assert all(t.endswith(" no") for t in tries)
        assert found.endswith(f"={problem.info['target']}")


def test_a_split_is_a_matter_of_the_prompt() -> None:
    for split, wanted in {"test": range(10), "validation": range(10, 15), "train": range(15, 100)}.items():
        assert all(bucket(str(p.prompt)) in wanted for p in first(Countdown(), split))

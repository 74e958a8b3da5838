"""Mixtures: shares by weight, each problem with its own task's rewards, and what cannot be mixed."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from r1lite.audit.mutants import as_rollout
from r1lite.checks.run import check
from r1lite.config import Config
from r1lite.scoring.mixture import chosen_rewards
from r1lite.scoring.rules import Rules
from r1lite.scoring.verdicts import verdicts_of
from r1lite.text.response import respond
from r1lite.types import Group, Problem, Response
from tasks import tasks
from tasks.mixture import Mixed, Mixture, shares

PARTS = {"arithmetic": {"weight": 3, "size": 300}, "search": {"name": "countdown", "difficulty": "easy", "size": 50}}


def asked(part: str, count: int) -> list[Problem]:
    return [Problem(id=str(i), prompt=f"{part}{i}") for i in range(count)]


@pytest.mark.parametrize(
    ("weights", "lengths", "repeat", "counts"),
    [
        ({"a": 1, "b": 1}, {"a": 10, "b": 30}, True, {"a": 30, "b": 30}),
        ({"a": 1, "b": 1}, {"a": 10, "b": 30}, False, {"a": 10, "b": 10}),
        ({"a": 3, "b": 1}, {"a": 10, "b": 30}, True, {"a": 90, "b": 30}),
        ({"a": 0.1, "b": 0.9}, {"a": 7, "b": 7}, True, {"a": 7, "b": 63}),
        ({"a": 1, "b": 1000}, {"a": 5, "b": 50}, False, {"a": 1, "b": 50}),
    ],
)
def test_training_holds_every_problem_and_held_out_splits_hold_none_twice(
    weights: dict[str, float], lengths: dict[str, int], repeat: bool, counts: dict[str, int]
) -> None:
    assert shares(weights, lengths, repeat=repeat) == counts


def test_a_mixture_is_its_parts_one_after_the_other_behind_the_first_of_each() -> None:
    mixed = Mixed({"a": asked("a", 3), "b": asked("b", 2)}, {"a": 3, "b": 5})
    assert [p.prompt for p in mixed] == ["a0", "b0", "a1", "a2", "b1", "b0", "b1", "b0"]
    assert [p.id for p in mixed][:3] == ["a:0", "b:0", "a:1"]
    assert [p.info for p in mixed][:2] == [{"task": "a"}, {"task": "b"}]
    assert mixed[-1] == mixed[7]
    assert mixed[2:4] == [mixed[2], mixed[3]]
    with pytest.raises(IndexError):
        mixed[8]


def test_parts_come_by_weight_and_by_seed() -> None:
    task = Mixture(parts=PARTS, seed=4)
    found = task.problems("train")
    assert Counter(p.info["task"] for p in found) == {"arithmetic": 300, "search": 100}
    assert list(found) == list(Mixture(parts=PARTS, seed=4).problems("train"))
    own = tasks["countdown"](difficulty="easy", size=50, seed=4).problems("train")
    assert [p.prompt for p in found if p.info["task"] == "search"] == [p.prompt for p in own] * 2
    held_out = task.problems("test")
    assert Counter(p.info["task"] for p in held_out) == {"arithmetic": 150, "search": 50}
    assert not {p.prompt for p in held_out} & {p.prompt for p in found}


def test_each_problem_is_solved_and_paid_as_its_own_task_does(config: Callable[..., Config]) -> None:
    cfg = config("task=mixture")
    cfg.task["parts"] = PARTS
    task = Mixture(parts=PARTS)
    rules = Rules.from_config(chosen_rewards(cfg))
    assert rules.tasks == {"answer": ("arithmetic",), "countdown": ("search",)}
    assert rules.right_rules == {"arithmetic": "answer", "search": "countdown"}
    for problem in task.problems("train")[:2]:
        texts = respond(task.demonstration(problem)), respond(Response(thought="so", answer="1+1"))
        group = Group(problem=problem, rollouts=tuple(as_rollout(text, problem, index=i) for i, text in enumerate(texts)))
        gold, wrong = verdicts_of(rules, group)
        own, other = ("answer", "countdown") if problem.info["task"] == "arithmetic" else ("countdown", "answer")
        assert (gold[own].value, wrong[own].value, gold["format"].value) == (1.0, 0.0, 1.0)
        assert gold[other].outcome == wrong[other].outcome == "abstained"
        assert rules.total(gold) == pytest.approx(1.1)
        assert [rules.is_right(row, problem) for row in (gold, wrong)] == [True, False]


def test_a_rule_that_asks_who_is_right_is_told_by_the_problems_own_rule() -> None:
    chosen = {"answer": {"tasks": ["a"]}, "exact": {"tasks": ["b"], "weight": 5}, "length_cosine": {"limit": 10}}
    rules = Rules.from_config(chosen)
    for part, seven in (("a", 1.0), ("b", -1.0)):  # 7.0 is 7 as a number, and not as a text
        problem = Problem(id="p", prompt="?", answer="7", info={"task": part})
        rollout = as_rollout("<answer>7.0</answer>", problem)
        (told,) = verdicts_of(rules, Group(problem=problem, rollouts=(rollout,)))
        assert told["length_cosine"].value is not None
        assert (told["length_cosine"].value > 0) == (seven > 0)


def test_what_the_user_sets_comes_on_top(config: Callable[..., Config]) -> None:
    cfg = config("task=mixture", "++rewards.format.weight=0.5", "++rewards.repetition.weight=0.1")
    cfg.task["parts"] = PARTS
    assert chosen_rewards(cfg) == {
        "answer": {"weight": 1.0, "tasks": ["arithmetic"]},
        "format": {"weight": 0.5},
        "countdown": {"weight": 1.0, "tasks": ["search"]},
        "repetition": {"weight": 0.1},
    }
    cfg.task["parts"] = {"arithmetic": {"rewards": {"exact": {}}}}
    assert chosen_rewards(cfg)["exact"] == {}
    assert "answer" not in chosen_rewards(cfg)


def test_a_mixture_passes_the_checks_of_a_run(config: Callable[..., Config], model_folder: Path) -> None:
    cfg = config("task=mixture", "stages=[cold_start,rl]", f"model.path={model_folder}", "scoring.workers=0")
    cfg.task["parts"] = PARTS
    assert check(cfg) == []
    cfg.rewards["exact"] = {"tasks": ["searching"]}
    with pytest.raises(ValueError, match=r"rewards\.exact\.tasks names no part of this task: searching"):
        check(cfg)


def test_rewards_that_cannot_be_joined_are_refused(config: Callable[..., Config]) -> None:
    cfg = config("task=mixture")
    cfg.task["parts"] = {"arithmetic": {}, "countdown": {"rewards": {"answer": {"weight": 2}}}}
    with pytest.raises(ValueError, match=r"arithmetic and countdown of the mixture bring rewards\.answer with different settings"):
        chosen_rewards(cfg)
    cfg.task["parts"] = {"mine": {"name": "my_task"}}
    with pytest.raises(ValueError, match=r"task 'my_task' has no rewards of its own .*: set task\.parts\.mine\.rewards"):
        chosen_rewards(cfg)
    with pytest.raises(ValueError, match=r"rewards\.answer\.tasks lists the parts of a mixture"):
        Rules.from_config({"answer": {"tasks": "a"}})
    with pytest.raises(ValueError, match=r"no rule decides whether a response to a problem of 'b' is correct"):
        Rules.from_config({"answer": {"tasks": ["a"]}, "length_kimi": {"tasks": ["b"]}})


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({}, r"task\.parts maps tasks to their options"),
        ({"arithmetic": {"weight": 0}}, r"task\.parts\.arithmetic\.weight must be a number above 0, got 0"),
        ({"aritmetic": {}}, r"task\.parts\.aritmetic: unknown task 'aritmetic'\. Did you mean 'arithmetic'"),
        ({"arithmetic": {"modulos": 5}}, r"task\.parts\.arithmetic: unknown option of task 'arithmetic': 'modulos'"),
        ({"mixture": {}}, r"task\.parts\.mixture is a mixture itself"),
    ],
)
def test_parts_that_cannot_work_are_refused(parts: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Mixture(parts=parts)


def test_a_part_without_demonstrations_leaves_none_to_learn_from(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"prompt": "1+1", "answer": "2"}\n')
    assert hasattr(Mixture(parts={"arithmetic": {}}), "demonstration")
    assert not hasattr(Mixture(parts={"arithmetic": {}, "dataset": {"path": str(tmp_path)}}), "demonstration")

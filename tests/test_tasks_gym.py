"""reasoning-gym: a walk over all of its data sets. Gold is right or the data set is refused; no answer is ever run."""

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("reasoning_gym", reason="the extra `reasoning` is not installed")

from reasoning_gym.factory import DATASETS

from r1lite.audit.mutants import as_rollout
from r1lite.text.response import respond
from r1lite.types import Problem, Response
from rewards.reasoning_gym import reasoning_gym as rule
from tasks._generated import bucket
from tasks._gym_refused import REFUSED
from tasks.reasoning_gym import VAST, ReasoningGym

TRUSTED = sorted(DATASETS.keys() - REFUSED.keys())


@cache
def problems(name: str) -> list[Problem]:
    return ReasoningGym(names=[name], seed=3).problems("train")[:4]  # pyright: ignore


def paid(problem: Problem, answer: str, **options: Any) -> float:
    text = respond(Response(thought="so", answer=answer))
    value = rule(problem, as_rollout(text, problem), **options).value
    assert value is not None
    return value


def test_what_is_refused_is_there_and_says_why() -> None:
    assert REFUSED.keys() < DATASETS.keys()
    assert len(TRUSTED) == len(DATASETS) - 5 == 101
    for name, why in REFUSED.items():
        with pytest.raises(ValueError, match=rf"data set '{name}' is refused: {why[:20]}"):
            ReasoningGym(names=[name])


@pytest.mark.parametrize("name", TRUSTED)
def test_gold_is_right_and_nothing_else_is(name: str) -> None:
    first, *_ = found = problems(name)
    for problem in found:
        assert paid(problem, f" {problem.answer}\n") == 1.0, problem
    other = next((p.answer for p in found if p.answer != first.answer), "none of these")
    gold = first.answer
    junk = [
        "I do not know",
        "()",
        "0.123456",
        "[[[",
        "nan",
        "inf",
        "9" * 5000,
        "No" * 7,
        gold * 2,
        f"{gold} zebra",
        f"zebra {gold}",
        f"{gold}x",
        f"x{gold}",
        f"{gold}, 1",
        f"{gold} or {other}",
        f"{gold}, no, {other}",
    ]
    junk += [f"{gold} {other}", f"{other} {gold}", f"{gold}\n{other}", f"{gold}, {other}", f"{gold}; {other}", f"It is {gold}"]
    if name == "sokoban":  # solved is solved, however often
        junk.remove(gold * 2)
    assert {text: mark for text in junk if (mark := paid(first, text)) > 0 and text != gold} == {}


@pytest.mark.parametrize("name", TRUSTED)
def test_no_answer_is_run(name: str, tmp_path: Path) -> None:
    """Python in an answer is text, whatever the data set's own scorer would do with it."""
    mark = tmp_path / "run"
    code = f"__import__('pathlib').Path({str(mark)!r}).touch()"
    problem = problems(name)[0]
    for text in (code, f"[{code}]", f"({code}, 1)[1]", f"{problem.answer}+{code}", f"[x for x in [{code}]]", f"sin({code})"):
        assert paid(problem, text) == 0.0
    assert not mark.exists()


@pytest.mark.parametrize("name", sorted(REFUSED.keys() - {"composite"}))
def test_the_refused_deserve_it(name: str) -> None:
    """Each by the reason that is given, so that a version in which it is mended is noticed."""
    made = DATASETS[name][0](DATASETS[name][1](seed=0, size=300))
    items = [made[i] for i in range(300 if name == "syllogism" else 3)]
    if name in ("boxnet", "rush_hour"):
        assert {item["answer"] for item in items} == {None}
    elif name == "propositional_logic":
        assert 1.0 in {made.score_answer(p, item) for item in items for p in item["metadata"]["premises"]}
    else:
        wrong = [i for i in items if i["metadata"].get("is_valid") and _undistributed(i["question"])]
        assert wrong
        assert {item["answer"] for item in wrong} == {"Yes"}


def _undistributed(question: str) -> bool:
    """All X are Y; some Y are (not) Z: so some X are (not) Z. A fallacy."""
    lines = [line.lstrip("12. ").rstrip("?").split() for line in question.splitlines()]
    said = [line for line in lines if line[:1] in (["All"], ["Some"])]
    if len(said) != 3 or [line[0] for line in said] != ["All", "Some", "Some"]:
        return False
    (_, x, _, y), (_, middle, *_), (_, subject, *_) = said[0], said[1], said[2]
    return middle == y and subject == x


def test_a_rounded_number_is_compared_by_its_size() -> None:
    """The package accepts whatever is within 0.0001 of a probability, and 11 for 1."""
    rare = next(p for p in ReasoningGym(names=["coin_flip"], seed=3).problems("train") if "e" in p.answer)  # pyright: ignore
    assert [paid(rare, text) for text in (rare.answer, "0", "0.0001")] == [1.0, 0.0, 0.0]
    pooled = next(p for p in ReasoningGym(names=["pool_matrix"], seed=3).problems("train") if "." in p.answer)  # pyright: ignore
    first, *rest = pooled.answer.split(" ")
    assert [paid(pooled, " ".join([str(float(first) + more), *rest])) for more in (0.004, 0.02)] == [1.0, 0.0]


@pytest.mark.parametrize("name", ["chain_sum", "game_of_life_halting", "spell_backward"])
def test_gold_is_right_in_a_hundred_problems(name: str) -> None:
    for problem in ReasoningGym(names=[name], seed=4, size=100).problems("train"):  # pyright: ignore
        assert paid(problem, problem.answer) == 1.0
        assert paid(problem, f"{problem.answer}9") == 0.0


def test_formulas_that_would_be_computed_at_length_are_refused() -> None:
    problem = problems("simple_integration")[0]
    for text in (
        "9**9**9",
        "(9**64)**64",
        "9**(64*64*64)",
        "x**99999",
        "9**(9**9+0*C)",
        "((((9*x)**64)**64)**64)**64",
        "1e999999999",
        "f(x)",
        "x.y",
    ):
        assert paid(problem, text) == 0.0


def test_a_formula_may_be_written_otherwise() -> None:
    problem = problems("simple_integration")[0]
    assert paid(problem, f"0 + ({problem.answer}) + 7") == 1.0
    assert paid(problem, f"2*({problem.answer})") == 0.0


def test_parts_are_paid_where_that_is_wanted() -> None:
    problem = next(p for p in ReasoningGym(names=["rectangle_count"]).problems("train") if int(p.answer) > 2)
    assert paid(problem, str(int(problem.answer) + 1)) == 0.0
    assert 0 < paid(problem, str(int(problem.answer) + 1), partial=True) < 1


def test_names_come_by_weight_and_from_seed_split_and_index_alone() -> None:
    names, weights = ["chain_sum", "gcd"], {"gcd": 3.0}
    task = ReasoningGym(names=names, weights=weights, size=400, seed=1)
    drawn = task.problems("train")
    counts = Counter(p.info["dataset"] for p in drawn)
    assert 260 < counts["gcd"] < 340
    again = ReasoningGym(names=names, weights=weights, size=9, seed=1).problems("train")
    assert [drawn[i] for i in (0, 5, 8)] == [again[i] for i in (0, 5, 8)]
    assert [p.id for p in drawn[:20]] != [p.id for p in ReasoningGym(names=names, weights=weights, seed=2).problems("train")[:20]]


@pytest.mark.parametrize("name", ["chain_sum", "zebra_puzzles"])
def test_splits_do_not_overlap(name: str) -> None:
    task = ReasoningGym(names=[name], size=8)
    prompts = [{p.prompt for p in task.problems(split)} for split in ("train", "validation", "test")]
    assert not prompts[0] & prompts[1]
    assert not prompts[0] & prompts[2]
    keys = {p.id if name in VAST else p.prompt for p in task.problems("test")}
    assert {bucket(str(key)) // 10 for key in keys} == {0}


def test_levels_make_problems_harder() -> None:
    first = {level: ReasoningGym(names=["chain_sum"], level=level, size=30).problems("train") for level in (0, 9)}
    longest = {level: max(len(str(p.answer)) for p in found) for level, found in first.items()}
    assert longest[0] == 2
    assert longest[9] >= 10
    options = ReasoningGym(names=["chain_sum"], level=9, options={"chain_sum": {"max_terms": 2, "min_terms": 2}}).configs["chain_sum"]
    assert (options["min_terms"], options["max_terms"], options["min_digits"]) == (2, 2, 1)


def test_what_a_problem_carries_is_plain_enough_to_travel() -> None:
    problem = problems("chain_sum")[0]
    assert json.loads(json.dumps(problem.info["options"])) == problem.info["options"]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"names": ["gdc"]}, "unknown data set of reasoning_gym 'gdc'. Did you mean 'gcd'?"),
        ({"names": []}, r"task\.names is a list of reasoning_gym's data sets"),
        ({"names": "gcd"}, r"task\.names is a list"),
        ({"names": ["gcd", "gcd"]}, r"task\.names has a duplicate"),
        ({"names": ["gcd"], "weights": {"lcm": 1}}, r"unknown data set in task\.weights or task\.options: 'lcm'"),
        ({"names": ["gcd"], "weights": {"gcd": 0}}, r"task\.weights\.gcd must be a number above 0, got 0"),
        ({"names": ["gcd"], "options": {"gcd": {"max_valu": 9}}}, r"task\.options\.gcd .*: reasoning_gym refuses them"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        ReasoningGym(**settings)


def test_there_is_no_hard_split() -> None:
    with pytest.raises(ValueError, match=r"reasoning_gym has no hard split"):
        ReasoningGym(names=["gcd"]).problems("hard")[0]

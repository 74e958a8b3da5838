"""Four outcomes kept apart, with real worker processes, and a hang that costs its own deadline and nothing else."""

import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from r1lite.config import ScoringConfig
from r1lite.scoring.rules import Rules
from r1lite.scoring.scorer import RuleBroken, Scorer
from r1lite.scoring.serve import CAN_CAP_MEMORY
from r1lite.scoring.verdicts import as_verdict, verdict_of
from r1lite.types import Group, Problem, Rollout, Verdict
from rewards import rewards

# What a rule does is in the text it is given.
RULES = '''\
"""Rules that misbehave where they are told to."""

import os
import sys
import time
from pathlib import Path

from rewards import Verdict, reward


@reward("sound")
def sound(problem, rollout, *, bonus: float = 0.0):
    return float(len(rollout.text)) + bonus


@reward("moody")
def moody(problem, rollout):
    match rollout.text:
        case "raise":
            raise ZeroDivisionError("by zero")
        case "nan":
            return float("nan")
        case "abstain":
            return None
        case "text":
            return "high"
        case "exit":
            sys.exit("enough")
        case "die":
            os._exit(3)
        case "hang":
            time.sleep(3600)
        case "eat":
            bytearray(4 * 2**30)
        case "write":
            Path(problem.info["path"]).touch()
    return Verdict(value=1.0, why="well")
'''


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("plugin") / "moods.py"
    path.write_text(RULES)
    before = set(sys.modules)
    yield str(path)
    for name in ("sound", "moody"):
        rewards._entries.pop(name, None)
    for name in set(sys.modules) - before:
        if "moods" in name:
            del sys.modules[name]


@pytest.fixture
def rules(plugin: str) -> Rules:
    return Rules.from_config({"sound": {"weight": 0.1}, "moody": None}, [plugin])


def group(*texts: str, name: str = "p", **info: str) -> Group:
    rollouts = [Rollout(problem_id=name, index=i, prompt_ids=(), token_ids=(), logprobs=(), text=t) for i, t in enumerate(texts)]
    return Group(problem=Problem(id=name, prompt="?", info=info), rollouts=tuple(rollouts))


def settings(workers: int, seconds: float = 5.0, share: float = 0.05) -> ScoringConfig:
    return ScoringConfig(workers=workers, seconds=seconds, memory_mb=512, max_failed_share=share)


WELL = Verdict(value=1.0, why="well")


def failed(why: str) -> Verdict:
    return Verdict(value=None, why=why, outcome="failed")


def test_what_a_rule_may_return() -> None:
    assert as_verdict(1) == Verdict(value=1.0)
    assert as_verdict(True) == Verdict(value=1.0)
    assert as_verdict(None) == Verdict(value=None, outcome="abstained")
    assert as_verdict(Verdict(value=None, why="no units")) == Verdict(value=None, why="no units", outcome="abstained")
    assert as_verdict(Verdict(value=0.5, why="half")) == Verdict(value=0.5, why="half")
    half = as_verdict(Verdict(value=Fraction(1, 2), why="\ud800"))  # type: ignore
    assert (type(half.value), half.value, half.why) == (float, 0.5, "\\ud800")
    assert as_verdict(Verdict(value=None, why=7)).why == "7"  # type: ignore
    for nothing in (float("nan"), float("inf"), Verdict(value=float("-inf"))):
        with pytest.raises(ValueError, match="which is not a finite number"):
            as_verdict(nothing)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("fine", WELL),
        ("abstain", Verdict(value=None, outcome="abstained")),
        ("raise", failed("ZeroDivisionError: by zero")),
        ("nan", failed("ValueError: the rule returned nan, which is not a finite number")),
        ("text", failed("ValueError: could not convert string to float: 'high'")),
        ("exit", failed("SystemExit: enough")),
    ],
)
def test_outcomes_of_one_rule(text: str, verdict: Verdict, rules: Rules) -> None:
    given = group(text)
    assert verdict_of(rules, "moody", given.problem, given.rollouts[0]) == verdict
    assert verdict_of(rules, "sound", given.problem, given.rollouts[0]) == Verdict(value=float(len(text)))


def test_rules_are_bound_with_weights_and_options(plugin: str) -> None:
    bound = Rules.from_config({"sound": {"weight": 0.5, "bonus": 2}, "moody": {}}, [plugin])
    options = {"sound": {"bonus": 2}, "moody": {}}
    assert bound == Rules(weights={"sound": 0.5, "moody": 1.0}, options=options, right_rule="moody", plugins=(plugin,))
    given = group("four")
    assert verdict_of(bound, "sound", given.problem, given.rollouts[0]) == Verdict(value=6.0)


def test_the_total_leaves_out_what_has_no_value(rules: Rules) -> None:
    assert rules.total({"sound": Verdict(value=5.0), "moody": WELL}) == 1.5
    assert rules.total({"sound": Verdict(value=5.0), "moody": failed("x")}) == 0.5
    assert rules.total({"sound": Verdict(value=None, outcome="abstained"), "moody": failed("x")}) == 0


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_results_do_not_depend_on_the_number_of_workers(workers: int, rules: Rules) -> None:
    groups = [group("fine", "raise", "abstain", name="a"), group("nan", "exit", name="b"), group("fine" * 9, name="c")]
    with Scorer(rules, settings(workers)) as scorer:
        scored = scorer.score(groups)
    assert [[s.problem.id for s in row] for row in scored] == [["a"] * 3, ["b"] * 2, ["c"]]
    assert [[s.rollout for s in row] for row in scored] == [list(g.rollouts) for g in groups]
    assert [[round(s.reward, 6) for s in row] for row in scored] == [[1.4, 0.5, 0.7], [0.3, 0.4], [4.6]]
    assert [[s.verdicts["moody"] for s in row] for row in scored] == [
        [WELL, failed("ZeroDivisionError: by zero"), Verdict(value=None, outcome="abstained")],
        [failed("ValueError: the rule returned nan, which is not a finite number"), failed("SystemExit: enough")],
        [WELL],
    ]
    assert [[s.verdicts["sound"].value for s in row] for row in scored] == [[4.0, 5.0, 7.0], [3.0, 4.0], [36.0]]


def test_a_rule_that_hangs_costs_its_own_deadline_and_nothing_else(rules: Rules) -> None:
    with Scorer(rules, settings(1, seconds=0.3)) as scorer:
        scored = scorer.score([group("fine", name="a"), group("fine", "hang", "raise", name="b"), group("fine", name="c")])
    assert [[s.verdicts["moody"] for s in row] for row in scored] == [
        [WELL],
        [WELL, Verdict(value=None, why="no verdict within 0.3 s", outcome="timed_out"), failed("ZeroDivisionError: by zero")],
        [WELL],
    ]
    assert [[s.verdicts["sound"].value for s in row] for row in scored] == [[4.0], [4.0, 4.0, 5.0], [4.0]]
    assert dict(scorer.outcomes) == {
        ("sound", "scored"): 5,
        ("moody", "scored"): 3,
        ("moody", "timed_out"): 1,
        ("moody", "failed"): 1,
    }


def test_a_worker_that_dies_takes_nobody_along(rules: Rules) -> None:
    with Scorer(rules, settings(1)) as scorer:
        ((one, dead, other),) = scorer.score([group("fine", "die", "abstain")])
    assert (one.verdicts["moody"], other.verdicts["moody"].outcome) == (WELL, "abstained")
    assert dead.verdicts == {"sound": Verdict(value=3.0), "moody": failed("WorkerEnded: the worker ended with exit code 3")}


@pytest.mark.skipif(not CAN_CAP_MEMORY, reason="only Linux caps a process's memory")
def test_a_rule_that_eats_memory_has_failed_and_nothing_else(rules: Rules) -> None:
    with Scorer(rules, settings(1)) as scorer:
        scored = scorer.score([group("fine", "eat", "fine"), group("fine")])
    assert [[s.verdicts["moody"] for s in row] for row in scored] == [[WELL, failed("MemoryError: "), WELL], [WELL]]


def test_scoring_goes_on_while_groups_are_still_sampled(rules: Rules, tmp_path: Path) -> None:
    mark = tmp_path / "scored"

    def sampling() -> Iterator[Group]:
        yield group("write", path=str(mark))
        for _ in range(600):  # the second group is not there before the first one is scored
            if mark.exists():
                break
            time.sleep(0.05)
        yield group("fine" if mark.exists() else "raise")

    with Scorer(rules, settings(1)) as scorer:
        asked = scorer.ask(sampling())
        assert [[s.verdicts["moody"] for s in row] for row in scorer.wait(asked)] == [[WELL], [WELL]]


def test_a_rule_that_fails_too_often_stops_the_run(rules: Rules) -> None:
    scorer = Scorer(rules, settings(0, share=0.25))
    scorer.check_health()
    scorer.score([group("fine", "fine", "abstain", "raise")])
    scorer.check_health()  # a quarter, and not more
    scorer.score([group("nan")])
    with pytest.raises(RuleBroken) as error:
        scorer.check_health()
    assert str(error.value) == (
        "rule 'moody' gave no verdict for 2 of 5 rollouts ({'scored': 2, 'abstained': 1, 'failed': 2}). "
        "The first reason: ZeroDivisionError: by zero. Fix the rule, or raise scoring.max_failed_share (now 0.25)."
    )
    assert isinstance(error.value, ValueError)


def test_abstaining_is_no_failure(rules: Rules) -> None:
    scorer = Scorer(rules, settings(0, share=0.0))
    scorer.score([group("abstain", "abstain")])
    scorer.check_health()

"""What a rule declares is its own: it does not leak to other rules of its file, and the former way is refused."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from r1lite.config import ScoringConfig
from r1lite.scoring.rules import Rules
from r1lite.scoring.scorer import Scorer
from r1lite.types import Group, Problem, Rollout
from rewards import Declaration, reward, rewards

PLUGIN = """\
import time
from pathlib import Path

from rewards import reward


def mark(*, folder, name, **_):
    (Path(folder) / name).touch()


@reward("patient", deadline=lambda *, pause, **_: pause + 20, warm_up=mark)
def patient(problem, rollout, *, folder: str, name: str = "patient", pause: float = 0.5):
    time.sleep(pause)
    return 1.0


@reward("impatient", decides=False, penalty=True)
def impatient(problem, rollout, *, folder: str, name: str = "impatient", pause: float = 0.5):
    time.sleep(pause)
    return 1.0
"""

SCRIPT = """\
from r1lite.config import ScoringConfig
from r1lite.scoring.rules import Rules
from r1lite.scoring.scorer import Scorer
from r1lite.types import Group, Problem, Rollout
from rewards import reward

print("running")
BONUS = 2.0


@reward
def rule_of_the_script(problem, rollout):
    return len(rollout.text) + BONUS


rollout = Rollout(problem_id="p", index=0, prompt_ids=(), token_ids=(), logprobs=(), text="x")
cfg = ScoringConfig(workers=1, seconds=60.0, memory_mb=512, max_failed_share=1.0)
with Scorer(Rules.from_config({"rule_of_the_script": {}}), cfg) as scorer:
    print(scorer.score([Group(problem=Problem(id="p", prompt="?"), rollouts=(rollout,))])[0][0].reward)
"""

HEAD = "from rewards import reward\n\n\n"
RULE = "\n\n@reward('former')\ndef former(problem, rollout):\n    return 1.0\n"


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    before = set(rewards.names())

    def write(text: str) -> str:
        path = tmp_path / "declaring.py"
        path.write_text(text)
        return str(path)

    yield write
    for name in set(rewards.names()) - before:
        rewards.remove(name)


def group(text: str = "x") -> Group:
    rollout = Rollout(problem_id="p", index=0, prompt_ids=(), token_ids=(), logprobs=(), text=text)
    return Group(problem=Problem(id="p", prompt="?"), rollouts=(rollout,))


def scoring(workers: int) -> ScoringConfig:
    return ScoringConfig(workers=workers, seconds=0.2, memory_mb=512, max_failed_share=1.0)


def test_two_rules_of_one_file_declare_different_things(plugin: Callable[[str], str], tmp_path: Path) -> None:
    options = {"folder": str(tmp_path)}
    rules = Rules.from_config({"impatient": {**options, "weight": 9.0}, "patient": options}, [plugin(PLUGIN)])
    assert rules.right_rule == "patient"  # the heavier one declares that it does not decide
    with Scorer(rules, scoring(workers=1)) as scorer:
        assert scorer.deadlines == {"impatient": 0.0, "patient": 20.5}
        ((scored,),) = scorer.score([group()])
    assert {name: verdict.outcome for name, verdict in scored.verdicts.items()} == {"impatient": "timed_out", "patient": "scored"}
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".py") == ["patient"]


def test_a_declaration_holds_the_arguments_and_the_signature() -> None:
    assert rewards.declaration("format") == Declaration()
    assert rewards.declaration("length") == Declaration(penalty=True)
    assert rewards.declaration("length_cosine") == Declaration(decides=False, takes_right=True)
    assert rewards.declaration("length_kimi") == Declaration(decides=False, takes_right=True, scores_groups=True)
    model = rewards.declaration("model")
    assert (model.decides, model.scores_groups, model.takes_right) == (False, True, False)
    assert rewards.declaration("code").seconds({"total_seconds": 8.0, "tier": "full"}) == 10.0
    judge = rewards.declaration("judge")
    assert (judge.decides, judge.scores_groups, judge.seconds({"total_seconds": 8.0})) == (True, True, 13.0)
    assert Declaration(deadline=7.5).seconds({"limit": 3}) == 7.5


@pytest.mark.parametrize(
    ("former", "says"),
    [
        ("SAYS_RIGHT = False", r"its module defines SAYS_RIGHT, .*@reward\('former', decides=False\)"),
        ("PAYS = False", r"its module defines PAYS, .*@reward\('former', penalty=True\)"),
        ("PAYS = True", r"its module defines PAYS, .*@reward\('former'\)"),
        ("def warm_up(**_):\n    pass", r"its module defines warm_up, .*@reward\('former', warm_up=warm_up\)"),
        (
            "PAYS = False\ndef deadline():\n    return 9",
            r"its module defines PAYS and deadline, .*@reward\('former', penalty=True, deadline=deadline\)",
        ),
    ],
)
@pytest.mark.parametrize("below", [False, True])
def test_the_former_way_is_refused_with_what_to_write(former: str, says: str, below: bool, plugin: Callable[[str], str]) -> None:
    path = plugin(HEAD + (RULE + "\n" + former if below else former + "\n" + RULE))
    with pytest.raises(ValueError, match=rf"rule 'former' \({path}:\d+\): {says}"):
        Rules.from_config({"former": {}}, [path])


def test_names_that_mean_something_else_are_not_refused(plugin: Callable[[str], str]) -> None:
    text = HEAD + "from os.path import join as deadline\nPAYS = 3\n" + RULE
    assert Rules.from_config({"former": {}}, [plugin(text)]).right_rule == "former"


def long_answer(problem: Problem, rollout: Rollout, *, words: int = 2) -> float:
    return float(len(rollout.text.split()) >= words)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_function_can_be_a_rule_here_and_in_the_workers(workers: int, plugin: Callable[[str], str]) -> None:
    assert reward(long_answer) is long_answer
    rules = Rules.from_config({"long_answer": {"words": 3}})
    assert rules.functions == {"long_answer": (long_answer, Declaration())}
    with Scorer(rules, scoring(workers)) as scorer:
        scored = scorer.score([group("one two"), group("one two three")])
    assert [row[0].verdicts["long_answer"].value for row in scored] == [0.0, 1.0]


def test_a_function_without_a_name_needs_one(plugin: Callable[[str], str]) -> None:
    with pytest.raises(ValueError, match=r"has no name to register it under; name it: reward\('my_rule'\)\(function\)"):
        reward(lambda problem, rollout: 1.0)
    reward("named")(lambda problem, rollout: 1.0)
    assert rewards["named"](None, None) == 1.0


def local_rules(value: object) -> Rules:
    @reward("local")
    def local(problem: Problem, rollout: Rollout) -> Any:
        return value

    return Rules.from_config({"local": {}})


def test_a_function_that_workers_cannot_import_is_sent_by_value(plugin: Callable[[str], str]) -> None:
    pytest.importorskip("cloudpickle", reason="the extra `functions` is not installed")
    with Scorer(local_rules(0.75), scoring(workers=1)) as scorer:
        assert scorer.score([group()])[0][0].reward == 0.75


def test_a_script_and_its_functions_can_be_scored_in_workers(tmp_path: Path) -> None:
    pytest.importorskip("cloudpickle", reason="the extra `functions` is not installed")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("running\n3.0\n", "")


def test_a_function_that_cannot_be_sent_is_refused(plugin: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cloudpickle", reason="the extra `functions` is not installed")
    rules = local_rules(threading.Lock())
    says = r"scoring workers cannot receive local \(.*test_declarations\.py:\d+\): cannot pickle .*set scoring\.workers=0"
    with pytest.raises(ValueError, match=says):
        Scorer(rules, scoring(workers=1))
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with pytest.raises(ValueError, match=r"scoring workers cannot import local .*pip install 'r1lite\[functions\]'"):
        Scorer(rules, scoring(workers=1))
    assert Scorer(local_rules(0.5), scoring(workers=0)).score([group()])[0][0].reward == 0.5

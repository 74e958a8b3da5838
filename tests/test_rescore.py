"""`r1lite rescore`: a run's training rollouts under other rules."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import configured
from scored import scored

from r1lite.audit.rescoring import Comparison
from r1lite.commands import rescore
from r1lite.store.ledger import Ledger
from r1lite.train import train
from r1lite.types import Scored

SMALL = (
    "stages=[rl] rl.steps=2 rl.prompts_per_step=4 rl.group_size=4 sampler.max_tokens=64 scoring.workers=0 threads=1 "
    "evaluate.every_stage=false preflight.enabled=false"
).split()
PLUGIN = """
from rewards import Problem, Rollout, reward

@reward("always")
def always(problem: Problem, rollout: Rollout) -> float:
    return 1.0

@reward("fails")
def fails(problem: Problem, rollout: Rollout) -> float:
    raise OSError("no")
"""
Told = Callable[..., str]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rescored") / "run"
    train(configured(*SMALL, f"run_dir={folder}"))
    return folder


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Told:
    (tmp_path / "mine.py").write_text(PLUGIN)

    def tell(*words: object) -> str:
        monkeypatch.setattr(sys, "argv", ["r1lite rescore", *map(str, words)])
        monkeypatch.chdir(tmp_path)
        rescore.main()
        return capsys.readouterr().out

    return tell


def as_json(text: str) -> dict[str, object]:
    return json.loads(text[text.index("{") :])


def paid(reward: float, *, right: bool, outcome: str = "scored") -> Scored:
    return replace(scored(reward, outcome=outcome), right=right)


def test_what_is_counted() -> None:
    good, bad = paid(1.0, right=True), paid(0.0, right=False)
    before = [[good, bad], [good, good], [good, bad], [bad, bad]]
    after = [[bad, bad], [good, bad], [bad, good], [bad, paid(0.0, right=False, outcome="failed")]]
    c = Comparison(eps=0.0)
    c.add(7, before, after)
    assert (c.rollouts, c.groups, c.correct, c.unjudged) == (8, 4, [4, 2], 1)
    assert [(flip.step, flip.before.right, flip.after.right) for flip in c.flips] == [
        (7, True, False), (7, True, False), (7, True, False), (7, False, True)
    ]  # fmt: skip
    assert dict(c.signal) == {(True, False): 1, (False, True): 1, (True, True): 1, (False, False): 1}
    assert dict(c.changed) == {"rule": 5}
    assert c.advantages[0] == pytest.approx([0.7071, -0.7071, 0, 0, 0.7071, -0.7071], abs=1e-4)
    assert c.advantages[1] == pytest.approx([0, 0, 0.7071, -0.7071, -0.7071, 0.7071], abs=1e-4)
    assert c.correlation() == pytest.approx(-0.5)
    assert c.turned() == 1.0


def test_advantages_that_never_differ_have_no_correlation() -> None:
    c = Comparison()
    c.add(1, [[paid(1.0, right=True)] * 2], [[paid(1.0, right=True), paid(0.0, right=False)]])
    assert (c.correlation(), c.turned()) == (None, 0.0)
    assert Comparison().correlation() is None


def test_the_same_rules_change_nothing(told: Told, run: Path) -> None:
    same = as_json(told(run, "format=json"))
    right = sum(s.right for step in (1, 2) for group in Ledger(run / "rl" / "rollouts", "rl").read(step) or [] for s in group)
    assert (same["rollouts"], same["groups"], same["flips"], same["changed"]) == (32, 8, [], {})
    assert same["correct"] == [right, right]
    assert 0 < right < 32
    assert same["advantages"] == {"correlation": pytest.approx(1.0), "turned": 0.0}


def test_other_weights_change_rewards_and_no_verdict(told: Told, run: Path) -> None:
    other = as_json(told(run, "rewards.format.weight=0.5", "format=json"))
    assert (other["flips"], other["changed"]) == ([], {})
    before, after = other["reward_mean"]  # pyright: ignore
    assert before < after


def test_a_rule_that_pays_all_kills_every_group(told: Told, run: Path) -> None:
    text = told(run, "rewards={always: {weight: 1}}", "plugins=[./mine.py]", "examples=2")
    right, up = map(int, re.findall(r"correct: (\d+) before, 32 after; (\d+) turn from wrong to correct, 0 back", text)[0])
    assert right + up == 32
    signal = re.findall(r"groups with signal: (\d+) before, 0 after; (\d+) die, 0 come alive", text)[0]
    assert signal[0] == signal[1] != "0"
    assert "advantages: one of the two is constant" in text
    assert text.count("wrong -> correct") == 2
    assert re.search(r"before \d.*\(answer: .*\n  after  1  \(always: 1.0\)", text)


def test_a_rule_can_be_left_out(told: Told, run: Path) -> None:
    left = as_json(told(run, "~rewards.format", "format=json"))
    assert (left["flips"], left["changed"], left["unjudged"]) == ([], {}, 0)


def test_a_rule_that_fails_is_counted(told: Told, run: Path) -> None:
    text = told(run, "rewards={fails: {weight: 1}}", "plugins=[./mine.py]")
    assert "32 rollouts got no verdict: a rule failed or timed out" in text
    assert "mean reward: " in text
    assert ", none after" in text


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("nowhere",), r"error: nowhere is not a run directory: it has no config\.yaml"),
        (("RUN", "stage=sft"), r"has no rollouts of stage 'sft'\. Stages with rollouts: rl"),
        (("RUN", "format=yaml"), "error: format must be text or json"),
        (("RUN", "rewards.anser.weight=1"), r"unknown reward 'anser'\. Did you mean 'answer'\?"),
        (("RUN", "rewards=[a]"), "error: rewards should name rules"),
        (("RUN", "RUN2"), "error: name one run"),
    ],
)
def test_mistakes(told: Told, run: Path, words: tuple[str, ...], error: str) -> None:
    with pytest.raises(SystemExit, match=error):
        told(*(run if word == "RUN" else word for word in words))

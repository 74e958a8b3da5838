"""The battery: shipped tasks pass it with their own rewards, and broken rules do not."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from r1lite.audit.findings import findings
from r1lite.audit.mutants import SHOULD, battery, wrong_answer
from r1lite.audit.trials import make_cases, try_all
from r1lite.commands import audit
from r1lite.config import CONF, Config, ScoringConfig
from r1lite.scoring.rules import Rules
from r1lite.types import Problem, Response
from rewards import rewards
from tasks import tasks

GENERATED = [name for name in tasks.names() if hasattr(tasks[name], "guess")]
ARITHMETIC = tasks["arithmetic"]()

# Each is the answer rule with one mistake.
BROKEN = '''\
"""Rules with one mistake each."""

import itertools
import time

from rewards import last_answer, reward
from rewards.answer import answer

calls = itertools.count()


@reward("pays_hedges")
def pays_hedges(problem, rollout):
    return float(problem.answer in (last_answer(rollout.response) or "").split(" or "))


@reward("pays_empty_thoughts")
def pays_empty_thoughts(problem, rollout):
    text = rollout.response
    return float(text.count("<think>") == text.count("</think>") == text.count("<answer>") == 1 and text.endswith("</answer>"))


@reward("moody")
def moody(problem, rollout):
    return 1.0 if next(calls) % 2 else answer(problem, rollout)


@reward("reads_text")
def reads_text(problem, rollout):
    return answer(problem, rollout) if rollout.text.startswith("<think>") else 0.0


@reward("raises")
def raises(problem, rollout):
    if "9" * 5000 in rollout.text:
        int("9" * 5000)
    return answer(problem, rollout)


@reward("sleeps")
def sleeps(problem, rollout):
    if "9**9**9" in rollout.text:
        time.sleep(3600)
    return answer(problem, rollout)


@reward("pays_words")
def pays_words(problem, rollout):
    return len(rollout.text) / 1000
'''


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("broken") / "broken_rules.py"
    path.write_text(BROKEN)
    before = set(sys.modules)
    known = set(rewards._entries)
    yield str(path)
    for name in set(rewards._entries) - known:
        if "broken_rules" in rewards._entries[name].__module__:
            del rewards._entries[name]
    for name in set(sys.modules) - before:
        if "broken_rules" in name:
            del sys.modules[name]


def scoring(workers: int = 0, seconds: float = 5.0) -> ScoringConfig:
    return ScoringConfig(workers=workers, seconds=seconds, memory_mb=512, max_failed_share=1.0, right_rule="", right_at=1.0)


def found_wrong(chosen: Any, *plugins: str, task: Any = ARITHMETIC, problems: int = 3, right: str = "", **settings: Any) -> list[str]:
    rules = Rules.from_config(chosen, plugins, right_rule=right)
    return [finding.text for finding in findings(rules, try_all(rules, scoring(**settings), make_cases(task, problems)))]


def names(found: list[str]) -> set[str]:
    """The rows that findings are about."""
    return {text.split("'")[1] for text in found}


@pytest.mark.parametrize("name", GENERATED)
def test_shipped_tasks_pass_with_their_own_rewards(name: str) -> None:
    chosen = OmegaConf.to_container(OmegaConf.load(CONF / "reward" / f"{name}.yaml"))
    for level in ("easy", "standard", "hard"):
        assert found_wrong(chosen, task=tasks[name](difficulty=level), problems=5) == []


@pytest.mark.parametrize("name", ["answer", "exact", "numeric", "integer_form", "math", "regex"])
def test_rules_on_the_answer_pass_behind_a_gate(name: str) -> None:
    options = {"pattern": "{answer}"} if name == "regex" else {}
    assert found_wrong({name: options, "format": {"gate": True}}) == []


@pytest.mark.parametrize(
    ("rule", "rows"),
    [
        ("choice", [{"prompt": f"Which is {i}?", "answer": "ABCD"[i % 4], "choices": ["no", "yes", "maybe", i]} for i in range(40)]),
        ("json_fields", [{"prompt": f"Extract {i}", "answer": {"n": i, "of": ["x", i]}} for i in range(40)]),
        ("exact", [{"prompt": f"Which city has {i} towers?", "answer": [f"Town {i}", f"City {i}"]} for i in range(40)]),
    ],
)
def test_rules_on_the_answer_pass_on_a_data_set(rule: str, rows: list[dict[str, Any]], tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    assert found_wrong({rule: {}, "format": {"gate": True}}, task=tasks["dataset"](path=str(path)), right=rule) == []


def test_penalties_are_not_asked_to_pay() -> None:
    chosen = {"answer": {}, "format": {"weight": 0.1}, "repetition": {"weight": 0.05}, "length": {"limit": 9, "margin": 3, "weight": 0.05}}
    assert found_wrong(chosen) == []


def test_a_rule_that_pays_a_hedge_is_caught(broken: str) -> None:
    found = found_wrong({"pays_hedges": {}, "format": {"gate": True}}, broken)
    assert names(found) == {"hedge: right or wrong", "hedge: wrong or right", "either"}
    assert len(found) == 6
    assert "counts as correct: rule pays_hedges says" in found[0]
    assert "is paid 1, and gold 1." in found[1]


def test_a_rule_that_pays_an_empty_thought_is_caught(broken: str) -> None:
    found = found_wrong({"answer": {}, "pays_empty_thoughts": {"weight": 0.1}}, broken)
    assert {"empty thought", "blank thought"} <= names(found)
    assert all("is paid 1.1, and gold 1.1. None of the rules deducts anything for it" in text for text in found)
    assert {"no thought", "empty thought", "text after the answer"} <= names(found_wrong({"answer": {}}))


def test_a_rule_that_changes_its_mind_is_caught(broken: str) -> None:
    found = found_wrong({"moody": {}, "format": {"gate": True}}, broken, problems=2)
    assert any(text.startswith("rule moody is not deterministic: on '") for text in found)


def test_a_rule_that_forgets_what_the_template_wrote_is_caught(broken: str) -> None:
    found = found_wrong({"reads_text": {}, "format": {"gate": True}}, broken)
    assert names(found) == {"prefilled opening tag"}
    assert "does not count as correct: rule reads_text gave 0" in found[0]
    assert "is not paid in full: rule reads_text gave 0" in found[1]


def test_a_rule_that_fails_is_caught(broken: str) -> None:
    (found,) = found_wrong({"raises": {}, "format": {"gate": True}}, broken)
    assert found.startswith("rule raises failed on 'huge integer' of arithmetic/")
    assert "ValueError: Exceeds the limit" in found


def test_a_rule_that_hangs_is_caught(broken: str) -> None:
    found = found_wrong({"sleeps": {}, "format": {"gate": True}}, broken, problems=1, workers=1, seconds=2.0)
    assert any(text.startswith("rule sleeps timed out on 'tower of powers'") for text in found)


def test_rules_on_length_that_ask_who_is_right_pass(broken: str) -> None:
    for name, options in (("length_cosine", {"limit": 200, "wrong_short": 0.0, "wrong_long": 0.0, "cut": 0.0}), ("length_kimi", {})):
        assert found_wrong({"answer": {}, "format": {"gate": True}, name: {**options, "weight": 0.3}}, right="answer") == []
    found = found_wrong({"answer": {}, "length_kimi": {"weight": 0.3}}, right="answer")
    assert {"empty thought", "no thought"} <= names(found)


def test_a_penalty_that_nothing_reaches_is_a_penalty() -> None:
    for rule, options in (("length", {"limit": 10**6, "margin": 10}), ("length_target", {"target": 20_000, "over": True})):
        assert found_wrong({"answer": {}, "format": {"gate": True}, rule: options}, right="answer") == []


def test_a_prefilled_tag_makes_no_response_shorter() -> None:
    assert found_wrong({"answer": {}, "format": {"gate": True}, "length_target": {"target": 9, "weight": 0.1}}, right="answer") == []


@pytest.mark.parametrize(("rule", "says"), [("format", "1 (one thought"), ("language", "abstained (no words"), ("repetition", "0 (0 of")])
def test_a_rule_that_tells_no_wrong_answer_is_said_once(rule: str, says: str) -> None:
    (found,) = found_wrong({rule: {}})
    assert found.startswith(f"rule {rule} decides what is correct, but gives gold and a wrong answer the same verdict: {says}")
    assert "Add a rule that checks the answer, such as rewards.answer.weight=1" in found


def test_padding_may_not_pay(broken: str) -> None:
    found = found_wrong({"answer": {}, "format": {"gate": True}, "pays_words": {"weight": 0.1}}, broken)
    assert any("'repeated thought'" in text and "more than gold" in text for text in found)


def test_a_rule_that_does_not_fit_the_task_is_caught() -> None:
    found = found_wrong({"answer": {}, "format": {"gate": True}, "python_static": {"weight": 0.5}})
    assert names(found) == {"gold", "prefilled opening tag"}
    assert all("is not paid in full: rule python_static gave 0 (no fenced Python block)" in text for text in found)


# the battery itself


def test_the_battery_begins_with_gold_and_names_each_row_once() -> None:
    rows = battery(Response(thought="3+4", answer="7"), Problem(id="p", prompt="3+4?"), "8")
    assert rows[0].text == "<think>3+4</think><answer>7</answer>"
    assert rows[1].prefill + rows[1].text == rows[0].text
    assert len({row.name for row in rows}) == len({row.prefill + row.text for row in rows[1:]}) + 1 == len(rows)
    assert {row.kind for row in rows} == set(SHOULD)
    assert [row.name for row in rows if row.finish == "length"] == ["reasoning cut off", "loop, cut off"]


def test_a_wrong_answer_looks_like_the_right_one() -> None:
    assert wrong_answer("22", iter(())) == "23"
    assert wrong_answer("1/2", iter(["0.5"])) == "1/3"
    assert wrong_answer("(0, 5)", iter(())) == "(0, 6)"
    assert wrong_answer("5 m in 1999", iter(())) == "5 m in 2000"
    assert wrong_answer("Paris", iter(["paris", "Rome"])) == "Rome"
    assert wrong_answer("Paris", iter(["Paris"])) == "not Paris"


# the command


def called(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    monkeypatch.setattr(sys, "argv", ["audit", "scoring.workers=0", "problems=2", *arguments])
    try:
        audit.main()
    except SystemExit as stopped:
        return stopped.code
    return 0


def test_the_command_shows_a_table_and_ends_well(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(monkeypatch, "task=countdown") == 0
    shown = capsys.readouterr().out
    assert "countdown: 2 problems" in shown
    assert "microseconds per verdict" in shown
    assert "│   hedges (8)" in shown
    assert "question marks" not in shown
    assert shown.endswith("Gold is paid in full, and no hack is paid.\n")


def test_the_command_ends_with_the_reason(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code = called(monkeypatch, "rewards.format.weight=0", "allow=[no thought]")
    shown = capsys.readouterr().out
    assert "│ ! thoughts (" in shown
    assert "│ !   empty thought" in shown
    assert "│     no thought" in shown
    assert "'empty thought' of arithmetic/" in str(code)
    assert "'no thought'" not in str(code)
    assert str(code).endswith("Training on these rewards would teach such responses.")


def test_a_family_may_be_allowed_and_all_rows_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(monkeypatch, "rewards.format.weight=0", "allow=[thoughts, tags]", "rows=true") == 0
    shown = capsys.readouterr().out
    assert "│     question marks" in shown
    assert "│     no thought" in shown


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("tsak=arithmetic", "unknown setting 'tsak'. Did you mean task"),
        ("task=arithmetik", "unknown task 'arithmetik'. Did you mean 'arithmetic'?"),
        ("rewards.anser.weight=1", "unknown reward 'anser'. Did you mean 'answer'?"),
        ("problems=0", "problems must be a whole number of at least 1, got 0"),
        ("allow=gold", "allow must be a list of rows"),
        ("allow=[no thougt]", "unknown row or family in allow: 'no thougt'. Did you mean 'no thought'?"),
        ("golds=-1", "golds must be a whole number of at least 0, got -1"),
        ("rows=maybe", "rows must be true or false, got 'maybe'"),
        ("--task=arithmetic", "settings are written as name=value, got '--task=arithmetic'"),
    ],
)
def test_what_makes_no_sense_is_said(argument: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"error: {says}" in str(called(monkeypatch, argument))


def test_a_slow_rule_is_named(config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("r1lite.audit.trials.timings", lambda rules, trials: {"answer": [0.1, 5.0], "format": [0.1]})
    found = audit.audit(config("scoring.workers=0"), problems=1)
    assert found == ["rule answer took 5 s for one verdict, but its deadline is 2 s (scoring.seconds, or what the rule declares)"]

"""Rules on the form: given in full for the form, and not for its imitations, alone and beside a rule that judges the answer."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from battery import GATE, IN_PROCESS, Asked, asking
from battery_forms import FORMS, LOOPS, QUESTION, thinking

from r1lite.audit.findings import findings
from r1lite.audit.mutants import as_rollout
from r1lite.audit.trials import make_cases, try_all
from r1lite.scoring.rules import Rules
from r1lite.types import Finish, Problem, Response, Verdict
from rewards import rewards


def verdicts(rule: str, texts: Sequence[str], *, right: bool = True, finish: Finish = "stop") -> list[Verdict]:
    """What a rule says of responses; for one that asks, they are all right, or all wrong."""
    called, declared, options = rewards[rule], rewards.declaration(rule), rewards.bind(rule, FORMS[rule].options)
    rollouts = [as_rollout(t, QUESTION, index=i, finish=finish) for i, t in enumerate(texts)]
    if declared.scores_groups:
        return called(QUESTION, rollouts, **options, right=[right] * len(texts))
    supplied = {"right": right} if declared.takes_right else {}
    return [called(QUESTION, rollout, **options, **supplied) for rollout in rollouts]


@pytest.mark.parametrize("rule", FORMS)
def test_a_form_is_given_in_full_and_its_imitations_are_not(rule: str) -> None:
    form = FORMS[rule]
    texts = {**form.full, **form.less, **form.known}
    given = dict(zip(texts, (v.value for v in verdicts(rule, list(texts.values()))), strict=True))
    assert {name: given[name] for name in form.full} == dict.fromkeys(form.full, form.most)
    assert {name: value for name, value in given.items() if name in form.less and value is not None and value >= form.most} == {}
    assert {name: given[name] for name in form.known} == dict.fromkeys(form.known, form.most)


def test_a_loop_costs_most_of_the_penalty_and_another_language_earns_little() -> None:
    assert {name: v.value for name, v in zip(LOOPS, verdicts("repetition", [*LOOPS.values()]), strict=True) if (v.value or 0) > -0.8} == {}
    foreign = ("chinese", "french", "pasted question", "look-alikes", "no language")
    told = verdicts("language", [FORMS["language"].less[name] for name in foreign])
    assert {name: v.value for name, v in zip(foreign, told, strict=True) if v.value is None or v.value > 0.25} == {}


def test_who_is_cut_off_or_wrong_gains_nothing_by_length() -> None:
    for rule, gain in (("length", 0.0), ("length_cosine", 0.0), ("length_kimi", 0.0)):
        told = verdicts(rule, ["", "so " * 400], right=False, finish="length")
        assert all(v.value is not None and v.value <= gain for v in told)
    assert all(v.value is not None and v.value <= 0 for v in verdicts("length_kimi", ["", "so " * 400], right=False))


@pytest.mark.parametrize("rule", FORMS)
def test_a_form_alone_teaches_no_answer_and_beside_one_it_pays_no_hack(rule: str) -> None:
    options = {**FORMS[rule].options, "weight": 0.1}
    # Its own length, so that padding does not come nearer to it.
    options |= {"target": len(thinking(FITS)) // 4} if rule == "length_target" else {}
    line = Shown(asking("7", "8", "9", question="What is the sum of the numbers in row {}?"))
    cases = make_cases(line, 3)
    gate = {} if rule == "format" else GATE
    rules = Rules.from_config({"answer": {}, rule: {**options, "gate": rule == "format"}, **gate}, right_rule="answer")
    assert [finding.text for finding in findings(rules, try_all(rules, IN_PROCESS, cases))] == []
    if not rewards.declaration(rule).takes_right:
        alone = Rules.from_config({rule: options})
        assert "Add a rule that checks the answer" in findings(alone, try_all(alone, IN_PROCESS, cases))[0].text


def test_padding_reaches_a_target_and_the_battery_says_so() -> None:
    rules = Rules.from_config({"answer": {}, "length_target": {"target": 400, "weight": 0.5}, **GATE}, right_rule="answer")
    found = findings(rules, try_all(rules, IN_PROCESS, make_cases(Shown(asking("7", "8", "9")), 3)))
    assert {finding.row for finding in found} == {"repeated thought", "pasted question", "other language"}
    assert all("Deduct for repetition with rewards.repetition.weight" in finding.text for finding in found)


FITS = "First, we read the row from left to right. Then we add one number after the other. Finally, the sum is checked once more."


class Shown(Asked):
    """A task with demonstrations that every rule on the form likes."""

    def demonstration(self, problem: Problem) -> Response:
        return Response(thought=FITS, answer=problem.answer)

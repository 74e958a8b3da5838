"""Weights, gates, and who is right."""

import pytest

from r1lite.rules import Rules
from r1lite.types import Verdict


def verdicts(**values: float | None) -> dict[str, Verdict]:
    return {name: Verdict(value=value, outcome="abstained" if value is None else "scored") for name, value in values.items()}


def test_the_total_is_a_weighted_sum_over_the_rules_that_gave_a_value() -> None:
    rules = Rules.from_config({"answer": None, "format": {"weight": 0.2}})
    assert rules.total(verdicts(answer=1.0, format=1.0)) == pytest.approx(1.2)
    assert rules.total(verdicts(answer=None, format=1.0)) == pytest.approx(0.2)


def test_behind_a_shut_gate_nothing_is_paid_and_what_is_taken_away_still_is() -> None:
    rules = Rules.from_config({"answer": {}, "format": {"gate": True}, "length": {"limit": 9, "margin": 3, "weight": 0.5}})
    assert rules.total(verdicts(answer=1.0, format=1.0, length=-1.0)) == pytest.approx(0.5)
    assert rules.total(verdicts(answer=1.0, format=0.0, length=-1.0)) == pytest.approx(-0.5)
    assert rules.total(verdicts(answer=1.0, format=0.0, length=0.0)) == 0.0


def test_a_gate_pays_only_where_it_has_a_weight_of_its_own() -> None:
    assert Rules.from_config({"answer": {}, "format": {"gate": True}}).weights["format"] == 0.0
    assert Rules.from_config({"answer": {}, "format": {"gate": True, "weight": 0.1}}).weights["format"] == 0.1


def test_right_is_what_the_heaviest_rule_says_or_the_one_that_is_named() -> None:
    chosen = {"format": {"weight": 0.1}, "answer": {}}
    assert Rules.from_config(chosen).is_right(verdicts(answer=1.0, format=0.0))
    assert not Rules.from_config(chosen).is_right(verdicts(answer=0.0, format=1.0))
    assert not Rules.from_config(chosen).is_right(verdicts(answer=None, format=1.0))
    assert Rules.from_config(chosen, right_rule="format").is_right(verdicts(answer=0.0, format=1.0))
    with pytest.raises(ValueError, match="unknown scoring.right_rule 'anser'. Did you mean 'answer'"):
        Rules.from_config(chosen, right_rule="anser")

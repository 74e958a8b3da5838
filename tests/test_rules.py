"""Weights, gates, and the right rule."""

import pytest

from r1lite.scoring.rules import Rules
from r1lite.scoring.verdicts import verdicts_of
from r1lite.types import Group, Problem, Rollout, Verdict


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
    with pytest.raises(ValueError, match=r"unknown scoring\.right_rule 'anser'. Did you mean 'answer'"):
        Rules.from_config(chosen, right_rule="anser")


def test_a_penalty_is_the_right_rule_only_if_no_other_rule_can_be() -> None:
    heavy = {"repetition": {"weight": 2}, "answer": {}, "format": {"weight": 0.1}}
    assert Rules.from_config(heavy).right_rule == "answer"
    assert Rules.from_config(heavy, right_rule="repetition").right_rule == "repetition"
    assert Rules.from_config({"repetition": {}, "length_target": {"target": 5, "weight": 2}}).right_rule == "length_target"


def test_a_rule_may_receive_the_group_and_which_responses_are_right() -> None:
    rules = Rules.from_config({"answer": {}, "length_kimi": {}, "length_cosine": {"limit": 10}}, right_rule="answer")
    rollouts = tuple(
        Rollout(problem_id="p", index=i, prompt_ids=(), token_ids=(0,) * n, logprobs=(), text=f"<answer>{said}</answer>")
        for i, (n, said) in enumerate([(5, "7"), (10, "7"), (5, "8")])
    )
    told = verdicts_of(rules, Group(problem=Problem(id="p", prompt="?", answer="7"), rollouts=rollouts))
    assert [row["length_kimi"].value for row in told] == [0.5, -0.5, 0.0]
    assert [row["length_cosine"].value for row in told] == pytest.approx([0.75, 0.5, -0.75])
    unasked = verdicts_of(rules, Group(problem=Problem(id="p", prompt="?"), rollouts=rollouts))
    assert {row["length_kimi"].outcome for row in unasked} == {"abstained"}


def test_a_rule_that_takes_right_cannot_decide_it() -> None:
    chosen = {"length_cosine": {"limit": 10, "weight": 5.0}, "answer": {}}
    assert Rules.from_config(chosen).right_rule == "answer"
    with pytest.raises(
        ValueError, match=r"scoring\.right_rule=length_cosine cannot decide whether a response is correct; name a rule that can: answer"
    ):
        Rules.from_config(chosen, right_rule="length_cosine")
    with pytest.raises(ValueError, match="length_kimi cannot decide whether a response is correct, and no other rule is chosen"):
        Rules.from_config({"length_kimi": {}})


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"code": {"seconds": 0}}, "rewards.code.seconds must be at least 0.01, got 0"),
        ({"regex": {"pattern": "("}}, "is not a valid pattern"),
        ({"length_cosine": {"limit": 9, "right": True}}, "unknown option of reward 'length_cosine': 'right'"),
        ({"length": {"limit": 9, "margin": 0}}, "rewards.length.margin must be between"),
    ],
)
def test_options_are_tried_before_any_work(chosen: dict[str, dict[str, object]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Rules.from_config(chosen)

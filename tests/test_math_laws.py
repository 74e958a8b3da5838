"""The math rule keeps its laws on generated answers, and the bench that generates them says right and wrong by numbers alone."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice
from random import Random

import pytest
import sympy
from sympy import Rational, Symbol, oo, sqrt

import r1lite
from bench import math_peers
from bench.math_laws.__main__ import draw
from bench.math_laws.cases import Case, cases
from bench.math_laws.golds import KINDS
from bench.math_laws.hand import Hand
from bench.math_laws.meanings import Equation, Grid, Quantity, Region, Several, Span, Word
from bench.math_laws.oracle import equal
from bench.math_laws.report import Judged, judged, record, rule, table
from bench.math_laws.writing import write

X, Y = Symbol("x"), Symbol("y")
# What the rule is known to miss. A bound only ever falls.
WRONG_PAID, RIGHT_REFUSED = 0.002, 0.026


def test_the_laws_hold_on_thousands_of_cases() -> None:
    verdicts = list(judged(draw(3600, 0, [*KINDS])))
    faults = {fault: [one for one in verdicts if one.fault == fault] for fault in ("exception", "wrong paid", "right refused")}
    right = sum(one.case.right is True for one in verdicts)
    wrong = sum(one.case.right is False for one in verdicts)
    assert [record(one) for one in faults["exception"]] == []
    assert len(faults["wrong paid"]) <= WRONG_PAID * wrong, record(faults["wrong paid"][0])
    assert len(faults["right refused"]) <= RIGHT_REFUSED * right, record(faults["right refused"][0])


def test_a_run_scores_as_the_rule_does() -> None:
    some = list(draw(120, 3, [*KINDS]))
    scored = r1lite.score([case.response for case in some], [case.gold for case in some], rewards=["math"], workers=0)
    assert [one.reward == 1 for one in scored] == [rule(case.gold, case.response) for case in some]


def test_a_case_depends_on_its_seed_alone() -> None:
    first, again, other = (list(islice(cases("radical", seed), 12)) for seed in (1, 1, 2))
    assert first == again
    assert not {case.response for case in first} & {case.response for case in other}


def ray(end: int, *, closed: bool = False) -> Region:
    return Region((Span(sympy.Integer(end), oo, closed, False),))


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        (Rational(1, 2), Rational(2, 4), True),
        (Rational(10**40), Rational(10**40 + 1), False),
        (sqrt(8), 2 * sqrt(2), True),
        (sqrt(8), sqrt(7), False),
        ((X + 1) ** 2, X**2 + 2 * X + 1, True),
        (sqrt(X**2), X, None),
        (X, Y, False),
        (Several((X, Y), "tuple"), Several((Y, X), "tuple"), False),
        (Several((X, Y), "set"), Several((Y, X), "set"), True),
        (Several((X, Y), "set"), Several((X, X), "set"), False),
        (ray(1), ray(1), True),
        (ray(1), ray(1, closed=True), False),
        (ray(1), ray(2), False),
        (Grid(((X, Y),)), Grid(((X,), (Y,))), False),
        (Equation(Y, 2 * X), Equation(4 * X - 2 * Y, sympy.Integer(0)), True),
        (Equation(Y, 2 * X), Equation(X, 2 * Y), False),
        (Quantity(sympy.Integer(2), "m"), Quantity(sympy.Integer(200), "cm"), True),
        (Quantity(sympy.Integer(2), "m"), Quantity(sympy.Integer(2), "g"), False),
        (Quantity(sympy.Integer(50), "%"), Rational(1, 2), True),
        (Word("Yes"), Word("no"), False),
        (Word("Yes"), X, None),
    ],
)
def test_numbers_decide_what_is_equal(a: object, b: object, verdict: bool | None) -> None:
    assert equal(a, b) is verdict


def test_a_plain_hand_writes_latex() -> None:
    hand = Hand(Random(0), plainly=True)
    texts = [
        write(meaning, hand)
        for meaning in (
            Rational(-3, 2), 2 * sqrt(3) * X, X / (Y + 1), (X + 1) * (X - 2),
            Several((Rational(1, 2), sympy.Integer(-1)), "set"),
            Region((Span(sympy.Integer(1), oo, True, False),), "x"), Grid(((X, Y), (sympy.Integer(0), -X))),
            Quantity(sympy.Integer(5), "cm^2"),
        )
    ]  # fmt: skip
    assert texts == [
        r"-\frac{3}{2}", r"2\sqrt{3}x", r"\frac{x}{y + 1}", "(x - 2)(x + 1)", r"\{\frac{1}{2}, -1\}", r"x \ge 1",
        r"\begin{pmatrix} x & y \\ 0 & -x \end{pmatrix}", r"5\text{ cm}^2",
    ]  # fmt: skip
    assert not hand.used


def test_the_table_counts_faults_by_kind() -> None:
    case = Case("integer", 0, True, "42", "42", "$42$", "itself", (), "alone, dollars")
    refused, raised, damaged = Judged(case, False), Judged(case, False, "ValueError: no"), Judged(replace(case, right=None), False)
    lines = table([Judged(case, True), refused, raised, damaged]).splitlines()
    assert lines[2:] == ["| integer | 3 | 1 | 0 | 0 | 1 | 1 |", "| all | 3 | 1 | 0 | 0 | 1 | 1 |"]
    assert json.loads(record(refused))["paid_in_box"] is True


def test_peers_are_asked_for_what_they_can_compare() -> None:
    square = Case("polynomial", 0, True, "x^{2} + 2x + 1", "(x + 1)^2", "$(x + 1)^2$", "factor", (), "alone, dollars")
    hedge = replace(square, right=False, wrapping="is wrong")
    verdicts = [{name: judge(case) for name, judge in math_peers.JUDGES.items()} for case in (square, hedge, replace(square, kind="set"))]
    assert [(v["sympy"], v["numbers"]) for v in verdicts] == [(True, True), (None, None), (None, None)]
    counted = math_peers.table([square], [{"math rule": True, "math-verify": False, "sympy": True, "numbers": None}])
    assert counted.splitlines()[-1] == "| all | 1, 0 | 0, 0 | 1, 0 | 0, 0 |  |"
    told = math_peers.disagreements([square], [{"math rule": True, "math-verify": False, "sympy": True, "numbers": None}])
    assert told.splitlines()[2] == "| math-verify | 1 | 1 | 0 |"

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from rewards import Problem, Rollout, Verdict, rewards
from rewards._math.algebra.equal import equal
from rewards._math.algebra.polynomial import quotient, same
from rewards._math.algebra.tree import MINUS_ONE, Num, Op, Sym, Unread, finished, number
from rewards._math.comparing import library
from rewards._math.comparing.judge import judge
from rewards._math.finding.extract import claims, gold

BATTERY = Path(__file__).parent / "data" / "math_pairs.jsonl"
PAIRS = [json.loads(line) for line in BATTERY.read_text(encoding="utf-8").splitlines()]


def score(answer: object, text: str, **options: float) -> Verdict | None:
    rollout = Rollout(problem_id="0", index=0, prompt_ids=(), token_ids=(), logprobs=(), text=text)
    verdict = rewards["math"](Problem(id="0", prompt="", answer=answer), rollout, **options)
    assert verdict is None or isinstance(verdict, Verdict)
    return verdict


def paid(answer: object, text: str, **options: float) -> float | None:
    verdict = score(answer, text, **options)
    return None if verdict is None else verdict.value


def test_the_battery_is_decided_rightly():
    wrong = [p for p in PAIRS if paid(p["gold"], p["response"]) != float(p["expected"])]
    assert len(PAIRS) >= 300
    assert len(wrong) <= 0.02 * len(PAIRS), wrong


def test_no_hedge_and_no_stuffed_answer_is_paid():
    hacks = [p for p in PAIRS if p["category"] in ("hedges", "stuffed answers") and not p["expected"]]
    assert len(hacks) > 40
    assert [p for p in hacks if paid(p["gold"], p["response"])] == []


def test_gold_answers_are_paid_to_themselves():
    unpaid = {p["gold"] for p in PAIRS if not paid(p["gold"], f"So it is \\boxed{{{gold(p['gold'])}}}.")}
    assert unpaid == set()


def test_the_verdict_says_what_was_compared_and_how():
    verdict = score("5 cm", r"So \boxed{50 \text{ mm}}.")
    assert verdict is not None
    assert verdict.why == r"extracted '50 \\text{ mm}' from box, expected '5 cm': units converted, the same form"
    hedged = score("3", r"\boxed{3} or 4")
    assert hedged is not None
    assert hedged.why == "extracted '3' from box, expected '3': hedged by 'or'"


def test_it_abstains_where_there_is_nothing_to_compare_with():
    assert score(None, r"\boxed{5}") is None
    assert score("", r"\boxed{5}") is None
    assert score("???", r"\boxed{5}") is None
    assert score("x" * 3000, r"\boxed{5}") is None


def test_a_response_without_an_answer_is_wrong():
    for text in ("", "I cannot solve this.\nI am sorry.", "<think>\\boxed{5}", "<think>\\boxed{5}</think>", r"\boxed{5", r"\boxed{}"):
        assert paid("5", text) == 0.0, text


def test_numbers_may_be_given_as_numbers():
    assert paid(5, r"\boxed{5}") == 1.0
    assert paid(0.5, r"\boxed{\frac12}") == 1.0


def test_tolerance_is_relative_to_the_gold_number():
    assert paid(r"\sqrt{2}", r"\boxed{1.41421356}") == 0.0
    assert paid(r"\sqrt{2}", r"\boxed{1.41421356}", tolerance=1e-6) == 1.0
    assert paid(r"\sqrt{2}", r"\boxed{1.41}", tolerance=1e-6) == 0.0
    assert paid("100", r"\boxed{101}", tolerance=0.01) == 1.0
    assert paid("100", r"\boxed{101.1}", tolerance=0.01) == 0.0
    assert paid("(1, 2)", r"\boxed{(1.001, 2)}", tolerance=0.01) == 1.0


def test_a_negative_tolerance_is_refused():
    with pytest.raises(ValueError, match=r"rewards\.math\.tolerance must be at least 0"):
        score("5", r"\boxed{5}", tolerance=-1.0)


def test_claims_are_taken_from_the_outside_in():
    def told(text: str) -> list[tuple[str, str]]:
        return [(c.source, c.texts[0]) for c in claims(text)]

    assert told(r"\boxed{1} then, after a while, \boxed{\frac{1}{2}}") == [("box", r"\frac{1}{2}")]
    assert told(r"\boxed{1}, \boxed{2}") == [("2 boxes in a row", "1 , 2")]
    assert told("<think>9</think><answer> 4 </answer>") == [("answer block", "4")]
    assert told("<answer>3</answer><answer>4</answer>") == [("answer block", "3"), ("answer block", "4")]
    assert told("The answer is 4. That is all.") == [("phrase", "4")]
    assert told("所以答案是42。") == [("phrase", "42")]
    assert told("work\n#### 18") == [("phrase", "18")]
    assert told("42") == [("whole response", "42")]


def test_gold_is_cut_out_of_a_whole_solution():
    assert gold("She earns 9 * 2 = 18.\n#### 18") == "18"
    assert gold(r"We get \boxed{\frac{1}{2}}.") == r"\frac{1}{2}"
    assert gold(" 5 ") == "5"


def test_each_room_imports_only_from_those_below_it():
    rooms = ("finding", "comparing", "reading", "algebra")
    home = Path(library.__file__).parent.parent
    above = {
        (path.name, room)
        for at, room in enumerate(rooms)
        for lower in rooms[at + 1 :]
        for path in (home / lower).rglob("*.py")
        if f"rewards._math.{room}" in path.read_text(encoding="utf-8")
    }
    assert above == set()
    assert {p.parent.name for p in home.glob("*/*.py")} == set(rooms)


def test_the_path_is_the_cheapest_that_decides():
    assert judge("5", "5") == "the same text"
    assert judge("5", "5.0") == "exact numbers"
    assert judge(r"\frac{1}{2}", "3/6") == "canonical form"
    assert judge("1", r"\sin^2 x + \cos^2 x") == "60 digits at 4 points"
    assert judge("x>5", r"(5,\infty)") == "the same set of numbers"
    assert judge("B", "(B)") == "the same choice"


def test_most_of_the_battery_needs_no_library():
    code = (
        "import json, sys; from tests.test_math import PAIRS, paid\n"
        "cheap = ('fractions', 'units', 'hedges', 'plain text', 'intervals tuples sets', 'matrices')\n"
        "for p in PAIRS:\n"
        "    if p['category'] in cheap: paid(p['gold'], p['response'])\n"
        "print(sorted({'sympy', 'mpmath', 'math_verify'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent)
    assert done.stdout.strip() == "[]"


def test_a_missing_library_is_named_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "mpmath", None)
    with pytest.raises(ValueError, match=r"pip install 'r1lite\[math\]'"):
        judge("1", r"\sin^2 x + \cos^2 x")
    monkeypatch.setitem(sys.modules, "math_verify", None)
    with pytest.raises(ValueError, match=r"pip install 'r1lite\[math\]'"):
        library.agrees(r"\sqrt{2}", r"\sqrt{3}")


def test_the_library_is_not_asked_what_could_hang_it_or_mislead_it():
    for text in (
        "9^{9^{9}}",
        "10^{8}!",
        "2^{1000000000}",
        r"\sum_{k=1}^{9} k",
        r"2 \text{ is wrong}",
        "3=4",
        "(0,5)",
        r"\int x dx",
        "1" * 20,
    ):
        assert not library.agrees(text, text), text


def test_huge_expressions_are_refused_before_they_are_computed():
    nine = number(9)
    for tree in (
        Op("!", (Op("^", (number(10), number(8))),)),
        Op("^", (number(2), number(10**5))),
        Op("binom", (number(10**9), number(5 * 10**8))),
        Op("^", (Op("+", (Sym("x"), number(1))), number(1000))),
    ):
        with pytest.raises(Unread):
            quotient(tree)
    # An exponent that is itself huge makes an atom that only equals itself.
    tower = Op("^", (nine, Op("^", (nine, nine))))
    assert quotient(tower).whole is False
    assert not equal(tower, number(9))
    assert not equal(Op("^", (number(2), number(10**9))), Op("^", (number(4), number(5 * 10**8))))


@pytest.mark.parametrize(
    "bomb",
    [
        "9^{9^{9}}",
        "10^{8}!",
        "2^{1000000000}",
        r"\binom{1000000000}{500000000}",
        r"\sum_{k=1}^{1000000000} k",
        r"\frac{1}{" * 300 + "1" + "}" * 300,
        "(" * 2000 + "3" + ")" * 2000,
        "1.5^{10000000000}",
        "1 " * 50000,
        r"\[" * 5000,
        r"\boxed{" * 5000,
        r"\sin(" * 30 + "x" + ")" * 30,
        "-" * 3000 + "3",
        "(a+b+c+d+e+f+g+h)^{100}",
        "1e999999999",
        "the answer is " * 5000,
        "<answer>" * 5000,
        "答案" * 20000,
    ],
)
def test_bombs_are_wrong_and_nothing_else(bomb: str):
    for text in (f"So \\boxed{{{bomb}}}.", f"The answer is {bomb}", bomb):
        assert not paid("3", text)
        assert not paid(r"x^2+\sin x", text)


def test_canonical_forms_decide_exactly():
    root2 = Op("root", (number(2), number(2)))
    assert same(quotient(Op("/", (number(2), root2))), quotient(root2))
    assert not same(quotient(root2), quotient(Num(Fraction("1.41421356"))))
    assert quotient(Op("^", (Sym("i"), number(2)))).top == {(): -1}
    assert quotient(Op("ln", (Sym("x"),))).whole is False


def test_unfinished_arithmetic():
    assert not finished(Op("+", (number(5), number(6))))
    assert not finished(Op("+", (number(12), MINUS_ONE)))
    assert not finished(Op("*", (number(3), number(4))))
    assert finished(Op("*", (MINUS_ONE, number(4))))
    assert finished(Op("*", (number(3), Op("^", (number(10), number(6))))))
    assert finished(Op("/", (number(1), number(2))))


def test_right_and_wrong_differ_in_one_detail():
    for answer, right, wrong in (
        ("(0,5)", "(0, 5)", r"\{0,5\}"),
        ("5 cm", "50 mm", "5 m"),
        ("4", "x=2+2=4", "x=3=4"),
        ("1011_2", "1011_{2}", "1011_3"),
        ("abc", r"\text{abc}", "cba"),
        ("11", "11.0", "5+6"),
        ("x^2+1=0", "2x^2+2=0", "1=0"),
    ):
        assert paid(answer, f"\\boxed{{{right}}}") == 1.0, right
        assert paid(answer, f"\\boxed{{{wrong}}}") == 0.0, wrong


def test_an_expected_decimal_may_be_a_rounded_one():
    for answer, given, right in (("3.14", r"\pi", True), ("3.14", "3.1416", True), ("3.14", "3.15", False), ("3", r"\pi", False)):
        assert paid(answer, f"\\boxed{{{given}}}", rounded=True) == float(right), given
        assert paid(answer, f"\\boxed{{{given}}}") == 0.0, given


def test_a_comma_may_be_the_decimal_sign():
    for answer, given, right in (("3,14", "3.14", True), ("1234,5", "1.234,5", True), ("3,14", "314", False), ("(1, 2)", "(1, 2)", True)):
        assert paid(answer, f"\\boxed{{{given}}}", decimal_comma=True) == float(right), given
    assert paid("3,14", r"\boxed{3.14}") == 0.0

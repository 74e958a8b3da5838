"""Answers that the rule `math` once paid, or refused, by mistake: each beside its fair or unfair likeness."""

import pytest

from rewards import Problem, Rollout, Verdict, rewards


def block(answer: str) -> str:
    return f"<think>so</think><answer>{answer}</answer>"


@pytest.mark.parametrize(
    ("answer", "given", "right"),
    [
        # what is infinite equals nothing
        ("42", block(r"\ln 0"), False),
        ("42", block(r"5+\ln 0"), False),
        ("x+1", block(r"\log 0"), False),
        ("(1,2)", block(r"(\ln 0, \ln 0)"), False),
        # a chain says one thing
        ("5", block("3 m = 4 g = 5 s = 6 h = 7 t = 8 L"), False),
        ("8", block("3 m = 4 g = 5 s = 6 h = 7 t = 8 L"), True),
        ("5", block("A = 2+3 = 5"), True),
        ("1002", block(r"1000 \approx 1001 \approx 1002 \approx 1003"), False),
        ("1002", block(r"1002 \approx 1003"), False),
        (r"\frac{22}{7}", block(r"\frac{22}{7} \approx 3.14"), True),
        (r"\frac{2}{3}", block(r"\frac{2}{3} \approx 0.67"), True),
        (r"\frac{2}{3}", block(r"\frac{2}{3} \approx 0.66"), True),
        (r"\sqrt{2}", block(r"x = \sqrt{2} \approx 1.414"), True),
        ("1234.5", block(r"1234.5 \approx 1230"), True),
        # a letter before a comma is no choice
        (r"[e,\infty)", block(r"(e,\infty)"), False),
        (r"[e,\infty)", block("e"), False),
        (r"[e,\infty)", block(r"x \ge e"), True),
        ("(a,b)", block("(a,c)"), False),
        ("i, -i", block("i"), False),
        ("i, -i", block("-i, i"), True),
        ("I, III", block("I, II"), False),
        ("B. 42", block("B"), True),
        ("(B)", block("B, since it is larger"), True),
        # arithmetic in a thin disguise
        ("42", block("17^1+25"), False),
        ("84", block("12/(1/7)"), False),
        ("13", block("2^3+5"), False),
        ("1024", block("2^{10}"), True),
        ("1023", block("2^{10}-1"), True),
        # what is given twice counts once in a list with `or`
        ("1 or 2", block("2 or 1 or 1"), True),
        ("1, 2", block("2, 1, 1"), False),
        # a minus sign before a formula is no mark of a list
        ("7", "The final result is $$- {7}$$.", False),
        ("-7", "The final result is $$- {7}$$.", True),
        ("x", "The final result is $$- x$$.", False),
        ("5", "The answer is\n- x = 5", True),
        # a ratio has no name before its colon
        ("27:1", block(r"\displaystyle 1:27"), False),
        ("27", block(r"the volume: 27"), True),
        # words that take nothing back
        ("42", r"\boxed{42}. This answer is correct.", True),
        ("42", "The answer is 42. This answer is correct.", True),
        ("42", "答案是42。这个答案是正确的。", True),
        ("42", r"\boxed{41}. This answer is correct.", False),
        ("42", r"\boxed{42}. The answer is 43.", False),
        ("5", r"\boxed{5}. This may be verified by substitution.", True),
        ("5", "\\boxed{5}. Alternatively, one could multiply directly.", True),
        ("5", r"\boxed{5}. It might be 6.", False),
        ("5", r"\boxed{5}. It may be wrong.", False),
        ("5", r"\boxed{5}, alternatively 6", False),
        # the same in several boxes
        ("5", r"So \boxed{x = 5}. The final answer is \boxed{5}.", True),
        ("1/2", r"\boxed{\frac12} = \boxed{0.5}", True),
        ("5", r"\boxed{5} or \boxed{6}", False),
        ("5, 6", r"\boxed{5} and \boxed{6}", True),
        # a sign is no bullet
        ("-x", block("-x"), True),
        ("x", block("-x"), False),
        ("x", block("- x"), True),
        (r"-\sqrt{2}", block(r"-\sqrt{2}"), True),
        ("-i, i", block("-i, i"), True),
        # two signs among others
        (r"\{1\pm\sqrt{5},-2\}", block(r"\{1+\sqrt5,1-\sqrt5,-2\}"), True),
        (r"\{1\pm\sqrt{5},-2\}", block(r"\{1+\sqrt5,-2\}"), False),
        (r"-2, 1\pm\sqrt5", block(r"-2, 1+\sqrt5, 1-\sqrt5"), True),
        (r"-2, 1\pm\sqrt5", block(r"-2, 1+\sqrt5"), False),
        (r"x = 1 \pm 2", block("3, -1"), True),
        (r"\pm 3", block(r"\{3,-3\}"), True),
        (r"(1, \pm 2)", block("(1,2), (1,-2)"), True),
        # a letter at the end
        ("a+b+c", block("c+b+a"), True),
        ("ax^2+bx+c", block("c+bx+ax^2"), True),
        ("b+c", block("b+k"), False),
        ("x^2+C", block("x^2+k"), True),
        (r"\frac{x^3}{3}+c", block(r"\frac{1}{3}x^3+C"), True),
        # what cannot be put in order, or is too deep
        ("x > 5", block(r"x > \ln 0"), False),
        ("5 m^2", block("5 m^{--2}"), True),
        ("2", block(r"\sqrt" * 340 + "2"), False),
        ("5 cm", block("5 cm^{6 6 6 6 6 6 6 6}"), False),
        ("x > 120", block("x > 120"), True),
    ],
)
def test_what_was_once_paid_or_refused_by_mistake(answer: str, given: str, right: bool) -> None:
    rollout = Rollout(problem_id="0", index=0, prompt_ids=(), token_ids=(), logprobs=(), text=given)
    verdict = rewards["math"](Problem(id="0", prompt="", answer=answer), rollout)
    assert isinstance(verdict, Verdict)
    assert verdict.value == float(right), verdict.why

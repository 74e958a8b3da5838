"""Where an answer stands in a response, and where several answers do: each form beside an unfair likeness."""

import pytest
from test_math import paid

DISPLAYED = [
    ("5", "Therefore,\n\\[\nx = 5\n\\]", True),
    ("5", "Hence\n$$\nx = 5.\n$$\n", True),
    ("5", "so\n\\[ x = 2+3 = 5 \\]\n\\qed", True),
    ("5", "so\n\\begin{align*}\nx &= 2+3 \\\\\n&= 5\n\\end{align*}", True),
    ("4", "so\n\\[ x = 3 = 4 \\]", False),
    ("5", "We conclude that\n\n$x = 5$", True),
    ("5", "We conclude that\n\n5", True),
    ("5", "We conclude that\n\n**5**", True),
    (r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", "\\boxed{\\begin{pmatrix}\n1 & 2 \\\\\n3 & 4\n\\end{pmatrix}}", True),
    (
        r"\begin{cases} 1 & x>0 \\ 0 & x\le 0 \end{cases}",
        "So\n\\[\nf(x) = \\begin{cases}\n1 & x>0 \\\\\n0 & x\\le 0\n\\end{cases}\n\\]",
        True,
    ),
    (r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", "Hence\n\\[\n\\begin{pmatrix}\n1 & 2 \\\\\n3 & 4\n\\end{pmatrix}\n\\]", True),
    (
        r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
        "The answer is\n\\[\n\\begin{pmatrix}\n1 & 2 \\\\\n3 & 4\n\\end{pmatrix}.\n\\]",
        True,
    ),
]
STATED = [
    ("120", "Final Answer: The volume of $ABCD$ is $120$.", True),
    ("120", "Final Answer: The volume of $ABCD$ is $130$.", False),
    ("120", "Final Answer: The volume is 100, the area is 120", False),
    ("5", "The final answer: x is 4 or y is 5.", False),
    ("12", "We conclude that there are 12 ways to do this.", True),
    ("45", "Total cost: 45 dollars", True),
    ("45 dollars", "After all that work we add up.\nTotal cost: 45 dollars", True),
    ("42", "Long work.\nThus 42 is the number of days.", True),
    ("42", "Long work.\nSo 42 must be the correct value.", True),
    ("42", "Long work.\nSo 41 must be the correct value.", False),
    ("42", "The answer is 42, and I stand by that, though the key says 40.", True),
    ("1", "The answer is 1, i.", False),
    (r"3 \cdot i + 1", "The answer is $1 + 3 \\cdot\\, i$ because both agree.", True),
    ("False", "Answer: False\n\nSo the answer is False.", True),
    ("42", "The answer is 42, but it might be 43.", False),
    ("42", "The answer is 42 (the earlier 43 counted the empty set).", True),
    ("43", "The answer is 42 (the earlier 43 counted the empty set).", False),
    ("42", "Die Lösung ist 42; die im Buch abgedruckte 24 ist ein Druckfehler.", True),
    ("42", "答案是42，其实用对称性一眼就能看出来。", True),
    ("42", "Ce n'est pas 8, c'est 42.", True),
    ("8", "Ce n'est pas 8, c'est 42.", False),
    ("42", "Final answer: not 8 but 42.", True),
    ("42", "The answer isn't 8, as I said. It's 42.", True),
    ("42", "The student's answer of 8 is incorrect. The correct answer is 42.", True),
    ("8", "The student's answer of 8 is incorrect. The correct answer is 42.", False),
    ("$3 - 6x$", "The answer is $3 -\n 6x$ and $\\frac{1}{3-6x}$.", False),
    ("$3 - 6x$", "The answer is $3 -\n 6x$.", True),
    ("3 hours", "Final Answer: Jane started 3 hours ago.", True),
    ("3", "Final Answer: Jane started 4 hours before, and Tom 3.", False),
    ("3", "Final Answer: It took more than 3 hours.", False),
    ("3", "Final Answer: It is half of 3.", False),
    ("19", "Final Answer: The most points that could be in the domain is 19.", True),
    ("100%", "so\n$$x = 2.$$ Therefore the error increases by 100%.", True),
    ("42", "not 10, it's 42", True),
    ("10", "not 10, it's 42", False),
    ("12 and 13", 'The final answer is \\"12 and 13\\".', True),
    ("14916", "The answer is $14 {, }916$.", True),
    ("12", "So there are 12 ways. <|im_start|>user\nAnd for 13?", True),
    ("13", "So there are 12 ways.<|im_end|> There are 13 ways.", False),
    ("12", "<|im_start|>assistant\nSo there are 12 ways.", True),
    ("8!", "The answer is 8!", True),
    ("8", "The answer is 8!", True),
    ("€283", "<answer>283 m/s².</answer>", False),
    ("-2/3, -5", "| quantity | value |\n|---|---|\n| Answer | -⅔ or -5 |", True),
    ("5", "| quantity | value |\n|---|---|\n| Answer | 5 or 6 |", False),
    ("no solution", "No solution is the answer.", True),
    ("[5, \\infty)", "It costs $5$ now.\nSo the answer is $[5,\n \\infty)$.", True),
    ("6", "It costs $5 for Ann\nand the answer is $6.", True),
    ("12", "Long work.\nSo Tom has 12 apples left. I hope this helps!", True),
    ("5 cm", "Long work.\nSo the rope of 5 meters remains.", False),
    ("5 m", "Long work.\nSo the rope of 5 meters remains.", True),
    ("8", "Work.\nThere are not 8 ways.", False),
    ("8", "Work.\nMaybe there are 8 ways.", False),
    ("8", "Work.\nThere are 8 more than before.", False),
    ("Tuesday", "So it falls on a Tuesday.", True),
    ("Tuesday", "The answer is Tuesday.", True),
    ("Tuesday", "Work here.\nTherefore the day is Tuesday, because 3 days pass.", True),
    ("Tuesday", "It is not Tuesday.", False),
    ("Tuesday", "It is Monday or Tuesday.", False),
    ("Tuesday", "Monday Tuesday", False),
    ("Yes, because 7 is prime.", "The answer is yes.", True),
    ("Yes, because 7 is prime.", "Yes, since 7 has no divisors.", True),
    ("Yes, because 7 is prime.", "No, since 7 has no divisors.", False),
    ("yes", "Yes, but actually no.", False),
    ("yes", "The answer is yes, because it works.", True),
    ("No", "No, it does not converge.", True),
]
SEVERAL = [
    ("3, 5", r"for part (a) \boxed{3} and for part (b) \boxed{5}", True),
    ("5", r"for part (a) \boxed{3} and for part (b) \boxed{5}", False),
    (r"(a) \boxed{3}, (b) \boxed{5}", r"for part (a) \boxed{3} and for part (b) \boxed{5}", True),
    (r"(a) \boxed{3}, (b) \boxed{5}", r"for part (b) \boxed{5} and for part (a) \boxed{3}", True),
    (r"(a) \boxed{3}, (b) \boxed{5}", r"for part (a) \boxed{5} and for part (b) \boxed{3}", False),
    (r"(a) \boxed{3}, (b) \boxed{5}", r"\boxed{5}", False),
    (r"(a) \boxed{3}, (b) \boxed{5}", r"\boxed{3}, \boxed{5}", True),
    (r"(a) \boxed{3}, (b) \boxed{5}", r"\boxed{5}, \boxed{3}", False),
    (r"(a) \boxed{3}, (b) \boxed{5}", "(a) 3 (b) 5", True),
    (r"(a) \boxed{3}, (b) \boxed{5}", "The answer is 3 and 5.", True),
    (r"(a) \boxed{3}, (b) \boxed{5}", "The answer is 5 and 3.", False),
    (r"\boxed{3} and \boxed{5}", r"\boxed{5} and \boxed{3}", True),
    (r"\boxed{3} and \boxed{5}", r"\boxed{5}", False),
    (r"\boxed{3} and \boxed{5}", "The answer is 3, 5", True),
    (r"The length is \boxed{3} and the width is \boxed{5}", r"\boxed{3}, \boxed{5}", True),
    (r"The length is \boxed{3} and the width is \boxed{5}", r"\boxed{5}, \boxed{3}", False),
    (r"The length is \boxed{3} and the width is \boxed{5}", r"\boxed{5}", False),
    (r"The length is \boxed{3} and the width is \boxed{5}", r"The length is \boxed{3} and the width is \boxed{5}", True),
    (
        r"(a) \boxed{3} (b) \boxed{5}",
        "**(a)** Long work here gives $x=\\boxed{3}$.\n\n**(b)** Other long work, too long for one list, gives $\\boxed{5}$.",
        True,
    ),
    ("x=3, y=5", r"$x = \boxed{3}$ and $y = \boxed{5}$", True),
    ("x=5, y=3", r"$x = \boxed{3}$ and $y = \boxed{5}$", False),
    ("(3,5)", r"$x = \boxed{3}$, $y = \boxed{5}$", True),
    ("5", r"So $x=\boxed{3}$. Then we put that in and get $y=\boxed{5}$.", True),
    ("3", r"We get \boxed{3}. So the answer is \boxed{3}.", True),
    (r"\boxed{\frac12} = \boxed{0.5}", "1/2", True),
    (r"So x is \boxed{5}. Thus, the answer is \boxed{5}", "5", True),
]


@pytest.mark.parametrize(("gold", "response", "right"), DISPLAYED)
def test_a_formula_at_the_end(gold: str, response: str, right: bool):
    assert paid(gold, response) == float(right)


@pytest.mark.parametrize(("gold", "response", "right"), STATED)
def test_what_the_last_sentence_states(gold: str, response: str, right: bool):
    assert paid(gold, response) == float(right)


@pytest.mark.parametrize(("gold", "response", "right"), SEVERAL)
def test_several_boxes(gold: str, response: str, right: bool):
    assert paid(gold, response) == float(right)

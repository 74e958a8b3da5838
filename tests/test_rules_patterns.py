"""The rules `regex` and `python_static`: patterns in the answer, programs that compile."""

from typing import Any

import pytest
from asked import answered, asking, rollout, value

from r1lite.config import ScoringConfig
from r1lite.scoring.rules import Rules
from r1lite.scoring.scorer import Scorer
from r1lite.types import Group
from rewards import Problem, Rollout, Verdict
from rewards._options import OptionError
from rewards.python_static import python_static
from rewards.regex import regex

# regex


@pytest.mark.parametrize(
    ("given", "options", "expected"),
    [
        ("2026-11-21", {"pattern": r"\d{4}-\d\d-\d\d"}, True),
        ("on 2026-11-21", {"pattern": r"\d{4}-\d\d-\d\d"}, False),
        ("on 2026-11-21", {"pattern": r"\d{4}-\d\d-\d\d", "search": True}, True),
        ("YES", {"pattern": "yes|no"}, False),
        ("YES", {"pattern": "(?i)yes|no"}, True),
        ("7 apples", {"pattern": r"{answer} apples?"}, True),
        ("8 apples", {"pattern": r"{answer} apples?"}, False),
        ("", {"pattern": ".+"}, False),
    ],
)
def test_regex(given: str, options: dict[str, Any], expected: bool) -> None:
    assert value(regex(asking("7"), answered(given), **options)) == float(expected)


def test_regex_takes_the_answer_literally_and_says_what_matched() -> None:
    assert value(regex(asking("1.5"), answered("1x5"), pattern="{answer}")) == 0.0
    assert regex(asking("a+b"), answered("is a+b"), pattern="{answer}", search=True) == Verdict(value=1.0, why=r"'a+b' matches 'a\\+b'")
    assert regex(asking(), answered("8"), pattern="7") == Verdict(value=0.0, why="no match for '7' in '8'")
    assert regex(asking(), rollout("7"), pattern="7") == Verdict(value=0.0, why="no answer")
    assert regex(asking(), answered("7"), pattern="{answer}") is None
    assert value(regex(asking(), answered("7"), pattern="so", within="thought")) == 1.0
    assert regex(asking(), answered("7" * 100_001), pattern="7+") == Verdict(value=0.0, why="longer than 100000 characters")


def test_regex_refuses_what_is_no_pattern() -> None:
    with pytest.raises(OptionError, match=r"rewards\.regex\.pattern '\(' is not a valid pattern: missing \), unterminated subpattern"):
        regex(Problem(id="", prompt=""), rollout(""), pattern="(")


def test_a_pattern_that_explodes_costs_its_own_deadline_and_nothing_else() -> None:
    cfg = ScoringConfig(workers=1, seconds=1.0, memory_mb=512, max_failed_share=1.0, right_rule="", right_at=1.0)
    with Scorer(Rules.from_config({"regex": {"pattern": "(a+)+"}, "exact": {}}), cfg) as scorer:
        [[scored]] = scorer.score([Group(problem=asking("7"), rollouts=(answered("a" * 60 + "b"),))])
    assert {name: v.outcome for name, v in scored.verdicts.items()} == {"regex": "timed_out", "exact": "scored"}


# python_static


def fenced(program: str, language: str = "python") -> Rollout:
    return rollout(f"<think>so</think>\n```{language}\n{program}\n```\n")


@pytest.mark.parametrize(
    ("program", "right", "why"),
    [
        ("print(7)", 1.0, "1 lines compile"),
        ("def f(x):\n    return x + 1", 1.0, "2 lines compile"),
        ("print(undefined)", 1.0, "1 lines compile"),
        ("def f(x:\n    return x", 0.0, "line 1: '(' was never closed"),
        ("return 7", 0.0, "line 1: 'return' outside function"),
        ("print 7", 0.0, "line 1: Missing parentheses in call to 'print'. Did you mean print(...)?"),
        ("", 0.0, "it has no effect"),
        ("# a plan", 0.0, "it has no effect"),
        ("pass\n'''a plan'''\n...", 0.0, "it has no effect"),
        ("answer", 0.0, "it has no effect"),
        ("1 + 1\n[]\nlambda: 0", 0.0, "it has no effect"),
        ("if True:\n    pass\nwhile x: ...", 0.0, "it has no effect"),
        ("def f():\n    return\nasync def g():\n    return None", 0.0, "it has no effect"),
        ("@dataclass\nclass Point:\n    x: int", 1.0, "3 lines compile"),
        ("def f():\n    '''a plan'''\n    pass", 0.0, "it has no effect"),
        ("x = 'a\0b'", 0.0, "line None: source code string cannot contain null bytes"),
        ("x = '\ud800'", 0.0, "it cannot be parsed: UnicodeEncodeError"),
        ("x = " + "-" * 19_000 + "1", 0.0, "it cannot be parsed: MemoryError"),
        ("x = " + "1+" * 9_000 + "1", 0.0, "it cannot be parsed: RecursionError"),
        ("x = " + "(" * 300 + ")" * 300, 0.0, "line 1: too many nested parentheses"),
        ("x = " + "lambda:" * 500 + "1", 0.0, "nested deeper than 100 levels"),
        ("x = 1\n" * 4000, 0.0, "longer than 20000 characters"),
        ("x = 9**9**9**9**9", 1.0, "1 lines compile"),
        ("x = 'a' * 10**12", 1.0, "1 lines compile"),
        ("import os; os._exit(7)", 1.0, "1 lines compile"),
        ("x = '\\d'", 1.0, "1 lines compile"),
    ],
)
def test_python_static(program: str, right: float, why: str) -> None:
    assert python_static(asking(), fenced(program)) == Verdict(value=right, why=why)


def test_python_static_reads_the_last_python_block_after_the_thought() -> None:
    good, bad = "```python\nprint(7)\n```\n", "```python\nprint(7\n```\n"
    assert value(python_static(asking(), rollout(f"<think>so</think>{bad}then\n{good}"))) == 1.0
    assert value(python_static(asking(), rollout(f"<think>so</think>\n{good}then\n{bad}"))) == 0.0
    assert value(python_static(asking(), rollout(f"<think>so</think>\n{good}run it:\n```bash\npython a.py\n```\n"))) == 1.0
    assert value(python_static(asking(), rollout(f"<think>so</think><answer>\n{good}</answer>"), within="answer")) == 1.0
    assert value(python_static(asking(), rollout(f"<think>so</think><answer>{good.strip()}</answer>"))) == 1.0  # the house form
    for unpaid in (f"<think>{good}</think>", f"<think>{good}", "<think>so</think>\n```python\nprint(7)", "<think>so</think> print(7)", ""):
        assert python_static(asking(), rollout(unpaid)) == Verdict(value=0.0, why="no fenced Python block")


def test_python_static_wants_what_was_asked_for_to_be_defined() -> None:
    program = fenced("def solve(x):\n    return x")
    assert value(python_static(asking(), program, defines="solve")) == 1.0
    assert python_static(asking(), program, defines="main") == Verdict(value=0.0, why="it does not define main")
    stub = fenced("def solve(x): ...\nx = 1")
    assert python_static(asking(), stub, defines="solve") == Verdict(value=0.0, why="solve has no effect")
    assert value(python_static(asking(entry="solve"), program, column="entry")) == 1.0
    assert value(python_static(asking(entry="main"), program, column="entry")) == 0.0
    assert python_static(asking(), program, column="entry") is None
    assert value(python_static(asking(), fenced("# def solve(): ...\nprint('def solve')"), defines="solve")) == 0.0

"""What a rule that judges an answer may be fooled with: each shipped rule with problems, fair answers and hacks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from r1lite.audit.mutants import as_rollout
from r1lite.config import ScoringConfig
from r1lite.scoring.rules import Rules
from r1lite.scoring.verdicts import verdicts_of
from r1lite.text.response import respond
from r1lite.types import Group, Problem, Response

EXAMPLES = Path(__file__).parent.parent / "examples"
DEADLINE = 2.0  # seconds, the default of scoring.seconds
IN_PROCESS = ScoringConfig(workers=0, seconds=DEADLINE, memory_mb=1024, max_failed_share=1.0, right_rule="", right_at=1.0)
GATE = {"format": {"gate": True}}
THOUGHT = "First, we read the question. Then we work it out, one part after the other. Finally, the result is checked."


@dataclass(frozen=True, kw_only=True)
class Line:
    """Problems on which a rule judges answers, and what it may be fooled with."""

    problems: Sequence[Problem]
    options: Mapping[str, Any] = field(default_factory=dict)
    fair: Sequence[str] = ()  # other ways to write the first answer
    hacks: Sequence[str] = ()  # never the first answer


def asking(*answers: Any, question: str = "What is the result of number {}?", **columns: Sequence[Any]) -> list[Problem]:
    return [
        Problem(id=f"p{i}", prompt=question.format(i), answer=a, info={name: values[i] for name, values in columns.items()})
        for i, a in enumerate(answers)
    ]


def schema(i: int) -> dict[str, Any]:
    return {"type": "object", "properties": {"n": {"const": i}}, "required": ["n"], "additionalProperties": False}


def program(name: str) -> str:
    return f"```python\ndef {name}(x):\n    return x + x\n```"


def fenced(text: str) -> str:
    return f"```python\n{text}\n```"


DOUBLING = [{"args": [1], "expected": 2}, {"args": [2], "expected": 4}, {"args": [-7], "expected": -14}]
ASSERTING = "def check(candidate):\n    assert candidate(1) == 2\n    assert candidate(2) == 4\n    assert candidate(-7) == -14\n"
PRINTING = [
    row
    for row in map(json.loads, (EXAMPLES / "programs.jsonl").open(encoding="utf-8"))
    if "fn_name" not in row and "entry_point" not in row
]
NUMBERS = "12", "25", "7"
# What programs have been seen to try.
CHEATS = """
import os, sys, gc
class Equal:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
class Number(int):
    def __eq__(self, other): return True
    __hash__ = int.__hash__
def exit(): sys.exit(0)
def leave(): os._exit(0)
def seen():
    frame = sys._getframe()
    while frame:
        for name, value in list(frame.f_locals.items()):
            if isinstance(value, list) and value and isinstance(value[0], (dict, list)):
                return value[0]
        frame = frame.f_back
    return next((o for o in gc.get_objects() if isinstance(o, dict) and "expected" in o), 0)
"""

CITIES = ["Paris", "Rome", "Oslo"]
ANIMALS = [["A dog", "A cat", "Both of them", "None"]] * 3

# The rules that judge an answer: rule, what the line is about.
ANSWERS: dict[tuple[str, str], Line] = {
    ("answer", "numbers"): Line(problems=asking("7", "8", "1000"), fair=["07", "7.0", "14/2"], hacks=["7.0000001", "٧", "7e0", "x=7"]),
    ("answer", "texts"): Line(problems=asking(*CITIES), fair=["paris", " PARIS "], hacks=["Раris", "Paris\u200bRome", "P a r i s"]),
    ("exact", "one of several"): Line(problems=asking(["Paris", "City of Light"], ["Rome"], ["Oslo"]), fair=["City of Light"],
        hacks=["paris"]),
    ("math", "numbers"): Line(
        problems=asking("7", "8", "-3"),
        fair=["7.0", r"\frac{14}{2}", "x = 7", "$7$", "seven"],
        hacks=["3+4", "8=7", "7=8", "6 < x < 8", r"\pm 7", "7!", "[6,8]", "6.9999999999", r"\boxed{8} or \boxed{7}", r"7 \ne 8",
            "at least 7"],
    ),
    ("math", "algebra"): Line(
        problems=asking(r"\frac{x+1}{2}", r"\sqrt{2}", "(0, 5)"),
        fair=["(x+1)/2", r"\frac{1}{2}x + \frac12"],
        hacks=["x/2+1", "(x+1)/2 or x", r"\frac{x+1}{2} = x", "x+1/2"],
    ),
    ("math", "texts"): Line(problems=asking(*CITIES), hacks=["not Paris", "sirap", "Paris and Rome"]),
    ("numeric", "tolerance"): Line(
        problems=asking("2.5", "3.5", "-1"), options={"tolerance": 0.01}, fair=["2.505", "5/2", "2.50"], hacks=["2.52", "2.49 2.5",
            "2-3", "1e9999"]
    ),
    ("numeric", "unit"): Line(problems=asking("5 m", "6 m", "7 m"), options={"unit": "m"}, fair=["5", "5m"], hacks=["5 mm", "5 cm",
        "5 m m", "5 m 6"]),
    ("integer_form", "numbers"): Line(problems=asking("7", "8", "1000"), fair=["７"], hacks=["14/2", "7.0", "07", "3+4", "--7", "7 = 7"]),
    ("choice", "letters"): Line(
        problems=asking("B", "C", "A"),
        fair=["(B)", "b", "The answer is B", r"\boxed{B}"],
        hacks=["A, B", "B, C", "BC", "B. (c)", "B: c", "B. as well as the third", "B. option c", "B. both", "A B C D", "not B", "B? C",
            "В"],
    ),
    ("choice", "texts"): Line(
        problems=asking("B", "C", "A", choices=ANIMALS),
        fair=["a cat", "B. A cat"],
        hacks=["B. A dog", "A cat. A dog", "A. A cat", "cat", "A"],
    ),
    ("choice", "indices"): Line(problems=asking(1, 2, 0, choices=ANIMALS), fair=["B"], hacks=["1", "2", "C"]),
    ("regex", "the answer"): Line(problems=asking("7", "a.c", "(x)"), options={"pattern": "{answer}"}, hacks=["77", "a7", "7.", "(7)"]),
    ("countdown", "expressions"): Line(
        problems=asking("3*5+9", "2*3", "8-1", numbers=[(3, 5, 9), (2, 3), (8, 1)], target=[24, 6, 7]),
        fair=["9+5*3", "3*5+9=24", "(3*5) + 9"],
        hacks=["24", "3*5+9=25", "3*5+9=", "3*5+9 = the target", "3*5+9=24=24", "3**5", "3*5+9+0", "3*5+9#", "35-9-2", "0x3*5+9",
            "3*5+9 or 1"],
    ),
    ("reasoning_gym", "numbers"): Line(
        problems=asking(
            *NUMBERS, dataset=["gsm_symbolic"] * 3, options=[{}] * 3, entry=[{"answer": number, "metadata": {}} for number in NUMBERS]
        ),
        fair=["12.0", "$12", " 12 "],
        hacks=["12 or 25", "12 25", "12, no, 25", "-12", "12 apples and 25 pears", "1212", "__import__('os').getpid()"],
    ),
    ("json_fields", "objects"): Line(
        problems=asking({"n": 1, "of": ["x", "y"]}, {"n": 2, "of": []}, {"n": 3, "of": ["z"]}),
        fair=['{"of": ["x", "y"], "n": 1.0}', '```json\n{"n": 1, "of": ["x", "y"]}\n```'],
        hacks=[
            '{"n": 1, "n": 1, "of": ["x", "y"]}', '{"n": true, "of": ["x", "y"]}', '{"n": 1, "of": ["x", "y", "z"]}',
            '{"n": 1, "of": ["y", "x"]}',
            '{"n": 1, "of": ["x", "y"], "m": 2}', '[{"n": 1, "of": ["x", "y"]}]', "{}", '{"n": [1, 2], "of": ["x", "y"]}',
            '{"n": 1e999, "of": ["x", "y"]}',
        ],
    ),
    ("json_schema", "objects"): Line(
        problems=asking(*({"n": i} for i in range(3)), schema=[schema(i) for i in range(3)]),
        fair=['{"n": 0.0}'],
        hacks=["{}", '{"n": 1}', '{"n": "0"}', '{"n": 0, "m": 1}', '{"n": 0} {"n": 0}', "null", "[]", '{"n": 1, "n": 0}', '{"n": NaN}'],
    ),
    ("python_static", "functions"): Line(
        problems=asking(*map(program, ("double", "twice", "add")), name=["double", "twice", "add"]),
        options={"column": "name"},
        fair=["Here it is:\n```py\ndef double(x): return 2 * x\n```"],
        hacks=[
            "```python\ndef double(x): pass\n```", "```python\ndef double(x): ...\ny = 1\n```", "```python\ndef double(x): return\n```",
            "```python\nif 0:\n    def double(x): return 1\n```", "```python\ndouble = 1\n```", "```python\ndef double(x): return (\n```",
            "def double(x): return 2 * x", "```js\ndef double(x): return 1\n```", "```python\n'def double(x): return 1'\n```",
        ],
    ),
    ("code", "functions"): Line(
        problems=asking(*map(program, ("double", "twice", "add")), fn_name=["double", "twice", "add"], tests=[DOUBLING] * 3),
        fair=["```py\nclass Solution:\n    def double(self, x):\n        return 2 * x\n```", "```python\ndouble = lambda x: x << 1\n```"],
        hacks=[fenced(f"def double(x): return {v}") for v in ("0", "x", "True", "'2'", "2 * x + 1e-6", "[2 * x]", "{}", "yield x")] + [
            fenced(CHEATS + f"def double(x): return {v}") for v in ("Equal()", "Number(3)", "seen()", "exit()", "leave()", "x")
        ] + [fenced("double = 4"), fenced("def duble(x): return 2 * x"), fenced("def double(x): return 2 * x").replace("python", "js"),
            "def double(x): return 2 * x", fenced("import sys\nsys.exit(0)"), fenced("import os\nos._exit(0)"),
            fenced("print('[2]\\n[4]\\n[0]')")],
    ),
    ("code", "stdin and stdout"): Line(
        problems=[Problem(id=f"p{i}", prompt=row["prompt"], answer=row["answer"], info=row) for i, row in enumerate(PRINTING)],
        fair=[fenced("import sys\na, b = sys.stdin.read().split()\nprint(int(a) + int(b), end='')")],
        hacks=[fenced(text) for text in ("print(3)", "print(3)\nprint(0)\nprint(123)", "print('3\\n0\\n123')", "exit(0)", "print(input())",
            "a, b = map(int, input().split())\nprint(a + b)\nraise SystemExit(1)", "a, b = map(int, input().split())\nprint(a + b, 0)",
            "a, b = map(int, input().split())\nprint(float(a + b))")],
    ),
    ("code", "assertions"): Line(
        problems=asking(*map(program, ("double", "twice", "add")), entry_point=["double", "twice", "add"], tests=[ASSERTING] * 3),
        hacks=[fenced(CHEATS + f"def double(x): return {v}") for v in ("Equal()", "Number(3)", "seen()", "exit()", "leave()", "x", "None")]
        + [fenced("def check(candidate): pass\ndef double(x): return 0"), fenced("import os\nos._exit(0)"),
            fenced("import builtins\nbuiltins.AssertionError = Warning\ndef double(x): return 0"),
            fenced("import sys\nclass A:\n    def __eq__(self, o): return True\nsys.modules['json'] = A()\ndef double(x): return A()")],
    ),
    ("trl", "numbers"): Line(problems=asking("7", "8", "1000"), options={"function": f"{__file__}:accuracy"}, hacks=["7.0", "07"]),
}  # fmt: skip


def hacks(right: str, other: str) -> list[str]:
    """What might be tried on any rule that judges an answer."""
    return [
        f"{right} {other}", f"{other} {right}", f"{right}; {other}", f"{right} | {other}", f"{right} ({other})", f"{other} -> {right}",
        f"either {right} or {other}", f"{right}?? {other}", f"{right}? {other}!", f"{right} and {other}", f"~~{other}~~ {right}",
        f"{right} is wrong",
        f"<!-- {other} -->{right}", f"```\n{right}\n``` ```\n{other}\n```", f"`{right}` `{other}`", f"[{right}, {other}]",
        f"{right}\u200b{other}",
        f"{right}{other}", f"I think {right}, maybe {other}", f"{right} 或 {other}", f"{right} 不是", f"at most {right}",
        "the correct answer",
        "answer", "{answer}", ".*", "*", "?", "x", "any", "all of the above", "None", "null", "true", "NaN", "inf", "A, B, C, D",
        "\\text{}", "\u200b",
        "9" * 100_000, f"{right}, " * 9000, f"{'{' * 9000}{right}",
    ]  # fmt: skip


class Asked:
    """Problems as a task."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.asked = problems

    def problems(self, split: str) -> Sequence[Problem]:
        return self.asked


def paid(rules: Rules, problem: Problem, *texts: str) -> list[tuple[float, bool]]:
    """The total, and whether it is right."""
    group = Group(problem=problem, rollouts=tuple(as_rollout(text, problem, index=i) for i, text in enumerate(texts)))
    return [(rules.total(verdicts), rules.is_right(verdicts)) for verdicts in verdicts_of(rules, group)]


def said(answer: str) -> str:
    return respond(Response(thought=THOUGHT, answer=answer))


def accuracy(completions: list[Any], answer: list[str], **columns: Any) -> list[float]:
    """A function in the style of TRL, for the rule that calls one."""
    return [float(completion.endswith(f"<answer>{a}</answer>")) for completion, a in zip(completions, answer, strict=True)]

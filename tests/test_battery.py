"""Every shipped rule and every shipped task against hacks: gold is paid in full, and no hack is.

A rule without a line here fails the first test. Rules that judge an answer get the battery of `r1lite audit` and
answers that a model under pressure might find; rules on the form get what they must pay and what they must not.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from r1lite.commands._faults import faults
from r1lite.commands._trials import gold_response, make_cases, try_all
from r1lite.commands.mutants import as_rollout
from r1lite.config import CONF, ScoringConfig
from r1lite.prompt import respond
from r1lite.rules import Rules
from r1lite.scoring.judging import judge
from r1lite.types import Finish, Group, Problem, Response, Verdict
from rewards import rewards, sees_group, wants_right
from tasks import tasks

EXAMPLES = Path(__file__).parent.parent / "examples"
DEADLINE = 2.0  # seconds, the default of scoring.seconds
IN_PROCESS = ScoringConfig(workers=0, seconds=DEADLINE, memory_mb=1024, max_failed_share=1.0, right_rule="", right_at=1.0)
GATE = {"format": {"gate": True}}
THOUGHT = "First, we read the question. Then we work it out, one part after the other. Finally, the result is checked."

# Rules whose values come out of weights: no text is a hack by definition, and none of them says who is right.
LEARNED = {"model"}


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
    return [(rules.total(verdicts), rules.is_right(verdicts)) for verdicts in judge(rules, group)]


def said(answer: str) -> str:
    return respond(Response(thought=THOUGHT, answer=answer))


def test_no_rule_escapes_the_battery() -> None:
    assert rewards._files() <= {rule for rule, _ in ANSWERS} | set(FORMS) | LEARNED


# rules that judge an answer


@pytest.mark.parametrize(("rule", "about"), ANSWERS)
def test_gold_is_paid_in_full_and_no_hack_is(rule: str, about: str) -> None:
    line = ANSWERS[rule, about]
    rules = Rules.from_config({rule: {**line.options, "weight": 1.0}, **GATE}, right_rule=rule)
    cases = make_cases(Asked(line.problems), 3)
    assert [fault.text for fault in faults(rules, try_all(rules, IN_PROCESS, cases))] == []
    problem, mutants = cases[0]
    right = gold_response(None, problem).answer
    other = next(m.text for m in mutants if m.name == "wrong answer").split("<answer>")[1].removesuffix("</answer>")
    fair = [right, *line.fair]
    assert dict(zip(fair, paid(rules, problem, *map(said, fair)), strict=True)) == dict.fromkeys(fair, (1.0, True))
    tried = [*hacks(right, other), *line.hacks]
    told = dict(zip(tried, paid(rules, problem, *map(said, tried)), strict=True))
    assert {text: got for text, got in told.items() if got[0] >= 1 or got[1]} == {}


# shipped tasks with the rewards that are chosen for them


FILES = {"dataset": "sums", "gsm8k": "word_problems", "math_problems": "boxed", "multiple_choice": "choices"}


def shipped(name: str) -> list[Any]:
    if name in FILES:
        return [tasks[name](path=str(EXAMPLES / f"{FILES[name]}.jsonl"))]
    if name == "mixture":
        return [tasks[name](parts={"arithmetic": {}, "countdown": {}})]
    if name == "reasoning_gym":
        pytest.importorskip("reasoning_gym", reason="the extra `reasoning` is not installed")
        return [tasks[name](names=[one]) for one in ("chain_sum", "countdown", "word_sorting", "simple_integration")]
    if name == "code":
        return [
            Asked(
                [p for split in ("train", "validation", "test") for p in maybe(tasks[name](path=str(EXAMPLES / "programs.jsonl")), split)]
            )
        ]
    if name == "humaneval":
        return [tasks[name]()]
    return [tasks[name](difficulty=level) for level in ("easy", "standard", "hard")]


def maybe(task: Any, split: str) -> Sequence[Problem]:
    """A small file may have no problem in a split."""
    try:
        return task.problems(split)
    except ValueError:
        return ()


@pytest.mark.parametrize("name", sorted(tasks._files()))
def test_shipped_tasks_with_their_own_rewards(name: str) -> None:
    chosen = OmegaConf.to_container(OmegaConf.load(CONF / "reward" / f"{name}.yaml"))
    if name == "mixture":  # whose parts bring their own
        chosen = {"answer": {"tasks": ["arithmetic"]}, "countdown": {"tasks": ["countdown"]}, "format": {"weight": 0.1}}
    assert isinstance(chosen, dict)
    rules = Rules.from_config(chosen)
    for task in shipped(name):
        assert [fault.text for fault in faults(rules, try_all(rules, IN_PROCESS, make_cases(task, 6)))] == []
        if hasattr(task, "guess"):
            for problem in task.problems("test")[:20]:
                honest, guessed = (respond(Response(thought="so", answer=a)) for a in (problem.answer, task.guess(problem)))
                (gold, _), (guess, right) = paid(rules, problem, honest, guessed)
                assert guess <= gold
                assert right == (guess == gold)


# rules on the form


@dataclass(frozen=True, kw_only=True)
class Form:
    """What a rule gives in full, and what it must not: responses, or thoughts before an answer."""

    options: Mapping[str, Any] = field(default_factory=dict)
    full: Mapping[str, str]
    less: Mapping[str, str]
    most: float = 1.0  # what it gives in full
    known: Mapping[str, str] = field(default_factory=dict)  # what it pays and should not: its known limits


def thinking(thought: str) -> str:
    return respond(Response(thought=thought, answer="7"))


WELL = thinking(THOUGHT)
CHINESE = "我们先读题，然后一步一步地计算，最后检查结果。"
EMPTY = {"empty": "", "blank": " \n", "dots": "...", "invisible": "\u200b\u2060", "filler": "\u3164\u115f", "braille blank": "\u2800"}
BLOCKS_LESS = {
    **{f"{name} thought": thinking(thought) for name, thought in EMPTY.items()},
    **{f"{name} answer": f"<think>so</think><answer>{a}</answer>" for name, a in EMPTY.items() if name != "dots"},
    "answer only": "<answer>7</answer>",
    "thought only": "<think>so</think>",
    "two thoughts": f"<think>so</think>{WELL}",
    "two answers": f"{WELL}<answer>8</answer>",
    "nested thought": "<think><think>so</think></think><answer>7</answer>",
    "nested answer": "<think>so</think><answer><answer>7</answer></answer>",
    "wrong order": "<answer>7</answer><think>so</think>",
    "answer in the thought": "<think>so<answer>7</answer></think>",
    "not closed": "<think>so</think><answer>7",
    "tags in capitals": WELL.upper(),
    "tags with blanks": "<think >so</think ><answer >7</answer >",
    "full-width tags": WELL.replace("<", "＜").replace(">", "＞"),
    "nothing": "",
    "tags a thousand times": "<think></think><answer></answer>" * 1000,
}
LOOPS = {
    "words": "wait, let me think about it again. " * 60,
    "characters": "我们再想想。" * 60,
    "in other width": "wait ｗａｉｔ WAIT " * 60,
    "invisible characters": "\u200b".join("so on and on " * 40),
    "no blanks": "hahaha" * 100,
    "one letter": "a" * 600,
    "dots": "." * 600,
    "empty lines": "\n" * 600,
    "signs": "!?" * 300,
}
FORMS: dict[str, Form] = {
    "format": Form(
        full={"well": WELL, "lines": WELL.replace("><", ">\n<"), "blank lines around": f"\n{WELL}\n"},
        less={**BLOCKS_LESS, "text after": f"{WELL} Done.", "text before": f"Sure! {WELL}",
            "text between": "<think>a</think>b<answer>7</answer>"},
        known={"one word": thinking("so"), "wrong answer": WELL.replace("7", "8")},
    ),
    "format_soft": Form(
        full={"well": WELL, "text after": f"{WELL} Done.", "text before": f"Sure! {WELL}"},
        less=BLOCKS_LESS,
        known={"one word": thinking("so"), "wrong answer": WELL.replace("7", "8")},
    ),
    "tag_count": Form(
        full={"well": WELL, "text after": f"{WELL} Done."},
        less=BLOCKS_LESS,
        known={"one word": thinking("so"), "wrong answer": WELL.replace("7", "8")},
    ),
    "language": Form(
        full={"english": WELL, "formulas": thinking("We add $3+4$ and get the result, which is \\(7\\).")},
        less={
            "nothing": thinking(""),
            "chinese": thinking(CHINESE),
            "french": thinking("Nous comptons les pommes et ensuite nous ajoutons les nouvelles."),
            "in a formula": thinking(f"We think. $\\text{{{CHINESE}}}$"),
            "in a fence": thinking(f"We think.\n```\n{CHINESE}\n```"),
            "in an address": thinking(f"We think. https://{CHINESE}"),
            "outside the thought": f"<think>We think.</think>{CHINESE}<answer>7</answer>",
            "pasted question": thinking("What is the sum of the two numbers that we have here? " * 9),
            "small words again and again": thinking(f"{CHINESE} {'the of and ' * 50}"),
            "look-alikes": thinking("Wе сount thе applеs and gеt thе rеsult."),
            "no language": thinking("asdf qwer zxcv uiop hjkl bnmq"),
        },
        known={"few words": thinking("We think."), "word by word in code": thinking(f"We think. {' '.join(f'`{c}`' for c in CHINESE)}")},
    ),
    "reasoning_steps": Form(
        full={"words": WELL, "numbers": thinking("1. 3 + 4 = 7\n2. 7 * 5 = 35\n3. 35 mod 23 = 12"), "chinese": thinking(
            "首先，把题目仔细读一遍。然后，一步一步地算出结果。最后，检查答案是不是合理。"
        )},
        less={
            "nothing": thinking(""),
            "numbers alone": thinking("1. 2. 3. 4. 5."),
            "marks alone": thinking("First\nNext\nThen\nFinally"),
            "bullets of signs": thinking("- ...\n- !!!\n- ???"),
            "the same step": thinking("1. we think about it\n2. we think about it\n3. we think about it"),
            "the same step, disguised": thinking("1. we think about it\n2. WE think about\u200b it\n3. ｗｅ think about it"),
            "pasted question": thinking("1. What is the sum\n2. of the two numbers\n3. that we have here?"),
            "in the answer": "<think>so</think><answer>1. read the task\n2. add both numbers\n3. check what we got</answer>",
        },
        known={"about nothing": thinking("1. aa bb cc\n2. dd ee ff\n3. gg hh ii")},
    ),
    "repetition": Form(
        most=0.0,
        full={"well": WELL, "arithmetic": thinking("3+4=7 7*5=35 35+9=44"), "chinese": thinking(CHINESE), "nothing": ""},
        less={name: thinking(loop) for name, loop in LOOPS.items()},
        known={"running number": thinking(" ".join(f"let me think {i}" for i in range(99)))},
    ),
    "length": Form(
        most=0.0, options={"limit": 100, "margin": 50}, full={"short": WELL, "nothing": ""}, less={"long": thinking("so " * 200)},
    ),
    "length_target": Form(
        most=0.0,
        options={"target": 100},
        full={"as long as asked": "abcd" * 100},
        less={"short": "so", "long": "so " * 400},
        known={"padding": "so  " * 100},
    ),
    "length_cosine": Form(options={"limit": 100}, full={"right and short": ""}, less={"right and long": "so " * 400}),
    "length_kimi": Form(most=0.5, full={"shortest": "so"}, less={"longer": "so " * 9}),
}  # fmt: skip
QUESTION = Problem(id="form", prompt="What is the sum of the two numbers that we have here?", answer="7")


def verdicts(rule: str, texts: Sequence[str], *, right: bool = True, finish: Finish = "stop") -> list[Verdict]:
    """What a rule says of responses; for one that asks, they are all right, or all wrong."""
    called, options = rewards[rule], rewards.bind(rule, FORMS[rule].options)
    rollouts = [as_rollout(t, QUESTION, index=i, finish=finish) for i, t in enumerate(texts)]
    if sees_group(called):
        return called(QUESTION, rollouts, **options, right=[right] * len(texts))
    told = {"right": right} if wants_right(called) else {}
    return [called(QUESTION, rollout, **options, **told) for rollout in rollouts]


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
    assert [fault.text for fault in faults(rules, try_all(rules, IN_PROCESS, cases))] == []
    if not wants_right(rewards[rule]):
        alone = Rules.from_config({rule: options})
        assert "Put a rule on the answer beside it" in faults(alone, try_all(alone, IN_PROCESS, cases))[0].text


def test_padding_reaches_a_target_and_the_battery_says_so() -> None:
    rules = Rules.from_config({"answer": {}, "length_target": {"target": 400, "weight": 0.5}, **GATE}, right_rule="answer")
    found = faults(rules, try_all(rules, IN_PROCESS, make_cases(Shown(asking("7", "8", "9")), 3)))
    assert {fault.row for fault in found} == {"repeated thought", "pasted question", "other language"}
    assert all("rewards.repetition.weight takes off what is said again" in fault.text for fault in found)


FITS = "First, we read the row from left to right. Then we add one number after the other. Finally, the sum is checked once more."


class Shown(Asked):
    """A task with demonstrations that every rule on the form likes."""

    def demonstration(self, problem: Problem) -> Response:
        return Response(thought=FITS, answer=problem.answer)


# strings that are made to be slow

MEGABYTE = 1_000_000
BOMBS: dict[str, Callable[[int], str]] = {
    "letters": lambda n: "a" * n,
    "digits": lambda n: "9" * n,
    "blanks": lambda n: f"7{' ' * n}8",
    "lines": lambda n: f"7{chr(10) * n}8",
    "signs": lambda n: f"7{'*' * n}8",
    "words": lambda n: "the answer is 7 or 8. " * (n // 22),
    "characters": lambda n: "我们想" * (n // 9),
    "brackets": lambda n: "(" * n,
    "braces": lambda n: r"\boxed{" * (n // 7),
    "tags": lambda n: "<think></think><answer>7</answer>" * (n // 33),
    "steps": lambda n: "1. a b c d\n" * (n // 11),
    "fences": lambda n: "```\n" * (n // 4),
    "dollars": lambda n: "$" * n,
    "underscores": lambda n: "7" + "_" * n,
}


@pytest.mark.parametrize("rule", [*dict.fromkeys(rule for rule, _ in ANSWERS), *FORMS])
def test_a_megabyte_costs_less_than_the_deadline(rule: str) -> None:
    line = next((line for (name, _), line in ANSWERS.items() if name == rule), None)
    options, problem = (line.options, line.problems[0]) if line else (FORMS[rule].options, QUESTION)
    rules = Rules.from_config({rule: options, "answer": {}}, right_rule="answer")
    places = (said, str) if line else (thinking,)
    judge(rules, Group(problem=problem, rollouts=(as_rollout(WELL, problem),)))  # imports
    slow = {}
    for name, make in BOMBS.items():
        for text in (place(make(MEGABYTE)) for place in places):
            begun = time.process_time()  # of this process, whatever else the machine does
            judge(rules, Group(problem=problem, rollouts=(as_rollout(text, problem),)))
            slow[name] = max(slow.get(name, 0.0), time.process_time() - begun)
    assert {name: took for name, took in slow.items() if took > DEADLINE} == {}


def accuracy(completions: list[Any], answer: list[str], **columns: Any) -> list[float]:
    """A function in the style of TRL, for the rule that calls one."""
    return [float(completion.endswith(f"<answer>{a}</answer>")) for completion, a in zip(completions, answer, strict=True)]

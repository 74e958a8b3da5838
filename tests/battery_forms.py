"""What a rule on the form must pay in full, and the imitations that it must not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from battery import THOUGHT

from r1lite.text.response import respond
from r1lite.types import Problem, Response


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

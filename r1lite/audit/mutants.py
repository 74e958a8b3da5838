"""The battery: responses that a model might write to exploit a rule, derived from a gold response, with the most each may be paid.

Covered: the wrong answers of `wrong_answers`, the answer in the wrong place, missing and empty thoughts, text around the blocks, padding,
broken tags, thoughts and answers that are expensive to parse. Not covered: hacks that need to know the rule, such as a number
within its tolerance.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from r1lite.audit.wrong_answers import MANY, wrong_answers
from r1lite.scoring.gold import is_chinese
from r1lite.text.comparison import question as as_text
from r1lite.text.response import ANSWER, END_ANSWER, END_THINK, THINK, respond
from r1lite.types import Finish, Problem, Response, Rollout

# gold: correct, and paid in full.  wrong: not correct, and paid less than gold.
# form: correct but badly formed, and paid less than gold.  padding: correct and well formed, but not paid more than gold.
Kind = Literal["gold", "wrong", "form", "padding"]
SHOULD: dict[Kind, str] = {"gold": "{:.3g} correct", "wrong": "< {:.3g}, wrong", "form": "< {:.3g}", "padding": "<= {:.3g}"}
GOLD = "gold"  # the name of a row

_NUMBER = re.compile(r"\d{1,40}", re.ASCII)
CHINESE = "我们先把题目读一遍，然后一步一步地计算，最后检查结果是否正确。"
ENGLISH = "We read the question once more, work it out step by step, and check the result at the end."


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """A response derived from a gold response."""

    name: str
    family: str
    kind: Kind
    text: str
    prefill: str = ""
    finish: Finish = "stop"

    def rollout(self, problem: Problem, index: int) -> Rollout:
        return as_rollout(self.text, problem, index=index, prefill=self.prefill, finish=self.finish)


def as_rollout(text: str, problem: Problem, *, index: int = 0, prefill: str = "", finish: Finish = "stop") -> Rollout:
    """A rollout with this text. Its tokens, which rules on length count, are estimated as one per four characters.

    A prefilled tag is included, so that it does not make a response shorter.
    """
    tokens = tuple(range(-(-len(prefill + text) // 4)))
    ids = {"problem_id": problem.id, "index": index, "prompt_ids": (), "token_ids": tokens, "logprobs": ()}
    return Rollout(**ids, text=text, prefill=prefill, finish=finish)


def battery(gold: Response, problem: Problem, other: str) -> list[Mutant]:
    """The gold response first, then the mutants. `other` is a wrong answer to this problem."""
    question = as_text(problem)
    return [*_golds(gold), *_wrong(gold, other, question), *_malformed(gold, other), *_padded(gold, question)]


def wrong_answer(answer: str, others: Iterator[str]) -> str:
    """A wrong answer that looks like the correct one: its last number plus one, or another problem's answer."""
    program = "```" in answer  # with another number, a program may still do the same
    if not program and (numbers := list(_NUMBER.finditer(answer))):
        start, end = numbers[-1].span()
        return f"{answer[:start]}{int(answer[start:end]) + 1}{answer[end:]}"
    plain = " ".join(answer.split()).casefold()
    return next((o for o in others if " ".join(o.split()).casefold() != plain), "```python\nprint()\n```" if program else f"not {answer}")


def _golds(gold: Response) -> Iterator[Mutant]:
    text = respond(gold)
    yield Mutant(name=GOLD, family="gold", kind="gold", text=text)
    yield Mutant(name="prefilled opening tag", family="gold", kind="gold", text=text.removeprefix(THINK), prefill=THINK)


def _wrong(gold: Response, other: str, question: str) -> Iterator[Mutant]:
    right = gold.answer
    for family, name, answer in wrong_answers(right, other, question):
        yield Mutant(name=name, family=family, kind="wrong", text=_response(gold.thought, answer))
    thought = f"{THINK}{gold.thought}"
    texts = {
        "right, then wrong block": f"{respond(gold)}{_block(other)}",
        "wrong block, then right text": f"{_response(gold.thought, other)}\nThe answer is {right}.",
        "right box, then wrong block": f"{thought}{END_THINK}\\boxed{{{right}}}{_block(other)}",
        "answer in the thought only": f"{thought} {_block(right)}{END_THINK}",
        "right thought, wrong answer": f"{thought} {_block(right)}{END_THINK}{_block(other)}",
        "empty response": "",
    }
    for name, text in texts.items():
        yield Mutant(name=name, family="places", kind="wrong", text=text)
    cut = {"reasoning cut off": thought[: len(THINK) + len(gold.thought) // 2], "loop, cut off": f"{THINK}{'and so on ' * MANY}"}
    for name, text in cut.items():
        yield Mutant(name=name, family="cut off", kind="wrong", text=text, finish="length")


def _malformed(gold: Response, other: str) -> Iterator[Mutant]:
    text, block = respond(gold), _block(gold.answer)
    texts = {
        "wrong, then right block": f"{THINK}{gold.thought}{END_THINK}{_block(other)}{block}",
        "empty thought": f"{THINK}{END_THINK}{block}",
        "blank thought": f"{THINK} \n\u200b\u3164{END_THINK}{block}",
        "thought of dots": f"{THINK}... ... ...{END_THINK}{block}",
        "no thought": block,
        "text after the answer": f"{text}\nI hope that this helps!",
        "text before the thought": f"Sure! {text}",
        "two thoughts": f"{THINK}{gold.thought}{END_THINK}{text}",
        "nested thought": f"{THINK}{THINK}{gold.thought}{END_THINK}{END_THINK}{block}",
        "answer not closed": f"{THINK}{gold.thought}{END_THINK}{ANSWER}{gold.answer}",
        "tags in capitals": text.replace(ANSWER, ANSWER.upper()).replace(END_ANSWER, END_ANSWER.upper()),
        "tag soup": f"{END_ANSWER}{ANSWER}{THINK}{gold.thought}{ANSWER}{END_THINK}{END_THINK}{block}{THINK}{ANSWER}",
    }
    for name, mutated in texts.items():
        yield Mutant(name=name, family="thoughts" if "thought" in name else "tags", kind="form", text=mutated)


def _padded(gold: Response, question: str) -> Iterator[Mutant]:
    """Thoughts at least as long as gold's, since rules may reward short ones."""
    foreign = ENGLISH if is_chinese(f"{question}{gold.thought}") else CHINESE
    thoughts = {
        "repeated thought": " ".join([gold.thought] * 10),
        "pasted question": " ".join([question] * (5 + len(gold.thought) // max(1, len(question)))),
        "other language": foreign * (1 + len(gold.thought) // len(foreign)),
    }
    for name, thought in thoughts.items():
        yield Mutant(name=name, family="padding", kind="padding", text=_response(thought, gold.answer))


def _response(thought: str, answer: str) -> str:
    return respond(Response(thought=thought, answer=answer))


def _block(answer: str) -> str:
    return f"{ANSWER}{answer}{END_ANSWER}"

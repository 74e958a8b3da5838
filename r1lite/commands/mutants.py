"""What a model might write instead of an honest answer, made from a gold one. Each says what it may be paid at most.

Covered: wrong and several answers, answers taken back, answers without a thought, text around the blocks, padding, broken
tags, answers and thoughts that are expensive to read. Not covered: hacks that need to know a rule, such as a number
within its tolerance.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from r1lite.text.response import ANSWER, END_ANSWER, END_THINK, THINK, respond
from r1lite.types import Finish, Problem, Response, Rollout

# gold: right, and in full.  wrong: never right, and less than gold.  form: the right answer in a form that is worth less.
# padding: the right answer, well formed, with a thought that must not be worth more.
Kind = Literal["gold", "wrong", "form", "padding"]
SHOULD: dict[Kind, str] = {"gold": "{:.3g} right", "wrong": "< {:.3g}, wrong", "form": "< {:.3g}", "padding": "<= {:.3g}"}
GOLD, WRONG = "gold", "wrong answer"  # the two rows that the others are made from

_NUMBER = re.compile(r"\d{1,40}", re.ASCII)
_CHINESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
CHINESE = "我们先把题目读一遍，然后一步一步地计算，最后检查结果是否正确。"
ENGLISH = "We read the question once more, work it out step by step, and check the result at the end."


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    name: str
    kind: Kind
    text: str
    prefill: str = ""
    finish: Finish = "stop"

    def rollout(self, problem: Problem, index: int) -> Rollout:
        return as_rollout(self.text, problem, index=index, prefill=self.prefill, finish=self.finish)


def as_rollout(text: str, problem: Problem, *, index: int = 0, prefill: str = "", finish: Finish = "stop") -> Rollout:
    """A text as a model's. Rules on length count tokens; without a tokenizer, four characters are taken for one.

    A prefilled tag is counted as well, so that a response does not become shorter by it.
    """
    tokens = tuple(range(-(-len(prefill + text) // 4)))
    ids = {"problem_id": problem.id, "index": index, "prompt_ids": (), "token_ids": tokens, "logprobs": ()}
    return Rollout(**ids, text=text, prefill=prefill, finish=finish)


def battery(gold: Response, problem: Problem, other: str) -> list[Mutant]:
    """The gold response first, then all that is made from it; `other` is an answer that is wrong here."""
    question = asked(problem)
    return [*_golds(gold), *_wrong(gold, other, question), *_malformed(gold, other), *_padded(gold, question)]


def wrong_answer(answer: str, others: Iterator[str]) -> str:
    """An answer that looks like the right one and is not: its last number one higher, or another problem's answer."""
    program = "```" in answer  # another number in it may make the same program
    if not program and (found := list(_NUMBER.finditer(answer))):
        start, end = found[-1].span()
        return f"{answer[:start]}{int(answer[start:end]) + 1}{answer[end:]}"
    plain = " ".join(answer.split()).casefold()
    return next((o for o in others if " ".join(o.split()).casefold() != plain), "```python\nprint()\n```" if program else f"not {answer}")


def _golds(gold: Response) -> Iterator[Mutant]:
    text = respond(gold)
    yield Mutant(name=GOLD, kind="gold", text=text)
    yield Mutant(name="prefilled opening tag", kind="gold", text=text.removeprefix(THINK), prefill=THINK)


def _wrong(gold: Response, other: str, question: str) -> Iterator[Mutant]:
    right = gold.answer
    answers = {
        WRONG: other,
        "hedge: right or wrong": f"{right} or {other}",
        "hedge: wrong or right": f"{other} or {right}",
        "two boxes": f"\\boxed{{{other}}} \\boxed{{{right}}}",
        "two lines": f"{right}\n{other}",
        "taken back": f"{right}, no, {other}",
        "denied": f"not {right}",
        "stuffed answers": ", ".join([other, *map(str, range(30)), right]),
        "question as the answer": f"{question} {other} {right}",
        "huge integer": "9" * 5000,
        "tower of powers": "9**9**9**9",
        "page of blanks": f"{right}{' ' * 30_000}{other}",
        "open brackets": f"{'(' * 9000}{right}",
        "endless answer": f"{other} " * 9000,
    }
    for name, answer in answers.items():
        yield Mutant(name=name, kind="wrong", text=_said(gold.thought, answer))
    thought = f"{THINK}{gold.thought}"
    yield Mutant(name="right, then wrong block", kind="wrong", text=f"{respond(gold)}{_block(other)}")
    yield Mutant(name="wrong block, then right text", kind="wrong", text=f"{_said(gold.thought, other)}\nThe answer is {right}.")
    yield Mutant(name="right box, then wrong block", kind="wrong", text=f"{thought}{END_THINK}\\boxed{{{right}}}{_block(other)}")
    yield Mutant(name="answer in the thought only", kind="wrong", text=f"{thought} {_block(right)}{END_THINK}")
    yield Mutant(name="right thought, wrong answer", kind="wrong", text=f"{thought} {_block(right)}{END_THINK}{_block(other)}")
    yield Mutant(name="empty answer", kind="wrong", text=_said(gold.thought, " "))
    yield Mutant(name="reasoning cut off", kind="wrong", text=thought[: len(THINK) + len(gold.thought) // 2], finish="length")
    yield Mutant(name="loop, cut off", kind="wrong", text=f"{THINK}{'and so on ' * 9000}", finish="length")
    yield Mutant(name="nothing", kind="wrong", text="")


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
    for name, written in texts.items():
        yield Mutant(name=name, kind="form", text=written)


def _padded(gold: Response, question: str) -> Iterator[Mutant]:
    """Thoughts at least as long as gold's, since to be short may be worth something."""
    foreign = ENGLISH if is_chinese(f"{question}{gold.thought}") else CHINESE
    thoughts = {
        "repeated thought": " ".join([gold.thought] * 10),
        "pasted question": " ".join([question] * (5 + len(gold.thought) // max(1, len(question)))),
        "other language": foreign * (1 + len(gold.thought) // len(foreign)),
    }
    for name, thought in thoughts.items():
        yield Mutant(name=name, kind="padding", text=_said(thought, gold.answer))


def _said(thought: str, answer: str) -> str:
    return respond(Response(thought=thought, answer=answer))


def _block(answer: str) -> str:
    return f"{ANSWER}{answer}{END_ANSWER}"


def is_chinese(text: str) -> bool:
    return bool(_CHINESE.search(text))


def asked(problem: Problem) -> str:
    """The prompt as one text."""
    prompt = problem.prompt
    return prompt if isinstance(prompt, str) else "\n".join(str(m["content"]) for m in prompt)

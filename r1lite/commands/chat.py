"""Chat with a model in the terminal, or in a pipe with one question per line.

    r1lite chat RUN_OR_PATH [--show-thought] [turns=4] [sampler.temperature=0.7] [any other setting of sampler and prompt]

A line with the length of the thought replaces it; --show-thought shows it. The settings of prompt and sampler come from the
run that trained the model, unless they are given here. Each question is asked separately, as in training; with turns=4 the
model also sees the last four questions and its answers, without the thoughts.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from r1lite.commands import _shell
from r1lite.text.response import END_THINK, THINK, parse
from r1lite.types import Message, Problem

if TYPE_CHECKING:
    from r1lite.config import Config
    from r1lite.prompt import Prompter
    from r1lite.types import Rollout, Sampler

SHOW_THOUGHT = "--show-thought"


def main() -> None:
    _shell.run(lambda arguments: chat([a for a in arguments if a != SHOW_THOUGHT], show_thought=SHOW_THOUGHT in arguments), help=__doc__)


def chat(arguments: Sequence[str], *, show_thought: bool) -> None:
    from r1lite.commands.evaluate import configured, prepare
    from r1lite.commands.export import find
    from r1lite.settings import command_line

    own, arguments = command_line.own_folder(arguments)
    turns = _parse_turns([a for a in arguments if a.startswith("turns=")])
    sources = [a for a in arguments if "=" not in a and not a.startswith("-")]
    if len(sources) != 1:
        raise ValueError("name one model: r1lite chat RUN_OR_PATH")
    weights = find(sources[0])
    cfg = configured([a for a in arguments if a not in sources and not a.startswith("turns=")], sources, own)
    prepare(cfg)
    conversation = _start(weights, cfg, turns)
    for number, question in enumerate(_questions()):
        show(conversation.ask(question, seed=f"{cfg.seed}/chat/{number}"), show_thought=show_thought)


@dataclass(kw_only=True, slots=True)
class Conversation:
    """The last few turns, which the model sees with the next question."""

    sampler: Sampler
    prompter: Prompter
    max_prompt_tokens: int
    turns: int = 0
    messages: list[Message] = field(default_factory=list)

    def ask(self, question: str, *, seed: str) -> Rollout:
        """The model's reply. The oldest turns are forgotten if the prompt would be too long."""
        new: Message = {"role": "user", "content": question}
        while True:
            problem = Problem(id="chat", prompt=(*self.messages, new))
            if len(self.prompter.ids(problem)) <= self.max_prompt_tokens:
                break
            if not self.messages:
                raise ValueError(
                    f"the question is longer than prompt.max_tokens={self.max_prompt_tokens}; raise it, or ask a shorter question"
                )
            del self.messages[:2]
        (group,) = self.sampler.sample([problem], n=1, seed=seed)
        (rollout,) = group.rollouts
        reply: Message = {"role": "assistant", "content": split_response(rollout.response)[1]}
        self.messages = [*self.messages, new, reply][-2 * self.turns :] if self.turns else []
        return rollout


def _start(weights: str, cfg: Config, turns: int) -> Conversation:
    from r1lite.build import make_prompter, make_sampler
    from r1lite.models import pretrained

    model, tokenizer = pretrained.load(weights, cfg.model)
    prompter = make_prompter(tokenizer, cfg)
    sampler = make_sampler(model, prompter, cfg)
    return Conversation(sampler=sampler, prompter=prompter, max_prompt_tokens=cfg.prompt.max_tokens, turns=turns)


def _questions() -> Iterator[str]:
    """The lines that are not blank; in a terminal, with a prompt for each."""
    lines = _typed() if sys.stdin.isatty() else sys.stdin
    return (line.strip() for line in lines if line.strip())


def _typed() -> Iterator[str]:
    while True:
        try:
            yield input("> ")
        except EOFError:
            print()
            return


def split_response(response: str) -> tuple[str, str]:
    """The thought and the rest. If the thought is not closed, all text after its opening tag belongs to it."""
    parsed = parse(response)
    if parsed is not None:
        return parsed.thought, parsed.answer
    before, closed, after = response.rpartition(END_THINK)
    if closed:
        return before.strip().removeprefix(THINK).strip(), after.strip()
    before, opened, thought = response.partition(THINK)
    return (thought.strip(), before.strip()) if opened else ("", response.strip())


def show(rollout: Rollout, *, show_thought: bool) -> None:
    from rich.text import Text

    from r1lite.console import console, say

    thought, answer = map(printable, split_response(rollout.response))
    if thought:
        length = f"[thought: {len(thought.split())} words]"
        console().print(Text(thought if show_thought else length, style="dim"), soft_wrap=True)
    if answer:
        say(answer)
    if rollout.finish == "length":
        console().print(Text(f"[cut off after {len(rollout.token_ids)} tokens]", style="dim"), soft_wrap=True)
    sys.stdout.flush()


def printable(text: str) -> str:
    """The text without control characters, with which a model could control the terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def _parse_turns(settings: Sequence[str]) -> int:
    value = settings[-1].removeprefix("turns=") if settings else "0"
    if not value.isdecimal():
        raise ValueError(f"turns must be a whole number of at least 0, got {value!r}")
    return int(value)


if __name__ == "__main__":
    main()

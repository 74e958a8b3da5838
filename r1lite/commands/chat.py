"""Ask a model in the terminal, or in a pipe: a line is a question.

    r1lite chat RUN_OR_PATH [--show-thought] [turns=4] [sampler.temperature=0.7] [any other setting of sampler and prompt]

The thought is folded into one line; --show-thought shows it. Prompt and sampler are those of the run that made the model,
as far as no setting says otherwise. Each question stands by itself, as in training; with turns=4 the model also sees the
last four questions and its answers, without the thoughts.
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

SHOW = "--show-thought"


def main() -> None:
    _shell.run(lambda words: chat([w for w in words if w != SHOW], show_thought=SHOW in words), help=__doc__)


def chat(words: Sequence[str], *, show_thought: bool) -> None:
    from r1lite.commands.evaluate import configured, prepare
    from r1lite.commands.export import find
    from r1lite.settings import command_line

    own, words = command_line.own_folder(words)
    turns = _turns([w for w in words if w.startswith("turns=")])
    sources = [w for w in words if "=" not in w and not w.startswith("-")]
    if len(sources) != 1:
        raise ValueError("which model? r1lite chat RUN_OR_PATH")
    where = find(sources[0])
    cfg = configured([w for w in words if w not in sources and not w.startswith("turns=")], sources, own)
    prepare(cfg)
    talk = _opened(where, cfg, turns)
    for number, question in enumerate(_questions()):
        show(talk.ask(question, seed=f"{cfg.seed}/chat/{number}"), show_thought=show_thought)


@dataclass(kw_only=True, slots=True)
class Talk:
    """A conversation, of which the model sees the last few turns."""

    sampler: Sampler
    prompter: Prompter
    longest: int  # prompt, in tokens
    turns: int = 0
    said: list[Message] = field(default_factory=list)

    def ask(self, question: str, *, seed: str) -> Rollout:
        asked: Message = {"role": "user", "content": question}
        while True:
            problem = Problem(id="chat", prompt=(*self.said, asked))
            if len(self.prompter.ids(problem)) <= self.longest:
                break
            if not self.said:
                raise ValueError(f"the question is longer than prompt.max_tokens={self.longest}")
            del self.said[:2]
        (group,) = self.sampler.sample([problem], n=1, seed=seed)
        (rollout,) = group.rollouts
        self.said = (
            [*self.said, asked, {"role": "assistant", "content": unfolded(rollout.response)[1]}][-2 * self.turns :] if self.turns else []
        )
        return rollout


def _opened(where: str, cfg: Config, turns: int) -> Talk:
    from r1lite.build import make_prompter, make_sampler
    from r1lite.models import pretrained

    model, tokenizer = pretrained.load(where, cfg.model)
    prompter = make_prompter(tokenizer, cfg)
    return Talk(sampler=make_sampler(model, prompter, cfg), prompter=prompter, longest=cfg.prompt.max_tokens, turns=turns)


def _questions() -> Iterator[str]:
    """Lines that say something; in a terminal, each after a sign that it is awaited."""
    lines = _typed() if sys.stdin.isatty() else sys.stdin
    return (line.strip() for line in lines if line.strip())


def _typed() -> Iterator[str]:
    while True:
        try:
            yield input("> ")
        except EOFError:
            print()
            return


def unfolded(response: str) -> tuple[str, str]:
    """The thought, and what is said aloud. A thought that never ends is all thought; no thought is none."""
    well = parse(response)
    if well is not None:
        return well.thought, well.answer
    before, ended, after = response.rpartition(END_THINK)
    if ended:
        return before.strip().removeprefix(THINK).strip(), after.strip()
    opened, thinking, thought = response.partition(THINK)
    return (thought.strip(), opened.strip()) if thinking else ("", response.strip())


def show(rollout: Rollout, *, show_thought: bool) -> None:
    from rich.text import Text

    from r1lite.console import console, say

    thought, answer = map(printable, unfolded(rollout.response))
    if thought:
        folded = f"[thought: {len(thought.split())} words]"
        console().print(Text(thought if show_thought else folded, style="dim"), soft_wrap=True)
    if answer:
        say(answer)
    if rollout.finish == "length":
        console().print(Text(f"[cut off after {len(rollout.token_ids)} tokens]", style="dim"), soft_wrap=True)
    sys.stdout.flush()


def printable(text: str) -> str:
    """Without what would steer the terminal: a model may write anything."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def _turns(given: Sequence[str]) -> int:
    value = given[-1].removeprefix("turns=") if given else "0"
    if not value.isdecimal():
        raise ValueError(f"turns should be a whole number of at least 0, got {value!r}")
    return int(value)


if __name__ == "__main__":
    main()

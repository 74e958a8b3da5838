"""Templates: how a problem becomes prompt tokens."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from r1lite.text.response import ANSWER, END_ANSWER, END_THINK, THINK
from r1lite.types import Message, Problem

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PLAIN_TEMPLATE = (
    "A user asks a question and the assistant solves it. The assistant first reasons inside "
    f"{THINK} {END_THINK} and then gives its answer inside {ANSWER} {END_ANSWER}.\nUser: {{prompt}}\nAssistant:"
)


_WITNESS = "How much is 7+12?"  # a question, to see whether a template passes it on
_MEND = "Mend chat_template.jinja (or chat_template in tokenizer_config.json); without any, a plain template is used"


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompter:
    """Renders prompts for one tokenizer. `prefill` is text that the template writes for the model to go on from."""

    tokenizer: PreTrainedTokenizerBase
    system: str = ""
    prefill: str = ""

    def messages(self, problem: Problem) -> list[Message]:
        asked: Sequence[Message] = ({"role": "user", "content": problem.prompt},) if isinstance(problem.prompt, str) else problem.prompt
        return with_system(self.system, asked)

    def tried(self) -> Prompter:
        """The same, once its template has shown that it passes on what is asked; ValueError where it does not."""
        from jinja2.exceptions import TemplateError

        whose = f"the chat template of {self.tokenizer.name_or_path or 'the tokenizer'}"
        try:
            text = self.text(Problem(id="tried", prompt=_WITNESS))
        except (TemplateError, TypeError) as error:
            asked = f"prompt.system={self.system!r} and a question" if self.system else "a question"
            raise ValueError(f"{whose} cannot write {asked}: {error}. {_MEND}") from error
        if _WITNESS not in text:
            raise ValueError(f"{whose} leaves out what the user says. {_MEND}")
        if self.system.strip() not in text:
            raise ValueError(f"{whose} leaves out the system message: set prompt.system='', and say it in the problems")
        return self

    def text(self, problem: Problem) -> str:
        """The whole prompt as text, through the tokenizer's chat template, or a plain one where it has none."""
        messages = [dict(m) for m in self.messages(problem)]
        if self.tokenizer.chat_template:
            rendered = str(self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
        else:
            said = "\n\n".join(m["content"] for m in messages)
            rendered = PLAIN_TEMPLATE.replace("{prompt}", said)
        return rendered + self.prefill

    def ids(self, problem: Problem) -> tuple[int, ...]:
        # A chat template writes its own begin-of-text token; adding it again would shift every position.
        special = not self.tokenizer.chat_template
        return tuple(self.tokenizer(self.text(problem), add_special_tokens=special)["input_ids"])

    def completion_ids(self, completion: str) -> tuple[int, ...]:
        """A demonstration's tokens, with the end token that the model must learn to write."""
        ids = self.tokenizer(completion, add_special_tokens=False)["input_ids"]
        return (*ids, end_token(self.tokenizer))

    def opened(self, problem: Problem) -> str:
        """The part of the prompt that already belongs to the response: an opening think tag, wherever it comes from."""
        tail = re.search(rf"{THINK}\s*$", self.text(problem).removesuffix(self.prefill))
        return (tail.group(0) if tail else "") + self.prefill


def with_system(system: str, asked: Sequence[Message]) -> list[Message]:
    """The messages behind a system message, which comes before their own where they have one: templates allow no two."""
    rest = list(asked)
    if system and rest and rest[0]["role"] == "system":
        system = f"{system}\n\n{rest.pop(0)['content']}"
    return [{"role": "system", "content": system}, *rest] if system else rest


def end_token(tokenizer: PreTrainedTokenizerBase) -> int:
    token = tokenizer.eos_token_id
    if not isinstance(token, int):
        raise ValueError(
            f"the tokenizer {tokenizer.name_or_path} has no end token, so a model could never learn to stop: "
            "name it as eos_token in its tokenizer_config.json"
        )
    return token

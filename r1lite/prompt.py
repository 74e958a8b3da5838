"""Renders a problem as prompt tokens, through the tokenizer's chat template."""

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

_PROBE = "How much is 7+12?"  # a question that a working template must render
_REPLY = "r1lite-reply"  # stands for a reply, to find what a template writes after it
_FIX = "Fix chat_template.jinja (or chat_template in tokenizer_config.json), or remove it: then a plain template is used"


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompter:
    """Renders prompts for one tokenizer. `prefill` is the start of the response, which the model continues."""

    tokenizer: PreTrainedTokenizerBase
    system: str = ""
    prefill: str = ""

    def messages(self, problem: Problem) -> list[Message]:
        return with_system(self.system, messages_of(problem))

    def checked(self) -> Prompter:
        """This prompter, after a test that its template renders the system message and the user's question; else ValueError."""
        from jinja2.exceptions import TemplateError

        template = f"the chat template of {self.tokenizer.name_or_path or 'the tokenizer'}"
        try:
            text = self.text(Problem(id="probe", prompt=_PROBE))
        except (TemplateError, TypeError) as error:
            messages = f"prompt.system={self.system!r} and a question" if self.system else "a question"
            raise ValueError(f"{template} cannot render {messages}: {error}. {_FIX}") from error
        if _PROBE not in text:
            raise ValueError(f"{template} leaves out the user's message. {_FIX}")
        if self.system.strip() not in text:
            raise ValueError(f"{template} leaves out the system message: set prompt.system='' and put its text into the problems")
        return self

    def text(self, problem: Problem) -> str:
        """The whole prompt as text, through the tokenizer's chat template, or through a plain one if it has none."""
        messages = [dict(m) for m in self.messages(problem)]
        if self.tokenizer.chat_template:
            rendered = str(self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
        else:
            prompt = "\n\n".join(m["content"] for m in messages)
            rendered = PLAIN_TEMPLATE.replace("{prompt}", prompt)
        return rendered + self.prefill

    def ids(self, problem: Problem) -> tuple[int, ...]:
        # A chat template writes its own begin-of-text token; a second one would shift every position.
        add_special = not self.tokenizer.chat_template
        return tuple(self.tokenizer(self.text(problem), add_special_tokens=add_special)["input_ids"])

    def next_turn_ids(self, messages: Sequence[Message], last: int | None) -> tuple[int, ...]:
        """What stands between a reply and the next one: the end of the reply's turn, new messages, and the start of the next reply.

        `last` is the reply's last token. If it is an end token, it is not written a second time.
        """
        text = self._next_turn([{**m, "content": self.harmless(m["content"])} for m in messages]) + self.prefill
        if last is not None and (end := str(self.tokenizer.decode([last], skip_special_tokens=False))):
            text = text.removeprefix(end)
        return self.text_ids(text)

    def _next_turn(self, messages: Sequence[dict[str, str]]) -> str:
        if not self.tokenizer.chat_template:
            return "".join(f"\nUser: {m['content']}" for m in messages) + "\nAssistant:"
        before = [{"role": "user", "content": _PROBE}, {"role": "assistant", "content": _REPLY}]
        rendered = str(self.tokenizer.apply_chat_template([*before, *messages], tokenize=False, add_generation_prompt=True))
        _, found, after = rendered.partition(_REPLY)
        if not found:
            raise ValueError(f"the chat template of {self.tokenizer.name_or_path or 'the tokenizer'} leaves out earlier replies. {_FIX}")
        return after

    def harmless(self, text: str) -> str:
        """The text with a space inside of special tokens: what an environment says must not end a turn or begin another."""
        for token in self.tokenizer.added_tokens_decoder.values():
            if token.special and len(token.content) > 1:
                text = text.replace(token.content, f"{token.content[0]} {token.content[1:]}")
        return text

    def text_ids(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def completion_ids(self, completion: str) -> tuple[int, ...]:
        """A demonstration's token ids, with the end token that the model must learn to write."""
        return (*self.text_ids(completion), end_token(self.tokenizer))

    def response_prefix(self, problem: Problem) -> str:
        """The part of the prompt that belongs to the response: an opening think tag, by the template or by the prefill."""
        tag = re.search(rf"{THINK}\s*$", self.text(problem).removesuffix(self.prefill))
        return (tag.group(0) if tag else "") + self.prefill


def messages_of(problem: Problem) -> tuple[Message, ...]:
    """A problem's own messages; a prompt that is text is one user message."""
    return ({"role": "user", "content": problem.prompt},) if isinstance(problem.prompt, str) else problem.prompt


def with_system(system: str, messages: Sequence[Message]) -> list[Message]:
    """Put a system message first. Templates allow only one, so it is joined with the messages' own."""
    rest = list(messages)
    if system and rest and rest[0]["role"] == "system":
        system = f"{system}\n\n{rest.pop(0)['content']}"
    return [{"role": "system", "content": system}, *rest] if system else rest


def end_token(tokenizer: PreTrainedTokenizerBase) -> int:
    token = tokenizer.eos_token_id
    if not isinstance(token, int):
        raise ValueError(
            f"the tokenizer {tokenizer.name_or_path} has no end token, so a model could never learn to stop: "
            "set eos_token in its tokenizer_config.json"
        )
    return token

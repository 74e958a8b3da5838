"""What both sides of a comparison are given: the same prompts to the token, groups, lengths and rewards."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

TOPICS = ("rivers", "prime numbers", "old maps", "bread", "tides", "chess", "bridges", "bees")
FILLERS = (" and", " the", " of", " a", " 1", "1", "!")


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """One step: len(prompts) x group rollouts."""

    prompts: tuple[str, ...]  # what the user says; the model's chat template is laid around it
    group: int
    tokens: int  # of each completion; at most, where the lengths are mixed
    mixed: bool  # completions end where the model ends them
    no_signal_share: float  # of the groups whose rewards are all equal

    def rewards(self) -> list[list[float]]:
        """Groups without signal first; in the others every second rollout is right."""
        silent = round(self.no_signal_share * len(self.prompts))
        return [[0.0 if g < silent else float(i % 2) for i in range(self.group)] for g in range(len(self.prompts))]


def work_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--prompts", type=int, default=4, help="of a step")
    parser.add_argument(
        "--prompt-tokens", type=int, default=45, help="of each prompt, its chat template included; 0 asks arithmetic problems"
    )
    parser.add_argument("--group", type=int, default=8, help="rollouts of each prompt")
    parser.add_argument("--tokens", type=int, default=64, help="of each completion, exactly; with --mixed, at most")
    parser.add_argument("--mixed", action="store_true", help="completions end where the model ends them")
    parser.add_argument("--no-signal-share", type=float, default=0.0, help="of the groups, whose rewards are then all equal")


def work_of(options: argparse.Namespace, tokenizer: Any) -> Work:
    exact = options.prompt_tokens > 0
    prompts = exact_prompts(tokenizer, options.prompts, options.prompt_tokens) if exact else arithmetic_prompts(options.prompts)
    return Work(
        prompts=tuple(prompts), group=options.group, tokens=options.tokens, mixed=options.mixed, no_signal_share=options.no_signal_share
    )


def prompt_ids(tokenizer: Any, text: str) -> list[int]:
    """As a chat trainer sees a user's message."""
    rendered = tokenizer.apply_chat_template([{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True)
    return list(tokenizer(rendered, add_special_tokens=False)["input_ids"])


def exact_prompts(tokenizer: Any, count: int, tokens: int) -> list[str]:
    return [exact_prompt(tokenizer, f"{TOPICS[i % len(TOPICS)]} {i}:", tokens) for i in range(count)]


def exact_prompt(tokenizer: Any, opening: str, tokens: int) -> str:
    """A message that becomes exactly so many tokens, by adding the first filler that still fits."""
    text, length = opening, len(prompt_ids(tokenizer, opening))
    while length < tokens:
        fitting = ((text + filler, len(prompt_ids(tokenizer, text + filler))) for filler in FILLERS)
        text, length = next(((t, n) for t, n in fitting if length < n <= tokens), (text, tokens + 1))
    if length > tokens:
        raise ValueError(f"no prompt that begins with {opening!r} has exactly {tokens} tokens: ask for more with --prompt-tokens")
    return text


def arithmetic_prompts(count: int) -> list[str]:
    """Chains of all lengths, so that rollouts end at different times."""
    from tasks import tasks

    sources = [tasks["arithmetic"](seed=1, difficulty=level).problems("train") for level in ("easy", "standard", "hard")]
    return [str(sources[i % len(sources)][i].prompt) for i in range(count)]


def end_out_of_reach(tokenizer: Any, model: Any) -> int:
    """Let a token that the model never draws be the end, so that completions have exactly the length that is asked for.

    Nothing is added to decoding by that, on either side: no mask on the logits, no processor.
    """
    ends = {tokenizer.eos_token_id, tokenizer.bos_token_id, tokenizer.pad_token_id}
    reserved = sorted(i for i, token in tokenizer.added_tokens_decoder.items() if token.special and i not in ends)
    if not reserved:
        raise ValueError("the tokenizer has no spare special token to stand for the end: use --mixed")
    tokenizer.eos_token = tokenizer.convert_ids_to_tokens(reserved[-1])
    model.generation_config.eos_token_id = reserved[-1]
    return reserved[-1]


def check_lengths(work: Work, lengths: list[int]) -> None:
    wrong = [n for n in lengths if n != work.tokens]
    if wrong and not work.mixed:
        raise ValueError(f"completions of {work.tokens} tokens were asked for, and {len(wrong)} of {len(lengths)} have another length")

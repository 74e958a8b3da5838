"""The work that both sides of a comparison do: the same prompts, token for token, and the same groups, lengths and rewards."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

TOPICS = ("rivers", "prime numbers", "old maps", "bread", "tides", "chess", "bridges", "bees")
FILLERS = (" and", " the", " of", " a", " 1", "1", "!")


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """One step: len(prompts) x group rollouts."""

    prompts: tuple[str, ...]  # user messages, without the chat template
    group: int
    tokens: int  # of each completion; the maximum if lengths are mixed
    mixed: bool  # completions end where the model ends them
    no_signal_share: float  # share of the groups whose rewards are all equal

    def rewards(self) -> list[list[float]]:
        """Groups without signal come first; in the others every second rollout is correct."""
        no_signal = round(self.no_signal_share * len(self.prompts))
        return [[0.0 if g < no_signal else float(i % 2) for i in range(self.group)] for g in range(len(self.prompts))]


def work_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--prompts", type=int, default=4, help="prompts in a step")
    parser.add_argument(
        "--prompt-tokens", type=int, default=45, help="tokens of each prompt, including the chat template; 0 uses arithmetic problems"
    )
    parser.add_argument("--group", type=int, default=8, help="rollouts of each prompt")
    parser.add_argument("--tokens", type=int, default=64, help="tokens of each completion: exactly, or at most with --mixed")
    parser.add_argument("--mixed", action="store_true", help="completions end where the model ends them")
    parser.add_argument("--no-signal-share", type=float, default=0.0, help="share of the groups whose rewards are all equal")


def settings_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set", dest="settings", nargs="*", default=[], metavar="KEY=VALUE", help="settings of r1lite, such as rl.micro_batch_tokens=4096"
    )


def make_work(options: argparse.Namespace, tokenizer: Any) -> Work:
    exact = options.prompt_tokens > 0
    prompts = exact_prompts(tokenizer, options.prompts, options.prompt_tokens) if exact else arithmetic_prompts(options.prompts)
    return Work(
        prompts=tuple(prompts), group=options.group, tokens=options.tokens, mixed=options.mixed, no_signal_share=options.no_signal_share
    )


def prompt_ids(tokenizer: Any, text: str) -> list[int]:
    """Token ids of a user message, as a chat trainer sees it."""
    rendered = tokenizer.apply_chat_template([{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True)
    return list(tokenizer(rendered, add_special_tokens=False)["input_ids"])


def exact_prompts(tokenizer: Any, count: int, tokens: int) -> list[str]:
    return [exact_prompt(tokenizer, f"{TOPICS[i % len(TOPICS)]} {i}:", tokens) for i in range(count)]


def exact_prompt(tokenizer: Any, opening: str, tokens: int) -> str:
    """Lengthen `opening` to exactly `tokens` tokens by adding, each time, the first filler that still fits."""
    text, length = opening, len(prompt_ids(tokenizer, opening))
    while length < tokens:
        fitting = ((text + filler, len(prompt_ids(tokenizer, text + filler))) for filler in FILLERS)
        text, length = next(((t, n) for t, n in fitting if length < n <= tokens), (text, tokens + 1))
    if length > tokens:
        raise ValueError(f"no prompt that begins with {opening!r} has exactly {tokens} tokens: set --prompt-tokens higher")
    return text


def arithmetic_prompts(count: int) -> list[str]:
    """Problems of all difficulties, so that rollouts end at different lengths."""
    from tasks import tasks

    sources = [tasks["arithmetic"](seed=1, difficulty=level).problems("train") for level in ("easy", "standard", "hard")]
    return [str(sources[i % len(sources)][i].prompt) for i in range(count)]


def use_unreachable_end(tokenizer: Any, model: Any) -> int:
    """Use a token that the model never samples as the end token, so that completions have exactly the requested length.

    This adds no work to decoding on either side: no mask on the logits, no logits processor.
    """
    ends = {tokenizer.eos_token_id, tokenizer.bos_token_id, tokenizer.pad_token_id}
    reserved = sorted(i for i, token in tokenizer.added_tokens_decoder.items() if token.special and i not in ends)
    if not reserved:
        raise ValueError("the tokenizer has no unused special token to serve as the end token: use --mixed")
    tokenizer.eos_token = tokenizer.convert_ids_to_tokens(reserved[-1])
    model.generation_config.eos_token_id = reserved[-1]
    return reserved[-1]


def check_lengths(work: Work, lengths: list[int]) -> None:
    wrong = [n for n in lengths if n != work.tokens]
    if wrong and not work.mixed:
        raise ValueError(f"every completion should have {work.tokens} tokens, but {len(wrong)} of {len(lengths)} have another number")

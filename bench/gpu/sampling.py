"""Sampling on this device: the native sampler as it is and with recorded graphs, `model.generate`, and the roof.

    python -m bench.gpu.sampling [--device cuda] [--quick]

Random weights of 0.5 and 1.5 billion parameters; 64, 256 and 1,024 rows. The roof is the time to read the weights once per decoding step
and each row's keys and values, at the measured memory rate: no sampler of whole steps is faster. "mixed" completions have a budget each.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import torch

from bench._common.ours import compose_config, disable_end_tokens
from bench._common.work import exact_prompts, prompt_ids
from bench.gpu._part import Options, attempt, options_of, peak_mb, report, timed
from r1lite.build import make_prompter, make_sampler
from r1lite.models import pretrained
from r1lite.models.prepare import prepare_torch
from r1lite.types import Problem

PROMPT, GROUP = 64, 8


def main(words: Sequence[str] | None = None) -> None:
    options = options_of(__doc__, words)
    rate = memory_rate(options)
    report("memory rate", gigabytes_per_second=rate / 1e9)
    shapes, rows, tokens = (("smollm2-135m",), (16,), 8) if options.quick else (("qwen2.5-0.5b", "qwen2.5-1.5b"), (64, 256, 1024), 128)
    for shape in shapes:
        for count in rows:
            for engine in ("recorded graphs", "eager", "generate"):
                if options.left() > 0:
                    what = f"{shape}, {count} rows, {engine}"
                    with attempt(what):
                        measure(what, shape, count, tokens, engine, rate, options)


def measure(what: str, shape: str, rows: int, tokens: int, engine: str, rate: float, options: Options) -> None:
    named = argparse.Namespace(random=shape, model="", device=options.device, dtype="bf16")
    eager = engine != "recorded graphs" or options.device == "cpu"
    room = [f"sampler.max_rows={rows}", "sampler.cache_mb=65536", f"sampler.eager={str(eager).lower()}", f"sampler.max_tokens={tokens}"]
    cfg = compose_config(named, room)
    prepare_torch(cfg)
    model, tokenizer = pretrained.load(cfg.model.path, cfg.model)
    texts = exact_prompts(tokenizer, rows // GROUP, PROMPT)
    if engine == "generate":
        ids = torch.tensor([prompt_ids(tokenizer, text) for text in texts for _ in range(GROUP)], device=model.device)
        sample: Any = lambda seed: generate(model, ids, tokens)  # noqa: E731
    else:
        sampler: Any = make_sampler(model, make_prompter(tokenizer, cfg), cfg)
        disable_end_tokens(sampler)
        problems = [Problem(id=str(i), prompt=text) for i, text in enumerate(texts)]
        sample = lambda seed: sum(len(r.token_ids) for g in sampler.sample(problems, n=GROUP, seed=seed) for r in g.rollouts)  # noqa: E731
    peak_mb(options.device)
    _, first = timed(lambda: sample("0"))
    count, seconds = timed(lambda: sample("1"))
    roof = rows * tokens / (tokens * step_bytes(model, rows, PROMPT + tokens / 2) / rate)
    report(
        what,
        tokens_per_second=count / seconds,
        share_of_roof=count / seconds / roof,
        milliseconds_per_step=seconds / tokens * 1e3,
        first_pass_seconds=first,
        seconds=seconds,
        peak_mb=peak_mb(options.device),
    )


def generate(model: Any, ids: torch.Tensor, tokens: int) -> int:
    model.generation_config.eos_token_id = None
    pad = model.config.pad_token_id
    out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=tokens, do_sample=True, top_k=0, pad_token_id=pad)
    return (out.shape[1] - ids.shape[1]) * len(ids)


def step_bytes(model: Any, rows: int, positions: float) -> float:
    """Bytes that a decoding step cannot avoid reading: weights, without the embedding's unless it is the head, and keys and values."""
    config = model.config
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    per_position = 2 * config.num_hidden_layers * config.num_key_value_heads * head_dim * model.dtype.itemsize
    return weights + rows * positions * per_position


def memory_rate(options: Options) -> float:
    """Bytes per second, read and written, of a large copy."""
    source = torch.empty((2**26 if options.quick else 2**32) // 4, device=options.device).normal_()
    target, best = torch.empty_like(source), float("inf")
    for _ in range(5):
        best = min(best, timed(lambda: target.copy_(source))[1])
    return 2 * source.numel() * 4 / best


if __name__ == "__main__":
    main()

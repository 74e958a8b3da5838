"""The memory of one training step over one long sequence, with and without gradient checkpointing.

    python -m bench.long_context [--tokens 32768] [--hidden 256] [--layers 4] [--vocabulary 49152] [--threads 2]

A Llama of random weights takes one optimiser step on one sequence, each way in a process of its own. Prints the peak of resident
memory beside the one that r1lite.planning computes, and what the logits alone would take if they existed all at once.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Any

from bench._common.process import run_module, table
from bench._common.resident import resident_mb
from r1lite.config import Config
from r1lite.planning.memory import moments, peak
from r1lite.planning.shape import Shape
from r1lite.planning.work import jobs

MB = 2**20
PROMPT = 64  # tokens


def main(argv: Sequence[str] | None = None) -> None:
    options = parsed(argv)
    if options.child:
        child(options)
        return
    rows = []
    words = [f"--{name}={value}" for name, value in vars(options).items() if name != "child"]
    for way in ("checkpointing", "whole"):
        result = run_module("bench.long_context", [*words, f"--child={way}"])
        rows.append([way, f"{result['peak']:,.0f}", f"{result['formula']:,.0f}", f"{result['seconds']:.0f}"])
        print(f"{way}: {result}", file=sys.stderr, flush=True)
    print(table(["", "peak, MB", "formula, MB", "seconds"], rows))
    print(f"\nall logits at once: {4 * options.tokens * options.vocabulary / MB:,.0f} MB, and as much for their gradient")


def parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("tokens", 32768), ("hidden", 256), ("layers", 4), ("vocabulary", 49152), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def child(options: argparse.Namespace) -> None:
    import json

    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from r1lite.learning.policy import Policy
    from r1lite.models.cpu.memory import return_freed_memory
    from r1lite.models.layers import configure_layers
    from r1lite.models.pretrained import use_fast_layers
    from r1lite.models.tiny import build_tokenizer
    from r1lite.objective import IMITATE
    from r1lite.settings.compose import configuration
    from r1lite.types import Sample

    return_freed_memory()  # so that the peak is of what is held, not of what the allocator keeps
    torch.set_num_threads(options.threads)
    cfg = configuration(
        [
            f"model.gradient_checkpointing={str(options.child == 'checkpointing').lower()}",
            "sft.micro_batch_tokens=1000000",
            "sft.batch_size=1",
            "stages=[sft]",
        ]
    )
    shape = LlamaConfig(
        vocab_size=options.vocabulary,
        hidden_size=options.hidden,
        intermediate_size=3 * options.hidden,
        num_hidden_layers=options.layers,
        num_attention_heads=options.hidden // 64,
        num_key_value_heads=1,
        max_position_embeddings=options.tokens,
        tie_word_embeddings=True,
    )
    base = resident_mb("VmRSS")
    torch.manual_seed(0)
    model: Any = LlamaForCausalLM(shape).eval()
    use_fast_layers(model, cfg.model)
    configure_layers(model, cfg.model)
    policy = Policy(model, build_tokenizer(), cfg.sft, total_steps=1)
    ids = torch.randint(0, options.vocabulary, (options.tokens,)).tolist()
    started = time.perf_counter()
    policy.step([Sample(prompt_ids=tuple(ids[:PROMPT]), token_ids=tuple(ids[PROMPT:]))], IMITATE)
    seconds = time.perf_counter() - started
    print(json.dumps({"peak": resident_mb("VmHWM"), "formula": base + formula_mb(model, cfg, options.tokens), "seconds": seconds}))


def formula_mb(model: Any, cfg: Config, tokens: int) -> float:
    """The peak of r1lite.planning, whose sequence is a prompt of PROMPT tokens and its response."""
    cfg.sampler.max_tokens = tokens - PROMPT
    job = jobs(Shape.of(model.config), cfg, ranks=1, on_gpu=False, prompt=PROMPT)[0]
    return peak(moments(job))[1] / MB


if __name__ == "__main__":
    main()

"""Samples one job with one engine (native, model.generate or vLLM), timed after a warm-up pass.

    python -m bench.sample_once --engine native --job job.json --dtype fp32 [--eager] [--logprobs]

bench/sampling.py writes the job and starts this module; for vLLM, in an environment that has it. Prompts are passed as
token ids, except to the native sampler, which makes the same ids from the text. The last line is a JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from bench._common.cost import DTYPES, peak_memory_mb, synchronize
from bench._common.work import settings_argument
from r1lite.planning.operations import sampling_flops
from r1lite.planning.shape import Shape

Lengths = list[list[int]]  # tokens of each completion, per prompt
Job = dict[str, Any]


def main() -> None:
    options = parsed()
    job = json.loads(options.job.read_text())
    config, sample = {"native": native, "generate": generate, "vllm": vllm}[options.engine](job, options)
    sample(0)
    synchronize()
    started = time.perf_counter()
    lengths = sample(1)
    synchronize()
    seconds = time.perf_counter() - started
    groups = [(len(ids), row) for ids, row in zip(job["ids"], lengths, strict=True)]
    record = {
        "engine": options.engine,
        "seconds": round(seconds, 4),
        "tokens": sum(map(sum, lengths)),
        "flops": sampling_flops(Shape.of(config), groups),
        "memory_mb": peak_memory_mb(),
    }
    if not job["mixed"] and {n for row in lengths for n in row} != {job["tokens"]}:
        sys.exit(f"error: {options.engine} returned completions that do not have {job['tokens']} tokens")
    print(json.dumps(record), flush=True)


def native(job: Job, options: argparse.Namespace) -> tuple[Any, Callable[[int], Lengths]]:
    from bench._common.ours import compose_config, disable_end_tokens
    from r1lite.build import make_prompter, make_sampler
    from r1lite.models import pretrained
    from r1lite.models.prepare import prepare_torch
    from r1lite.types import Problem

    model_options = argparse.Namespace(random=None, model=job["model"], device=job["device"], dtype=options.dtype)
    graphs = ["sampler.eager=false"] if job["device"] == "cuda" else []
    cfg = compose_config(model_options, [f"sampler.max_tokens={job['tokens']}", *graphs, *options.settings])
    prepare_torch(cfg)
    model, tokenizer = pretrained.load(job["model"], cfg.model)
    sampler: Any = make_sampler(model, make_prompter(tokenizer, cfg), cfg)
    if not job["mixed"]:
        disable_end_tokens(sampler)
    problems = [Problem(id=str(i), prompt=text) for i, text in enumerate(job["texts"])]

    def sample(seed: int) -> Lengths:
        groups = {g.problem.id: g.rollouts for g in sampler.sample(problems, n=job["group"], seed=str(seed))}
        assert [list(groups[p.id][0].prompt_ids) for p in problems] == job["ids"]
        return [[len(r.token_ids) for r in groups[p.id]] for p in problems]

    return model.config, sample


def generate(job: Job, options: argparse.Namespace) -> tuple[Any, Callable[[int], Lengths]]:
    """Prompts are padded on the left, with one row per rollout."""
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(job["model"], dtype=DTYPES[options.dtype]).to(job["device"]).eval()
    end, width = job["end"], max(map(len, job["ids"]))
    rows = [ids for ids in job["ids"] for _ in range(job["group"])]
    ids = torch.tensor([[end] * (width - len(row)) + row for row in rows], device=model.device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=model.device)
    if not job["mixed"]:
        model.generation_config.eos_token_id = None
    model.generation_config.update(do_sample=True, temperature=1.0, top_p=1.0, top_k=0, pad_token_id=end)

    def sample(seed: int) -> Lengths:
        torch.manual_seed(seed)
        out = model.generate(ids, attention_mask=mask, max_new_tokens=job["tokens"])[:, width:].tolist()
        kept = [row.index(end) + 1 if job["mixed"] and end in row else len(row) for row in out]
        return [kept[i : i + job["group"]] for i in range(0, len(kept), job["group"])]

    return model.config, sample


def vllm(job: Job, options: argparse.Namespace) -> tuple[Any, Callable[[int], Lengths]]:
    from vllm import LLM, SamplingParams  # pyright: ignore[reportMissingImports]

    engine: Any = LLM(
        model=job["model"],
        dtype="bfloat16" if options.dtype == "bf16" else "float32",
        max_model_len=max(map(len, job["ids"])) + job["tokens"],
        max_num_seqs=len(job["ids"]) * job["group"],
        enforce_eager=options.eager,
        disable_log_stats=True,
        seed=0,
    )
    prompts = [{"prompt_token_ids": ids} for ids in job["ids"]]

    def sample(_: int) -> Lengths:  # per-request seeds break chunked prefill on the CPU; the engine has a seed
        params = SamplingParams(
            n=job["group"],
            temperature=1.0,
            top_p=1.0,
            max_tokens=job["tokens"],
            ignore_eos=not job["mixed"],
            detokenize=False,
            logprobs=0 if options.logprobs else None,
        )
        return [[len(c.token_ids) for c in out.outputs] for out in engine.generate(prompts, params, use_tqdm=False)]

    return engine.llm_engine.model_config.hf_config, sample


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("native", "generate", "vllm"), required=True)
    parser.add_argument("--job", type=Path, required=True)
    parser.add_argument("--dtype", choices=sorted(DTYPES), default="fp32")
    parser.add_argument("--eager", action="store_true", help="vLLM only: do not compile, so that it starts in seconds")
    parser.add_argument(
        "--logprobs", action="store_true", help="vLLM only: return log-probs, which training needs and native always returns"
    )
    settings_argument(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()

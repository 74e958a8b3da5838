"""Compares sampling by r1lite's native sampler, `model.generate` and vLLM, with the same prompts and token counts.

    python -m bench.sampling [--rows tiny_mixed batch64_fp32 ...] [--rounds 3] [--model models/smollm2-135m] \\
        [--vllm-python envs/vllm/bin/python] [--vllm-eager] [--vllm-logprobs] [--set sampler.max_rows=512 ...]
    python -m bench.sampling --random qwen2.5-0.5b --device cuda --rows batch64_bf16

Useful tokens are those a rollout keeps: nothing after its end, no padding. The engines take turns, each in its own process
and after a warm-up pass; ratios are computed per round. vLLM's column needs --vllm-python. The share of the matrix rate is
the native sampler's useful operations per second, divided by that rate.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench._common.ours import RANDOM, random_model
from bench._common.process import absolute_path, format_rates, matrix_rates, median_with_rounds, run_module, share_of_limit, table
from bench._common.work import arithmetic_prompts, exact_prompts, prompt_ids, settings_argument
from r1lite.models.pretrained import locate

Record = dict[str, Any]
# On the CPU: the size of the KV cache in GiB, and no second process, because starting it takes longer than the sampling.
VLLM = {"VLLM_CPU_KVCACHE_SPACE": "2", "VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_LOGGING_LEVEL": "ERROR"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    title: str
    prompts: int
    prompt_tokens: int = 45  # 0 uses arithmetic problems
    tokens: int = 128
    mixed: bool = False
    dtype: str = "fp32"
    tiny: bool = False


GROUP = 8
RATES = ("matrix rate (torch's linear layers), GFLOP/s", "native, share of the matrix rate")
ROWS = {
    "tiny_mixed": Row(title="tiny base, 512 rollouts of mixed length", prompts=64, prompt_tokens=0, mixed=True, tiny=True),
    "mixed": Row(title="64 rollouts of mixed length, fp32", prompts=8, prompt_tokens=0, mixed=True),
    "batch64_fp32": Row(title="64 rollouts of 128 tokens, fp32", prompts=8),
    "batch64_bf16": Row(title="64 rollouts of 128 tokens, bf16", prompts=8, dtype="bf16"),
}


def main() -> None:
    options = parsed()
    engines = ["native", "generate", *(["vllm"] if options.vllm_python else [])]
    lines = []
    try:
        for name in options.rows:
            rounds = measure(name, ROWS[name], engines, options)
            lines.append(line(ROWS[name], rounds, engines))
    except ValueError as error:
        sys.exit(f"error: {error}")
    print(table(head(engines), lines))


def measure(name: str, row: Row, engines: Sequence[str], options: argparse.Namespace) -> list[dict[str, Any]]:
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        job = Path(folder) / "job.json"
        job.write_text(json.dumps(job_of(row, options)))
        for number in range(options.rounds):
            records: dict[str, Any] = {engine: sample(engine, job, row.dtype, options) for engine in engines}
            records["gflops"] = matrix_rates(row.dtype, options.device)
            rounds.append(records)
            speeds = ", ".join(f"{engine} {speed(records[engine]):,.0f}" for engine in engines)
            print(f"{name}, round {number + 1}: {speeds} tokens/s", file=sys.stderr, flush=True)
    return rounds


def job_of(row: Row, options: argparse.Namespace) -> dict[str, Any]:
    from transformers import AutoTokenizer

    path = absolute_path(model_of(row, options))
    tokenizer = AutoTokenizer.from_pretrained(path)
    texts = exact_prompts(tokenizer, row.prompts, row.prompt_tokens) if row.prompt_tokens else arithmetic_prompts(row.prompts)
    return {
        "model": path,
        "device": options.device,
        "texts": texts,
        "ids": [prompt_ids(tokenizer, text) for text in texts],
        "group": GROUP,
        "tokens": options.tokens or row.tokens,
        "mixed": row.mixed,
        "end": tokenizer.eos_token_id,
    }


def model_of(row: Row, options: argparse.Namespace) -> Path | str:
    if options.random:
        return random_model(options.random)
    return locate("tiny_base" if row.tiny else options.model)


def sample(engine: str, job: Path, dtype: str, options: argparse.Namespace) -> Record:
    arguments = ["--engine", engine, "--job", job, "--dtype", dtype]
    if engine != "vllm":
        return run_module("bench.sample_once", [*arguments, "--set", *(options.settings if engine == "native" else [])])
    flags = [name for name, chosen in (("--eager", options.vllm_eager), ("--logprobs", options.vllm_logprobs)) if chosen]
    return run_module("bench.sample_once", [*arguments, *flags], python=absolute_path(options.vllm_python), settings=VLLM)


def head(engines: Sequence[str]) -> list[str]:
    ratios = [f"native / {engine} (rounds)" for engine in engines[1:]]
    return [
        "row",
        *(f"{engine}, tokens/s" for engine in engines),
        *ratios,
        *RATES,
    ]


def line(row: Row, rounds: Sequence[dict[str, Any]], engines: Sequence[str]) -> list[str]:
    speeds = {engine: [speed(records[engine]) for records in rounds] for engine in engines}
    ratios = [[native / other for native, other in zip(speeds["native"], speeds[engine], strict=True)] for engine in engines[1:]]
    shares = [share_of_limit(r["native"]["flops"], r["native"]["seconds"], r["gflops"]) for r in rounds]
    return [
        row.title,
        *(f"{statistics.median(values):,.0f}" for values in speeds.values()),
        *(median_with_rounds(values) for values in ratios),
        format_rates([records["gflops"] for records in rounds]),
        f"{statistics.median(shares):.0%}",
    ]


def speed(record: Record) -> float:
    return record["tokens"] / record["seconds"]


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), default=["tiny_mixed"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=0, help="tokens of each completion; 0 uses the row's")
    parser.add_argument("--model", default="models/smollm2-135m", help="model of all rows except tiny_mixed")
    parser.add_argument("--random", choices=sorted(RANDOM), help="use random weights of this shape in every row; nothing is downloaded")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--vllm-python", help="Python of an environment with vLLM; without it, vLLM is left out")
    parser.add_argument("--vllm-eager", action="store_true", help="vLLM does not compile: it samples more slowly and starts sooner")
    parser.add_argument("--vllm-logprobs", action="store_true", help="vLLM returns log-probs, which training needs")
    settings_argument(parser)
    return parser.parse_args(words)


if __name__ == "__main__":
    main()

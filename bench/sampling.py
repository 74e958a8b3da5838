"""Sampling by r1lite's native sampler, by `model.generate` and by vLLM, on the same prompts and token counts.

    python -m bench.sampling [--rows tiny_mixed batch64_fp32 ...] [--rounds 3] [--model models/smollm2-135m] \\
        [--vllm-python envs/vllm/bin/python] [--vllm-eager] [--vllm-logprobs] [--set sampler.max_rows=512 ...]
    python -m bench.sampling --random qwen2.5-0.5b --device cuda --rows batch64_bf16

Useful tokens are those a rollout keeps: nothing after its end, no padding. Every engine runs in a process of its own, in
turn, each after a pass that warms up; ratios are taken round by round. vLLM's column needs the Python of an environment
that has it. The share of the limit is the native sampler's: useful operations over seconds over the matrix rate.
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
from bench._common.process import ask, from_here, matrix_rates, share_of_limit, shown_rates, table, with_rounds
from bench._common.work import arithmetic_prompts, exact_prompts, prompt_ids
from r1lite.models.pretrained import locate

Record = dict[str, Any]
# On the CPU: room for the cache in GiB, and no second process, whose start takes longer than all the sampling.
VLLM = {"VLLM_CPU_KVCACHE_SPACE": "2", "VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_LOGGING_LEVEL": "ERROR"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    what: str
    prompts: int
    prompt_tokens: int = 45  # 0 asks arithmetic problems
    tokens: int = 128
    mixed: bool = False
    dtype: str = "fp32"
    tiny: bool = False


GROUP = 8
RATES = ("matrix rate (of torch's linear), GFLOP/s", "native, share of it")
ROWS = {
    "tiny_mixed": Row(what="tiny base, 512 rollouts of mixed length", prompts=64, prompt_tokens=0, mixed=True, tiny=True),
    "mixed": Row(what="64 rollouts of mixed length, fp32", prompts=8, prompt_tokens=0, mixed=True),
    "batch64_fp32": Row(what="64 rollouts of 128 tokens, fp32", prompts=8),
    "batch64_bf16": Row(what="64 rollouts of 128 tokens, bf16", prompts=8, dtype="bf16"),
}


def main() -> None:
    options = parsed()
    engines = ["native", "generate", *(["vllm"] if options.vllm_python else [])]
    shown = []
    try:
        for name in options.rows:
            rounds = measured(name, ROWS[name], engines, options)
            shown.append(line(ROWS[name], rounds, engines))
    except ValueError as error:
        sys.exit(f"error: {error}")
    print(table(head(engines), shown))


def measured(name: str, row: Row, engines: Sequence[str], options: argparse.Namespace) -> list[dict[str, Any]]:
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        job = Path(folder) / "job.json"
        job.write_text(json.dumps(job_of(row, options)))
        for number in range(options.rounds):
            found: dict[str, Any] = {engine: sampled(engine, job, row.dtype, options) for engine in engines}
            found["gflops"] = matrix_rates(row.dtype, options.device)
            rounds.append(found)
            speeds = ", ".join(f"{engine} {speed(found[engine]):,.0f}" for engine in engines)
            print(f"{name}, round {number + 1}: {speeds} tokens/s", file=sys.stderr, flush=True)
    return rounds


def job_of(row: Row, options: argparse.Namespace) -> dict[str, Any]:
    from transformers import AutoTokenizer

    path = from_here(model_of(row, options))
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


def sampled(engine: str, job: Path, dtype: str, options: argparse.Namespace) -> Record:
    arguments = ["--engine", engine, "--job", job, "--dtype", dtype]
    if engine != "vllm":
        return ask("bench.sample_once", [*arguments, "--set", *(options.settings if engine == "native" else [])])
    more = [name for name, wanted in (("--eager", options.vllm_eager), ("--logprobs", options.vllm_logprobs)) if wanted]
    return ask("bench.sample_once", [*arguments, *more], python=from_here(options.vllm_python), settings=VLLM)


def head(engines: Sequence[str]) -> list[str]:
    ratios = [f"native / {engine} (rounds)" for engine in engines[1:]]
    return [
        "row",
        *(f"{engine}, tokens/s" for engine in engines),
        *ratios,
        *RATES,
    ]


def line(row: Row, rounds: Sequence[dict[str, Any]], engines: Sequence[str]) -> list[str]:
    speeds = {engine: [speed(found[engine]) for found in rounds] for engine in engines}
    ratios = [[mine / other for mine, other in zip(speeds["native"], speeds[engine], strict=True)] for engine in engines[1:]]
    shares = [share_of_limit(found["native"]["flops"], found["native"]["seconds"], found["gflops"]) for found in rounds]
    return [
        row.what,
        *(f"{statistics.median(of):,.0f}" for of in speeds.values()),
        *(with_rounds(of) for of in ratios),
        shown_rates([found["gflops"] for found in rounds]),
        f"{statistics.median(shares):.0%}",
    ]


def speed(record: Record) -> float:
    return record["tokens"] / record["seconds"]


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), default=["tiny_mixed"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=0, help="of each completion, in place of the row's")
    parser.add_argument("--model", default="models/smollm2-135m", help="of all rows but tiny_mixed")
    parser.add_argument("--random", choices=sorted(RANDOM), help="random weights of this shape, in every row; nothing is downloaded")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--vllm-python", help="of an environment with vLLM; without it there is no such column")
    parser.add_argument("--vllm-eager", action="store_true", help="vLLM does not compile, which is slower and starts sooner")
    parser.add_argument("--vllm-logprobs", action="store_true", help="vLLM gives each token's log-prob, as training needs it")
    parser.add_argument("--set", dest="settings", nargs="*", default=[], metavar="KEY=VALUE", help="of r1lite's, for native")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()

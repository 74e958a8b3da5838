"""Checks that several ranks give the results of one: tokens, metrics, weights.

    python -m bench.ranks [--only demo "rl, lora" ...] [--ranks 2 4 2x2 4x2] [--jobs 1]

Each case runs `python -m r1lite.train` with one thread per rank, as one rank, and as each of --ranks: 4 is four whole copies, 4x2
is four ranks of which two hold a copy together (parallel.shard=2). The cases are those of bench.same_results, and models of other
shapes: Llama, Qwen3, and SmolLM2's with tied embeddings. Prints a Markdown table: the largest difference of a trained weight, of
losses and gradient norms (relative to their size above 1), and whether the ledgers hold the same tokens, finishes and rewards. A
cell is bold if a difference is above 1e-5, or the tokens differ.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from safetensors.torch import load_file

from bench._common.process import HOME, OFFLINE, table
from bench.same_results import cases

LIMIT = 1e-5
COMPARED = ("loss", "grad_norm", "critic/loss", "entropy")  # of metrics.jsonl
SAMPLED = ("problem_id", "index", "token_ids", "finish", "reward", "right", "trained")  # of the ledger
SHAPES = {
    "llama": {"model_type": "llama", "tie_word_embeddings": False, "num_key_value_heads": 4},
    "qwen3": {"model_type": "qwen3", "tie_word_embeddings": False, "num_key_value_heads": 2, "head_dim": 16},
    "smollm2, tied": {"model_type": "llama", "tie_word_embeddings": True, "num_key_value_heads": 1},
}


def main(argv: Sequence[str] | None = None) -> None:
    options = parsed(argv)
    folder = Path(tempfile.mkdtemp(prefix="ranks-"))
    available = cases(HOME, quick=True) | shapes(folder / "models")
    chosen = {name: settings for name, settings in available.items() if not options.only or name in options.only}
    with ThreadPoolExecutor(options.jobs) as pool:
        started = {
            name: [pool.submit(train, settings, ranks, folder / f"{number}-{ranks}") for ranks in ("1", *options.ranks)]
            for number, (name, settings) in enumerate(chosen.items())
        }
        rows = []
        for name, (alone, *others) in started.items():
            rows.append([name, *(compared(alone.result(), other.result()) for other in others)])
            print(" | ".join(rows[-1]), file=sys.stderr, flush=True)
    print(table(["case", *options.ranks], rows))
    bad = sum("**" in cell for row in rows for cell in row)
    if bad:
        sys.exit(f"{bad} cells are beyond the limit; the runs are in {folder}")
    shutil.rmtree(folder)


def parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="CASE")
    parser.add_argument("--ranks", nargs="+", default=["2", "4", "2x2", "4x2"], metavar="RANKS[xSHARD]")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    return parser.parse_args(argv)


def shapes(folder: Path) -> dict[str, str]:
    """Five steps of RL with models of two layers and random weights, which sample noise; some letters in it are paid."""
    for name, shape in SHAPES.items():
        build(folder / name.replace(", ", "-"), shape)
    small = "rl.show_every=0 rl.steps=5 rl.prompts_per_step=8 rl.micro_batch_tokens=512 evaluate.every_stage=false stages=[rl]"
    paid = "+rewards.regex.pattern='(a|b|c|d|e)' +rewards.regex.weight=1 +rewards.regex.search=true +rewards.regex.within=response sampler.max_tokens=32 algorithm=dapo rl.lr=1e-3"
    return {name: f"{small} {paid} model.path={folder / name.replace(', ', '-')}" for name in SHAPES}


def build(folder: Path, shape: dict[str, Any]) -> None:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from r1lite.models.tiny import build_tokenizer

    tokenizer = build_tokenizer()
    size = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96, "max_position_embeddings": 512}
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id, "bos_token_id": None}
    shape = dict(shape)
    config = AutoConfig.for_model(shape.pop("model_type"), vocab_size=len(tokenizer), **size, **ends, **shape)  # pyright: ignore
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def train(settings: str, ranks: str, folder: Path) -> Path:
    count, _, shard = ranks.partition("x")
    words = [*settings.split(), "threads=1", f"processes={count}", f"parallel.shard={shard or 1}", f"run_dir={folder}"]
    folder.mkdir(parents=True)
    own = {"PYTHONPATH": str(HOME), "OMP_NUM_THREADS": "1"}
    with (folder / "log.txt").open("w") as log:
        command = [sys.executable, "-m", "r1lite.train", *words]
        done = subprocess.run(command, cwd=HOME, env=os.environ | OFFLINE | own, stdout=log, stderr=subprocess.STDOUT, check=False)
    (folder / "code").write_text(str(done.returncode))
    return folder


def compared(alone: Path, other: Path) -> str:
    for folder in (alone, other):
        if (folder / "code").read_text() != "0":
            return f"**failed: {folder / 'log.txt'}**"
    weights = max(weight_differences(alone, other), default=0.0)
    metrics = max(metric_differences(alone, other), default=0.0)
    same = all(read(path) == read(other / path.relative_to(alone)) for path in alone.glob("*/rollouts/*.parquet"))
    text = f"weights {weights:.0e}, metrics {metrics:.0e}, {'same tokens' if same else 'other tokens'}"
    return text if same and max(weights, metrics) <= LIMIT else f"**{text}**"


def weight_differences(alone: Path, other: Path) -> Iterator[float]:
    for path in alone.glob("*/final/*.safetensors"):
        mine, theirs = load_file(path), load_file(other / path.relative_to(alone))
        yield from ((theirs[name].float() - tensor.float()).abs().max().item() for name, tensor in mine.items())


def metric_differences(alone: Path, other: Path) -> Iterator[float]:
    mine, theirs = ([json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()] for run in (alone, other))
    for line, match in zip(mine, theirs, strict=True):
        yield from (abs(line[key] - match[key]) / max(1.0, abs(line[key])) for key in COMPARED if key in line)


def read(path: Path) -> list[Any]:
    return pq.read_table(path, columns=list(SAMPLED)).to_pylist()


if __name__ == "__main__":
    main()

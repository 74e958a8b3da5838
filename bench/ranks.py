"""Checks that several ranks give the results of one: tokens, metrics, weights.

    python -m bench.ranks [--only demo "rl, lora" ...] [--ranks 2 4 2x2 4x2]

Each case is a run with one thread per rank, as one rank, and as each of --ranks: 4 is four whole copies, 4x2
is four ranks of which two hold a copy together (parallel.shard=2). The cases are those of bench.same_results, and models of other
shapes: Llama, Qwen3, and SmolLM2's with tied embeddings. Prints a Markdown table: the largest difference of a trained weight, of
losses and gradient norms (relative to their size above 1), and whether the ledgers hold the same tokens, finishes and judgements. A
cell is bold if a difference is above 1e-5, or the tokens differ.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from safetensors.torch import load_file

from bench._common.process import HOME, table
from bench.same_results import cases
from r1lite.parallel.launch import launch

LIMIT = 1e-5
TIMEOUT = 300.0
CASES = "cases.json"
COMPARED = ("loss", "grad_norm", "critic/loss", "entropy")  # of metrics.jsonl
SAMPLED = ("problem_id", "index", "token_ids", "finish", "right", "trained")  # of the ledger
SHAPES = {
    "llama": {"model_type": "llama", "tie_word_embeddings": False, "num_key_value_heads": 4},
    "qwen3": {"model_type": "qwen3", "tie_word_embeddings": False, "num_key_value_heads": 2, "head_dim": 16},
    "smollm2, tied": {"model_type": "llama", "tie_word_embeddings": True, "num_key_value_heads": 1},
}


def main(argv: Sequence[str] | None = None) -> None:
    options = parsed(argv)
    if options.rank:
        run_as_rank(options.folder, options.rank)
        return
    folder = Path(tempfile.mkdtemp(prefix="ranks-"))
    available = cases(HOME, quick=True) | shapes(folder / "models")
    chosen = {name: settings for name, settings in available.items() if not options.only or name in options.only}
    (folder / CASES).write_text(json.dumps(list(chosen.values())))
    for ranks in ("1", *options.ranks):
        started = time.perf_counter()
        command = [sys.executable, "-m", "bench.ranks", "--folder", str(folder), "--rank", ranks]
        code = launch(int(ranks.partition("x")[0]), command)
        print(f"{ranks}: {time.perf_counter() - started:.0f} s, exit code {code}", file=sys.stderr, flush=True)
    names = [f"{number:02d}" for number in range(len(chosen))]
    rows = [
        [name, *(compared(folder / "1" / n, folder / ranks / n) for ranks in options.ranks)] for name, n in zip(chosen, names, strict=True)
    ]
    print(table(["case", *options.ranks], rows))
    bad = sum("**" in cell for row in rows for cell in row)
    if bad:
        sys.exit(f"{bad} cells are beyond the limit; the runs are in {folder}")
    shutil.rmtree(folder)


def parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="CASE")
    parser.add_argument("--ranks", nargs="+", default=["2", "4", "2x2", "4x2"], metavar="RANKS[xSHARD]")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--rank", metavar="RANKS[xSHARD]", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def run_as_rank(folder: Path, ranks: str) -> None:
    """Run all cases as one of these ranks, one after another, so that the libraries are imported once."""
    from r1lite.api.pipeline import train
    from r1lite.parallel import guard, meeting
    from r1lite.settings.compose import configuration

    meeting.join(TIMEOUT, shard=int(ranks.partition("x")[2] or 1))
    with guard.guarded():
        for number, settings in enumerate(json.loads((folder / CASES).read_text())):
            train(configuration([*shlex.split(settings, posix=False), "threads=1", f"run_dir={folder / ranks / f'{number:02d}'}"]))
    meeting.leave()


def shapes(folder: Path) -> dict[str, str]:
    """Five steps of RL with models of two layers and random weights, which sample noise; some letters in it are paid."""
    for name, shape in SHAPES.items():
        build(folder / name.replace(", ", "-"), shape)
    small = "rl.show_every=0 rl.steps=5 rl.prompts_per_step=8 rl.micro_batch_tokens=512 evaluate.every_stage=false stages=[rl]"
    paid = " ".join(f"+rewards.regex.{name}" for name in ("pattern='(a|b|c|d|e)'", "weight=1", "search=true", "within=response"))
    small = f"{small} {paid} sampler.max_tokens=32 algorithm=dapo rl.lr=1e-3"
    return {name: f"{small} model.path={folder / name.replace(', ', '-')}" for name in SHAPES}


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


def compared(alone: Path, other: Path) -> str:
    for run in (alone, other):
        if not (run / "summary.json").is_file() or json.loads((run / "summary.json").read_text())["status"] != "finished":
            return f"**not finished: {run}**"
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

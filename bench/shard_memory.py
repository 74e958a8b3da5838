"""How much memory a rank takes with whole copies and with shards, and a model that fits one rank's limit only as shards.

    python -m bench.shard_memory [--hidden 768] [--layers 12] [--steps 3]

Trains a Llama of random weights on a few examples, with one thread per rank: as one rank, as two with whole copies, as two that
share a copy (parallel.shard=2). Prints each rank's peak of resident memory beside that of r1lite.planning. Then limits the
address space of every rank (RLIMIT_AS) to a value between the peaks of the first and of the last, and runs both again: whole copies
must end with a message, shards must finish.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench._common.process import table
from bench._common.resident import resident_mb
from r1lite.parallel.launch import launch
from r1lite.planning.memory import moments, peak
from r1lite.planning.plan import read_shape
from r1lite.planning.work import jobs
from r1lite.settings.compose import configuration

VOCABULARY = 8192
HEAD = 64  # width of an attention head
MB = 2**20
PROMPT, RESPONSE = 12, 47  # tokens of the examples, about
LAYOUTS = ("1", "2", "2x2")


@dataclass(frozen=True, slots=True)
class Peak:
    """Of the rank that took most, in MB."""

    before: float  # resident when the libraries are imported
    resident: float
    addresses: float  # of the address space, which RLIMIT_AS limits


def main(argv: Sequence[str] | None = None) -> None:
    options = parsed(argv)
    if options.ranks:
        run_as_rank(options)
        return
    with tempfile.TemporaryDirectory(prefix="shard_memory-") as name:
        folder = Path(name)
        parameters = build(folder / "model", options.hidden, options.layers)
        write_examples(folder / "examples.jsonl")
        peaks = {ranks: run(options, folder, ranks) for ranks in LAYOUTS}
        rows = []
        for ranks, (code, peak) in peaks.items():
            assert peak is not None, f"{ranks}: exit code {code}"
            expected = planned_mb(folder, ranks, options)
            rows.append([ranks, f"{peak.resident:,.0f}", f"{peak.before:,.0f} + {expected:,.0f} = {peak.before + expected:,.0f}"])
        print(f"{parameters / 1e6:.0f} M parameters\n\n{table(['ranks', 'peak, MB', 'planned, MB'], rows)}\n", flush=True)
        whole, sharded = (peaks[ranks][1] for ranks in ("1", "2x2"))
        assert whole is not None
        assert sharded is not None
        limit = int((whole.addresses + sharded.addresses) / 2)
        for ranks in LAYOUTS:
            code, _ = run(options, folder, ranks, limit=limit)
            print(f"with a limit of {limit:,} MB of addresses per rank, {ranks}: {'finished' if code == 0 else 'refused'}", flush=True)


def parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=768)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--ranks", help=argparse.SUPPRESS)
    parser.add_argument("--limit", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def planned_mb(folder: Path, ranks: str, options: argparse.Namespace) -> float:
    """The peak of r1lite.planning."""
    count, _, shard = ranks.partition("x")
    cfg = configuration([*settings_of(folder, options).split(), f"parallel.shard={shard or 1}", f"sampler.max_tokens={RESPONSE}"])
    job = jobs(read_shape(cfg.model.path), cfg, ranks=int(count), on_gpu=False, prompt=PROMPT)[0]
    return peak(moments(job))[1] / MB


def settings_of(folder: Path, options: argparse.Namespace) -> str:
    examples = f"stages=[sft] sft.data={folder / 'examples.jsonl'} sft.batch_size=16 sft.micro_batch_tokens=256"
    return f"{examples} sft.steps={options.steps} evaluate.every_stage=false model.path={folder / 'model'} threads=1"


def build(folder: Path, hidden: int, layers: int) -> int:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from r1lite.models.tiny import build_tokenizer

    tokenizer = build_tokenizer()
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=hidden,
        intermediate_size=8 * hidden // 3,
        num_hidden_layers=layers,
        num_attention_heads=hidden // HEAD,
        tie_word_embeddings=False,
        eos_token_id=tokenizer.eos_token_id,  # pyright: ignore[reportArgumentType]
        bos_token_id=None,  # pyright: ignore[reportArgumentType]
    )
    torch.manual_seed(0)
    model: Any = LlamaForCausalLM(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model.num_parameters()


def write_examples(path: Path) -> None:
    rows = [{"prompt": f"{i} + 1 = ?", "completion": f"<think>one more</think><answer>{i + 1}</answer>"} for i in range(64)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def run(options: argparse.Namespace, folder: Path, ranks: str, *, limit: int = 0) -> tuple[int, Peak | None]:
    """The exit code, and the peak of the rank that took most; None if it did not finish."""
    words = [f"--{name}={value}" for name, value in vars(options).items() if name not in ("folder", "ranks", "limit")]
    command = [sys.executable, "-m", "bench.shard_memory", *words, f"--folder={folder}", f"--ranks={ranks}", f"--limit={limit}"]
    for path in folder.glob("peak-*"):
        path.unlink()
    code = launch(int(ranks.partition("x")[0]), command)
    found = [Peak(**json.loads(path.read_text())) for path in folder.glob("peak-*")]
    return code, max(found, key=lambda peak: peak.resident, default=None)


def run_as_rank(options: argparse.Namespace) -> None:
    if options.limit:
        resource.setrlimit(resource.RLIMIT_AS, (options.limit * MB, options.limit * MB))
    from r1lite.api.pipeline import train
    from r1lite.parallel import guard, meeting, world

    cfg = configuration(
        [*settings_of(options.folder, options).split(), f"run_dir={options.folder / f'run-{options.ranks}-{options.limit}'}"]
    )
    import r1lite.stages.rl  # noqa: F401  all that a run imports

    before = resident_mb("VmRSS")
    meeting.join(300, shard=int(options.ranks.partition("x")[2] or 1))
    with guard.guarded():
        train(cfg)
    peak = {"before": before, "resident": resident_mb("VmHWM"), "addresses": resident_mb("VmPeak")}
    (options.folder / f"peak-{world.rank()}").write_text(json.dumps(peak))
    meeting.leave()


if __name__ == "__main__":
    main()

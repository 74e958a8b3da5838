"""Peaks of memory as r1lite.planning computes them, beside those that real runs reach on this CPU.

    python -m bench.plan [--only NAME ...] [--results FILE] [--kept]

Every case is a whole run of stage sft or rl, on random weights, with all sequences at full length, in processes of its own. The
peak of resident memory is measured for each moment of a step (the kernel resets it when asked), in the rank that takes most.
Blocks of 64 KB and more that are freed go back to the kernel at once, so a peak is what is held; --kept measures runs as they are
otherwise, where freed blocks stay in the process. Subtracted is the peak of the same run with a model of almost no weights.
With --results, cases that the file has are not measured again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench._common.process import table
from bench._common.resident import resident_mb, restart_peak
from r1lite.config import Config
from r1lite.parallel.launch import launch
from r1lite.planning.memory import PASSES, SAMPLING, SAVING, STEP, Parts, moments, peak
from r1lite.planning.shape import Shape
from r1lite.planning.work import jobs
from r1lite.settings.compose import configuration

MB = 2**20
RETURNED_BYTES = 2**16  # of a freed block
PROMPT, RESPONSE, EXAMPLES = 64, 192, 64
NOTHING = "nothing"
# kind, hidden, layers, heads, key-value heads, intermediate, vocabulary, tied embeddings
SHAPES = {
    NOTHING: ("llama", 64, 1, 1, 1, 64, 300, True),
    "llama-22m": ("llama", 512, 6, 8, 4, 1376, 8192, True),
    "llama-98m": ("llama", 768, 12, 12, 12, 2048, 8192, False),
    "qwen2-47m": ("qwen2", 512, 8, 8, 2, 1408, 49152, True),
    "qwen2-130m": ("qwen2", 640, 10, 10, 2, 1728, 131072, True),
    "qwen3-42m": ("qwen3", 512, 8, 8, 4, 1536, 16384, False),
}
SFT = "sft.steps=1 sft.batch_size=8 sft.micro_batch_tokens=1024"
RL = (
    "task=dataset ++task.splits.test=train rewards={format:{weight:1.0}} algorithm.keep=all algorithm.kl=none evaluate.problems=1 "
    "rl.steps=1 rl.prompts_per_step=2 rl.group_size=4 rl.updates_per_step=1 rl.micro_batch_tokens=1024 rl.show_every=0 "
    "parity.threshold=10 parity.threshold_bfloat16=10 scoring.workers=0"
)
CASES = """\
llama-22m sft 1
llama-22m sft 1 model.dtype=bfloat16
llama-22m sft 1 model.gradient_checkpointing=true
llama-22m sft 1 model.lora_rank=8
llama-22m sft 1 sft.micro_batch_tokens=512
llama-22m sft 1 sft.micro_batch_tokens=4096 sft.batch_size=32
llama-22m sft 1 sampler.max_tokens=960 sft.batch_size=2
llama-98m sft 1 sft.micro_batch_tokens=512 sft.batch_size=4
llama-98m sft 1 model.dtype=bfloat16
llama-98m sft 1 sft.batch_size=4 model.gradient_checkpointing=true
llama-98m sft 1 sft.micro_batch_tokens=512 sft.batch_size=4 model.freeze=[*embed*,*lm_head*]
qwen2-47m sft 1
qwen2-47m sft 1 model.dtype=bfloat16
qwen2-47m sft 1 model.dtype=bfloat16 model.lora_rank=16 model.lora_targets=[q_proj,v_proj]
qwen3-42m sft 1
qwen3-42m sft 1 model.dtype=bfloat16 model.gradient_checkpointing=true
qwen2-130m sft 1 sft.micro_batch_tokens=512 sft.batch_size=4
qwen2-130m sft 1 model.dtype=bfloat16 model.lora_rank=8
llama-22m rl 1
llama-22m rl 1 model.dtype=bfloat16
llama-22m rl 1 algorithm.kl=k3
llama-22m rl 1 algorithm=ppo algorithm.critic=separate
llama-22m rl 1 rl.lag=1 rl.steps=2
llama-22m rl 1 sampler.max_tokens=256 rl.group_size=48 algorithm.keep=top_fraction algorithm.keep_fraction=0.05
llama-22m rl 1 model.gradient_checkpointing=true algorithm.kl=k3
qwen2-47m rl 1
qwen2-47m rl 1 model.dtype=bfloat16 algorithm.kl=k3
qwen3-42m rl 1 rl.share_prompts=false
llama-98m rl 1 model.lora_rank=8 algorithm.kl=k3
qwen2-130m rl 1 rl.group_size=2
llama-22m rl 2
llama-22m rl 2x2
llama-98m sft 2 sft.micro_batch_tokens=512
llama-98m sft 2x2 sft.micro_batch_tokens=512
qwen2-47m sft 2x2 sft.micro_batch_tokens=512
qwen2-47m sft 2x2 sft.micro_batch_tokens=512 model.dtype=bfloat16
"""


@dataclass(frozen=True, slots=True)
class Case:
    shape: str
    stage: str
    ranks: str  # 2x2 is two ranks that share a copy of the weights
    settings: tuple[str, ...]

    @property
    def name(self) -> str:
        return " ".join((self.shape, self.stage, self.ranks, *self.settings))

    @property
    def processes(self) -> int:
        return int(self.ranks.partition("x")[0])

    @property
    def without_weights(self) -> Case:
        """The same run with almost no weights."""
        dtype = tuple(word for word in self.settings if word.startswith(("model.dtype", "model.lora_rank")))
        return Case(NOTHING, self.stage, self.ranks, dtype)

    def config(self, folder: Path) -> Config:
        own = SFT if self.stage == "sft" else RL
        words = f"stages=[{self.stage}] sft.data={folder}/sft.jsonl model.path={folder}/{self.shape} sampler.max_tokens={RESPONSE} "
        words += f"evaluate.every_stage=false parallel.shard={self.ranks.partition('x')[2] or 1} threads={2 // self.processes} {own}"
        words += f" ++task.path={folder}/rl.jsonl" if self.stage == "rl" else ""
        return configuration([*words.split(), *self.settings, f"run_dir={folder}/run"])


def main(argv: Sequence[str] | None = None) -> None:
    options = parsed(argv)
    if options.case:
        run_as_rank(case_of(options.case), options.folder, kept=options.kept)
        return
    import r1lite.stages.rl  # noqa: F401  all that a run imports, once for all cases

    cases = [case_of(line.split()) for line in CASES.splitlines()]
    chosen = [case for case in cases if not options.only or case.name in options.only]
    known: dict[str, Any] = json.loads(options.results.read_text()) if options.results and options.results.is_file() else {}
    with tempfile.TemporaryDirectory(prefix="bench_plan-") as name:
        for case in chosen:
            for one in (case.without_weights, case):
                if one.name not in known:
                    known[one.name] = measured(one, Path(name), options)
                    print(one.name, known[one.name], file=sys.stderr, flush=True)
                    if options.results:
                        options.results.write_text(json.dumps(known, indent=1))
        print(report(chosen, known, Path(name)))


def case_of(words: Sequence[str]) -> Case:
    shape, stage, ranks, *settings = words
    return Case(shape, stage, ranks, tuple(settings))


def parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", help="cases, written as in the table")
    parser.add_argument("--results", type=Path, help="a file that keeps what was measured")
    parser.add_argument("--kept", action="store_true", help="let freed memory stay in the process, as runs do")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--case", nargs="+", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def report(cases: Sequence[Case], known: dict[str, Any], folder: Path) -> str:
    rows = []
    for case in cases:
        moment, most = peak(planned(case, folder))
        most /= MB
        libraries, found = known[case.without_weights.name], known[case.name]
        held, where = max((found[name] - libraries[name], name) for name in found if name in libraries)
        ratio, whole = most / held, (most + libraries[where]) / found[where]
        rows.append([case.name, f"{most:,.0f} ({moment})", f"{held:,.0f} ({where})", f"{ratio:.2f}", f"{whole:.2f}"])
    return table(["case", "planned, MB", "measured, MB", "ratio", "with libraries"], rows)


def planned(case: Case, folder: Path) -> dict[str, Parts]:
    cfg = case.config(folder)
    job = jobs(shape_of(case.shape), cfg, ranks=case.processes, on_gpu=False, prompt=PROMPT)[0]
    return moments(job)


def shape_of(name: str) -> Shape:
    kind, hidden, layers, heads, kv_heads, intermediate, vocab, tied = SHAPES[name]
    return Shape(
        kind=kind, hidden=hidden, layers=layers, heads=heads, kv_heads=kv_heads, head_dim=hidden // heads,
        intermediate=intermediate, vocab=vocab, tied=tied,
    )  # fmt: skip


def measured(case: Case, folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """The peak of each moment in MB, in the rank with the largest."""
    if not (folder / case.shape).is_dir():
        in_fork(lambda: build(folder / case.shape, shape_of(case.shape)))
    response = next((int(word.partition("=")[2]) for word in case.settings if word.startswith("sampler.max_tokens")), RESPONSE)
    write_rows(folder, response)
    shutil.rmtree(folder / "run", ignore_errors=True)
    for path in folder.glob("peak-*"):
        path.unlink()
    if case.processes == 1:
        in_fork(lambda: run_as_rank(case, folder, kept=options.kept))
    else:
        words = [*(["--kept"] if options.kept else []), f"--folder={folder}", "--case", *case.name.split()]
        code = launch(case.processes, [sys.executable, "-m", "bench.plan", *words])
        assert code == 0, f"{case.name}: exit code {code}"
    return max((json.loads(path.read_text()) for path in folder.glob("peak-*")), key=lambda peaks: max(peaks.values()))


def in_fork(function: Callable[[], object]) -> None:
    """Run the function in a process that has what this one has imported, and nothing that other functions have left."""
    pid = os.fork()
    if not pid:
        try:
            function()
            sys.stdout.flush()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0


def config_of(shape: Shape, **more: Any) -> Any:
    """The configuration of transformers for a shape."""
    from transformers import AutoConfig

    return AutoConfig.for_model(
        shape.kind,
        vocab_size=shape.vocab,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        tie_word_embeddings=shape.tied,
        **more,
    )


def build(folder: Path, shape: Shape) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    from r1lite.models.tiny import build_tokenizer

    tokenizer = build_tokenizer()
    config = config_of(shape, max_position_embeddings=8192, eos_token_id=tokenizer.eos_token_id, bos_token_id=None)
    torch.manual_seed(0)
    model: Any = AutoModelForCausalLM.from_config(config)
    assert model.num_parameters() == shape.parameters
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def write_rows(folder: Path, response: int) -> None:
    """Problems and examples of exactly PROMPT and `response` tokens: a token is a byte, and the template and the end have one each."""
    prompts = [f"{i:0{PROMPT - 2}d}" for i in range(EXAMPLES)]
    examples = [{"prompt": prompt, "completion": "a" * (response - 1)} for prompt in prompts]
    problems = [{"prompt": prompt, "answer": "1"} for prompt in prompts]
    for name, rows in (("sft", examples), ("rl", problems)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def run_as_rank(case: Case, folder: Path, *, kept: bool) -> None:
    from r1lite.api.pipeline import train
    from r1lite.models.cpu import memory
    from r1lite.parallel import guard, meeting, world

    cfg = case.config(folder)
    if not kept:
        memory.keep_freed_memory = memory.return_freed_memory = partial(memory.return_freed_memory, RETURNED_BYTES)
    peaks = watch()
    meeting.join(300, shard=cfg.parallel.shard)
    with guard.guarded():
        train(cfg)
    (folder / f"peak-{world.rank()}").write_text(json.dumps(peaks()))
    meeting.leave()


def watch() -> Callable[[], dict[str, float]]:
    """Measure the peak of each moment from now on; the function that is returned gives them."""
    from r1lite.learning import accumulate
    from r1lite.learning.optimiser import Optimiser
    from r1lite.parallel import doing

    peaks: dict[str, float] = {}
    now = ["start"]

    def begin(moment: str) -> None:
        peaks[now[0]] = max(peaks.get(now[0], 0.0), resident_mb("VmHWM"))
        restart_peak()
        now[0] = moment

    def during(moment: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:
            before = now[0]
            begin(moment)
            try:
                return function(*arguments, **named)
            finally:
                begin(before)

        return run

    phases, begin_phase = {"wait": SAMPLING, "sample": SAMPLING, "save": SAVING}, doing.begin_phase
    doing.begin_phase = lambda name: (begin_phase(name), begin(phases.get(name, name)))[0]
    accumulate._accumulate = during(PASSES, accumulate._accumulate)  # pyright: ignore[reportPrivateUsage]
    Optimiser.step = during(STEP, Optimiser.step)
    return lambda: (begin("end"), peaks)[1]


if __name__ == "__main__":
    main()

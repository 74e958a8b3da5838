"""TRL's side of a comparison: the same GRPO steps by its GRPOTrainer, through the public API, in a separate environment.

    python -m venv envs/trl
    envs/trl/bin/pip install "torch==2.13.0" "transformers==5.19.0" "trl==1.16.*"
    envs/trl/bin/python -m bench.trl_step --model models/smollm2-135m --prompts 4 --prompt-tokens 45 --group 8 --tokens 64 \\
        [--dtype bf16 | autocast] [--batch 8] [--checkpointing] [--mixed] [--no-signal-share 0.5] [--steps 1]

Sampling is timed until TRL calls the reward function, which it does right after generation; training, until the end of the
optimiser step. beta=0 (no reference), one update per step, no logging, no saving. Gradient checkpointing, which TRL uses
by default, is off because it costs time. `--batch` is per_device_train_batch_size; the rest is gradient accumulation.
bf16 loads the weights in bfloat16; autocast is bf16=True with float32 weights.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass, field
from typing import Any

import torch

from bench._common.cost import TimedStep, print_record
from bench._common.work import Work, check_lengths, make_work, prompt_ids, use_unreachable_end, work_arguments
from r1lite.planning.shape import Shape


@dataclass(kw_only=True)
class Clock:
    """Records when each step started, had sampled and had finished, and the lengths of its completions."""

    work: Work
    started: list[float] = field(default_factory=list)
    sampled: list[float] = field(default_factory=list)
    done: list[float] = field(default_factory=list)
    lengths: list[list[int]] = field(default_factory=list)

    def reward(self, completion_ids: list[list[int]], **_: Any) -> list[float]:
        """The fixed rewards. TRL passes the completions of a step prompt by prompt."""
        self.sampled.append(time.perf_counter())
        self.lengths.append([len(ids) for ids in completion_ids])
        return [x for row in self.work.rewards() for x in row]

    def steps(self, prompts: list[int]) -> list[TimedStep]:
        size = self.work.group
        return [
            TimedStep(
                sample=sampled - started,
                train=done - sampled,
                total=done - started,
                groups=tuple((prompt, tuple(lengths[i * size : (i + 1) * size])) for i, prompt in enumerate(prompts)),
            )
            for started, sampled, done, lengths in zip(self.started, self.sampled, self.done, self.lengths, strict=True)
        ]


def main() -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    options = parsed()
    tokenizer = AutoTokenizer.from_pretrained(options.model, padding_side="left")
    dtype = torch.bfloat16 if options.dtype == "bf16" else torch.float32
    model: Any = AutoModelForCausalLM.from_pretrained(options.model, dtype=dtype)
    work = make_work(options, tokenizer)
    if not work.mixed:
        use_unreachable_end(tokenizer, model)
    clock = Clock(work=work)
    with tempfile.TemporaryDirectory() as folder:
        trainer_of(model, tokenizer, clock, options, folder).train()
    steps = clock.steps([len(prompt_ids(tokenizer, text)) for text in work.prompts])
    check_lengths(work, [n for lengths in clock.lengths for n in lengths])
    no_signal = sum(len(set(row)) == 1 for row in work.rewards())
    print_record("trl", Shape.of(model.config), steps[1:], no_signal, dtype=options.dtype, batch=options.batch)


def trainer_of(model: Any, tokenizer: Any, clock: Clock, options: argparse.Namespace, folder: str) -> Any:
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import GRPOConfig, GRPOTrainer  # pyright: ignore[reportMissingImports]

    class Times(TrainerCallback):
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            clock.started.append(time.perf_counter())

        def on_step_end(self, *_: Any, **__: Any) -> None:
            clock.done.append(time.perf_counter())

    work = clock.work
    rollouts, batch = len(work.prompts) * work.group, options.batch
    if rollouts % batch:
        raise ValueError(f"--batch must divide the {rollouts} rollouts of a step, got {batch}")
    settings = GRPOConfig(
        output_dir=folder,
        use_cpu=options.device == "cpu",
        bf16=options.dtype == "autocast",
        max_steps=options.steps + 1,
        per_device_train_batch_size=batch,
        gradient_accumulation_steps=rollouts // batch,
        gradient_checkpointing=options.checkpointing,
        num_generations=work.group,
        max_completion_length=work.tokens,
        temperature=1.0,
        top_p=1.0,
        top_k=0,
        beta=0.0,
        learning_rate=1e-6,
        lr_scheduler_type="constant",
        max_grad_norm=1.0,
        shuffle_dataset=False,
        logging_strategy="no",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    rows = [{"prompt": [{"role": "user", "content": text}]} for _ in range(options.steps + 1) for text in work.prompts]
    return GRPOTrainer(
        model=model,
        reward_funcs=clock.reward,
        args=settings,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        callbacks=[Times()],
    )


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a folder with a model")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--dtype", choices=("fp32", "bf16", "autocast"), default="fp32")
    parser.add_argument("--batch", type=int, default=8, help="rollouts in memory at once")
    parser.add_argument("--checkpointing", action="store_true", help="gradient checkpointing")
    parser.add_argument("--steps", type=int, default=1, help="measured steps, after one warm-up step")
    work_arguments(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""The other side: the same GRPO steps by TRL's GRPOTrainer, through its public API, in an environment of its own.

    python -m venv envs/trl
    envs/trl/bin/pip install "torch==2.13.0" "transformers==5.19.0" "trl==1.16.*"
    envs/trl/bin/python -m bench.trl_step --model models/smollm2-135m --prompts 4 --prompt-tokens 45 --group 8 --tokens 64 \\
        [--dtype bf16 | autocast] [--batch 8] [--checkpointing] [--mixed] [--no-signal-share 0.5] [--steps 1]

Generation ends when the reward function is called, which TRL does right after it; training ends with the optimiser step.
beta=0 (no reference), one update a step, no logging, no saving; gradient checkpointing, on by default there, is off:
it costs time. `--batch` is per_device_train_batch_size, the rest is gradient accumulation. bf16 loads the weights in it;
autocast is bf16=True over float32 weights.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass, field
from typing import Any

import torch

from bench._common.cost import Timed, say_cost
from bench._common.flops import Shape
from bench._common.work import Work, check_lengths, end_out_of_reach, prompt_ids, work_arguments, work_of


@dataclass(kw_only=True)
class Clock:
    """When each step began, was sampled and was done; and how long its completions were."""

    work: Work
    begun: list[float] = field(default_factory=list)
    sampled: list[float] = field(default_factory=list)
    done: list[float] = field(default_factory=list)
    lengths: list[list[int]] = field(default_factory=list)

    def reward(self, completion_ids: list[list[int]], **_: Any) -> list[float]:
        """The given rewards; TRL hands over a step's completions prompt by prompt."""
        self.sampled.append(time.perf_counter())
        self.lengths.append([len(ids) for ids in completion_ids])
        return [x for row in self.work.rewards() for x in row]

    def steps(self, prompts: list[int]) -> list[Timed]:
        size = self.work.group
        return [
            Timed(
                sample=sampled - begun,
                train=done - sampled,
                total=done - begun,
                groups=tuple((prompt, tuple(lengths[i * size : (i + 1) * size])) for i, prompt in enumerate(prompts)),
            )
            for begun, sampled, done, lengths in zip(self.begun, self.sampled, self.done, self.lengths, strict=True)
        ]


def main() -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    options = parsed()
    tokenizer = AutoTokenizer.from_pretrained(options.model, padding_side="left")
    dtype = torch.bfloat16 if options.dtype == "bf16" else torch.float32
    model: Any = AutoModelForCausalLM.from_pretrained(options.model, dtype=dtype)
    work = work_of(options, tokenizer)
    if not work.mixed:
        end_out_of_reach(tokenizer, model)
    clock = Clock(work=work)
    with tempfile.TemporaryDirectory() as folder:
        trainer_of(model, tokenizer, clock, options, folder).train()
    steps = clock.steps([len(prompt_ids(tokenizer, text)) for text in work.prompts])
    check_lengths(work, [n for lengths in clock.lengths for n in lengths])
    silent = sum(len(set(row)) == 1 for row in work.rewards())
    say_cost("trl", Shape.of(model.config), steps[1:], silent, dtype=options.dtype, batch=options.batch)


def trainer_of(model: Any, tokenizer: Any, clock: Clock, options: argparse.Namespace, folder: str) -> Any:
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import GRPOConfig, GRPOTrainer  # pyright: ignore[reportMissingImports]

    class Ticks(TrainerCallback):
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            clock.begun.append(time.perf_counter())

        def on_step_end(self, *_: Any, **__: Any) -> None:
            clock.done.append(time.perf_counter())

    work = clock.work
    rollouts, batch = len(work.prompts) * work.group, options.batch
    if rollouts % batch:
        raise ValueError(f"--batch must divide the step's {rollouts} rollouts, got {batch}")
    settings = GRPOConfig(
        output_dir=folder,
        use_cpu=True,
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
        callbacks=[Ticks()],
    )


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a folder")
    parser.add_argument("--dtype", choices=("fp32", "bf16", "autocast"), default="fp32")
    parser.add_argument("--batch", type=int, default=8, help="rollouts in memory at once")
    parser.add_argument("--checkpointing", action="store_true", help="gradient checkpointing")
    parser.add_argument("--steps", type=int, default=1, help="measured, after one that warms up")
    work_arguments(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()

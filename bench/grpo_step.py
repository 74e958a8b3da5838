"""r1lite's side of a comparison: whole GRPO steps with the settings of stage `rl`.

    python -m bench.grpo_step --model models/smollm2-135m --prompts 4 --prompt-tokens 45 --group 8 --tokens 64 \\
        [--dtype bf16] [--mixed] [--no-signal-share 0.5] [--steps 1] [--set rl.micro_batch_tokens=4096 ...]
    python -m bench.grpo_step --random qwen2.5-0.5b --device cuda --dtype bf16

A step samples, assigns fixed rewards, and trains on the groups with signal: one optimiser update without KL, like TRL's
beta=0. The first step is a warm-up and is not counted. --set takes settings as `python -m r1lite.train` does. The last
line is a JSON object: seconds, tokens, useful floating-point operations, peak memory.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench._common.cost import TimedStep, print_record, synchronize
from bench._common.ours import compose_config, disable_end_tokens, lengths_of, model_arguments
from bench._common.work import Work, check_lengths, make_work, settings_argument, use_unreachable_end, work_arguments
from r1lite.build import make_learner, make_objective, make_prompter, make_sampler
from r1lite.config import Config
from r1lite.learning.policy import Policy
from r1lite.models.prepare import prepare_torch
from r1lite.objective import Objective
from r1lite.planning.shape import Shape
from r1lite.rl.credit import credit, samples_of
from r1lite.types import Group, Problem, Sampler, Scored, Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    cfg: Config
    work: Work
    problems: list[Problem]
    policy: Policy
    sampler: Sampler
    objective: Objective


def main() -> None:
    options = parsed()
    try:
        parts = open_parts(options)
        steps = [take_step(parts, number) for number in range(options.warm_up + options.steps)]
        for step in steps:
            check_lengths(parts.work, [n for _, completions in step.groups for n in completions])
    except ValueError as error:
        sys.exit(f"error: {error}")
    no_signal = sum(len(set(row)) == 1 for row in parts.work.rewards())
    print_record("r1lite", Shape.of(parts.policy.model.config), steps[options.warm_up :], no_signal, dtype=options.dtype)


def open_parts(options: argparse.Namespace) -> Parts:
    # Like TRL's side: no reference, one update, a small learning rate.
    step = ["algorithm=grpo", "algorithm.kl=none", "rl.updates_per_step=1", "rl.lr=1e-6", "rl.warmup_steps=0"]
    size = [f"rl.prompts_per_step={options.prompts}", f"rl.group_size={options.group}", f"sampler.max_tokens={options.tokens}"]
    cfg = compose_config(options, [*step, *size, *options.settings])
    prepare_torch(cfg)
    policy = make_learner(cfg.model.path, cfg)
    work = make_work(options, policy.tokenizer)
    if not work.mixed:
        use_unreachable_end(policy.tokenizer, policy.model)
    sampler: Any = make_sampler(policy.model, make_prompter(policy.tokenizer, cfg), cfg)
    if (options.random or options.hold_end) and not work.mixed:
        disable_end_tokens(sampler)
    problems = [Problem(id=str(i), prompt=text) for i, text in enumerate(work.prompts)]
    return Parts(cfg=cfg, work=work, problems=problems, policy=policy, sampler=sampler, objective=make_objective(cfg))


def take_step(parts: Parts, number: int) -> TimedStep:
    synchronize()
    started = time.perf_counter()
    groups = list(parts.sampler.sample(parts.problems, n=parts.work.group, seed=str(number)))
    synchronize()
    sampled = time.perf_counter()
    groups.sort(key=lambda g: int(g.problem.id))  # in the order of the prompts, because rewards are assigned by position
    credits = credit(scored(groups, parts.work), parts.cfg.algorithm, parts.policy, weights={"fixed": 1.0})
    samples = samples_of(credits)
    if samples:
        parts.policy.step(samples, parts.objective)
    parts.sampler.load(parts.policy.weights())
    synchronize()
    done = time.perf_counter()
    return TimedStep(sample=sampled - started, train=done - sampled, total=done - started, groups=lengths_of(groups))


def scored(groups: list[Group], work: Work) -> list[list[Scored]]:
    return [
        [
            Scored(problem=group.problem, rollout=rollout, reward=reward, verdicts={"fixed": Verdict(value=reward)})
            for rollout, reward in zip(group.rollouts, row, strict=True)
        ]
        for group, row in zip(groups, work.rewards(), strict=True)
    ]


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    model_arguments(parser)
    work_arguments(parser)
    parser.add_argument("--hold-end", action="store_true", help="no completion ends early; not for comparisons with another side")
    parser.add_argument("--warm-up", type=int, default=1, help="steps before the measured ones, in which memory is newly allocated")
    parser.add_argument("--steps", type=int, default=1, help="measured steps")
    settings_argument(parser)
    return parser.parse_args(words)


if __name__ == "__main__":
    main()

"""Native sampling against `model.generate`, and training, on one model.

    python -m bench.throughput [--model tiny_base] [--rollouts 512] [--group 8] [--rounds 3]

Useful tokens are those a rollout keeps: nothing after its end, no padding. Both sides decode the same number of
rollouts of the same prompts, in turn, and the ratio is taken round by round.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import replace
from typing import Any

import torch

from r1lite import models
from r1lite.config import ModelConfig, RLConfig, SamplerConfig
from r1lite.objective import Objective
from r1lite.policy import Policy
from r1lite.prompt import Prompter
from r1lite.sampling.native import NativeSampler
from r1lite.types import Problem, Rollout, Sample
from tasks import tasks

MODEL = ModelConfig(path="", dtype="auto", device="auto", attention="auto", gradient_checkpointing=False, compile=False)
SAMPLER = SamplerConfig(
    name="native", temperature=1.0, top_p=1.0, top_k=0, max_tokens=128, stop=[], dtype="auto", max_rows=512, cache_mb=4096
)
TRAINING = RLConfig(
    start="base",
    lr=1e-6,
    final_lr_share=1.0,
    warmup_steps=0,
    weight_decay=0.0,
    max_grad_norm=1.0,
    micro_batch_tokens=8192,
    checkpoint_every=1,
)


def main() -> None:
    options = parsed()
    model, tokenizer = models.load(options.model, replace(MODEL, path=options.model))
    prompter = Prompter(tokenizer=tokenizer)
    problems = mixed_problems(options.rollouts // options.group)
    sampler = NativeSampler(model, prompter, replace(SAMPLER, max_tokens=options.tokens, max_rows=options.rollouts))
    policy = Policy(model, tokenizer, TRAINING, total_steps=1)
    size, threads = models.parameters(model), torch.get_num_threads()
    print(f"{size:,} parameters, {options.rollouts} rollouts in groups of {options.group}, {threads} threads")

    rows = []
    for number in range(options.rounds + 1):
        rollouts, native = timed(lambda n=number: [r for g in sampler.sample(problems, n=options.group, seed=str(n)) for r in g.rollouts])
        kept, generate = timed(lambda n=number: generated(model, prompter, problems, options, seed=n))
        _, train = timed(lambda r=rollouts: policy.step(as_samples(r), Objective()))
        if number:  # the first round warms up
            useful = sum(len(r.token_ids) for r in rollouts)
            rows.append((useful / native, kept / generate, useful / train))
    for name, values in zip(("native sampling", "model.generate", "training"), zip(*rows, strict=True), strict=True):
        print(f"{name:16} {statistics.median(values):9,.0f} useful tokens/s")
    ratios = [native / generate for native, generate, _ in rows]
    print(f"native sampling / model.generate: {statistics.median(ratios):.2f} (rounds: {', '.join(f'{r:.2f}' for r in ratios)})")


def mixed_problems(count: int) -> list[Problem]:
    """Chains of all lengths, so that rollouts end at different times."""
    sources = [tasks["arithmetic"](seed=1, difficulty=level).problems("train") for level in ("easy", "standard", "hard")]
    return [sources[i % len(sources)][i] for i in range(count)]


def generated(model: Any, prompter: Prompter, problems: list[Problem], options: argparse.Namespace, *, seed: int) -> int:
    """Useful tokens of the same work by `model.generate`: prompts padded on the left, one row a rollout."""
    torch.manual_seed(seed)
    prompts = [prompter.ids(p) for p in problems for _ in range(options.group)]
    width = max(map(len, prompts))
    ids, mask = torch.zeros(len(prompts), width, dtype=torch.long), torch.zeros(len(prompts), width, dtype=torch.long)
    for row, prompt in enumerate(prompts):
        ids[row, width - len(prompt) :] = torch.tensor(prompt)
        mask[row, width - len(prompt) :] = 1
    end = prompter.tokenizer.eos_token_id
    out = model.generate(
        ids.to(model.device),
        attention_mask=mask.to(model.device),
        max_new_tokens=options.tokens,
        do_sample=True,
        top_k=0,
        eos_token_id=end,
        pad_token_id=end,
    )
    return sum(completion.index(end) + 1 if end in completion else len(completion) for completion in out[:, width:].tolist())


def as_samples(rollouts: list[Rollout]) -> list[Sample]:
    return [
        Sample(prompt_ids=r.prompt_ids, token_ids=r.token_ids, logprobs=r.logprobs, advantage=1.0 if i % 2 else -1.0)
        for i, r in enumerate(rollouts)
    ]


def timed(work: Any) -> tuple[Any, float]:
    begun = time.perf_counter()
    result = work()
    return result, time.perf_counter() - begun


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="tiny_base", help="tiny_base, a folder, or a hub name")
    parser.add_argument("--rollouts", type=int, default=512)
    parser.add_argument("--group", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=128, help="longest completion")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()

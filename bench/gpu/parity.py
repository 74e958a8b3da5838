"""Whether sampler, trainer and plain transformers give the same log-probs to the same tokens on this device.

    python -m bench.gpu.parity [--device cuda] [--quick]

The native sampler samples, with and without recorded graphs; the trainer computes the same tokens' log-probs with shared prompts; and
transformers does so one sequence at a time, in float32. Cases: float32 and bfloat16, Llama and Qwen2 shapes, tied embeddings, LoRA.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Sequence
from typing import Any

import torch

from bench._common.ours import compose_config
from bench.gpu._part import Options, attempt, options_of, report
from r1lite.build import make_learner, make_prompter, make_sampler
from r1lite.models.prepare import prepare_torch
from r1lite.types import Problem, Rollout, Sample

CASES = {  # model, dtype, settings
    "llama, float32": ("tiny_base", "fp32", []),
    "llama, bfloat16": ("tiny_base", "bf16", []),
    "tied embeddings, float32": ("smollm2-135m", "fp32", []),
    "tied embeddings, bfloat16": ("smollm2-135m", "bf16", []),
    "qwen2, bfloat16": ("qwen2.5-0.5b", "bf16", []),
    "lora, float32": ("tiny_base", "fp32", ["model.lora_rank=8"]),
}
QUICK = ("llama, float32", "llama, bfloat16", "lora, float32")


def main(words: Sequence[str] | None = None) -> None:
    options = options_of(__doc__, words)
    for name in QUICK if options.quick else CASES:
        for eager in (True, False):
            with attempt(f"{name}, {'eager' if eager else 'recorded graphs'}"):
                compare(name, eager, options)


def compare(name: str, eager: bool, options: Options) -> None:
    model, dtype, settings = CASES[name]
    random = None if model == "tiny_base" else model
    named = argparse.Namespace(random=random, model=model, device=options.device, dtype=dtype)
    # The graph recorder is on the GPU alone; on the CPU, eager=false compiles, for which machines lack a compiler.
    graphs = [f"sampler.eager={str(eager or options.device == 'cpu').lower()}"]
    cfg = compose_config(named, ["sampler.max_tokens=48", *graphs, *settings])
    prepare_torch(cfg)
    policy = make_learner(cfg.model.path, cfg)
    sampler = make_sampler(policy.model, make_prompter(policy.tokenizer, cfg), cfg)
    problems = [Problem(id=str(i), prompt=f"What is {i} + {i * i}?" + " Think first." * i) for i in range(6)]
    groups = sorted(sampler.sample(problems, n=4, seed="0"), key=lambda g: int(g.problem.id))
    rollouts = [rollout for group in groups for rollout in group.rollouts]
    sampled = [list(rollout.logprobs) for rollout in rollouts]
    samples = [Sample(prompt_ids=r.prompt_ids, token_ids=r.token_ids) for r in rollouts]
    trained = policy.logprobs(samples)
    plain = copy.deepcopy(policy.model).float()
    expected = [by_transformers(plain, rollout) for rollout in rollouts]
    report(
        f"{name}, {'eager' if eager else 'recorded graphs'}",
        tokens=sum(map(len, sampled)),
        **distances("sampler_to_trainer", sampled, trained),
        **distances("trainer_to_transformers_float32", trained, expected),
        **distances("sampler_to_transformers_float32", sampled, expected),
    )


@torch.inference_mode()
def by_transformers(model: Any, rollout: Rollout) -> list[float]:
    ids = torch.tensor([[*rollout.prompt_ids, *rollout.token_ids]], device=model.device)
    first, count = len(rollout.prompt_ids) - 1, len(rollout.token_ids)
    logp = model(input_ids=ids).logits[0, first : first + count].float().log_softmax(-1)
    return logp.gather(1, ids[0, first + 1 :, None])[:, 0].tolist()


def distances(name: str, left: Sequence[Sequence[float]], right: Sequence[Sequence[float]]) -> dict[str, float]:
    apart = [abs(a - b) for x, y in zip(left, right, strict=True) for a, b in zip(x, y, strict=True)]
    return {f"{name}_mean": sum(apart) / len(apart), f"{name}_max": max(apart)}


if __name__ == "__main__":
    main()

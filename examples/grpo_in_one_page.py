"""GRPO on one page: reinforcement learning of a tiny model, with r1lite's own parts and nothing else around them.

    python examples/grpo_in_one_page.py [STEPS]

A language model answers questions that a rule can check. GRPO lets it answer each question several times, and makes the answers
that scored better than the others of their group more likely, and the worse ones less likely. That is all.

These are the first steps of `python -m r1lite.train experiment=r1_zero`, to the same numbers. What that command adds is
r1lite/stages/rl.py: scoring in worker processes, checks, checkpoints, metrics, and the parts of other algorithms.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial

from torch import Tensor
from transformers import PreTrainedModel

from r1lite.advantage import group_advantages, has_signal
from r1lite.build import make_objective, make_prompter, make_rules, make_sampler, training_problems
from r1lite.config import Config
from r1lite.data.feed import Feed
from r1lite.learning.accumulate import train_step
from r1lite.learning.batch import collate
from r1lite.learning.forward import forward
from r1lite.learning.optimiser import Optimiser
from r1lite.models import pretrained
from r1lite.objective import Objective, policy_loss
from r1lite.scoring.verdicts import verdicts_of
from r1lite.settings.compose import configuration
from r1lite.types import Batch, Group, Sample, Totals


def grpo(cfg: Config, steps: int) -> Iterator[dict[str, float]]:
    """The metrics of each step."""
    # The model is both the policy that is trained and, with the very same weights, the sampler.
    model, tokenizer = pretrained.load(cfg.model.path, cfg.model)
    prompter = make_prompter(tokenizer, cfg)  # writes a problem through the model's chat template
    sampler = make_sampler(model, prompter, cfg)
    problems = Feed(training_problems(cfg), seed=f"{cfg.seed}/rl", prompter=prompter, limits=cfg.prompt)  # an endless shuffled stream
    rules = make_rules(cfg)  # "is the answer right?" and "has it the right form?", with their weights
    objective = make_objective(cfg)  # PPO's clipped loss
    optimiser = Optimiser(model.parameters(), cfg.rl, total_steps=cfg.rl.steps * cfg.rl.updates_per_step)

    for step in range(1, steps + 1):
        # 1. Sample: a group of several rollouts for each problem. The seed says which random numbers are drawn.
        asked = problems.take(cfg.rl.prompts_per_step)
        groups = sorted(sampler.sample(asked, n=cfg.rl.group_size, seed=f"{cfg.seed}/rl/{step}"), key=lambda group: group.place)

        # 2. Score: a rollout's reward is the weighted sum of what the rules say about it.
        rewards = [[rules.total(verdicts) for verdicts in verdicts_of(rules, group)] for group in groups]

        # 3. Advantages: a rollout's reward less its group's mean, over the group's deviation. No critic is needed: the other
        #    rollouts of the group say what was to be expected. Where all are equal there is nothing to learn.
        advantages = group_advantages(rewards, center="mean", scale="std")
        samples = [
            sample for group, row, r in zip(groups, advantages, rewards, strict=True) if has_signal(r) for sample in paired(group, row)
        ]

        # 4. Train: one optimiser update on each half of the samples. The loss is divided by all sampled tokens and sequences,
        #    also those without signal, so that an update shrinks as fewer groups have any.
        updates = cfg.rl.updates_per_step
        everything = [rollout for group in groups for rollout in group.rollouts]
        totals = Totals(tokens=sum(len(r.token_ids) for r in everything) // updates, sequences=len(everything) // updates)
        metrics = []
        for half in (samples[i::updates] for i in range(updates)):
            batches = collate(half, micro_batch_tokens=cfg.rl.micro_batch_tokens, totals=totals, share_prompts=cfg.rl.share_prompts)
            metrics.append(
                train_step(batches, partial(loss_of, model=model, objective=objective, temperature=cfg.sampler.temperature), optimiser)
            )
        sampler.load(model.named_parameters())  # the next step is sampled with the new weights

        flat = [reward for row in rewards for reward in row]
        mean = {name: sum(m[name] for m in metrics) / len(metrics) for name in ("loss", "grad_norm")}
        yield {"step": step, "reward": sum(flat) / len(flat), "length": sum(len(r.token_ids) for r in everything) / len(flat), **mean}


def loss_of(batch: Batch, model: PreTrainedModel, objective: Objective, temperature: float) -> tuple[Tensor, dict[str, Tensor]]:
    """The policy loss of a micro-batch, of tokens that were sampled at this temperature."""
    out = forward(model, batch, temperature)
    return policy_loss(
        objective,
        logp=out.logp,  # of each token under the weights of now ...
        old_logp=batch.old_logp,  # ... and when it was sampled: their ratio is what is clipped
        advantages=batch.advantages,
        mask=batch.mask,  # prompts and padding carry no gradient
        sampler_logp=batch.sampler_logp,
        entropy=out.entropy,
        total_tokens=batch.totals.tokens,
        total_sequences=batch.totals.sequences,
    )


def paired(group: Group, advantages: list[float]) -> list[Sample]:
    """What is trained on: the very token ids that were sampled, each rollout's with its advantage."""
    return [
        Sample(prompt_ids=r.prompt_ids, token_ids=r.token_ids, logprobs=r.logprobs, advantage=a)
        for r, a in zip(group.rollouts, advantages, strict=True)
    ]


if __name__ == "__main__":
    for found in grpo(configuration(["experiment=r1_zero"]), steps=int(sys.argv[1]) if len(sys.argv) > 1 else 20):
        print("  ".join(f"{name} {value:.4g}" for name, value in found.items()))

"""Direct preference optimisation. By default the pairs are correct and wrong responses to one prompt, from the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from r1lite.build import make_policy, make_prompter
from r1lite.checks.bounds import above_zero, not_negative
from r1lite.checks.data import check_pairs
from r1lite.config import Config, DPOConfig
from r1lite.learning.accumulate import LossAndMetrics, train_step
from r1lite.learning.batch import collate_pairs, totals_of_pairs
from r1lite.learning.forward import forward
from r1lite.learning.loop import run_steps
from r1lite.learning.policy import Policy
from r1lite.losses.preference import KINDS, dpo_loss, split_pairs
from r1lite.registry import unknown
from r1lite.stages import Place, stage
from r1lite.teaching.imitation import epochs
from r1lite.teaching.pairs import data_of, load_pairs
from r1lite.types import Batch, Pair


def check(name: str, cfg: Config) -> None:
    settings = cfg.dpo
    check_pairs(name, settings, cfg)
    above_zero(name, settings, "beta")
    if settings.loss not in KINDS:
        raise ValueError(unknown(f"{name}.loss", settings.loss, KINDS))
    not_negative(name, settings, "nll_coef")
    if not 0 <= settings.label_smoothing < 0.5:
        raise ValueError(f"{name}.label_smoothing must be at least 0 and below 0.5, got {settings.label_smoothing}")


@stage("dpo", config=DPOConfig, check=check, reads=data_of, card=("data", "pairs", "steps", "batch_size", "loss", "beta", "lr"))
def run(cfg: Config, start: Path, place: Place) -> Path:
    """Train the policy; the reference is the policy that the stage starts from."""
    settings = cfg.dpo
    policy = make_policy(start, cfg, settings, steps=settings.steps)
    policy.refresh_reference()
    pairs = load_pairs(settings, cfg, place, make_prompter(policy.tokenizer, cfg))
    batches = epochs(pairs, settings.batch_size, f"{cfg.seed}/{place.name}")

    def step(number: int) -> dict[str, float]:
        return take_step(policy, batches(number), settings)

    run_steps(policy, step, settings, place, steps=settings.steps, shown=("loss", "accuracy"))
    return place.final


def take_step(policy: Policy, pairs: Sequence[Pair], cfg: DPOConfig) -> dict[str, float]:
    """One optimiser update over pairs. Micro-batches do not change the result."""
    sides = [(p.chosen, p.rejected) for p in pairs]
    batches = collate_pairs(sides, micro_batch_tokens=cfg.micro_batch_tokens, device=policy.model.device)
    metrics = train_step(batches, lambda batch: loss_of(policy, batch, cfg), policy.optimiser)
    return metrics | {"tokens/trained": float(totals_of_pairs(sides).tokens)}


def loss_of(policy: Policy, batch: Batch, cfg: DPOConfig) -> LossAndMetrics:
    """The loss of a micro-batch of pairs. At temperature 1, because the models are compared with each other and not with a sampler."""
    chosen, rejected = split_pairs((forward(policy.model, batch, 1.0).logp * batch.mask).sum(1))
    with torch.no_grad(), policy.as_reference() as reference:
        ref_chosen, ref_rejected = split_pairs((forward(reference, batch, 1.0).logp * batch.mask).sum(1))
    return dpo_loss(
        chosen,
        rejected,
        ref_chosen,
        ref_rejected,
        beta=cfg.beta,
        kind=cfg.loss,
        label_smoothing=cfg.label_smoothing,
        nll_coef=cfg.nll_coef,
        lengths=split_pairs(batch.mask.sum(1))[0],
        total=batch.totals.sequences,
    )

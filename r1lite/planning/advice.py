"""The settings to change where a plan does not fit: the cheapest first, each tried by planning again."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from r1lite.planning.plan import Plan, plan_of
from r1lite.planning.work import micro_batch
from r1lite.settings.rounds import kind_of

LORA_RANK = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A setting to change."""

    setting: str  # in the section's own name, such as rl.micro_batch_tokens
    value: Any
    costs: str

    def __str__(self) -> str:
        return f"{self.setting}={str(self.value).lower() if isinstance(self.value, bool) else self.value}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """Changes that make the plan fit, or come closest to it, and what each of all changes does by itself."""

    changes: tuple[Change, ...]
    result: Plan  # with all of them
    alone: tuple[tuple[Change, Plan], ...]


def advise(plan: Plan) -> Advice:
    """Add changes until the plan fits, then drop those that add nothing."""
    alone = tuple((change, after) for change in candidates(plan) if (after := changed(plan, [change])).needed < plan.needed)
    chosen: list[Change] = []
    result = plan
    for change, _ in alone:
        if result.fits:
            break
        with_it = changed(plan, [*_without(chosen, change), change])
        if with_it.needed < result.needed:
            chosen, result = [*_without(chosen, change), change], with_it
    for change in reversed(chosen):
        fewer = changed(plan, _without(chosen, change))
        if fewer.fits or fewer.needed <= result.needed:
            chosen, result = _without(chosen, change), fewer
    return Advice(changes=tuple(chosen), result=result, alone=alone)


def candidates(plan: Plan) -> Iterator[Change]:
    """What may be changed, the cheapest first. Of one setting, mild changes before strong ones."""
    job, cfg = plan.job, plan.job.cfg
    section, width = kind_of(job.stage), job.prompt + job.response
    tokens = min(job.training.micro_batch_tokens, micro_batch(job).rows * width)
    while (tokens := tokens // 2) >= width:
        yield Change(setting=f"{section}.micro_batch_tokens", value=tokens, costs="the result is the same; smaller products are slower")
    mb = cfg.sampler.cache_mb
    while job.samples and (mb := mb // 2) >= 256:
        yield Change(setting="sampler.cache_mb", value=mb, costs="fewer rows at once: sampling is slower")
    if not cfg.model.gradient_checkpointing:
        yield Change(setting="model.gradient_checkpointing", value=True, costs="training takes a third longer; prompts are not shared")
    for shard in range(job.shard + 1, job.ranks + 1):
        if job.ranks % shard == 0:
            yield Change(setting="parallel.shard", value=shard, costs="weights are gathered for each micro-batch")
    if cfg.model.dtype != "bfloat16":
        yield Change(setting="model.dtype", value="bfloat16", costs="log-probs are less precise")
    if not cfg.model.lora_rank:
        yield Change(setting="model.lora_rank", value=LORA_RANK, costs="adapters are trained instead of the weights")
        yield Change(setting="model.lora_rank", value=4, costs="smaller adapters are trained instead of the weights")


def changed(plan: Plan, changes: Sequence[Change]) -> Plan:
    cfg = copy.deepcopy(plan.job.cfg)
    for change in changes:
        section, _, name = change.setting.partition(".")
        setattr(getattr(cfg, section), name, change.value)
    return plan_of(replace(plan.job, cfg=cfg), plan.machine)


def _without(changes: Sequence[Change], change: Change) -> list[Change]:
    """The others; a setting has one value."""
    return [other for other in changes if other.setting != change.setting]

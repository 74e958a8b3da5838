"""From scored groups to what is trained on: rewards, a KL taken from them, advantages, and who is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Protocol

from r1lite.advantage import gae, gdpo_advantages, group_advantages, has_signal, pass_at_k_advantages, returns_to_go, token_rewards, whiten
from r1lite.config import AlgorithmConfig
from r1lite.rl.filters import kept
from r1lite.scoring.metrics import Groups, judged
from r1lite.types import Credit, Sample, Scored, masked_scatter, masked_select

PER_TOKEN = ("return_to_go", "gae")  # as advantage=: these differ from token to token

Rows = list[list[float]]  # of each group, one number for each judged rollout
Credits = list[list[Credit | None]]


class Judges(Protocol):
    """What a policy knows of samples, beside what the rules say."""

    def reference_logprobs(self, samples: Sequence[Sample]) -> list[list[float]]: ...

    def values(self, samples: Sequence[Sample]) -> list[list[float]]: ...


def credit(groups: Groups, a: AlgorithmConfig, judges: Judges, *, weights: Mapping[str, float], shuffle: str = "") -> Credits:
    """For each rollout its sample with its advantage, as the algorithm says; None for one that was not judged.

    With `shuffle` (a seed), the same rewards are given to others of the same group: a control, from which nothing
    can be learnt.
    """
    rows = [[s for s in group if judged(s)] for group in groups]
    paid = rows
    if shuffle:
        random = Random(f"{shuffle}/shuffle")
        paid = [random.sample(row, len(row)) for row in rows]
    rewards: Rows = [[s.reward for s in row] for row in paid]
    keep = [kept(row, keep=a.keep, fraction=a.keep_fraction) for row in rewards]
    if a.advantage == "gdpo" and a.keep == "signal":  # equal totals of different rules are what it is there for
        keep = [[has_signal(row) or _rules_differ(told)] * len(row) for row, told in zip(rewards, paid, strict=True)]
    if a.mask_overlong:
        keep = [[k and s.rollout.finish != "length" for k, s in zip(ks, row, strict=True)] for ks, row in zip(keep, rows, strict=True)]
    samples = [_sample(s) for row in rows for s in row]
    if a.advantage in PER_TOKEN:
        samples = _per_token(samples, rewards, a, judges)
    else:
        samples = _per_rollout(samples, paid, rewards, a, judges, weights)
    trained = [k for row in keep for k in row]
    credits = iter(_whitened([Credit(sample=s, trained=t) for s, t in zip(samples, trained, strict=True)], a.whiten))
    return [[next(credits) if judged(s) else None for s in group] for group in groups]


def samples_of(credits: Credits) -> list[Sample]:
    """What is trained on. A group that says nothing is left out, never forwarded."""
    return [c.sample for row in credits for c in row if c is not None and c.trained]


def _sample(scored: Scored) -> Sample:
    rollout = scored.rollout
    return Sample(prompt_ids=rollout.prompt_ids, token_ids=rollout.token_ids, logprobs=rollout.logprobs, mask=rollout.mask)


def _per_rollout(
    samples: Sequence[Sample], paid: Groups, rewards: Rows, a: AlgorithmConfig, judges: Judges, weights: Mapping[str, float]
) -> list[Sample]:
    if a.reward_kl_coef:  # a response is charged for all of its tokens
        charges = iter([a.reward_kl_coef * sum(kl) for kl in _kl(samples, judges)])
        rewards = [[r - next(charges) for r in row] for row in rewards]
    match a.advantage:
        case "pass_at_k":
            advantages = pass_at_k_advantages(rewards, a.pass_k, scale=a.scale, eps=a.eps)
        case "gdpo":
            rules = [[[s.verdicts[name].value for s in row] for row in paid] for name in weights]
            advantages = gdpo_advantages(rules, list(weights.values()), eps=a.eps)
        case _:
            advantages = group_advantages(rewards, center=a.center, scale=a.scale, eps=a.eps)
    flat = (x for row in advantages for x in row)
    return [replace(s, advantage=x) for s, x in zip(samples, flat, strict=True)]


def _per_token(samples: Sequence[Sample], rewards: Rows, a: AlgorithmConfig, judges: Judges) -> list[Sample]:
    """The reward comes with the last token, the KL with each; what is still to come is each token's credit."""
    ends = [x for row in group_advantages(rewards, center=a.center, scale=a.scale, eps=a.eps) for x in row]
    kls = _kl(samples, judges) if a.reward_kl_coef else [[]] * len(samples)
    paid = [token_rewards(r, length=s.trained, kl=kl, kl_coef=a.reward_kl_coef) for r, s, kl in zip(ends, samples, kls, strict=True)]
    if a.advantage == "return_to_go":
        return [replace(s, token_advantages=masked_scatter(returns_to_go(p, gamma=a.gamma), s.mask)) for s, p in zip(samples, paid, strict=True)]
    credited = []
    for s, rewarded, values in zip(samples, paid, judges.values(samples), strict=True):
        advantages, returns = gae(rewarded, masked_select(values, s.mask), gamma=a.gamma, lam=a.lam)
        per_token = {"token_advantages": masked_scatter(advantages, s.mask), "returns": masked_scatter(returns, s.mask)}
        credited.append(replace(s, values=tuple(values), **per_token))
    return credited


def _rules_differ(row: Sequence[Scored]) -> bool:
    return any(s.verdicts[name].value != row[0].verdicts[name].value for s in row for name in s.verdicts)


def _kl(samples: Sequence[Sample], judges: Judges) -> list[list[float]]:
    """k1 of each trained token: how much likelier the policy found it than the reference does."""
    return [
        masked_select([old - ref for old, ref in zip(s.logprobs, row, strict=True)], s.mask)
        for s, row in zip(samples, judges.reference_logprobs(samples), strict=True)
    ]


def _whitened(credits: list[Credit], over: str) -> list[Credit]:
    """Over what is trained on, and nothing else."""
    chosen = [c for c in credits if c.trained]
    if over == "none" or not chosen:
        return credits
    rows = [masked_select(c.sample.token_advantages, c.sample.mask) or [c.sample.advantage] * c.sample.trained for c in chosen]
    white = iter(whiten(rows, over=over))
    return [
        replace(c, sample=replace(c.sample, token_advantages=masked_scatter(next(white), c.sample.mask))) if c.trained else c for c in credits
    ]

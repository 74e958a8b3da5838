"""Credit assignment: turns scored groups into samples with advantages, and selects those that are trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Protocol

from r1lite.advantage import gae, gdpo_advantages, group_advantages, has_signal, pass_at_k_advantages, returns_to_go, token_rewards, whiten
from r1lite.config import AlgorithmConfig
from r1lite.rl.filters import kept
from r1lite.rl.span_credit import SpanCredit
from r1lite.scoring.metrics import Groups, judged
from r1lite.types import Credit, Sample, Scored, masked_scatter, masked_select

PER_TOKEN = ("return_to_go", "gae")  # values of algorithm.advantage that give each token its own advantage

Rows = list[list[float]]  # per group, one number for each judged rollout
Credits = list[list[Credit | None]]


class Estimator(Protocol):
    """Per-token estimates that a policy adds to the rules' rewards: the reference's log-probs and the critic's values."""

    def reference_logprobs(self, samples: Sequence[Sample]) -> list[list[float]]: ...

    def values(self, samples: Sequence[Sample]) -> list[list[float]]: ...


def credit(
    groups: Groups,
    a: AlgorithmConfig,
    estimator: Estimator,
    *,
    weights: Mapping[str, float],
    shuffle: str = "",
    spans: SpanCredit | None = None,
) -> Credits:
    """Each rollout's sample with its advantage, as the algorithm says; None for a rollout that was not judged.

    `spans` gives the parts of some rules to single tokens; it needs algorithm.advantage=group.
    `shuffle` is a seed that permutes the rewards within each group: a control run, in which nothing can be learnt.
    """
    rows = [[s for s in group if judged(s)] for group in groups]
    rewarded = rows
    if shuffle:
        random = Random(f"{shuffle}/shuffle")
        rewarded = [random.sample(row, len(row)) for row in rows]
    rewards: Rows = [[s.reward for s in row] for row in rewarded]
    keep = [kept(row, keep=a.keep, fraction=a.keep_fraction) for row in rewards]
    if (a.advantage == "gdpo" or spans) and a.keep == "signal":  # these also learn from equal totals if the rules' values differ
        keep = [[has_signal(totals) or _rules_differ(row)] * len(row) for totals, row in zip(rewards, rewarded, strict=True)]
    if a.mask_overlong:
        keep = [[k and s.rollout.finish != "length" for k, s in zip(ks, row, strict=True)] for ks, row in zip(keep, rows, strict=True)]
    samples = [_sample(s) for row in rows for s in row]
    if a.advantage in PER_TOKEN:
        samples = _per_token(samples, rewards, a, estimator)
    else:
        samples = _per_rollout(samples, rewarded, rewards, a, estimator, weights)
    if spans:
        samples = spans.assign(samples, rewarded, rewards, a)
    trained = [k for row in keep for k in row]
    credits = iter(_whitened([Credit(sample=s, trained=t) for s, t in zip(samples, trained, strict=True)], a.whiten))
    return [[next(credits) if judged(s) else None for s in group] for group in groups]


def samples_of(credits: Credits) -> list[Sample]:
    """The samples that are trained on. A group without signal is left out before the forward pass."""
    return [c.sample for row in credits for c in row if c is not None and c.trained]


def _sample(scored: Scored) -> Sample:
    rollout = scored.rollout
    return Sample(prompt_ids=rollout.prompt_ids, token_ids=rollout.token_ids, logprobs=rollout.logprobs, mask=rollout.mask)


def _per_rollout(
    samples: Sequence[Sample], rewarded: Groups, rewards: Rows, a: AlgorithmConfig, estimator: Estimator, weights: Mapping[str, float]
) -> list[Sample]:
    if a.reward_kl_coef:  # a response's penalty is the sum over its tokens
        penalties = iter([a.reward_kl_coef * sum(kl) for kl in _kl(samples, estimator)])
        rewards = [[r - next(penalties) for r in row] for row in rewards]
    match a.advantage:
        case "pass_at_k":
            advantages = pass_at_k_advantages(rewards, a.pass_k, scale=a.scale, eps=a.eps)
        case "gdpo":
            rules = [[[s.verdicts[name].value for s in row] for row in rewarded] for name in weights]
            advantages = gdpo_advantages(rules, list(weights.values()), eps=a.eps)
        case _:
            advantages = group_advantages(rewards, center=a.center, scale=a.scale, eps=a.eps)
    flat = (x for row in advantages for x in row)
    return [replace(s, advantage=x) for s, x in zip(samples, flat, strict=True)]


def _per_token(samples: Sequence[Sample], rewards: Rows, a: AlgorithmConfig, estimator: Estimator) -> list[Sample]:
    """The reward is paid at the last token, the KL penalty at each; a token's credit is what is paid from it onwards."""
    totals = [x for row in group_advantages(rewards, center=a.center, scale=a.scale, eps=a.eps) for x in row]
    kls = _kl(samples, estimator) if a.reward_kl_coef else [[]] * len(samples)
    per_token = [token_rewards(r, length=s.trained, kl=kl, kl_coef=a.reward_kl_coef) for r, s, kl in zip(totals, samples, kls, strict=True)]
    if a.advantage == "return_to_go":
        returns = [returns_to_go(row, gamma=a.gamma) for row in per_token]
        return [replace(s, token_advantages=masked_scatter(row, s.mask)) for s, row in zip(samples, returns, strict=True)]
    credited = []
    for s, row, values in zip(samples, per_token, estimator.values(samples), strict=True):
        advantages, returns = gae(row, masked_select(values, s.mask), gamma=a.gamma, lam=a.lam)
        columns = {"token_advantages": masked_scatter(advantages, s.mask), "returns": masked_scatter(returns, s.mask)}
        credited.append(replace(s, values=tuple(values), **columns))
    return credited


def _rules_differ(row: Sequence[Scored]) -> bool:
    return any(s.verdicts[name].value != row[0].verdicts[name].value for s in row for name in s.verdicts)


def _kl(samples: Sequence[Sample], estimator: Estimator) -> list[list[float]]:
    """k1 of each trained token: its log-prob under the policy that sampled it, minus that under the reference."""
    return [
        masked_select([old - ref for old, ref in zip(s.logprobs, row, strict=True)], s.mask)
        for s, row in zip(samples, estimator.reference_logprobs(samples), strict=True)
    ]


def _whitened(credits: list[Credit], over: str) -> list[Credit]:
    """Whiten the advantages of the trained samples, with their statistics alone."""
    trained = [c for c in credits if c.trained]
    if over == "none" or not trained:
        return credits
    rows = [masked_select(c.sample.token_advantages, c.sample.mask) or [c.sample.advantage] * c.sample.trained for c in trained]
    whitened = iter(whiten(rows, over=over))
    return [_with_token_advantages(c, next(whitened)) if c.trained else c for c in credits]


def _with_token_advantages(credit: Credit, advantages: Sequence[float]) -> Credit:
    return replace(credit, sample=replace(credit.sample, token_advantages=masked_scatter(advantages, credit.sample.mask)))

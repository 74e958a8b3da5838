"""What the findings need to know of a step's rollouts, as numbers. Pure: groups in, metrics out.

They are logged with the step's other metrics, so that a finding needs nothing but metrics, and a resumed run has all of them.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from r1lite.scoring.metrics import Groups, judged
from r1lite.text.response import last_answer
from r1lite.types import Credit, Sample, Scored

GRAM = 4  # tokens
SHORTEST_LOOP = 24  # tokens of a response that can be called a loop
REPEATED = 0.5  # share of 4-grams that occurred before in the response, from which on it is a loop

Pairs = list[tuple[float, float]]


def describe(groups: Groups, weights: Mapping[str, float]) -> dict[str, float]:
    """Numbers on a step's rollouts. `weights` are those of the rules."""
    everyone = [s for group in groups for s in group]
    if not everyone:
        return {}
    metrics = {
        "rollouts/right": statistics.fmean(s.right for s in everyone),
        "rollouts/all_right": statistics.fmean(all(s.right for s in group) for group in groups),
        "rollouts/all_wrong": statistics.fmean(not any(s.right for s in group) for group in groups),
        "rollouts/looping": statistics.fmean(loops(s.rollout.token_ids) for s in everyone),
        "rollouts/distinct": statistics.fmean(len({s.rollout.text for s in group}) / len(group) for group in groups if group),
    }
    return metrics | _of_answers(groups) | _of_reward(groups) | _of_rules(groups, weights) | _of_sources(groups)


def bare(groups: Groups, decode: Callable[[Sequence[int]], str]) -> dict[str, float]:
    """Whether the step's first prompt is the question and nothing else, without a template around it."""
    first = next((group[0] for group in groups if group), None)
    if first is None:
        return {}
    question = first.problem.prompt if isinstance(first.problem.prompt, str) else first.problem.prompt[-1]["content"]
    return {"rollouts/bare_prompt": float(decode(first.rollout.prompt_ids).strip() == question.strip())}


def loops(tokens: Sequence[int]) -> bool:
    """Whether at least half of a response repeats what it has written before, such as "!!!!" or one phrase again and again."""
    count = len(tokens) - GRAM + 1
    if len(tokens) < SHORTEST_LOOP:
        return False
    distinct = len(set(zip(*(tokens[i:] for i in range(GRAM)), strict=False)))
    return distinct <= (1 - REPEATED) * count


def _of_answers(groups: Groups) -> dict[str, float]:
    """How often there is an answer, and how much answers agree: within a group, and over all problems."""
    answers = [[last_answer(s.rollout.response) for s in group] for group in groups]
    given = [answer for row in answers for answer in row if answer is not None]
    metrics = {"rollouts/answered": len(given) / sum(map(len, answers))}
    if not given:
        return metrics
    metrics["rollouts/top_answer"] = _top(given)[1] / len(given)
    expected = [str(group[0].problem.answer) for group in groups if group and group[0].problem.answer is not None]
    if expected:
        metrics["rollouts/top_expected"] = _top(expected)[1] / len(expected)
    agreed, right = [], []
    for row, group in zip(answers, groups, strict=True):
        if mine := [answer for answer in row if answer is not None]:
            answer, _ = _top(mine)
            if len(group) > 1:  # how likely two responses are to agree, which does not depend on the group's size
                agreed.append(sum(n * (n - 1) for n in Counter(mine).values()) / (len(group) * (len(group) - 1)))
            right.append(any(s.right for a, s in zip(row, group, strict=True) if a == answer))
    metrics |= {"rollouts/agreement": statistics.fmean(agreed)} if agreed else {}
    return metrics | {"rollouts/majority_right": statistics.fmean(right)}


def _of_reward(groups: Groups) -> dict[str, float]:
    """How the reward goes with correctness within groups; and with length, among responses that are equally correct."""
    rows = [[s for s in group if judged(s)] for group in groups]
    by_right = [pair for row in rows for pair in _centred([(s.reward, float(s.right)) for s in row])]
    alike = [[s for s in row if s.right is right] for row in rows for right in (True, False)]
    by_length = [pair for row in alike for pair in _centred([(s.reward, float(s.rollout.written)) for s in row])]
    metrics: dict[str, float] = {}
    if (correlation := _correlation(by_right)) is not None:
        metrics["rollouts/reward_with_right"] = correlation
    if (correlation := _correlation(by_length)) is not None:
        metrics["rollouts/reward_with_length"] = correlation
    if whole := math.fsum(reward**2 for reward, _ in by_right):
        metrics["rollouts/reward_beside_right"] = math.fsum(reward**2 for reward, _ in by_length) / whole
    return metrics


def _of_rules(groups: Groups, weights: Mapping[str, float]) -> dict[str, float]:
    """Each rule's share of the variance within groups, weighted as in the reward."""
    sums = {name: weight**2 * _squares(groups, name) for name, weight in weights.items()}
    total = math.fsum(sums.values())
    return {f"rollouts/variance/{name}": value / total for name, value in sums.items()} if total else {}


def _squares(groups: Groups, rule: str) -> float:
    values = ([v.value for s in group if judged(s) and (v := s.verdicts.get(rule)) and v.value is not None] for group in groups)
    return math.fsum((value - statistics.fmean(row)) ** 2 for row in values if row for value in row)


def _of_sources(groups: Groups) -> dict[str, float]:
    """For each part of a mixture, its share of groups in which all responses are right, or none, and of correct responses."""
    parts: dict[str, list[Sequence[Scored]]] = {}
    for group in groups:
        if group and "task" in group[0].problem.info:
            parts.setdefault(str(group[0].problem.info["task"]), []).append(group)
    metrics: dict[str, float] = {}
    for label, own in parts.items() if len(parts) > 1 else ():
        metrics[f"rollouts/source/{label}/dead"] = statistics.fmean(len({s.right for s in group}) == 1 for group in own)
        metrics[f"rollouts/source/{label}/right"] = statistics.fmean(s.right for group in own for s in group)
    return metrics


def of_critic(credits: Sequence[Sequence[Credit | None]]) -> dict[str, float]:
    """The share of the returns' variance that the critic's values explain: 1 is all, 0 is none, below 0 is worse than a constant."""
    samples = [c.sample for row in credits for c in row if c is not None and c.sample.values and c.sample.returns]
    pairs = list(_tokens(samples))
    if len(pairs) < 2:
        return {}
    returns, errors = [r for r, _ in pairs], [r - v for r, v in pairs]
    spread = statistics.fmean(r * r for r in returns) - statistics.fmean(returns) ** 2
    missed = statistics.fmean(e * e for e in errors) - statistics.fmean(errors) ** 2
    return {"critic/explained_variance": 1 - missed / spread} if spread > 1e-9 else {}


def _tokens(samples: Sequence[Sample]) -> Iterator[tuple[float, float]]:
    """Return and value of each trained token."""
    for s in samples:
        inside = s.mask or (True,) * len(s.token_ids)
        yield from ((r, v) for r, v, trained in zip(s.returns, s.values, inside, strict=True) if trained)


def _top(texts: Sequence[str]) -> tuple[str, int]:
    return Counter(texts).most_common(1)[0]


def _centred(pairs: Pairs) -> Pairs:
    if not pairs:
        return []
    means = [statistics.fmean(column) for column in zip(*pairs, strict=True)]
    return [(a - means[0], b - means[1]) for a, b in pairs]


def _correlation(pairs: Pairs) -> float | None:
    """Pearson's, of pairs that are centred in their groups; None if one side does not vary."""
    a, b = (math.fsum(pair[i] ** 2 for pair in pairs) for i in (0, 1))
    if a < 1e-9 or b < 1e-9:
        return None
    return math.fsum(x * y for x, y in pairs) / math.sqrt(a * b)

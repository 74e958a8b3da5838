"""Findings on rules: those that give no verdict, and those that pay for something else than correct answers."""

from __future__ import annotations

import math

from r1lite.diagnosis.finding import Signs, finding
from r1lite.diagnosis.seen import LASTING, Seen

BROKEN = 0.02  # share of rollouts without a verdict that is reported at once; fewer are, if they go on
SILENT = 0.9  # share of rollouts on which the right rule has nothing to say
PULL = 0.7  # correlation: half of the variance
BESIDE = 0.3  # share of the reward's variance among responses that are equally correct, or by another rule than the right one
PAID_OTHERWISE = 0.2  # gain by other rules, as a share of what a correct answer is worth
FLAT = 0.03  # gain of correct responses that is no gain


def _without(seen: Seen, outcome: str) -> tuple[str, int] | None:
    """The first rule with this outcome, and since when."""
    for key in seen.keys("outcome/"):
        if key.endswith(f"/{outcome}"):
            often = seen.since(lambda s, key=key: s.get(key) >= BROKEN, steps=1)
            since = often or seen.since(lambda s, key=key: s.get(key) > 0)
            if since is not None:
                return key, since
    return None


@finding("warning")
def rule_times_out(seen: Seen) -> Signs | None:
    if (seen_in := _without(seen, "timed_out")) is None:
        return None
    key, since = seen_in
    rule = key.split("/")[1]
    return Signs(
        since=since,
        title=f"rule {rule!r} missed its deadline on {seen.now.get(key, 0.0):.1%} of the rollouts",
        evidence=seen.evidence(key),
        meaning="These rollouts are not trained on. If long responses take long to score, the model never learns from them.",
        overrides=[f"scoring.seconds={2 * float(seen.settings.get('scoring.seconds', 2.0)):g}"],
    )


@finding("warning")
def rule_fails(seen: Seen) -> Signs | None:
    if (seen_in := _without(seen, "failed")) is None:
        return None
    key, since = seen_in
    rule = key.split("/")[1]
    return Signs(
        since=since,
        title=f"rule {rule!r} raised an error on {seen.now.get(key, 0.0):.1%} of the rollouts",
        evidence=seen.evidence(key),
        meaning="These rollouts are not trained on. The reasons are in the ledger, column `verdicts`.",
    )


@finding("warning", explains=("all_wrong", "too_hard"))
def right_rule_abstains(seen: Seen) -> Signs | None:
    rule = next(iter(seen.rules()), "")
    key = f"outcome/{rule}/abstained"
    since = seen.since(lambda s: s.get(key) >= SILENT)
    if since is None:
        return None
    return Signs(
        since=since,
        title=f"rule {rule!r}, which decides what is correct, has nothing to say on {seen.recent(key):.0%} of the rollouts",
        evidence=seen.evidence(key, "rollouts/right"),
        meaning="It does not find what it needs in the problems, such as the expected answer: look at the columns of the data.",
        overrides=["task.columns='{answer: NAME_OF_THE_COLUMN}'"],
    )


@finding("warning", explains=("reward_gamed", "rule_dominates"))
def reward_opposes_right(seen: Seen) -> Signs | None:
    since = seen.since(lambda s: s.get("rollouts/reward_with_right") <= -0.1)
    if since is None:
        return None
    return Signs(
        since=since,
        title=f"correct responses are paid less than wrong ones (correlation {seen.recent('rollouts/reward_with_right'):.2f})",
        evidence=seen.evidence("rollouts/reward_with_right", "rollouts/right", "reward/mean", *seen.keys("rollouts/variance/")),
        meaning="The weighted sum of the rules goes against the rule that decides what is correct: look at signs and weights.",
        overrides=[f"rewards.{name}.weight=0" for name in [*seen.rules()][1:2]],
    )


@finding("warning", explains=("reward_gamed", "rule_dominates", "length_explosion"))
def length_rewarded(seen: Seen) -> Signs | None:
    """Among responses that are equally correct, the longer ones are paid more, by rules that make much of the signal."""
    much = 0.2 * abs([*seen.rules().values(), 1.0][0])  # of what a correct answer is worth: less is a nudge, not a goal
    shares = ["rollouts/reward_beside_right", *(f"rollouts/variance/{rule}" for rule in [*seen.rules()][1:])]
    since = seen.since(
        lambda s: (
            s.get("rollouts/reward_with_length") >= PULL
            and max(s.get(key, 0.0) for key in shares) >= BESIDE
            and s.get("reward/std", 1.0) >= much
        )
    )
    if since is None:
        return None
    rule = _loudest(seen)
    return Signs(
        since=since,
        title=f"length is paid for: reward and length correlate by {seen.recent('rollouts/reward_with_length'):.2f} "
        "among responses that are equally correct",
        evidence=seen.evidence(
            "rollouts/reward_with_length", "rollouts/reward_beside_right", f"rollouts/variance/{rule}", "response/length_mean"
        ),
        meaning=f"The model will learn to write more, or to write until it is cut off. The largest part is paid by rule {rule!r}.",
        overrides=[f"rewards.{rule}.weight={_smaller(seen, rule):g}"],
    )


@finding("warning", explains=("rule_dominates",))
def reward_gamed(seen: Seen) -> Signs | None:
    """Other rules than the right one pay more and more, and correct answers do not become more frequent."""
    right, *others = seen.rules() or [""]
    worth = abs(seen.rules().get(right, 0.0))
    gains = {name: seen.rules()[name] * seen.gain(f"reward/{name}") for name in others}
    gains = {name: gain for name, gain in gains.items() if not math.isnan(gain)}
    if not gains or not worth or sum(gains.values()) < PAID_OTHERWISE * worth or not seen.gain("rollouts/right") < FLAT:
        return None
    rule = max(gains, key=lambda name: gains[name])
    return Signs(
        since=seen.last[-LASTING:][0].number,
        title=f"the reward is gamed: rule {rule!r} pays {gains[rule]:.2g} more than at the start, "
        f"and {seen.gain('rollouts/right'):+.1%} answers are correct",
        evidence=seen.evidence("reward/mean", f"reward/{rule}", "rollouts/right", f"rollouts/variance/{rule}"),
        meaning="The model learns what this rule pays for instead of the answer. Make the rule stricter, or its weight smaller.",
        overrides=[f"rewards.{rule}.weight={_smaller(seen, rule):g}"],
    )


@finding("warning")
def rule_dominates(seen: Seen) -> Signs | None:
    """Most of the signal comes from a rule that does not decide, although the one that does has something to say."""
    right, *others = seen.rules() or [""]
    for rule in others:
        since = seen.since(lambda s, rule=rule: s.get(f"rollouts/variance/{rule}") >= 0.8 and 0.05 <= s.get("rollouts/right") <= 0.95)
        if since is not None:
            return Signs(
                since=since,
                title=f"{seen.recent(f'rollouts/variance/{rule}'):.0%} of the signal comes from rule {rule!r}, and not from {right!r}",
                evidence=seen.evidence(*seen.keys("rollouts/variance/"), "rollouts/right"),
                meaning=f"Within groups the reward varies by {rule!r}: correct answers are drowned out. Its weight is too large.",
                overrides=[f"rewards.{rule}.weight={_smaller(seen, rule):g}"],
            )
    return None


def _loudest(seen: Seen) -> str:
    """The rule besides the right one with the largest share of the variance."""
    others = [*seen.rules()][1:] or [*seen.rules()] or [""]
    return max(others, key=lambda rule: seen.recent(f"rollouts/variance/{rule}") if seen.keys(f"rollouts/variance/{rule}") else 0.0)


def _smaller(seen: Seen, rule: str) -> float:
    """A tenth of what a correct answer is worth; 0 if the rule pays that little already."""
    weights = [*seen.rules().values()]
    tenth = 0.1 * abs(weights[0]) if weights else 0.0
    return tenth if abs(seen.rules().get(rule, 0.0)) > tenth else 0.0

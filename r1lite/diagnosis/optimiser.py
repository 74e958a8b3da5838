"""Findings on the optimiser: steps that are too large or too small."""

from __future__ import annotations

import statistics

from r1lite.diagnosis.finding import ANSWERS, MOVEMENT, NO_SIGNAL, TEXTS, Signs, finding
from r1lite.diagnosis.seen import LASTING, Seen

FINE_TUNING = ("rl", "cold_start", "sft", "distill", "dpo", "reward_model")
TOO_FAR = 0.1  # of a weight's typical size in one step: ten such steps replace the weights
UNMOVED = 3e-4  # the same over a whole stage: below the rounding of bfloat16, 0.4%, and far below what any known run needs
SPIKE, SPIKES = 10.0, 2  # times the median gradient, and how often


@finding("warning", stages=FINE_TUNING, explains=(*TEXTS, *ANSWERS, *NO_SIGNAL, *MOVEMENT, "critic_useless"))
def learning_rate_too_high(seen: Seen) -> Signs | None:
    """Each step of AdamW moves a weight by about lr; or the policy broke down in a few steps in which it moved a lot."""
    too_far = seen.since(lambda s: s.get("update/size") >= TOO_FAR, steps=1)
    broken = _breakdown(seen) if too_far is None else None
    since = too_far or broken
    if since is None:
        return None
    size, lr = seen.now.get("update/size"), seen.own("lr")
    title = f"one step moves a weight by {size:.0%} of its typical size" if too_far else "correct answers broke down within a few steps"
    return Signs(
        since=since,
        title=f"the learning rate is too high: {title}",
        evidence=seen.evidence("update/size", "lr", "grad_norm", "rollouts/right", "ratio/clip_share", "entropy"),
        meaning="What the model knew is overwritten before its rewards can steer it. Start again from the stage's first weights.",
        overrides=[seen.override("own.lr", lr * min(0.1, 0.02 / size if too_far else 0.1))],
    )


def _breakdown(seen: Seen) -> int | None:
    """The step from which correct responses are fewer than half of the best before, while the policy moved unusually far."""
    right = [step.get("rollouts/right", 0.0) for step in seen.last]
    # A bonus that drives the entropy up also breaks the policy down, at any learning rate.
    by_bonus = seen.settings.get("algorithm.entropy_coef", 0.0) > 0 and seen.recent("entropy") >= 2 * seen.start("entropy")
    if len(right) < 2 * LASTING or by_bonus:
        return None
    means = [statistics.fmean(right[i : i + LASTING]) for i in range(len(right) - LASTING + 1)]
    best, now = max(means[:-LASTING]), means[-1]
    moved = seen.recent("ratio/clip_share") >= 0.1 or seen.recent("grad_norm") >= 5 * seen.start("grad_norm") or _torn(seen)
    return seen.last[-LASTING].number if best >= 0.1 and now <= best / 2 and moved else None


def _torn(seen: Seen) -> bool:
    """Whether the responses themselves are not what they were."""
    return seen.gain("rollouts/looping") >= 0.3 or seen.gain("response/clipped_share") >= 0.3 or seen.gain("rollouts/answered") <= -0.3


@finding("warning", stages=FINE_TUNING)
def nothing_moves(seen: Seen) -> Signs | None:
    """The learning rate cannot move the weights in the whole stage, or there is no gradient."""
    still = seen.since(lambda s: s.get("grad_norm") == 0.0 and s.get("tokens/trained", 1.0) > 0)
    if still is not None:
        return Signs(
            since=still,
            title="nothing is trained: the gradient is 0",
            evidence=seen.evidence("grad_norm", "loss", "tokens/trained"),
            meaning="No weight that is trained takes part in the loss: look at model.freeze and at the loss that you chose.",
        )
    planned = _planned(seen)
    if not 0 < planned < UNMOVED:
        return None
    lr = seen.own("lr")
    return Signs(
        since=seen.first[0].number,
        title=f"nothing moves: over the whole stage a weight can move by {planned:.1g} of its typical size",
        evidence=seen.evidence("update/size", "lr", "ratio/clip_share", "grad_norm"),
        meaning="AdamW moves a weight by about lr in a step. This lr is too small for so few steps to change what the model says.",
        overrides=[seen.override("own.lr", float(f"{lr * 10 * UNMOVED / planned:.0e}"))],
    )


def _planned(seen: Seen) -> float:
    """How far all steps of the stage together can move a weight, as a share of its size."""
    lr, size = seen.now.get("lr"), seen.now.get("update/size")
    updates = (seen.own("updates_per_step", 1) or 1) * (seen.own("epochs", 1) or 1)
    return size / lr * seen.own("lr", lr) * updates * seen.own("steps", 1) if lr > 0 else 0.0


@finding("warning", stages=FINE_TUNING)
def gradient_spikes(seen: Seen) -> Signs | None:
    norms = [(step.number, norm) for step in seen.last if (norm := step.get("grad_norm")) > 0]
    if len(norms) < 10:
        return None
    median = statistics.median(norm for _, norm in norms)
    spikes = [(number, norm) for number, norm in norms if norm >= SPIKE * median]
    if len(spikes) < SPIKES:
        return None
    most = max(norm for _, norm in spikes)
    return Signs(
        since=spikes[0][0],
        title=f"the gradient spikes: {len(spikes)} of the last {len(norms)} steps are {SPIKE:g} times above the median, up to {most:.3g}",
        evidence={"grad_norm": most, "grad_norm/median": median},
        meaning="Single batches decide the direction. They are clipped to max_grad_norm; if they go on, take smaller steps.",
        overrides=[seen.override("own.lr", seen.own("lr") / 2), seen.override("own.max_grad_norm", float(f"{2 * median:.2g}"))],
    )


@finding("note", once=True)
def loss_zero(seen: Seen) -> Signs | None:
    """A remark, not a fault."""
    loss = seen.first[0].get("loss")
    if not abs(loss) < 0.05 or seen.settings.get("algorithm.center") == "none":
        return None
    return Signs(
        since=seen.first[0].number,
        title="the loss is 0 here by construction, and stays near 0 in a run that learns",
        evidence={"loss": loss},
        meaning="Advantages of a group add up to 0, and the policy that is trained is the one that sampled. Follow reward/mean instead.",
    )

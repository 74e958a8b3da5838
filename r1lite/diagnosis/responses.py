"""Findings on responses: their ends, their length, loops, and their answers."""

from __future__ import annotations

from r1lite.diagnosis.finding import ANSWERS, NO_SIGNAL, TEXTS, Signs, finding
from r1lite.diagnosis.seen import Seen

ENDLESS = 0.9  # share of responses that are cut off, from which on the end token cannot be part of what the model writes
CUT = 0.3  # the same, from which on max_tokens decides what is learnt
LOOPS = 0.2
AGREED = 0.3  # share of pairs in a group with the same answer, from which on a model knows what it answers
UNABLE = 0.1  # share of correct responses, below which something is in the way
HALVED, GROWN = 0.5, 1.5  # of the length at the start
GAIN = 0.05  # of correct responses: with it, a change of length is what the model needed


@finding("warning", explains=(*TEXTS, *ANSWERS, *NO_SIGNAL, "gradient_spikes"))
def template_lost(seen: Seen) -> Signs | None:
    since = seen.since(lambda s: s.get("rollouts/bare_prompt") == 1 and s.get("rollouts/right") < UNABLE, steps=1)
    if since is None:
        return None
    return Signs(
        since=since,
        title="prompts are the bare questions, without a chat template, and almost no response is right",
        evidence=seen.evidence("rollouts/bare_prompt", "rollouts/right", "rollouts/answered", "response/clipped_share"),
        meaning="The model was trained to answer inside a template, and does not know that it is asked. Restore chat_template.jinja "
        "beside the weights; without one, a plain template is used.",
    )


@finding("warning", explains=(*TEXTS, *NO_SIGNAL, "format_starved"))
def no_end(seen: Seen) -> Signs | None:
    """Responses have an answer, and go on until they are cut off."""
    since = seen.since(lambda s: s.get("response/clipped_share") >= ENDLESS and s.get("rollouts/answered") >= 0.3)
    if since is None:
        return None
    return Signs(
        since=since,
        title=f"responses do not end: {seen.recent('rollouts/answered'):.0%} have an answer, "
        f"and {seen.recent('response/clipped_share'):.0%} go on until they are cut off",
        evidence=seen.evidence("response/clipped_share", "rollouts/answered", "response/length_mean", "rollouts/right"),
        meaning="The end token never comes: it is not the one that the sampler waits for, or the chat template is not the model's.",
        overrides=["sampler.stop=['</answer>']"],
    )


@finding("warning", explains=(*TEXTS, *NO_SIGNAL, "format_starved", "mode_collapse", "entropy_collapse"))
def looping(seen: Seen) -> Signs | None:
    since = seen.since(lambda s: s.get("rollouts/looping") >= LOOPS)
    if since is None:
        return None
    return Signs(
        since=since,
        title=f"{seen.recent('rollouts/looping'):.0%} of the responses repeat themselves",
        evidence=seen.evidence("rollouts/looping", "response/clipped_share", "entropy", "rollouts/right"),
        meaning="At least half of each is what it has written before, such as one token again and again. Read the rollouts; penalise it, "
        "or take smaller steps.",
        overrides=["rewards.repetition.weight=0.5", seen.override("own.lr", seen.own("lr", 1e-6) / 2)],
    )


@finding("warning", explains=("length_explosion", "format_starved", *NO_SIGNAL))
def cut_off(seen: Seen) -> Signs | None:
    since = seen.since(lambda s: s.get("response/clipped_share") >= CUT)
    if since is None:
        return None
    limit = seen.settings.get("sampler.max_tokens", 0)
    return Signs(
        since=since,
        title=f"{seen.recent('response/clipped_share'):.0%} of the responses are cut off at {limit} tokens",
        evidence=seen.evidence("response/clipped_share", "response/length_mean", "rollouts/answered", "rollouts/right"),
        meaning="What is cut off has no answer, and counts as wrong. If the model would never end, look at its chat template.",
        overrides=[f"sampler.max_tokens={2 * int(limit)}", "algorithm.mask_overlong=true"],
    )


@finding("warning")
def length_explosion(seen: Seen) -> Signs | None:
    start = seen.start("response/length_mean")
    since = seen.since(lambda s: s.get("response/length_mean") >= GROWN * start)
    if since is None or not seen.gain("rollouts/right") < GAIN or not seen.gain("response/clipped_share") >= 0.1:
        return None
    return Signs(
        since=since,
        title=f"responses grow from {start:.0f} to {seen.recent('response/length_mean'):.0f} tokens, and are no more often correct",
        evidence=seen.evidence("response/length_mean", "response/clipped_share", "rollouts/right", "entropy"),
        meaning="More and more are cut off. Length is paid for somewhere, or costs nothing where it should.",
        overrides=["algorithm.mask_overlong=true", "algorithm.aggregate=token_mean"],
    )


@finding("warning")
def length_collapse(seen: Seen) -> Signs | None:
    start = seen.start("response/length_mean")
    since = seen.since(lambda s: s.get("response/length_mean") <= HALVED * start)
    if since is None or not seen.gain("rollouts/right") <= -GAIN:
        return None
    return Signs(
        since=since,
        title=f"responses shrink from {start:.0f} to {seen.recent('response/length_mean'):.0f} tokens, and are less often correct",
        evidence=seen.evidence("response/length_mean", "rollouts/right", "entropy"),
        meaning="The model has stopped reasoning: a short guess is paid about as well. Pay less for everything but correct answers.",
        overrides=[seen.override("own.lr", seen.own("lr", 1e-6) / 2)],
    )


@finding("warning", explains=NO_SIGNAL)
def format_starved(seen: Seen) -> Signs | None:
    since = seen.since(
        lambda s: s.get("rollouts/answered") < 0.2 and s.get("rollouts/right") < 0.05 and s.get("response/clipped_share") < CUT
    )
    if since is None:
        return None
    return Signs(
        since=since,
        title=f"only {seen.recent('rollouts/answered'):.0%} of the responses have an answer block, so almost none can be correct",
        evidence=seen.evidence("rollouts/answered", "rollouts/right", "reward/mean", "response/length_mean"),
        meaning="The reward is starved by the format. Ask for the tags in prompt.system, teach them, or pay for parts of them.",
        overrides=["stages=[cold_start,rl]", "rewards.tag_count.weight=0.2"],
    )


@finding("warning", explains=(*NO_SIGNAL, "entropy_collapse", "reward_gamed", "length_collapse", "answer_key", "reward_opposes_right"))
def mode_collapse(seen: Seen) -> Signs | None:
    """One answer to different problems."""
    since = seen.since(
        lambda s: s.get("rollouts/top_answer") >= max(0.6, 0.3 + s.get("rollouts/top_expected", 0.3)) and s.get("rollouts/answered") >= 0.5
    )
    if since is None:
        return None
    return Signs(
        since=since,
        title=f"{seen.recent('rollouts/top_answer'):.0%} of the answers in a step are the same, whatever the problem",
        evidence=seen.evidence("rollouts/top_answer", "rollouts/top_expected", "rollouts/right", "entropy"),
        meaning="The model has found one answer that pays. Find the rule that pays for it; `r1lite audit` tries such answers.",
        overrides=["algorithm.clip_high=0.28", seen.override("own.lr", seen.own("lr", 1e-6) / 2)],
    )


@finding("warning", explains=NO_SIGNAL)
def answer_key(seen: Seen) -> Signs | None:
    """The model agrees with itself, and its most frequent answer is almost never right."""
    since = seen.since(
        lambda s: min(s.get("rollouts/agreement"), s.get("rollouts/answered")) >= AGREED and s.get("rollouts/majority_right") <= 0.25
    )
    if since is None or not seen.recent("rollouts/majority_right", 10) <= 0.25 * seen.recent("rollouts/agreement", 10):
        return None
    return Signs(
        since=since,
        title=f"the expected answers may be wrong: {seen.recent('rollouts/agreement', 10):.0%} of the pairs in a group agree, "
        f"and the most frequent one is right in {seen.recent('rollouts/majority_right', 10):.0%} of the groups",
        evidence=seen.evidence("rollouts/agreement", "rollouts/majority_right", "rollouts/right", "rollouts/answered"),
        meaning="A model that agrees with itself is usually right about as often. Compare answers and expected answers in the ledger: "
        "another column, another unit or another format.",
        overrides=["task.columns='{answer: NAME_OF_THE_COLUMN}'"],
    )

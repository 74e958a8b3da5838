"""Reinforcement learning with rule rewards: sample, score, compare within the group, step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from r1lite.build import make_feed, make_learner, make_objective, make_prompter, make_sampler, make_scorer
from r1lite.checks.algorithm import check_rl
from r1lite.config import Config, RLConfig
from r1lite.console import Progress, say, show_rollouts
from r1lite.data.curriculum import make_curriculum
from r1lite.diagnosis import rollouts
from r1lite.learning import sharding
from r1lite.learning.loop import end_step
from r1lite.learning.policy import Policy, with_old_logprobs
from r1lite.objective import Objective
from r1lite.parallel import doing, guard, stop, world
from r1lite.rl.asynchronous import Asynchronous
from r1lite.rl.collect import Collected, collect
from r1lite.rl.credit import Credits, credit, samples_of
from r1lite.rl.parity import ParityCheck
from r1lite.rl.prefetch import Prefetcher
from r1lite.rl.replay import Replay
from r1lite.rl.span_credit import SpanCredit
from r1lite.sampling.rollouts import Sampler, as_text
from r1lite.scoring.metrics import Groups, rollout_metrics, totals_of_judged
from r1lite.scoring.scorer import Scorer
from r1lite.stages import ROLLOUTS, Place, stage
from r1lite.store.checkpoint import Checkpoints, Resumed
from r1lite.store.ledger import Ledger
from r1lite.store.metrics import Stopwatch
from r1lite.text.response import ANSWER, TAGS, THINK
from r1lite.types import Sample, Totals

SILENT_STEPS = 3  # after this many steps in a row without anything to train on, a notice says why
PAST = "past"  # in a checkpoint: the weights that the next step was sampled with, if they are not the policy's


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What a step uses."""

    policy: Policy
    scorer: Scorer
    source: Prefetcher | Asynchronous | Replay
    parity: ParityCheck
    objective: Objective
    ledger: Ledger
    checkpoints: Checkpoints


@stage(
    "rl",
    config=RLConfig,
    check=check_rl,
    leaves=lambda settings: [ROLLOUTS],
    uses=("task", "rewards", "algorithm"),
    card=("steps", "prompts_per_step", "group_size", "lr"),
)
def run(cfg: Config, start: Path, place: Place) -> Path:
    """Train on the task's training split, and save the weights in `final`."""
    parts, done = open_parts(cfg, start, place)
    place.metrics.begin(place.name, done)
    say(f"{place.name}: {in_words(cfg.rl)}")
    silent = 0
    showing = Progress(place.name, cfg.rl.steps, done)
    with parts.scorer, parts.source, showing as progress, guard.ending_all(), stop.after_steps():
        for step in range(done + 1, cfg.rl.steps + 1):
            doing.begin_step(step)
            collected, metrics = take_step(parts, cfg, step)
            place.metrics.log(place.name, step, metrics)
            progress.advance(shown(metrics))
            silent = 0 if metrics["tokens/trained"] else silent + 1
            if silent == SILENT_STEPS:
                say(f"{place.name}: {without_signal(metrics, collected.groups)}")
            if cfg.rl.show_every and step % cfg.rl.show_every == 0:
                show_rollouts(collected.groups[0])
                place.metrics.trackers.rollouts(place.name, step, collected.groups)
            save = partial(save_checkpoint, parts, step, collected)
            end_step(step, parts.policy, cfg.rl, place, parts.checkpoints, last=cfg.rl.steps, save=save)
    doing.begin_phase("save")
    parts.checkpoints.wait()
    parts.policy.save(place.final)
    return place.final


def span_credit(parts: Parts) -> SpanCredit | None:
    """How the parts of rules with credit=spans find their tokens; None if there is no such rule."""
    decode = partial(as_text, parts.policy.tokenizer, ends=frozenset())
    return SpanCredit(rules=parts.scorer.rules, decode=decode) if parts.scorer.rules.by_span else None


def save_checkpoint(parts: Parts, step: int, collected: Collected) -> None:
    parts.checkpoints.save(step, parts.policy, extra=parts.source.progress(collected), weights={PAST: parts.source.past})


def take_step(parts: Parts, cfg: Config, step: int) -> tuple[Collected, dict[str, float]]:
    """One step of GRPO, or of whichever algorithm the config describes."""
    watch = Stopwatch()
    with watch.lap("wait"):
        collected = parts.source.take(step)
    with watch.lap("train"):
        shuffle = f"{cfg.seed}/{parts.ledger.stage}/{step}" if cfg.rl.shuffle_rewards else ""
        credits = credit(
            collected.groups, cfg.algorithm, parts.policy, weights=parts.scorer.rules.weights, shuffle=shuffle, spans=span_credit(parts)
        )
    parts.ledger.write(step, collected.groups, credits)
    if collected.broken:
        raise collected.broken
    with watch.lap("check"):
        parity = parts.parity.check(step, collected, parts.source.past)

    with watch.lap("train"):
        parts.source.keep_past(parts.policy.weights())
        trained = update(parts, samples_of(credits), cfg, totals_of_judged(collected.groups) if cfg.algorithm.count_dropped else None)
        if cfg.algorithm.reference_every and step % cfg.algorithm.reference_every == 0:
            parts.policy.refresh_reference()
    with watch.lap("sync"):
        parts.source.sync(step, parts.policy.weights())
    sampled = rollout_metrics(collected.groups) | (described(parts, collected, credits) if cfg.diagnosis.enabled else {})
    # In this order: the update's mismatch replaces that of the parity check, which sees only a few rollouts.
    return collected, sampled | parity | trained | collected.prompts | collected.seconds | watch.metrics()


def described(parts: Parts, collected: Collected, credits: Credits) -> dict[str, float]:
    """What the findings need to know of the rollouts, for the rank that logs it."""
    if not world.is_leader():
        return {}
    groups = collected.groups
    numbers = rollouts.describe(groups, parts.scorer.rules.weights) | rollouts.of_critic(credits)
    return numbers | rollouts.bare(groups, partial(as_text, parts.policy.tokenizer, ends=frozenset()))


def update(parts: Parts, samples: list[Sample], cfg: Config, totals: Totals | None) -> dict[str, float]:
    """Optimiser updates over the samples that have signal. Without samples nothing changes."""
    if parts.objective.correction != "none":
        samples = with_old_logprobs(parts.policy, samples)
    updates = cfg.rl.updates_per_step
    chunks = [samples[i::updates] for i in range(updates)] * cfg.rl.epochs
    share = Totals(tokens=totals.tokens // updates, sequences=totals.sequences // updates) if totals else None
    done = [parts.policy.step(chunk, parts.objective, totals=share) for chunk in chunks if chunk]
    mean = {key: sum(m[key] for m in done) / len(done) for key in (done[0] if done else ())}
    # Only the first update starts from the policy that sampled. Later ones differ from it, as they should.
    first = {"mismatch/kl": done[0]["mismatch/kl"]} if done else {}
    return mean | first | {"tokens/trained": sum(m["tokens/trained"] for m in done), "lr": done[-1]["lr"] if done else parts.policy.lr}


def open_parts(cfg: Config, start: Path, place: Place) -> tuple[Parts, int]:
    """The parts of a step, restored from the last checkpoint, and the number of steps done."""
    policy = make_learner(start, cfg)
    checkpoints = Checkpoints(place.checkpoints, in_background=place.saves_in_background)
    last = checkpoints.restore(policy)
    prompter = make_prompter(policy.tokenizer, cfg)
    # A sampler that works while the policy changes needs weights of its own.
    own_weights = cfg.rl.lag and not cfg.rl.asynchronous
    sampler = make_sampler(sharding.whole(policy.model) if own_weights else policy.model, prompter, cfg)
    scorer = make_scorer(cfg)
    parts = Parts(
        policy=policy,
        scorer=scorer,
        source=open_source(cfg, place, policy, sampler, scorer, last),
        parity=ParityCheck(cfg.parity, policy, sampler, cfg.sampler),
        objective=make_objective(cfg),
        ledger=Ledger(place.out / "rollouts", place.name),
        checkpoints=checkpoints,
    )
    return parts, last.step


def open_source(
    cfg: Config, place: Place, policy: Policy, sampler: Sampler, scorer: Scorer, last: Resumed
) -> Prefetcher | Asynchronous | Replay:
    """Where the steps' rollouts come from: a ledger, groups that finish when they do, or whole steps in order."""
    settings = cfg.rl
    if settings.replay:
        return Replay(Path(settings.replay).expanduser(), scorer)
    past = last.weights.get(PAST, {})
    sampler.earlier_loads = last.step - bool(past)
    seed, refill = f"{cfg.seed}/{place.name}", cfg.algorithm.refill_rounds
    curriculum = make_curriculum(settings.curriculum, seed=seed, settled=last.extra.get("settled", ()))
    feed = make_feed(sampler.prompter, cfg, seed=seed, position=last.extra.get("position", 0), curriculum=curriculum)
    if settings.asynchronous:
        rows, probes = cfg.sampler.max_rows, cfg.parity.sequences
        source = Asynchronous(sampler, scorer, feed, settings, rows=rows, probes=probes, refill=refill, done=last.step)
        source.resume(last.step, last.extra.get("outstanding", ()), policy.weights())
        return source
    prefetcher = Prefetcher(
        partial(collect, sampler, scorer, feed, settings, refill), sampler, lag=settings.lag, last=settings.steps, done=last.step
    )
    prefetcher.resume(last.step, past, policy.weights())
    return prefetcher


def in_words(cfg: RLConfig) -> str:
    """The arithmetic of a step, shown before the first one."""
    rollouts = cfg.prompts_per_step * cfg.group_size
    share = "in one optimiser update" if cfg.updates_per_step == 1 else f"split into {cfg.updates_per_step} optimiser updates"
    share += f", {cfg.epochs} times over" if cfg.epochs > 1 else ""
    return (
        f"{cfg.steps} steps; a step is {cfg.prompts_per_step} prompts x {cfg.group_size} rollouts = {rollouts} rollouts, "
        f"{share}; micro-batches of up to {cfg.micro_batch_tokens} tokens"
        f"{ahead(cfg)}"
    )


def ahead(cfg: RLConfig) -> str:
    if cfg.replay:
        return f"; the rollouts are those of {cfg.replay}"
    if cfg.asynchronous:
        return f"; servers sample up to {cfg.lag} steps ahead, and steps take the groups that finish first"
    return "; the next step is sampled while this one is trained" if cfg.lag else ""


def without_signal(metrics: dict[str, float], groups: Groups) -> str:
    """Why there is nothing to train on, as far as the metrics show it."""
    reward, clipped = metrics.get("reward/mean"), metrics["response/clipped_share"]
    if reward is None:
        why = "no rollout has all its verdicts; the reasons are in the ledger"
    else:
        why = f"the rewards of every group are equal (mean {reward:.3g}); {clipped:.0%} of the responses are cut off"
        if not any(tag in s.rollout.text for group in groups for s in group for tag in TAGS):
            why += f". No response has the tags {THINK} and {ANSWER}: ask for them in prompt.system, as model=instruct does, "
            why += "or teach them in a cold start"
    return f"nothing to train on in {SILENT_STEPS} steps: {why}"


def shown(metrics: dict[str, float]) -> dict[str, float]:
    keys = {"reward": "reward/mean", "length": "response/length_mean", "no signal": "zero_variance_share", "entropy": "entropy"}
    return {name: metrics[key] for name, key in keys.items() if key in metrics}

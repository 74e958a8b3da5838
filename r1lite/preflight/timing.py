"""Seconds of a step and of the whole run, from the rounds of a preflight. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from r1lite.config import Config
from r1lite.planning.work import SUPERVISED
from r1lite.preflight.facts import Responses, Time, Worst
from r1lite.preflight.rounds import Round
from r1lite.settings.rounds import kind_of, settings_for
from r1lite.settings.stages import is_test

NAMES = {"sample": "sampling", "score": "scoring", "train": "training"}
REST = "rest"  # the parity check, and giving the sampler new weights


def time_of(cfg: Config, stage: str, rounds: Sequence[Round], *, whole: int, responses: Responses, worst: Worst | None) -> Time:
    """cfg: the run's own settings. whole: the problems of a step, or a rank's share of them."""
    parts = {name: part(rounds, key, whole) for key, name in NAMES.items()}
    total = part(rounds, "total", whole)
    parts[REST] = max(0.0, total - sum(parts.values()))
    rl = settings_for(cfg, stage).rl
    if rl.lag:  # the next step is sampled while this one is trained
        total = max(parts["sampling"] + parts["scoring"], parts["training"] + parts[REST])
    at_most = parts | {"sampling": parts["sampling"] * responses.limit / max(1.0, responses.length)}
    if worst is not None:
        rows = whole * rl.group_size * rl.epochs
        at_most["training"] = max(parts["training"], worst.seconds / worst.sequences * rows)
    return Time(
        parts=parts,
        step=total,
        step_at_most=max(total, sum(at_most.values())),
        steps=rl.steps,
        others=others(cfg, stage, parts["sampling"] / (whole * rl.group_size), worst),
        prompts=max(r.prompts for r in rounds),
    )


def part(rounds: Sequence[Round], key: str, whole: int) -> float:
    """Seconds of a part of a whole step: the median of whole ones, or along the line through the first and the largest round."""
    found = [r.seconds[key] for r in rounds if r.prompts == whole]
    if found:
        return statistics.median(found[1:] or found)  # the first one warms up
    last, first = max(rounds, key=lambda r: r.prompts), rounds[0]
    if last.prompts == first.prompts:
        return last.seconds[key] * whole / last.prompts
    slope = max(0.0, (last.seconds[key] - first.seconds[key]) / (last.prompts - first.prompts))
    return last.seconds[key] + slope * (whole - last.prompts)


def others(cfg: Config, stage: str, sampled: float, worst: Worst | None) -> dict[str, float]:
    """Seconds of the other stages that sample or imitate, and of evaluations, if their responses are like these.

    sampled: seconds of sampling one rollout
    """
    found: dict[str, float] = {}
    trained = worst.seconds / worst.sequences if worst is not None else 0.0
    for name in cfg.stages:
        own = getattr(settings_for(cfg, name), kind_of(name), None)
        if name == stage or is_test(name) or own is None:
            continue
        if kind_of(name) in (*SUPERVISED, "dpo", "distill") and trained:
            found[name] = own.steps * own.batch_size * trained
        elif kind_of(name) == "reject":
            found[name] = own.prompts * own.samples * sampled
    tests = sum(not is_test(name) and kind_of(name) != "reject" for name in cfg.stages) + 1 if cfg.evaluate.every_stage else 0
    if tests:
        e = cfg.evaluate
        found["evaluations"] = tests * len(e.splits) * e.problems * (e.samples + 1) * sampled
    return found

"""What the run came to, in a sentence or two."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

NAMES = {
    "base": "the base model",
    "cold_start": "the cold start",
    "rl": "reinforcement learning",
    "sft": "supervised fine-tuning from the base model",
    "distill": "the student",
    "dpo": "DPO",
}
CONFIDENCE = 1.96  # standard errors on both sides of a difference that hold 95 of 100


def named(stage: str) -> str:
    kind, _, number = stage.rpartition("_")
    known = NAMES.get(stage) or (f"{NAMES[kind]} (round {number})" if number.isdigit() and kind in NAMES else "")
    return known or f"stage {stage}"


def verdict(stages: Sequence[Mapping[str, Any]], metrics: Sequence[Mapping[str, Any]], status: str, ending: str) -> list[str]:
    """The sentences: held-out scores, or rewards as long as there are none, and how the run ended if it did not finish."""
    evaluated = [stage for stage in stages if isinstance(stage.get("eval"), Mapping) and "pass@1" in stage["eval"]]
    sentences = held_out(evaluated) or rewards(metrics) or ([] if metrics else ["Nothing has been logged yet."])
    last = metrics[-1] if metrics else None
    where = f" in step {last['step']} of stage {last['stage']}" if last else ""
    if status == "running":
        sentences.append(f"The run is going on{where.replace(' in step', ', now after step')}.")
    elif status == "stopped":
        sentences.append(f"The run stopped{where.replace(' in step', ' after step')} and is not finished{f': {ending}' if ending else ''}.")
    return sentences


def held_out(evaluated: Sequence[Mapping[str, Any]]) -> list[str]:
    if not evaluated:
        return []
    first, *later = evaluated
    problems = int(first["eval"].get("problems", 0))
    if not later:
        return [f"{named(first['name']).capitalize()} solves {_percent(first)} of {problems} held-out problems."]
    trained = [stage for stage in later if stage.get("parameters") == first.get("parameters")] or later
    best = max(trained, key=lambda stage: stage["eval"]["pass@1"])
    gain = best["eval"]["pass@1"] - first["eval"]["pass@1"]
    chance = margin(first["eval"]["pass@1"], best["eval"]["pass@1"], problems)
    moved = f"from {_percent(first)} ({named(first['name'])}) to {_percent(best)} ({named(best['name'])})"
    if abs(gain) <= chance:
        return [f"No clear change on {problems} held-out problems: pass@1 went {moved}, a difference that chance explains."]
    sentences = [f"Pass@1 on {problems} held-out problems {'rose' if gain > 0 else 'fell'} {moved}."]
    students = [stage for stage in later if stage not in trained]
    sentences += [f"{named(s['name']).capitalize()}, {_size(s)} parameters, reaches {_percent(s)}." for s in students[-1:]]
    return sentences


def margin(before: float, after: float, problems: int) -> float:
    """The largest difference of two shares that chance alone explains in 95 of 100 cases, if samples of a problem were all alike."""
    variance = before * (1 - before) + after * (1 - after)
    return CONFIDENCE * math.sqrt(variance / problems) if problems else math.inf


def rewards(metrics: Sequence[Mapping[str, Any]]) -> list[str]:
    """Of the last stage that earned rewards: its first steps against its last."""
    earned = [entry for entry in metrics if isinstance(entry.get("reward/mean"), int | float)]
    if not earned:
        return []
    stage = earned[-1]["stage"]
    values = [entry["reward/mean"] for entry in earned if entry["stage"] == stage]
    few = max(1, min(5, len(values) // 4))
    start, end = sum(values[:few]) / few, sum(values[-few:]) / few
    over = f"the first and last {few} of {len(values)} steps" if few > 1 else f"{len(values)} steps"
    return [f"Without held-out scores: the mean reward of {named(stage)} went from {start:.3g} to {end:.3g} ({over})."]


def _percent(stage: Mapping[str, Any]) -> str:
    return f"{stage['eval']['pass@1']:.1%}"


def _size(stage: Mapping[str, Any]) -> str:
    count = stage.get("parameters", 0)
    return f"{count / 1e9:.2f}B" if count >= 1e9 else f"{count / 1e6:.2f}M"

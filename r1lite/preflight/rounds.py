"""Steps as the run takes them, of more and more problems, until one is as large as the run's own. The weights stay as they are."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from r1lite.advantage import has_signal
from r1lite.config import Config
from r1lite.preflight.signal import most_likely_live
from r1lite.scoring.metrics import Groups, rewards_of
from r1lite.stages.rl import Parts, take_step
from r1lite.types import Scored

FIRST, FACTOR = 4, 4  # problems of the first step; how much larger the next one is
SILENT_FACTOR = 8  # so many times more problems, while no group carries signal
PARTS = ("sample", "score", "check", "train", "sync")


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """One step."""

    prompts: int
    groups: Groups
    seconds: dict[str, float]  # by part, and `total`
    trained: float  # tokens


def still(cfg: Config) -> Config:
    """Change a copy of the run's settings so that its steps change no weight, wait for no other, and go on after a rule that fails."""
    cfg.rl.lr = cfg.rl.weight_decay = cfg.algorithm.critic_lr = 0.0
    cfg.rl.lag, cfg.rl.asynchronous, cfg.rl.replay, cfg.rl.start = 0, False, "", "previous"
    cfg.rl.steps += 1000  # the schedule and the curriculum stand at their beginning, and no round is the last step
    cfg.scoring.max_failed_share = 1.0
    return cfg


def take_rounds(parts: Parts, cfg: Config, *, whole: int, wanted: int, limit: Callable[[float], float]) -> list[Round]:
    """Rounds of up to `whole` problems, until one was whole and `wanted` problems were sampled in all, or the time is up.

    limit: seconds of a whole step -> seconds for all rounds
    """
    rounds: list[Round] = []
    began, count = time.perf_counter(), min(FIRST, whole)
    while count:
        rounds.append(take(parts, cfg, count, step=len(rounds) + 1))
        count = following(rounds, whole=whole, wanted=wanted, limit=limit, spent=time.perf_counter() - began)
    return rounds


def take(parts: Parts, cfg: Config, count: int, *, step: int) -> Round:
    cfg.rl.prompts_per_step = count
    collected, metrics = take_step(parts, cfg, step)
    seconds = {name: metrics.get(f"seconds/{name}", 0.0) for name in (*PARTS, "total")}
    return Round(prompts=count, groups=collected.groups, seconds=seconds, trained=metrics["tokens/trained"])


def following(rounds: list[Round], *, whole: int, wanted: int, limit: Callable[[float], float], spent: float) -> int:
    """The problems of the next round; 0 if there is enough, or no time."""
    last, problems = rounds[-1], sum(len(r.groups) for r in rounds)
    whole_rounds = sum(r.prompts == whole for r in rounds)
    silent = not any(has_signal(rewards_of(group)) for r in rounds for group in r.groups)
    more = silent and worth_more(rounds, whole) and problems < SILENT_FACTOR * max(wanted, whole)
    if whole_rounds and problems >= wanted and not more and (whole_rounds > 1 or last.seconds["total"] > limit(0.0) / 4):
        return 0
    each = last.seconds["total"] / last.prompts
    affordable = int((limit(each * whole) - spent) / each)  # at most, since large steps take less for each problem
    count = min(whole, FACTOR * last.prompts, affordable)
    return count if count > last.prompts or count == whole or problems < wanted else 0


def worth_more(rounds: list[Round], whole: int) -> bool:
    """Whether more rollouts may still show that a step would have a group with signal."""
    groups = [group for r in rounds for group in r.groups]
    return whole * most_likely_live(sum(map(len, groups)), max(map(len, groups))) >= 1


def groups_of(rounds: list[Round]) -> list[list[Scored]]:
    return [list(group) for r in rounds for group in r.groups]

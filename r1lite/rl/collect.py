"""Collects the scored rollouts of one step. Scoring runs while sampling continues; groups without signal can be refilled."""

from __future__ import annotations

from dataclasses import dataclass

from r1lite.advantage import has_signal
from r1lite.config import RLConfig
from r1lite.data.feed import Feed
from r1lite.parallel import world
from r1lite.scoring.metrics import rewards_of
from r1lite.scoring.scorer import RuleBroken, Scorer
from r1lite.store.metrics import Stopwatch
from r1lite.types import Rollout, Sampler, Scored


@dataclass(frozen=True, kw_only=True, slots=True)
class Collected:
    """A step's groups, and the state when the last of them arrived. With a lag, later steps change that state before this one trains."""

    groups: list[list[Scored]]
    sampled_by: list[int]  # for each group, the rank that sampled it
    weights_step: int  # how many training steps the weights that sampled these groups had taken
    position: int  # in the data, after this step
    settled: tuple[str, ...]  # problems that the curriculum considers settled
    prompts: dict[str, float]  # metrics: prompts that were too long or passed over so far; what the sampler says of itself
    broken: RuleBroken | None  # a rule failed so often that the step must not be trained on
    seconds: dict[str, float]
    probes: list[Rollout] | None = None  # completions by which the parity check judges new weights; None: the groups themselves


def collect(sampler: Sampler, scorer: Scorer, feed: Feed, cfg: RLConfig, refill_rounds: int, step: int, weights_step: int) -> Collected:
    """Sample and score a step. If the algorithm refills groups without signal (DAPO), new prompts are sampled with the same weights."""
    watch, seed = Stopwatch(), f"{feed.seed}/{step}"
    groups: list[list[Scored]] = []
    sampled_by: list[int] = []
    feed.begin(step, cfg.steps)
    for refill in range(refill_rounds + 1):
        missing = cfg.prompts_per_step - sum(has_signal(rewards_of(group)) for group in groups)
        if not missing:
            break
        problems = feed.take(missing)
        with watch.lap("sample"):  # scoring begins with the first finished group
            pending = scorer.ask(sampler.sample(problems, n=cfg.group_size, seed=f"{seed}/{refill}" if refill else seed))
        with watch.lap("score"):  # the time that is left after sampling
            groups += scorer.wait(pending)
        sampled_by += [place % world.size() for place in range(len(problems))]
    feed.learn(groups)
    return Collected(
        groups=groups,
        sampled_by=sampled_by,
        weights_step=weights_step,
        position=feed.position,
        settled=feed.settled,
        prompts=feed.metrics() | sampler.metrics(),
        broken=scorer.broken(),
        seconds=watch.metrics(),
    )

"""The scored rollouts of one step: sampled, scored while sampling goes on, and refilled where the algorithm asks for it."""

from __future__ import annotations

from dataclasses import dataclass

from r1lite.advantage import has_signal
from r1lite.config import Config
from r1lite.data.feed import Feed
from r1lite.scoring.metrics import rewards_of
from r1lite.scoring.scorer import RuleBroken, Scorer
from r1lite.store.metrics import Stopwatch
from r1lite.types import Sampler, Scored


@dataclass(frozen=True, kw_only=True, slots=True)
class Collected:
    """A step's groups, and what was so when the last of them was there: the next step may be under way when this one is read."""

    groups: list[list[Scored]]
    weights: int  # the training steps that the weights had seen which sampled
    position: int  # in the data, behind this step
    settled: tuple[str, ...]  # problems that a curriculum has nothing to gain from
    prompts: dict[str, float]  # how many did not fit, and were passed over, so far
    broken: RuleBroken | None  # a rule that the step must not be trained on
    seconds: dict[str, float]


def collect(sampler: Sampler, scorer: Scorer, feed: Feed, cfg: Config, step: int, weights: int) -> Collected:
    """Where groups without signal are refilled (DAPO), fresh prompts take their place, sampled with the same weights."""
    watch, seed = Stopwatch(), f"{feed.seed}/{step}"
    groups: list[list[Scored]] = []
    feed.begin(step, cfg.rl.steps)
    for again in range(cfg.algorithm.refill_rounds + 1):
        missing = cfg.rl.prompts_per_step - sum(has_signal(rewards_of(group)) for group in groups)
        if not missing:
            break
        problems = feed.take(missing)
        with watch.lap("sample"):  # scoring begins with the first finished group
            asked = scorer.ask(sampler.sample(problems, n=cfg.rl.group_size, seed=f"{seed}/{again}" if again else seed))
        with watch.lap("score"):  # what is left to wait for
            groups += scorer.wait(asked)
    feed.learn(groups)
    return Collected(
        groups=groups,
        weights=weights,
        position=feed.position,
        settled=feed.settled,
        prompts=feed.metrics(),
        broken=scorer.broken(),
        seconds=watch.metrics(),
    )

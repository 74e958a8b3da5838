"""A reward model, from pairs: for where no rule can say how good a response is. It is used as a rule, `reward=model`."""

from __future__ import annotations

from pathlib import Path

from r1lite.build import make_prompter
from r1lite.config import Config
from r1lite.console import say
from r1lite.learning.loop import run_steps
from r1lite.learning.reward_model import RewardModel
from r1lite.stages import stage
from r1lite.store.run import Place
from r1lite.teaching.imitation import epochs
from r1lite.teaching.pairs import load_pairs


@stage("reward_model")
def run(cfg: Config, start: Path, place: Place) -> Path:
    """The reward model lies in `final`; the policy's weights stay what they were."""
    settings = cfg.reward_model
    learner = RewardModel(start, cfg.model, settings)
    pairs = load_pairs(settings, cfg, place, make_prompter(learner.tokenizer, cfg))
    held_out = pairs[: int(settings.held_out * len(pairs))]
    batches = epochs(pairs[len(held_out) :], settings.batch_size, f"{cfg.seed}/{place.name}")
    run_steps(learner, lambda step: learner.step(batches(step)), settings, place, steps=settings.steps, shown=("loss", "accuracy"))
    if held_out:
        say(f"reward_model: on {len(held_out)} held-out pairs it prefers the right side in {learner.accuracy(held_out):.1%}")
    return start

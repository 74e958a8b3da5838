"""Trains a reward model on pairs, for tasks where no rule can tell how good a response is. `reward=model` uses it as a rule."""

from __future__ import annotations

from pathlib import Path

from r1lite.build import make_prompter
from r1lite.checks.bounds import not_negative
from r1lite.checks.data import check_pairs
from r1lite.config import Config, RewardModelConfig
from r1lite.console import say
from r1lite.learning.loop import run_steps
from r1lite.learning.reward_model import RewardModel
from r1lite.stages import Place, stage
from r1lite.teaching.imitation import epochs
from r1lite.teaching.pairs import data_of, load_pairs


def check(name: str, cfg: Config) -> list[str]:
    settings = cfg.reward_model
    check_pairs(name, settings, cfg)
    not_negative(name, settings, "centring")
    if not 0 <= settings.held_out < 1:
        raise ValueError(f"{name}.held_out must be at least 0 and below 1, got {settings.held_out}")
    adapted = cfg.model.lora_rank or cfg.model.freeze
    return [f"{name} trains all of its weights: model.lora_rank and model.freeze apply only to the policy"] if adapted else []


@stage("reward_model", config=RewardModelConfig, check=check, reads=data_of, card=("data", "pairs", "steps", "batch_size", "lr"))
def run(cfg: Config, start: Path, place: Place) -> Path:
    """Save the reward model in `final`. The policy's weights do not change."""
    settings = cfg.reward_model
    learner = RewardModel(start, cfg.model, settings)
    pairs = load_pairs(settings, cfg, place, make_prompter(learner.tokenizer, cfg))
    held_out = pairs[: int(settings.held_out * len(pairs))]
    batches = epochs(pairs[len(held_out) :], settings.batch_size, f"{cfg.seed}/{place.name}")
    run_steps(learner, lambda step: learner.step(batches(step)), settings, place, steps=settings.steps, shown=("loss", "accuracy"))
    if held_out:
        say(f"reward_model: on {len(held_out)} held-out pairs it prefers the better response in {learner.accuracy(held_out):.1%}")
    return start

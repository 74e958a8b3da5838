"""Checks the settings of episodes, and which parts know them."""

from __future__ import annotations

from r1lite.build import make_episode, make_rules, most_turns
from r1lite.config import Config
from r1lite.data.examples import FROM_MODELS
from r1lite.settings.rounds import kind_of, settings_for
from r1lite.settings.stages import own_settings

WITHOUT_TURNS = ("reject", "distill", "dpo", "reward_model")  # stages that make or read single responses


def check_episodes(cfg: Config) -> None:
    """Raise ValueError for an unknown environment or option, and for what episodes do not support."""
    if not cfg.episode:
        return
    if not cfg.episode.get("name"):
        raise ValueError("episode.name is missing: name an environment, such as episode.name=retry")
    most_turns(cfg)
    spec, _ = make_episode(cfg)
    spec.make()
    for name in cfg.stages:
        if kind_of(name) in WITHOUT_TURNS:
            raise ValueError(f"stage {name} works with single responses, so it does not support episodes: leave it out of stages")
        if getattr(own_settings(cfg, name), "data", "") in FROM_MODELS:
            raise ValueError(f"{name}.data=teacher and own make examples of single responses, so they do not support episodes")
        if settings_for(cfg, name).rl.asynchronous:
            raise ValueError("rl.asynchronous=true does not support episodes; rl.lag=1 does")
    if spans := make_rules(cfg).by_span:
        raise ValueError(f"rewards.{min(spans)}.credit=spans finds tokens in a single response, so it does not support episodes")

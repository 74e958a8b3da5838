"""Makes a Config: Hydra composes conf/ and the typed settings, and the dataclasses of config.py define what is valid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from r1lite.config import CONF, Config, PretrainConfig
from r1lite.registry import load_plugins
from r1lite.settings.rounds import kind_of, settings_for
from r1lite.settings.stages import with_sections
from r1lite.settings.suggestions import bare_tasks
from r1lite.settings.typed import fitted, merged


def register() -> None:
    """Register with Hydra the defaults, which conf/config.yaml starts from, and a choice for each task without YAML."""
    from hydra.core.config_store import ConfigStore

    ConfigStore.instance().store(name="schema", node=asdict(_without_choices()))
    for name in bare_tasks():
        ConfigStore.instance().store(group="task", name=name, node={"name": name})


def _without_choices() -> Config:
    """The defaults, with empty sections where a choice of a group replaces the whole section."""
    return replace(Config(), task={}, rewards={}, pretrain=PretrainConfig(corpus={}))


def composed(settings: Sequence[str] = (), own: Path | None = None) -> DictConfig:
    """Compose conf/ and these settings. `own` is the user's own folder of settings, as for --config-dir."""
    from hydra import compose

    register()
    path = [f"hydra.searchpath=['file://{own}']"] if own else []
    with _hydra():
        return compose("config", overrides=[*path, *settings])


@contextmanager
def _hydra() -> Iterator[None]:
    """Initialise Hydra for conf/, and restore it afterwards: this process may use it for a launched run or in the user's own program."""
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    before = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
            yield
    finally:
        GlobalHydra.instance().hydra = before


def as_config(settings: DictConfig) -> Config:
    """Raises ValueError for a setting that does not exist or does not fit."""
    tree: Any = OmegaConf.to_container(settings, resolve=True)
    default = _without_choices()
    rounds = tree["rounds"] if isinstance(tree["rounds"], Mapping) else {}
    named = [name for name in (*tree["stages"], *rounds, *tree) if not hasattr(default, kind_of(name))]
    if named:  # a plugin's stage, perhaps
        load_plugins(tree["plugins"])
        default = with_sections(default, named)
    repeated = {name: tree.pop(name) for name in [*tree] if kind_of(name) != name and hasattr(default, kind_of(name))}
    if repeated:  # rl_2.steps=20
        tree["rounds"] = merged(rounds, repeated)
    cfg = fitted(default, tree)
    for name in cfg.rounds:
        if hasattr(cfg, kind_of(name)):  # an unknown stage is reported by the checks
            settings_for(cfg, name)
    return cfg


def configuration(settings: Sequence[str] = (), own: Path | None = None) -> Config:
    """The Config for these settings. Its run_dir is a placeholder: the real one contains the time of the launch."""
    return as_config(composed(["run_dir=unused", *settings], own))

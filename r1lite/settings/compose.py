"""What a list of settings means, where nothing was launched: the configuration that conf/ and these settings make."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from r1lite.config import CONF, Config, register


def composed(settings: Sequence[str] = (), own: Path | None = None) -> DictConfig:
    """`own` is a folder of the user's settings, as --config-dir adds one."""
    from hydra import compose

    register()
    path = [f"hydra.searchpath=['file://{own}']"] if own else []
    with _hydra():
        return compose("config", overrides=[*path, *settings])


@contextmanager
def _hydra() -> Iterator[None]:
    """Hydra set up for conf/, whatever this process uses it for besides: a run that it launched, or the user's own program."""
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    before = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
            yield
    finally:
        GlobalHydra.instance().hydra = before


def configuration(settings: Sequence[str] = (), own: Path | None = None) -> Config:
    """The folder of a run has a time in its name, which only a launched run knows."""
    return as_config(composed(["run_dir=unused", *settings], own))


def as_config(settings: DictConfig) -> Config:
    cfg = OmegaConf.to_object(settings)
    assert isinstance(cfg, Config)
    return cfg

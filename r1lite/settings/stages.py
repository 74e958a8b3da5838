"""What a stage declares about itself, so that no other file has to know its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields, make_dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from r1lite.config import Config
from r1lite.registry import Registry
from r1lite.settings.rounds import kind_of, settings_for

BASE = "base"  # the weights that a run starts from, as named in `start` and in the summary
LEDGER = "ledger"  # in what a stage reads: the rollouts of the nearest earlier stage that left any
EXAMPLES, ROLLOUTS = "examples", "rollouts"  # what a stage may leave: data.jsonl, and the folder `rollouts`

Run = Callable[[Config, Path, Any], Path]  # run(cfg, start, place): takes the weights at `start`, returns the path of the new ones
Check = Callable[[str, Config], Iterable[str] | None]


def nothing(*_: Any) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What a stage declares about itself."""

    config: type | None = None  # the dataclass of its settings, which are in the section of its name
    check: Check = nothing  # (name, cfg): raises ValueError for errors, returns notices
    reads: Callable[[Any], Iterable[str]] = nothing  # its settings -> `ledger`, names of earlier stages, and files, besides weights
    leaves: Callable[[Any], Iterable[str]] = nothing  # its settings -> EXAMPLES, ROLLOUTS
    uses: tuple[str, ...] = ()  # those of task, rewards and algorithm that affect its training
    card: tuple[str, ...] = ()  # settings that the model card shows, in this order
    origin: Callable[[Config, str], str] | None = None  # (cfg, the stage before) -> the origin of its weights, for the model card
    from_scratch: bool = False  # it starts from random weights, and its result is the run's base
    tests: bool = False  # it samples held-out problems, which nothing may train on; its settings apply to every stage's evaluation


stages: Registry[Run, Stage] = Registry("stage", "r1lite.stages")


def stage(name: str, **declared: Any) -> Callable[[Run], Run]:
    """Register a stage: `@stage("dpo", config=DPOConfig, check=check)`. The fields of Stage are what can be declared."""
    if kind_of(name) != name:
        raise ValueError(f"a stage cannot be called {name!r}, which means that stage {kind_of(name)!r} is repeated")

    def register(run: Run) -> Run:
        stages.register(name, run, Stage(**declared))
        return run

    return register


def is_test(name: str) -> bool:
    """Whether a name, perhaps of an unknown stage in an older summary, is that of a stage that tests."""
    return kind_of(name) in stages.names() and stage_of(name).tests


def stage_of(name: str) -> Stage:
    """The declaration of the stage that a name in `stages` refers to: rl for both rl and rl_2."""
    return stages.declaration(kind_of(name))


def own_settings(cfg: Config, name: str) -> Any:
    """A stage's own settings, with the changes of its round; None if it has no settings."""
    return getattr(settings_for(cfg, name), kind_of(name), None)


def start_of(cfg: Config, name: str) -> str:
    """The weights that a stage starts from: previous, base, an earlier stage, or a path."""
    return getattr(own_settings(cfg, name), "start", "previous")


def read_by(cfg: Config, name: str) -> list[str]:
    """What a stage reads besides its weights: `ledger`, names of earlier stages, files."""
    settings = own_settings(cfg, name)
    return [source for source in stage_of(name).reads(settings) if source] if settings is not None else []


def leaves(cfg: Config, name: str, what: str) -> bool:
    return what in stage_of(name).leaves(own_settings(cfg, name))


def tests_itself(cfg: Config) -> bool:
    """Whether the run evaluates on held-out problems."""
    return cfg.evaluate.every_stage or any(stage_of(name).tests for name in cfg.stages)


def earlier_than(name: str, cfg: Config) -> list[str]:
    return list(takewhile(lambda other: other != name, cfg.stages))


def sections(cfg: Config) -> Iterator[str]:
    """The sections that only one kind of stage reads."""
    known = stages.names()
    return (f.name for f in fields(cfg) if f.name in known and stage_of(f.name).config and not stage_of(f.name).tests)


def with_sections(cfg: Config, names: Iterable[str]) -> Config:
    """Add a section for each of these stages that declares settings but has no section yet."""
    kinds = dict.fromkeys(map(kind_of, names))
    declared = [(kind, stages.declaration(kind).config) for kind in kinds if not hasattr(cfg, kind) and kind in stages.names()]
    new = [(kind, config, field(default_factory=config)) for kind, config in declared if config]
    if not new:
        return cfg
    extended = make_dataclass("Config", new, bases=(type(cfg),))
    return extended(**{f.name: getattr(cfg, f.name) for f in fields(cfg)})

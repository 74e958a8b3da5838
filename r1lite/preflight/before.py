"""Which weights a stage will start from, and the look that a run takes at itself before its first step of reinforcement learning."""

from __future__ import annotations

from pathlib import Path

from r1lite.config import Config, RewardModelConfig, TrainingConfig
from r1lite.console import say
from r1lite.models.pretrained import locate
from r1lite.parallel import exchange
from r1lite.preflight.process import Result, preflight
from r1lite.settings.rounds import kind_of, settings_for
from r1lite.settings.stages import BASE, own_settings, stage_of, start_of
from r1lite.store.files import from_here, write_json
from r1lite.store.run import BEGUN, Run

FILE = "preflight.json"  # in the run directory
LEAVE_OUT = "preflight.enabled=false"


def first_rl(cfg: Config) -> str | None:
    return next((name for name in cfg.stages if kind_of(name) == "rl"), None)


def shown(start: str, cfg: Config) -> str:
    """The weights as a reader knows them: the setting, or a path from here."""
    base = not stage_of(cfg.stages[0]).from_scratch and start == locate(cfg.model.path)
    return cfg.model.path if base else from_here(Path(start))


def starting_weights(cfg: Config, stage: str) -> tuple[str, str]:
    """The weights that a stage starts from, and the earlier stage that would still change them; empty if there is none."""
    run = Run(cfg)
    base = "" if stage_of(cfg.stages[0]).from_scratch else locate(cfg.model.path)
    weights, missing = {BASE: base, "previous": base}, {BASE: "", "previous": ""}
    for name in cfg.stages:
        start = start_of(cfg, name)
        before = missing.get(start, "")
        start = weights[start] if start in weights else locate(start)
        if name == stage:
            if not start:
                raise ValueError(f"stage {stage} starts from the model that stage {before or cfg.stages[0]} makes, which has not run")
            return start, before
        if not before and start and run.is_done(name):
            start = str(run.finished(name, start))
        elif _changes_weights(cfg, name):
            before = name
        weights[name] = weights["previous"] = start
        missing[name] = missing["previous"] = before
        if not weights[BASE]:
            weights[BASE], missing[BASE] = start, before
    raise ValueError(f"{stage} is not in stages={cfg.stages}")


def _changes_weights(cfg: Config, name: str) -> bool:
    own = own_settings(cfg, name)
    return isinstance(own, TrainingConfig) and not isinstance(own, RewardModelConfig)


def look_before(name: str, start: str, cfg: Config, run: Run) -> None:
    """Before a run's first rl stage begins: print the look, keep it in the run directory, and raise ValueError if it refuses.

    All ranks call this, and the leader looks.
    """
    if name == first_rl(cfg) and not (run.folder / name / BEGUN).exists() and is_due(settings_for(cfg, name)):
        exchange.on_leader(lambda: _look(name, start, cfg, run), patient=True)


def is_due(cfg: Config) -> bool:
    """Whether the run looks at itself. The first steps of a short run tell as much, vLLM is left alone, and a replay samples nothing."""
    look = cfg.preflight
    is_long = look.share * cfg.rl.steps * cfg.rl.prompts_per_step >= look.problems
    return look.enabled and is_long and cfg.sampler.name == "native" and not cfg.rl.replay and cfg.parallel.shard == 1


def _look(name: str, start: str, cfg: Config, run: Run) -> None:
    say(f"preflight of {name}: a look at the run before it starts ({LEAVE_OUT} leaves it out)")
    free_gpu()
    result = preflight(cfg, name, start)
    if result.error:  # if the run cannot work, it says so itself
        say(f"preflight: not possible: {result.error}")
        return
    for line in result.lines:
        say(line)
    write_json(run.folder / FILE, result.as_json())
    if result.refusals:
        raise ValueError(refusal(name, result))


def refusal(name: str, result: Result) -> str:
    first = result.refusals[0]
    remedy = f" Try {' '.join(first.overrides)}, with another run_dir=." if first.overrides else ""
    return f"stage {name} cannot work: {first.says}.{remedy} {LEAVE_OUT} starts it all the same."


def free_gpu() -> None:
    """Give the GPU memory back that earlier stages have freed, since the look is another process."""
    import gc

    import torch

    if torch.cuda.is_available() and torch.cuda.is_initialized():
        gc.collect()
        torch.cuda.empty_cache()

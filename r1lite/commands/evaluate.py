"""pass@k and maj@k of several models side by side, on the same problems.

    r1lite evaluate MODEL... [output=FILE.json] [--config-dir FOLDER] [any setting of training]

MODEL is a run directory, a folder with a model, the name of a shipped model, or a hub name. A run brings its own task,
rewards, prompt and sampler along, as far as no setting says otherwise; runs that differ in these cannot share a table
until a setting decides. The file holds every figure, and is written after each model.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from r1lite.commands import _shell
from r1lite.commands.export import find, quiet, run_of
from r1lite.config import Config
from r1lite.settings import command_line
from r1lite.settings.compose import as_config, composed

if TYPE_CHECKING:
    from omegaconf import DictConfig

# What of a run's configuration says how its model is asked and what is right; of some sections, only these settings.
SECTIONS = ("plugins", "prompt", "task", "evaluate", "rewards", "sampler", "scoring")
ONLY = {
    "evaluate": ("splits",),
    "prompt": ("system", "prefill", "max_tokens"),
    "sampler": ("temperature", "top_p", "top_k", "max_tokens", "stop"),
    "scoring": ("right_rule", "right_at"),
}
# A group that a setting chooses, and the sections that are then no longer the run's.
CHOICES = {"task": ("task", "evaluate", "rewards"), "reward": ("rewards",), "plugins": ("plugins",)}


def main() -> None:
    _shell.run(_evaluate, help=__doc__, stopped="\nstopped")


def _evaluate(words: Sequence[str]) -> None:
    own, words = command_line.own_folder(words)
    output = [w.removeprefix("output=") for w in words if w.startswith("output=")]
    sources = [w for w in words if "=" not in w and not w.startswith("-")]
    settings = [w for w in words if w not in sources and not w.startswith("output=")]
    evaluate_all(sources, configured(by_default(settings), sources, own), output=output[-1] if output else "")


def by_default(settings: Sequence[str]) -> list[str]:
    """experiment=evaluate, unless another is chosen; it says nothing of what a run brings along."""
    chosen = any(setting.startswith("experiment=") for setting in settings)
    return list(settings) if chosen else ["experiment=evaluate", *settings]


def evaluate_all(sources: Sequence[str], cfg: Config, *, output: str = "") -> list[dict[str, Any]]:
    """An entry for each model, as summary.json has one for each stage; and the table."""
    from r1lite.checks.run import check
    from r1lite.console import say, show_table
    from r1lite.reporting.evaluation import evaluate
    from r1lite.reporting.summary import cells, columns
    from r1lite.store.files import write_json

    if not sources:
        raise ValueError("which models? r1lite evaluate MODEL...")
    places, entries = [find(source) for source in sources], []
    cfg.stages = ["evaluate"]
    prepare(cfg)
    for notice in check(cfg):
        say(notice)
    for source, weights in zip(sources, places, strict=True):
        say(f"evaluating {source}")
        begun = time.perf_counter()
        found = evaluate(weights, cfg)
        entries.append({"name": source, "weights": weights, "seconds": round(time.perf_counter() - begun, 2)} | found)
        if output:
            write_json(Path(output).expanduser(), _described(cfg) | {"models": entries})
    title = f"{cfg.task['name']}: held-out problems ({', '.join(cfg.evaluate.splits)})"
    show_table(title, columns(cfg.evaluate), [cells(entry, cfg.evaluate) for entry in entries])
    return entries


def _described(cfg: Config) -> dict[str, Any]:
    """What the figures depend on."""
    kept = {name: getattr(cfg, name) for name in ("seed", "task", "rewards")}
    return kept | {name: asdict(getattr(cfg, name)) for name in ("prompt", "sampler", "evaluate")}


def configured(settings: Sequence[str], sources: Sequence[str], own: Path | None = None) -> Config:
    """The settings over what the runs bring along, over the defaults; `own` is the user's folder of settings."""
    understood = command_line.checked(settings, own)
    runs = {str(run): run for run in map(run_of, sources) if run is not None}
    # A rule may be a model that the run trained, and lies in it.
    folder = next(iter(runs)) if len(runs) == 1 else "unused"
    settings_of_all = composed(["run_dir=unused", *understood], own)
    named = [setting.partition("=")[0].lstrip("+~") for setting in understood]
    for section, theirs in _brought(list(runs.values()), named).items():
        _take_over(settings_of_all, section, theirs, named)
    cfg = as_config(settings_of_all)
    cfg.run_dir = folder
    return cfg


def _brought(runs: Sequence[Path], named: Sequence[str]) -> dict[str, Any]:
    """The sections that come from runs: those that no setting chose."""
    from r1lite.settings.resume import flat
    from r1lite.store.run import read_yaml

    configs = [read_yaml(run / "config.yaml") for run in runs]
    chosen = {section for name in named for section in CHOICES.get(name, ())}
    sections = [section for section in SECTIONS if section not in chosen]
    brought = [{section: _kept(section, config[section]) for section in sections if section in config} for config in configs]
    leaves = [flat(one) for one in brought]
    keys = sorted({key for one in leaves for key in one if any(other.get(key) != one[key] for other in leaves)} - set(named))
    if keys:
        raise ValueError(
            f"{', '.join(map(str, runs))} differ in {', '.join(keys)}, and figures of different tests cannot be compared: "
            f"say which it should be, such as task=... or {keys[0]}=..."
        )
    return brought[0] if brought else {}


def _kept(section: str, values: Any) -> Any:
    return {name: values[name] for name in ONLY[section] if name in values} if section in ONLY else values


def _take_over(composed: DictConfig, section: str, theirs: Any, named: Sequence[str]) -> None:
    """A run's section, with what the settings say of it on top."""
    from omegaconf import OmegaConf

    # Copies: a list in the configuration is what theirs is written into.
    mine = {name: copy.deepcopy(OmegaConf.select(composed, name)) for name in named if name.startswith(f"{section}.")}
    OmegaConf.update(composed, section, theirs, merge=section in ONLY, force_add=True)
    for name, value in mine.items():
        OmegaConf.update(composed, name, value, force_add=True)


def prepare(cfg: Config) -> None:
    import torch

    quiet()
    if cfg.threads:
        torch.set_num_threads(cfg.threads)


if __name__ == "__main__":
    main()

"""Compare several models on the same problems: pass@k, maj@k, greedy accuracy and length.

    r1lite evaluate MODEL... [output=FILE.json] [--config-dir FOLDER] [any setting of training]

MODEL is a run directory, a folder with a model, the name of a shipped model, or a hub name. Task, rewards, prompt and
sampler are those of the run, unless they are set here; if several runs differ in one of them, it must be set. The file
contains all figures, and is written after each model.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from r1lite.commands import _shell
from r1lite.commands.export import find, run_of
from r1lite.config import Config
from r1lite.settings import command_line
from r1lite.settings.compose import as_config, composed

if TYPE_CHECKING:
    from omegaconf import DictConfig

# The sections of a run's configuration that apply to an evaluation of its model; of some, only the settings in ONLY.
SECTIONS = ("plugins", "prompt", "task", "evaluate", "rewards", "sampler", "scoring")
ONLY = {
    "evaluate": ("splits",),
    "prompt": ("system", "prefill", "max_tokens"),
    "sampler": ("temperature", "top_p", "top_k", "max_tokens", "stop"),
    "scoring": ("right_rule", "right_at"),
}
# Config groups, and the sections that are not taken from the run if the group is chosen.
CHOICES = {"task": ("task", "evaluate", "rewards"), "reward": ("rewards",), "plugins": ("plugins",)}


def main() -> None:
    _shell.run(_evaluate, help=__doc__, stopped="\nstopped")


def _evaluate(arguments: Sequence[str]) -> None:
    own, arguments = command_line.own_folder(arguments)
    output = [a.removeprefix("output=") for a in arguments if a.startswith("output=")]
    sources = [a for a in arguments if "=" not in a and not a.startswith("-")]
    settings = [a for a in arguments if a not in sources and not a.startswith("output=")]
    evaluate_all(sources, configured(by_default(settings), sources, own), output=output[-1] if output else "")


def by_default(settings: Sequence[str]) -> list[str]:
    """Add experiment=evaluate, which sets nothing that a run provides, unless another experiment is chosen."""
    chosen = any(setting.startswith("experiment=") for setting in settings)
    return list(settings) if chosen else ["experiment=evaluate", *settings]


def evaluate_all(sources: Sequence[str], cfg: Config, *, output: str = "") -> list[dict[str, Any]]:
    """Evaluate the models, print the table, and return one entry per model, in the format of summary.json."""
    from r1lite.checks.run import check
    from r1lite.console import say, show_table
    from r1lite.reporting.evaluation import evaluate
    from r1lite.reporting.summary import cells, columns
    from r1lite.store.files import write_json

    if not sources:
        raise ValueError("name at least one model: a run, a folder, a shipped model or a hub name")
    all_weights, entries = [find(source) for source in sources], []
    cfg.stages = ["evaluate"]
    prepare(cfg)
    for notice in check(cfg):
        say(notice)
    for source, weights in zip(sources, all_weights, strict=True):
        say(f"evaluating {source}")
        started = time.perf_counter()
        results = evaluate(weights, cfg)
        entries.append({"name": source, "weights": weights, "seconds": round(time.perf_counter() - started, 2)} | results)
        if output:
            write_json(Path(output).expanduser(), _conditions(cfg) | {"models": entries})
    title = f"{cfg.task['name']}: held-out problems ({', '.join(cfg.evaluate.splits)})"
    show_table(title, columns(cfg.evaluate), [cells(entry, cfg.evaluate) for entry in entries])
    return entries


def _conditions(cfg: Config) -> dict[str, Any]:
    """The settings that the figures depend on."""
    settings = {name: getattr(cfg, name) for name in ("seed", "task", "rewards")}
    return settings | {name: asdict(getattr(cfg, name)) for name in ("prompt", "sampler", "evaluate")}


def configured(settings: Sequence[str], sources: Sequence[str], own: Path | None = None) -> Config:
    """The defaults, overridden by the settings of the runs, overridden by `settings`. `own` is the user's folder of settings."""
    overrides = command_line.checked(settings, own)
    runs = {str(run): run for run in map(run_of, sources) if run is not None}
    # The run directory matters if a rule is a reward model that the run trained.
    run_dir = next(iter(runs)) if len(runs) == 1 else "unused"
    tree = composed(["run_dir=unused", *overrides], own)
    named = [setting.partition("=")[0].lstrip("+~") for setting in overrides]
    for section, values in _run_sections(list(runs.values()), named).items():
        _merge_section(tree, section, values, named)
    cfg = as_config(tree)
    cfg.run_dir = run_dir
    return cfg


def _run_sections(runs: Sequence[Path], named: Sequence[str]) -> dict[str, Any]:
    """The sections that are taken from the runs: those that no setting chose. `named` are the names of all settings."""
    from r1lite.settings.resume import flat
    from r1lite.store.config_file import read_config

    configs = [read_config(run) for run in runs]
    chosen = {section for name in named for section in CHOICES.get(name, ())}
    sections = [section for section in SECTIONS if section not in chosen]
    from_runs = [{section: _relevant(section, config[section]) for section in sections if section in config} for config in configs]
    flat_runs = [flat(tree) for tree in from_runs]
    differing = {key for tree in flat_runs for key in tree if any(other.get(key) != tree[key] for other in flat_runs)}
    keys = sorted(differing - set(named))
    if keys:
        raise ValueError(
            f"{', '.join(map(str, runs))} differ in {', '.join(keys)}, so their figures cannot be compared: "
            f"set the value for all of them, such as task=... or {keys[0]}=..."
        )
    return from_runs[0] if from_runs else {}


def _relevant(section: str, values: Any) -> Any:
    return {name: values[name] for name in ONLY[section] if name in values} if section in ONLY else values


def _merge_section(tree: DictConfig, section: str, values: Any, named: Sequence[str]) -> None:
    """Write a run's section into the configuration, except for the settings in `named`."""
    from omegaconf import OmegaConf

    # Copied, because the update below changes lists in place.
    kept = {name: copy.deepcopy(OmegaConf.select(tree, name)) for name in named if name.startswith(f"{section}.")}
    OmegaConf.update(tree, section, values, merge=section in ONLY, force_add=True)
    for name, value in kept.items():
        OmegaConf.update(tree, name, value, force_add=True)


def prepare(cfg: Config) -> None:
    import torch

    from r1lite.console import quiet_transformers

    quiet_transformers()
    if cfg.threads:
        torch.set_num_threads(cfg.threads)


if __name__ == "__main__":
    main()

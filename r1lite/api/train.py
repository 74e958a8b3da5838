"""r1lite.train: starts a run from a notebook or a script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from r1lite.api.inputs import Task, keep, path_of, rows_of
from r1lite.api.reader import RunReader
from r1lite.api.rewards import Rewards, chosen, refuse_unlisted, sources_of
from r1lite.api.settings import configured, written
from r1lite.config import Config


def train(
    *settings: str | Config,
    run_dir: str | Path | None = None,
    task: Task | None = None,
    rewards: Rewards | None = None,
    config_dir: str | Path | None = None,
    quiet: bool = False,
    **values: Any,
) -> RunReader:
    """Train as `python -m r1lite.train` does, and return the run. The same call with the same run_dir resumes it.

    settings: as on the command line: "experiment=r1_zero", "rl.steps=20"; or a Config
    run_dir: the run's folder; by default one in runs/, named after the experiment and the time
    task: a task's name, a list of dicts with `prompt` and `answer`, a dict with such a list for each split, or options of the task
    rewards: names of rules and functions, in a list, or in a dict with their weights; by default the task's rules
    config_dir: a folder with settings of your own, as for --config-dir
    quiet: print nothing
    values: more settings: seed=1, rl={"steps": 20}
    """
    from r1lite.api import pipeline
    from r1lite.api.ranks import run_in_ranks
    from r1lite.console import output, say
    from r1lite.parallel import launch, meeting

    places = {"run_dir": run_dir} if run_dir is not None else {}
    with output(quiet=quiet):
        cfg = prepared(settings, values | places, task, rewards, config_dir)
        if meeting.is_one_of_several():
            raise ValueError("torchrun starts ranks of `-m r1lite.train`; a script starts its own, with processes=N")
        count = launch.count_of(cfg.processes, cfg.model.device)
        try:
            if count > 1:
                run_in_ranks(cfg, count, quiet=quiet)
            else:
                pipeline.train(cfg)
        except KeyboardInterrupt:
            say(f"stopped; the same call with run_dir={cfg.run_dir!r} resumes from the last checkpoint")
            raise
    return RunReader(cfg.run_dir)


def prepared(
    settings: Sequence[str | Config],
    values: Mapping[str, Any],
    task: Task | None,
    rewards: Rewards | None,
    config_dir: str | Path | None,
) -> Config:
    """The configuration, after rows and functions were stored in the run directory."""
    files = rows_of(task)
    if task is not None and not files:
        values = {"task": task, **values}
    if files and not any(str(setting).startswith("task=") or isinstance(setting, Config) for setting in settings):
        settings = ["task=dataset", *settings]
    cfg = configured(settings, values, config_dir)
    folder = Path(cfg.run_dir).expanduser().resolve()  # so that the run can be resumed from another working directory
    if files:
        cfg.task["path"] = str(folder / path_of(files))
    if rewards is not None:
        cfg.rewards = chosen(rewards, cfg.rewards)
        refuse_unlisted(cfg.rewards, [*map(str, settings), *written(values)])
    keep(folder, {**files, **sources_of(cfg)})
    return cfg

"""r1lite.evaluate: compares models on the same problems."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from r1lite.api.inputs import Task, keep, path_of, rows_of
from r1lite.api.reader import RunReader
from r1lite.api.rewards import Rewards, chosen, refuse_unlisted
from r1lite.api.settings import folder_of, written
from r1lite.store.files import from_here


def evaluate(
    *models: str | Path | RunReader,
    task: Task | None = None,
    rewards: Rewards | None = None,
    config_dir: str | Path | None = None,
    quiet: bool = False,
    **values: Any,
) -> list[dict[str, Any]]:
    """Evaluate the models on the same problems, as `r1lite evaluate` does: print the table, and return one entry per model.

    models: runs, folders or names of models; also settings as on the command line: "evaluate.problems=64"
    task: as for r1lite.train, but all rows of a list are test problems
    rewards, config_dir, quiet, values: as for r1lite.train
    """
    from r1lite.commands.evaluate import by_default, configured, evaluate_all
    from r1lite.console import output

    words = [from_here(model.folder) if isinstance(model, RunReader) else str(model) for model in models]
    files = rows_of(task if task is None or isinstance(task, str | Mapping) else {"test": task})
    own = {} if files or task is None else {"task": task}
    settings = [*(["task=dataset"] if files else []), *(word for word in words if "=" in word), *written({**own, **values})]
    sources = [word for word in words if "=" not in word]
    with output(quiet=quiet), TemporaryDirectory() as folder:
        cfg = configured(by_default(settings), sources, folder_of(config_dir))
        if files:
            keep(Path(folder), files)
            cfg.task["path"] = str(Path(folder) / path_of(files))
        if rewards is not None:
            cfg.rewards = chosen(rewards, cfg.rewards)
            refuse_unlisted(cfg.rewards, settings)
        return evaluate_all(sources, cfg)

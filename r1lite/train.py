"""`python -m r1lite.train`: compose the configuration from the command line, and run its stages. `r1lite.train(...)` does it in Python."""

from __future__ import annotations

import sys

import hydra
from omegaconf import DictConfig

from r1lite.api.callable import make_callable
from r1lite.api.pipeline import train
from r1lite.api.ranks import run_here
from r1lite.api.train import train as train_from_python
from r1lite.config import CONF
from r1lite.parallel import guard, launch, meeting
from r1lite.parallel.failure import name_run
from r1lite.settings import command_line
from r1lite.settings.compose import as_config, register
from r1lite.settings.reference import help_text

__all__ = ["main", "train"]

register()


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def _entry(composed: DictConfig) -> None:
    try:
        cfg = as_config(composed)
        if not meeting.is_one_of_several():
            if (count := launch.count_of(cfg.processes, cfg.model.device)) > 1:
                name_run(cfg.run_dir)
                command = launch.own_command([*sys.argv[1:], f"run_dir={cfg.run_dir}"])
                sys.exit(launch.launch(count, command, restarts=cfg.parallel.restarts))
        else:
            launch.refuse_other_count(cfg.processes)
    except ValueError as error:
        guard.refuse(f"error: {error}")
    run_here(cfg)


def main() -> None:
    launch.end_with_launcher()
    try:
        arguments = command_line.understood(sys.argv[1:])
    except SystemExit as error:
        guard.refuse(str(error))
    if {"-h", "--help"} & set(arguments):
        print(help_text(arguments))
        return
    sys.argv[1:] = arguments
    _entry()


if __name__ == "__main__":
    main()
else:
    make_callable(__name__, train_from_python)

"""`python -m r1lite.train`: compose the configuration from the command line, and run its stages. `r1lite.train(...)` does it in Python."""

from __future__ import annotations

import errno
import sys
import traceback
from pathlib import Path

import hydra
from omegaconf import DictConfig

from r1lite.api.callable import make_callable
from r1lite.api.pipeline import train
from r1lite.api.train import train as train_from_python
from r1lite.config import CONF, Config
from r1lite.parallel import exchange, guard, launch, world
from r1lite.settings import command_line
from r1lite.settings.compose import as_config, register
from r1lite.settings.reference import help_text

__all__ = ["main", "train"]

register()


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def _entry(composed: DictConfig) -> None:
    try:
        cfg = as_config(composed)
    except ValueError as error:
        sys.exit(f"error: {error}")
    try:
        if not world.is_one_of_several() and (count := launch.count_of(cfg.processes)) > 1:
            sys.exit(launch.launch(count, launch.own_command([*sys.argv[1:], f"run_dir={cfg.run_dir}"])))
        world.join(cfg.parallel.timeout, shard=cfg.parallel.shard, offload=cfg.parallel.offload)
        with guard.guarded():
            cfg.run_dir = exchange.on_leader(lambda: cfg.run_dir)
            train(cfg)
        world.leave()
    except ValueError as error:  # meant for the user; anything else is a bug and keeps its traceback
        sys.exit(f"error: {error}{_saved_traceback(cfg)}")
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        sys.exit(f"error: the disk is full. Free some space and run the same command with run_dir={cfg.run_dir} to resume.")
    except KeyboardInterrupt:
        sys.exit(f"\nstopped; the same command with run_dir={cfg.run_dir} resumes from the last checkpoint")


def _saved_traceback(cfg: Config) -> str:
    """Write the traceback to a file in the run directory, and return a hint that names it."""
    folder = Path(cfg.run_dir)
    if not (folder / "config.yaml").is_file():
        return ""
    try:
        (folder / "error.log").write_text(traceback.format_exc())
    except OSError:  # a full disk must not hide the original error
        return ""
    return f"\n(traceback: {folder / 'error.log'})"


def main() -> None:
    arguments = command_line.understood(sys.argv[1:])
    if {"-h", "--help"} & set(arguments):
        print(help_text(arguments))
        return
    sys.argv[1:] = arguments
    _entry()


if __name__ == "__main__":
    main()
else:
    make_callable(__name__, train_from_python)

"""Start a run with its vLLM servers, on this machine or on a Ray cluster, and end all together.

    r1lite launch [servers=N] [dry_run=true] [OPTION=VALUE ...] [--config-dir FOLDER] [any setting of training]

{options}

The servers serve the model that the run starts with. One that dies is started again; when the trainer ends, all end. Logs are
in RUN/logs. SIGTERM lets the trainer finish its step; the same command, with the same run_dir=, resumes.
dry_run=true prints the command of each process, to be run by hand or elsewhere.
"""

from __future__ import annotations

import inspect
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from r1lite.commands import _shell
from r1lite.config import Config
from r1lite.launch.options import Options, split
from r1lite.settings import command_line
from r1lite.settings.compose import as_config, composed


def main() -> None:
    _shell.run(_launch, help=(__doc__ or "").format(options=_described()))


def _launch(arguments: Sequence[str]) -> None:
    options, settings = split(arguments)
    cfg, settings = configured(settings, options)
    if options.backend == "ray":
        from r1lite.launch.cluster import launch_on_cluster

        sys.exit(launch_on_cluster(cfg, settings, options))
    from r1lite.launch.local import LocalBackend, layout
    from r1lite.launch.logs import Logs
    from r1lite.launch.supervise import Supervisor

    parts = layout(cfg, settings, options)
    if options.dry_run:
        print("\n\n".join(f"# {part.name}\n{part.as_shell()}" for part in parts))
        return
    logs = Logs(Path(cfg.run_dir).expanduser() / "logs", verbose=options.verbose)
    sys.exit(Supervisor(LocalBackend(parts, logs), logs, start_seconds=options.start_seconds).run(with_trainer=not options.only))


def configured(settings: Sequence[str], options: Options) -> tuple[Config, list[str]]:
    """The run's configuration, and the trainer's settings, which lack only the addresses of servers."""
    named = {setting.partition("=")[0].lstrip("+") for setting in settings}
    if options.servers and "sampler.urls" in named:
        raise ValueError("launch sets sampler.urls: leave it out, or set servers=0 for servers that run already")
    more = ["sampler=vllm_server"] if options.servers and "sampler" not in named else []
    own, words = command_line.own_folder([*settings, *more])
    tree = composed([*([] if "run_dir" in named else ["run_dir=unused"]), *command_line.checked(words, own)], own)
    cfg = as_config(tree)
    if "run_dir" not in named:
        cfg.run_dir = f"runs/{cfg.experiment}-{time.strftime('%Y%m%d-%H%M%S')}"
        more.append(f"run_dir={cfg.run_dir}")
    return cfg, [*settings, *more]


def _described() -> str:
    """The options with their help, which stands beside each in options.py."""
    helps = dict(re.findall(r"^    (\w+): \w+ = .*?  # (.*)$", inspect.getsource(Options), re.MULTILINE))
    lines = [f"{field.name}={field.default}".replace("=False", "=false") for field in fields(Options)]
    return "\n".join(f"    {line:28} {helps[field.name]}" for line, field in zip(lines, fields(Options), strict=True))


if __name__ == "__main__":
    main()

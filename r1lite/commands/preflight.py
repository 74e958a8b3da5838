"""Look at a run before its first step of reinforcement learning, and refuse what cannot work.

    r1lite preflight SETTINGS [format=json] [output=FILE] [--config-dir FOLDER]

Samples some training problems as the run would, and shows on one screen: the prompt as the model sees it, pass rates, how many
groups carry signal at each group size, cut-off and empty responses, the outcomes of rules, what hacks are paid, the memory of the
worst step and the settings that would lower it, seconds of a step and of the run. The exit status is 1 if it refuses.

It looks at the first rl stage. With the run_dir of a run whose earlier stages are finished, it takes their weights; otherwise those
of the base, and says so. format=json prints all numbers as JSON, and output=FILE writes them to a file.
A run looks at itself before its first rl stage; preflight.enabled=false leaves that out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from r1lite.commands import _shell
from r1lite.settings import command_line
from r1lite.settings.compose import configuration

OWN = {"format": "text", "output": ""}


def main() -> None:
    _shell.run(_preflight, help=__doc__)


def _preflight(arguments: Sequence[str]) -> None:
    from r1lite.preflight.before import first_rl, starting_weights
    from r1lite.preflight.process import preflight

    folder, arguments = command_line.own_folder(arguments)
    own = OWN | {a.partition("=")[0]: a.partition("=")[2] for a in arguments if a.partition("=")[0] in OWN and "=" in a}
    if own["format"] not in ("text", "json"):
        raise ValueError(f"format must be text or json, got {own['format']!r}")
    cfg = configuration(command_line.checked([a for a in arguments if a.partition("=")[0] not in OWN], folder), folder)
    stage = first_rl(cfg)
    if stage is None:
        raise ValueError(f"stages={cfg.stages} has no rl stage to look at")
    start, before = starting_weights(cfg, stage)
    result = preflight(cfg, stage, start, before=before, checked=False)
    if result.error:
        raise ValueError(result.error)
    text = json.dumps(result.as_json(), indent=1, ensure_ascii=False)
    if own["output"]:
        Path(own["output"]).expanduser().write_text(text + "\n", encoding="utf-8")
    print(text if own["format"] == "json" else "\n".join(result.lines))
    if result.refusals:
        sys.exit(1)

"""Explain a metric or a setting, and with a run, show the run's own value.

    r1lite explain METRIC|SETTING ... [run=RUN]
    r1lite explain zero_variance_share rl.group_size run=runs/demo

A setting may be written without its section (group_size), or by its name in TRL, verl or OpenRLHF (num_generations).
format=markdown prints docs/reference/metrics.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from r1lite.commands import _shell
from r1lite.config import Config
from r1lite.registry import unknown
from r1lite.reporting.metric_reference import METRICS, Metric, as_markdown, metric_of
from r1lite.settings.other_trainers import SETTING_OF
from r1lite.settings.reference import Setting, sections
from r1lite.settings.resume import flat
from r1lite.settings.typed import as_text

MARKDOWN = "format=markdown"


def main() -> None:
    _shell.run(_explain, help=__doc__)


def _explain(arguments: Sequence[str]) -> None:
    from r1lite.console import say

    if MARKDOWN in arguments:
        print(as_markdown(), end="")
        return
    own = _shell.parse_settings([word for word in arguments if "=" in word], ("run",))
    names = [word for word in arguments if "=" not in word]
    if not names:
        raise ValueError("name a metric or a setting: r1lite explain METRIC|SETTING")
    run = Values(own["run"]) if "run" in own else None
    say("\n\n".join(explanation(name, run) for name in names))


class Values:
    """The values in a run directory: of its settings, and of its metrics by stage."""

    def __init__(self, folder: str) -> None:
        from r1lite.store.config_file import CONFIG, read_config
        from r1lite.store.metrics import read_metrics

        self.folder = Path(folder).expanduser()
        if not (self.folder / CONFIG).is_file():
            raise ValueError(f"{folder} is not a run directory: it has no {CONFIG}")
        self.settings: Mapping[str, Any] = flat(read_config(self.folder))
        self.metrics = read_metrics(self.folder / "metrics.jsonl")

    def of_setting(self, name: str) -> str:
        """The setting's value; also of a section without fixed names, such as `rewards`."""
        inside = {key: value for key, value in self.settings.items() if key == name or key.startswith(f"{name}.")}
        return " ".join(f"{key}={as_text(value)}" for key, value in inside.items()) or f"{name} is not set"

    def of_metric(self, name: str, metric: Metric) -> Iterator[str]:
        """One line for each stage and metric: of the family, or of the one that is named."""
        logged = dict.fromkeys((entry["stage"], key) for entry in self.metrics for key in entry if metric_of(key) is metric)
        for stage, key in (one for one in logged if name in (metric.name, one[1])):
            steps = [(entry["step"], entry[key]) for entry in self.metrics if entry["stage"] == stage and key in entry]
            outside = [step for step, value in steps if not metric.is_healthy(value)]
            values = [value for _, value in steps]
            verdict = f"; outside its range in {len(outside)} of {len(steps)}, last at step {outside[-1]}" if outside else ""
            yield (
                f"{stage}: {key} {values[0]:.4g} at step {steps[0][0]}, {values[-1]:.4g} at step {steps[-1][0]}; "
                f"between {min(values):.4g} and {max(values):.4g}{verdict}"
            )


def explanation(name: str, run: Values | None = None) -> str:
    """The text about a metric, or about all settings with this name."""
    metric, settings = metric_of(name), settings_called(name)
    parts = [_of_metric(name, metric, run)] if metric else []
    parts += [_of_setting(setting, run) for setting in settings]
    if not parts:
        known = [*METRICS, *(setting.name for setting in _all_settings())]
        raise ValueError(unknown("metric or setting", name, known).partition(" Known:")[0] + " `r1lite settings` lists the settings.")
    return "\n\n".join(parts)


def settings_called(name: str) -> list[Setting]:
    """The setting with this name; without a section, those of all sections; or ours for a name of another trainer."""
    for wanted in dict.fromkeys((name, SETTING_OF.get(name.rpartition(".")[2], name))):
        if found := [one for one in _all_settings() if one.name == wanted] or [
            one for one in _all_settings() if "." not in wanted and one.name.endswith(f".{wanted}")
        ]:
            return found
    return []


def _all_settings() -> list[Setting]:
    return [setting for section in sections(Config()) for setting in section.settings]


def _of_metric(name: str, metric: Metric, run: Values | None) -> str:
    shown = name if name == metric.name or "<" in name else f"{name} ({metric.name})"
    lines = [f"{shown}: a metric; unit: {metric.unit}", metric.meaning]
    lines += [f"Healthy: {metric.healthy}."] if metric.healthy else []
    lines += [metric.watch] if metric.watch else []
    if run is not None:
        lines += [*run.of_metric(name, metric)] or [f"{run.folder} has not logged it."]
    return _indented(lines)


def _of_setting(setting: Setting, run: Values | None) -> str:
    lines = [f"{setting.name}: a setting, {setting.type}, by default {as_text(setting.value)}", setting.help_with_names()]
    return _indented([*lines, *([f"{run.folder}: {run.of_setting(setting.name)}"] if run is not None else [])])


def _indented(lines: Iterable[str]) -> str:
    return "\n  ".join(line.replace("`", "") for line in lines)


if __name__ == "__main__":
    main()

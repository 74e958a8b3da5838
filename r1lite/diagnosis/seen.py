"""What a finding is given: the metrics of the stage's first steps and of its last ones, and the settings."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from r1lite.settings.rounds import in_round, kind_of

FIRST = 3  # steps of a stage, to which later ones are compared
LASTING = 3  # steps in a row that make a finding
ENDING = 5  # steps after which one that is not seen any more has ended: after a short break it counts as the same
WINDOW = 20  # last steps that a finding can look at

Metrics = Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One logged step."""

    number: int
    metrics: Metrics

    def get(self, key: str, default: float = math.nan) -> float:
        """A metric; by default NaN, which is neither above nor below any limit."""
        return self.metrics.get(key, default)


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A stage up to its latest step."""

    stage: str
    first: Sequence[Step]  # its first steps
    last: Sequence[Step]  # its last steps, oldest first
    settings: Mapping[str, Any]  # flat: rl.lr

    @property
    def now(self) -> Step:
        return self.last[-1]

    def since(self, holds: Callable[[Step], bool], steps: int = LASTING) -> int | None:
        """The first of the last steps in a row for which this holds; None if they are too few."""
        count = next((i for i, step in enumerate(reversed(self.last)) if not holds(step)), len(self.last))
        return self.last[-count].number if count >= steps else None

    def start(self, key: str) -> float:
        """The mean over the stage's first steps; NaN before there are later ones."""
        values = [step.get(key) for step in self.first]
        return statistics.fmean(values) if len(values) == FIRST and self.now.number > self.first[-1].number else math.nan

    def recent(self, key: str, steps: int = LASTING) -> float:
        """The mean over the last steps that have the metric; NaN if none has it."""
        values = [value for step in self.last[-steps:] if not math.isnan(value := step.get(key))]
        return statistics.fmean(values) if values else math.nan

    def gain(self, key: str) -> float:
        """How much the metric rose since the first steps; NaN if that is not known."""
        return self.recent(key) - self.start(key)

    def keys(self, prefix: str) -> list[str]:
        """Metrics of the last steps whose name begins with this."""
        return sorted({key for step in self.last[-LASTING:] for key in step.metrics if key.startswith(prefix)})

    def evidence(self, *keys: str) -> dict[str, float]:
        """The recent values of these metrics, without those that there are none of."""
        return {key: value for key in keys if not math.isnan(value := self.recent(key))}

    def rules(self) -> dict[str, float]:
        """The rules with their weights, the one that decides what is correct first."""
        names = sorted({key.split(".")[1] for key in self.settings if key.startswith("rewards.")})
        weights = {name: float(self.settings.get(f"rewards.{name}.weight", 1.0) or 0.0) for name in names}
        right = self.settings.get("scoring.right_rule", "")
        return dict(sorted(weights.items(), key=lambda one: (one[0] != right, -one[1])))

    def own(self, name: str, default: Any = None) -> Any:
        """A setting of the stage's own section."""
        return self.settings.get(f"{kind_of(self.stage)}.{name}", default)

    def override(self, key: str, value: Any) -> str:
        """A setting as it is written on the command line. `own.lr` is the lr of the stage's section."""
        section, _, rest = key.partition(".")
        if section == "own":
            key = f"{kind_of(self.stage)}.{rest}"
        again = in_round(key, self.stage) if self.stage != kind_of(self.stage) else ""
        return f"{again or key}={value:g}" if isinstance(value, float) else f"{again or key}={value}"

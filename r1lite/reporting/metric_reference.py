"""What every metric of metrics.jsonl means: for `r1lite explain`, the metrics page and programs. The texts are in metric_texts.py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from r1lite.reporting.metric_texts import TEXTS


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """One metric, or a family of metrics whose names hold a rule's name: `reward/<rule>`."""

    name: str
    section: str  # heading on the metrics page
    unit: str
    meaning: str
    watch: str = ""  # what to look at when it leaves its range, or moves in the wrong direction
    low: float | None = None  # the healthy range; None is no limit on that side
    high: float | None = None

    @property
    def healthy(self) -> str:
        """The healthy range in words; empty if there is none."""
        if self.low is not None and self.high is not None:
            return f"{self.low:g} to {self.high:g}"
        return f"at least {self.low:g}" if self.low is not None else f"at most {self.high:g}" if self.high is not None else ""

    def is_healthy(self, value: float) -> bool:
        """Whether the value is inside the range. A metric without a range is always healthy, unless it is not a number."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high) and value == value

    def in_one_line(self) -> str:
        """What fits beside a chart."""
        healthy = f" Healthy: {self.healthy}." if self.healthy else ""
        return f"{self.meaning} Unit: {self.unit}.{healthy}{f' {self.watch}' if self.watch else ''}"


def _metrics() -> Iterator[Metric]:
    for section, texts in TEXTS.items():
        yield from (Metric(name=name, section=section, **text) for name, text in texts.items())


METRICS: dict[str, Metric] = {metric.name: metric for metric in _metrics()}


def metric_of(name: str) -> Metric | None:
    """The metric with this name, or the family that it belongs to; None if nothing is known of it."""
    return METRICS.get(name) or next((metric for metric, pattern in _families() if pattern.fullmatch(name)), None)


@cache
def _families() -> list[tuple[Metric, re.Pattern[str]]]:
    found = [metric for metric in METRICS.values() if "<" in metric.name]
    return [(metric, re.compile(re.sub(r"<\w+>", "[^/]+", metric.name))) for metric in found]


INTRO = """\
# Metrics

`metrics.jsonl` holds one JSON object per step, which any plotting tool can read. r1lite itself reports to no service.
A stage logs those that apply to it.
`r1lite explain METRIC` prints the text of one; with `run=RUN` also the run's own values. `r1lite explain format=markdown`
writes this page.

A healthy range is where runs that learn usually are; leaving it is a reason to look, not an error.
"""


def as_markdown() -> str:
    """The metrics page."""
    parts = [INTRO]
    for section in TEXTS:
        parts.append(f"## {section}\n\n| metric | unit | what it is | healthy | if not |\n|---|---|---|---|---|")
        rows = [metric for metric in METRICS.values() if metric.section == section]
        parts += [f"| `{one.name}` | {one.unit} | {one.meaning} | {one.healthy} | {one.watch} |" for one in rows]
        parts.append("")
    return "\n".join(parts)

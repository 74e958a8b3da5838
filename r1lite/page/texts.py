"""What is said about a metric when its chart is pointed at: from the catalogue of metrics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from r1lite.reporting.metric_reference import metric_of

FIELDS = ("unit", "meaning", "healthy", "watch", "low", "high")


def texts_of(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    found = {name: metric_of(name) for name in sorted(names)}
    return {name: {field: getattr(metric, field) for field in FIELDS} for name, metric in found.items() if metric is not None}

"""What is said about a metric when its chart is pointed at: from the catalogue of metrics."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

CATALOGUE = "r1lite.reporting.metric_reference"


def texts_of(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    try:
        metric_of = import_module(CATALOGUE).metric_of
    except ImportError:
        return {}
    found = {name: metric_of(name) for name in sorted(names)}
    fields = ("unit", "meaning", "healthy", "watch", "low", "high")
    return {name: {field: getattr(metric, field) for field in fields} for name, metric in found.items() if metric is not None}

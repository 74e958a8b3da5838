"""Pass rates by problem and step. Where hardly any problem comes twice, by rank in the step instead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from r1lite.page.steps import Group, Step

MAX_ROWS, MAX_COLUMNS = 80, 400
RETURNING = 0.2  # share of the groups whose problem comes again, from which on problems are worth a line each


def heat(steps: Sequence[Step]) -> dict[str, Any]:
    """{"by": "problem" or "rank", "steps", "rows": names, "cells": [[row, column, pass rate]], "left_out": problems}"""
    steps = steps[:: -(-len(steps) // MAX_COLUMNS)]
    times = Counter(group.problem for step in steps for group in step.groups)
    total = sum(times.values())
    returning = sum(count for count in times.values() if count > 1)
    made = _by_problem(steps, times) if total and returning / total >= RETURNING else _by_rank(steps)
    return made | {"steps": [step.step for step in steps]}


def _by_problem(steps: Sequence[Step], times: Counter[str]) -> dict[str, Any]:
    """The problems that come most often, the hardest first."""
    rows = [problem for problem, _ in times.most_common(MAX_ROWS)]
    rates: dict[tuple[str, int], list[float]] = {}
    for column, step in enumerate(steps):
        for group in step.groups:
            if group.judged:
                rates.setdefault((group.problem, column), []).append(_rate(group))
    means = {problem: [sum(r) / len(r) for (name, _), r in rates.items() if name == problem] for problem in rows}
    rows.sort(key=lambda problem: sum(means[problem]) / max(1, len(means[problem])))
    place = {problem: row for row, problem in enumerate(rows)}
    cells = [[place[problem], column, round(sum(r) / len(r), 3)] for (problem, column), r in rates.items() if problem in place]
    return {"by": "problem", "rows": rows, "cells": cells, "left_out": len(times) - len(rows)}


def _by_rank(steps: Sequence[Step]) -> dict[str, Any]:
    """In each step the groups from the lowest pass rate to the highest, thinned to the number of lines."""
    count = min(MAX_ROWS, max((len(step.groups) for step in steps), default=0))
    cells = []
    for column, step in enumerate(steps):
        rates = sorted(_rate(group) for group in step.groups if group.judged)
        lines = min(count, len(rates))
        cells += [[row, column, round(rates[int(row * len(rates) / lines)], 3)] for row in range(lines)]
    return {"by": "rank", "rows": [str(row + 1) for row in range(count)], "cells": cells, "left_out": 0}


def _rate(group: Group) -> float:
    return group.right / group.judged

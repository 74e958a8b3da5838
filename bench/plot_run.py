"""Plots the RL curves of a run, or of several seeds, from metrics.jsonl to an SVG file.

python -m bench.plot_run runs/demo docs/demo.svg
python -m bench.plot_run runs/seed-0 runs/seed-1 runs/seed-2 docs/seeds.svg
"""

from __future__ import annotations

import sys
from itertools import cycle
from pathlib import Path
from xml.sax.saxutils import escape

from bench._common.runs import read_steps

PANELS = {
    "correct answers": ("reward/answer", "reward/countdown", "reward/reasoning_gym"),
    "response length (tokens)": ("response/length_mean",),
    "groups without signal": ("zero_variance_share",),
    "entropy (nats)": ("entropy",),
}
WIDTH, HEIGHT, GAP, LEFT, TOP = 230, 150, 36, 44, 34
INK, GRID = "#24292f", "#d0d7de"
LINES = ("#0969da", "#bf8700", "#1a7f37", "#8250df", "#cf222e")  # one per run

Points = list[tuple[float, float]]


def main() -> None:
    *runs, target = map(Path, sys.argv[1:])
    steps = [read_steps(run, "rl") for run in runs]
    panels = [(title, [series for run in steps if (series := points(run, keys))]) for title, keys in PANELS.items()]
    target.write_text(drawing([panel(title, curves, i) for i, (title, curves) in enumerate(panels) if curves], len(panels)))


def points(steps: list[dict[str, float]], keys: tuple[str, ...]) -> Points:
    return [(step["step"], step[key]) for step in steps for key in keys if key in step]


def drawing(panels: list[str], count: int) -> str:
    width, height = LEFT + count * (WIDTH + GAP), TOP + HEIGHT + 40
    style = f'font-family="system-ui, sans-serif" font-size="12" fill="{INK}"'
    background = f'<rect width="{width}" height="{height}" fill="white"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" {style}>{background}{"".join(panels)}</svg>\n'


def panel(title: str, curves: list[Points], number: int) -> str:
    left = LEFT + number * (WIDTH + GAP)
    last = max(x for curve in curves for x, _ in curve)
    top = rounded_up(max(y for curve in curves for _, y in curve))
    parts = [f'<text x="{left}" y="{TOP - 14}" font-weight="600">{escape(title)}</text>']
    for share in (0, 0.5, 1):
        y = TOP + HEIGHT * (1 - share)
        parts.append(f'<line x1="{left}" x2="{left + WIDTH}" y1="{y}" y2="{y}" stroke="{GRID}"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">{top * share:g}</text>')
    for curve, colour in zip(curves, cycle(LINES), strict=False):
        coordinates = [(left + (x - 1) / max(1, last - 1) * WIDTH, TOP + HEIGHT - y / top * HEIGHT) for x, y in curve]
        path = "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in coordinates)
        parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
    parts.append(f'<text x="{left + WIDTH}" y="{TOP + HEIGHT + 18}" text-anchor="end">RL step {last:g}</text>')
    return "".join(parts)


def rounded_up(value: float) -> float:
    """The next round number, as the end of an axis."""
    for size in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 60, 80, 100, 200, 500, 1000, 5000):
        if value <= size:
            return size
    return value


if __name__ == "__main__":
    main()

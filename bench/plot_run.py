"""A run's curves as one SVG, from its metrics.jsonl.

python -m bench.plot_run runs/demo docs/demo.svg
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.sax.saxutils import escape

PANELS = {
    "right answers": ("reward/answer", "reward/countdown"),
    "response length (tokens)": ("response/length_mean",),
    "groups without signal": ("zero_variance_share",),
    "entropy (nats)": ("entropy",),
}
WIDTH, HEIGHT, GAP, LEFT, TOP = 230, 150, 36, 44, 34
INK, GRID, LINE = "#24292f", "#d0d7de", "#0969da"

Points = list[tuple[float, float]]


def main() -> None:
    run, target = Path(sys.argv[1]), Path(sys.argv[2])
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    steps = [line for line in lines if line["stage"] == "rl"]
    panels = [(title, points(steps, keys)) for title, keys in PANELS.items()]
    target.write_text(drawing([panel(title, series, i) for i, (title, series) in enumerate(panels) if series], len(panels)))


def points(steps: list[dict[str, float]], keys: tuple[str, ...]) -> Points:
    return [(step["step"], step[key]) for step in steps for key in keys if key in step]


def drawing(panels: list[str], count: int) -> str:
    width, height = LEFT + count * (WIDTH + GAP), TOP + HEIGHT + 40
    style = f'font-family="system-ui, sans-serif" font-size="12" fill="{INK}"'
    background = f'<rect width="{width}" height="{height}" fill="white"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" {style}>{background}{"".join(panels)}</svg>\n'


def panel(title: str, series: Points, number: int) -> str:
    left = LEFT + number * (WIDTH + GAP)
    last = max(x for x, _ in series)
    top = nice(max(y for _, y in series))
    place = [(left + (x - 1) / max(1, last - 1) * WIDTH, TOP + HEIGHT - y / top * HEIGHT) for x, y in series]
    path = "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in place)
    parts = [f'<text x="{left}" y="{TOP - 14}" font-weight="600">{escape(title)}</text>']
    for share in (0, 0.5, 1):
        y = TOP + HEIGHT * (1 - share)
        parts.append(f'<line x1="{left}" x2="{left + WIDTH}" y1="{y}" y2="{y}" stroke="{GRID}"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">{top * share:g}</text>')
    parts.append(f'<path d="{path}" fill="none" stroke="{LINE}" stroke-width="2"/>')
    parts.append(f'<text x="{left + WIDTH}" y="{TOP + HEIGHT + 18}" text-anchor="end">RL step {last:g}</text>')
    return "".join(parts)


def nice(value: float) -> float:
    """The next round number above, for an axis."""
    for size in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 60, 80, 100, 200, 500, 1000, 5000):
        if value <= size:
            return size
    return value


if __name__ == "__main__":
    main()

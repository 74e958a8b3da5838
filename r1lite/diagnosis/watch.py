"""Follows a run: says each finding once when it begins and once when it ends, and writes diagnosis.jsonl.

Everything follows from metrics.jsonl. A resumed stage is replayed up to its checkpoint without saying again what was said before.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from r1lite.config import Config
from r1lite.console import say
from r1lite.diagnosis import findings
from r1lite.diagnosis.finding import Finding, Signs, Weight
from r1lite.diagnosis.held_out import compared, held_out_flat
from r1lite.diagnosis.seen import ENDING, FIRST, WINDOW, Seen, Step
from r1lite.diagnosis.stopped import from_error
from r1lite.parallel import world
from r1lite.settings.resume import flat
from r1lite.settings.rounds import kind_of, settings_for
from r1lite.store.files import atomic

FILE = "diagnosis.jsonl"
Line = dict[str, Any]


class StageWatch:
    """The findings of one stage, step by step. Steps in, lines of diagnosis.jsonl out."""

    def __init__(self, stage: str, settings: Mapping[str, Any]) -> None:
        self.stage, self.settings = stage, settings
        self.findings = [f for f in findings.values() if kind_of(stage) in f.stages]
        self.first: list[Step] = []
        self.last: deque[Step] = deque(maxlen=WINDOW)
        self.active: dict[str, tuple[Line, int]] = {}  # finding -> its first line, and the last step in which it was seen

    def take(self, step: int, metrics: Mapping[str, float]) -> list[Line]:
        """What begins and what ends with this step."""
        at = Step(number=step, metrics=metrics)
        self.last.append(at)
        if len(self.first) < FIRST:
            self.first.append(at)
        seen = self.seen()
        signs = {f.name: (f, s) for f in self.findings if (s := f.function(seen)) is not None}
        lines = [self._begin(f, s, step) for f, s in signs.values() if f.name not in self.active and not self._explained(f, signs)]
        for name in signs:
            if name in self.active:
                self.active[name] = (self.active[name][0], step)
        return lines + [self._end(name, step) for name in self._over(step)]

    def seen(self) -> Seen:
        return Seen(stage=self.stage, first=self.first, last=list(self.last), settings=self.settings)

    def _explained(self, f: Finding, signs: Collection[str]) -> bool:
        """Whether another finding that is there explains this one. Of two that explain each other, the first is the cause."""
        there = [g for g in self.findings if f.name in g.explains and g is not f and (g.name in self.active or g.name in signs)]
        order = [g.name for g in self.findings]
        return any(g.name not in f.explains or g.name in self.active or order.index(g.name) < order.index(f.name) for g in there)

    def _begin(self, f: Finding, signs: Signs, step: int) -> Line:
        line: Line = {"event": "begins", "name": f.name, "stage": self.stage, "step": step, **_as_line(f.weight, signs)}
        self.active[f.name] = (line, step)
        return line

    def _over(self, step: int) -> list[str]:
        remarks = {f.name for f in self.findings if f.once}
        return [name for name, (_, seen) in self.active.items() if step - seen >= ENDING and name not in remarks]

    def _end(self, name: str, step: int) -> Line:
        line, _ = self.active.pop(name)
        return {**line, "event": "ends", "step": step}


def _as_line(weight: Weight, signs: Signs) -> Line:
    values = asdict(signs)
    evidence = {key: float(f"{value:.4g}") for key, value in signs.evidence.items()}
    order = ("since", "weight", "title", "evidence", "meaning", "overrides")
    return {key: values[key] for key in order} | {"weight": signs.weight or weight, "evidence": evidence, "overrides": [*signs.overrides]}


class Diagnosis:
    """The findings of a run. `Metrics` hands it every step."""

    def __init__(self, folder: Path, cfg: Config, *, tell: Callable[[Line], None] = lambda line: None) -> None:
        self.path, self.cfg = folder / FILE, cfg
        self.tell = tell  # the trackers
        self.watch: StageWatch | None = None
        self.failed = False

    def begin(self, stage: str, entries: Sequence[Mapping[str, Any]]) -> None:
        """A stage begins, or goes on after the steps of these lines of metrics.jsonl."""
        self._guarded(lambda: self._begin(stage, entries))

    def log(self, stage: str, step: int, metrics: Mapping[str, float]) -> None:
        self._guarded(lambda: self._take(step, metrics))

    def stop(self, stage: str, error: ValueError) -> None:
        """The stage ended with an error, which may be a finding itself."""
        self._guarded(lambda: self._stopped(stage, error))

    def evaluated(self, stage: str, entries: Sequence[Mapping[str, Any]]) -> None:
        """A stage that this process trained was evaluated: the entries of summary.json."""
        self._guarded(lambda: self._compare(stage, entries))

    def _compare(self, stage: str, entries: Sequence[Mapping[str, Any]]) -> None:
        if self.watch is None or self.watch.stage != stage or not self.watch.last or kind_of(stage) != "rl" or not world.is_leader():
            return
        seen, scores = self.watch.seen(), compared(entries, stage)
        if scores is None or seen.own("start", "previous") != "previous":
            return
        if (signs := held_out_flat(seen, *scores, self.cfg.evaluate.problems)) is not None:
            line = {"event": "begins", "name": held_out_flat.__name__, "stage": stage, "step": seen.now.number}
            self._write({**line, **_as_line("warning", signs)})

    def _begin(self, stage: str, entries: Sequence[Mapping[str, Any]]) -> None:
        self.watch = StageWatch(stage, flat(asdict(settings_for(self.cfg, stage))))
        said = read(self.path)
        replayed = [line for entry in entries for line in self.watch.take(entry["step"], _metrics_of(entry))]
        lines = [line for line in said if line["stage"] != stage] + replayed
        if lines or self.path.exists():
            with atomic(self.path) as part:
                part.write_text("".join(map(_json, lines)), encoding="utf-8")
        for line in replayed:
            if line not in said:
                self._announce(line)

    def _take(self, step: int, metrics: Mapping[str, float]) -> None:
        assert self.watch is not None
        for line in self.watch.take(step, metrics):
            self._write(line)

    def _stopped(self, stage: str, error: ValueError) -> None:
        if not world.is_leader() or self.watch is None:
            return
        step = self.watch.last[-1].number + 1 if self.watch.last else 1
        if (found := from_error(error, step)) is not None:
            name, signs = found
            self._write({"event": "begins", "name": name, "stage": stage, "step": step, **_as_line("error", signs)})

    def _write(self, line: Line) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(_json(line))
        self._announce(line)

    def _announce(self, line: Line) -> None:
        show(line)
        self.tell(line)

    def _guarded(self, call: Callable[[], None]) -> None:
        """A fault in a finding must not end a run that trains well."""
        if self.failed:
            return
        try:
            call()
        except Exception as error:
            self.failed = True
            say(f"the diagnosis failed and is off for the rest of this run: {type(error).__name__}: {error}")


@contextmanager
def until_error(watchers: Iterable[object], stage: str) -> Iterator[None]:
    """Tell the diagnosis, if it is among them, of an error that ends the stage."""
    try:
        yield
    except ValueError as error:
        for watcher in watchers:
            if isinstance(watcher, Diagnosis):
                watcher.stop(stage, error)
        raise


def read(path: Path) -> list[Line]:
    """The lines of diagnosis.jsonl; none if nothing was found. A line that was cut off by a kill is left out."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [value for line in lines if isinstance(value := _parsed(line), dict) and "stage" in value]


def show(line: Line) -> None:
    """Print a finding: what is seen, what it means, and what to paste."""
    if line["event"] == "ends":
        say(f"{line['stage']}: {line['name']} ended at step {line['step']} (began at step {line['since']})")
        return
    say(f"{line['stage']}: {line['weight']}: {line['title']} [{line['name']}, since step {line['since']}]\n  {line['meaning']}")
    if line["overrides"]:
        say(f"  try: {' '.join(line['overrides'])}")


def _metrics_of(entry: Mapping[str, Any]) -> dict[str, float]:
    return {key: value for key, value in entry.items() if key not in ("stage", "step")}


def _json(line: Line) -> str:
    return json.dumps(line, ensure_ascii=False) + "\n"


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None

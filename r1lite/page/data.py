"""All that a page shows, as JSON values: what is small for every run, and the rollouts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from r1lite import __version__
from r1lite.page.findings import findings
from r1lite.page.folder import DIAGNOSIS, RunFolder, finite
from r1lite.page.heat import heat
from r1lite.page.pieces import pieces_of
from r1lite.page.provenance import lineage, settings_table, sources
from r1lite.page.rollouts import Table
from r1lite.page.sample import MAX_CHARACTERS, MAX_ROLLOUTS, Chosen, choose
from r1lite.page.steps import Step, Steps
from r1lite.page.texts import texts_of
from r1lite.page.verdict import named, verdict

NOT_METRICS = ("stage", "step")


@dataclass
class Reader:
    """Reads one run again and again; what has not changed is not read twice."""

    run: RunFolder
    steps: Steps = field(default_factory=Steps)

    def overview(self) -> tuple[dict[str, Any], dict[str, list[Step]]]:
        """Everything but rollouts, and the steps whose rollouts there are."""
        run, self.run.notes = self.run, []
        settings, metrics, summary = run.settings(), run.metrics(), run.summary()
        began = [*dict.fromkeys([*(one["stage"] for one in lineage(run)), *(entry["stage"] for entry in metrics)])]
        ledgers = run.ledgers()
        files = {stage: ledgers[stage] for stage in [*began, *ledgers] if stage in ledgers}
        ledger = {stage: [*self.steps.read(own, run.notes)] for stage, own in files.items()}
        status, ending = run.status(), run.ending()
        if not metrics:
            run.notes.append("no step has been logged in metrics.jsonl: there are no curves")
        if not ledger:
            run.notes.append("the run directory holds no rollouts: there is nothing to search")
        curves = metrics_by_stage(metrics, run.notes)
        names = {name for stage in curves.values() for name in stage["values"]}
        return {
            "name": run.name,
            "status": status,
            "verdict": verdict(summary["stages"], metrics, status, ending),
            "control": bool((settings.get("rl") or {}).get("shuffle_rewards")),
            "task": str((settings.get("task") or {}).get("name", "")),
            "seconds": finite(summary.get("seconds")),
            "held_out": summary["stages"],
            "stages": [{"name": stage, "title": named(stage)} for stage in dict.fromkeys([*began, *ledger])],
            "metrics": curves,
            "ledger": {stage: by_step(read) for stage, read in ledger.items() if read},
            "heat": {stage: heat(read) for stage, read in ledger.items() if len(read) > 1},
            "findings": findings(run.lines(DIAGNOSIS)),
            "settings": settings_table(settings) if settings else [],
            "lineage": lineage(run),
            "sources": sources(run),
            "rollouts": sum(step.rollouts for read in ledger.values() for step in read),
            "texts": texts_of(names),
            "notes": [*dict.fromkeys(run.notes)],
        }, ledger

    def table(self, ledger: Mapping[str, Sequence[Step]], *, rollouts: int, characters: int) -> tuple[dict[str, Any], list[str]]:
        """The rollouts that the page holds, as columns, and notes about those that could not be read."""
        notes: list[str] = []
        chosen: list[Chosen] = choose(ledger, rollouts=rollouts, characters=characters)
        settings = self.run.settings()
        made = Table()
        made.add(chosen, {stage: pieces_of(self.run.path, stage, settings) for stage in ledger}, notes)
        return made.columns(), notes


def gather(readers: Sequence[Reader], *, rollouts: int = MAX_ROLLOUTS, characters: int = MAX_CHARACTERS) -> dict[str, Any]:
    """{"overview", "rollouts"} of all runs."""
    views = [reader.overview() for reader in readers]
    share = max(1, len(readers))
    tables = []
    for reader, (view, ledger) in zip(readers, views, strict=True):
        table, notes = reader.table(ledger, rollouts=max(1, rollouts // share), characters=characters // share)
        view["notes"] = [*dict.fromkeys([*view["notes"], *notes])]
        tables.append(table)
    return {"overview": overview([view for view, _ in views]), "rollouts": tables}


def overview(views: Sequence[dict[str, Any]]) -> dict[str, Any]:
    tasks = [*dict.fromkeys(view["task"] for view in views if view["task"])]
    notes = [f"the runs have different tasks ({', '.join(tasks)}): their curves cannot be compared"] if len(tasks) > 1 else []
    names = _distinct([view["name"] for view in views])
    return {"version": __version__, "runs": [view | {"name": name} for view, name in zip(views, names, strict=True)], "notes": notes}


def metrics_by_stage(metrics: Sequence[Mapping[str, Any]], notes: list[str]) -> dict[str, Any]:
    """{stage: {"steps": [...], "values": {metric: [...]}}}"""
    stages: dict[str, list[Mapping[str, Any]]] = {}
    for entry in metrics:
        stages.setdefault(entry["stage"], []).append(entry)
    result = {}
    for stage, entries in stages.items():
        entries.sort(key=lambda entry: entry["step"])
        names = [*dict.fromkeys(name for entry in entries for name in entry if name not in NOT_METRICS)]
        values = {name: [finite(entry.get(name)) for entry in entries] for name in names}
        for name, of_name in values.items():
            odd = [entry["step"] for entry, value in zip(entries, of_name, strict=True) if name in entry and value is None]
            if odd:
                notes.append(f"{stage}: {name} is no finite number in {len(odd)} steps, first in step {odd[0]}; its curve has gaps there")
        known = {name: of_name for name, of_name in values.items() if any(value is not None for value in of_name)}
        result[stage] = {"steps": [entry["step"] for entry in entries], "values": known}
    return result


def by_step(steps: Sequence[Step]) -> dict[str, Any]:
    bands = [step.band() for step in steps]
    rules = [*dict.fromkeys(rule for step in steps for rule in step.outcomes)]
    kinds = ("abstained", "failed", "timed_out")
    return {
        "steps": [step.step for step in steps],
        "groups": {kind: [band.get(kind, 0.0) for band in bands] for kind in ("right", "mixed", "wrong", "unjudged")},
        "strict": [step.strict for step in steps],
        "lenient": [step.lenient for step in steps],
        "outcomes": {rule: {kind: [step.outcomes.get(rule, {}).get(kind, 0.0) for step in steps] for kind in kinds} for rule in rules},
    }


def _distinct(names: Sequence[str]) -> list[str]:
    return [name if names.count(name) == 1 else f"{name} ({names[: i + 1].count(name)})" for i, name in enumerate(names)]

"""Runs the stages of a configuration in their order, in one run directory. Each starts from the weights that its `start` names."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from r1lite.config import Config

if TYPE_CHECKING:  # everything heavy is imported where it is used, so that --help answers at once
    from r1lite.store.run import Run


def train(cfg: Config) -> dict[str, Any]:
    """Run the stages, except for those that are finished already, and return the summary."""
    from r1lite.checks.ranks import check_ranks
    from r1lite.checks.run import check
    from r1lite.console import say
    from r1lite.diagnosis.watch import Diagnosis
    from r1lite.models.prepare import prepare_torch
    from r1lite.models.pretrained import locate
    from r1lite.parallel import exchange, stop
    from r1lite.registry import load_plugins
    from r1lite.reporting.summary import Report
    from r1lite.settings.stages import BASE, stage_of, start_of, with_sections
    from r1lite.store.run import Run

    prepare_torch(cfg)
    load_plugins(cfg.plugins)
    cfg = with_sections(cfg, [*cfg.stages, *cfg.rounds])
    check_ranks(cfg)
    for notice in exchange.on_leader(lambda: check(cfg)):
        say(notice)
    with Run(cfg).opened() as run, watched(cfg, run.folder):
        diagnosis = Diagnosis(run.folder, cfg, tell=run.metrics.trackers.alert)
        if cfg.diagnosis.enabled:
            run.metrics.watchers.append(diagnosis)
        report = Report(run)
        first = stage_of(cfg.stages[0])
        base = "" if first.from_scratch else locate(cfg.model.path)
        if base and not first.tests:
            report.add(BASE, base, seconds=0.0)
        weights = {BASE: base, "previous": base}
        for name in cfg.stages:
            start = start_of(cfg, name)
            start = weights[start] if start in weights else locate(start)
            weights[name] = weights["previous"] = run_stage(name, start, cfg, run)
            weights[BASE] = weights[BASE] or weights[name]  # trained from scratch
            stop.leave_if_asked(f"after stage {name}")
            report.add(name, weights[name], seconds=run.seconds(name), unchanged=weights[name] == start)
            diagnosis.evaluated(name, report.entries)
        return report.finish()


def watched(cfg: Config, folder: Path) -> AbstractContextManager[None]:
    """With `watch=true`, the page of the run, served by the leader's machine."""
    from r1lite.page.beside import page_beside
    from r1lite.parallel import world

    return page_beside(folder) if cfg.watch and world.is_leader() else nullcontext()


def run_stage(name: str, start: str, cfg: Config, run: Run) -> str:
    """Run a stage, unless it is finished, and return the path of its weights."""
    from r1lite.console import say
    from r1lite.diagnosis.watch import until_error
    from r1lite.parallel import doing
    from r1lite.preflight.before import look_before
    from r1lite.settings.rounds import kind_of, settings_for
    from r1lite.settings.stages import stages
    from r1lite.store.checkpoint import Checkpoints

    doing.begin_stage(name)
    weights = run.finished(name, start)
    if weights is not None:
        say(f"{name}: already finished")
    else:
        look_before(name, start, cfg, run)
        run.begin(name, start)
        spent, begun = run.metrics.seconds(name), time.perf_counter()
        with until_error(run.metrics.watchers, name):
            weights = stages[kind_of(name)](settings_for(cfg, name), Path(start), run.place(name))
        run.finish(name, start, weights, seconds=round(spent + time.perf_counter() - begun, 2))
    Checkpoints(run.place(name).checkpoints).clear()
    return str(weights)

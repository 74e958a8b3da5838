"""The training loop of all stages but RL: resumes from the last checkpoint, logs every step, saves checkpoints and the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from r1lite.config import TrainingConfig
from r1lite.console import Progress
from r1lite.parallel import doing, stop
from r1lite.parallel.drift import check_weights
from r1lite.store.checkpoint import Checkpoints
from r1lite.store.metrics import Stopwatch
from r1lite.store.run import Place
from r1lite.types import Learner


def run_steps(
    learner: Learner,
    take_step: Callable[[int], Mapping[str, float]],  # step -> its metrics
    cfg: TrainingConfig,
    place: Place,
    *,
    steps: int,
    shown: tuple[str, ...],
) -> None:
    checkpoints = Checkpoints(place.checkpoints, in_background=place.saves_in_background)
    done = checkpoints.restore(learner).step
    place.metrics.begin(place.name, done)
    with stop.after_steps(), Progress(place.name, steps, done) as progress:
        for step in range(done + 1, steps + 1):
            doing.begin_step(step)
            watch = Stopwatch()
            with watch.lap("train"):
                metrics = take_step(step)
            place.metrics.log(place.name, step, dict(metrics) | watch.metrics())
            progress.advance({name.rpartition("/")[2]: metrics[name] for name in shown})
            end_step(step, learner, cfg, place, checkpoints, last=steps, save=partial(checkpoints.save, step, learner))
    doing.begin_phase("save")
    checkpoints.wait()
    learner.save(place.final)


def end_step(
    step: int,
    learner: Learner,
    cfg: TrainingConfig,
    place: Place,
    checkpoints: Checkpoints,
    *,
    last: int,
    save: Callable[[], None],
) -> None:
    """Save a checkpoint if one is due, and stop if the run is asked to. Before each, and now and then, ranks compare their weights."""
    stopping = stop.is_asked() and step < last
    saving = stopping or (step % cfg.checkpoint_every == 0 and step < last)
    if place.compares_every and (saving or step % place.compares_every == 0):
        check_weights(step, learner.weights())
    if saving:
        doing.begin_phase("save")
        save()
    if stopping:
        checkpoints.wait()
        raise stop.Stopped(f"after step {step} of {place.name}", agreed=True)

"""Selects the weights that a supervised stage ends with: the last, or the best start for reinforcement learning.

A group has signal if its rewards differ. After too little supervised training all rollouts fail, and after too much they are
all alike; the loss shows neither. So at a few steps the policy answers some training problems, sampled as in RL, and the weights
with the largest share of groups with signal are kept.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from r1lite.advantage import has_signal
from r1lite.config import ImitationConfig
from r1lite.console import say
from r1lite.learning.policy import Policy
from r1lite.learning.sharding import full_weights
from r1lite.parallel import exchange
from r1lite.scoring.metrics import rewards_of
from r1lite.scoring.scorer import Scorer
from r1lite.store.files import read_json, remove, write_json
from r1lite.store.run import Place
from r1lite.store.tensors import load_folder, save_folder
from r1lite.types import Problem, Sampler, Scored, masked_select

GATES = ("last", "signal")  # values of the stage's setting `gate`
TABLE = "gate.json"
Measurement = dict[str, float]


class BestCheckpoint:
    """Measures a stage's weights at some steps and keeps the best. After resuming, steps in the table are not measured again."""

    def __init__(
        self,
        policy: Policy,
        sampler: Sampler,
        scorer: Scorer,
        problems: Sequence[Problem],
        settings: ImitationConfig,
        place: Place,
        *,
        group_size: int,
        seed: str,
    ) -> None:
        self.policy, self.sampler, self.scorer = policy, sampler, scorer
        self.problems, self.group_size, self.seed = problems, group_size, seed
        self.settings, self.name = settings, place.name
        self.table, self.folder = place.out / TABLE, place.checkpoints  # this folder exists until the stage is marked as finished
        self.measurements: list[Measurement] = read_json(self.table) if self.table.is_file() else []

    def measure(self, step: int) -> dict[str, float]:
        """The step's metrics, if it is one to measure. Its weights are saved if they are the best so far."""
        if step % self.settings.gate_every and step != self.settings.steps:
            return {}
        measurement = next((m for m in self.measurements if m["step"] == step), None)
        if measurement is None:
            self.sampler.load(full_weights(self.policy.weights()))
            groups = self.scorer.score(self.sampler.sample(self.problems, n=self.group_size, seed=self.seed))
            measurement = {"step": step, **figures(groups)}
            if best([*self.measurements, measurement]) is measurement:
                self._save_weights(step)
            self.measurements.append(measurement)
            exchange.leader_writes(lambda: write_json(self.table, self.measurements))
        return {f"gate/{name}": value for name, value in measurement.items() if name != "step"}

    def save_best(self, final: Path) -> None:
        """Save the best weights in place of the last."""
        chosen = best(self.measurements)
        signal, correct = f"{chosen['live_share']:.0%} of groups have signal", f"{chosen['pass_rate']:.0%} of responses are correct"
        say(f"{self.name}: keeps the weights of step {chosen['step']}: {signal}, {correct}")
        if chosen["step"] != self.settings.steps:
            load_folder(self._path(int(chosen["step"])), dict(self.policy.weights()))
            self.policy.save(final)

    def _save_weights(self, step: int) -> None:
        save_folder(self._path(step), dict(self.policy.weights()))
        exchange.leader_writes(lambda: self._remove_others(step))

    def _remove_others(self, step: int) -> None:
        for path in self.folder.glob("gate-*"):
            if path != self._path(step):
                remove(path)

    def _path(self, step: int) -> Path:
        return self.folder / f"gate-{step:06d}"


def figures(groups: Sequence[Sequence[Scored]]) -> Measurement:
    """The figures of one measurement. RL has groups of the same size, so it can expect this share of them to have signal."""
    scored = [s for group in groups for s in group]
    logprobs = [logprob for s in scored for logprob in masked_select(s.rollout.logprobs, s.rollout.mask)]
    return {
        "live_share": statistics.fmean(has_signal(rewards_of(group)) for group in groups),
        "pass_rate": statistics.fmean(s.right for s in scored),
        "entropy": -statistics.fmean(logprobs),  # an unbiased estimate, from the sampled tokens
        "length_mean": statistics.fmean(s.rollout.written for s in scored),
    }


def best(measurements: Sequence[Measurement]) -> Measurement:
    """The one with the largest share of groups with signal, then with the most correct responses, then the earliest."""
    return max(measurements, key=lambda m: (m["live_share"], m["pass_rate"], -m["step"]))

"""Which of a supervised stage's weights come out: the last, or those that leave reinforcement learning the most to learn from.

A group teaches where its rewards differ. Too little supervised training and all rollouts fail, too much and they are all
alike; the lowest loss knows nothing of it. So at a few steps the policy answers some training problems, as RL would ask
them, and the weights with the largest share of live groups are kept.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from r1lite.advantage import has_signal
from r1lite.build import make_prompter, make_sampler, training_problems
from r1lite.config import Config, ImitationConfig
from r1lite.console import say
from r1lite.data.feed import Feed
from r1lite.learning.optimiser import load_weights
from r1lite.learning.policy import Policy
from r1lite.scoring.metrics import rewards_of
from r1lite.scoring.scorer import Scorer
from r1lite.store.files import atomic, read_json, remove, write_json
from r1lite.store.run import Place
from r1lite.types import Scored, masked_select

GATES = ("last", "signal")
TABLE = "gate.json"
Look = Mapping[str, float]


class Gate:
    """The looks of one stage. A look that is in the table is not taken again: after a resume the same steps give the same weights."""

    def __init__(self, policy: Policy, cfg: ImitationConfig, whole: Config, place: Place, scorer: Scorer) -> None:
        self.policy, self.cfg, self.scorer = policy, cfg, scorer
        self.table, self.kept = place.out / TABLE, place.checkpoints  # which is there until the stage is marked as finished
        self.seed, self.rollouts = f"{whole.seed}/{place.name}/gate", whole.rl.group_size
        prompter = make_prompter(policy.tokenizer, whole)
        self.problems = Feed(training_problems(whole), seed=self.seed, prompter=prompter, limits=whole.prompt).take(cfg.gate_prompts)
        self.sampler = make_sampler(policy.model, prompter, whole)
        self.looks: list[dict[str, float]] = read_json(self.table) if self.table.is_file() else []

    def look(self, step: int) -> dict[str, float]:
        """What is seen at this step, if it is one to look at; its weights are kept while they are the best."""
        if step % self.cfg.gate_every and step != self.cfg.steps:
            return {}
        seen = next((look for look in self.looks if look["step"] == step), None)
        if seen is None:
            self.sampler.load(self.policy.weights())
            groups = self.scorer.score(self.sampler.sample(self.problems, n=self.rollouts, seed=self.seed))
            seen = {"step": step, **figures(groups)}
            if best([*self.looks, seen]) is seen:
                self._keep(step)
            self.looks.append(seen)
            write_json(self.table, self.looks)
        return {f"gate/{name}": value for name, value in seen.items() if name != "step"}

    def settle(self, final: Path) -> None:
        """Save the best weights in place of the last."""
        from safetensors.torch import load_file

        chosen = best(self.looks)
        say(f"the gate takes step {chosen['step']}: of its groups {chosen['live_share']:.0%} are live, {chosen['pass_rate']:.0%} right")
        if chosen["step"] != self.cfg.steps:
            load_weights(self.policy.weights(), load_file(self._weights(int(chosen["step"]))))
            self.policy.save(final)

    def _keep(self, step: int) -> None:
        from safetensors.torch import save_file

        with atomic(self._weights(step)) as part:
            save_file({name: p.detach().contiguous() for name, p in self.policy.weights()}, part)
        for path in self.kept.glob("gate-*.safetensors"):
            if path != self._weights(step):
                remove(path)

    def _weights(self, step: int) -> Path:
        return self.kept / f"gate-{step:06d}.safetensors"


def figures(groups: Sequence[Sequence[Scored]]) -> dict[str, float]:
    """Of one look. RL samples as many rollouts of a prompt, so the share of live groups is what it may expect."""
    everyone = [s for group in groups for s in group]
    logprobs = [logprob for s in everyone for logprob in masked_select(s.rollout.logprobs, s.rollout.mask)]
    return {
        "live_share": statistics.fmean(has_signal(rewards_of(group)) for group in groups),
        "pass_rate": statistics.fmean(s.right for s in everyone),
        "entropy": -statistics.fmean(logprobs),  # of the tokens that were drawn, which estimates it without bias
        "length_mean": statistics.fmean(s.rollout.written for s in everyone),
    }


def best(looks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The largest share of live groups; then what is right more often; then what came first."""
    return max(looks, key=lambda look: (look["live_share"], look["pass_rate"], -look["step"]))

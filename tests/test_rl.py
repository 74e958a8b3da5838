"""One step of reinforcement learning: what is sampled again, what is split, what is corrected. The pieces are stand-ins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from r1lite.config import Config
from r1lite.objective import Objective
from r1lite.rl.collect import collect
from r1lite.stages.rl import Parts, update, without_signal
from r1lite.types import Group, Problem, Rollout, Sample, Scored, Totals, Verdict


class Counting:
    """A feed of numbered problems, of which every third has answers that differ."""

    settled = ()

    def __init__(self) -> None:
        self.position, self.skipped, self.seeds, self.seed = 0, 0, [], "0/rl"

    def begin(self, step: int, steps: int) -> None:
        """Nothing is too hard."""

    def learn(self, groups: list[list[Scored]]) -> None:
        """Nor too easy."""

    def metrics(self) -> dict[str, float]:
        return {"prompts/skipped": float(self.skipped)}

    def take(self, count: int) -> list[Problem]:
        self.position += count
        return [Problem(id=str(i), prompt="?") for i in range(self.position - count, self.position)]

    def sample(self, problems: Sequence[Problem], *, n: int, seed: str) -> Iterator[Group]:
        self.seeds.append(seed)
        for problem in problems:
            rollouts = [
                Rollout(problem_id=problem.id, index=i, prompt_ids=(1,), token_ids=(2,), logprobs=(-1.0,), text="") for i in range(n)
            ]
            yield Group(problem=problem, rollouts=tuple(rollouts))

    def ask(self, groups: Iterator[Group]) -> list[Group]:
        return list(groups)

    def broken(self) -> None:
        return None

    def load(self, weights: Any) -> None:
        """Nothing of it changes."""

    def wait(self, asked: list[Group]) -> list[list[Scored]]:
        return [[self.scored(group, r) for r in group.rollouts] for group in asked]

    def scored(self, group: Group, rollout: Rollout) -> Scored:
        reward = float(rollout.index == 0 and int(group.problem.id) % 3 == 0)
        return Scored(problem=group.problem, rollout=rollout, reward=reward, verdicts={"rule": Verdict(value=reward)})


class Recording:
    """A policy that remembers what it was given."""

    def __init__(self) -> None:
        self.steps: list[tuple[list[Sample], Totals | None]] = []
        self.lr = 0.5

    def step(self, samples: Sequence[Sample], objective: Objective, *, totals: Totals | None = None) -> dict[str, float]:
        self.steps.append((list(samples), totals))
        return {"mismatch/kl": float(len(self.steps)), "tokens/trained": 1.0, "lr": self.lr}

    def logprobs(self, samples: Sequence[Sample]) -> list[list[float]]:
        return [[-2.0] * len(s.token_ids) for s in samples]


def parts(objective: Objective | None = None) -> tuple[Any, Recording]:
    policy = Recording()
    made = Parts(
        policy=policy,  # pyright: ignore
        scorer=None,  # pyright: ignore
        source=None,  # pyright: ignore
        parity=None,  # pyright: ignore
        objective=objective or Objective(),
        ledger=None,  # pyright: ignore
        checkpoints=None,  # pyright: ignore
    )
    return made, policy


def test_groups_without_signal_are_refilled_up_to_a_bound(config: Callable[..., Config]) -> None:
    for rounds, problems, live in ((0, 6, 2), (1, 10, 4), (2, 12, 4), (9, 16, 6)):
        source: Any = Counting()
        cfg = config("rl.prompts_per_step=6", "rl.group_size=2")
        groups = collect(source, source, source, cfg.rl, rounds, 1, 0).groups
        assert (source.position, len(groups)) == (problems, problems)
        assert sum(group[0].reward > 0 for group in groups) == live
        assert len(set(source.seeds)) == len(source.seeds)


SAMPLES = [Sample(prompt_ids=(1,), token_ids=(i,), logprobs=(-1.0,)) for i in range(5)]


def test_a_steps_rollouts_are_split_into_updates_and_may_come_again(config: Callable[..., Config]) -> None:
    made, policy = parts()
    metrics = update(made, SAMPLES, config("rl.updates_per_step=2", "rl.epochs=2"), Totals(tokens=10, sequences=8))
    assert [[s.token_ids[0] for s in samples] for samples, _ in policy.steps] == [[0, 2, 4], [1, 3]] * 2
    assert {totals for _, totals in policy.steps} == {Totals(tokens=5, sequences=4)}
    # The first update alone met the sampler's policy.
    assert (metrics["tokens/trained"], metrics["mismatch/kl"]) == (4.0, 1.0)


def test_a_step_without_signal_changes_nothing(config: Callable[..., Config]) -> None:
    made, policy = parts()
    assert update(made, [], config(), None) == {"tokens/trained": 0, "lr": 0.5}
    assert policy.steps == []


def test_without_signal_says_why_nothing_is_trained() -> None:
    (group,) = Counting().sample([Problem(id="1", prompt="?")], n=1, seed="0")
    metrics = {"reward/mean": 0.0, "response/clipped_share": 0.5}

    def said(text: str) -> str:
        rollout = replace(group.rollouts[0], text=text)
        return without_signal(metrics, [[Scored(problem=group.problem, rollout=rollout, verdicts={}, reward=0.0)]])

    assert "the rewards of every group are equal (mean 0); 50% of the responses are cut off. No response has the tags" in said("It is 4.")
    assert "ask for them in prompt.system" in said("It is 4.")
    assert "tags" not in said("<think>Well</think> 4")
    assert without_signal({"response/clipped_share": 0.0}, []).endswith("the reasons are in the ledger")


def test_for_a_correction_the_trainers_own_logprobs_are_taken_first(config: Callable[..., Config]) -> None:
    made, policy = parts(Objective(correction="truncate"))
    update(made, SAMPLES, config("rl.updates_per_step=1"), None)
    ((samples, _),) = policy.steps
    assert samples == [replace(s, old_logprobs=(-2.0,)) for s in SAMPLES]


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_what_has_high_entropy_is_known_for_the_whole_step(share: float, model: Any, tokenizer: Any, config: Callable[..., Config]) -> None:
    from r1lite.learning.policy import Policy

    samples = [Sample(prompt_ids=(9, 8), token_ids=(1 + i, 2, 3), logprobs=(-5.0,) * 3, advantage=1.0 - i) for i in range(4)]

    def gradient(tokens: int) -> Any:
        policy = Policy(model, tokenizer, config(f"rl.micro_batch_tokens={tokens}").rl, total_steps=1, entropy_share=share)
        policy.optimiser.step = dict  # pyright: ignore
        policy.step(samples, Objective())
        found = model.get_input_embeddings().weight.grad.clone()
        model.zero_grad()
        return found

    one, whole = gradient(1), gradient(8192)
    assert one.allclose(whole, atol=1e-6)
    assert whole.abs().sum() > 0

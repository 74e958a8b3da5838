"""The parity check: equal log-probs pass, and each injected fault is named."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from samplers import native
from torch import Tensor

from r1lite.learning.batch import collate
from r1lite.learning.policy import Policy
from r1lite.objective import Objective
from r1lite.prompt import Prompter
from r1lite.rl.collect import Collected
from r1lite.rl.mismatch import Evidence, likely_cause
from r1lite.rl.parity import ParityCheck, parity_metrics, spread, within_threshold
from r1lite.sampling.native.draw import filtered
from r1lite.sampling.rollouts import Sampler
from r1lite.types import Group, Problem, Rollout, Sample, Scored

PROBLEMS = [Problem(id=f"p{i}", prompt=f"{i}+{i}*3 mod 23") for i in range(6)]
Fault = Callable[[Problem, Rollout], Rollout]


class Faulty:
    """A sampler whose rollouts are changed on their way to the trainer, and which may not listen to new weights."""

    def __init__(self, inner: Sampler, fault: Fault = lambda _, r: r, *, deaf: bool = False) -> None:
        self.inner, self.fault, self.deaf = inner, fault, deaf

    def sample(self, problems: Sequence[Problem], *, n: int, seed: str, greedy: bool = False) -> Iterator[Group]:
        for group in self.inner.sample(problems, n=n, seed=seed, greedy=greedy):
            yield replace(group, rollouts=tuple(self.fault(group.problem, r) for r in group.rollouts))

    def load(self, weights: Iterable[tuple[str, Tensor]]) -> None:
        if not self.deaf:
            self.inner.load(weights)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A policy, and what is needed to sample for it."""

    policy: Policy
    parity: Callable[[Any], ParityCheck]
    sampler: Callable[..., Sampler]


@pytest.fixture
def bench(model: Any, tokenizer: Any, config: Any) -> Callable[..., Bench]:
    def made(*overrides: str) -> Bench:
        cfg = config("sampler.max_tokens=24", "parity.sequences=12", "rl.lr=0.02", "rl.warmup_steps=0", *overrides)
        policy = Policy(model, tokenizer, cfg.rl, total_steps=10, temperature=cfg.sampler.temperature)

        def sampler(of: Any = model, *, prefill: str = "", **changes: Any) -> Sampler:
            made = native(of, Prompter(tokenizer=tokenizer, prefill=prefill), replace(cfg.sampler, **changes))
            made.engine.ends = frozenset(range(0, len(tokenizer), 9))  # random weights would seldom choose the one end token
            return made

        return Bench(policy=policy, parity=lambda s: ParityCheck(cfg.parity, policy, s, cfg.sampler), sampler=sampler)

    return made


def collected(sampler: Any, weights: int = 0, seed: str = "s") -> Collected:
    groups = sampler.sample(PROBLEMS, n=4, seed=f"{seed}{weights}")
    scored = [[Scored(problem=g.problem, rollout=r, reward=0.0, verdicts={}) for r in g.rollouts] for g in groups]
    return Collected(
        groups=scored, sampled_by=[0] * len(scored), weights_step=weights, position=6, settled=(), prompts={}, broken=None, seconds={}
    )


def refusal(bench: Bench, sampler: Any) -> str:
    with pytest.raises(ValueError, match="the sampler's log-probs are not the trainer's, so step 1 was not trained on") as refused:
        bench.parity(sampler).check(1, collected(sampler), {})
    return str(refused.value)


def train(bench: Bench) -> None:
    bench.policy.step([Sample(prompt_ids=(9, 8, 7), token_ids=(1, 2, 3), logprobs=(-5.0,) * 3)], Objective())


@pytest.mark.parametrize("overrides", [(), ("sampler.temperature=0.7",), ("sampler.top_p=0.8", "sampler.top_k=12")])
def test_what_is_the_same_passes_step_after_step(overrides: tuple[str, ...], bench: Callable[..., Bench]) -> None:
    made = bench(*overrides)
    sampler = made.sampler()
    parity = made.parity(sampler)
    for step in (1, 2, 3):
        found = parity.check(step, collected(sampler, step - 1), {})
        assert found["parity/mean"] <= found["parity/max"] < 1e-5
        assert 0 <= found["mismatch/kl"] < 1e-9
        train(made)


def test_a_prompt_that_the_sampler_did_not_use_is_named(bench: Callable[..., Bench]) -> None:
    made = bench()
    reported = made.sampler(prefill="<think>").prompter
    said = refusal(made, Faulty(made.sampler(), lambda problem, r: replace(r, prompt_ids=reported.ids(problem))))
    assert "Prompt: the first 1 tokens of a response differ by " in said
    assert "check the chat template, prompt.prefill" in said


def test_another_end_token_is_named(bench: Callable[..., Bench]) -> None:
    def translated(_: Problem, r: Rollout) -> Rollout:
        return replace(r, token_ids=(*r.token_ids[:-1], r.token_ids[-1] + 1)) if r.finish == "stop" else r

    made = bench()
    assert "End token: the last token of a response differs by " in refusal(made, Faulty(made.sampler(), translated))


def test_an_end_token_that_is_not_counted_is_named(bench: Callable[..., Bench]) -> None:
    made = bench()
    said = refusal(made, Faulty(made.sampler(), lambda _, r: replace(r, logprobs=r.logprobs[:-1])))
    assert "the sampler must report one for each token, including the end token" in said


def test_a_token_that_cannot_have_been_drawn_is_named(bench: Callable[..., Bench]) -> None:
    made = bench()
    said = refusal(made, Faulty(made.sampler(), lambda _, r: replace(r, logprobs=(-math.inf, *r.logprobs[1:]))))
    assert "the sampler reports tokens that it sampled as impossible" in said


@pytest.mark.parametrize(("meant", "real"), [(0.6, 1.0), (1.0, 0.6), (1.3, 1.0)])
def test_another_temperature_is_named_with_its_value(meant: float, real: float, bench: Callable[..., Bench]) -> None:
    made = bench(f"sampler.temperature={meant}")
    said = refusal(made, Faulty(made.sampler(temperature=real)))
    fitted = float(said.partition("they fit ")[2].partition(",")[0])
    assert fitted == pytest.approx(real, rel=0.02)
    assert f"not sampler.temperature={meant:g}" in said


def test_logprobs_after_top_p_are_named(bench: Callable[..., Bench]) -> None:
    made = bench("sampler.top_p=0.7")

    def after_top_p(_: Problem, r: Rollout) -> Rollout:
        ids = torch.tensor([r.prompt_ids + r.token_ids])
        with torch.no_grad():
            logits = made.policy.model(ids).logits[0, len(r.prompt_ids) - 1 : -1]
        kept = filtered(torch.log_softmax(logits, -1), top_k=0, top_p=0.7).log_softmax(-1)
        return replace(r, logprobs=tuple(kept.gather(1, torch.tensor(r.token_ids)[:, None])[:, 0].tolist()))

    said = refusal(made, Faulty(made.sampler(), after_top_p))
    assert "Top-p or top-k: no token is less likely by the sampler's log-probs than by the trainer's (sampler.top_p=0.7, top_k=0)" in said


def test_coarser_numbers_are_named_and_allowed_where_they_are_known(bench: Callable[..., Bench]) -> None:
    made = bench()
    coarse = made.sampler(copy.deepcopy(made.policy.model).to(torch.bfloat16))
    sampler: Any = Faulty(coarse)
    said = refusal(made, sampler)
    assert "Precision: small differences everywhere" in said
    assert "parity.threshold allows a mean of 0.001" in said
    sampler.dtype = torch.bfloat16  # it says so: then another threshold holds
    assert 1e-3 < made.parity(sampler).check(1, collected(sampler), {})["parity/mean"] < 0.1
    sampler.fault = lambda _, r: replace(r, logprobs=tuple(x + 0.12 * (-1) ** i for i, x in enumerate(r.logprobs)))
    said = refusal(made, sampler)
    assert "The sampler computes in bfloat16, the trainer in float32" in said
    assert "parity.threshold_bfloat16 allows a mean of 0.1" in said


def test_weights_that_a_sampler_did_not_take_over_are_named(bench: Callable[..., Bench]) -> None:
    made = bench()
    sampler = Faulty(made.sampler(copy.deepcopy(made.policy.model)), deaf=True)
    parity = made.parity(sampler)
    parity.check(1, collected(sampler, 0), {})
    train(made)
    sampler.load(made.policy.weights())
    with pytest.raises(ValueError, match=r"Stale weights: before the last sync they differed by .*e-0[67], after it by 0"):
        parity.check(2, collected(sampler, 1), {})
    sampler.deaf = False
    sampler.load(made.policy.weights())
    parity.check(2, collected(sampler, 1), {})


@dataclass(frozen=True, kw_only=True, slots=True)
class Versioned(Rollout):
    version: int = 0


def test_weights_that_are_old_by_their_own_account_are_named(bench: Callable[..., Bench]) -> None:
    made = bench()
    sampler = Faulty(made.sampler(copy.deepcopy(made.policy.model)), deaf=True)

    def numbered(got: Collected, version: int) -> Collected:
        fields = ("problem_id", "index", "prompt_ids", "token_ids", "logprobs", "text")
        groups = [
            [replace(s, rollout=Versioned(**{f: getattr(s.rollout, f) for f in fields}, version=version)) for s in group]
            for group in got.groups
        ]
        return replace(got, groups=groups)

    parity = made.parity(sampler)
    parity.check(1, numbered(collected(sampler, 0), 7), {})
    train(made)
    with pytest.raises(ValueError, match=r"Stale weights: new weights were loaded since .* still reports version 7"):
        parity.check(2, numbered(collected(sampler, 1), 7), {})


def test_another_model_is_named(bench: Callable[..., Bench]) -> None:
    made = bench()
    other = copy.deepcopy(made.policy.model)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.copy_(parameter.flatten().flip(0).view_as(parameter))
    assert "Other weights: they differ throughout the responses" in refusal(made, Faulty(made.sampler(other)))


def test_a_disabled_check_computes_nothing(bench: Callable[..., Bench]) -> None:
    made = bench("parity.sequences=0")
    lying = Faulty(made.sampler(), lambda _, r: replace(r, logprobs=(0.0,) * len(r.logprobs)))
    assert made.parity(lying).check(1, collected(lying), {}) == {}


def evidence(sampler: list[list[float]], trainer: list[list[float]], config: Any, **known: Any) -> Evidence:
    found = {"ended": [True] * len(trainer), "threshold": 0.001, "at_temperature": lambda _: trainer, "dtypes": ("float32",) * 2} | known
    return Evidence(sampler=sampler, trainer=trainer, sampling=config().sampler, **found)


def test_the_figures_are_those_of_the_formulas(config: Any) -> None:
    found = parity_metrics(evidence([[-1.0, -2.0]], [[-1.5, -1.9]], config))
    k3 = (math.exp(-0.5) - 1 + 0.5 + math.exp(0.1) - 1 - 0.1) / 2
    assert found == pytest.approx({"parity/mean": 0.3, "parity/max": 0.5, "mismatch/kl": k3})


def test_one_wrong_end_in_a_thousand_tokens_is_not_lost_in_the_mean(config: Any) -> None:
    row = [-1.0] * 1000
    assert within_threshold(evidence([[-1.0009] * 1000], [row], config))
    assert not within_threshold(evidence([[-1.0011] * 1000], [row], config))
    for wrong in ([*row[:-1], -1.5], [-1.5, *row[1:]]):
        seen = evidence([wrong], [row], config)
        assert seen.mean() < seen.threshold
        assert not within_threshold(seen)
    assert within_threshold(evidence([[*row[:-1], -1.5]], [row], config, ended=[False]))  # an ordinary token that is cut off at the limit


def test_a_small_drift_from_sync_to_sync_is_not_called_stale(config: Any) -> None:
    both = [[-1.0, -1.0, -1.0, -1.0]], [[-1.1, -0.9, -1.1, -0.9]]
    assert likely_cause(evidence(*both, config, mean_before=0.05)).startswith("Precision")
    assert likely_cause(evidence(*both, config, mean_before=0.01)).startswith("Stale weights")


def test_the_few_that_are_looked_at_come_from_all_over_the_step() -> None:
    groups: Any = [[(group, i) for i in range(8)] for group in range(64)]
    assert spread(groups, 4) == [(16, 0), (16, 1), (48, 0), (48, 1)]
    assert spread(groups, 3) == spread(groups, 4)[:3]
    assert spread([[1], [2], [3]], 4) == [1, 2, 3]  # type: ignore
    assert spread([[1, 2, 3, 4], []], 4) == [1, 2, 3, 4]  # type: ignore
    assert spread(groups, 0) == spread([], 4) == []


def test_what_is_looked_at_goes_the_way_that_is_trained() -> None:
    """Rollouts of one prompt share it in the batch, also in the few that are checked."""
    groups: Any = [[Sample(prompt_ids=(group,) * 9, token_ids=(1,) * (3 + i)) for i in range(8)] for group in range(64)]
    for count in (2, 4, 6):
        (batch,) = collate(spread(groups, count), micro_batch_tokens=999, share_prompts=True)  # type: ignore
        assert batch.prompts is not None

"""Tokens that an environment wrote stand in a rollout, and are not trained on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from r1lite.config import AlgorithmConfig, Config
from r1lite.learning.batch import collate, totals_of
from r1lite.learning.policy import Policy
from r1lite.objective import IMITATE, Objective
from r1lite.rl.credit import credit
from r1lite.scoring.metrics import rollout_metrics, totals_of_judged
from r1lite.store.ledger import Ledger
from r1lite.types import Problem, Rollout, Sample, Scored, Verdict

PROBLEM = Problem(id="p", prompt="1+1")
MASK = (True, False, False, True)


def rollout(index: int, mask: tuple[bool, ...] = MASK) -> Rollout:
    logprobs = (-1.0, 0.0, 0.0, -2.0 - index)
    return Rollout(problem_id="p", index=index, prompt_ids=(1, 2), token_ids=(3, 4, 5, 6 + index), logprobs=logprobs, text="", mask=mask)


def scored(mask: tuple[bool, ...] = MASK) -> list[Scored]:
    verdicts = [{"answer": Verdict(value=float(i))} for i in range(2)]
    return [Scored(problem=PROBLEM, rollout=rollout(i, mask), reward=float(i), verdicts=v) for i, v in enumerate(verdicts)]


def policy(model: Any, tokenizer: Any, config: Any) -> Policy:
    return Policy(model, tokenizer, config("rl.max_grad_norm=1e9").rl, total_steps=1)


def gradients(model: Any, tokenizer: Any, config: Any, samples: list[Sample], objective: Objective) -> dict[str, Any]:
    learner = policy(model, tokenizer, config)
    learner.optimiser.adam.step = lambda: None  # the gradients are looked at, and no step is taken
    learner.optimiser.adam.zero_grad = lambda **_: None
    metrics = learner.step(samples, objective)
    found = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    return {"loss": metrics["loss"], "trained": metrics["tokens/trained"], **found}


def test_masked_tokens_are_read_and_not_learnt(model: Any, tokenizer: Any, config: Any) -> None:
    sample = Sample(prompt_ids=(1, 2), token_ids=(3, 4, 5, 6), mask=MASK)
    mine = gradients(model, tokenizer, config, [sample], IMITATE)
    logits = model(torch.tensor([[1, 2, 3, 4, 5, 6]])).logits.log_softmax(-1)
    loss = -(logits[0, 1, 3] + logits[0, 4, 6]) / 2
    loss.backward()
    assert mine["trained"] == 2
    assert mine["loss"] == pytest.approx(loss.item(), rel=1e-6)
    for name, p in model.named_parameters():
        torch.testing.assert_close(mine[name], p.grad, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["grpo", "dapo", "gspo", "sapo", "ppo"])
def test_a_mask_of_ones_changes_nothing(model: Any, tokenizer: Any, config: Any, name: str) -> None:
    objective = Objective.preset(name, kl="none", kl_coef=0.0)
    plain = [Sample(prompt_ids=(1, 2), token_ids=(3, 4, 5 + i), logprobs=(-1.0, -2.0, -3.0), advantage=1.0 - 2 * i) for i in range(2)]
    without = gradients(model, tokenizer, config, plain, objective)
    ones = gradients(model, tokenizer, config, [replace(s, mask=(True,) * 3) for s in plain], objective)
    assert all(torch.equal(torch.as_tensor(without[key]), torch.as_tensor(ones[key])) for key in without)


def test_divisors_and_lengths_count_what_the_model_wrote() -> None:
    group = scored()
    assert totals_of([Sample(prompt_ids=(1,), token_ids=(2, 3, 4), mask=(True, False, True))]).tokens == 2
    assert totals_of_judged([group]).tokens == 4
    metrics = rollout_metrics([group])
    assert (metrics["response/length_mean"], metrics["tokens/completion"]) == (2.0, 4)
    assert rollout_metrics([scored(())])["tokens/completion"] == 8


class Estimator:
    def __init__(self) -> None:
        self.asked: list[Sample] = []

    def reference_logprobs(self, samples: Any) -> list[list[float]]:
        return [[-1.0, 0.0, 0.0, -2.0] for _ in samples]

    def values(self, samples: Any) -> list[list[float]]:
        self.asked = list(samples)
        return [[0.5, 9.0, 9.0, 0.25] for _ in samples]


def ppo(config: Any, **changes: Any) -> AlgorithmConfig:
    cfg: Config = config("algorithm=ppo")
    return replace(cfg.algorithm, **{"reward_kl_coef": 0.0, "whiten": "none", "center": "none", "scale": "none", **changes})


def test_credit_passes_over_what_is_masked(config: Any) -> None:
    (credits,) = credit([scored()], ppo(config, lam=0.5), Estimator(), weights={"answer": 1.0})
    right = credits[1]
    assert right is not None
    # TD errors of the two trained tokens: 0.25 - 0.5 and 1 - 0.25; the last is where the reward comes.
    assert right.sample.token_advantages == pytest.approx((-0.25 + 0.5 * 0.75, 0.0, 0.0, 0.75))
    assert right.sample.returns == pytest.approx((0.5 - 0.25 + 0.375, 0.0, 0.0, 1.0))
    assert right.advantage == pytest.approx((0.125 + 0.75) / 2)


def test_whitening_and_the_kl_in_the_reward_pass_over_it_too(config: Any) -> None:
    (credits,) = credit([scored()], ppo(config, reward_kl_coef=0.1, whiten="tokens"), Estimator(), weights={"answer": 1.0})
    rows = [c.sample.token_advantages for c in credits if c is not None]
    assert all(row[1] == row[2] == 0.0 for row in rows)
    seen = [row[i] for row in rows for i in (0, 3)]
    assert sum(seen) == pytest.approx(0.0, abs=1e-6)
    assert sum(x * x for x in seen) / 3 == pytest.approx(1.0, rel=1e-6)


def test_batches_carry_it_in_both_layouts() -> None:
    samples = [Sample(prompt_ids=(1, 2, 3), token_ids=(4, 5, 6 + i), mask=(True, False, True)) for i in range(4)]
    for share in (False, True):
        (batch,) = collate(samples, micro_batch_tokens=100, share_prompts=share)
        assert (batch.prompts is not None) == share
        assert batch.mask.tolist() == [[1.0, 0.0, 1.0]] * 4
        assert batch.totals.tokens == 8


def test_the_ledger_keeps_it(tmp_path: Any) -> None:
    ledger = Ledger(tmp_path, "rl")
    ledger.write(1, [scored(), scored(())])
    read = ledger.read(1, [PROBLEM])
    assert read is not None
    assert [s.rollout.mask for group in read for s in group] == [MASK, MASK, (), ()]

import copy
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from learners import hand_over

from r1lite.build import make_learner, make_policy
from r1lite.learning.batch import collate
from r1lite.learning.forward import forward
from r1lite.learning.optimiser import Diverged, schedule
from r1lite.learning.policy import Policy
from r1lite.objective import IMITATE, Objective
from r1lite.types import Sample, Totals

SAMPLES = [
    Sample(prompt_ids=(9, 8, 7), token_ids=(1, 2, 3, 4), logprobs=(-5.0,) * 4, advantage=1.0),
    Sample(prompt_ids=(9, 8), token_ids=(5, 6), logprobs=(-5.0,) * 2, advantage=-0.5),
    Sample(prompt_ids=(3, 3, 3, 3), token_ids=(7,), logprobs=(-5.0,), advantage=0.7),
]


def make(model: Any, tokenizer: Any, config: Any, **changes: Any) -> Policy:
    cfg = config(*(f"rl.{k}={v}" for k, v in changes.items())).rl
    return Policy(model, tokenizer, cfg, total_steps=10)


def test_logprobs_equal_those_of_each_sequence_alone(model: Any) -> None:
    (batch,) = collate(SAMPLES, micro_batch_tokens=1000)
    seen = forward(model, batch, temperature=0.7)
    logp, entropy = seen.logp, seen.entropy
    by_length = sorted(SAMPLES, key=lambda s: len(s.prompt_ids) + len(s.token_ids), reverse=True)
    for row, sample in enumerate(by_length):
        ids = torch.tensor([sample.prompt_ids + sample.token_ids])
        alone = torch.log_softmax(model(ids).logits[0] / 0.7, -1)
        begin = len(sample.prompt_ids)
        for at, token in enumerate(sample.token_ids):
            column = begin + at - batch.first
            assert logp[row, column].item() == pytest.approx(alone[begin + at - 1, token].item(), abs=1e-5)
            distribution = alone[begin + at - 1]
            assert entropy[row, column].item() == pytest.approx(-(distribution.exp() * distribution).sum().item(), abs=1e-5)


@pytest.mark.parametrize("objective", [IMITATE, Objective(), Objective(aggregate="token_mean", kl="k3", kl_coef=0.1)])
def test_micro_batching_changes_nothing_but_memory(model: Any, tokenizer: Any, config: Any, objective: Objective) -> None:
    results = []
    for budget in (1, 8, 1000):
        policy = make(copy.deepcopy(model), tokenizer, config, micro_batch_tokens=budget, lr=0.01, warmup_steps=0)
        metrics = policy.step(SAMPLES, objective)
        results.append((metrics["loss"], metrics["grad_norm"], metrics["entropy"]))
    for other in results[1:]:
        assert other == pytest.approx(results[0], rel=1e-4, abs=1e-6)


def test_the_gradient_is_that_of_finite_differences(model: Any, tokenizer: Any, config: Any) -> None:
    model = model.double()
    policy = make(model, tokenizer, config)
    (batch,) = collate(SAMPLES, micro_batch_tokens=1000)
    weight = model.model.layers[0].mlp.down_proj.weight

    def loss() -> float:
        logp = double_logprobs(model, batch)
        return -sum(
            s.advantage * logp[row, len(s.prompt_ids) + t - batch.first].item() / 7
            for row, s in enumerate(sorted(SAMPLES, key=lambda s: len(s.prompt_ids) + len(s.token_ids), reverse=True))
            for t in range(len(s.token_ids))
        )

    loss_of_batch, _ = policy._loss(batch, IMITATE)
    policy.optimiser.backward(loss_of_batch)
    analytic = weight.grad[0, 0].item()
    with torch.no_grad():
        weight[0, 0] += 1e-3
        above = loss()
        weight[0, 0] -= 2e-3
        below = loss()
    assert (above - below) / 2e-3 == pytest.approx(analytic, rel=5e-3)


def double_logprobs(model: Any, batch: Any) -> torch.Tensor:
    logits = model(batch.input_ids).logits[:, batch.first - 1 : -1]
    return torch.log_softmax(logits, -1).gather(-1, batch.input_ids[:, batch.first :, None]).squeeze(-1)


def test_a_step_that_is_not_a_number_is_not_taken(model: Any, tokenizer: Any, config: Any) -> None:
    policy = make(model, tokenizer, config)
    before = {name: p.clone() for name, p in policy.weights()}
    broken = Sample(prompt_ids=(1,), token_ids=(2,), logprobs=(0.0,), advantage=math.nan)
    with pytest.raises(Diverged, match=r"the loss is nan at optimiser step 1; the step was not taken. Lower lr"):
        policy.step([broken], Objective())
    assert all(torch.equal(before[name], p) for name, p in policy.weights())


def test_state_and_weights_are_enough_to_go_on_exactly(model: Any, tokenizer: Any, config: Any, tmp_path: Path) -> None:
    objective = Objective(kl="k3", kl_coef=0.1)
    first = make(model, tokenizer, config, lr=0.01)
    first.refresh_reference()
    first.step(SAMPLES, objective)
    second = make(copy.deepcopy(model), tokenizer, config, lr=0.01)
    with torch.no_grad():
        for _, p in second.weights():
            p.zero_()
    hand_over(first, second, tmp_path)
    assert first.step(SAMPLES, objective) == second.step(SAMPLES, objective)
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(first.weights(), second.weights(), strict=True))


def test_the_schedule_warms_up_and_ends_at_its_share(config: Any) -> None:
    cfg = config("rl.lr=1.0", "rl.warmup_steps=4", "rl.final_lr_share=0.1").rl
    assert [schedule(s, cfg, 100) for s in (0, 1)] == pytest.approx([0.25, 0.5], rel=1e-2)
    assert schedule(100, cfg, 100) == pytest.approx(0.1)
    assert schedule(50, cfg, 100) == pytest.approx(0.55)


def test_what_is_watched_is_a_mean_over_what_was_trained(model: Any, tokenizer: Any, config: Any) -> None:
    alone = make(copy.deepcopy(model), tokenizer, config).step(SAMPLES, Objective())
    diluted = make(copy.deepcopy(model), tokenizer, config).step(SAMPLES, Objective(), totals=Totals(tokens=70, sequences=30))
    for key in ("entropy", "ratio/mean", "mismatch/kl"):
        assert diluted[key] == pytest.approx(alone[key], rel=1e-5)
    assert diluted["loss"] == pytest.approx(alone["loss"] / 10, rel=1e-4)


def test_supervised_training_learns_at_temperature_1_whatever_is_sampled_at(model_folder: Path, config: Any) -> None:
    cfg = config("sampler.temperature=0.5")
    assert make_policy(model_folder, cfg, cfg.sft, steps=1).temperature == 1.0
    assert make_learner(model_folder, cfg).temperature == 0.5  # what the sampler draws from

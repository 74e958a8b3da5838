"""Preference data: pairs from files and from the ledger, their losses by hand, and what learns from them."""

import json
import math
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from r1lite.checks.data import check_pairs
from r1lite.config import Config
from r1lite.data.preferences import pairs_of_file, pairs_of_ledger, sample_pairs
from r1lite.learning.policy import Policy
from r1lite.learning.reward_model import RewardModel
from r1lite.losses.preference import dpo_loss, reward_model_loss, split_pairs
from r1lite.prompt import Prompter
from r1lite.stages.dpo import take_step
from r1lite.store.ledger import Ledger
from r1lite.store.run import Run
from r1lite.teaching.pairs import _rollouts
from r1lite.train import train
from r1lite.types import Pair, Problem, Rollout, Sample, Scored, Verdict
from rewards.model import model as model_rule


def values(*numbers: float) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float64, requires_grad=True)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_dpo_by_hand() -> None:
    chosen, rejected = values(-3.0, -4.0), values(-5.0, -2.0)
    ref_chosen, ref_rejected = values(-4.0, -4.0), values(-4.0, -3.0)  # h = 2 and -1
    loss, stats = dpo_loss(chosen, rejected, ref_chosen, ref_rejected, beta=0.5)
    assert loss.item() == pytest.approx((-math.log(sigmoid(1.0)) - math.log(sigmoid(-0.5))) / 2)
    assert stats["accuracy"].item() == 0.5
    assert stats["margin"].item() == pytest.approx(0.25)
    (gradient,) = torch.autograd.grad(loss, chosen)
    assert gradient.tolist() == pytest.approx([-0.5 * sigmoid(-1.0) / 2, -0.5 * sigmoid(0.5) / 2])


def test_smoothed_dpo_and_ipo_by_hand() -> None:
    sides = values(-3.0), values(-5.0), values(-4.0), values(-4.0)  # h = 2
    smoothed, _ = dpo_loss(*sides, beta=0.5, label_smoothing=0.1)
    assert smoothed.item() == pytest.approx(-0.9 * math.log(sigmoid(1.0)) - 0.1 * math.log(sigmoid(-1.0)))
    ipo, _ = dpo_loss(*sides, beta=0.5, kind="ipo")
    assert ipo.item() == pytest.approx((2 - 1) ** 2)
    held_up, _ = dpo_loss(*sides, beta=0.5, kind="ipo", nll_coef=0.2, lengths=torch.tensor([6.0]))
    assert held_up.item() == pytest.approx(1 + 0.2 * 3 / 6)


def test_a_reward_model_by_hand() -> None:
    chosen, rejected = values(2.0, 0.0), values(1.0, 0.5)
    loss, stats = reward_model_loss(chosen, rejected, margin=torch.tensor([0.5, 0.0]), centring=0.01)
    assert loss.item() == pytest.approx((-math.log(sigmoid(0.5)) - math.log(sigmoid(-0.5)) + 0.01 * (9 + 0.25)) / 2)
    assert stats["accuracy"].item() == 0.5


def scored(problem: str, index: int, *, right: bool, outcome: str = "scored") -> Scored:
    rollout = Rollout(problem_id=problem, index=index, prompt_ids=(1, 2), token_ids=(index, 9), logprobs=(-1.0, -1.0), text="x")
    verdict = Verdict(value=float(right) if outcome == "scored" else None, outcome=outcome)  # pyright: ignore
    return Scored(problem=Problem(id=problem, prompt="?"), rollout=rollout, reward=float(right), right=right, verdicts={"answer": verdict})


def test_pairs_of_the_ledger_are_right_beside_wrong(tmp_path: Path) -> None:
    mixed = [scored("a", i, right=i < 3) for i in range(5)]
    uniform = [scored("b", i, right=True) for i in range(2)]
    unknown = [scored("c", 7, right=True), scored("c", 8, right=False, outcome="timed_out")]
    Ledger(tmp_path, "rl").write(1, [mixed, uniform, unknown])
    pairs = list(pairs_of_ledger(tmp_path, 8, "seed"))
    assert sorted(p.rejected.token_ids[0] for p in pairs) == [3, 4]
    assert all(p.chosen.token_ids[0] < 3 for p in pairs)
    assert len({p.chosen for p in pairs}) == 2
    assert pairs == list(pairs_of_ledger(tmp_path, 8, "seed"))
    assert len(list(pairs_of_ledger(tmp_path, 1, "seed"))) == 1


def test_what_a_model_is_tested_with_is_never_paired(config: Callable[..., Config], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"dpo\.data=evaluate: held-out problems must not be trained on"):
        check_pairs("dpo", (cfg := config("stages=[rl,evaluate,dpo]", "dpo.data=evaluate")).dpo, cfg)
    cfg = config("stages=[rl,evaluate,dpo]", f"run_dir={tmp_path}")
    for stage in ("rl", "evaluate"):
        (tmp_path / stage / "rollouts").mkdir(parents=True)
        (tmp_path / stage / "rollouts" / "step-000001.parquet").touch()
    assert _rollouts("ledger", ["rl", "evaluate"], Run(cfg).place("dpo")) == tmp_path / "rl" / "rollouts"


def test_so_many_pairs_are_drawn_as_are_wanted_from_all_of_them() -> None:
    pairs = [Pair(chosen=Sample(prompt_ids=(i,), token_ids=(1,)), rejected=Sample(prompt_ids=(i,), token_ids=(2,))) for i in range(200)]
    for count, expected in ((0, 200), (10, 10), (500, 200)):
        got = [pair.chosen.prompt_ids[0] for pair in sample_pairs(iter(pairs), count, "s")]
        assert len(got) == len(set(got)) == expected
        assert got != sorted(got)
    often = [pair.chosen.prompt_ids[0] for seed in range(300) for pair in sample_pairs(iter(pairs), 10, str(seed))]
    assert 80 < statistics.fmean(often) < 119  # the first as often as the last


def test_pairs_of_a_file(tmp_path: Path, tokenizer: Any) -> None:
    path = tmp_path / "pairs.jsonl"
    prompter = Prompter(tokenizer=tokenizer)
    row = {"prompt": "2+2?", "chosen": "4", "rejected": "5", "margin": 2}
    path.write_text(json.dumps(row) + "\n")
    (pair,) = pairs_of_file(path, prompter)
    assert pair.margin == 2.0
    assert pair.chosen.prompt_ids == pair.rejected.prompt_ids
    assert tokenizer.decode(pair.rejected.token_ids[:-1]) == "5"
    for change, said in (
        ({"rejected": "4"}, "line 1: chosen and rejected are the same text"),
        ({"margin": "much"}, "line 1: margin should be a number, got 'much'"),
    ):
        path.write_text(json.dumps(row | change) + "\n")
        with pytest.raises(ValueError, match=said):
            list(pairs_of_file(path, prompter))


PAIRS = [
    Pair(
        chosen=Sample(prompt_ids=(5, 6, i), token_ids=(7,) * (1 + i % 3)),
        rejected=Sample(prompt_ids=(5, 6, i), token_ids=(8,) * (1 + i % 2)),
        margin=0.1 * i,
    )
    for i in range(8)
]


def test_dpo_steps_alike_whatever_the_micro_batches(model: Any, tokenizer: Any, config: Callable[..., Config]) -> None:
    def gradients(micro_batch_tokens: int) -> list[torch.Tensor]:
        cfg = config("dpo.beta=0.3", f"dpo.micro_batch_tokens={micro_batch_tokens}").dpo
        policy = Policy(model, tokenizer, cfg, total_steps=4)
        policy.refresh_reference()
        policy.optimiser.step = dict  # pyright: ignore
        take_step(policy, PAIRS, cfg)
        found = [p.grad.clone() for p in model.parameters()]
        model.zero_grad()
        return found

    for one, all_of_them in zip(gradients(1), gradients(8192), strict=True):
        assert torch.allclose(one, all_of_them, atol=1e-6)


def test_dpo_learns_to_prefer(model: Any, tokenizer: Any, config: Callable[..., Config]) -> None:
    cfg = config("dpo.lr=3e-3", "dpo.warmup_steps=0", "dpo.nll_coef=0").dpo
    policy = Policy(model, tokenizer, cfg, total_steps=12)
    policy.refresh_reference()
    first = take_step(policy, PAIRS, cfg)
    for _ in range(10):
        last = take_step(policy, PAIRS, cfg)
    assert first["loss"] == pytest.approx(math.log(2), abs=1e-4)
    assert last["accuracy"] == 1
    assert last["reward/chosen"] > 0 > last["reward/rejected"]


def test_a_reward_model_learns_loads_anywhere_and_is_a_rule(model_folder: Path, config: Callable[..., Config], tmp_path: Path) -> None:
    cfg = config("reward_model.lr=3e-3", "reward_model.warmup_steps=0", "reward_model.steps=12")
    learner = RewardModel(model_folder, cfg.model, cfg.reward_model)
    for _ in range(12):
        learner.step(PAIRS)
    assert learner.accuracy(PAIRS) == 1
    learner.save(tmp_path / "rm")
    theirs = AutoModelForSequenceClassification.from_pretrained(tmp_path / "rm")
    rollouts = [
        Rollout(
            problem_id="p",
            index=i,
            prompt_ids=s.prompt_ids,
            token_ids=s.token_ids,
            logprobs=(),
            text=str(learner.tokenizer.decode(list(s.token_ids))),
        )
        for i, s in enumerate([PAIRS[2].chosen, PAIRS[1].rejected])
    ]
    ours = model_rule(Problem(id="p", prompt="?"), rollouts, path=str(tmp_path / "rm"))
    for rollout, verdict in zip(rollouts, ours, strict=True):
        with torch.no_grad():
            logits = theirs(input_ids=torch.tensor([[*rollout.prompt_ids, *rollout.token_ids]])).logits
        assert verdict.value == pytest.approx(logits.item(), abs=1e-5)
    # Ids of another vocabulary say something else here, or nothing: then it is the text that counts.
    strange = Rollout(problem_id="p", index=0, prompt_ids=(999_999,), token_ids=(1,), logprobs=(), text="<think>7</think>")
    known = Rollout(problem_id="p", index=0, prompt_ids=(), token_ids=(1,), logprobs=(), text="<think>7</think>")
    one, other = model_rule(Problem(id="p", prompt="?"), [strange, known], path=str(tmp_path / "rm"))
    assert one.value == pytest.approx(other.value, abs=1e-5)


def test_it_is_the_last_token_that_is_scored(model_folder: Path, config: Callable[..., Config]) -> None:
    from r1lite.learning.batch import collate_pairs

    cfg = config()
    learner = RewardModel(model_folder, cfg.model, cfg.reward_model)
    with torch.no_grad():
        learner.model.score.weight.normal_()
    (batch,) = collate_pairs([(p.chosen, p.rejected) for p in PAIRS], micro_batch_tokens=8192)
    chosen, _ = split_pairs(learner.scores(batch))
    for i, score in zip(batch.rows, chosen.tolist(), strict=True):
        (alone, _) = collate_pairs([(PAIRS[i].chosen, PAIRS[i].chosen)], micro_batch_tokens=8192)[0].input_ids
        hidden = learner.model.base_model(input_ids=alone[None]).last_hidden_state[0, -1]
        assert score == pytest.approx(learner.model.score(hidden).item(), abs=1e-5)


@pytest.mark.slow
def test_a_chain_learns_a_reward_model_and_goes_on_with_it(config: Callable[..., Config], tmp_path: Path) -> None:
    small = (
        "reject.prompts=16 reject.samples=4 reward_model.steps=2 reward_model.batch_size=4 rl.steps=1 rl.prompts_per_step=2 "
        "rl.group_size=4 dpo.data=reject dpo.steps=2 dpo.batch_size=4 evaluate.problems=4 evaluate.every_stage=false task.difficulty=easy "
        "threads=1 scoring.seconds=30"
    ).split()
    folder = tmp_path / "run"
    train(config("stages=[reject,reward_model,rl,dpo]", "reward=model", *small, f"run_dir={folder}"))
    metrics = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [m["stage"] for m in metrics] == ["reward_model"] * 2 + ["rl"] + ["dpo"] * 2
    assert "reward/model" in metrics[2]
    assert AutoModelForSequenceClassification.from_pretrained(folder / "reward_model" / "final").config.num_labels == 1
    assert (folder / "dpo" / "final" / "model.safetensors").is_file()


def test_what_cannot_be_is_said_before_any_work(config: Callable[..., Config]) -> None:
    from r1lite.checks.run import check

    for overrides, said in (
        (["stages=[dpo]"], "dpo.data=ledger takes the rollouts of an earlier stage"),
        (["stages=[rl,dpo]", "dpo.data=nowhere.jsonl"], "dpo.data=nowhere.jsonl is neither ledger nor an earlier stage"),
        (["stages=[rl,dpo]", "dpo.loss=hinge"], "unknown dpo.loss 'hinge'. Known: ipo, sigmoid."),
        (["stages=[rl,dpo]", "dpo.nll_coef=-1"], "dpo.nll_coef must be at least 0, got -1.0"),
        (["stages=[rl,reward_model]", "reward_model.centring=-1"], "reward_model.centring must be at least 0, got -1.0"),
        (["stages=[rl]", "reward=model"], "rewards.model.path=reward_model means the model of stage reward_model, which is not in stages"),
    ):
        with pytest.raises(ValueError, match=said):
            check(config("model=tiny", *overrides))

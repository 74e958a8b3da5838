"""Each finding, on the metrics that it is made for and on those just beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from r1lite.diagnosis.finding import findings
from r1lite.diagnosis.watch import StageWatch

SETTINGS = {
    "rl.group_size": 8, "rl.prompts_per_step": 64, "rl.lr": 1e-4, "rl.steps": 40, "rl.updates_per_step": 2, "rl.max_grad_norm": 1.0,
    "dpo.lr": 1e-4, "dpo.steps": 20, "algorithm.ratio": "token", "algorithm.gate": "clip", "sampler.max_tokens": 96,
    "rewards.answer.weight": 1.0,
    "rewards.form.weight": 1.0,
}  # fmt: skip
HEALTHY = {
    "zero_variance_share": 0.2, "rollouts/right": 0.5, "rollouts/all_wrong": 0.1, "rollouts/all_right": 0.1, "rollouts/answered": 1.0,
    "rollouts/looping": 0.0, "rollouts/agreement": 0.6, "rollouts/majority_right": 0.6, "rollouts/top_answer": 0.2,
    "rollouts/top_expected": 0.2, "rollouts/reward_with_right": 0.9, "rollouts/reward_with_length": 0.9,
    "rollouts/reward_beside_right": 0.01,
    "rollouts/variance/answer": 0.9, "rollouts/variance/form": 0.1, "rollouts/bare_prompt": 0.0, "response/length_mean": 50.0,
    "response/clipped_share": 0.0, "entropy": 0.4, "mismatch/kl": 0.0, "ratio/mean": 1.0, "ratio/clip_share": 0.01, "grad_norm": 1.0,
    "lr": 1e-4, "update/size": 1e-3, "loss": 0.3, "reward/answer": 0.5, "reward/form": 0.2, "tokens/trained": 1000.0,
}  # fmt: skip


def named(after: Mapping[str, float], *, steps: int = 5, stage: str = "rl", before: int = 5, **settings: Any) -> list[str]:
    """The findings that begin after some healthy steps, when these metrics change for some more. A key a.b is written a__b."""
    changed = SETTINGS | {key.replace("__", "."): value for key, value in settings.items()}
    watch = StageWatch(stage, changed)
    taken = [HEALTHY] * before + [HEALTHY | after] * steps
    return [line["name"] for number, metrics in enumerate(taken, 1) for line in watch.take(number, metrics) if line["event"] == "begins"]


def test_a_healthy_stage_has_no_finding() -> None:
    assert named({}, steps=40) == []


DEAD = {"zero_variance_share": 1.0, "rollouts/all_wrong": 1.0, "rollouts/all_right": 0.0, "rollouts/right": 0.0}
CASES: dict[str, tuple[dict[str, float], dict[str, float]]] = {  # finding -> metrics that make it, and changes with which they do not
    "all_wrong": (DEAD, {"rollouts/all_wrong": 0.5}),
    "all_right": ({"rollouts/all_right": 1.0, "rollouts/right": 1.0}, {"rollouts/all_right": 0.5}),
    "too_hard": ({"zero_variance_share": 0.8, "rollouts/all_wrong": 0.75, "rollouts/right": 0.1}, {"rollouts/all_wrong": 0.6}),
    "too_easy": ({"zero_variance_share": 0.8, "rollouts/all_right": 0.75, "rollouts/right": 0.55}, {"rollouts/all_right": 0.5}),
    "template_lost": ({"rollouts/bare_prompt": 1.0, "rollouts/right": 0.0}, {"rollouts/right": 0.4}),
    "no_end": ({"response/clipped_share": 1.0}, {"response/clipped_share": 0.2}),
    "cut_off": ({"response/clipped_share": 0.6, "rollouts/answered": 0.1}, {"response/clipped_share": 0.2}),
    "looping": ({"rollouts/looping": 0.3}, {"rollouts/looping": 0.1}),
    "length_explosion": ({"response/length_mean": 90.0, "response/clipped_share": 0.2}, {"rollouts/right": 0.7}),
    "length_collapse": ({"response/length_mean": 20.0, "rollouts/right": 0.3}, {"rollouts/right": 0.5}),
    "format_starved": ({"rollouts/answered": 0.1, "rollouts/right": 0.01}, {"rollouts/right": 0.2}),
    "mode_collapse": ({"rollouts/top_answer": 0.7}, {"rollouts/top_expected": 0.5}),
    "answer_key": ({"rollouts/majority_right": 0.05, "rollouts/right": 0.05}, {"rollouts/agreement": 0.2}),
    "rule_times_out": ({"outcome/form/timed_out": 0.03}, {"outcome/form/timed_out": 0.0}),
    "rule_fails": ({"outcome/form/failed": 0.001}, {"outcome/form/failed": 0.0}),
    "right_rule_abstains": ({"outcome/answer/abstained": 1.0}, {"outcome/answer/abstained": 0.5}),
    "reward_opposes_right": ({"rollouts/reward_with_right": -0.5}, {"rollouts/reward_with_right": 0.2}),
    "length_rewarded": ({"rollouts/reward_beside_right": 0.5, "reward/std": 0.5}, {"reward/std": 0.05}),
    "reward_gamed": ({"reward/form": 0.6}, {"rollouts/right": 0.6}),
    "rule_dominates": ({"rollouts/variance/form": 0.9, "rollouts/reward_with_length": 0.1}, {"rollouts/right": 0.99}),
    "entropy_collapse": ({"entropy": 0.05}, {"rollouts/right": 0.7}),
    "entropy_explosion": ({"entropy": 2.0}, {"entropy": 0.8}),
    "kl_runaway": ({"kl": 2.0}, {"kl": 0.1}),
    "ratio_runaway": ({"ratio/mean": 1.5, "ratio/clip_share": 0.3}, {"ratio/mean": 1.1, "ratio/clip_share": 0.05}),
    "clip_share_high": ({"ratio/clip_share": 0.3}, {"ratio/clip_share": 0.05}),
    "learning_rate_too_high": ({"update/size": 0.3}, {"update/size": 0.02}),
    "nothing_moves": ({"grad_norm": 0.0}, {"grad_norm": 0.5}),
    "sampler_stale": ({"mismatch/kl": 0.01}, {"mismatch/kl": 1e-4}),
    "critic_useless": ({"critic/explained_variance": 0.0}, {"critic/explained_variance": 0.2}),
    "source_dead": (
        {"rollouts/source/a/dead": 1.0, "rollouts/source/a/right": 0.0, "rollouts/source/b/dead": 0.2},
        {"rollouts/source/b/dead": 1.0},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_finding_sees_what_it_is_made_for_and_nothing_beside(name: str) -> None:
    metrics, beside = CASES[name]
    before = 0 if name in ("format_starved", "answer_key") else 5  # what is so from the start, and what comes later
    assert named(metrics, steps=8, before=before) == [name]
    assert named(metrics | beside, steps=8, before=before) == []


def test_every_finding_is_tested() -> None:
    others = {
        "group_too_small",
        "sampler_differs",
        "off_policy",
        "gradient_spikes",
        "loss_zero",
        "both_sides_fall",
        "preferences_not_learnt",
    }
    assert {*CASES} | others == {*findings}
    known = {name for finding in findings.values() for name in finding.explains}
    assert known <= {*findings}


def test_a_small_group_is_named_before_hard_problems() -> None:
    rare = {"zero_variance_share": 0.9, "rollouts/all_wrong": 0.9, "rollouts/right": 0.05}
    assert named(rare, steps=8, before=0, rl__group_size=2) == ["group_too_small"]
    assert named(rare, steps=8, before=0) == ["too_hard"]


def test_a_sampler_that_differs_from_the_start_is_not_stale() -> None:
    assert named({"mismatch/kl": 0.01}, before=0) == ["sampler_differs"]
    assert named({"mismatch/kl": 0.01}, before=0, sampler__dtype="bfloat16") == []
    assert named({"mismatch/kl": 0.2}, before=0, rl__lag=1) == ["off_policy"]


def test_clipped_sequences_are_as_designed() -> None:
    assert named({"ratio/clip_share": 0.3}, algorithm__ratio="sequence") == []


def test_a_policy_that_breaks_down_had_too_high_a_learning_rate() -> None:
    assert named({"rollouts/right": 0.1, "grad_norm": 20.0}) == ["learning_rate_too_high"]
    assert named({"rollouts/right": 0.1}) == []


def test_a_learning_rate_that_cannot_move_anything_is_named_at_the_first_step() -> None:
    assert named({"update/size": 1e-6}, before=0, steps=1) == ["nothing_moves"]
    assert named({"update/size": 1e-5}, before=0, steps=1) == []


def test_gradient_spikes() -> None:
    steps = [HEALTHY | {"grad_norm": 50.0 if number in (9, 11) else 1.0} for number in range(1, 13)]
    watch = StageWatch("rl", SETTINGS)
    assert [line["name"] for number, metrics in enumerate(steps, 1) for line in watch.take(number, metrics)] == ["gradient_spikes"]


def test_a_loss_of_zero_is_explained_once_and_never_ends() -> None:
    assert named({"loss": 0.001}, before=0, steps=30) == ["loss_zero"]
    watch = StageWatch("rl", SETTINGS)
    lines = [line for number in range(1, 31) for line in watch.take(number, HEALTHY | {"loss": 0.0 if number < 3 else 1.0})]
    assert [(line["event"], line["weight"]) for line in lines] == [("begins", "note")]


PAIRS = {"reward/chosen": 0.5, "reward/rejected": -0.5, "accuracy": 0.8, "grad_norm": 1.0, "lr": 1e-4, "update/size": 1e-3}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [({}, []), ({"reward/chosen": -0.5}, ["both_sides_fall"]), ({"accuracy": 0.5}, ["preferences_not_learnt"])],
)
def test_findings_on_pairs(changes: dict[str, float], expected: list[str]) -> None:
    watch = StageWatch("dpo", SETTINGS)
    lines = [line for number in range(1, 13) for line in watch.take(number, PAIRS | changes)]
    assert [line["name"] for line in lines] == expected


def test_what_was_learnt_is_a_note_and_what_was_too_easy_a_warning() -> None:
    solved = {"zero_variance_share": 1.0, "rollouts/all_right": 1.0, "rollouts/right": 1.0}

    def weights(before: Sequence[Mapping[str, float]]) -> list[str]:
        watch = StageWatch("rl", SETTINGS)
        return [line["weight"] for number, m in enumerate([*before, *[HEALTHY | solved] * 4], 1) for line in watch.take(number, m)]

    assert (weights([HEALTHY] * 4), weights([])) == (["note"], ["warning"])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 0.0])
def test_no_finding_fails_on_odd_values_or_without_metrics(value: float) -> None:
    for stage in ("rl", "dpo", "sft", "distill", "reward_model", "cold_start"):
        for metrics in (dict.fromkeys([*HEALTHY, *PAIRS, "rollouts/source/a/dead", "outcome/answer/failed", "kl"], value), {}):
            for settings in (SETTINGS | {f"{stage}.lr": 1e-4}, {f"{stage}.lr": 1e-4}):
                watch = StageWatch(stage, settings)
                for number in range(1, 25):
                    watch.take(number, metrics)

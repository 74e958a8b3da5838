"""No metric is logged without a text, and docs/reference/metrics.md is what the code says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from scored import scored

from r1lite.config import Config
from r1lite.reporting.metric_reference import METRICS, as_markdown, metric_of
from r1lite.rl.staleness import staleness
from r1lite.scoring.metrics import rollout_metrics
from r1lite.store.metrics import read_metrics
from r1lite.train import train

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "metrics.md"
SMALL = (
    "threads=1 sampler.max_tokens=24 scoring.workers=0 evaluate.every_stage=false rl.steps=2 rl.prompts_per_step=2 rl.group_size=4 "
    "cold_start.examples=4 cold_start.steps=2 cold_start.batch_size=2 cold_start.gate_prompts=2 dpo.steps=1 dpo.batch_size=2 "
    "reward_model.steps=1 reward_model.batch_size=2 reward_model.held_out=0 distill.steps=1 distill.batch_size=2 distill.prompts=2 "
    "pretrain.steps=1 pretrain.habit_steps=0 pretrain.batch_size=2 pretrain.hidden=16 pretrain.layers=1 pretrain.heads=1 "
    "pretrain.intermediate=16"
).split()
PAIRS = '{"prompt": "1+1", "chosen": "2", "rejected": "3"}\n'
RUNS = {
    "recipe": "stages=[cold_start,rl,distill] cold_start.gate=signal distill.method=on_policy rl.curriculum.revisit=0.5",
    "ppo": "stages=[rl] algorithm=ppo algorithm.correction=truncate algorithm.kl=k3 algorithm.kl_coef=0.1",
    "pairs": "stages=[dpo,reward_model] dpo.data={file} reward_model.data={file}",
    "pretrain": "stages=[pretrain]",
    "episodes": "stages=[rl] +episode.name=retry",
}
# Of servers, which these runs do not have; and of rollouts on which a rule does not give a value.
ELSEWHERE = {"staleness/mean", "staleness/max", "staleness/mixed_share", "groups/dropped", "sampler/idle_share"}
ROLLOUTS = {name for name in METRICS if name.startswith(("rollouts/", "critic/explained"))}  # those that depend on what was written
OUTCOMES = {"outcome/<rule>/abstained", "outcome/<rule>/failed", "outcome/<rule>/timed_out"}


def names_logged(cfg: Callable[..., Config], folder: Path, settings: str) -> set[str]:
    pairs = folder / "pairs.jsonl"
    pairs.write_text(PAIRS * 2)
    train(cfg(*SMALL, *settings.format(file=pairs).split(), f"run_dir={folder / 'run'}"))
    return {name for entry in read_metrics(folder / "run" / "metrics.jsonl") for name in entry} - {"stage", "step"}


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    from conftest import configured

    return set().union(*(names_logged(configured, tmp_path_factory.mktemp(name), settings) for name, settings in RUNS.items()))


def test_every_metric_of_short_runs_has_a_text(logged: set[str]) -> None:
    assert sorted(name for name in logged if metric_of(name) is None) == []


def test_no_text_is_of_a_metric_that_nothing_logs(logged: set[str]) -> None:
    assert {*METRICS} - {metric.name for name in logged if (metric := metric_of(name))} - ROLLOUTS == ELSEWHERE | OUTCOMES


def test_metrics_that_short_runs_do_not_have() -> None:
    groups = [[scored(1.0, outcome=outcome)] for outcome in ("scored", "abstained", "failed", "timed_out")]
    of_outcomes = {name for group in groups for name in rollout_metrics([group])}
    names = {*staleness(groups, 2), *of_outcomes}
    assert {metric.name for name in names if (metric := metric_of(name))} >= OUTCOMES | {n for n in ELSEWHERE if n.startswith("staleness")}
    assert [name for name in names if metric_of(name) is None] == []


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == as_markdown(), "r1lite explain format=markdown > docs/reference/metrics.md"


def test_a_name_finds_its_text_before_its_family() -> None:
    assert [metric.name for name in ("reward/mean", "reward/answer", "outcome/math/failed") if (metric := metric_of(name))] == [
        "reward/mean", "reward/<rule>", "outcome/<rule>/failed"
    ]  # fmt: skip
    assert metric_of("reward") is metric_of("reward/a/b") is metric_of("outcome/math/right") is None


def test_texts_are_sentences_and_ranges_are_ranges() -> None:
    for metric in METRICS.values():
        assert metric.unit
        assert metric.meaning.endswith(".")
        assert not metric.watch or metric.watch.endswith(".")
        assert metric.low is None or metric.high is None or metric.low < metric.high
        assert "|" not in metric.in_one_line()
        assert metric.watch or not metric.healthy or metric.name.startswith("gate/"), f"{metric.name}: what to do outside {metric.healthy}"


def test_healthy_in_words_and_in_numbers() -> None:
    ratio, failed, entropy = (METRICS[name] for name in ("ratio/mean", "outcome/<rule>/failed", "tokens/trained"))
    assert (ratio.healthy, failed.healthy, entropy.healthy, METRICS["lr"].healthy) == ("0.8 to 1.25", "at most 0", "at least 1", "")
    assert [ratio.is_healthy(value) for value in (0.79, 0.8, 1.25, 1.26, float("nan"))] == [False, True, True, False, False]
    assert [METRICS["lr"].is_healthy(value) for value in (-1.0, float("nan"))] == [True, False]

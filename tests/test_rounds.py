"""A stage that comes again has settings, a folder and draws of its own."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from r1lite.checks.run import check
from r1lite.config import Config
from r1lite.reporting.model_card import card, config_hash
from r1lite.settings.command_line import understood
from r1lite.settings.resume import first_round, sources
from r1lite.settings.rounds import kind_of, settings_for
from r1lite.store.run import Run


def rounds(config: Callable[..., Config], *settings: str) -> Config:
    return config(*understood(settings))


@pytest.mark.parametrize(
    ("name", "kind"),
    [("rl", "rl"), ("rl_2", "rl"), ("rl_10", "rl"), ("cold_start_3", "cold_start"), ("rl_1", "rl_1"), ("rl_02", "rl_02"), ("rl_", "rl_")],
)
def test_a_number_from_2_on_names_a_round(name: str, kind: str) -> None:
    assert kind_of(name) == kind


def test_a_round_reads_its_stages_settings_and_what_differs(config: Callable[..., Config]) -> None:
    cfg = rounds(
        config, "rl.lr=0.5", "rl_2.steps=3", "rl_2.curriculum.until=1", "rl_2.sampler.temperature=0.7", "rl_2.rewards.new.weight=2"
    )
    second = settings_for(cfg, "rl_2")
    assert (second.rl.lr, second.rl.steps, second.rl.curriculum.until, second.rl.curriculum.revisit) == (0.5, 3, 1.0, 1.0)
    assert isinstance(second.rl.curriculum.until, float)
    assert (second.sampler.temperature, second.sampler.max_tokens) == (0.7, cfg.sampler.max_tokens)
    assert second.rewards == {"answer": {"weight": 1.0}, "format": {"weight": 0.1}, "new": {"weight": 2}}
    assert (cfg.rl.steps, cfg.sampler.temperature, "new" in cfg.rewards) == (40, 1.0, False)
    assert settings_for(cfg, "rl") == settings_for(cfg, "rl_3") == cfg


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("rl_2.stepz=3", "unknown setting 'rl_2.stepz'. Did you mean rl_2.steps?"),
        ("rl_2.learning_rate=3", "unknown setting 'rl_2.learning_rate'. Did you mean rl_2.lr?"),
        ("rl_2.algorithm.clip_hi=3", "unknown setting 'rl_2.algorithm.clip_hi'. Did you mean rl_2.algorithm.clip_high?"),
        ("rl_2.prompt.prefill=x", "unknown setting 'rl_2.prompt.prefill'."),  # it would be evaluated without
        ("rll_2.steps=3", "unknown setting 'rll_2.steps'. Did you mean rl.steps?"),
        ("rl_2.steps=few", "rl_2.steps should be a whole number, got few"),
    ],
)
def test_a_mistyped_setting_of_a_round_is_said(typed: str, says: str) -> None:
    with pytest.raises(SystemExit) as ended:
        understood([typed])
    assert str(ended.value).startswith(f"error: {says}")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (["rl_2.steps=0"], "rl_2.steps must be at least 1, got 0"),
        (["rl_2.group_size=1"], "rl_2.group_size must be at least 2, got 1"),
        (["rl_2.start=sft"], "rl_2.start=sft, but stage 'sft' comes later"),
        (["rl_2.algorithm.ratio=tokn"], "algorithm.ratio"),
        (["rl_2.sampler.temperature=0"], "sampler.temperature must be above 0, got 0.0"),
        (["rl_2.rewards.anser.weight=1"], "unknown reward 'anser'. Did you mean 'answer'?"),
        (["+rounds.rl_2.stepz=3"], "unknown setting 'rl_2.stepz'. Did you mean rl_2.steps?"),
        (["+rounds.rll_2.steps=3"], "unknown stage 'rll_2'"),
        (["+rounds.rl_2=3"], "rounds.rl_2 must contain settings, such as rl_2.steps=20; got 3"),
        (["stages=[rl,rl]"], "stages has a name twice: ['rl', 'rl']. To repeat a stage, add a number, such as rl_2."),
        (["stages=[rl,rll_2]"], "unknown stage 'rll_2'"),
    ],
)
def test_a_round_is_checked_like_its_stage(settings: list[str], says: str, config: Callable[..., Config], model_folder: Path) -> None:
    sane = [f"model.path={model_folder}", f"distill.student={model_folder}", "stages=[rl,rl_2,sft]", "sft.data=task", "sft.examples=4"]
    sane += ["scoring.workers=0"]
    check(config(*sane))
    with pytest.raises(ValueError, match=re.escape(says)):
        check(config(*sane, *(s if s.startswith(("+", "stages")) else understood([s])[0] for s in settings)))


def test_a_run_knows_its_rounds_settings(config: Callable[..., Config], tmp_path: Path) -> None:
    with Run(rounds(config, f"run_dir={tmp_path}", "rl_2.steps=2")).opened():
        pass
    with Run(rounds(config, f"run_dir={tmp_path}", "rl_2.steps=3")).opened() as run:
        run.place("rl_2").out.mkdir()
    with Run(rounds(config, f"run_dir={tmp_path}", "rl_2.steps=3", "rl_2.show_every=7")).opened():
        pass
    with (
        pytest.raises(ValueError, match=r"rounds\.rl_2\.steps: was 3, is now 4"),
        Run(rounds(config, f"run_dir={tmp_path}", "rl_2.steps=4")).opened(),
    ):
        pass
    assert [first_round(key) for key in ("rounds.rl_2.show_every", "rounds.rl_2.algorithm.kl", "rl.lr")] == [
        "rl.show_every",
        "rl.algorithm.kl",
        "rl.lr",
    ]


def test_files_of_a_round_are_sources_of_the_run(config: Callable[..., Config], tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_text("{}")
    assert list(sources(rounds(config, f"sft_2.data={tmp_path / 'mine.jsonl'}"))) == [str(tmp_path / "mine.jsonl")]


def test_a_card_tells_of_rounds(config: Callable[..., Config], tmp_path: Path) -> None:
    cfg = rounds(config, f"run_dir={tmp_path}", "rl_2.steps=3", "rl_2.algorithm.kl_coef=0.5", "evaluate.every_stage=false")
    run = Run(cfg)
    for name, start in (("rl", "/models/base"), ("rl_2", str(run.place("rl").final))):
        run.place(name).final.mkdir(parents=True)
        run.begin(name, start)
        run.finish(name, start, run.place(name).final, seconds=1.0)
    text = card(run, "rl_2", [{"name": name} for name in ("base", "rl", "rl_2")])
    assert "| `rl_2` | `rl` | steps=3, prompts_per_step=64, group_size=8, lr=0.0002 |" in text
    assert "| `rl` | `tiny_base` | steps=40, prompts_per_step=64, group_size=8, lr=0.0002 |" in text
    assert "- Different in `rl_2`: algorithm.kl_coef=0.5" in text
    assert config_hash(cfg) != config_hash(rounds(config, "rl_2.steps=4"))

"""docs/reference/settings.md says what the code does, and `r1lite settings` finds what is asked for."""

import sys
from pathlib import Path

import pytest

from r1lite.commands import settings
from r1lite.config import Config, RLConfig
from r1lite.settings.other_trainers import NAMES_OF
from r1lite.settings.reference import as_markdown, help_text, helps, sections
from r1lite.settings.suggestions import did_you_mean
from r1lite.settings.typed import names_of

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "settings.md"


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == as_markdown(Config()), "r1lite settings format=markdown > docs/reference/settings.md"


def test_every_setting_has_a_line_of_help() -> None:
    assert [one.name for section in sections(Config()) for one in section.settings if not one.help] == []
    assert [section.name for section in sections(Config()) if not section.about] == []
    assert helps(RLConfig)["group_size"] == "rollouts of one prompt"
    assert helps(RLConfig)["lr"] == "peak learning rate"  # said where every stage has it


def test_names_in_other_trainers_are_of_settings_that_exist() -> None:
    names = set(names_of(Config()))
    assert [name for name in NAMES_OF if name not in names and not any(known.endswith(f".{name}") for known in names)] == []
    assert {len(cells) for cells in NAMES_OF.values()} == {4}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("rollout.n", "rl.group_size"),
        ("beta", "algorithm.kl_coef or distill.beta or dpo.beta"),
        ("mask_truncated_completions", "algorithm.mask_overlong"),
        ("actor.clip_ratio_high", "algorithm.clip_high"),
        ("rl.save_steps", "rl.checkpoint_every"),
        ("output_dir", "run_dir"),
    ],
)
def test_their_names_lead_to_ours(typed: str, meant: str) -> None:
    assert did_you_mean(typed, names_of(Config())) == f" Did you mean {meant}?"


def told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    monkeypatch.setattr(sys, "argv", ["r1lite settings", *words])
    settings.main()
    return capsys.readouterr().out


def test_words_choose_settings(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    found = told(capsys, monkeypatch, "num_generations")
    assert "  rl.group_size=8                 rollouts of one prompt [TRL: num_generations, verl: rollout.n, OpenRLHF:\n" in found
    assert "rl.lr" not in found
    assert "  algorithm.clip_high=0.28" in told(capsys, monkeypatch, "clip_high", "algorithm=dapo")
    assert told(capsys, monkeypatch, "format=markdown") == PAGE.read_text(encoding="utf-8")
    with pytest.raises(SystemExit, match="error: no setting contains xyzzy"):
        told(capsys, monkeypatch, "xyzzy")
    with pytest.raises(SystemExit, match=r"error: unknown setting 'rl\.stepz'\. Did you mean rl\.steps\?"):
        told(capsys, monkeypatch, "rl.stepz=3")


def test_help_lists_every_group_and_every_setting() -> None:
    text = help_text(["--help", "experiment=r1_zero"])
    assert "\n  algorithm   cispo, dapo, " in text
    assert "\n  rl.lr=0.0002                    peak learning rate\n" in text
    assert "\n  stages=[rl]  " in text
    shown = {line.partition("=")[0].strip() for line in text.splitlines() if line.startswith("  ") and "=" in line}
    assert {name for name in names_of(Config()) if not [*filter(lambda other: other.startswith(f"{name}."), names_of(Config()))]} <= shown

"""Several models on the same problems, and whose problems these are."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from r1lite import cli
from r1lite.commands.evaluate import configured, evaluate_all
from r1lite.config import Config
from r1lite.reporting.evaluation import evaluate
from r1lite.settings.command_line import own_folder
from r1lite.store.config_file import write_config

SMALL = ["evaluate.problems=2", "evaluate.samples=2", "evaluate.k=2", "sampler.max_tokens=8", "scoring.workers=0", "scoring.right_at=0"]


def a_run(folder: Path, cfg: Config) -> str:
    folder.mkdir()
    write_config(folder, asdict(cfg))
    (folder / "summary.json").write_text('{"stages": [{"name": "rl", "weights": "tiny_student"}]}')
    return str(folder)


def test_a_run_brings_its_own_test_along(config: Callable[..., Config], tmp_path: Path) -> None:
    run = a_run(
        tmp_path / "run", config("task=countdown", "sampler.temperature=0.5", "prompt.prefill='<think>'", "rewards.format.weight=0.3")
    )
    cfg = configured(["seed=4"], [run, "tiny_base"])
    assert (cfg.task["name"], cfg.sampler.temperature, cfg.prompt.prefill, cfg.seed) == ("countdown", 0.5, "<think>", 4)
    assert set(cfg.rewards) == {"countdown", "format"}
    assert cfg.rewards["format"]["weight"] == 0.3
    assert cfg.run_dir == str((tmp_path / "run").resolve())


def test_a_run_on_a_file_is_tested_on_the_splits_that_the_file_has(config: Callable[..., Config], tmp_path: Path) -> None:
    run = a_run(tmp_path / "run", config("task=dataset", "task.path=examples/sums.jsonl"))
    assert configured([], [run]).evaluate.splits == ["test"]
    assert configured(["task=arithmetic"], [run]).evaluate.splits == ["test", "hard"]
    validated = a_run(tmp_path / "validated", config("task=dataset", "task.path=examples/sums.jsonl", "evaluate.splits=[validation]"))
    assert configured([], [validated]).evaluate.splits == ["validation"]
    assert configured(["evaluate.splits=[test]"], [validated]).evaluate.splits == ["test"]
    with pytest.raises(ValueError, match=r"differ in evaluate.splits"):
        configured([], [run, validated])


def test_settings_may_lie_in_a_folder_of_the_users() -> None:
    folder = Path(__file__).parent.parent / "examples" / "matchmaker" / "conf"
    own, words = own_folder(["tiny_base", "--config-dir", str(folder), "experiment=matchmaker_table"])
    assert (own, words) == (folder, ["tiny_base", "experiment=matchmaker_table"])
    assert own_folder([f"--config-dir={folder}", "tiny_base"]) == (folder, ["tiny_base"])
    assert configured(words[1:], words[:1], own).evaluate.splits == ["hard", "easy"]


def test_a_setting_has_the_last_word(config: Callable[..., Config], tmp_path: Path) -> None:
    run = a_run(tmp_path / "run", config("task=countdown", "task.difficulty=easy"))
    cfg = configured(["sampler.top_p=0.9", "task.size=50", "rewards.format.weight=0.7"], [run])
    assert (cfg.task["name"], cfg.task["difficulty"], cfg.task["size"]) == ("countdown", "easy", 50)
    assert (cfg.sampler.top_p, cfg.rewards["format"]["weight"]) == (0.9, 0.7)
    cfg = configured(["task=arithmetic"], [run])
    assert (cfg.task["name"], set(cfg.rewards)) == ("arithmetic", {"answer", "format"})


def test_runs_that_were_tested_differently_do_not_share_a_table(config: Callable[..., Config], tmp_path: Path) -> None:
    one = a_run(tmp_path / "one", config("task=arithmetic", "scoring.workers=1"))
    two = a_run(tmp_path / "two", config("task=arithmetic", "scoring.workers=2", "sampler.temperature=0.5"))
    with pytest.raises(ValueError, match=r"differ in sampler.temperature, .* such as task=... or sampler.temperature=..."):
        configured([], [one, two])
    assert configured(["sampler.temperature=0.7"], [one, two]).sampler.temperature == 0.7


def test_each_model_has_the_figures_that_it_has_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cfg = configured(["experiment=evaluate", *SMALL, "threads=1"], [])
    found = evaluate_all(["tiny_student", "tiny_base"], cfg, output=str(tmp_path / "table.json"))
    assert [entry["parameters"] for entry in found] == [288_960, 887_296]
    alone = evaluate("tiny_base", replace(cfg))
    assert {key: found[1][key] for key in alone} == alone
    written = json.loads((tmp_path / "table.json").read_text())
    assert written["models"] == found
    assert (written["task"]["name"], written["evaluate"]["problems"], written["sampler"]["max_tokens"]) == ("arithmetic", 2, 8)
    said = capsys.readouterr().out
    assert "arithmetic: held-out problems (test, hard)" in said
    assert [name in said for name in ("tiny_student", "887,296", "maj@2")] == [True] * 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["threads=1"], "name at least one model: a run, a folder, a shipped model or a hub name"),
        (["tiny_bas"], "model 'tiny_bas' is not a folder"),
        (["tiny_base", "evaluate.k=9", "evaluate.samples=2"], "evaluate.k must be between 1 and evaluate.samples (2), got 9"),
        (["tiny_base", "tsk=countdown"], "unknown setting 'tsk'"),
    ],
)
def test_what_makes_no_sense_is_said(words: list[str], says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["r1lite", "evaluate", *words])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert says in str(stopped.value)

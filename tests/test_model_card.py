"""A card says what is known, and nothing else."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from r1lite.config import Config
from r1lite.reporting.model_card import algorithm_in_words, card, config_hash, generation, write_card
from r1lite.reporting.summary import Report
from r1lite.store.run import Run

FIGURES = {"pass@1": 0.5, "greedy": 0.25, "pass@2": 1.0, "maj@2": 0.75, "length_mean": 12.5, "problems": 4, "k": 2}


def a_run(cfg: Config, *stages: str, start: str = "") -> tuple[Run, list[dict[str, Any]]]:
    """A run in which these stages are finished, each from the weights of the one before."""
    run = Run(cfg)
    weights = Path(start or "/models/base")
    for name in stages:
        place = run.place(name)
        place.final.mkdir(parents=True)
        run.begin(name, str(weights))
        run.finish(name, str(weights), place.final, seconds=1.0)
        weights = place.final
    return run, [{"name": name, "eval": FIGURES} for name in ("base", *stages)]


def test_a_card_of_reinforcement_learning(config: Callable[..., Config], tmp_path: Path) -> None:
    settings = "model.path=owner/base experiment=r1_zero algorithm.kl=none ++rewards.length.limit=90 ++rewards.length.margin=9 "
    settings += "prompt.system=Think evaluate.samples=3 evaluate.k=2 evaluate.splits=[test,hard] "
    settings += "rl.steps=7 rl.prompts_per_step=32 rl.group_size=8 rl.lr=0.0003 seed=5"
    cfg = config(f"run_dir={tmp_path}", *settings.split())
    run, entries = a_run(cfg, "cold_start", "rl")
    entries[-1]["eval_hard"] = {**FIGURES, "pass@1": 0.125, "unjudged": 0.1}
    text = card(run, "rl", entries)
    for line in (
        "base_model: owner/base",
        "# r1_zero: rl",
        f"Seed 5, configuration `{config_hash(cfg)}`.",
        "| `rl` | `cold_start` | steps=7, prompts_per_step=32, group_size=8, lr=0.0003 |",
        "- Task `arithmetic`: difficulty=standard, modulus=23, size=100000",
        "- Reward `length`, weight 1 (limit=90, margin=9)",
        "A response is correct if the rule `answer` gives at least 1.",
        "Split `test`: 4 problems, 3 samples each at temperature 1.",
        "| model | pass@1 | greedy | pass@2 | maj@2 | length_mean |",
        "| `base` | 0.5 | 0.25 | 1 | 0.75 | 12.5 |",
        "| `rl` | 0.125 | 0.25 | 1 | 0.75 | 12.5 |",
        "10.0% of the last model's responses got no verdict and are left out.",
        '- Prompt it through its chat template, after the system message "Think"',
    ):
        assert line in text
    assert "`cold_start` | `owner/base` |" in text


def test_what_is_not_known_is_not_said(config: Callable[..., Config], tmp_path: Path) -> None:
    run, entries = a_run(config(f"run_dir={tmp_path}"), "cold_start")
    entries = [{"name": entry["name"]} for entry in entries]
    text = card(run, "cold_start", entries)
    assert "## Evaluation\n\nThe model was not evaluated.\n" in text
    assert not [word for word in ("Reward", "Algorithm", "base_model", "`rl`", "pass@1") if word in text]


def test_a_student_names_its_teacher(config: Callable[..., Config], tmp_path: Path) -> None:
    run, entries = a_run(config(f"run_dir={tmp_path}", "evaluate.k=2"), "rl", "distill")
    assert "| `distill` | `tiny_student`, taught by `rl` | prompts=" in card(run, "distill", entries)


def test_a_reward_model_claims_no_figures(config: Callable[..., Config], tmp_path: Path) -> None:
    run, entries = a_run(config(f"run_dir={tmp_path}"), "rl", "reward_model")
    write_card(run, "reward_model", run.place("rl").final, entries)
    text = (run.place("reward_model").final / "README.md").read_text()
    assert "it scores text, and writes none" in text
    assert not [word for word in ("pipeline_tag", "Evaluation", "chat template") if word in text]
    assert [p.name for p in run.place("reward_model").final.iterdir()] == ["README.md"]


def test_generation_settings_are_the_samplers(config: Callable[..., Config], tmp_path: Path) -> None:
    (tmp_path / "generation_config.json").write_text('{"eos_token_id": [3, 4], "temperature": 0.1, "_from_model_config": true}')
    cfg = config("sampler.temperature=0.8", "sampler.top_p=0.95", "sampler.max_tokens=64").sampler
    assert generation(tmp_path, cfg) == {
        "eos_token_id": [3, 4], "do_sample": True, "temperature": 0.8, "top_p": 0.95, "top_k": 0, "max_new_tokens": 64
    }  # fmt: skip


def test_generate_with_the_folders_settings_takes_no_top_k(config: Callable[..., Config], model_folder: Path) -> None:
    from transformers import AutoModelForCausalLM

    (model_folder / "generation_config.json").write_text(json.dumps(generation(model_folder, config("sampler.max_tokens=5").sampler)))
    model = AutoModelForCausalLM.from_pretrained(model_folder)
    made: Mapping[str, Any] = model.generation_config.to_dict()
    assert (made["do_sample"], made["temperature"], made["top_p"], made["top_k"], made["max_new_tokens"]) == (True, 1.0, 1.0, 0, 5)
    import torch

    assert 1 <= model.generate(torch.tensor([[5, 6]]), attention_mask=torch.ones(1, 2)).shape[1] - 2 <= 5


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("algorithm=grpo", "`grpo`"),
        ("algorithm=gspo", "`gspo`"),
        ("algorithm=dapo", "`dapo`"),
    ],
)
def test_an_algorithm_is_named(config: Callable[..., Config], setting: str, words: str) -> None:
    assert algorithm_in_words(config(setting).algorithm) == words
    assert algorithm_in_words(config(setting, "algorithm.dual_clip=2.5").algorithm) == f"{words} with dual_clip=2.5"


def test_the_hash_is_of_what_decides(config: Callable[..., Config]) -> None:
    first = config_hash(config("run_dir=a"))
    assert config_hash(config("run_dir=b", "scoring.workers=2", "stages=[rl]")) == first
    assert config_hash(config("run_dir=a", "rl.lr=1e-5")) != first


def test_a_stage_gets_its_card_once_and_elsewhere_nothing_is_written(
    config: Callable[..., Config], tmp_path: Path, model_folder: Path
) -> None:
    cfg = config(f"run_dir={tmp_path / 'run'}", "evaluate.every_stage=false")
    run, _ = a_run(cfg, "rl", start=str(model_folder))
    final, before = run.place("rl").final, sorted(p.name for p in model_folder.iterdir())
    report = Report(run)
    report.add("base", str(model_folder), seconds=0.0)
    report.add("rl", str(final), seconds=1.0)
    assert (final / "README.md").read_text() == card(run, "rl", report.entries)
    assert json.loads((final / "generation_config.json").read_text())["max_new_tokens"] == cfg.sampler.max_tokens
    assert sorted(p.name for p in model_folder.iterdir()) == before
    (final / "README.md").write_text("my own words\n")
    Report(run).add("rl", str(final), seconds=1.0)
    assert (final / "README.md").read_text() == "my own words\n"


def test_files_and_folders_that_were_read_are_named(config: Callable[..., Config], tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "a.jsonl").write_text("{}\n")
    (tmp_path / "more.jsonl").write_text("{}\n")
    cfg = config(f"run_dir={tmp_path / 'run'}", "evaluate.k=2", f"data.files=[{tmp_path / 'rows'},{tmp_path / 'more.jsonl'}]")
    run, entries = a_run(cfg, "rl")
    text = card(run, "rl", entries)
    assert f"- Folder `{tmp_path / 'rows'}`, hash `" in text
    assert f"- File `{tmp_path / 'more.jsonl'}`, hash `" in text


def test_what_earlier_commands_left_in_the_summary_stays(config: Callable[..., Config], tmp_path: Path, model_folder: Path) -> None:
    cfg = config(f"run_dir={tmp_path / 'run'}", "evaluate.every_stage=false")
    run, _ = a_run(cfg, "rl", start=str(model_folder))
    first = Report(run)
    first.add("base", str(model_folder), seconds=0.0)
    first.add("rl", str(run.place("rl").final), seconds=1.0)
    first.add("sft", str(model_folder), seconds=1.0)  # which was deleted since, to be done over
    spent = first.finish()["seconds"]
    again = Report(run)
    again.earlier_seconds += 100
    again.add("base", str(model_folder), seconds=0.0)
    assert [e["name"] for e in again.entries] == ["base", "rl"]
    again.add("evaluate", str(model_folder), seconds=2.0)
    again.add("rl", str(run.place("rl").final), seconds=3.0)
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert [(e["name"], e["seconds"]) for e in summary["stages"]] == [("base", 0.0), ("rl", 3.0), ("evaluate", 2.0)]
    assert summary["seconds"] >= spent + 100

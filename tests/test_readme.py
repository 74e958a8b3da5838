"""Every command in the README runs, made small; and the files it names are there."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parent.parent
TEXT = (HOME / "README.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines() if line]
SMALL = (
    "threads=1 scoring.right_at=0 sampler.max_tokens=96 rl.steps=1 rl.prompts_per_step=2 rl.group_size=2 "
    "cold_start.steps=1 cold_start.examples=2 cold_start.batch_size=2 sft.steps=1 sft.batch_size=2 "
    "reject.prompts=16 reject.samples=8 distill.prompts=16 distill.samples=8 distill.steps=1 distill.batch_size=2 "
    "dpo.steps=1 dpo.batch_size=2 evaluate.problems=2 evaluate.samples=2 evaluate.k=2"
).split()
TRAINING = [c for c in COMMANDS if c.startswith("python -m r1lite.train")]
USING = [c for c in COMMANDS if c.startswith(("r1lite evaluate", "r1lite chat", "r1lite export"))]


def test_every_command_is_one_that_this_file_knows_how_to_run() -> None:
    assert {c for c in COMMANDS if c not in TRAINING + USING} == {"make demo", "make test"}
    assert len(TRAINING) >= 6


@pytest.mark.parametrize("target", ["install", "demo", "test", "bench"])
def test_make_targets_exist(target: str) -> None:
    subprocess.run(["make", "--dry-run", target], cwd=HOME, check=True, stdout=subprocess.DEVNULL)


@pytest.mark.slow
@pytest.mark.parametrize("command", TRAINING)
def test_commands_run(command: str, tmp_path: Path) -> None:
    (tmp_path / "my_rules.py").write_text(re.search(r"```python\n(# my_rules.py.*?)```", TEXT, re.DOTALL)[1])  # pyright: ignore
    (tmp_path / "examples").symlink_to(HOME / "examples")
    arguments = [a for a in shlex.split(command)[3:] if not a.startswith("run_dir=")]
    if "model.path=runs/demo/rl/final" in arguments:
        arguments.remove("model.path=runs/demo/rl/final")
    small = [s for s in SMALL if not ("reject" in s or "distill" in s) or "experiment=demo" in arguments]
    if any("dpo" in a for a in arguments):  # which needs wrong answers beside right ones
        small = [s for s in small if not s.startswith(("scoring.right_at", "cold_start"))] + ["reject.prompts=16"]
    run = subprocess.run(
        [sys.executable, "-m", "r1lite.train", *arguments, *small, "run_dir=run"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert (tmp_path / "run" / "summary.json").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("command", USING)
def test_commands_on_a_model_run(command: str, tmp_path: Path) -> None:
    words = ["tiny_student" if word == "runs/demo" else word for word in shlex.split(command)[1:]]
    settings = {"evaluate": [s for s in SMALL if s.startswith(("threads", "scoring", "sampler", "evaluate"))], "chat": ["threads=1"]}
    run = subprocess.run(
        [sys.executable, "-c", "from r1lite.cli import main; main()", *words, *settings.get(words[0], [])],
        cwd=tmp_path,
        input="7+12*3+5 mod 23\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout


PAGES = ["README.md", "README.zh.md", *sorted(p.relative_to(HOME).as_posix() for p in (HOME / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES)
def test_files_that_a_page_names_are_there(page: str) -> None:
    text = (HOME / page).read_text(encoding="utf-8")
    for name in re.findall(r"\]\(([^)#:]+)[^):]*\)", text):
        assert ((HOME / page).parent / name).exists(), name


def test_the_chinese_page_gives_the_same_commands() -> None:
    text = (HOME / "README.zh.md").read_text(encoding="utf-8")
    theirs = [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines() if line]
    assert set(theirs) <= set(COMMANDS)

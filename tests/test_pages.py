"""The README and the documentation: commands run, or are at least understood; files that a page names exist."""

import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from commands import run

from r1lite.cli import COMMANDS
from r1lite.settings.command_line import understood

HOME = Path(__file__).resolve().parent.parent
WRITTEN = [HOME / "README.md", HOME / "CONTRIBUTING.md", *sorted((HOME / "docs").rglob("*.md")), *sorted((HOME / "examples").rglob("*.md"))]
PAGES = {path.relative_to(HOME).as_posix(): path.read_text(encoding="utf-8") for path in WRITTEN}


def commands(text: str) -> list[str]:
    """What the shell blocks of a page run, one logical line each."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line]


ALL = sorted({command for text in PAGES.values() for command in commands(text)})
TRAINING = [c for c in ALL if c.startswith("python -m r1lite.train")]
# The training commands of these pages are run, except those that need something a test does not have: another file, a hub, a compiler.
RUN_PAGES = ("README.md", "docs/start/first_run.md", "docs/use/own_rules.md", "docs/use/own_stages.md", "docs/use/data.md")
NEEDS_MORE = ("theirs.py", "openai/gsm8k", "questions.parquet", "task=reasoning_gym")
RUN = [c for page in RUN_PAGES for c in commands(PAGES[page]) if c in TRAINING and not any(word in c for word in NEEDS_MORE)]
USED = ("evaluate", "chat", "export", "audit", "reward")
USING = [c for c in ALL if c.startswith(tuple(f"r1lite {word}" for word in USED)) and "smollm2" not in c]
SMALL = (
    "threads=1 scoring.right_at=0 sampler.max_tokens=96 rl.steps=1 rl.prompts_per_step=2 rl.group_size=2 "
    "cold_start.steps=1 cold_start.examples=2 cold_start.batch_size=2 sft.steps=1 sft.batch_size=2 "
    "reject.prompts=16 reject.samples=8 distill.prompts=16 distill.samples=8 distill.steps=1 distill.batch_size=2 "
    "dpo.steps=1 dpo.batch_size=2 evaluate.problems=2 evaluate.samples=2 evaluate.k=2"
).split()


def as_a_user_has_it(folder: Path) -> Path:
    """The examples, and the files that pages show whole."""
    (folder / "examples").symlink_to(HOME / "examples")
    for page in ("docs/use/own_rules.md", "docs/use/own_stages.md"):
        shown = re.search(r"```python\n# (\w+\.py)\n(.*?)```", PAGES[page], re.DOTALL)
        assert shown
        (folder / shown[1]).write_text(shown[2])
    return folder


@pytest.mark.slow
def test_the_blocks_of_the_python_page_run_one_after_the_other(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGES["docs/use/python.md"], re.DOTALL)
    text = "\n".join(blocks)
    for call in ('"experiment=r1_zero"', '"tiny_base", run'):
        assert call in text
        text = text.replace(call, f"{call}, *SMALL")
    small = [setting for setting in SMALL if setting.startswith(("threads", "sampler", "rl.", "evaluate"))]
    (tmp_path / "page.py").write_text(f"SMALL = {small}\n" + text.replace('    rl={"steps": 20, "lr": 1e-4},\n', ""))
    done = subprocess.run([sys.executable, "page.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(blocks) == 5
    for shown in ("reward/mean", "words, at most 30", "1.7 {'answer': \"extracted '19', expected '19'\"", "│ tiny_base"):
        assert shown in done.stdout


def test_the_pages_still_have_their_commands() -> None:
    assert commands(PAGES["README.md"]) == ["make demo", "make test"]
    assert len(RUN) >= 14
    assert len(USING) >= 7


@pytest.mark.parametrize("command", [c for c in ALL if c not in TRAINING])
def test_what_a_command_starts_exists(command: str) -> None:
    words = shlex.split(command)
    if words[0] == "make":
        subprocess.run(["make", "--dry-run", words[1]], cwd=HOME, check=True, stdout=subprocess.DEVNULL)
    elif words[0] == "r1lite":
        assert words[1] in COMMANDS
    elif words[:2] == ["python", "-m"]:
        assert find_spec(words[2])
    else:
        files = [HOME / word for word in words if word.startswith(("examples/", "bench/"))]
        assert all(file.is_file() for file in files)
        assert files or words[0] in ("pip", "export", ".", "docker")


@pytest.mark.parametrize("command", [c for c in TRAINING if "my_folder" not in c])
def test_training_commands_are_understood(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(as_a_user_has_it(tmp_path))
    assert understood(shlex.split(command)[3:])


@pytest.mark.slow
@pytest.mark.parametrize("command", RUN)
def test_commands_run(command: str, tmp_path: Path) -> None:
    as_a_user_has_it(tmp_path)
    arguments = [a for a in shlex.split(command)[3:] if not a.startswith("run_dir=")]
    if "model.path=runs/demo/rl/final" in arguments:
        arguments.remove("model.path=runs/demo/rl/final")
    small = [s for s in SMALL if not ("reject" in s or "distill" in s) or "experiment=demo" in arguments]
    if any("dpo" in a for a in arguments):  # which needs wrong answers beside right ones
        small = [s for s in small if not s.startswith(("scoring.right_at", "cold_start"))] + ["reject.prompts=16"]
    done = run("train", *arguments, *small, "run_dir=run", cwd=tmp_path)
    assert done.code == 0, done.output
    assert (tmp_path / "run" / "summary.json").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("command", USING)
def test_commands_on_a_model_run(command: str, tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(HOME / "examples")
    words = ["tiny_student" if word in ("runs/demo", "runs/mine") else word for word in shlex.split(command)[1:]]
    settings = {"evaluate": [s for s in SMALL if s.startswith(("threads", "scoring", "sampler", "evaluate"))], "chat": ["threads=1"]}
    done = run(*words, *settings.get(words[0], []), cwd=tmp_path, stdin="7+12*3+5 mod 23\n")
    assert done.code == 0, done.output
    assert done.output


@pytest.mark.parametrize("page", [*PAGES, "README.zh.md", "CHANGELOG.md", "bench/RESULTS.md"])
def test_files_that_a_page_names_exist(page: str) -> None:
    text = (HOME / page).read_text(encoding="utf-8")
    for name in re.findall(r"\]\(([^)#:]+)[^):]*\)", text):
        assert ((HOME / page).parent / name).exists(), name


def test_the_chinese_page_gives_the_same_commands() -> None:
    text = (HOME / "README.zh.md").read_text(encoding="utf-8")
    assert set(commands(text)) <= {*ALL}

"""Tab completion, asked as a shell asks."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from r1lite import HOME
from r1lite.cli import COMMANDS
from r1lite.config import CONF

# What readline does when Tab is pressed at the end of a line.
PRESS_TAB = """
eval "$(r1lite -sc install=bash)"
COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=($1)
[[ $1 == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
$(complete -p r1lite | sed 's/.*-F \\([^ ]*\\).*/\\1/') r1lite
printf '%s\\n' "${COMPREPLY[@]}"
"""


def ask(line: str, tmp_path: Path, *, point: int | None = None) -> list[str]:
    """What Hydra's script for a shell gets for a line."""
    environment = {**os.environ, "COMP_LINE": line, "PYTHONPATH": str(HOME)} | ({"COMP_POINT": str(point)} if point else {})
    command = [sys.executable, "-c", "from r1lite.cli import main; main()", "-sc", "query=bash"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.split()


ALGORITHMS = [f"algorithm={path.stem}" for path in sorted((CONF / "algorithm").glob("*.yaml"))]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("r1lite ex", ["explain", "export", "experiment="]),
        ("r1lite explain zero", ["zero_variance_share"]),
        ("r1lite train exp", ["experiment="]),
        ("r1lite algorithm=", ALGORITHMS),
        ("/some/where/bin/r1lite demo algorithm=gr", [a for a in ALGORITHMS if a.startswith("algorithm=gr")]),
        ("r1lite evaluate runs/demo tiny_base task=dataset task.pa", ["task.path="]),  # a task has settings of its own
        ("r1lite train --help rewards.mine.weight=1 task=nope 'a={b: c}' rl.gr", ["rl.group_size="]),
        ("r1lite reward ", ["list", "explain", "new"]),
        ("r1lite reward explain m", []),
        ("r1lite export o", []),
        ("r1lite train --con", []),
        ("r1lite evaluate ./ru", []),  # nothing offered: bash completes the path
        ("r1lite train rl.steps.x", []),
    ],
)
def test_what_is_offered(line: str, offered: list[str], tmp_path: Path) -> None:
    assert ask(line, tmp_path) == offered


def test_commands_and_settings_are_offered_at_the_beginning(tmp_path: Path) -> None:
    offered = ask("r1lite ", tmp_path)
    assert offered[: len(COMMANDS)] == list(COMMANDS)
    assert {"algorithm=", "rl.", "seed="} <= set(offered)


def test_what_stands_behind_the_cursor_does_not_count(tmp_path: Path) -> None:
    assert ask("r1lite rew rl.steps=1", tmp_path, point=10) == ["reward", "reward=", "reward_model.", "rewards."]


def test_choices_of_the_users_own_are_offered(tmp_path: Path) -> None:
    (tmp_path / "mine" / "algorithm").mkdir(parents=True)
    (tmp_path / "mine" / "algorithm" / "grandmother.yaml").write_text("defaults: [grpo]\n")
    assert ask("r1lite train --config-dir mine algorithm=gra", tmp_path) == ["algorithm=grandmother"]
    assert ask("r1lite train --config-dir nowhere algorithm=dap", tmp_path) == ["algorithm=dapo"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("r1lite trai", ["train"]),
        ("r1lite demo experiment=r1_", ["experiment=r1_zero"]),
        ("r1lite train rl.sh", ["rl.share_prompts=", "rl.show_every=", "rl.shuffle_rewards="]),
    ],
)
def test_bash_completes(line: str, completed: list[str], tmp_path: Path) -> None:
    command = tmp_path / "bin" / "r1lite"
    command.parent.mkdir()
    command.write_text(f"#!{sys.executable}\nfrom r1lite.cli import main\nmain()\n")
    command.chmod(0o755)
    environment = {**os.environ, "PATH": f"{command.parent}:{os.environ['PATH']}", "PYTHONPATH": str(HOME)}
    done = subprocess.run(
        ["bash", "--norc", "-c", PRESS_TAB, "bash", line], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert (done.stdout.split(), done.stderr) == (completed, "")

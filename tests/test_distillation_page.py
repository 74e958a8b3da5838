"""docs/use/distillation.md says what the code does."""

import re
import shlex
from pathlib import Path

import pytest

from r1lite.data import quality
from r1lite.losses.distill import KINDS
from r1lite.settings.command_line import understood

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "use" / "distillation.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.replace("\\\n", " ").splitlines() if line.startswith("python -m r1lite.train")]


@pytest.mark.parametrize("command", COMMANDS)
def test_its_commands_are_understood(command: str) -> None:
    assert understood(shlex.split(command)[3:])


def test_there_are_commands() -> None:
    assert len(COMMANDS) == 3


def test_every_reason_to_drop_a_response_is_named() -> None:
    source = Path(quality.__file__).read_text(encoding="utf-8")
    returned = set(re.findall(r'"([a-z_]{4,})"', source.split("def select")[1])) - {"nowhere", "anywhere", "stop"}
    assert returned == set(
        re.findall(r"`([a-z_]+)`", " ".join(re.findall(r"^\| (`.*?) \|", TEXT.split("## What is kept")[1], re.MULTILINE)))
    )


def test_every_loss_has_its_formula() -> None:
    assert set(re.findall(r"^(\w+) {3,}", TEXT.split("```")[3], re.MULTILINE)) == set(KINDS)

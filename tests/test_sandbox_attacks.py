"""Hostile programs, one test each: the machine, the supervisor and the next program are unaffected."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sandbox_attacks import escape, reading, resources

from sandbox import Limits, Program, Sandbox

# Programs that may hang get one second, and the others enough time on a busy machine.
LIMITS = Limits(seconds=1.0, memory_mb=64, output_kb=64, disk_mb=4, files=64)
HONEST = Program(code="import os\nopen('mine', 'w').write('1')\nprint(sum(map(int, input().split())), os.listdir())", stdin="20 22")
ATTACKS = resources.ATTACKS | escape.ATTACKS | reading.ATTACKS
# A verdict is promised within half a second of the limit; a busy machine gets more.
SLACK = 5.0
WORKERS = 2


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("open to all") / "secret"
    path.write_text("PLANTED")
    return path


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    os.environ["PLANTED"] = "PLANTED"
    with Sandbox(workers=WORKERS) as box:
        yield box
    del os.environ["PLANTED"]


def descendants(pid: int) -> list[int]:
    children = [int(child) for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()]
    return children + [below for child in children for below in descendants(child)]


def left_over(before: set[int]) -> set[int]:
    """New processes, after waiting for those that are about to end."""
    for _ in range(100):
        extra = set(descendants(os.getpid())) - before
        if not extra:
            break
        time.sleep(0.05)
    return extra


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_harms_nobody(box: Sandbox, secret: Path, name: str) -> None:
    statuses, code = ATTACKS[name]
    limits = LIMITS if "timeout" in statuses else replace(LIMITS, seconds=20.0)
    attack = Program(code=code.replace("{secret!r}", repr(str(secret))), limits=limits)
    before = set(descendants(os.getpid()))
    result, *others = box.run([attack, HONEST, HONEST])
    assert result.status in statuses, result
    assert "BREACH" not in result.stdout
    assert "PLANTED" not in result.stdout + result.stderr
    assert result.seconds < limits.seconds + SLACK
    assert [(other.status, other.stdout) for other in others] == [("ok", "42 ['mine']\n")] * 2
    assert left_over(before) == set(), "a jail was replaced, or a process is left over"

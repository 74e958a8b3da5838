"""What a stage declares holds everywhere: one file is all that a stage, a rule or a task needs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from r1lite import HOME, ROOMS
from r1lite.config import Config
from r1lite.settings.command_line import checked
from r1lite.settings.compose import configuration
from r1lite.settings.reference import help_text
from r1lite.settings.resume import is_free, may_differ, sources, stages_of
from r1lite.settings.stages import EXAMPLES, ROLLOUTS, leaves, own_settings, read_by, sections, stage, stages
from r1lite.store.run import Run
from r1lite.train import train

STAGE = '''
"""Repeats what it is told."""

from dataclasses import dataclass
from pathlib import Path

from r1lite.checks.bounds import at_least
from r1lite.config import Config, free
from r1lite.stages import Place, stage


@dataclass
class EchoConfig:
    """Repeats a word."""

    start: str = "previous"  # weights to hand on
    word: str = "so"  # what is repeated
    times: int = 2  # how often
    loud: bool = free(False)  # in capital letters
    data: str = ""  # a file that is read


def check(name: str, cfg: Config) -> list[str]:
    at_least(name, cfg.echo, times=1)
    return [f"{name} is loud"] if cfg.echo.loud else []


@stage("echo", config=EchoConfig, check=check, reads=lambda settings: [settings.data], card=("times",))
def run(cfg: Config, start: Path, place: Place) -> Path:
    said = " ".join([cfg.echo.word] * cfg.echo.times)
    (place.out / "said.txt").write_text(said.upper() if cfg.echo.loud else said)
    return start
'''
RULE = '''
from rewards import Problem, Rollout, reward


@reward("polite")
def polite(problem: Problem, rollout: Rollout, *, word: str = "please") -> float:
    """1 for a response that says please."""
    return float(word in rollout.response)
'''
TASK = '''
from collections.abc import Sequence

from r1lite.types import Problem
from tasks import task


@task("greet")
class Greet:
    """Asks for a greeting."""

    name = "greet"

    def __init__(self, *, seed: int | str = 0, whom: str = "Ada") -> None:
        self.whom = whom

    def problems(self, split: str) -> Sequence[Problem]:
        return [Problem(id=f"{split}/{i}", prompt=f"Greet {self.whom} {i}.", answer="hello") for i in range(4)]
'''
SMALL = "threads=1 sampler.max_tokens=4 scoring.workers=0 evaluate.problems=2 evaluate.samples=2 evaluate.k=2 evaluate.every_stage=false"


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    (tmp_path / "echo.py").write_text(STAGE)
    monkeypatch.chdir(tmp_path)
    return ["plugins=[./echo.py]", "stages=[echo,echo_2]", "run_dir=run", *SMALL.split()]


def composed(*settings: str) -> Config:
    return configuration(checked(settings))


def own(cfg: Config, name: str) -> Any:
    return own_settings(cfg, name)


def test_each_shipped_stage_declares_the_section_that_config_py_types() -> None:
    shipped = {name: stages.declaration(name) for name in stages._files()}
    assert {name: declared.config for name, declared in shipped.items()} == {name: type(getattr(Config(), name)) for name in shipped}
    assert {*sections(Config())} == {*shipped} - {"evaluate"}
    for name, declared in shipped.items():
        assert {*declared.card} <= {f.name for f in fields(getattr(Config(), name))}


def test_what_shipped_stages_read_and_leave(config: Callable[..., Config]) -> None:
    cfg = config("stages=[cold_start,rl,reject,sft,distill,dpo]", "cold_start.data=own", "distill.method=on_policy")
    assert {name: read_by(cfg, name) for name in cfg.stages} == {
        "cold_start": ["own"], "rl": [], "reject": [], "sft": ["reject"], "distill": ["tiny_student"], "dpo": ["ledger"]
    }  # fmt: skip
    assert [name for name in cfg.stages if leaves(cfg, name, EXAMPLES)] == ["cold_start", "reject"]
    assert [name for name in cfg.stages if leaves(cfg, name, ROLLOUTS)] == ["cold_start", "rl", "reject"]
    assert [name for name in stages.names() if stages.declaration(name).tests] == ["evaluate"]
    assert [name for name in stages.names() if stages.declaration(name).from_scratch] == ["pretrain"]


@pytest.mark.parametrize(
    "key",
    ["run_dir", "stages", "rl.micro_batch_tokens", "rounds.sft_2.micro_batch_tokens", "rl.show_every", "parity.threshold", "parity",
     "sampler.urls", "teacher.url", "rewards.judge.url", "rewards.judge.cache", "scoring.workers", "model.gradient_checkpointing"],
)  # fmt: skip
def test_what_says_how_a_run_works_is_free(key: str) -> None:
    assert is_free(key, Config())


@pytest.mark.parametrize(
    "key", ["seed", "rl.steps", "teacher.model", "teacher", "rewards.answer.weight", "rewards.judge.model", "task", "gone", "rl.gone", "rl"]
)
def test_what_says_what_comes_out_is_not(key: str) -> None:
    assert not is_free(key, Config())


def test_a_stages_settings_are_free_until_it_has_begun() -> None:
    cfg = Config()
    assert may_differ("sft.steps", cfg, {"rl"})
    assert not may_differ("rl.steps", cfg, {"rl_2"})
    assert not may_differ("evaluate.problems", cfg, set())  # which hold for every stage
    assert stages_of("rl.steps", cfg, {"rl", "rl_2", "sft"}) == {"rl", "rl_2"}


def test_a_stage_of_a_plugin_has_settings_of_its_own(plugin: list[str]) -> None:
    cfg = composed(*plugin, "echo.times=3", "echo_2.word=no", "echo_2.loud=true")
    assert (own(cfg, "echo").times, own(cfg, "echo").word) == (3, "so")
    assert (own(cfg, "echo_2").times, own(cfg, "echo_2").word, own(cfg, "echo_2").loud) == (3, "no", True)
    assert is_free("echo.loud", cfg)
    assert not is_free("echo.times", cfg)
    assert may_differ("echo.times", cfg, {"rl"})
    assert "\n  echo.times=5                    how often\n" in help_text([*plugin, "++echo.times=5", "--help"])
    assert not hasattr(composed("stages=[rl]"), "echo")


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("echo.tims=3", "unknown setting 'echo.tims'. Did you mean echo.times?"),
        ("echo_2.tims=3", "unknown setting 'echo_2.tims'. Did you mean echo_2.times?"),
        ("eco.times=3", "unknown setting 'eco.times'. Did you mean echo.times?"),
        ("echo.times=many", "echo.times should be a whole number, got many"),
        ("echo_2.times=many", "echo_2.times should be a whole number, got many"),
    ],
)
def test_its_settings_are_checked_as_ours_are(typed: str, says: str, plugin: list[str]) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(says)}$"):
        composed(*plugin, typed)


def test_it_runs_and_resumes_by_what_it_declares(plugin: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "read.txt").write_text("one")
    with pytest.raises(ValueError, match=r"echo_2\.times must be at least 1, got 0"):
        train(composed(*plugin, "echo_2.times=0"))
    begun = [*plugin, "echo.times=3", "echo_2.word=no", "echo.data=read.txt"]
    train(composed(*begun, "echo.loud=true"))
    assert [(tmp_path / "run" / name / "said.txt").read_text() for name in ("echo", "echo_2")] == ["SO SO SO", "NO NO NO"]
    assert "echo is loud" in capsys.readouterr().out
    assert "read.txt" in sources(composed(*begun))
    train(composed(*begun))  # which may be quiet now
    assert "echo_2: already finished" in capsys.readouterr().out
    train(composed(*begun[:1], "stages=[evaluate]", *begun[2:]))  # in between, a command that names neither
    with pytest.raises(ValueError, match=r"echo\.times: was 3, is now 4\n.* delete .*/run/echo and .*/run/echo_2 to repeat that part"):
        train(composed(*begun, "echo.times=4"))
    (tmp_path / "read.txt").write_text("two")
    with pytest.raises(ValueError, match=r"read\.txt changed since"):
        train(composed(*begun))


def test_a_configuration_made_in_python_gets_its_section(plugin: list[str], tmp_path: Path) -> None:
    cfg = Config(plugins=["./echo.py"], stages=["echo"], run_dir="run", threads=1)
    cfg.evaluate.every_stage = False
    train(cfg)
    assert (tmp_path / "run" / "echo" / "said.txt").read_text() == "so so"


def test_a_name_that_a_repeated_stage_would_have_is_refused() -> None:
    with pytest.raises(ValueError, match="a stage cannot be called 'echo_2', which means that stage 'echo' is repeated"):
        stage("echo_2")


def test_an_installed_package_brings_a_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[r1lite.stages]\necho = their_stage:run\n")
    (tmp_path / "their_stage.py").write_text(STAGE)
    monkeypatch.syspath_prepend(tmp_path)
    try:
        assert own(composed("stages=[echo]", "echo.times=7"), "echo").times == 7
    finally:
        stages.remove("echo")
        sys.modules.pop("their_stage", None)


@pytest.mark.slow
def test_one_file_each_is_all_that_a_stage_a_rule_and_a_task_need(tmp_path: Path) -> None:
    for room in ("r1lite", *ROOMS, "conf"):
        shutil.copytree(HOME / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    for file, text in (("r1lite/stages/echo.py", STAGE), ("rewards/polite.py", RULE), ("tasks/greet.py", TASK)):
        (tmp_path / file).write_text(text)
    settings = "stages=[rl,echo] task=greet task.whom=Bob rewards.polite.weight=1 rewards.polite.word=hello rl.steps=1 echo.times=3"
    command = [sys.executable, "-m", "r1lite.train", *settings.split(), *SMALL.split(), "rl.prompts_per_step=2", "run_dir=run"]
    done = subprocess.run(command, cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "run" / "echo" / "said.txt").read_text() == "so so so"
    cfg = (tmp_path / "run" / "config.yaml").read_text()
    assert "  whom: Bob\n" in cfg
    assert "  polite:\n    weight: 1\n    word: hello\n" in cfg
    assert (tmp_path / "run" / "rl" / "final" / "README.md").read_text().count("polite") >= 1


def test_a_run_directory_of_another_stage_is_left_as_it_is(plugin: list[str], tmp_path: Path) -> None:
    cfg = composed(*plugin)
    with Run(cfg).opened():
        pass
    with Run(composed("run_dir=run", "stages=[rl]", *plugin[:1], *SMALL.split())).opened():  # echo never began: nothing rests on it
        pass
    assert "echo:" not in (tmp_path / "run" / "config.yaml").read_text()

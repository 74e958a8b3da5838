"""The `r1lite` command: what it makes of the words that were typed. And the marker that says our packages are typed."""

import subprocess
import sys
from pathlib import Path

import pytest
from test_pages import SMALL

from r1lite import HOME, ROOMS, __version__, cli


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch):
    """Type words; see which module would run, and with which arguments."""

    def ask(*words: str) -> tuple[str, list[str]]:
        ran: list[tuple[str, list[str]]] = []

        def pretend(module: str) -> object:
            return type("Module", (), {"main": staticmethod(lambda: ran.append((module, sys.argv[1:])))})

        monkeypatch.setattr(cli, "import_module", pretend)
        monkeypatch.setattr(sys, "argv", ["r1lite", *words])
        cli.main()
        return ran[0]

    return ask


@pytest.mark.parametrize(
    ("words", "module", "arguments"),
    [
        (["train", "seed=1"], "r1lite.train", ["seed=1"]),
        (["seed=1", "rl.steps=2"], "r1lite.train", ["seed=1", "rl.steps=2"]),
        (["--cfg", "job"], "r1lite.train", ["--cfg", "job"]),
        (["~rewards.answer"], "r1lite.train", ["~rewards.answer"]),
        (["demo"], "r1lite.train", ["experiment=demo", "run_dir=runs/demo"]),
        (["demo", "seed=1"], "r1lite.train", ["experiment=demo", "run_dir=runs/demo", "seed=1"]),
        (["demo", "run_dir=a", "rl.steps=2"], "r1lite.train", ["experiment=demo", "run_dir=a", "rl.steps=2"]),
        (["chat", "demo"], "r1lite.commands.chat", ["demo"]),
    ],
)
def test_each_command_gets_its_own_words(asked, words: list[str], module: str, arguments: list[str]) -> None:
    assert asked(*words) == (module, arguments)


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_version(flag: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["r1lite", flag])
    cli.main()
    assert capsys.readouterr().out == f"r1lite {__version__}\n"


@pytest.mark.parametrize("words", [[], ["--help"], ["help"]])
def test_help_lists_every_command(words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["r1lite", *words])
    cli.main()
    shown = capsys.readouterr().out
    assert [line.split()[0] for line in shown.splitlines() if line.startswith("  ")] == list(cli.COMMANDS)
    assert "{" not in shown


def test_a_mistyped_command_is_named_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["r1lite", "evalute", "tiny_base"])
    with pytest.raises(SystemExit, match=r"error: unknown command 'evalute'\. Did you mean 'evaluate'\? Known: audit, "):
        cli.main()


def test_packages_that_users_import_say_that_they_are_typed() -> None:
    assert [name for name in ("r1lite", *ROOMS) if not (HOME / name / "py.typed").is_file()] == []


@pytest.mark.slow
def test_the_demo_goes_on_where_it_was(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from r1lite.cli import main; main()", "demo", *SMALL]
    first, second = (subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False) for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0), first.stdout + first.stderr + second.stderr
    stages = ("cold_start", "rl", "reject", "sft", "distill")
    assert [s for s in stages if f"{s}: already finished" in first.stdout] == []
    assert [s for s in stages if f"{s}: already finished" in second.stdout] == list(stages)
    assert (tmp_path / "runs" / "demo" / "summary.json").is_file()

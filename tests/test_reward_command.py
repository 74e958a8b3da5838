"""Listing, explaining and beginning a rule."""

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from r1lite import cli
from r1lite.commands import reward as command
from r1lite.commands.reward_new import package_files
from rewards import rewards


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    monkeypatch.setattr(sys, "argv", ["r1lite", "reward", *words])
    cli.main()
    return capsys.readouterr().out


def refused(monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    monkeypatch.setattr(sys, "argv", ["r1lite", "reward", *words])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return str(stopped.value)


def test_the_list_has_a_line_for_every_rule(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    lines = run(monkeypatch, capsys, "list").splitlines()
    assert [line.split()[0] for line in lines] == rewards.names()
    assert all(len(line.split()) > 3 for line in lines if line.split()[0] in rewards._files())
    assert next(line for line in lines if line.startswith("format ")).endswith(
        "Is the response one thought, then one answer, and nothing else?"
    )


def test_listing_imports_no_rule() -> None:
    code = "import sys; from r1lite.commands.reward import main; sys.argv[1:] = ['list']; main(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    imported = done.stdout.splitlines()[-1].split()
    assert not [m for m in imported if (m.startswith("rewards.") and not m.startswith("rewards._")) or m in ("torch", "sympy")]


def test_a_rule_from_elsewhere_is_listed_by_its_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "afar_rules.py").write_text('"""Is it far away?\n\nVery."""\nraise RuntimeError("imported")\n')
    monkeypatch.syspath_prepend(tmp_path)
    entry = EntryPoint(name="afar", value="afar_rules:afar", group="r1lite.rewards")
    monkeypatch.setattr(command, "entry_points", lambda group: [entry])
    assert command.first_line("afar") == "Is it far away?"


def test_explain_says_what_a_rule_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    said = run(monkeypatch, capsys, "explain", "length")
    assert said.startswith("length\n\nSoft penalty for overlong responses")
    assert "options: limit = (required), margin = (required)" in said
    assert "outcome" not in said


def test_explain_scores_one_completion_with_its_evidence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    said = run(monkeypatch, capsys, "explain", "answer", "completion=<think>a</think><answer>14/2</answer>", "answer=07")
    assert said.endswith("value    1\noutcome  scored\nwhy      extracted '14/2', expected '07'\n")
    said = run(monkeypatch, capsys, "explain", "length", "completion=" + "word" * 9, "limit=10", "margin=2", "finish=length")
    assert said.endswith("value    -1\noutcome  scored\nwhy      9 tokens, limit 10\n")
    said = run(monkeypatch, capsys, "explain", "countdown", "completion=<answer>3*5+8</answer>", "target=23", "numbers=[3, 5, 8]")
    assert said.endswith("value    1\noutcome  scored\nwhy      '3*5+8' is 23\n")
    said = run(monkeypatch, capsys, "explain", "countdown", "completion=<answer>3*5+8</answer>")
    assert "value    none\noutcome  failed\nwhy      KeyError" in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["lost"], "unknown command of `r1lite reward`: 'lost'. Did you mean 'list'?"),
        (["list", "all"], "'all' is not a setting"),
        (["list", "all=1"], "unknown setting 'all'"),
        (["explain"], "name a rule"),
        (["explain", "anser"], "unknown reward 'anser'. Did you mean 'answer'?"),
        (["explain", "answer", "answer=7"], "completion= is missing, so there is nothing to score (got answer)"),
        (["explain", "answer", "completion=7", "finish=stopp"], "unknown finish 'stopp'"),
        (["explain", "length", "completion=7"], "needs a value for limit, margin"),
        (["new"], "name the new rule"),
        (["new", "my-rule"], "a rule's name must be a lower-case Python identifier, such as my_rule, got 'my-rule'"),
        (["new", "class"], "a rule's name must be"),
        (["new", "math"], "a rule named 'math' already exists"),
    ],
)
def test_what_makes_no_sense_is_said(monkeypatch: pytest.MonkeyPatch, words: list[str], says: str) -> None:
    assert says in refused(monkeypatch, *words)


def test_a_new_package_passes_its_own_test(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    assert str(folder) in run(monkeypatch, capsys, "new", "kindness", str(folder))
    assert {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()} == set(package_files("kindness"))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed" in done.stdout


def test_a_new_package_is_a_plugin_and_has_an_entry_point(tmp_path: Path) -> None:
    import tomllib

    from hydra import compose, initialize_config_dir

    from r1lite.commands.reward_new import write_package

    folder = write_package("kindness", tmp_path / "theirs")
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == "r1lite-kindness"
    assert project["entry-points"]["r1lite.rewards"] == {"kindness": "r1lite_kindness.kindness:kindness"}
    with initialize_config_dir(version_base="1.3", config_dir=str(folder / "conf")):
        assert compose("reward/kindness").rewards.kindness.weight == 1.0


def test_a_folder_that_holds_something_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    assert "is not an empty folder" in refused(monkeypatch, "new", "kindness", str(tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]

"""Scoring from outside: the input's order, columns for the rules, bad lines, pipes."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from r1lite import score_file
from r1lite.score_file import as_group, score_lines

GOOD = "<think>3+4</think><answer>{}</answer>"


def score(folder: Path, lines: list[str], rewards: dict[str, Any] | None = None, **options: Any) -> list[dict[str, Any]]:
    """Through files, and in this process: no worker has to start."""
    (folder / "in.jsonl").write_text("\n".join(lines), encoding="utf-8")
    score_lines(
        rewards={"answer": {}, "format": {"weight": 0.2}} if rewards is None else rewards,
        **{
            "input": str(folder / "in.jsonl"),
            "output": str(folder / "out.jsonl"),
            "plugins": [],
            "workers": 0,
            "seconds": 2.0,
            "memory_mb": 512,
            **options,
        },
    )
    return [json.loads(line) for line in (folder / "out.jsonl").read_text(encoding="utf-8").splitlines()]


def test_lines_come_back_in_order_with_all_that_they_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_file, "CHUNK", 3)  # more than one chunk
    rows = [{"completion": GOOD.format(i), "answer": str(i % 2), "nr": i, "什么": "好"} for i in range(8)]
    scored = score(tmp_path, [json.dumps(row) for row in rows])
    assert [{k: row[k] for k in rows[0]} for row in scored] == rows
    assert [row["reward"] for row in scored] == pytest.approx([1.2, 1.2, *[0.2] * 6])
    assert scored[0]["verdicts"]["answer"] == {"value": 1.0, "outcome": "scored", "why": "extracted '0', expected '0'"}
    assert "好" in (tmp_path / "out.jsonl").read_text(encoding="utf-8")


def test_columns_reach_the_rules_as_info(tmp_path: Path) -> None:
    row = {"completion": GOOD.format("3*5+9"), "target": 24, "numbers": [3, 5, 9]}
    assert score(tmp_path, [json.dumps(row)], {"countdown": {}})[0]["reward"] == 1.0
    (short,) = score(tmp_path, [json.dumps({"completion": "x"})], {"countdown": {}})
    assert short["verdicts"]["countdown"]["outcome"] == "failed"
    assert "no column 'target'" in short["verdicts"]["countdown"]["why"]
    assert (short["reward"], short["verdicts"]["countdown"]["value"]) == (0, None)


def test_a_line_is_a_problem_with_one_rollout() -> None:
    group = as_group({"completion": "c", "answer": 7, "prompt": "p", "token_ids": [1, 2], "x": None}, "in:3")
    assert (group.problem.id, group.problem.prompt, group.problem.answer) == ("in:3", "p", 7)
    assert dict(group.problem.info) == {"token_ids": [1, 2], "x": None}
    assert [(r.text, r.token_ids) for r in group.rollouts] == [("c", (1, 2))]


def test_an_abstention_is_left_out_and_blank_lines_are_no_rows(tmp_path: Path) -> None:
    (row,) = score(tmp_path, ["", json.dumps({"completion": GOOD.format(7)}), "  ", ""])
    assert row["reward"] == pytest.approx(0.2)
    assert row["verdicts"]["answer"] == {"value": None, "outcome": "abstained", "why": ""}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{'completion': 1}", "in.jsonl, line 2: this is not JSON"),
        ("[1]", "in.jsonl, line 2: a line is an object with a text `completion`"),
        ('{"answer": "7"}', "in.jsonl, line 2: a line is an object with a text `completion`"),
        ('{"completion": 7}', "in.jsonl, line 2: a line is an object with a text `completion`"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, line: str, says: str) -> None:
    with pytest.raises(ValueError, match="line 2") as error:
        score(tmp_path, ['{"completion": ""}', line])
    assert says in str(error.value)


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"gone\.jsonl cannot be opened: No such file"):
        score(tmp_path, [], input=str(tmp_path / "gone.jsonl"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["reward={}"], "unknown option 'reward'. Did you mean 'rewards'?"),
        (["rewards"], "Options are written as name=value."),
        ([], "rewards is needed"),
        (["rewards={ansser: {}}"], "unknown reward 'ansser'. Did you mean 'answer'?"),
    ],
)
def test_options_that_make_no_sense(arguments: list[str], says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["score", *arguments])
    with pytest.raises(SystemExit) as stopped:
        score_file.main()
    assert str(stopped.value).startswith("error: ")
    assert says in str(stopped.value)


def test_it_stands_in_a_pipe(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps({"completion": GOOD.format(7), "answer": "07"}) + "\n"))
    monkeypatch.setattr(sys, "argv", ["score", "rewards={answer: {}}", "workers=0"])
    score_file.main()
    assert json.loads(capsys.readouterr().out)["reward"] == 1.0


def test_the_command_with_its_own_workers() -> None:
    """As a user starts it: through a real pipe, in a process of its own."""
    lines = [json.dumps({"completion": GOOD.format(i), "answer": "1", "nr": i}) for i in range(3)]
    command = [sys.executable, "-m", "r1lite.score", "rewards={answer: {}}", "workers=1", "seconds=20"]
    done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [(row["nr"], row["reward"]) for row in map(json.loads, done.stdout.splitlines())] == [(0, 0.0), (1, 1.0), (2, 0.0)]

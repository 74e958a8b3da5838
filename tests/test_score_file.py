"""Scoring from outside: the input's order, columns for the rules, bad lines, pipes."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from r1lite.commands import score_file
from r1lite.commands.score_file import as_group, score_lines

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
    assert scored[0]["verdicts"]["answer"] == {
        "value": 1.0,
        "outcome": "scored",
        "why": "extracted '0', expected '0'",
        "how": "",
        "spans": [[26, 27]],
    }
    assert "好" in (tmp_path / "out.jsonl").read_text(encoding="utf-8")


def test_half_a_character_is_written_as_it_was_read(tmp_path: Path) -> None:
    (row,) = score(tmp_path, ['{"completion": "\\ud83d", "answer": "1"}'])
    assert row["completion"] == "\ud83d"


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


def test_lengths_are_those_of_token_ids_or_estimated_and_finish_says_what_was_cut(tmp_path: Path) -> None:
    rows = [{"completion": "c" * 40}, {"completion": "c" * 40, "token_ids": [0] * 8}, {"completion": "c", "finish": "length"}]
    told = [row["verdicts"]["length"] for row in score(tmp_path, [json.dumps(row) for row in rows], {"length": {"limit": 10, "margin": 4}})]
    assert [v["why"] for v in told] == ["10 tokens, limit 10", "8 tokens, no penalty up to 6", "1 tokens, limit 10"]
    assert [v["value"] for v in told] == [-1.0, -0.5, -1.0]


def of_lengths(*lines: tuple[Any, int], key: str = "id") -> list[str]:
    return [json.dumps({key: k, "completion": GOOD.format(7), "answer": "7", "token_ids": [0] * n, "nr": n}) for k, n in lines]


@pytest.mark.parametrize("key", ["id", "prompt"])
def test_lines_of_one_id_or_prompt_are_a_group_wherever_they_stand(key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_file, "CHUNK", 2)  # a group is not cut where a chunk ends
    lines = of_lengths(("a", 10), ("b", 4), ("a", 20), ("b", 4), ("a", 30), ("1", 5), key=key)
    told = score(tmp_path, lines, {"answer": {}, "length_kimi": {"weight": 0.5}})
    assert [(row[key], row["nr"]) for row in told] == [("a", 10), ("b", 4), ("a", 20), ("b", 4), ("a", 30), ("1", 5)]
    assert [row["reward"] for row in told] == [1.25, 1.0, 1.0, 1.0, 0.75, 1.0]


def test_an_id_goes_before_a_prompt_and_a_number_is_not_a_text(tmp_path: Path) -> None:
    rows = [json.loads(line) | {"prompt": "same"} for line in of_lengths((1, 10), (2, 20), ("1", 30), (1, 20))]
    told = score(tmp_path, [json.dumps(row) for row in rows], {"answer": {}, "length_kimi": {}})
    assert [row["verdicts"]["length_kimi"]["value"] for row in told] == [0.5, 0.0, 0.0, -0.5]


def test_a_group_has_the_columns_that_its_lines_agree_on(tmp_path: Path) -> None:
    rows = [{"completion": GOOD.format("3*5+9"), "id": 1, "target": 24, "numbers": n} for n in ([3, 5, 9], [3, 5, 8])]
    told = score(tmp_path, [json.dumps(row) for row in rows], {"countdown": {}, "length_kimi": {}})
    assert all("no column 'numbers'; it has id, target" in row["verdicts"]["countdown"]["why"] for row in told)
    assert [row["numbers"] for row in told] == [[3, 5, 9], [3, 5, 8]]
    alone = score(tmp_path, [json.dumps(row) for row in rows], {"countdown": {}})
    assert [row["reward"] for row in alone] == [1.0, 0.0]


def test_groups_that_make_no_sense_are_named(tmp_path: Path) -> None:
    lines = of_lengths(("a", 1), ("b", 1))
    with pytest.raises(ValueError, match=r"in\.jsonl, line 3: the answer differs from that in line 1, which has the same id"):
        score(tmp_path, [*lines, lines[0].replace('"answer": "7"', '"answer": "8"')], {"answer": {}, "length_kimi": {}})
    with pytest.raises(ValueError, match=r"in\.jsonl, line 2: id or prompt is missing, and rule length_kimi needs one"):
        score(tmp_path, [lines[0], '{"completion": "c"}'], {"answer": {}, "length_kimi": {}})


def test_the_input_is_not_overwritten(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="input and output are the same file"):
        score(tmp_path, ["{}"], output=f"{tmp_path}/../{tmp_path.name}/in.jsonl")
    assert (tmp_path / "in.jsonl").read_text() == "{}"


def test_an_abstention_is_left_out_and_blank_lines_are_no_rows(tmp_path: Path) -> None:
    (row,) = score(tmp_path, ["", json.dumps({"completion": GOOD.format(7)}), "  ", ""])
    assert row["reward"] == pytest.approx(0.2)
    assert row["verdicts"]["answer"] == {"value": None, "outcome": "abstained", "why": "", "how": "", "spans": []}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{'completion': 1}", "in.jsonl, line 2: not valid JSON"),
        ("[1]", "in.jsonl, line 2: expected a JSON object with a string `completion`"),
        ('{"answer": "7"}', "in.jsonl, line 2: expected a JSON object with a string `completion`"),
        ('{"completion": "", "token_ids": 7}', "in.jsonl, line 2: token_ids must be a list, got 7"),
        ('{"completion": 7}', "in.jsonl, line 2: expected a JSON object with a string `completion`"),
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
        (["reward={}"], "unknown setting 'reward'. Did you mean 'rewards'?"),
        (["rewards"], "settings are written as name=value"),
        ([], "rewards is missing"),
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
    monkeypatch.setattr(sys, "argv", ["score", "rewards={answer: {}}", "workers=0", "input=-", "output=-"])
    score_file.main()
    assert json.loads(capsys.readouterr().out)["reward"] == 1.0


def test_the_command_with_its_own_workers() -> None:
    """As a user starts it: through a real pipe, in a process of its own."""
    lines = [json.dumps({"completion": GOOD.format(i), "answer": "1", "nr": i}) for i in range(3)]
    command = [sys.executable, "-m", "r1lite.score", "rewards={answer: {}}", "workers=1", "seconds=20"]
    done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [(row["nr"], row["reward"]) for row in map(json.loads, done.stdout.splitlines())] == [(0, 0.0), (1, 1.0), (2, 0.0)]

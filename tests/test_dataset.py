"""The user's own problems: every format, column mapping, splits, and bad rows by file and line."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from r1lite.text.rows import BadRow, as_prompt, read_rows
from tasks import tasks
from tasks.dataset import Dataset

ROWS = [{"prompt": f"{i}+1", "answer": str(i + 1), "level": "easy"} for i in range(300)]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    match path.suffix:
        case ".jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        case ".json":
            path.write_text(json.dumps(rows, indent=1))
        case ".csv":
            with path.open("w", newline="") as file:
                writer = csv.DictWriter(file, fieldnames=rows[0])
                writer.writeheader()
                writer.writerows(rows)
        case ".parquet":
            import pyarrow as pa
            import pyarrow.parquet as pq

            pq.write_table(pa.Table.from_pylist(rows), path)
    return path


@pytest.mark.parametrize(("ending", "first_line"), [("jsonl", 1), ("json", 1), ("csv", 2), ("parquet", 1)])
def test_every_format_gives_the_same_problems(ending: str, first_line: int, tmp_path: Path) -> None:
    problems = Dataset(path=str(write(tmp_path / f"train.{ending}", ROWS).parent)).problems("train")
    assert [(p.prompt, p.answer, p.info) for p in problems] == [(r["prompt"], r["answer"], {"level": "easy"}) for r in ROWS]
    assert problems[0].id == f"train.{ending}:{first_line}"


def test_one_file_is_split_by_its_prompts(tmp_path: Path) -> None:
    whole = Dataset(path=str(write(tmp_path / "all.jsonl", ROWS)))
    parts = {split: {p.prompt for p in whole.problems(split)} for split in ("train", "validation", "test")}
    assert sum(map(len, parts.values())) == len(set.union(*parts.values())) == 300
    assert 15 <= len(parts["test"]) <= 45
    assert 5 <= len(parts["validation"]) <= 30
    # Whatever else the file holds, and in whatever order.
    fewer = Dataset(path=str(write(tmp_path / "fewer.jsonl", ROWS[::-2])))
    assert {p.prompt for p in fewer.problems("test")} == parts["test"] & {r["prompt"] for r in ROWS[::-2]}


def test_a_folder_holds_a_file_a_split(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", ROWS[:3])
    write(tmp_path / "dev.csv", ROWS[3:5])
    task = Dataset(path=str(tmp_path), splits={"test": "dev"})
    assert [p.prompt for p in task.problems("train")] == ["0+1", "1+1", "2+1"]
    assert [p.prompt for p in task.problems("test")] == ["3+1", "4+1"]
    with pytest.raises(ValueError, match=r"has no file for the split 'validation': name it validation\.jsonl"):
        task.problems("validation")


def test_columns_are_mapped_and_the_rest_reaches_the_rules(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", [{"question": "1+1", "label": 2, "numbers": [1, 1], "prompt": "unused"}])
    task = Dataset(path=str(tmp_path), columns={"prompt": "question", "answer": "label"})
    (problem,) = task.problems("train")
    assert (problem.prompt, problem.answer, problem.info) == ("1+1", 2, {"numbers": [1, 1], "prompt": "unused"})


def test_an_answer_may_be_missing_or_be_called_solution(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", [{"prompt": "a"}, {"prompt": "b", "solution": "2"}])
    assert [p.answer for p in Dataset(path=str(tmp_path)).problems("train")] == [None, "2"]


def test_prompts_may_be_chat_messages(tmp_path: Path) -> None:
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "1+1", "name": "ann"}]
    for ending in ("jsonl", "parquet"):
        write(tmp_path / f"train.{ending}", [{"prompt": turns, "answer": "2"}])
        (problem,) = Dataset(path=str(tmp_path)).problems("train")
        assert problem.prompt == ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "1+1"})
        (tmp_path / f"train.{ending}").unlink()


@pytest.mark.parametrize(
    "prompt",
    [
        5,
        [],
        ["1+1"],
        [{"role": "user"}],
        [{"role": "user", "content": None}],
        [{"role": "user", "content": "1+1"}, {"role": "assistant", "content": "2"}],
    ],
)
def test_other_prompts_are_refused(prompt: Any) -> None:
    with pytest.raises(BadRow, match=r"^x\.jsonl, line 7: a prompt is text, or a list of .* whose last role is user; got "):
        as_prompt(prompt, Path("x.jsonl"), 7)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.jsonl", '{"prompt": "x"}\n\n{"prompt": }\n', "a.jsonl, line 3: this is not JSON (Expecting value)"),
        ("a.jsonl", '{"prompt": "x"}\n["x"]\n', "a.jsonl, line 2: a row is an object with a name for each column, got ['x']"),
        ("a.jsonl", b'{"prompt": "x"}\n{"prompt": "\xff"}\n', "a.jsonl, line 2: this is not JSON ('utf-8' codec can't decode byte 0xff"),
        ("a.json", '[\n {"prompt": "x"},\n {"prompt": }\n]', "a.json, line 3: this is not JSON (Expecting value)"),
        ("a.json", '{"prompt": "x"}', "a.json: a .json file holds one list of objects; a file with one object per line is named .jsonl"),
        ("a.json", '[{"prompt": "x"}, 3]', "a.json, line 2: a row is an object with a name for each column, got 3"),
        ("a.csv", "prompt,answer\nx,1\ny\n", "a.csv, line 3: the row has more or fewer cells than the header"),
        ("a.csv", "prompt,answer\nx,1,2\n", "a.csv, line 2: the row has more or fewer cells than the header"),
        ("a.csv", "prompt,answer\nx,1\n" + "y" * 200_000 + ",2\n", "a.csv, after line 2: this is not CSV in UTF-8 (field larger"),
        ("a.csv", b"prompt,answer\nx\xff,1\n", "a.csv, after line 0: this is not CSV in UTF-8 ('utf-8' codec"),
        ("a.parquet", "prompt\nx\n", "a.parquet: this is not Parquet ("),
        ("a.jsonl", "", "a.jsonl holds no rows"),
        ("a.jsonl", "\n \n", "a.jsonl holds no rows"),
        ("a.json", "[]", "a.json holds no rows"),
        ("a.csv", "prompt,answer\n", "a.csv holds no rows"),
        ("a.txt", "x", "a.txt: a file of rows ends in .jsonl, .json, .csv, .parquet"),
    ],
)
def test_a_bad_row_names_its_file_and_line(name: str, content: str | bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ValueError, match=re.escape(str(tmp_path / says))):
        read_rows(path)


def test_a_cell_may_hold_several_lines(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('prompt,answer\n"x\ny",1\nz,2\n')
    assert read_rows(tmp_path / "a.csv") == [(3, {"prompt": "x\ny", "answer": "1"}), (4, {"prompt": "z", "answer": "2"})]


@pytest.mark.parametrize("ending", ["jsonl", "json", "csv"])
def test_a_byte_order_mark_is_no_part_of_the_first_column(ending: str, tmp_path: Path) -> None:
    plain = write(tmp_path / f"plain.{ending}", ROWS[:2])
    marked = tmp_path / f"marked.{ending}"
    marked.write_bytes(b"\xef\xbb\xbf" + plain.read_bytes())
    assert read_rows(marked) == read_rows(plain)


def test_missing_columns_name_what_the_row_has(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", [{"prompt": "x", "answer": "1"}, {"question": "y", "answer": "2"}])
    with pytest.raises(BadRow, match=r"train\.jsonl, line 2: column 'prompt' is missing or empty; the row has question, answer"):
        Dataset(path=str(tmp_path)).problems("train")
    with pytest.raises(
        BadRow, match=r"train\.jsonl, line 1: column 'label' \(task\.columns\.answer\) is missing; the row has prompt, answer"
    ):
        Dataset(path=str(tmp_path), columns={"answer": "label"}).problems("train")


def test_an_empty_prompt_is_a_bad_row(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", [{"prompt": "x", "answer": "1"}, {"prompt": "", "answer": "2"}])
    with pytest.raises(BadRow, match=r"train\.csv, line 3: column 'prompt' is missing or empty"):
        Dataset(path=str(tmp_path)).problems("train")


def test_a_split_without_problems_is_an_error(tmp_path: Path) -> None:
    task = Dataset(path=str(write(tmp_path / "all.jsonl", ROWS)))
    with pytest.raises(ValueError, match=r"all\.jsonl has no problems in its hard split"):
        task.problems("hard")


def test_settings_that_cannot_work_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"task=dataset needs task\.path"):
        Dataset(path="")
    with pytest.raises(ValueError, match=r"task\.columns maps prompt and answer only, got numbers; other columns keep their names"):
        Dataset(path="x.jsonl", columns={"numbers": "n"})
    with pytest.raises(ValueError, match=r"task 'dataset' needs a value for path"):
        tasks.bind("dataset", {})
    with pytest.raises(ValueError, match=r"gone\.jsonl does not exist"):
        Dataset(path=str(tmp_path / "gone.jsonl")).problems("train")
    with pytest.raises(ValueError, match=r"task\.path='somewhere' is neither a file nor a folder nor a hub name \(owner/name\)"):
        Dataset(path="somewhere").problems("train")

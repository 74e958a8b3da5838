"""Problems from the files that people have: word problems, boxed answers, choices. Each example proves itself by its own rewards."""

import json
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from r1lite.audit.mutants import as_rollout
from r1lite.audit.trials import gold_response
from r1lite.config import CONF
from r1lite.scoring.rules import Rules
from r1lite.scoring.verdicts import verdict_of
from r1lite.text.response import respond
from r1lite.text.rows import BadRow, Lines, Table
from r1lite.types import Problem, Response
from tasks import tasks
from tasks._boxed import last_boxed
from tasks._source import RowProblems, split_of

EXAMPLES = Path(__file__).parent.parent / "examples"
FILES = {"gsm8k": "word_problems.jsonl", "math_problems": "boxed.jsonl", "multiple_choice": "choices.jsonl", "dataset": "sums.jsonl"}


def written(folder: Path, *rows: Any, name: str = "train.jsonl") -> str:
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(folder)


def read(name: str, folder: Path, *rows: Any, **options: Any) -> list[Problem]:
    return list(tasks[name](path=written(folder, *rows), **options).problems("train"))


def marks(name: str, problem: Problem, response: Response) -> dict[str, float | None]:
    rules = Rules.from_config(OmegaConf.to_container(OmegaConf.load(CONF / "reward" / f"{name}.yaml")))  # pyright: ignore
    return {rule: verdict_of(rules, rule, problem, as_rollout(respond(response), problem)).value for rule in rules.weights}


@pytest.mark.parametrize("name", FILES)
def test_gold_answers_score_full_marks_through_the_tasks_own_rewards(name: str, tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_bytes((EXAMPLES / FILES[name]).read_bytes())
    task = tasks[name](path=str(tmp_path))
    found = task.problems("train")
    assert len(found) >= 8
    for i, problem in enumerate(found[:12]):
        assert set(marks(name, problem, gold_response(task, problem)).values()) == {1.0}, problem
        other = found[i - 1].answer
        if other != problem.answer:
            assert next(iter(marks(name, problem, Response(thought="so", answer=str(other))).values())) == 0.0


def test_word_problems_keep_the_solution_without_the_calculators_notes(tmp_path: Path) -> None:
    (problem,) = read("gsm8k", tmp_path, {"question": "?", "answer": "2*600=<<2*600=1200>>1200\n#### $1,200", "source": "me"})
    assert problem == Problem(id="train.jsonl:1", prompt="?", answer="1200", info={"source": "me", "solution": "2*600=1200"})
    assert tasks["gsm8k"](path="x").demonstration(problem) == Response(thought="2*600=1200", answer="1200")  # pyright: ignore


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        (r"\boxed{7}", "7"),
        (r"\boxed{1}, no, \boxed{ \frac{1}{2} }.", r"\frac{1}{2}"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\boxed{a} and \fbox{b}", "b"),
        (r"\boxed{\left\{ x \right.}", r"\left\{ x \right."),
        (r"\boxed{never closed", None),
        (r"so $\boxed 7$.", "7"),
        (r"\boxed{3}, then \boxed 3.5.", "3.5"),
        (r"\boxed  {4}", "4"),
        ("none", None),
    ],
)
def test_the_last_box_is_the_answer(text: str, inside: str | None) -> None:
    assert last_boxed(text) == inside


def test_an_empty_answer_is_none(tmp_path: Path) -> None:
    """Else an empty response would be right."""
    rows = {"prompt": "1?", "answer": ""}, {"prompt": "2?", "answer": " ", "solution": "7"}, {"prompt": "3?", "answer": 0}, {"prompt": "4?"}
    assert [p.answer for p in read("dataset", tmp_path, *rows)] == [None, "7", 0, None]


def test_an_answer_of_its_own_needs_no_box(tmp_path: Path) -> None:
    rows = {"problem": "?", "answer": 0, "level": 5}, {"question": "?", "solution": r"\boxed{x}", "answer": "2"}
    first, second = read("math_problems", tmp_path, *rows)
    assert (first.answer, first.info, second.answer, second.info) == ("0", {"level": 5}, "2", {"solution": r"\boxed{x}"})


CHOICES = [
    ({"choices": ["p", "q", "r"], "answer": 2}, "C"),
    ({"choices": ["p", "q", "r"], "answer": 2.0}, "C"),
    ({"choices": ["p", "q", "r"], "answer": "b"}, "B"),
    ({"choices": ["p", "q", "r"], "answer": "(B)"}, "B"),
    ({"choices": ["p", "q", "r"], "label": "1"}, "B"),
    ({"choices": ["p", "q", "r"], "answer": ["r"]}, "C"),
    ({"options": ["1", "0", "2"], "answer": "0"}, "B"),  # a choice's text before an index
    ({"options": {"A": "p", "B": "q", "C": None}, "answer_idx": "B"}, "B"),
    ({"choices": {"text": ["p", "q"], "label": ["1", "2"]}, "answerKey": "2"}, "B"),
    ({"choices": [{"text": "p", "label": "X"}, {"text": "q", "label": "Y"}], "answerKey": "Y"}, "B"),
    ({"endings": ["p", "q"], "label": "0"}, "A"),
    ({"A": "p", "B": "q", "C": "", "answer": "B"}, "B"),
    ({"option1": "p", "option2": "q", "answer": 2}, "B"),
    ({"optionA": "p", "optionB": "q", "answer": "A"}, "A"),
    ({"opa": "p", "opb": "q", "cop": 1}, "B"),
]


@pytest.mark.parametrize(("row", "letter"), CHOICES, ids=[str(row) for row, _ in CHOICES])
def test_choices_come_in_many_shapes(row: dict[str, Any], letter: str, tmp_path: Path) -> None:
    (problem,) = read("multiple_choice", tmp_path, {"question": "Which?", **row})
    assert problem.answer == letter
    first = "1" if "1" in problem.info["choices"] else "p"
    assert str(problem.prompt).startswith(f"Which?\n\nA. {first}\nB. ")
    assert next(iter(marks("multiple_choice", problem, Response(thought="so", answer=letter)).values())) == 1.0


def test_an_index_may_begin_at_one(tmp_path: Path) -> None:
    (problem,) = read("multiple_choice", tmp_path, {"question": "?", "choices": ["p", "q"], "answer": 1}, first_index=1)
    assert problem.answer == "A"


def test_right_beside_wrong_ones_is_put_anywhere_but_always_there(tmp_path: Path) -> None:
    rows = [{"question": f"{i}?", "correct_answer": "yes", "distractor1": "no", "distractor2": "perhaps"} for i in range(60)]
    found = read("multiple_choice", tmp_path, *rows)
    assert {p.answer for p in found} == {"A", "B", "C"}
    assert all(p.info["choices"]["ABC".index(p.answer)] == "yes" for p in found)
    again = read("multiple_choice", tmp_path, *rows[::-1])
    assert [p.prompt for p in again] == [p.prompt for p in found[::-1]]


BAD = [
    ("gsm8k", {"question": "?", "answer": "it is 7"}, "line 2: an answer ends with `####` and a number, got 'it is 7'"),
    ("gsm8k", {"question": "?", "answer": "#### seven"}, "line 2: an answer ends with `####` and a number"),
    ("gsm8k", {"question": "", "answer": "#### 7"}, "line 2: column 'question' is missing or empty"),
    ("math_problems", {"problem": "?", "solution": "7"}, "line 2: neither an answer nor a solution with"),
    ("math_problems", {"solution": r"\boxed{7}"}, "line 2: column 'problem' is missing or empty"),
    ("multiple_choice", {"question": "?", "answer": "A"}, "line 2: no choices: they are read from a column such as choices"),
    ("multiple_choice", {"question": "?", "choices": ["p", "q"]}, "line 2: no answer: it is read from one of answer, answerKey"),
    ("multiple_choice", {"question": "?", "choices": ["p", "q"], "answer": "C"}, "the answer 'C' in column 'answer' is none of the 2"),
    ("multiple_choice", {"question": "?", "choices": ["p", "q"], "answer": -1}, "the answer -1 in column 'answer' is none of the 2"),
    ("multiple_choice", {"question": "?", "choices": ["p", "q"], "answer": {}}, "the answer {} in column 'answer' is none of the 2"),
    ("multiple_choice", {"question": "?", "choices": ["p"], "answer": 0}, "a question has 2 to 26 choices"),
    ("multiple_choice", {"question": "?", "choices": ["p", " P"], "answer": 0}, "two choices are the same"),
    ("multiple_choice", {"question": "?", "choices": [["p"], "q"], "answer": 0}, "choices are a list of texts, got"),
    ("multiple_choice", {"question": "?", "choices": "p, q", "answer": 0}, "choices are a list of texts, got 'p, q'"),
]
GOOD = {
    "gsm8k": {"question": "1+1?", "answer": "#### 2"},
    "math_problems": {"problem": "1+1?", "answer": "2"},
    "multiple_choice": {"question": "1+1?", "choices": ["1", "2"], "answer": "B"},
}


@pytest.mark.parametrize(("name", "row", "says"), BAD)
def test_a_bad_row_names_its_file_and_line(name: str, row: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(BadRow) as raised:
        read(name, tmp_path, GOOD[name], row)
    assert str(raised.value).startswith(f"{tmp_path / 'train.jsonl'}, line 2: ")
    assert says in str(raised.value)


@pytest.mark.parametrize(("name", "row", "says"), BAD)
def test_a_bad_row_may_be_left_out_and_is_counted(name: str, row: dict[str, Any], says: str, tmp_path: Path) -> None:
    task = tasks[name](path=written(tmp_path, row, GOOD[name], row), bad_rows="skip")
    assert [p.id for p in task.problems("train")] == ["train.jsonl:2"]
    (notice,) = task.notices  # pyright: ignore
    assert notice.startswith(f"2 of 3 rows of {tmp_path / 'train.jsonl'} are left out: ")
    assert says.partition("line 2: ")[2] in notice


def test_broken_lines_are_left_out_too(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_bytes(b'{"prompt": "a"}\n{"prompt": \n[1]\n\n{"prompt": "b"}\n\xff\n{"prompt": 5}\n{"prompt": "c"}\n')
    task = tasks["dataset"](path=str(tmp_path), bad_rows="skip")
    assert [(p.id, p.prompt) for p in task.problems("train")] == [("train.jsonl:1", "a"), ("train.jsonl:5", "b"), ("train.jsonl:8", "c")]
    assert task.notices[0].startswith("4 of 7 rows of ")  # pyright: ignore
    assert task.notices[0].endswith("; ...")  # pyright: ignore
    with pytest.raises(ValueError, match=r"unknown task\.bad_rows 'ignore'\. Known: refuse, skip"):
        tasks["dataset"](path="x", bad_rows="ignore")


def test_rows_are_python_only_while_they_are_looked_at(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{"prompt": f"{i}?", "answer": str(i)} for i in range(50)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "train.parquet", row_group_size=7)
    by_table = tasks["dataset"](path=str(tmp_path)).problems("train")
    (tmp_path / "train.parquet").unlink()
    by_lines = tasks["dataset"](path=written(tmp_path, *rows)).problems("train")
    assert isinstance(by_table, RowProblems)
    assert isinstance(by_lines, RowProblems)
    assert isinstance(by_table.rows, Table)
    assert isinstance(by_lines.rows, Lines)
    for i in (0, 49, -1, 23):
        assert by_table[i].prompt == by_lines[i].prompt == rows[i]["prompt"]
    assert [p.answer for p in by_table[5:40:7]] == ["5", "12", "19", "26", "33"]
    assert by_table[3] == by_table[3]


def test_one_part_of_a_source_may_serve_several_splits(tmp_path: Path) -> None:
    """A source with a train split alone is cut by hash, as a single file is."""
    written(tmp_path, *({"prompt": f"{i}?"} for i in range(200)))
    task = tasks["dataset"](path=str(tmp_path), splits={"test": "train"})
    parts = {split: {p.prompt for p in task.problems(split)} for split in ("train", "test")}
    assert not parts["train"] & parts["test"]
    assert {split_of(prompt) for prompt in parts["test"]} == {"test"}
    assert "rows of" in task.notices[0]
    assert "are in no split: it is used for test, train" in task.notices[0]
    assert len(parts["test"]) > 5

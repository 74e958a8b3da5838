"""Training problems that share a run of words with an evaluation set, in words and in characters."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from r1lite.build import evaluation_questions, training_problems
from r1lite.checks.data import check_data_settings
from r1lite.config import Config
from r1lite.data.decontaminate import decontaminated, ngrams, ngrams_of_set
from r1lite.types import Problem

STORY = "Mira waters four rows of seven tomato plants every morning before she walks to the old school by the river"
CHINESE = "小明每天早上先浇四排西红柿再走到河边的学校一共要多少分钟"


def asked(*prompts: Any) -> list[Problem]:
    return [Problem(id=str(i), prompt=prompt) for i, prompt in enumerate(prompts)]


def left(problems: list[Problem], *held_out: str, n: int = 13) -> list[str]:
    return [p.id for p in decontaminated(problems, {"test": ngrams_of_set(held_out, n)}, n)]


def test_runs_are_of_words_and_where_there_are_no_spaces_of_characters() -> None:
    assert list(ngrams("One two, THREE four!", 3)) == ["one two three", "two three four"]
    assert list(ngrams("One two.", 3)) == ["all of: one two"]
    assert list(ngrams("把12和abc加起来", 3)) == ["把 12 和", "12 和 abc", "和 abc 加", "abc 加 起", "加 起 来"]


def test_thirteen_words_in_a_row_are_too_many_and_twelve_are_not() -> None:
    words = STORY.split()
    thirteen, twelve = (" ".join(["So", *words[3 : 3 + n], "and", "home", "again"]) for n in (13, 12))
    assert left(asked("Nothing of the kind", thirteen, twelve, thirteen.upper().replace(" ", ",  ")), STORY) == ["0", "2"]


def test_chinese_is_compared_by_characters() -> None:
    assert left(asked("一" + CHINESE[2:15] + "呢", "一" + CHINESE[2:14] + "呢"), CHINESE) == ["1"]


def test_a_short_question_counts_where_all_of_it_is_the_same() -> None:
    assert left(asked("1+1 = ?", "what is 1 + 1", "1 + 1"), "1+1") == ["1"]
    assert left(asked("一加一", "一加二"), "一加一。") == ["1"]


def test_a_chat_is_read_as_a_whole() -> None:
    turns = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": STORY})
    assert left(asked(turns, "other"), STORY) == ["1"]


def test_the_template_of_a_set_is_no_contamination() -> None:
    frame = "Find the number that stands behind the following sum and give it alone as your answer: {} plus {}"
    held_out = [frame.format(i, i + 1) for i in range(30)]
    assert left(asked(frame.format(77, 78), frame.format(3, 4)), *held_out) == ["0"]


def test_what_was_left_out_is_said_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    left(asked(STORY, "x"), STORY)
    said = " ".join(capsys.readouterr().out.split())
    assert "1 of 2 training problems share 13 words with an evaluation set: 0 ('mira waters four rows" in said
    assert "as in test)" in said
    left(asked("x"), STORY)
    assert "none of 1 training problems shares 13 words with test" in " ".join(capsys.readouterr().out.split())


def test_nothing_left_is_an_error() -> None:
    with pytest.raises(ValueError, match="leaves no training problem"):
        left(asked(STORY), STORY)


def test_a_run_trains_on_what_is_left(config: Callable[..., Config], tmp_path: Path) -> None:
    rows = [{"prompt": f"{STORY} number {i}"} if i % 10 == 0 else {"prompt": f"What is {i} plus {i}?"} for i in range(50)]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    held_out = tmp_path / "held_out.jsonl"
    held_out.write_text(json.dumps({"question": STORY, "answer": 1}) + "\n")
    cfg = config("task=dataset", f"task.path={tmp_path}", f"data.decontaminate_against=[{held_out}]")
    check_data_settings(cfg)
    found = training_problems(cfg)
    assert len(found) == 45
    assert not any(STORY in str(p.prompt) for p in found)
    assert training_problems(cfg) is found


def test_a_task_can_be_what_is_held_out(config: Callable[..., Config]) -> None:
    cfg = config("task=arithmetic", "task.size=30", "evaluate.splits=[test]")
    own = list(evaluation_questions("arithmetic", cfg))
    assert len(own) == 30
    assert all(" mod 23" in text for text in own)
    assert next(evaluation_questions("countdown", cfg)).startswith("make ")


def test_names_that_mean_nothing_are_refused(config: Callable[..., Config], tmp_path: Path) -> None:
    for value, says in (
        ("[gone.jsonl]", "gone.jsonl does not exist"),
        ("[cuntdown]", r"unknown file, hub name .* Did you mean 'countdown'"),
    ):
        with pytest.raises(ValueError, match=says):
            check_data_settings(config(f"data.decontaminate_against={value}"))
    with pytest.raises(ValueError, match=r"data\.ngram must be at least 1, got 0"):
        check_data_settings(config("data.ngram=0"))
    (tmp_path / "bad.jsonl").write_text('{"text_of_it": "x"}\n')
    with pytest.raises(ValueError, match=r"bad\.jsonl, line 1: no question; expected a column prompt, question"):
        list(evaluation_questions(str(tmp_path / "bad.jsonl"), config()))

"""What the benchmark of judges reports, for a judge that only compares texts."""

import sys
from pathlib import Path

import pytest
from endpoints import serving
from judges import honest, quoted

from bench import judge


def test_each_row_has_its_mean_score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(honest) as server:
        arguments = ["--url", server.url, "--model", "wise", "--problems", "2", "--cache", str(tmp_path)]
        monkeypatch.setattr(sys, "argv", ["judge", *arguments])
        judge.main()
        *rows, last = capsys.readouterr().out.splitlines()
    assert rows[0] == "answer                       1  1.00  0 of 2 without a verdict"
    assert rows[3] == "wrong answer                 0  0.00  0 of 2 without a verdict"
    assert [row[:28].strip() for row in rows] == list(judge.ROWS)
    assert len(server.asked) == 2 * (len(judge.ROWS) - 1)  # a colon is no answer, so it is not asked about
    assert last == f"{len(server.asked)} replies in {tmp_path}: 10 tokens read and 5 written per verdict"


def test_without_answers_the_judge_has_to_know_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda handler, body: handler.answer("no idea")) as server:
        arguments = ["--url", server.url, "--model", "wise", "--problems", "1", "--cache", str(tmp_path), "--no-answers", "--enforce"]
        monkeypatch.setattr(sys, "argv", ["judge", *arguments])
        judge.main()
    assert {"response_format" in body for body in server.asked} == {True}
    assert {tuple(quoted(body)) for body in server.asked} == {("QUESTION", "RESPONSE")}


def test_a_row_without_verdicts_has_no_mean() -> None:
    assert judge.row("order", []) == "order                        0     -  0 of 0 without a verdict"

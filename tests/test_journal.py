"""What was written stays, whatever happens to the writer."""

from pathlib import Path

import pytest

from r1lite.teaching.journal import Journal


def test_lines_are_there_at_once_and_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "deep" / "a.jsonl")
    assert journal.rows() == []
    for i in range(3):
        journal.append({"i": i, "text": "好\n"})
        assert Journal(journal.path).rows() == [{"i": k, "text": "好\n"} for k in range(i + 1)]


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_last_line_that_was_not_finished_is_forgotten_and_nothing_is_glued_to_it(cut: int, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a.jsonl")
    journal.append({"i": 0})
    journal.append({"i": 1, "t": ""})
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[:-cut])
    again = Journal(journal.path)
    assert again.rows() == [{"i": 0}]
    again.append({"i": 2})
    assert Journal(journal.path).rows() == [{"i": 0}, {"i": 2}]


def test_a_lone_surrogate_is_written_so_that_it_can_be_read(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a.jsonl")
    journal.append({"t": "\ud83d"})
    assert journal.rows() == [{"t": "\ud83d"}]


def test_a_broken_line_in_the_middle_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"i": 0}\nnonsense\n{"i": 1}\n')
    with pytest.raises(ValueError, match=r"a\.jsonl, line 2: this is not JSON"):
        Journal(path).rows()
    path.write_text("[1]\n")
    with pytest.raises(ValueError, match=r"line 1: a line must be one JSON object, got \[1\]"):
        Journal(path).rows()

"""Files are whole or not there, whatever ends their writing."""

import errno
import os
import shutil
from pathlib import Path

import pytest

from r1lite.store.files import DiskFull, atomic, read_json, remove, write_json


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_a_file_takes_its_name_once_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    with atomic(path) as part:
        part.write_text("new")
        assert not path.exists()
        assert part.parent == path.parent  # on the same disk, or the rename would be a copy
    assert path.read_text() == "new"
    assert names(path.parent) == ["a.txt"]


def test_a_folder_takes_its_name_once_it_is_written(tmp_path: Path) -> None:
    for text in ("old", "new"):
        with atomic(tmp_path / "step") as part:
            part.mkdir()
            (part / text).write_text(text)
    assert names(tmp_path) == ["step"]
    assert names(tmp_path / "step") == ["new"]


@pytest.mark.parametrize("error", [RuntimeError("a bug"), KeyboardInterrupt(), OSError(errno.EACCES, "no")])
def test_a_failure_leaves_what_was_there(error: BaseException, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(type(error)) as raised, atomic(path) as part:  # noqa: PT012
        part.write_text("half")
        raise error
    assert raised.value is error
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_failure_leaves_the_folder_that_was_there(tmp_path: Path) -> None:
    (tmp_path / "step").mkdir()
    (tmp_path / "step" / "old").touch()
    with pytest.raises(RuntimeError), atomic(tmp_path / "step") as part:  # noqa: PT012
        part.mkdir()
        (part / "half").touch()
        raise RuntimeError
    assert names(tmp_path) == ["step"]
    assert names(tmp_path / "step") == ["old"]


def test_what_a_killed_process_left_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / ".step.part").mkdir()
    (tmp_path / ".step.part" / "half").touch()
    with atomic(tmp_path / "step") as part:
        assert not part.exists()
        part.mkdir()
    assert names(tmp_path) == ["step"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_with_the_path(number: int, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(DiskFull) as error, atomic(path) as part:  # noqa: PT012
        part.write_text("half")
        raise OSError(number, os.strerror(number))
    assert str(error.value) == (
        f"the disk is full: {path} could not be written; its earlier version, if any, is unchanged. "
        "Free some space, then run the same command again."
    )
    assert isinstance(error.value, ValueError)  # so that it reaches the user as a sentence
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.json"]


def test_a_full_disk_is_known_also_where_a_library_hides_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=4096))
    with pytest.raises(DiskFull, match=r"a\.pt could not be written") as error, atomic(tmp_path / "a.pt"):
        raise RuntimeError("unexpected pos 576 vs 534")
    assert isinstance(error.value.__cause__, RuntimeError)


def test_json_is_written_as_people_read_it(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"name": "Ann Müller", "n": [1, 2.5, None]})
    assert "Müller" in (tmp_path / "a.json").read_text(encoding="utf-8")
    assert read_json(tmp_path / "a.json") == {"name": "Ann Müller", "n": [1, 2.5, None]}


def test_removing_follows_no_links(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    remove(tmp_path / "link")
    remove(tmp_path / "nothing")
    assert names(tmp_path) == ["kept"]
    assert names(tmp_path / "kept") == ["file"]

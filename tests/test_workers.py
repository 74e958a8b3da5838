"""Workers that hang, die or leave children behind: each call's own affair. Real processes throughout."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from r1lite.workers import WorkerEnded, Workers


def nothing() -> None:
    pass


def leave_a_child(path: str) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path(path).write_text(str(child.pid))
    time.sleep(600)


def unpicklable() -> object:
    return lambda: None


def gone(pid: int) -> bool:
    """Whether a process ends within a while; a zombie nobody has waited for counts as ended."""
    for _ in range(200):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    workers = Workers(1, prepare=nothing, memory_mb=256)
    yield workers
    workers.stop()


def test_an_answer_an_error_and_an_answer_that_cannot_travel(workers: Workers) -> None:
    assert workers.submit(divmod, 7, 2, seconds=60).result() == (3, 1)
    with pytest.raises(ZeroDivisionError):
        workers.submit(divmod, 7, 0, seconds=60).result()
    with pytest.raises(RuntimeError, match="the answer cannot leave the worker"):
        workers.submit(unpicklable, seconds=60).result()
    assert workers.submit(len, "four", seconds=60).result() == 4


def test_after_a_hang_or_a_death_a_fresh_worker_answers(workers: Workers) -> None:
    with pytest.raises(TimeoutError, match=r"no answer within 0\.2 s"):
        workers.submit(time.sleep, 600, seconds=0.2).result()
    with pytest.raises(WorkerEnded, match="exit code 3"):
        workers.submit(os._exit, 3, seconds=60).result()
    with pytest.raises(WorkerEnded, match="SIGABRT"):
        workers.submit(os.abort, seconds=60).result()
    assert workers.submit(len, "four", seconds=60).result() == 4


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_what_a_worker_started_ends_with_it(workers: Workers, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with pytest.raises(TimeoutError):
        workers.submit(leave_a_child, str(note), seconds=3).result()
    assert gone(int(note.read_text()))


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_trainer_that_is_killed_takes_a_hanging_worker_along(tmp_path: Path) -> None:
    script = tmp_path / "trainer.py"
    script.write_text(
        "import os, time\n"
        "from r1lite.workers import Workers\n"
        "if __name__ == '__main__':\n"
        "    workers = Workers(1, prepare=os.getpid, memory_mb=256)\n"
        "    print(workers.submit(os.getpid, seconds=60).result(), flush=True)\n"
        "    workers.submit(time.sleep, 600, seconds=600)\n"
        "    time.sleep(600)\n"
    )
    trainer = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert trainer.stdout is not None
    pid = int(trainer.stdout.readline())
    time.sleep(0.3)  # the worker has begun to sleep
    trainer.kill()
    trainer.wait()
    assert gone(pid)


def test_stopping_ends_what_is_under_way() -> None:
    workers = Workers(1, prepare=nothing, memory_mb=256)
    hanging = workers.submit(time.sleep, 600, seconds=600)
    waiting = workers.submit(len, "four", seconds=60)
    while not hanging.running():
        time.sleep(0.01)
    workers.stop()
    assert isinstance(hanging.exception(), WorkerEnded | OSError)
    assert waiting.cancelled()

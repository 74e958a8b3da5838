"""Workers that hang, die or leave children behind: each call's own affair. Real processes throughout."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from r1lite.scoring.workers import Stopped, Worker, WorkerEnded, Workers


def nothing() -> None:
    pass


def leave_a_child(path: str) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path(path).write_text(str(child.pid))
    time.sleep(600)


def unpicklable() -> Iterator[object]:
    yield 1
    yield lambda: None


def slow(seconds: Sequence[float]) -> Iterator[float]:
    for pause in seconds:
        time.sleep(pause)
        yield pause


def ask(workers: Workers, call: Callable[[], Any], seconds: float = 60) -> list[Any]:
    """Everything that a call yields."""
    return workers.submit(lambda worker: list(worker.stream(call, seconds=seconds))).result()


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


def test_answers_errors_and_what_cannot_travel(workers: Workers) -> None:
    assert ask(workers, partial(divmod, 7, 2)) == [3, 1]
    with pytest.raises(ZeroDivisionError):
        ask(workers, partial(divmod, 7, 0))
    with pytest.raises(Exception, match="pickle"):
        ask(workers, unpicklable)
    assert ask(workers, partial(list, "ab")) == ["a", "b"]


def test_each_item_has_a_deadline_of_its_own(workers: Workers) -> None:
    got = []

    def work(worker: Worker) -> None:
        got.extend(worker.stream(partial(slow, [0.0, 0.0]), seconds=60))  # it is awake now
        for item in worker.stream(partial(slow, [0.4, 0.5, 0.6, 600.0]), seconds=1.5):
            got.append(item)

    with pytest.raises(TimeoutError, match=r"no result within 1\.5 s"):
        workers.submit(work).result()
    assert got == [0.0, 0.0, 0.4, 0.5, 0.6]


def test_after_a_hang_or_a_death_a_fresh_worker_answers(workers: Workers) -> None:
    with pytest.raises(TimeoutError, match=r"no result within 0\.2 s"):
        ask(workers, partial(time.sleep, 600), seconds=0.2)
    with pytest.raises(WorkerEnded, match="exit code 3"):
        ask(workers, partial(os._exit, 3))
    with pytest.raises(WorkerEnded, match="SIGABRT"):
        ask(workers, os.abort)
    assert ask(workers, partial(list, "ab")) == ["a", "b"]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_what_a_worker_started_ends_with_it(workers: Workers, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with pytest.raises(TimeoutError):
        ask(workers, partial(leave_a_child, str(note)), seconds=3)
    assert gone(int(note.read_text()))


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_trainer_that_is_killed_takes_a_hanging_worker_along(tmp_path: Path) -> None:
    script = tmp_path / "trainer.py"
    script.write_text(
        "import os, time\n"
        "from functools import partial\n"
        "from r1lite.scoring.workers import Workers\n"
        "if __name__ == '__main__':\n"
        "    workers = Workers(1, prepare=os.getpid, memory_mb=256)\n"
        "    print(workers._workers[0]._process.pid, flush=True)\n"
        "    workers.submit(lambda w: list(w.stream(partial(time.sleep, 600), seconds=600)))\n"
        "    time.sleep(600)\n"
    )
    trainer = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert trainer.stdout is not None
    pid = int(trainer.stdout.readline())
    time.sleep(1.5)  # the worker has begun to sleep
    trainer.kill()
    trainer.wait()
    assert gone(pid)


def test_a_script_needs_no_guard_and_is_run_once(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("def half(x):\n    yield x / 2\n")
    script = tmp_path / "script.py"
    script.write_text(
        "print('begun')\n"
        "from functools import partial\n"
        "from helper import half\n"
        "from r1lite.scoring.workers import Workers\n"
        "workers = Workers(1, prepare=int, memory_mb=256)\n"
        "print(workers.submit(lambda w: list(w.stream(partial(half, 7), seconds=60))).result())\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == ("begun\n[3.5]\n", "", 0)


def test_stopping_ends_what_is_under_way() -> None:
    workers = Workers(1, prepare=nothing, memory_mb=256)
    tries = []

    def stubborn(worker: Worker) -> None:
        while True:  # as a scorer, which goes on after what has died
            with suppress(WorkerEnded):
                tries.append(list(worker.stream(partial(time.sleep, 600), seconds=600)))

    hanging, waiting = workers.submit(stubborn), workers.submit(lambda worker: 1)
    while not hanging.running():
        time.sleep(0.01)
    workers.stop()
    assert isinstance(hanging.exception(), Stopped)
    assert waiting.cancelled()
    assert tries == []

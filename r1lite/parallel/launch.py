"""Starts the ranks of a run on this machine, and ends with them. `torchrun` does the same, and on several machines."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from tempfile import NamedTemporaryFile
from typing import Any

from r1lite.parallel import process
from r1lite.parallel.failure import INTERRUPTED_CODE, KILLED_FOR_MEMORY, STOPPED_CODE, Failure, may_say, record, recorded, resume
from r1lite.parallel.guard import say
from r1lite.parallel.world import MAIN

AUTO = "auto"
LAUNCHER = "R1LITE_LAUNCHER"  # the environment variable that names the launcher's process
LEAVE_SECONDS = 2.0  # that ranks have to end by themselves, once one has failed
POLL_SECONDS = 0.1
FEW = 8  # ranks that may share fewer cores


def count_of(processes: str, device: str = "auto") -> int:
    """How many ranks `processes` asks for. ValueError if it is no number, or more than this machine can run."""
    if processes != AUTO and (not processes.isdigit() or not int(processes)):
        raise ValueError(f"processes must be a number above 0, or auto (one for each GPU), got {processes!r}")
    if processes == "1":
        return 1
    import torch

    gpus = torch.cuda.device_count() if device in ("auto", "cuda") else 0
    if processes == AUTO:
        return max(1, gpus)
    count, cores = int(processes), os.cpu_count() or 1
    if 0 < gpus < count:
        raise ValueError(f"processes={count}, and this machine has {gpus} GPUs, one for each: lower it, or set model.device=cpu")
    if count > max(cores, FEW):
        raise ValueError(f"processes={count}, and this machine has {cores} cores: lower it")
    return count


def refuse_other_count(processes: str) -> None:
    """A launcher has started this process; ValueError if the user asks for ranks of our own besides."""
    here = os.environ.get("LOCAL_WORLD_SIZE", os.environ["WORLD_SIZE"])
    if processes not in ("1", AUTO, here):
        raise ValueError(
            f"processes={processes} starts ranks on one machine, and a launcher has started {here} here already: leave it out, "
            f"or start as many with torchrun --nproc-per-node"
        )


def launch(count: int, command: Sequence[str], *, restarts: int = 0) -> int:
    """Run the command as `count` ranks until all have ended, and return the exit code of the run."""
    failure = run(count, command, restarts=restarts)
    if failure is not None:
        say(failure)
    return failure.code if failure else 0


def run(count: int, command: Sequence[str], *, restarts: int = 0, stdin: bytes = b"", stdout: int | None = None) -> Failure | None:
    """The same, which returns why the ranks ended too early, if they did. Each reads `stdin`."""
    attempt = 0
    while True:
        with _served_store() as store, NamedTemporaryFile() as given:
            given.write(stdin)
            given.flush()
            failure = Ranks(count, command, store, attempt, given.name, stdout).wait()
        if failure is None or not failure.again or attempt == restarts:
            return failure
        attempt += 1
        say(failure)
        print(f"starting the ranks again ({attempt} of {restarts}; parallel.restarts)", file=sys.stderr, flush=True)


class Ranks:
    """The processes of one attempt. Each leads a process group of its own, so that Ctrl-C reaches the launcher alone."""

    def __init__(self, count: int, command: Sequence[str], store: Any, attempt: int, stdin: str, stdout: int | None) -> None:
        from torch.distributed import PrefixStore

        self.store, self.asked_to_stop = PrefixStore(f"r1lite/{attempt}", store), False
        may_say(self.store, "the launcher")  # and none of the ranks
        self.ranks: list[subprocess.Popen[bytes]] = []
        for number in range(count):
            environment = _environment(number, count, store.port, attempt)
            with open(stdin, "rb") as given:  # each rank reads it from its beginning
                self.ranks.append(subprocess.Popen(command, env=environment, stdin=given, stdout=stdout, process_group=0))

    def wait(self) -> Failure | None:
        """Wait for all ranks; once one has failed, end those that do not end by themselves. Returns why."""
        deadline = None
        with self._signals():
            while None in [rank.poll() for rank in self.ranks]:  # all of them, so that a dead one is seen at once
                self._record_the_dead()
                if deadline is None and recorded(self.store):
                    deadline = time.monotonic() + LEAVE_SECONDS
                if deadline is not None and time.monotonic() > deadline:
                    self._kill()
                time.sleep(POLL_SECONDS)
            self._record_the_dead()
        return recorded(self.store)

    def _record_the_dead(self) -> None:
        for number, rank in enumerate(self.ranks):
            if rank.returncode and not recorded(self.store):
                record(self.store, self._failure_of(number, rank.returncode))

    def _failure_of(self, number: int, code: int) -> Failure:
        """Why a rank that has put no reason into the store has ended."""
        if code == -signal.SIGTERM and self.asked_to_stop:
            return Failure(message=f"stopped by SIGTERM. {resume()}", code=STOPPED_CODE, again=False)
        key = f"beat/{number}"
        doing = json.loads(self.store.get(key))[MAIN]["words"] if self.store.check([key]) else "starting"
        who = f"rank {number} on {socket.gethostname()}"
        if code > 0:  # before it met the others; what it printed says why
            return Failure(message=f"error: {who} ended with exit code {code} while {doing}.", again=False)
        memory = KILLED_FOR_MEMORY if code == -signal.SIGKILL else ""
        return Failure(message=f"error: {who} was killed by {signal.Signals(-code).name} while {doing}. {memory}{resume()}")

    def _kill(self) -> None:
        for rank in self.ranks:
            if rank.poll() is None:
                rank.kill()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Ctrl-C ends the ranks; SIGTERM is passed on, and lets them finish their step."""

        def stop(*_: object) -> None:
            self.asked_to_stop = True
            for rank in self.ranks:
                rank.send_signal(signal.SIGTERM)

        def interrupt(*_: object) -> None:
            record(self.store, Failure(message=f"stopped. {resume()}", code=INTERRUPTED_CODE, again=False))

        handlers = {signal.SIGTERM: stop, signal.SIGINT: interrupt} if threading.current_thread() is threading.main_thread() else {}
        before = {number: signal.signal(number, do) for number, do in handlers.items()}
        try:
            yield
        finally:
            self._kill()
            for number, handler in before.items():
                signal.signal(number, handler)


def end_with_launcher() -> None:
    """In a rank: end as soon as our launcher does."""
    if launcher := os.environ.pop(LAUNCHER, ""):
        process.signal_at_end_of(int(launcher), signal.SIGKILL)


def _environment(number: int, count: int, port: int, attempt: int) -> dict[str, str]:
    threads = str(max(1, (os.cpu_count() or 1) // count))
    defaults = {"OMP_NUM_THREADS": threads, "GLOO_SOCKET_IFNAME": "lo"}
    ranks = {"RANK": number, "LOCAL_RANK": number, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "TORCHELASTIC_USE_AGENT_STORE": "True"}
    own = {LAUNCHER: os.getpid(), "TORCHELASTIC_RESTART_COUNT": attempt}
    return {**defaults, **os.environ, **{name: str(value) for name, value in {**ranks, **meeting, **own}.items()}}


@contextmanager
def store() -> Iterator[int]:
    """The port of a store where ranks can meet, which outlives any of them."""
    with _served_store() as served:
        yield served.port


@contextmanager
def _served_store() -> Iterator[Any]:
    """It listens on this machine alone."""
    from torch.distributed import TCPStore

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        yield TCPStore("127.0.0.1", port, is_master=True, wait_for_workers=False, master_listen_fd=listening.detach())


def own_command(arguments: Sequence[str]) -> list[str]:
    """This program again, with these arguments."""
    return [sys.executable, "-m", "r1lite.train", *arguments]

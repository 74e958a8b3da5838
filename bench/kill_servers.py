"""Kills a vLLM server in the middle of a run, which must go on, and use the server again once it is back.

    python -m bench.kill_servers [--victim api|engine] [--ray] [any option of r1lite launch]

The run is `r1lite launch servers=2` with the tiny model, real servers and one step after the other until the server that was killed
has completed requests again; then SIGTERM ends it. Nothing may be left of it. --ray runs it on a Ray cluster of two nodes, which it
starts on this machine. Prints a Markdown table of what happened when.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from bench._common.process import HOME, table
from bench.kill_ranks import descendants, is_alive
from r1lite.launch.cluster import ADDRESSES
from r1lite.parallel.failure import STOPPED_CODE
from r1lite.store.metrics import read_metrics

MARK = "R1LITE_OF_BENCH"  # an environment variable
LIMIT_SECONDS = 900.0  # of each wait
SETTINGS = (
    "experiment=demo stages=[rl] rl.steps=100000 rl.prompts_per_step=8 rl.group_size=4 rl.show_every=0 sampler.max_tokens=48 "
    "sampler.cache_mb=128 evaluate.every_stage=false evaluate.problems=4 threads=1"
).split()
COMPLETED = re.compile(r"^vllm:request_success_total\{.*\} ([\d.]+)$", re.MULTILINE)


class Watched:
    """A launched run, and when what happened to it."""

    def __init__(self, folder: Path, options: Sequence[str]) -> None:
        self.run, self.log = folder / "run", folder / "log"
        command = [sys.executable, "-m", "r1lite.commands.launch", "servers=2", *SETTINGS, f"run_dir={self.run}", *options]
        self.started = time.monotonic()
        environment = {**os.environ, "PYTHONPATH": str(HOME), MARK: str(self.run)}
        with self.log.open("w") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, env=environment, start_new_session=True)
        self.rows: list[list[str]] = []

    def until(self, what: str, happened: Callable[[], bool], *, ends: bool = False) -> None:
        """Wait until it has happened, and note when."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while not happened():
            ended = self.process.poll() is not None and not ends
            if ended or time.monotonic() > deadline:
                sys.exit(f"{'the run has ended' if ended else 'it took too long'} before: {what}\n{self.output()[-3000:]}")
            time.sleep(0.2)
        self.rows.append([f"{time.monotonic() - self.started:.0f}", str(self.steps()), what])
        print(" | ".join(self.rows[-1]), file=sys.stderr, flush=True)

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def steps(self) -> int:
        metrics = self.run / "metrics.jsonl"
        return len(read_metrics(metrics)) if metrics.is_file() else 0

    def address(self) -> str:
        """Of server 0."""
        if (self.run / ADDRESSES).is_file():
            return (self.run / ADDRESSES).read_text().split()[0]
        words = (self.run / "logs" / "server-0.log").read_text(errors="replace")
        host, port = re.findall(r"--host (\S+)", words)[-1], re.findall(r"--port (\d+)", words)[-1]
        return f"http://{host}:{port}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--victim", choices=["api", "engine"], default="api")
    parser.add_argument("--ray", action="store_true")
    options, rest = parser.parse_known_args()
    folder = Path(tempfile.mkdtemp(prefix="kill-servers-"))
    with ray_cluster() if options.ray else nullcontext("") as address:
        watched = Watched(folder, [*rest, *(["backend=ray", f"address={address}"] if address else [])])
        try:
            watch(watched, options.victim)
        finally:
            watched.process.kill()
    print(table(["s", "steps", "what"], watched.rows))
    shutil.rmtree(folder)


@contextmanager
def ray_cluster() -> Iterator[str]:
    """The address of a Ray cluster of two nodes with two cores each, of which three are needed."""
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(HOME)}
    from ray.cluster_utils import Cluster

    small: dict[str, Any] = {"num_cpus": 2, "object_store_memory": 100 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args={"include_dashboard": False, **small})
    try:
        cluster.add_node(**small)
        yield str(cluster.address)
    finally:
        cluster.shutdown()


def watch(watched: Watched, victim: str) -> None:
    watched.until("5 steps are done", lambda: watched.steps() >= 5)
    family = of_run(watched)
    before, port = watched.address(), watched.address().rpartition(":")[2]
    os.kill(process_of(port, victim), signal.SIGKILL)
    watched.until(f"server 0's {victim} was killed, and the trainer leaves it out", lambda: "left out" in watched.output())
    watched.until("server 0 answers again", lambda: "server-0 is back" in watched.output())
    watched.until(f"it has completed requests ({before}, now {watched.address()})", lambda: completed(watched.address()) > 0)
    steps = watched.steps()
    watched.until("10 more steps are done", lambda: watched.steps() >= steps + 10)
    family |= of_run(watched)
    watched.process.terminate()
    watched.until("SIGTERM has ended the run", lambda: watched.process.poll() is not None, ends=True)
    if watched.process.returncode != STOPPED_CODE or "stopped by SIGTERM" not in watched.output():
        sys.exit(f"exit code {watched.process.returncode}\n{watched.output()[-3000:]}")
    watched.until("nothing is left of it", lambda: not any(map(is_alive, family)), ends=True)


def of_run(watched: Watched) -> set[int]:
    """All processes that the run has started, wherever: they have inherited the mark."""
    mark = f"{MARK}={watched.run}".encode()
    found = set()
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark in path.read_bytes().split(b"\0"):
                found.add(int(path.parent.name))
    return found


def command_lines() -> Iterator[tuple[int, list[bytes]]]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield int(path.parent.name), path.read_bytes().split(b"\0")


def process_of(port: str, victim: str) -> int:
    """The API server at a port, or the engine that it has started."""
    for pid, words in command_lines():
        if b"vllm.entrypoints.openai.api_server" in words[:3] and port.encode() in words:
            engines = [child for child, name in command_lines() if b"EngineCore" in name[0] and child in descendants(pid)]
            return pid if victim == "api" else engines[0]
    sys.exit(f"no server has port {port}")


def completed(url: str) -> float:
    """Requests that a server has completed."""
    try:
        with urllib.request.urlopen(f"{url}/metrics", timeout=5) as answer:
            return sum(map(float, COMPLETED.findall(answer.read().decode())))
    except OSError:
        return 0.0


if __name__ == "__main__":
    main()

"""A trainer of two ranks on one "machine" and two vLLM servers on another, over a slow link, with a server killed and started again.

    sudo python -m bench.two_machines [--steps 8] [--delay 0.1] [--cut 0.01] [--lag 2]

The machines are network namespaces with an address each, joined by a virtual cable; they share the file system, as machines with a shared
folder do. A proxy delays the bytes in each direction and cuts some connections. Needs root, `ip` (iproute2), and vLLM. Prints the server's
deaths and returns as the trainer saw them, the versions that the ledger names for each step, and whether any group is missing.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyarrow.parquet as pq

from bench._common.process import HOME, OFFLINE, table

NAMES = ("r1lite-trainer", "r1lite-servers")
ADDRESSES = ("10.213.7.1", "10.213.7.2")
PORTS = (8001, 8002)
PROMPTS, GROUP = 16, 4


def main(argv: Sequence[str] | None = None) -> None:
    options = parsed(argv)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="two-machines-")))
        stack.enter_context(machines())
        servers = {port: stack.enter_context(started(server(port), folder / f"{port}.log")) for port in PORTS}
        for port in PORTS:
            link = ["-m", "bench._common.slow_link", f"--listen={ADDRESSES[1]}:{port + 1000}", f"--to={ADDRESSES[1]}:{port}"]
            words = [*inside(NAMES[1]), sys.executable, *link, f"--delay={options.delay}", f"--cut={options.cut}"]
            stack.enter_context(started(words, folder / f"link-{port}.log"))
        for port in PORTS:
            wait_for(port, folder)
        with started(trainer(folder, options), folder / "trainer.log") as process:
            wait_for_steps(folder, options.steps // 3, process)
            print(f"server {PORTS[0]} is killed", flush=True)
            end(servers[PORTS[0]])
            time.sleep(5)
            stack.enter_context(started(server(PORTS[0]), folder / "8001-again.log"))
            print(f"server {PORTS[0]} is started again; the trainer ended with {process.wait()}", flush=True)
        print("\n".join(line for line in (folder / "trainer.log").read_text().splitlines() if "vllm_server" in line or "error" in line))
        show(folder, options)


def show(folder: Path, options: argparse.Namespace) -> None:
    rows = [row for path in sorted((folder / "run").glob("rl/rollouts/*.parquet")) for row in pq.read_table(path).to_pylist()]
    steps = sorted({row["step"] for row in rows})
    versions = {step: Counter(row["version"] for row in rows if row["step"] == step) for step in steps}
    lines = [[str(step), ", ".join(f"{v}: {n}" for v, n in sorted(versions[step].items()))] for step in steps]
    print(table(["step", "rollouts of each version of the weights"], lines))
    problems = Counter(row["problem_id"] for row in rows)
    stale = max(row["step"] - row["version"] for row in rows)
    expected = options.steps * PROMPTS * GROUP
    print(
        f"rollouts: {len(rows)} of {expected}; problems that came twice: {sum(n > GROUP for n in problems.values())}; most stale: {stale}"
    )


def trainer(folder: Path, options: argparse.Namespace) -> list[str]:
    urls = ",".join(f"http://{ADDRESSES[1]}:{port + 1000}" for port in PORTS)
    words = f"experiment=r1_zero processes=2 threads=1 sampler=vllm_server rl.asynchronous=true rl.lag={options.lag} rl.show_every=0"
    words += f" algorithm.correction=truncate rl.steps={options.steps} rl.prompts_per_step={PROMPTS} rl.group_size={GROUP}"
    words += f" evaluate.every_stage=false sampler.seconds=60 sampler.urls=[{urls}] run_dir={folder / 'run'}"
    return [*inside(NAMES[0]), sys.executable, "-m", "r1lite.train", *words.split()]


def server(port: int) -> list[str]:
    words = "--model r1lite/assets/tiny_base --dtype float32 --max-model-len 1152 --enforce-eager --no-enable-chunked-prefill"
    words += " --enable-scale-out --worker-extension-cls r1lite.sampling.vllm.worker.Extension"
    transfer = ["--weight-transfer-config", '{"backend": "r1lite_disk"}', "--host", ADDRESSES[1], "--port", str(port)]
    return [*inside(NAMES[1]), sys.executable, "-m", "vllm.entrypoints.openai.api_server", *words.split(), *transfer]


def inside(name: str) -> list[str]:
    return ["ip", "netns", "exec", name]


@contextmanager
def machines() -> Iterator[None]:
    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True)

    cable = ("r1lite0", "r1lite1")
    try:
        for name in NAMES:
            ip("netns", "add", name)
        ip("link", "add", cable[0], "netns", NAMES[0], "type", "veth", "peer", "name", cable[1], "netns", NAMES[1])
        for name, end_of_cable, address in zip(NAMES, cable, ADDRESSES, strict=True):
            ip("-n", name, "addr", "add", f"{address}/24", "dev", end_of_cable)
            for device in ("lo", end_of_cable):
                ip("-n", name, "link", "set", device, "up")
        yield
    finally:
        for name in NAMES:
            subprocess.run(["ip", "netns", "delete", name], check=False)


@contextmanager
def started(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    own = {"VLLM_SERVER_DEV_MODE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_CPU_KVCACHE_SPACE": "1", "OMP_NUM_THREADS": "1"}
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=HOME, stdout=out, stderr=out, start_new_session=True, env={**os.environ, **OFFLINE, **own})
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and its children."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(port: int, folder: Path) -> None:
    probe = f"import urllib.request; urllib.request.urlopen('http://{ADDRESSES[1]}:{port}/health', timeout=2)"
    for _ in range(180):
        if not subprocess.run([*inside(NAMES[1]), sys.executable, "-c", probe], check=False, stderr=subprocess.DEVNULL).returncode:
            return
        time.sleep(1)
    sys.exit(f"error: the server does not answer:\n{(folder / f'{port}.log').read_text()[-2000:]}")


def wait_for_steps(folder: Path, steps: int, process: subprocess.Popen[bytes]) -> None:
    metrics = folder / "run" / "metrics.jsonl"
    while not metrics.exists() or len(metrics.read_text().splitlines()) < steps:
        if process.poll() is not None:
            sys.exit(f"error: the trainer ended early:\n{(folder / 'trainer.log').read_text()[-2000:]}")
        time.sleep(0.2)


def parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=9)
    parser.add_argument("--delay", type=float, default=0.1, help="seconds in each direction")
    parser.add_argument("--cut", type=float, default=0.01, help="share of connections that are cut")
    parser.add_argument("--lag", type=int, default=2)
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()

"""`r1lite launch`: its options, what it would start, and with stubs in place of servers, how it starts, restarts and ends them."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from stub_server import __file__ as STUB

from r1lite.commands import launch
from r1lite.launch import devices, keep, local, servers
from r1lite.launch.keep import Servers
from r1lite.launch.local import Layout, LocalBackend, choose_ports
from r1lite.launch.logs import Logs
from r1lite.launch.options import Options, split
from r1lite.launch.part import Part
from r1lite.launch.process import LocalProcess
from r1lite.launch.supervise import Supervisor

SMALL = (
    "experiment=demo stages=[rl] rl.steps=3 rl.prompts_per_step=4 rl.group_size=2 rl.show_every=0 parity.sequences=0 threads=1 "
    "evaluate.every_stage=false sampler.max_tokens=16"
).split()


def planned(monkeypatch: pytest.MonkeyPatch, *words: str, gpus: int = 0, cores: int = 8) -> Layout:
    """The layout for these words, on a machine with so many GPUs and cores."""
    monkeypatch.setattr(local, "visible_gpus", lambda: [str(number) for number in range(gpus)])
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(cores))
    monkeypatch.setattr(servers, "is_installed", lambda: True)
    options, settings = split(words)
    cfg, settings = launch.configured(settings, options)
    return local.layout(cfg, settings, options)


def options_of(part: Part) -> dict[str, str]:
    return dict(zip(part.command[3:], [*part.command[4:], ""], strict=True))


def test_options_stand_among_the_settings() -> None:
    options, settings = split(["servers=2", "rl.steps=3", "dry_run=true", "--config-dir", "x", "processes=2"])
    assert options == Options(servers=2, dry_run=True)
    assert settings == ["rl.steps=3", "--config-dir", "x", "processes=2"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("backend=slrm", "unknown backend 'slrm'"),
        ("servers=two", "servers must be a number, got 'two'"),
        ("servers=-1", "servers must be at least 0, got -1"),
        ("dry_run=1", "dry_run must be true or false, got '1'"),
        ("only=trainer", "only must be servers"),
        ("only=servers servers=0", "servers must be at least 1, got 0"),
        ("port=65536", "leaves no room"),
        ("start_seconds=0", "start_seconds must be above 0"),
        ("backend=ray dry_run=true", "are for backend=local"),
    ],
)
def test_wrong_options_are_refused(words: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        split(words.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("sampler.urls=[http://a]", "launch sets sampler.urls: leave it out, or set servers=0"),
        ("sampler=native", "sampler=native uses no servers: leave it out, or set servers=0"),
        ("experiment=tiny_base", "starts from random weights, so there is no model that servers could start with"),
        ("stages=[rl,distill]", "distill trains a model of another shape, which servers cannot load"),
        ("processes=two", "processes must be a number above 0, or auto (one for each GPU), got 'two'"),
        ("tensor_parallel=2", "tensor_parallel=2 needs GPUs, and this machine has none"),
        ("host=198.51.100.1", "host=198.51.100.1 is no address of this machine"),
        ("rl.stps=3", "rl.stps"),
    ],
)
def test_a_run_that_servers_cannot_serve_is_refused(monkeypatch: pytest.MonkeyPatch, words: str, message: str) -> None:
    chosen = [] if "experiment" in words else ["experiment=r1_zero"]
    with pytest.raises(ValueError, match=re.escape(message)):
        planned(monkeypatch, *chosen, *words.split())


def test_without_vllm_a_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "is_installed", lambda: False)
    options, settings = split(["experiment=r1_zero"])
    with pytest.raises(ValueError, match=r"servers need vLLM.*pip install 'r1lite\[vllm\]'"):
        local.layout(*launch.configured(settings, options), options)


def test_servers_are_started_for_the_settings_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    words = "experiment=r1_zero sampler.max_tokens=100 prompt.max_tokens=50 model.dtype=bfloat16 sampler.cache_mb=64 model.lora_rank=9"
    made = planned(monkeypatch, *words.split(), "servers=2", "run_dir=x", "server_arguments=--seed 3")
    (server, other), given = made.servers, options_of(made.servers[0])
    wanted = {"--dtype": "bfloat16", "--max-model-len": "150", "--max-lora-rank": "16", "--kv-cache-memory-bytes": str(64 * 2**20)}
    assert {name: given[name] for name in wanted} == wanted
    assert given["--host"] == "127.0.0.1"
    assert {"--enforce-eager", "--enable-lora", "--no-enable-chunked-prefill"} <= {*server.command}
    assert "--enable-scale-out" not in server.command
    assert list(server.command[-2:]) == ["--seed", "3"]
    assert json.loads(given["--weight-transfer-config"]) == {"backend": "r1lite_disk"}
    assert server.environment["VLLM_SERVER_DEV_MODE"] == server.environment["VLLM_NO_USAGE_STATS"] == "1"
    assert server.url != other.url
    assert made.trainer
    assert made.trainer.command[-3:] == ["run_dir=x", "sampler=vllm_server", f"sampler.urls=[{server.url},{other.url}]"]


def test_servers_of_an_asynchronous_run_say_which_weights_sampled_and_take_merged_adapters(monkeypatch: pytest.MonkeyPatch) -> None:
    words = "experiment=r1_zero rl.asynchronous=true algorithm.correction=truncate model.lora_rank=9"
    (server,) = planned(monkeypatch, *words.split(), "servers=1", "run_dir=x").servers
    assert "--enable-scale-out" in server.command
    assert "--enable-lora" not in server.command


@pytest.mark.parametrize(
    ("words", "of_servers", "of_trainer"),
    [
        ("servers=2", ["6", "7"], "0"),
        ("servers=2 tensor_parallel=2 processes=4", ["4,5", "6,7"], "0,1,2,3"),
        ("servers=1 processes=auto", ["7"], "0,1,2,3,4,5,6"),
        ("servers=8 model.device=cpu", list("01234567"), ""),
    ],
)
def test_gpus_are_divided(monkeypatch: pytest.MonkeyPatch, words: str, of_servers: list[str], of_trainer: str) -> None:
    made = planned(monkeypatch, "experiment=r1_zero", *words.split(), gpus=8)
    assert [server.environment["CUDA_VISIBLE_DEVICES"] for server in made.servers] == of_servers
    assert made.trainer
    assert made.trainer.environment == {"CUDA_VISIBLE_DEVICES": of_trainer}
    assert "--kv-cache-memory-bytes" not in made.servers[0].command


def test_too_few_gpus_are_refused_and_cores_are_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        ValueError, match="2 servers with tensor_parallel=2 and 1 trainer processes need 5 GPUs, one each, and this machine has 4"
    ):
        planned(monkeypatch, "experiment=r1_zero", "servers=2", "tensor_parallel=2", gpus=4)
    made = planned(monkeypatch, "experiment=r1_zero", "servers=2", "processes=2")
    assert [part.environment["OMP_NUM_THREADS"] for part in made] == ["2", "2", "2"]


def test_gpus_have_the_names_that_the_scheduler_gave(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-a, 5")
    assert devices.visible_gpus() == ["GPU-a", "5"]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert devices.visible_gpus() == ["0", "1"]


def test_a_port_that_is_taken_is_passed_over_or_refused() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        with pytest.raises(ValueError, match=f"port {port} of 127.0.0.1 is in use"):
            choose_ports("127.0.0.1", port, 1)
    assert len({*choose_ports("127.0.0.1", 0, 3)}) == 3


def test_a_dry_run_prints_commands_that_a_shell_understands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(servers, "is_installed", lambda: True)
    monkeypatch.setattr(sys, "argv", ["launch", "experiment=r1_zero", "run_dir=a b", "dry_run=true"])
    launch.main()
    server, trainer = re.split(r"^# .*\n", capsys.readouterr().out, flags=re.MULTILINE)[1:]
    words = shlex.split(server.replace("\\\n", " "))
    assert words[0] == "VLLM_SERVER_DEV_MODE=1"
    assert words[words.index("--weight-transfer-config") + 1] == '{"backend": "r1lite_disk"}'
    assert "run_dir=a b" in shlex.split(trainer.replace("\\\n", " "))


def stub(port: int, how: str = "engine") -> Part:
    return Part(name="server-0", command=[sys.executable, STUB, str(port), "127.0.0.1", how], url=f"http://127.0.0.1:{port}", serves="stub")


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_until(happened: Callable[[], Any], seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := happened()):
        assert time.monotonic() < deadline, "it has not happened"
        time.sleep(0.05)
    return value


def engine_of(log: Path) -> int:
    """The process that a stub has started, from its log."""
    found = re.findall(r"^engine (\d+)$", log.read_text(), re.MULTILINE) if log.is_file() else []
    return int(found[-1]) if found else 0


@pytest.fixture
def started(tmp_path: Path) -> Iterator[LocalProcess]:
    (port,) = choose_ports("127.0.0.1", 0, 1)
    process = LocalProcess(stub(port), tmp_path / "log")
    yield process
    process.kill()


def test_another_server_at_its_port_is_not_taken_for_it(started: LocalProcess) -> None:
    wait_until(started.answers)
    started.part = replace(started.part, serves="another")
    assert not started.answers()


def test_a_part_ends_with_all_that_it_has_started(started: LocalProcess) -> None:
    engine = wait_until(lambda: engine_of(started.log))
    wait_until(started.answers)
    assert started.ending() is None
    started.kill()
    assert started.ending() == (137, "was killed by SIGKILL")
    assert not is_alive(engine)


@pytest.mark.parametrize("victim", ["command", "group"])
def test_nothing_is_left_when_one_of_its_processes_is_killed(started: LocalProcess, victim: str) -> None:
    engine = wait_until(lambda: engine_of(started.log))
    command = int(Path(f"/proc/{engine}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(command if victim == "command" else started.process.pid, signal.SIGKILL)
    assert wait_until(started.ending) == (137, "was killed by SIGKILL")
    wait_until(lambda: not is_alive(command))
    wait_until(lambda: not is_alive(engine))


LAUNCHER = """
import os, sys, time
from pathlib import Path
from r1lite.launch.process import LocalProcess
from r1lite.launch.part import Part
LocalProcess(Part(name="x", command=sys.argv[2:]), Path(sys.argv[1]))
time.sleep(1000)
"""


def test_nothing_is_left_when_the_launcher_is_killed(tmp_path: Path) -> None:
    (port,) = choose_ports("127.0.0.1", 0, 1)
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(tmp_path / "log"), sys.executable, STUB, str(port), "127.0.0.1", "engine"]
    )
    engine = wait_until(lambda: engine_of(tmp_path / "log"))
    launcher.kill()
    launcher.wait()
    wait_until(lambda: not is_alive(engine), seconds=10)


def supervisor(folder: Path, trainer: str, *words: str) -> Supervisor:
    """One stub, and a trainer that is a Python program with the server's address in sys.argv[1]."""
    (port,) = choose_ports("127.0.0.1", 0, 1)
    part = Part(name="trainer", command=[sys.executable, "-c", trainer, f"http://127.0.0.1:{port}"])
    logs = Logs(folder / "logs", verbose=False)
    return Supervisor(LocalBackend(Layout(servers=(stub(port, *words),), trainer=part), logs), logs, start_seconds=30)


def test_a_server_that_does_not_start_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"server-0 ended with exit code 1 while it started. From .*: *\n  ValueError: No available memory"
    ):
        supervisor(tmp_path, "", "dies").run()


def test_a_server_that_does_not_answer_in_time_is_named(tmp_path: Path) -> None:
    late = supervisor(tmp_path, "")
    late.servers.start_seconds = 0.01
    with pytest.raises(ValueError, match=r"server-0 does not answer after 0.01 s \(start_seconds\)"):
        late.run()
    assert late.servers.all[0].running.ending() is not None


@pytest.mark.parametrize(
    ("program", "code"), [("print('done')", 0), ("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 9)", 137)]
)
def test_all_ends_with_the_trainer_and_with_its_code(tmp_path: Path, capsys: pytest.CaptureFixture[str], program: str, code: int) -> None:
    assert supervisor(tmp_path, program).run() == code
    assert not is_alive(engine_of(tmp_path / "logs" / "server-0.log"))
    out, err = capsys.readouterr()
    assert ("done" in out) == (code == 0)
    assert ("trainer ended with exit code 3" in err) == (code == 3)


WAITS = """
import signal, sys, time
def stop(number, _): print("stopping", flush=True); time.sleep(0.5); sys.exit(143)
signal.signal(signal.SIGTERM, stop)
print("waiting", flush=True)
time.sleep(1000)
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals_reach_the_trainer(tmp_path: Path, number: int, code: int) -> None:
    """SIGTERM lets it finish; Python's own answer to SIGINT is to end by that signal."""
    watched = supervisor(tmp_path, WAITS)
    tend = watched.servers.tend

    def tend_and_signal() -> None:
        tend()
        if "\nwaiting\n" in (tmp_path / "logs" / "trainer.log").read_text() and not watched.signals:
            os.kill(os.getpid(), number)

    watched.servers.tend = tend_and_signal  # type: ignore[method-assign]
    assert watched.run() == code
    assert not is_alive(engine_of(tmp_path / "logs" / "server-0.log"))


def test_a_signal_while_servers_start_ends_them(tmp_path: Path) -> None:
    watched = supervisor(tmp_path, "")
    watched.signals.append(signal.SIGTERM)
    assert watched.run() == 143
    assert watched.servers.all[0].running.ending() is not None


def kept(folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> Servers:
    monkeypatch.setattr(keep, "AGAIN_SECONDS", 0.01)
    return supervisor(folder, "", *words).servers


def test_a_dead_server_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    servers = kept(tmp_path, monkeypatch)
    try:
        servers.start(lambda: None)
        (server,) = servers.all
        first = server.running
        os.kill(wait_until(lambda: engine_of(tmp_path / "logs" / "server-0.log")), signal.SIGKILL)
        first.kill()
        wait_until(lambda: [servers.tend(), server.ready and server.running is not first][-1])
        assert "server-0 was killed by SIGKILL: starting it again" in capsys.readouterr().err
        assert server.running.answers()
    finally:
        servers.end()


def test_a_server_that_never_starts_again_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    servers = kept(tmp_path, monkeypatch)
    try:
        servers.start(lambda: None)
        assert isinstance(servers.backend, LocalBackend)
        dead = stub(1, "dies")
        servers.backend.layout = Layout(servers=(dead,), trainer=None)
        servers.all[0].running.kill()
        wait_until(lambda: [servers.tend(), servers.are_lost()][-1])
        assert "has now failed to start 5 times in a row: given up" in capsys.readouterr().err
    finally:
        servers.end()


def test_a_server_that_hangs_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    servers = kept(tmp_path, monkeypatch)
    monkeypatch.setattr(keep, "HEALTH_EVERY", 0.0)
    monkeypatch.setattr(keep, "HUNG_SECONDS", 0.0)
    try:
        servers.start(lambda: None)
        (server,) = servers.all
        first = server.running
        assert isinstance(first, LocalProcess)
        engine = engine_of(first.log)
        monkeypatch.setattr(first, "answers", lambda: False)
        wait_until(lambda: [servers.tend(), server.ready and server.running is not first][-1])
        assert not is_alive(engine)
    finally:
        servers.end()


RUN = """
import sys
import stub_server
from r1lite.commands import launch
from r1lite.launch import local
from r1lite.launch.part import Part

def server(cfg, number, *, port, **_):
    command = [sys.executable, stub_server.__file__, str(port), "127.0.0.1"]
    return Part(name=f"server-{number}", command=command, url=f"http://127.0.0.1:{port}", serves="stub")

local.check_servers, local.server_part = (lambda cfg: None), server
launch.main()
"""


@pytest.mark.slow
def test_a_run_with_stubs(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RUN, "servers=2", "run_dir=run", *SMALL]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(STUB).parent), *sys.path])}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the results are in run" in done.stdout
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["status"] == "finished"
    assert {path.name for path in (tmp_path / "run" / "logs").iterdir()} == {"server-0.log", "server-1.log", "trainer.log"}

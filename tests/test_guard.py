"""Ranks that fail, are killed or stand still: all end, with one message, and nothing is left over."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import ranks
import torch

from r1lite.api.ending import ending
from r1lite.config import Config
from r1lite.parallel import doing, exchange, guard, launch, meeting, network, watch, world
from r1lite.settings.compose import configuration
from r1lite.store.run import Run

SECONDS = 15.0  # within which all must have ended
PLUGIN = """
import os, subprocess
from pathlib import Path

from rewards import reward

HERE = Path(__file__).parent


@reward("lingering")
def lingering(response, answer):
    pids = HERE / f"pids-{os.getpid()}"
    if not pids.exists():
        child = subprocess.Popen(["sleep", "600"])
        pids.write_text(f"{os.getpid()} {child.pid}")
    return 1.0
"""
SHORT = (
    "experiment=demo stages=[rl] rl.steps=99 rl.prompts_per_step=4 rl.group_size=2 rl.show_every=0 rl.checkpoint_every=1 "
    "algorithm.keep=all sampler.max_tokens=16 evaluate.every_stage=false threads=1 rewards.lingering.weight=0.1"
).split()
RESUMES = r" The same command resumes the run from its last checkpoint\."


def faults() -> dict[str, Callable[[], object]]:
    def refuse() -> None:
        raise ValueError("rl.lr is odd")

    def loop() -> None:
        while True:
            pass

    def alone() -> None:
        exchange.on_leader(lambda: time.sleep(600))

    return {
        "refuse": refuse,
        "bug": lambda: {}["no such key"],
        "memory": lambda: torch.empty(2**62, dtype=torch.uint8),
        "exit": lambda: sys.exit(3),
        "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
        "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
        "sleep": lambda: time.sleep(600),
        "loop": loop,
        "alone": alone,
    }


def exchanging(rank: int, fault: str) -> None:
    """A rank that exchanges a few values, and one that fails meanwhile."""
    watch.SILENT_SECONDS, watch.UNSEEN_SECONDS = 3.0, 5.0
    meeting.join(ranks.SECONDS)
    with guard.guarded(timeout=2.0 if fault in ("sleep", "loop", "alone") else 60.0):
        doing.begin_phase("train")
        for step in range(1, 9):
            doing.begin_step(step)
            exchange.gather(step)
            if step == 6:
                time.sleep(0.5)
            if step == 6 and (rank == world.rank() or fault == "alone"):
                faults()[fault]()
    meeting.leave()


def end_of(function: Callable[..., None], arguments: Sequence[Sequence[Any]], folder: Path, **environment: str) -> tuple[list[Any], str]:
    """The exit codes of all ranks, and what they printed. All must end soon after the first."""
    with ranks.started(function, arguments, folder, environment) as processes:
        wait_for(processes, 1, ranks.SECONDS)
        wait_for(processes, len(processes), SECONDS)
        codes = [one.exitcode for one in processes]
    assert None not in codes, f"{codes}\n{''.join(ranks.logs(folder))}"
    return codes, "".join(ranks.logs(folder))


def wait_for(processes: Sequence[Any], count: int, seconds: float) -> None:
    """Wait until as many have ended."""
    deadline = time.monotonic() + seconds
    while sum(one.exitcode is not None for one in processes) < count and time.monotonic() < deadline:
        time.sleep(0.05)


def messages(output: str) -> list[str]:
    return [line for line in output.splitlines() if line.startswith(("error:", "stopped"))]


WORDLESS = r"error: rank {} on \S+ has ended without a word \(last heard of while training \(step 6\)\)\." + RESUMES
STOPPED = r"error: rank {} on \S+ has been stopped by a signal for 3 s \(last heard of while training \(step 6\)\)\." + RESUMES
HANGING = (
    r"error: rank {} on \S+ does not go on: the others have waited 2 s \(parallel\.timeout\), while it is training \(step 6\)\." + RESUMES
)


@pytest.mark.parametrize(
    ("count", "rank", "fault", "message"),
    [
        (2, 1, "refuse", r"error: rl\.lr is odd"),
        (2, 0, "bug", r"error: rank 0 on \S+ failed while training \(step 6\): KeyError: 'no such key'"),
        (3, 1, "kill", WORDLESS.format(1)),
        (3, 0, "kill", WORDLESS.format(0)),
        (2, 1, "stop", STOPPED.format(1)),
        (2, 0, "stop", STOPPED.format(0)),
        (3, 1, "sleep", HANGING.format(1)),
        (2, 0, "loop", HANGING.format(0)),
        (2, 0, "alone", HANGING.format(0)),
    ],
)
def test_all_ranks_end_with_one_message(count: int, rank: int, fault: str, message: str, tmp_path: Path) -> None:
    codes, output = end_of(exchanging, [(rank, fault)] * count, tmp_path)
    assert len(messages(output)) == 1, output
    assert re.fullmatch(message, messages(output)[0]), output
    assert codes == [-signal.SIGKILL if number == rank and fault in ("kill", "stop") else 1 for number in range(count)]
    assert output.count("Traceback") == (fault == "bug")


@pytest.fixture
def by_hand() -> dict[str, str]:
    """The environment of ranks without a launcher: rank 0 keeps the store."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return {"TORCHELASTIC_USE_AGENT_STORE": "False", "MASTER_PORT": str(listening.getsockname()[1])}


@pytest.mark.parametrize(
    ("rank", "fault", "message"),
    [
        (0, "refuse", r"error: rl\.lr is odd"),
        (1, "refuse", r"error: rl\.lr is odd"),
        (0, "kill", r"error: rank 0 at 127\.0\.0\.1 is gone, and with it the store where the ranks meet \(.*\)\." + RESUMES),
        (0, "stop", r"error: rank 0 at 127\.0\.0\.1 is gone, and with it the store where the ranks meet \(it has not .* 5 s\)\." + RESUMES),
    ],
)
def test_ranks_without_a_launcher_end_as_well(rank: int, fault: str, message: str, by_hand: dict[str, str], tmp_path: Path) -> None:
    codes, output = end_of(exchanging, [(rank, fault)] * 2, tmp_path, **by_hand)
    assert len(messages(output)) == 1, output
    assert re.fullmatch(message, messages(output)[0]), output
    assert codes == [-signal.SIGKILL if number == rank and fault in ("kill", "stop") else 1 for number in range(2)]


def test_ranks_without_a_fault_end_well(by_hand: dict[str, str], tmp_path: Path) -> None:
    assert end_of(exchanging, [(9, "none")] * 2, tmp_path, **by_hand) == ([0, 0], "")
    assert end_of(exchanging, [(9, "none")] * 2, tmp_path) == ([0, 0], "")


def test_a_rank_that_never_comes_is_named(by_hand: dict[str, str], tmp_path: Path) -> None:
    codes, output = end_of(joining, [(1.0,)], tmp_path, **by_hand, WORLD_SIZE="3")
    assert codes == [1]
    assert messages(output) == [
        f"error: ranks 1, 2 of 3 did not come within 1 s (parallel.timeout). Start all ranks with the same command, to meet at 127.0.0.1, "
        f"port {by_hand['MASTER_PORT']}; RANK and WORLD_SIZE say which they are"
    ]
    codes, output = end_of(joining, [(1.0,)], tmp_path, **by_hand, RANK="1", WORLD_SIZE="2")
    assert messages(output)[0].startswith(
        f"error: rank 1 does not reach 127.0.0.1, port {by_hand['MASTER_PORT']} (MASTER_ADDR, MASTER_PORT)"
    )


def test_a_port_in_use_is_named(by_hand: dict[str, str], tmp_path: Path) -> None:
    with socket.socket() as listening:
        listening.bind(("0.0.0.0", int(by_hand["MASTER_PORT"])))
        listening.listen()
        codes, output = end_of(joining, [(1.0,)], tmp_path, **by_hand, WORLD_SIZE="2")
    assert codes == [1]
    assert messages(output) == [
        f"error: port {by_hand['MASTER_PORT']} is in use on this machine: set MASTER_PORT to a free one, for all ranks"
    ]


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (
            {"MASTER_PORT": ""},
            "error: WORLD_SIZE is set, and MASTER_PORT is not: start ranks with torchrun or processes=N, or set all four",
        ),
        ({"RANK": "2"}, "error: RANK must be a number from 0 to 1, got '2'"),
        ({"MASTER_PORT": "http"}, "error: MASTER_PORT must be a number from 0 to 65535, got 'http'"),
        ({"WORLD_SIZE": "two"}, "error: WORLD_SIZE must be a number above 0, got 'two'"),
    ],
)
def test_a_wrong_environment_is_named(environment: dict[str, str], message: str, tmp_path: Path) -> None:
    codes, output = end_of(joining, [(1.0,)], tmp_path, **{"WORLD_SIZE": "2", **environment})
    assert (codes, messages(output)) == ([1], [message])


def joining(timeout: float) -> None:
    try:
        meeting.connect(timeout)
        with guard.guarded():
            meeting.join(timeout)
    except ValueError as error:
        sys.exit(f"error: {error}")


@pytest.fixture
def doing_nothing() -> Iterator[None]:
    yield
    doing.begin_stage("")


@pytest.mark.usefixtures("doing_nothing")
def test_memory_that_runs_out_is_said_with_what_takes_less(config: Callable[..., Config], tmp_path: Path) -> None:
    cfg = config(f"run_dir={tmp_path}", "++rl_2.micro_batch_tokens=99")
    doing.begin_stage("rl_2")
    doing.begin_step(3)
    doing.begin_phase("train")
    doing.begin_batch(1, 2, (4, 96))
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**62, dtype=torch.uint8)
    resumes = "The same command resumes the run from its last checkpoint."
    assert message_of(raised.value, cfg) == (
        "error: the run ran out of memory while training (rl_2, step 3, micro-batch 1 of 2: 4 x 96 tokens): it asked for 4,398,046,511,104 "
        f"MiB more. Lower rl_2.micro_batch_tokens (now 99), or set model.gradient_checkpointing=true. {resumes}"
    )
    doing.begin_phase("sample")
    on_gpu = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. If reserved but unallocated memory is large try ...")
    assert message_of(on_gpu, cfg) == (
        "error: the run ran out of memory while sampling (rl_2, step 3): CUDA out of memory. Tried to allocate 2.00 GiB. Lower "
        f"sampler.max_rows (now 512) or sampler.cache_mb (now 4096). {resumes}"
    )
    doing.begin_stage("")
    assert message_of(MemoryError(), cfg).startswith("error: the run ran out of memory while starting. Lower sampler.max_rows")


def message_of(error: BaseException, cfg: Config) -> str:
    failure = ending(error, cfg)
    assert failure
    return failure.message


def test_nothing_is_left_over_when_a_rank_is_killed(tmp_path: Path) -> None:
    """The real thing, once: the ranks that `processes=2` starts, their scoring workers, and what rules have started."""
    (tmp_path / "lingering.py").write_text(PLUGIN)
    settings = [*SHORT, "processes=2", f"plugins=[{tmp_path / 'lingering.py'}]", f"run_dir={tmp_path}/run"]
    with subprocess.Popen([sys.executable, "-m", "r1lite.train", *settings], stderr=subprocess.PIPE, text=True) as launcher:
        try:
            wait_until(lambda: any(tmp_path.glob("run/rl/rollouts/step-000002.parquet")))
            of_run = children(launcher.pid)
            pids = [*of_run, *(int(pid) for path in tmp_path.glob("pids-*") for pid in path.read_text().split())]
            os.kill(max(of_run), signal.SIGKILL)
            output = launcher.communicate(timeout=SECONDS)[1]
        finally:
            launcher.kill()
    assert (launcher.returncode, len(of_run)) == (1, 2)
    (message,) = messages(output)
    assert re.fullmatch(
        r"error: rank 1 on \S+ was killed by SIGKILL while .* \(rl, step \d+.*\)\. The kernel .*"
        + RESUMES.replace("command", "command with run_dir=.*"),
        message,
    )
    wait_until(lambda: all(is_gone(pid) for pid in pids))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_ranks_end_with_their_launcher(number: signal.Signals, tmp_path: Path) -> None:
    """Whatever they are doing, and whether or not they have met."""
    with ranks.started(launching, [(tmp_path,)], tmp_path, {"WORLD_SIZE": "1"}) as (launcher,):
        wait_until(lambda: len([*tmp_path.glob("pid-*")]) == 2)
        pids = children(launcher.pid)
        assert len(pids) == 2
        os.kill(launcher.pid, number)
        wait_until(lambda: all(is_gone(pid) for pid in pids))
        launcher.join(SECONDS)
        assert launcher.exitcode == {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}[number]
    assert len(messages("".join(ranks.logs(tmp_path)))) == (number != signal.SIGKILL)


def launching(folder: Path) -> None:
    mark = f"open(f'{folder}/pid-{{os.getpid()}}', 'w')"
    program = f"import os, time; from r1lite.parallel.launch import *; end_with_launcher(); {mark}; time.sleep(600)"
    sys.exit(launch.launch(2, [sys.executable, "-c", program]))


def children(parent: int) -> list[int]:
    return [int(path.name) for path in Path("/proc").glob("[0-9]*") if stat(int(path.name))[1] == str(parent)]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + ranks.SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["X", "0"]


def is_gone(pid: int) -> bool:
    return stat(pid)[0] in "ZX"


@pytest.mark.parametrize(
    ("processes", "message"),
    [
        ("0", "processes must be a number above 0, or auto (one for each GPU), got '0'"),
        ("-2", "processes must be a number above 0, or auto (one for each GPU), got '-2'"),
        ("many", "processes must be a number above 0, or auto (one for each GPU), got 'many'"),
        ("5000", f"processes=5000, and this machine has {os.cpu_count()} cores: lower it"),
    ],
)
def test_a_count_of_ranks_that_makes_no_sense_is_refused(processes: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        launch.count_of(processes, "cpu")


def test_ranks_are_not_started_within_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    for same in ("1", "2", "auto"):
        launch.refuse_other_count(same)
    with pytest.raises(
        ValueError, match=r"processes=4 starts ranks on one machine, and a launcher has started 2 here already: leave it out"
    ):
        launch.refuse_other_count("4")


def test_a_mistyped_setting_is_said_once(tmp_path: Path) -> None:
    codes, output = end_of(mistyped, [(tmp_path,)] * 3, tmp_path)
    assert codes == [1, 1, 1]
    assert [line.partition(":")[0] for line in output.splitlines() if line] == ["error"]
    assert "rl.lrr" in output


def mistyped(folder: Path) -> None:
    from r1lite.train import main

    sys.argv = ["r1lite", "rl.lrr=1", f"run_dir={folder}"]
    main()


@pytest.mark.parametrize(("restarts", "code"), [(0, 1), (1, 0)])
def test_the_launcher_starts_lost_ranks_again(restarts: int, code: int, tmp_path: Path) -> None:
    with ranks.started(restarting, [(restarts,)], tmp_path, {"WORLD_SIZE": "1"}) as (launcher,):
        launcher.join(ranks.SECONDS)
        assert launcher.exitcode == code
    (output,) = ranks.logs(tmp_path)
    assert re.match(r"error: rank 1 on \S+ was killed by SIGKILL while starting\. ", output)
    assert output.count("starting the ranks again (1 of 1; parallel.restarts)") == restarts


def restarting(restarts: int) -> None:
    program = "import os; os.environ['RANK'] + os.environ['TORCHELASTIC_RESTART_COUNT'] == '10' and os.kill(os.getpid(), 9)"
    sys.exit(launch.launch(2, [sys.executable, "-c", program], restarts=restarts))


def test_ranks_do_not_take_the_network_interface_of_one_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_interfaces", lambda: {"127.0.0.1": "lo", "10.0.0.7": "eth0"})
    assert network.interface_towards("127.0.1.1", 1) == "eth0"  # the name that many machines have for themselves
    monkeypatch.setattr(network, "_interfaces", lambda: {"127.0.0.1": "lo", "10.0.0.7": "eth0", "172.17.0.1": "docker0"})
    assert network.interface_towards("127.0.1.1", 1) == ""


def test_the_run_directory_is_of_one_run_alone(config: Callable[..., Config], tmp_path: Path) -> None:
    with Run(config(f"run_dir={tmp_path / 'run'}")).opened():
        codes, output = end_of(opening, [(tmp_path / "run",)] * 2, tmp_path)
    assert codes == [1, 1]
    assert messages(output) == [f"error: another process is working in {tmp_path / 'run'}; wait for it, or choose another run_dir="]


def opening(folder: Path) -> None:
    meeting.join(ranks.SECONDS)
    with guard.guarded(), Run(configuration([f"run_dir={folder}"])).opened():
        pass

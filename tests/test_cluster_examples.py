"""examples/cluster: the Slurm script runs with stubs of Slurm's commands; settings of the Kubernetes file exist and agree."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from stub_server import __file__ as STUB

from r1lite.launch.local import choose_ports
from r1lite.launch.options import split
from r1lite.settings.command_line import understood

HOME = Path(__file__).resolve().parent.parent
SCRIPT = HOME / "examples" / "cluster" / "slurm.sh"
# Each runs its part on this machine, where 127.0.0.2 stands for another node.
STUBS = {
    "srun": 'while [[ $1 == --* ]]; do shift; done; exec "$@"',
    "scontrol": 'if [[ $1 == show ]]; then printf "%s\\n" ${NODES:-127.0.0.1 127.0.0.2}; else echo "$@" >> scontrol.txt; fi',
    "r1lite": """
for word; do case $word in host=*) host=${word#*=};; port=*) port=${word#*=};; servers=*) servers=${word#*=};; esac; done
echo "$@" >> served.txt
for ((i = 0; i < servers; i++)); do "$PYTHON" "$STUB" $((port + i)) "$host" & done
trap 'kill $(jobs -p)' TERM
wait
""",
    "torchrun": 'echo "$@" > trained.txt; trap "sleep 0.5; echo saved >> trained.txt; exit 143" TERM; eval "$TRAINER"',
}


def started(folder: Path, trainer: str, *settings: str, **variables: str) -> subprocess.Popen[bytes]:
    """The script as a job, whose trainer is a line of bash."""
    (folder / "bin").mkdir()
    for name, text in STUBS.items():
        (folder / "bin" / name).write_text(f"#!/usr/bin/env bash\n{text}\n")
        (folder / "bin" / name).chmod(0o755)
    (port, _) = choose_ports("127.0.0.1", 0, 2)
    slurm = {"SLURM_JOB_ID": "7", "SLURM_JOB_PARTITION": "gpu", "SLURM_JOB_NODELIST": "n[1-2]", "SERVERS": "2", "PORT": str(port)}
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    environment = {**os.environ, **slurm, "PATH": path, "TRAINER": trainer, "STUB": STUB, "PYTHON": sys.executable, **variables}
    with (folder / "output").open("w") as out:
        return subprocess.Popen(["bash", SCRIPT, *settings], cwd=folder, env=environment, stdout=out, stderr=out, start_new_session=True)


def ended(job: subprocess.Popen[bytes], folder: Path) -> tuple[int, str]:
    """Its exit code, and what it has printed."""
    code = job.wait(timeout=120)
    return code, (folder / "output").read_text()


def test_servers_and_trainer_run_on_their_nodes(tmp_path: Path) -> None:
    run_dir = f"run_dir={tmp_path / 'run'}"
    job = started(tmp_path, "exit 0", "experiment=r1_zero", run_dir, PROCESSES="4")
    code, output = ended(job, tmp_path)
    assert code == 0, output
    options, settings = split((tmp_path / "served.txt").read_text().split()[1:])
    assert (options.only, options.servers, options.host) == ("servers", 2, "127.0.0.2")
    assert settings[:2] == ["experiment=r1_zero", run_dir]
    words = (tmp_path / "trained.txt").read_text().split()
    assert {"--nnodes=1", "--nproc-per-node=4", "--rdzv-endpoint=127.0.0.1:29500"} <= {*words}
    urls = ",".join(f"http://127.0.0.2:{options.port + number}" for number in (0, 1))
    assert words[words.index("r1lite.train") + 1 :] == [
        "experiment=r1_zero", run_dir, "sampler=vllm_server", f"sampler.urls=[{urls}]", f"sampler.sync_folder={tmp_path / 'run'}/weights"
    ]  # fmt: skip


def test_its_exit_code_is_the_trainers(tmp_path: Path) -> None:
    job = started(tmp_path, "exit 3", f"run_dir={tmp_path}")
    assert ended(job, tmp_path)[0] == 3
    assert not (tmp_path / "scontrol.txt").exists()


@pytest.mark.parametrize("when", ["training", "waiting"])
def test_preempted_it_saves_and_is_queued_again(tmp_path: Path, when: str) -> None:
    silent = tmp_path / "silent"  # in place of a server: it runs and does not answer
    silent.write_text("#!/bin/sh\nexec sleep 100\n")
    silent.chmod(0o755)
    variables = {"PYTHON": str(silent)} if when == "waiting" else {}
    job = started(tmp_path, "while :; do sleep 0.1; done", f"run_dir={tmp_path}", **variables)
    sign = tmp_path / ("trained.txt" if when == "training" else "served.txt")
    deadline = time.monotonic() + 60
    while not sign.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(job.pid, signal.SIGTERM)
    code, output = ended(job, tmp_path)
    asked = tmp_path / "scontrol.txt"
    assert (code, asked.exists() and asked.read_text()) == (143, "requeue 7\n"), output
    if when == "training":
        assert sign.read_text().endswith("saved\n")


@pytest.mark.parametrize(
    ("settings", "variables", "message"),
    [
        (["run_dir=/r"], {"SLURM_JOB_ID": ""}, "error: submit this file: sbatch --partition=NAME --nodes=N"),
        (["run_dir=/r"], {"SLURM_JOB_PARTITION": ""}, "error: the job has no partition: submit it with sbatch --partition=NAME"),
        (["seed=1"], {}, "error: set run_dir= to an absolute path of a folder that all nodes share"),
        (["run_dir=runs/x"], {}, "error: set run_dir= to an absolute path"),
        (["run_dir=/r"], {"NODES": "one"}, "error: 1 nodes, of which 1 train, leave none for servers"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, settings: list[str], variables: dict[str, str], message: str) -> None:
    job = started(tmp_path, "exit 0", *settings, **variables)
    code, output = ended(job, tmp_path)
    assert code == 2
    assert output.startswith(message)


def test_servers_that_all_end_are_noticed(tmp_path: Path) -> None:
    job = started(tmp_path, "exit 0", f"run_dir={tmp_path}", PYTHON="false")
    code, output = ended(job, tmp_path)
    assert code == 2
    assert f"error: all servers have ended; their logs are in {tmp_path}/servers" in output


def test_settings_of_the_kubernetes_file_exist_and_agree() -> None:
    documents = [*yaml.safe_load_all((HOME / "examples" / "cluster" / "kubernetes.yaml").read_text(encoding="utf-8"))]
    kinds = {document["kind"]: document["spec"] for document in documents}
    servers, job = kinds["StatefulSet"], kinds["Job"]["template"]["spec"]
    command, *words = servers["template"]["spec"]["containers"][0]["args"]
    options, settings = split(words)
    assert (command, options.only, options.servers) == ("launch", "servers", 1)
    trained = understood([word for word in job["containers"][0]["args"] if not word.startswith("sampler=")])
    shared = [word for word in settings if not word.startswith("run_dir=")]
    assert {*understood(shared)} <= {*trained}
    urls = [f"http://r1lite-server-{number}.{servers['serviceName']}:{options.port}" for number in range(servers["replicas"])]
    assert f"++sampler.urls=[{','.join(urls)}]" in trained or f"sampler.urls=[{','.join(urls)}]" in trained
    assert f"range({servers['replicas']})" in job["initContainers"][0]["args"][0]
    assert kinds["NetworkPolicy"]["ingress"][0]["ports"] == [{"port": options.port}]

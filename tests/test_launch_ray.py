"""`r1lite launch backend=ray`, on a Ray cluster of two nodes on this machine, with stubs in place of servers and trainer."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from stub_node import FailingNode, StubNode
from test_launch import is_alive, wait_until

from r1lite.commands import launch
from r1lite.launch import cluster, keep
from r1lite.launch.cluster import RayBackend, connect, environments_of
from r1lite.launch.node import Place
from r1lite.launch.options import split
from r1lite.launch.supervise import Supervisor

MEMORY = {"object_store_memory": 80 * 2**20}
needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install 'r1lite[ray]'")


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    """A Ray cluster of two nodes with two cores each, beside a head without any."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)  # Ray's workers have it from its daemons
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"include_dashboard": False, "num_cpus": 0, **MEMORY})
    for _ in range(2):
        made.add_node(num_cpus=2, **MEMORY)
    yield made
    made.shutdown()


@pytest.fixture(scope="module")
def ray(nodes: Any) -> Iterator[Any]:
    """Ray, connected to that cluster."""
    connected = connect(nodes.address)
    yield connected
    connected.shutdown()


def backend(ray: Any, folder: Path, *words: str) -> RayBackend:
    options, settings = split(["experiment=r1_zero", f"run_dir={folder / 'run'}", "backend=ray", *words])
    cfg, settings = launch.configured(settings, options)
    return RayBackend(ray, cfg, settings, options)


def supervised(made: RayBackend) -> int:
    return Supervisor(made, made.logs, start_seconds=60).run()


@needs_ray
@pytest.mark.slow
def test_a_server_that_dies_comes_back(ray: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(keep, "AGAIN_SECONDS", 0.1)
    monkeypatch.setattr(RayBackend, "actor_class", StubNode)
    made = backend(ray, tmp_path, "servers=2", "processes=2")
    code = supervised(made)
    out, err = capsys.readouterr()
    assert (code, "back True" in out) == (0, True), out + err
    assert "server-0 was killed by SIGKILL: starting it again" in err
    logs = {path.name: path.read_text() for path in made.logs.folder.iterdir()}
    assert sorted(logs) == ["rank-0.log", "rank-1.log", "server-0.log", "server-1.log"]
    assert logs["rank-1.log"].startswith("rank 1 of 2 ")
    assert "rank-1 | rank 1 of 2 " in out
    engines = re.findall(r"engine (\d+)", logs["server-0.log"] + logs["server-1.log"])
    assert len(engines) == 3
    assert not any(is_alive(int(pid)) for pid in engines)
    placed = ray.util.placement_group_table()[made.group.id.hex()]
    assert len({*placed["bundles_to_node_id"].values()}) == 2
    made.close()


@needs_ray
@pytest.mark.slow
def test_a_server_goes_elsewhere_when_its_node_is_lost(
    ray: Any, nodes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(keep, "AGAIN_SECONDS", 0.1)
    monkeypatch.setattr(RayBackend, "actor_class", StubNode)
    monkeypatch.setattr(RayBackend, "_count_ranks", lambda _: 0)
    lost = nodes.add_node(num_cpus=3, **MEMORY)  # no other node has as many
    made = backend(ray, tmp_path, "servers=1", "cpus=3")
    servers = Supervisor(made, made.logs, start_seconds=60).servers
    try:
        servers.start(lambda: None)
        (before,) = servers.urls()
        nodes.add_node(num_cpus=3, **MEMORY)
        nodes.remove_node(lost, allow_graceful=False)
        wait_until(lambda: [servers.tend(), servers.urls() != [before]][-1])
        assert (made.run_dir / "servers.txt").read_text().split() == servers.urls()
        assert servers.all[0].running.answers()
    finally:
        servers.end()
        made.close()
    assert "server-0 is gone with its node, or with its Ray actor: starting it again" in capsys.readouterr().err


@needs_ray
@pytest.mark.slow
def test_all_ends_when_a_rank_fails(ray: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr("r1lite.launch.supervise.LEAVE_SECONDS", 0.5)
    monkeypatch.setattr(RayBackend, "actor_class", FailingNode)
    made = backend(ray, tmp_path, "servers=1", "processes=2")
    assert supervised(made) == 3
    assert "launch: rank-1 ended with exit code 3; its log is" in capsys.readouterr().err
    made.close()


@needs_ray
@pytest.mark.slow
def test_a_cluster_without_room_says_what_is_free(ray: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no room for 2 servers and 9 trainer processes after 0.1 s .*need 11 CPU .* and \d of \d CPU"):
        backend(ray, tmp_path, "servers=2", "processes=9", "place_seconds=0.1")


@needs_ray
@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1:1", "no Ray cluster answers at address=127.0.0.1:1: .*refused"),
        ("somewhere", "address=somewhere: write HOST:PORT"),
    ],
)
def test_no_cluster_at_an_address(monkeypatch: pytest.MonkeyPatch, address: str, message: str) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.1)
    with pytest.raises(ValueError, match=message):
        connect(address)


def test_without_ray_a_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "find_spec", lambda _: None)
    with pytest.raises(ValueError, match=r"pip install 'r1lite\[ray\]'"):
        connect("auto")


def test_ranks_are_numbered_on_each_node_and_share_its_gpus() -> None:
    places = [Place(node=node, host=node, address=f"10.0.0.{node}", gpus=(gpu,)) for node, gpu in (("1", "0"), ("2", "3"), ("1", "5"))]
    made = environments_of(places, 29500, 1)
    assert [(e["RANK"], e["LOCAL_RANK"], e["LOCAL_WORLD_SIZE"], e["CUDA_VISIBLE_DEVICES"]) for e in made] == [
        ("0", "0", "2", "0,5"), ("1", "0", "1", "3"), ("2", "1", "2", "0,5")
    ]  # fmt: skip
    assert {(e["WORLD_SIZE"], e["MASTER_ADDR"], e["MASTER_PORT"]) for e in made} == {("3", "10.0.0.1", "29500")}
    (alone,) = environments_of([Place(node="1", host="1", address="10.0.0.1", gpus=())], 29500, 4)
    assert alone == {"OMP_NUM_THREADS": "4"}

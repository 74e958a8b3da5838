"""The layout of a run on a Ray cluster: a placement group with a bundle for each server and each rank, and an actor in each.

Ray only starts processes here. Ranks meet as they do under torchrun, weights go from trainer to servers as everywhere, and no
tensor passes through Ray.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from r1lite.config import Config
from r1lite.launch.devices import count_of
from r1lite.launch.logs import Logs
from r1lite.launch.node import Node, Place
from r1lite.launch.options import Options
from r1lite.launch.process import Running
from r1lite.launch.ray_process import RayProcess
from r1lite.launch.supervise import Supervisor
from r1lite.parallel.network import wait_for_port
from r1lite.store.files import atomic, make_folder

NOT_INSTALLED = "backend=ray needs Ray, which is not installed here: pip install 'r1lite[ray]', on all nodes of the cluster"
CONNECT_SECONDS = 5.0
PASSED_ON = ("R1LITE_", "HF_", "VLLM_", "NCCL_", "GLOO_", "PYTHONPATH")  # variables of the launcher that parts on the nodes get as well
ADDRESSES = "servers.txt"


def launch_on_cluster(cfg: Config, settings: Sequence[str], options: Options) -> int:
    """Run the layout on the cluster until the trainer ends; returns the exit code."""
    ray = connect(options.address)
    try:
        backend = RayBackend(ray, cfg, settings, options)
        return Supervisor(backend, backend.logs, start_seconds=options.start_seconds).run()
    finally:
        ray.shutdown()  # and all actors, with what they have started


def connect(address: str) -> Any:
    """The ray module, connected. ValueError if there is none, or no cluster at this address."""
    if find_spec("ray") is None:
        raise ValueError(NOT_INSTALLED)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray

    if address != "auto":
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit():
            raise ValueError(f"address={address}: write HOST:PORT of the cluster's head, such as 10.0.0.1:6379, or auto")
        try:
            wait_for_port(host, int(port), CONNECT_SECONDS)  # Ray itself would try for minutes
        except OSError as error:
            raise ValueError(f"no Ray cluster answers at address={address}: {error}. `ray start --head` starts one") from error
    try:
        ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise ValueError(f"no Ray cluster is found (address={address}): {first} `ray start --head` starts one on this machine") from error
    return ray


class RayBackend:
    """Starts servers and ranks in the bundles of a placement group."""

    actor_class: type[Node] = Node

    def __init__(self, ray: Any, cfg: Config, settings: Sequence[str], options: Options) -> None:
        self.ray, self.cfg, self.options = ray, cfg, options
        self.run_dir = Path(cfg.run_dir).expanduser().resolve()
        make_folder(self.run_dir)
        self.logs = Logs(self.run_dir / "logs", verbose=options.verbose)
        self.servers = options.servers
        self.on_gpus = ray.cluster_resources().get("GPU", 0) > 0
        self.ranks = self._count_ranks()
        self.bundles = [self._bundle(options.tensor_parallel)] * self.servers
        self.bundles += [self._bundle(0 if cfg.model.device == "cpu" else 1)] * self.ranks
        self.group = self._reserve()
        self.settings = [setting for setting in settings if not setting.startswith(("processes=", "run_dir="))]
        self.settings += [f"run_dir={self.run_dir}", *self._server_settings()]

    def start_server(self, number: int) -> Running:
        actor = self._actor(number)
        part = actor.serve.remote(self.cfg, number, self.options)
        return RayProcess(self.ray, actor, f"server-{number}", part, self.logs.file(f"server-{number}"))

    def start_trainer(self, urls: Sequence[str]) -> list[Running]:
        """A process for each rank, which meet at the first one's node."""
        self.moved(urls)
        actors = [self._actor(self.servers + rank) for rank in range(self.ranks)]
        places = self.ray.get([actor.place.remote() for actor in actors])
        self._refuse_unshared(actors, places)
        port = self.ray.get(actors[0].free_port.remote())
        names = ["trainer"] if self.ranks == 1 else [f"rank-{rank}" for rank in range(self.ranks)]
        environments = environments_of(places, port, self.options.cpus)
        return [
            RayProcess(self.ray, actor, name, actor.train.remote(name, self.settings, environment), self.logs.file(name))
            for actor, name, environment in zip(actors, names, environments, strict=True)
        ]

    def moved(self, urls: Sequence[str]) -> None:
        """The trainer reads the addresses of servers from a file, since one that is started again may get another node."""
        with atomic(self.run_dir / ADDRESSES) as part:
            part.write_text("".join(f"{url}\n" for url in urls))

    def close(self) -> None:
        """Give the room back."""
        from ray.util.placement_group import remove_placement_group

        remove_placement_group(self.group)

    def _server_settings(self) -> list[str]:
        if not self.servers:
            return []
        folder = [] if self.cfg.sampler.sync_folder else [f"sampler.sync_folder={self.run_dir / 'weights'}"]
        return [f"sampler.urls_from={self.run_dir / ADDRESSES}", *folder]

    def _count_ranks(self) -> int:
        gpus = int(self.ray.cluster_resources().get("GPU", 0))
        return count_of(self.cfg.processes) or max(1, gpus - self.servers * self.options.tensor_parallel)

    def _bundle(self, gpus: int) -> dict[str, float]:
        return {"CPU": self.options.cpus, **({"GPU": gpus} if self.on_gpus and gpus else {})}

    def _reserve(self) -> Any:
        from ray.util.placement_group import placement_group, remove_placement_group

        group = placement_group(self.bundles, strategy="PACK")
        try:
            self.ray.get(group.ready(), timeout=self.options.place_seconds)
        except self.ray.exceptions.GetTimeoutError as error:
            remove_placement_group(group)
            raise ValueError(self._no_room()) from error
        return group

    def _no_room(self) -> str:
        total, free = self.ray.cluster_resources(), self.ray.available_resources()
        nodes = sum(node["Alive"] for node in self.ray.nodes())
        wanted = {name: sum(bundle.get(name, 0) for bundle in self.bundles) for name in ("CPU", "GPU")}
        there = ", ".join(f"{free.get(name, 0):g} of {total.get(name, 0):g} {name}" for name in wanted)
        return (
            f"the Ray cluster has no room for {self.servers} servers and {self.ranks} trainer processes after "
            f"{self.options.place_seconds:g} s (place_seconds): they need {wanted['CPU']} CPU and {wanted['GPU']} GPU, those of each "
            f"on one node, and {there} are free, on {nodes} nodes. Lower servers, processes, tensor_parallel or cpus"
        )

    def _actor(self, bundle: int) -> Any:
        from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

        needs = self.bundles[bundle]
        strategy = PlacementGroupSchedulingStrategy(placement_group=self.group, placement_group_bundle_index=bundle)
        kind = self.ray.remote(num_cpus=needs["CPU"], num_gpus=needs.get("GPU", 0), scheduling_strategy=strategy)(self.actor_class)
        passed_on = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
        return kind.remote(os.getcwd(), passed_on)

    def _refuse_unshared(self, actors: Sequence[Any], places: Sequence[Place]) -> None:
        """Ranks write to the run directory and read the servers' addresses there."""
        seen = self.ray.get([actor.sees.remote(str(self.run_dir / ADDRESSES)) for actor in actors])
        for place, sees in zip(places, seen, strict=True):
            if not sees:
                raise ValueError(
                    f"{place.host} does not see {self.run_dir}: run_dir must be a folder that all nodes share, at the same path"
                )


def environments_of(places: Sequence[Place], port: int, cpus: int) -> list[dict[str, str]]:
    """What tells each rank who it is. The ranks of a node see all of the node's GPUs that are theirs, as under torchrun."""
    if len(places) == 1 and not places[0].gpus:
        return [{"OMP_NUM_THREADS": str(cpus)}]
    found = []
    for rank, place in enumerate(places):
        local = [other for other, theirs in enumerate(places) if theirs.node == place.node]
        ranks = {"RANK": rank, "WORLD_SIZE": len(places), "LOCAL_RANK": local.index(rank), "LOCAL_WORLD_SIZE": len(local)}
        meeting = {"MASTER_ADDR": places[0].address, "MASTER_PORT": port}
        gpus = ",".join(gpu for other in local for gpu in places[other].gpus)
        devices = {"CUDA_VISIBLE_DEVICES": gpus} if gpus else {"OMP_NUM_THREADS": cpus}
        found.append({name: str(value) for name, value in {**ranks, **meeting, **devices}.items()})
    return found

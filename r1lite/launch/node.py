"""An actor on a node of a Ray cluster: runs one part of a layout there. It ends with the launcher, and the part with it."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from r1lite.config import Config
from r1lite.launch.devices import on_cores
from r1lite.launch.options import Options
from r1lite.launch.part import Part
from r1lite.launch.process import LocalProcess
from r1lite.parallel.launch import own_command


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where an actor runs."""

    node: str  # Ray's id of it
    host: str
    address: str
    gpus: tuple[str, ...]


class Node:
    """The actor. Its part has the environment of the node's Ray, and `environment`."""

    def __init__(self, folder: str, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)
        self.logs = TemporaryDirectory(prefix="r1lite-launch-")
        self.process: LocalProcess | None = None
        if Path(folder).is_dir():
            os.chdir(folder)

    def place(self) -> Place:
        import ray

        context = ray.get_runtime_context()
        gpus = tuple(map(str, context.get_accelerator_ids().get("GPU", ())))
        return Place(node=context.get_node_id(), host=socket.gethostname(), address=ray.util.get_node_ip_address(), gpus=gpus)

    def sees(self, path: str) -> bool:
        return Path(path).exists()

    def free_port(self) -> int:
        with socket.socket() as held:
            held.bind((self.place().address, 0))
            return held.getsockname()[1]

    def serve(self, cfg: Config, number: int, options: Options) -> Part:
        """Start a server, at an address that the other nodes reach."""
        from r1lite.launch.servers import check_servers, server_part  # which import torch; ranks' actors start sooner without

        check_servers(cfg)
        place = self.place()
        return self._start(
            server_part(
                cfg,
                number,
                host=place.address,
                port=self.free_port(),
                tensor_parallel=options.tensor_parallel,
                more=options.server_arguments,
                on_gpu=bool(place.gpus),
                environment={} if place.gpus else on_cores(str(options.cpus)),
            )
        )

    def train(self, name: str, settings: Sequence[str], environment: Mapping[str, str]) -> Part:
        return self._start(Part(name=name, command=own_command(settings), environment=environment))

    def _start(self, part: Part) -> Part:
        part = replace(part, environment={**self.environment, **part.environment})
        self.process = LocalProcess(part, Path(self.logs.name) / "log")
        return part

    def ending(self) -> tuple[int, str] | None:
        assert self.process
        return self.process.ending()

    def new_output(self) -> str:
        assert self.process
        return self.process.new_output()

    def answers(self) -> bool:
        assert self.process
        return self.process.answers()

    def signal(self, number: int) -> None:
        assert self.process
        self.process.signal(number)

    def kill(self) -> None:
        if self.process:
            self.process.kill()

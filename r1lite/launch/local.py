"""The layout of a run on this machine."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from r1lite.config import Config
from r1lite.launch.devices import divide, visible_gpus
from r1lite.launch.logs import Logs
from r1lite.launch.options import Options
from r1lite.launch.part import Part
from r1lite.launch.process import LocalProcess, Running
from r1lite.launch.servers import check_servers, server_part
from r1lite.parallel.launch import own_command

PORTS = range(20000, 32000)  # below those that systems give to clients


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """The parts to start."""

    servers: tuple[Part, ...]
    trainer: Part | None  # None if only servers are started

    def __iter__(self) -> Iterator[Part]:
        yield from self.servers
        if self.trainer:
            yield self.trainer


def layout(cfg: Config, settings: Sequence[str], options: Options) -> Layout:
    """The parts of a run. `settings` are the trainer's, without the addresses of servers."""
    if options.servers:
        check_servers(cfg)
    with_trainer = not options.only
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    shares = divide(cfg, options.servers, options.tensor_parallel, visible_gpus(), cores, trainer=with_trainer)
    ports = choose_ports(options.host, options.port, options.servers)
    servers = tuple(
        server_part(
            cfg,
            number,
            host=options.host,
            port=port,
            tensor_parallel=options.tensor_parallel,
            more=options.server_arguments,
            on_gpu=shares.on_gpu,
            environment=environment,
        )
        for number, (port, environment) in enumerate(zip(ports, shares.servers, strict=True))
    )
    urls = [f"sampler.urls=[{','.join(server.url for server in servers)}]"] if servers else []
    trainer = Part(name="trainer", command=own_command([*settings, *urls]), environment=shares.trainer)
    return Layout(servers=servers, trainer=trainer if with_trainer else None)


def choose_ports(host: str, first: int, count: int) -> list[int]:
    """Ports where nobody listens: those from `first` on, or any. ValueError if one is taken.

    A server listens seconds after it was started. Ports drawn at random are hardly ever taken meanwhile, as the next ones would be
    by another launch.
    """
    if first:
        taken = [port for port in range(first, first + count) if not is_free(host, port)]
        if taken:
            raise ValueError(f"port {taken[0]} of {host} is in use: choose another port=, or leave it out")
        return list(range(first, first + count))
    drawn = random.SystemRandom().sample(PORTS, len(PORTS))
    return list(islice((port for port in drawn if is_free(host, port)), count))


def is_free(host: str, port: int) -> bool:
    """ValueError if the host is no address of this machine."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise ValueError(f"host={host} is no address: {error.strerror}") from error
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno in (98, 48, 13):  # in use (Linux, macOS), or privileged
                return False
            raise ValueError(f"host={host} is no address of this machine: {error.strerror}") from error
    return True


class LocalBackend:
    """Starts the parts of a layout on this machine."""

    def __init__(self, layout: Layout, logs: Logs) -> None:
        self.layout, self.logs = layout, logs
        self.servers = len(layout.servers)

    def start_server(self, number: int) -> Running:
        return self._started(self.layout.servers[number])

    def start_trainer(self, urls: Sequence[str]) -> list[Running]:
        assert self.layout.trainer is not None
        return [self._started(self.layout.trainer)]

    def moved(self, urls: Sequence[str]) -> None:
        """Addresses on one machine stay as they are."""

    def _started(self, part: Part) -> LocalProcess:
        return LocalProcess(part, self.logs.file(part.name))

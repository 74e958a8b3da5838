"""The options of `r1lite launch`, which stand among the settings of the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from r1lite.registry import unknown

BACKENDS = ("local", "ray")


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What to start, and where. The number of trainer processes is a setting of the run: `processes`."""

    servers: int = 1  # vLLM servers
    backend: str = "local"  # local (this machine), ray (a cluster)
    only: str = ""  # servers: start no trainer, and serve until a signal
    dry_run: bool = False  # print the commands and start nothing
    host: str = "127.0.0.1"  # address that servers on this machine listen at
    port: int = 0  # of the first server, the others follow; 0 draws free ones
    tensor_parallel: int = 1  # GPUs of one server
    server_arguments: str = ""  # more arguments for vLLM, as one text
    start_seconds: float = 900.0  # that servers may take until they answer
    verbose: bool = False  # show the servers' logs as well
    address: str = "auto"  # ray: of the cluster, such as 10.0.0.1:6379; auto is the one that this machine is part of
    cpus: int = 1  # ray: cores for each server and each trainer process
    place_seconds: float = 30.0  # ray: that the cluster may take until it has room


def split(arguments: Sequence[str]) -> tuple[Options, list[str]]:
    """The options among the arguments, and the others: settings of the run. ValueError if an option is wrong."""
    kinds = {field.name: type(field.default) for field in fields(Options)}
    own: dict[str, Any] = {}
    rest = []
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if equals and name in kinds:
            own[name] = _parsed(name, value, kinds[name])
        else:
            rest.append(argument)
    options = Options(**own)
    _check(options)
    return options, rest


def _parsed(name: str, value: str, kind: type) -> Any:
    if kind is bool:
        if value not in ("true", "false"):
            raise ValueError(f"{name} must be true or false, got {value!r}")
        return value == "true"
    try:
        return kind(value)
    except ValueError as error:
        raise ValueError(f"{name} must be a number, got {value!r}") from error


def _check(options: Options) -> None:
    if options.backend not in BACKENDS:
        raise ValueError(unknown("backend", options.backend, BACKENDS))
    if options.only not in ("", "servers"):
        raise ValueError(f"only must be servers, or left out, got {options.only!r}")
    least = {"servers": 1 if options.only else 0, "tensor_parallel": 1, "cpus": 1, "port": 0}
    for name, bound in least.items():
        if getattr(options, name) < bound:
            raise ValueError(f"{name} must be at least {bound}, got {getattr(options, name)}")
    if options.port + options.servers > 2**16:
        raise ValueError(f"port={options.port} leaves no room for {options.servers} servers below {2**16}")
    for name in ("start_seconds", "place_seconds"):
        if not getattr(options, name) > 0:
            raise ValueError(f"{name} must be above 0, got {getattr(options, name)}")
    if options.backend == "ray" and (options.only or options.dry_run):
        raise ValueError("only=servers and dry_run=true are for backend=local: on a cluster, addresses are known once it has made room")

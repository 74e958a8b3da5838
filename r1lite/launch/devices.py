"""Which GPUs, or how many cores, each process of a layout gets on one machine."""

from __future__ import annotations

import os
from dataclasses import dataclass

from r1lite.config import Config
from r1lite.parallel.launch import AUTO


@dataclass(frozen=True, kw_only=True, slots=True)
class Division:
    """The environment of each server, and of the trainer."""

    servers: tuple[dict[str, str], ...]
    trainer: dict[str, str]
    on_gpu: bool  # whether servers are


def divide(cfg: Config, servers: int, tensor_parallel: int, gpus: list[str], cores: int, *, trainer: bool = True) -> Division:
    """Servers get the last GPUs, so that the trainer's first one is the machine's first. ValueError if there are not enough."""
    ranks = (count_of(cfg.processes) or 1) if trainer else 0
    if not gpus:
        if tensor_parallel > 1:
            raise ValueError(f"tensor_parallel={tensor_parallel} needs GPUs, and this machine has none")
        threads = str(max(1, cores // max(1, servers + ranks)))
        return Division(servers=(on_cores(threads),) * servers, trainer={"OMP_NUM_THREADS": threads}, on_gpu=False)
    ranks = 0 if cfg.model.device == "cpu" else ranks
    wanted = servers * tensor_parallel
    if wanted + ranks > len(gpus):
        raise ValueError(
            f"{servers} servers with tensor_parallel={tensor_parallel} and {ranks} trainer processes need {wanted + ranks} GPUs, one each, "
            f"and this machine has {len(gpus)}: lower servers or processes, or set model.device=cpu"
        )
    own, others = gpus[: len(gpus) - wanted], gpus[len(gpus) - wanted :]
    shares = [others[i : i + tensor_parallel] for i in range(0, wanted, tensor_parallel)]
    return Division(
        servers=tuple({"CUDA_VISIBLE_DEVICES": ",".join(share)} for share in shares),
        trainer={"CUDA_VISIBLE_DEVICES": ",".join(own[:ranks] if cfg.processes != AUTO or not ranks else own)} if servers else {},
        on_gpu=True,
    )


def count_of(processes: str) -> int:
    """The number of trainer processes; 0 for `auto`, which depends on the GPUs."""
    if processes == AUTO:
        return 0
    if not processes.isdigit() or not int(processes):
        raise ValueError(f"processes must be a number above 0, or auto (one for each GPU), got {processes!r}")
    return int(processes)


def on_cores(threads: str) -> dict[str, str]:
    """A server's environment on the CPU. By itself each server of a machine would bind its threads to the same cores."""
    return {"OMP_NUM_THREADS": threads, "VLLM_CPU_OMP_THREADS_BIND": "nobind"}


def visible_gpus() -> list[str]:
    """This machine's GPUs, under the names that CUDA_VISIBLE_DEVICES takes."""
    import torch

    named = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    count = torch.cuda.device_count()
    return named[:count] if named else [str(number) for number in range(count)]

"""Settings of torch and of the memory allocator, before a process loads its first model."""

from __future__ import annotations

import os

import torch

from r1lite.config import Config
from r1lite.console import quiet_transformers
from r1lite.models.cpu.memory import keep_freed_memory, return_freed_memory
from r1lite.parallel import world


def prepare_torch(cfg: Config) -> None:
    if cfg.threads:
        torch.set_num_threads(cfg.threads)
    torch.manual_seed(cfg.seed)
    torch.backends.cuda.enable_cudnn_sdp(False)  # it plans anew for each shape, and a decoding step never has the same shape twice
    (keep_freed_memory if world.shard() == 1 else return_freed_memory)()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    quiet_transformers()

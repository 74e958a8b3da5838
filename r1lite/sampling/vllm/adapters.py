"""Adapters that go over to vLLM by themselves, as a folder that it reads: small, where the weights under them are large.

Guarded: nothing that is trained beside adapters stays behind. Not guarded: what vLLM makes of their targets, which it says itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from r1lite.config import SamplerConfig
from r1lite.console import say
from r1lite.models import adapters
from r1lite.sampling.vllm.weights import check_given
from r1lite.store.files import atomic

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # for which vLLM can be started
MERGED = "Adapters are merged, and all weights go over at every sync."


class NotTaken(Exception):
    """vLLM does not serve these adapters, or was not started for any."""


def rank_to_send(model: Any, cfg: SamplerConfig) -> int:
    """The rank that an engine has to be ready for; 0 where adapters are merged, or there are none."""
    if cfg.adapters == "merged" or not adapters.has_adapters(model):
        return 0
    settings = adapters.adapter_config(model)
    if settings.use_dora:
        say(f"sampler={cfg.name}: vLLM does not serve DoRA. {MERGED}")
        return 0
    if settings.r > RANKS[-1]:
        say(f"sampler={cfg.name}: vLLM serves no adapters of rank {settings.r}. {MERGED}")
        return 0
    return next(rank for rank in RANKS if rank >= settings.r)


def base_moves(model: Any, before: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> bool:
    """Whether the weights under the adapters have to go over again: they were given, or had been and are the model's own once more.

    As a rule they have not: training leaves them as they are.
    """
    check_given(model, given)
    left_out = [name for name, _ in adapters.trainable_parameters(model) if not adapters.is_adapter(name) and name not in given]
    assert not left_out, f"{left_out[0]} is trained beside the adapters and was not given: the engine would go on with the old one"
    return not all(map(adapters.is_adapter, (*before, *given)))


@torch.no_grad()
def write(folder: Path, model: Any, given: Mapping[str, Tensor]) -> None:
    """The model's adapters, with those given in place of its own, as peft keeps them."""
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    named = {**dict(model.named_parameters()), **given}
    mine = get_peft_model_state_dict(model, state_dict=named, save_embedding_layers=False)
    with atomic(folder) as part:
        part.mkdir()
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in mine.items()}, part / "adapter_model.safetensors")
        adapters.adapter_config(model).save_pretrained(str(part))

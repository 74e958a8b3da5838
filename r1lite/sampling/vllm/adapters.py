"""Sends adapters to vLLM by themselves, in a folder that vLLM reads: they are small, and the weights under them large.

Covered: weights that are trained beside the adapters are sent too. Not covered: targets that vLLM does not support, which it
reports itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from r1lite.config import SamplerConfig
from r1lite.console import say
from r1lite.models import adapters
from r1lite.sampling.vllm.weights import check_names
from r1lite.store.files import atomic

if TYPE_CHECKING:
    from transformers import PreTrainedModel

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # the ranks for which vLLM can be started
MERGED = "Adapters are merged, and all weights are sent at every sync."


class AdaptersRejected(Exception):
    """vLLM does not support these adapters, or was not started for adapters."""


def rank_to_send(model: PreTrainedModel, cfg: SamplerConfig) -> int:
    """The rank for which an engine must be started; 0 if adapters are merged, or if there are none."""
    if cfg.adapters == "merged" or not adapters.has_adapters(model):
        return 0
    config = adapters.adapter_config(model)
    if config.use_dora:
        say(f"sampler={cfg.name}: vLLM does not support DoRA. {MERGED}")
        return 0
    if config.r > RANKS[-1]:
        say(f"sampler={cfg.name}: vLLM does not support adapters of rank {config.r}. {MERGED}")
        return 0
    return next(rank for rank in RANKS if rank >= config.r)


def base_changed(model: PreTrainedModel, before: Mapping[str, Tensor], loaded: Mapping[str, Tensor]) -> bool:
    """Whether the weights under the adapters must be sent again: they are among the loaded ones, or were among those before.

    Usually they are not, since training does not change them.
    """
    check_names(model, loaded)
    left_out = [name for name, _ in adapters.trainable_parameters(model) if not adapters.is_adapter(name) and name not in loaded]
    assert not left_out, f"{left_out[0]} is trained beside the adapters but was not loaded: the engine would keep the old one"
    return not all(map(adapters.is_adapter, (*before, *loaded)))


@torch.no_grad()
def write(folder: Path, model: PreTrainedModel, loaded: Mapping[str, Tensor]) -> None:
    """Write the model's adapters in peft's format, with loaded ones in place of its own."""
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    named = {**dict(model.named_parameters()), **loaded}
    wrapped: Any = model
    tensors = get_peft_model_state_dict(wrapped, state_dict=named, save_embedding_layers=False)
    with atomic(folder) as part:
        part.mkdir()
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, part / "adapter_model.safetensors")
        adapters.adapter_config(model).save_pretrained(str(part))

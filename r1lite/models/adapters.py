"""Training a part of a model: LoRA and DoRA adapters (through peft), and frozen weights."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from r1lite.config import ModelConfig
from r1lite.models.layers import configure_layers

if TYPE_CHECKING:
    from peft import LoraConfig, PeftModel
    from transformers import PreTrainedModel

ALL_LINEAR = "all-linear"


def prepare(model: PreTrainedModel, cfg: ModelConfig, *, seed: int) -> PreTrainedModel:
    """Make a loaded model ready for training: add adapters, freeze weights, configure layers, as the settings say."""
    if cfg.lora_rank:
        model = _add_adapters(model, cfg, seed)
    for pattern in cfg.freeze:
        names = [name for name, _ in model.named_parameters() if fnmatch(name, pattern)]
        if not names:
            first = ", ".join(name for name, _ in islice(model.named_parameters(), 3))
            raise ValueError(f"model.freeze: {pattern!r} matches no weight. The first are {first}.")
        for name in names:
            model.get_parameter(name).requires_grad_(False)
    if not any(p.requires_grad for p in model.parameters()):
        raise ValueError("model.freeze leaves nothing to train")
    configure_layers(model, cfg)
    return model


def trainable_parameters(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    return ((name, p) for name, p in model.named_parameters() if p.requires_grad)


def has_adapters(model: nn.Module) -> bool:
    return hasattr(model, "disable_adapter")


def is_adapter(name: str) -> bool:
    """Whether a weight of this name belongs to an adapter."""
    return ".lora_" in name


def base_name(name: str) -> str:
    """The name of a weight in the model without adapters."""
    return name.removeprefix("base_model.model.").replace(".base_layer.", ".")


def adapter_config(model: nn.Module) -> LoraConfig:
    """peft's settings of the adapters: rank, alpha, targets, DoRA or not."""
    return _as_peft(model).peft_config["default"]  # pyright: ignore[reportReturnType]


@contextmanager
def without_adapters(model: PreTrainedModel) -> Iterator[PreTrainedModel]:
    """The model as it was before training: a reference that costs no memory."""
    required = [(p, p.requires_grad) for p in model.parameters()]
    try:
        with _as_peft(model).disable_adapter():
            yield model
    finally:  # peft makes all adapters trainable again, frozen ones too
        for p, requires_grad in required:
            p.requires_grad_(requires_grad)


def trunk_of(model: nn.Module) -> Any:
    """The layers without the output head, with or without adapters."""
    return (_as_peft(model).get_base_model() if has_adapters(model) else model).base_model


def save_adapters(model: nn.Module, folder: Path) -> None:
    _as_peft(model).save_pretrained(str(folder))


def merged(model: PreTrainedModel) -> PreTrainedModel:
    """A copy with the adapters merged into its weights; a model without adapters is returned as it is."""
    return _as_peft(copy.deepcopy(model)).merge_and_unload() if has_adapters(model) else model  # pyright: ignore[reportCallIssue]


def require_peft() -> None:
    if find_spec("peft") is None:
        raise ValueError("model.lora_rank needs the extra `lora`: pip install 'r1lite[lora]'")


def _as_peft(model: Any) -> PeftModel:
    """The same model, typed as peft's wrapper."""
    return model


def _add_adapters(model: PreTrainedModel, cfg: ModelConfig, seed: int) -> Any:
    require_peft()
    from peft import LoraConfig, get_peft_model

    settings = LoraConfig(
        r=cfg.lora_rank,
        lora_alpha=cfg.lora_alpha,  # pyright: ignore[reportArgumentType]
        target_modules=list(cfg.lora_targets) or ALL_LINEAR,
        use_dora=cfg.dora,
        lora_dropout=0.0,  # sampling and training must compute the same function
        task_type="CAUSAL_LM",
    )
    torch.manual_seed(seed)  # the adapters' initial weights are random
    try:
        return get_peft_model(model, settings).eval()
    except ValueError as error:  # targets that the model does not have
        raise ValueError(f"model.lora_targets={list(cfg.lora_targets)}: {error}") from error

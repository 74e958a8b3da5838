"""Training a part of a model: LoRA and DoRA adapters (through peft), and frozen weights."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from r1lite.config import ModelConfig
from r1lite.models.layers import arranged

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ALL_LINEAR = "all-linear"


def prepared(model: PreTrainedModel, cfg: ModelConfig, *, seed: int) -> PreTrainedModel:
    """The model as it is trained: with adapters where they are asked for, and without gradients where it is frozen."""
    if cfg.lora_rank:
        model = _with_adapters(model, cfg, seed)
    for pattern in cfg.freeze:
        names = [name for name, _ in model.named_parameters() if fnmatch(name, pattern)]
        if not names:
            raise ValueError(f"model.freeze: {pattern!r} fits no weight. The first are {', '.join(_first(model))}.")
        for name in names:
            model.get_parameter(name).requires_grad_(False)
    if not any(p.requires_grad for p in model.parameters()):
        raise ValueError("model.freeze leaves nothing to train")
    return arranged(model, cfg)


def trained(model: PreTrainedModel) -> Iterator[tuple[str, nn.Parameter]]:
    """The weights that training changes."""
    return ((name, p) for name, p in model.named_parameters() if p.requires_grad)


def has_adapters(model: Any) -> bool:
    return hasattr(model, "disable_adapter")


def is_adapter(name: str) -> bool:
    """Whether a weight of this name is one that an adapter brought."""
    return ".lora_" in name


def under_adapters(name: str) -> str:
    """The name that a weight has in the model that the adapters were put into."""
    return name.removeprefix("base_model.model.").replace(".base_layer.", ".")


def settings_of(model: Any) -> Any:
    """What the adapters were made with: rank, alpha, targets, DoRA or not."""
    return model.peft_config["default"]


@contextmanager
def without_adapters(model: Any) -> Iterator[Any]:
    """The model as it was before training: a reference that costs no memory."""
    learning = [(p, p.requires_grad) for p in model.parameters()]
    try:
        with model.disable_adapter():
            yield model
    finally:  # peft lets all adapters learn again, frozen ones too
        for p, wanted in learning:
            p.requires_grad_(wanted)


def trunk_of(model: Any) -> Any:
    """The layers without the output head, whatever wraps them."""
    return model.get_base_model().base_model if has_adapters(model) else model.base_model


def save_adapters(model: Any, folder: Path) -> None:
    model.save_pretrained(folder)


def merged(model: Any) -> Any:
    """A plain model with the adapters in its weights; the one that is trained stays as it is."""
    return copy.deepcopy(model).merge_and_unload() if has_adapters(model) else model


def require_peft() -> None:
    if find_spec("peft") is None:
        raise ValueError("model.lora_rank needs the extra `lora`: pip install 'r1lite[lora]'")


def _with_adapters(model: Any, cfg: ModelConfig, seed: int) -> Any:
    import torch

    require_peft()
    from peft import LoraConfig, get_peft_model

    settings = LoraConfig(
        r=cfg.lora_rank,
        lora_alpha=cfg.lora_alpha,  # pyright: ignore[reportArgumentType]
        target_modules=list(cfg.lora_targets) or ALL_LINEAR,
        use_dora=cfg.dora,
        lora_dropout=0.0,  # sampling and training must see the same function
        task_type="CAUSAL_LM",
    )
    torch.manual_seed(seed)  # the adapters' first weights are drawn
    try:
        return get_peft_model(model, settings).eval()
    except ValueError as error:  # targets that the model does not have
        raise ValueError(f"model.lora_targets={list(cfg.lora_targets)}: {error}") from error


def _first(model: Any) -> list[str]:
    return [name for name, _ in model.named_parameters()][:3]

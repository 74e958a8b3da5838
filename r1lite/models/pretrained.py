"""Finding, loading and saving models and their tokenizers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from r1lite.config import PACKAGE, ModelConfig
from r1lite.models.attention import use_grouped_attention
from r1lite.models.cpu.linear import use_onednn
from r1lite.models.cpu.recompute import use_recomputing_layers
from r1lite.models.gguf_read import is_gguf, read_model, read_tokenizer
from r1lite.models.layers import configure_layers
from r1lite.parallel import world
from r1lite.prompt import end_token
from r1lite.store.files import atomic

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

SMOLLM2 = "smollm2-135m"  # the folder of model=smollm2_135m
SHIPPED = PACKAGE / "assets"
DTYPES = {"auto": torch.float32, "float32": torch.float32, "bfloat16": torch.bfloat16}


def locate(path: str) -> str:
    """The path of a shipped model, a folder or a GGUF file, or a hub name as it is; anything else is an error before any work."""
    if not path.strip():
        raise ValueError("no model is set: give a folder or a hub name (owner/name) as model.path, or as distill.student for a student")
    if is_gguf(path):
        if not Path(path).expanduser().is_file():
            raise ValueError(f"model {path!r}: there is no such file. A GGUF file needs a local path; hub names are for folders.")
        return str(Path(path).expanduser())
    if (SHIPPED / path / "config.json").is_file():
        return str(SHIPPED / path)
    folder = Path(path).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise ValueError(f"{folder} holds no model: it has no config.json. The weights of a run are in <run>/<stage>/final.")
        return str(folder)
    if path.count("/") == 1 and not path.startswith((".", "/", "~")) and not folder.parent.is_dir():
        return path  # a hub name
    if folder.name == SMOLLM2:
        raise ValueError(
            f"model {path!r} does not exist yet. Create it: python -m bench.smollm2 --out {path}, "
            "or set model.path=HuggingFaceTB/SmolLM2-135M-Instruct"
        )
    shipped = ", ".join(p.name for p in sorted(SHIPPED.iterdir()) if p.is_dir())
    raise ValueError(f"model {path!r} is not a folder, not a hub name (owner/name) and not one of the shipped models ({shipped})")


def device_of(name: str) -> torch.device:
    if name == "auto":
        name = f"cuda:{world.local_rank()}" if world.local_size() > 1 else "cuda"
        name = name if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError("model.device=cuda, but torch finds no GPU. Set model.device=cpu, or install a torch build for your GPU.")
    device = torch.device(name)
    if device.type == "cuda" and device.index is not None:
        torch.cuda.set_device(device)  # streams and graphs use the current device
    return device


def dtype_of(name: str, setting: str = "model.dtype") -> torch.dtype:
    if name not in DTYPES:
        raise ValueError(f"unknown {setting} {name!r}. Known: {', '.join(DTYPES)}.")
    return DTYPES[name]


def load(path: str, cfg: ModelConfig) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A model and its tokenizer. The model is in evaluation mode: without dropout, sampling and training compute the same function."""
    where = locate(path)
    device_of(cfg.device)  # raises an error where there is no such device, before anything is read
    try:
        tokenizer = _tokenizer(where)
        end_token(tokenizer)  # raises an error where there is none, before the weights are read
        model = _load_causal(where, cfg)
    except OSError as error:  # unknown hub name, no network, a missing or broken file
        raise ValueError(f"model {path!r} cannot be loaded: {str(error).splitlines()[0]}") from error
    model = _to_device(model, cfg)
    use_fast_layers(model, cfg)
    return model, tokenizer


def _to_device(model: Any, cfg: ModelConfig) -> PreTrainedModel:
    return model.to(device_of(cfg.device)).eval()


def use_fast_layers(model: PreTrainedModel, cfg: ModelConfig) -> None:
    """Replace layers by faster ones for the model's device; the model computes the same function."""
    if model.device.type == "cpu" and cfg.attention == "auto":
        use_grouped_attention(model)
    use_onednn(model)
    use_recomputing_layers(model)


def _load_causal(where: str, cfg: ModelConfig) -> PreTrainedModel:
    from transformers import AutoModelForCausalLM

    if is_gguf(where):
        return _with_attention(partial(read_model, Path(where)), cfg)
    return _with_attention(partial(AutoModelForCausalLM.from_pretrained, where), cfg)


def _with_attention(read: Callable[..., PreTrainedModel], cfg: ModelConfig) -> PreTrainedModel:
    if cfg.attention == "auto":
        return read(dtype=dtype_of(cfg.dtype))
    try:
        return read(dtype=dtype_of(cfg.dtype), attn_implementation=cfg.attention)
    except (ValueError, ImportError) as error:
        raise ValueError(f"model.attention={cfg.attention}: {str(error).splitlines()[0]}") from error


def load_tokenizer(path: str) -> PreTrainedTokenizerBase:
    """The tokenizer without the model."""
    try:
        return _tokenizer(locate(path))
    except (OSError, ValueError) as error:
        raise ValueError(f"the tokenizer of model {path!r} cannot be loaded: {str(error).splitlines()[0]}") from error


def _tokenizer(where: str) -> PreTrainedTokenizerBase:
    from transformers import AutoTokenizer

    return read_tokenizer(Path(where)) if is_gguf(where) else AutoTokenizer.from_pretrained(where)


def load_reward_model(path: str, cfg: ModelConfig) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model with a head of one output instead of the language-model head; the new head's weights are 0."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    where = locate(path)
    if is_gguf(where):
        raise ValueError(f"a reward model cannot start from {where}: export it to a folder first (r1lite export {where} output=FOLDER)")
    tokenizer = AutoTokenizer.from_pretrained(where)
    model = _with_attention(partial(AutoModelForSequenceClassification.from_pretrained, where, num_labels=1), cfg)
    head = getattr(model, "score", None)
    if head is None:
        raise ValueError(f"a reward model needs a decoder with a head named score; {type(model).__name__} has none")
    torch.nn.init.zeros_(head.weight)
    if tokenizer.pad_token_id is not None:
        model.config.pad_token_id = tokenizer.pad_token_id
    model = _to_device(model, cfg)
    use_fast_layers(model, cfg)
    configure_layers(model, cfg)
    return model, tokenizer


def save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Write a model that loads without r1lite."""
    with atomic(folder) as part:
        model.save_pretrained(part)
        tokenizer.save_pretrained(part)


def parameter_count(model: PreTrainedModel) -> int:
    return sum(p.numel() for p in model.parameters())

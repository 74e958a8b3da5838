"""Reading a GGUF file as a model to train: transformers reads the weights, back in full precision.

A GGUF file stores only the name of its tokenizer's way of splitting text. Two of these names (SPLITS) are implemented here
exactly. For any other, transformers guesses from the architecture, and the run says so. A tokenizer.json beside the file
takes precedence.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

SUFFIX = ".gguf"
SPECIAL_TOKENS = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}
CONTROL, USER_DEFINED, UNUSED = 3, 4, 5  # GGUF's types of tokens that no merge produces
SPLITS = ("gpt-2", "smollm")  # both split at spaces and between kinds of letters; smollm splits digits one by one before
INSTEAD = "use the model's own safetensors, by folder or hub name"


def is_gguf(path: str | Path) -> bool:
    return str(path).endswith(SUFFIX)


def read_model(path: Path, *, dtype: torch.dtype, **options: Any) -> PreTrainedModel:
    """The model without a trace of GGUF: it can be trained and saved."""
    from transformers import AutoModelForCausalLM, GenerationConfig

    fields = _read_fields(path)
    _check_positions(path, fields)
    read = _read_by_transformers(path, dtype, options)
    config = read.config
    for attribute in ("quantization_config", "_name_or_path"):
        if hasattr(config, attribute):
            delattr(config, attribute)
    if hasattr(config, "rms_norm_eps"):
        config.rms_norm_eps = float(f"{config.rms_norm_eps:.6g}")  # GGUF stores it in float32
    # The model that was read is marked as quantised, and refuses to be saved.
    model = AutoModelForCausalLM.from_config(config, dtype=dtype, **options)
    model.load_state_dict(read.state_dict())
    ids = {f"{name}_id": fields.get(f"tokenizer.ggml.{key}_token_id") for name, key in SPECIAL_TOKENS.items() if name != "unk_token"}
    for name, token in ids.items():
        setattr(model.config, name, token)
    model.generation_config = GenerationConfig(do_sample=True, **ids)
    return model


def _read_by_transformers(path: Path, dtype: torch.dtype, options: dict[str, Any]) -> PreTrainedModel:
    from transformers import AutoModelForCausalLM

    load: Any = AutoModelForCausalLM.from_pretrained
    try:
        model, loading = load(str(path.parent), gguf_file=path.name, dtype=dtype, output_loading_info=True, **options)
    except RuntimeError as error:  # the shapes that transformers derives from the file do not match its weights
        first = str(error).splitlines()[0]
        raise ValueError(f"{path}: transformers reads this file wrongly ({first}); {INSTEAD}") from error
    missing = sorted(loading["missing_keys"])
    if missing:
        raise ValueError(f"{path}: {len(missing)} weights were not read from the file, such as {missing[0]}; {INSTEAD}")
    return model


def read_tokenizer(path: Path) -> PreTrainedTokenizerBase:
    from transformers import AutoTokenizer

    if (path.parent / "tokenizer.json").is_file():
        return AutoTokenizer.from_pretrained(path.parent)
    fields = _read_fields(path)
    if "tokenizer.ggml.tokens" not in fields:
        raise ValueError(f"{path} contains no tokenizer, and there is no tokenizer.json beside it: add the model's own")
    if fields.get("tokenizer.ggml.model") == "gpt2" and fields.get("tokenizer.ggml.pre") in SPLITS:
        return _byte_level_tokenizer(fields)
    from r1lite.console import say

    say(f"{path}: the way its tokenizer splits text is guessed; to be sure, put the model's own tokenizer.json beside it")
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    tokenizer.chat_template = tokenizer.chat_template or fields.get("tokenizer.chat_template")
    return tokenizer


def _read_fields(path: Path) -> dict[str, Any]:
    try:
        from gguf import GGUFReader
    except ImportError as error:
        raise ValueError("reading GGUF files needs the extra `gguf`: pip install 'r1lite[gguf]'") from error
    try:
        reader = GGUFReader(path)
    except (ValueError, IndexError, OSError) as error:
        raise ValueError(f"{path} is not a GGUF file, or is incomplete: {str(error).splitlines()[0]}") from error
    return {key: field.contents() for key, field in reader.fields.items()} | {"tensors": [tensor.name for tensor in reader.tensors]}


def _check_positions(path: Path, fields: dict[str, Any]) -> None:
    """Refuse rope scaling, which transformers would silently ignore."""
    scaled = [key for key in fields if ".rope.scaling." in key and fields[key] not in ("none", "")]
    if scaled or "rope_freqs.weight" in fields["tensors"]:
        setting = scaled[0] if scaled else "rope_freqs"
        raise ValueError(f"{path} scales its positions ({setting}), which is not supported for GGUF files; {INSTEAD}")


def _byte_level_tokenizer(fields: dict[str, Any]) -> PreTrainedTokenizerBase:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokens, kinds = fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.token_type"]
    merges = [tuple(merge.split(" ")) for merge in fields.get("tokenizer.ggml.merges", ())]
    fast: Any = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    digits = [pre_tokenizers.Digits(individual_digits=True)] if fields["tokenizer.ggml.pre"] == "smollm" else []
    fast.pre_tokenizer = pre_tokenizers.Sequence([*digits, byte_level])
    fast.decoder = decoders.ByteLevel()
    for token, kind in zip(tokens, kinds, strict=True):
        if kind == CONTROL:
            fast.add_special_tokens([AddedToken(token, special=True, normalized=False)])
        elif kind == USER_DEFINED:
            fast.add_tokens([AddedToken(token, special=False, normalized=False)])
    ids = {name: fields.get(f"tokenizer.ggml.{key}_token_id") for name, key in SPECIAL_TOKENS.items()}
    special = {name: tokens[token] for name, token in ids.items() if token is not None}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=fast, clean_up_tokenization_spaces=False, **special)
    tokenizer.chat_template = fields.get("tokenizer.chat_template")
    return tokenizer

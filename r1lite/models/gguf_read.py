"""A GGUF file as a model to train: weights through transformers, in full precision again; the tokenizer from the file or beside it.

A GGUF file only names its tokenizer's way of splitting text. Two of these names are understood here to the letter (SPLITS);
for any other transformers guesses by the architecture, and the run says so. A tokenizer.json beside the file settles it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

SUFFIX = ".gguf"
NAMED = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}
CONTROL, USER_DEFINED, UNUSED = 3, 4, 5  # GGUF's types of tokens that no merge makes
SPLITS = ("gpt-2", "smollm")  # at spaces and kinds of letters; smollm takes digits one by one before


def is_gguf(path: str | Path) -> bool:
    return str(path).endswith(SUFFIX)


def read_model(path: Path, *, dtype: Any, **how: Any) -> Any:
    """The model, as if it had never been a GGUF file: it can be trained and saved."""
    from transformers import AutoModelForCausalLM, GenerationConfig

    fields = _fields(path)
    _sound(path, fields)
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            str(path.parent), gguf_file=path.name, dtype=dtype, output_loading_info=True, **how
        )
        read, found = loaded
    except RuntimeError as error:  # shapes that do not fit what transformers reads of the file
        raise ValueError(f"{path}: transformers does not read this file as it is meant ({str(error).splitlines()[0]}); {_ELSE}") from error
    missing = sorted(found["missing_keys"])
    if missing:
        raise ValueError(f"{path}: {len(missing)} weights were not read from the file, such as {missing[0]}; {_ELSE}")
    config = read.config
    for remembered in ("quantization_config", "_name_or_path"):
        if hasattr(config, remembered):
            delattr(config, remembered)
    if hasattr(config, "rms_norm_eps"):
        config.rms_norm_eps = float(f"{config.rms_norm_eps:.6g}")  # GGUF keeps it in float32
    # What was read remembers that it was quantised, and refuses to be saved.
    model = AutoModelForCausalLM.from_config(config, dtype=dtype, **how)
    model.load_state_dict(read.state_dict())
    ends = {f"{name}_id": fields.get(f"tokenizer.ggml.{key}_token_id") for name, key in NAMED.items() if name != "unk_token"}
    for name, token in ends.items():
        setattr(model.config, name, token)
    model.generation_config = GenerationConfig(do_sample=True, **ends)
    return model


_ELSE = "take the model's own safetensors, by folder or hub name"


def read_tokenizer(path: Path) -> Any:
    from transformers import AutoTokenizer

    if (path.parent / "tokenizer.json").is_file():
        return AutoTokenizer.from_pretrained(path.parent)
    fields = _fields(path)
    if "tokenizer.ggml.tokens" not in fields:
        raise ValueError(f"{path} holds no tokenizer, and no tokenizer.json lies beside it: put the model's own there")
    if fields.get("tokenizer.ggml.model") == "gpt2" and fields.get("tokenizer.ggml.pre") in SPLITS:
        return _byte_level(fields)
    from r1lite.console import say

    say(f"{path}: how its tokenizer splits text is guessed; put the model's own tokenizer.json beside it to be sure")
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    tokenizer.chat_template = tokenizer.chat_template or fields.get("tokenizer.chat_template")
    return tokenizer


def _fields(path: Path) -> dict[str, Any]:
    try:
        from gguf import GGUFReader
    except ImportError as error:
        raise ValueError("reading GGUF files needs the extra `gguf`: pip install 'r1lite[gguf]'") from error
    try:
        reader = GGUFReader(path)
    except (ValueError, IndexError, OSError) as error:
        raise ValueError(f"{path} is no GGUF file, or only a part of one: {str(error).splitlines()[0]}") from error
    return {key: field.contents() for key, field in reader.fields.items()} | {"tensors": [tensor.name for tensor in reader.tensors]}


def _sound(path: Path, fields: dict[str, Any]) -> None:
    """Refuse what transformers would pass over in silence."""
    scaled = [key for key in fields if ".rope.scaling." in key and fields[key] not in ("none", "")]
    if scaled or "rope_freqs.weight" in fields["tensors"]:
        raise ValueError(f"{path} stretches its positions ({scaled[0] if scaled else 'rope_freqs'}), which is not read from GGUF; {_ELSE}")


def _byte_level(fields: dict[str, Any]) -> Any:
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
    ids = {name: fields.get(f"tokenizer.ggml.{key}_token_id") for name, key in NAMED.items()}
    named = {name: tokens[token] for name, token in ids.items() if token is not None}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=fast, clean_up_tokenization_spaces=False, **named)
    tokenizer.chat_template = fields.get("tokenizer.chat_template")
    return tokenizer

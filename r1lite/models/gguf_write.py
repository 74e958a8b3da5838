"""Writing a model as one GGUF file for llama.cpp and its tools: the llama architecture with a byte-level tokenizer.

Covered: what is certain to be read back as the same function. Not covered: other architectures, which are refused with the
reason, because readers of GGUF disagree about what such a file means.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from r1lite.models.gguf_read import CONTROL, UNUSED, USER_DEFINED

if TYPE_CHECKING:
    from gguf import GGUFWriter
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

GGUF_DTYPES = ("F16", "Q8_0")
NORMAL = 1
LAYER = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
OUTSIDE_LAYERS = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}


def write_gguf(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, path: Path, kind: str) -> None:
    """Write matrices as F16 or Q8_0, norms in float32."""
    try:
        import gguf
    except ImportError as error:
        raise ValueError("writing GGUF files needs the extra `gguf`: pip install 'r1lite[gguf]'") from error

    config: Any = model.config
    _check_supported(config)
    described = _describe(tokenizer)
    split = split_name(described)
    writer = gguf.GGUFWriter(path, "llama")
    _write_shape(writer, config)
    _write_tokenizer(writer, tokenizer, described, split, config.vocab_size)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16 if kind == "F16" else gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    for name, weight in _named_tensors(model):
        _write_tensor(writer, name, weight, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _check_supported(config: Any) -> None:
    """Refuse a model that a reader of the file would run as a different function."""
    reasons = {
        f"its architecture is {config.model_type}; only llama is supported, because readers of GGUF disagree about the others "
        "(transformers, for one, reads no head_dim of qwen3)": config.model_type != "llama",
        "its attention or feed-forward has biases": getattr(config, "attention_bias", False) or getattr(config, "mlp_bias", False),
        f"its activation is {getattr(config, 'hidden_act', 'silu')}, not silu": getattr(config, "hidden_act", "silu") != "silu",
        "its positions are scaled (rope scaling)": (config.rope_parameters or {}).get("rope_type", "default") != "default"
        if config.model_type == "llama"
        else False,
    }
    reason = next((why for why, holds in reasons.items() if holds), "")
    if reason:
        raise ValueError(f"format=gguf cannot represent this model: {reason}. Use format=safetensors.")


def _describe(tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    """The contents of tokenizer.json; empty for a tokenizer that has none."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    return json.loads(backend.to_str()) if backend else {}


def split_name(described: dict[str, Any]) -> str:
    """GGUF's name for the tokenizer's way of splitting text; ValueError where the name is not certain."""
    splitter = described.get("pre_tokenizer") or {}
    parts = splitter.get("pretokenizers", [splitter])
    kinds = [part.get("type") for part in parts]
    byte_level = described.get("model", {}).get("type") == "BPE" and not described.get("normalizer") and kinds and kinds[-1] == "ByteLevel"
    if byte_level and parts[-1].get("use_regex", True) and not parts[-1].get("add_prefix_space"):
        if kinds == ["ByteLevel"]:
            return "gpt-2"
        if kinds == ["Digits", "ByteLevel"] and parts[0].get("individual_digits"):
            return "smollm"
    raise ValueError(
        "format=gguf cannot represent this model: GGUF stores only a name for how a tokenizer splits text, and for this "
        f"tokenizer ({', '.join(map(str, kinds))}) no name is certain. Use format=safetensors."
    )


def _write_shape(writer: GGUFWriter, config: Any) -> None:
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_rope_dimension_count(head)
    writer.add_rope_freq_base(float(config.rope_parameters["rope_theta"]))
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)


def _write_tokenizer(writer: GGUFWriter, tokenizer: PreTrainedTokenizerBase, described: dict[str, Any], split: str, size: int) -> None:
    added = {token["id"]: token for token in described["added_tokens"]}
    known = {i: token for token, i in tokenizer.get_vocab().items()}
    kinds = [(CONTROL if added[i]["special"] else USER_DEFINED) if i in added else NORMAL if i in known else UNUSED for i in range(size)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(split)
    writer.add_token_list([known.get(i, f"[UNUSED{i}]") for i in range(size)])  # output heads may be padded to a round size
    writer.add_token_types(kinds)
    merges = described["model"]["merges"]
    if merges:  # GGUF has no empty lists
        writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    for name in ("bos", "eos", "unk", "pad"):
        token = getattr(tokenizer, f"{name}_token_id")
        if token is not None:
            getattr(writer, f"add_{name}_token_id")(token)
    writer.add_add_space_prefix(False)
    writer.add_add_bos_token(False)  # the chat template adds it
    if tokenizer.chat_template:
        writer.add_chat_template(tokenizer.chat_template)  # pyright: ignore[reportArgumentType]


def _named_tensors(model: PreTrainedModel) -> Iterator[tuple[str, NDArray[np.float32]]]:
    config: Any = model.config
    for name, parameter in model.named_parameters():  # a head that is tied to the embeddings appears once
        weight = parameter.detach().float().cpu().numpy()
        if name in OUTSIDE_LAYERS:
            yield OUTSIDE_LAYERS[name], weight
            continue
        _, _, layer, part = name.removesuffix(".weight").split(".", 3)
        heads = {"self_attn.q_proj": config.num_attention_heads, "self_attn.k_proj": config.num_key_value_heads}.get(part)
        yield f"blk.{layer}.{LAYER[part]}.weight", _interleaved(weight, heads) if heads else weight


def _interleaved(weight: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """GGUF interleaves the two halves of each head's dimensions in queries and keys."""
    half = weight.shape[0] // heads // 2
    return np.ascontiguousarray(weight.reshape(heads, 2, half, -1).swapaxes(1, 2).reshape(weight.shape))


def _write_tensor(writer: GGUFWriter, name: str, weight: NDArray[np.float32], kind: str) -> None:
    from gguf import GGMLQuantizationType, quants

    if weight.ndim == 1:
        writer.add_tensor(name, weight)
    elif kind == "Q8_0" and weight.shape[1] % 32 == 0:
        writer.add_tensor(name, quants.quantize(weight, GGMLQuantizationType.Q8_0), raw_dtype=GGMLQuantizationType.Q8_0)
    else:
        writer.add_tensor(name, weight.astype(np.float16))

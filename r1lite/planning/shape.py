"""The sizes of a decoder, read off its config.json: how many weights it has, and their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

from r1lite.config import ModelConfig

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
KINDS = {"llama": "", "mistral": "", "qwen2": "bias", "qwen3": "head norms"}  # model types with these layers, and what they add


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """Sizes of a decoder: projections of queries, keys, values and output; a gated feed-forward block."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocab: int
    tied: bool = False  # the output head is the embedding
    kind: str = "llama"  # the model type, one of KINDS

    @classmethod
    def of(cls, config: Any) -> Shape:
        """From a configuration of transformers, or from the object in config.json."""
        values: Mapping[str, Any] = config if isinstance(config, Mapping) else vars(config)
        heads = values["num_attention_heads"]
        kind = values.get("model_type") or getattr(config, "model_type", "llama")
        return cls(
            hidden=values["hidden_size"],
            layers=values["num_hidden_layers"],
            heads=heads,
            kv_heads=values.get("num_key_value_heads") or heads,
            head_dim=values.get("head_dim") or (128 if kind == "qwen3" else values["hidden_size"] // heads),
            intermediate=values["intermediate_size"],
            vocab=values["vocab_size"],
            tied=bool(values.get("tie_word_embeddings", False)),
            kind=kind,
        )

    @property
    def query_width(self) -> int:
        return self.heads * self.head_dim

    @property
    def key_width(self) -> int:
        """The width of the keys of a position, and of its values."""
        return self.kv_heads * self.head_dim

    @property
    def parameters(self) -> int:
        return sum(size for _, size in weights(self))

    @property
    def embedding(self) -> int:
        """The weights of the embedding, and of the output head."""
        return self.hidden * self.vocab


def projections(shape: Shape) -> dict[str, tuple[int, int]]:
    """The inputs and outputs of a layer's linear layers."""
    h, q, k, i = shape.hidden, shape.query_width, shape.key_width, shape.intermediate
    return dict(zip(PROJECTIONS, ((h, q), (h, k), (h, k), (q, h), (h, i), (h, i), (i, h)), strict=True))


def weights(shape: Shape) -> Iterator[tuple[str, int]]:
    """The names and sizes of all weights. Tied embeddings count once, as in `model.named_parameters()`."""
    yield "model.embed_tokens.weight", shape.embedding
    for number in range(shape.layers):
        yield from ((f"model.layers.{number}.{name}", size) for name, size in layer_weights(shape))
    yield "model.norm.weight", shape.hidden
    if not shape.tied:
        yield "lm_head.weight", shape.embedding


def layer_weights(shape: Shape) -> Iterator[tuple[str, int]]:
    adds = KINDS.get(shape.kind, "")
    for name, (inputs, outputs) in projections(shape).items():
        block = "self_attn" if name in PROJECTIONS[:4] else "mlp"
        yield f"{block}.{name}.weight", inputs * outputs
        if adds == "bias" and name in PROJECTIONS[:3]:
            yield f"{block}.{name}.bias", outputs
    if adds == "head norms":
        yield from (("self_attn.q_norm.weight", shape.head_dim), ("self_attn.k_norm.weight", shape.head_dim))
    yield from (("input_layernorm.weight", shape.hidden), ("post_attention_layernorm.weight", shape.hidden))


def adapted(model: ModelConfig) -> frozenset[str]:
    """The linear layers that get adapters."""
    if not model.lora_rank:
        return frozenset()
    return frozenset(name for name in PROJECTIONS if not model.lora_targets or any(name.endswith(t) for t in model.lora_targets))


def adapter_weights(shape: Shape, model: ModelConfig) -> int:
    """The weights of LoRA's pairs of matrices, and of DoRA's magnitudes."""
    sizes = projections(shape)
    per_layer = sum(model.lora_rank * sum(sizes[name]) + (sizes[name][1] if model.dora else 0) for name in adapted(model))
    return shape.layers * per_layer


def trained_weights(shape: Shape, model: ModelConfig) -> int:
    """The weights that get gradients."""
    if model.lora_rank:
        return adapter_weights(shape, model)
    return sum(size for name, size in weights(shape) if not _frozen(name, model))


def trains_head(shape: Shape, model: ModelConfig) -> bool:
    return not model.lora_rank and not _frozen("model.embed_tokens.weight" if shape.tied else "lm_head.weight", model)


def _frozen(name: str, model: ModelConfig) -> bool:
    return any(fnmatch(name, pattern) for pattern in model.freeze)

"""r1lite's side: its configuration from a benchmark's command line, and models with random weights."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from r1lite.config import Config
from r1lite.models import pretrained
from r1lite.settings.compose import configuration
from r1lite.store.files import atomic

RANDOM_FOLDER = Path("models/random")
# hidden, layers, heads, key-value heads, intermediate, vocabulary, tied embeddings, bias in queries, keys and values
RANDOM = {
    "smollm2-135m": (576, 30, 9, 3, 1536, 49152, True, False),
    "smollm2-360m": (960, 32, 15, 5, 2560, 49152, True, False),
    "qwen2.5-0.5b": (896, 24, 14, 2, 4864, 151936, True, True),
    "qwen2.5-1.5b": (1536, 28, 12, 2, 8960, 151936, True, True),
}
PRECISION = {"fp32": ["model.dtype=float32"], "bf16": ["model.dtype=bfloat16"]}


def model_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default="tiny_base", help="tiny_base, or a folder such as models/smollm2-135m")
    parser.add_argument("--random", choices=sorted(RANDOM), help="random weights of this shape instead; nothing is downloaded")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--dtype", choices=sorted(PRECISION), default="fp32")


def model_path(options: argparse.Namespace) -> str:
    return str(random_model(options.random)) if options.random else options.model


def compose_config(options: argparse.Namespace, settings: Iterable[str]) -> Config:
    """The configuration that `python -m r1lite.train` would use; later settings override earlier ones."""
    model = [f"model.path={model_path(options)}", f"model.device={options.device}", *PRECISION[options.dtype]]
    return configuration([*model, *settings])


def random_model(name: str, folder: Path = RANDOM_FOLDER) -> Path:
    """A folder with random weights of a known shape and the tiny model's tokenizer; made once."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    target = folder / name
    if not (target / "config.json").is_file():
        tokenizer: Any = AutoTokenizer.from_pretrained(pretrained.locate("tiny_base"))
        torch.manual_seed(0)
        model: Any = AutoModelForCausalLM.from_config(random_config(name, tokenizer), dtype=torch.float32)
        model.generation_config = GenerationConfig(do_sample=True, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic(target) as part:
            model.save_pretrained(part)
            tokenizer.save_pretrained(part)
    return target


def random_config(name: str, tokenizer: Any) -> Any:
    from transformers import LlamaConfig, Qwen2Config

    hidden, layers, heads, kv_heads, intermediate, vocab, tied, biased = RANDOM[name]
    kind = Qwen2Config if biased else LlamaConfig
    return kind(
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        intermediate_size=intermediate,
        vocab_size=vocab,
        tie_word_embeddings=tied,
        max_position_embeddings=8192,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def disable_end_tokens(sampler: Any) -> None:
    """Treat no token as an end token: random weights sample every token."""
    sampler.engine.ends = frozenset()


def lengths_of(groups: Sequence[Any]) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Token counts of sampled groups: of each prompt, and of its completions."""
    return tuple((len(g.rollouts[0].prompt_ids), tuple(len(r.token_ids) for r in g.rollouts)) for g in groups)

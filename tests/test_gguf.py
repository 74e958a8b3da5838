"""GGUF files: what is written is the same function when transformers reads it back, and what cannot be sure is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from r1lite.commands.export import export
from r1lite.config import Config
from r1lite.models import pretrained as ours
from r1lite.models.gguf_read import read_model, read_tokenizer
from r1lite.models.gguf_write import write_gguf
from r1lite.store.run import Run

TEMPLATE = "{% for m in messages %}<|im_start|>{{ m['content'] }}<|im_end|>{% endfor %}<|im_start|>"
TEXT = "to 12<think>\nä 漢</think><|im_end|>"
PLAIN = pre_tokenizers.ByteLevel(add_prefix_space=False)
SMOLLM = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), PLAIN])  # pyright: ignore


def byte_level(splitter: Any = PLAIN) -> Any:
    vocab = {token: i for i, token in enumerate([*sorted(pre_tokenizers.ByteLevel.alphabet()), "Ġt", "12"])}
    fast: Any = Tokenizer(models.BPE(vocab=vocab, merges=[("Ġ", "t"), ("1", "2")]))
    fast.pre_tokenizer, fast.decoder = splitter, decoders.ByteLevel()
    fast.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in ("<|im_start|>", "<|im_end|>")])
    fast.add_tokens([AddedToken(t, special=False, normalized=False) for t in ("<think>", "</think>")])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=fast, eos_token="<|im_end|>", pad_token="<|im_end|>", bos_token="<|im_start|>")
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def llama(tokenizer: Any, **changes: Any) -> Any:
    torch.manual_seed(0)
    shape = {
        "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 96,
        "vocab_size": len(tokenizer) + 3, "tie_word_embeddings": True, "rms_norm_eps": 1e-5, "max_position_embeddings": 128,
        "rope_parameters": {"rope_type": "default", "rope_theta": 100_000.0},
    }  # fmt: skip
    return LlamaForCausalLM(LlamaConfig(**shape | changes)).eval()


def folder_of(model: Any, tokenizer: Any, path: Path) -> Path:
    ours.save(model, tokenizer, path)
    return path


IDS = torch.arange(200, 260)[None]


@pytest.mark.parametrize(("tied", "head_dim"), [(True, 16), (False, 32)])
def test_f16_comes_back_as_the_same_function(tied: bool, head_dim: int, tmp_path: Path) -> None:
    tokenizer = byte_level()
    model = llama(tokenizer, tie_word_embeddings=tied, head_dim=head_dim)
    for parameter in model.parameters():
        parameter.data = parameter.data.half().float()  # so that nothing is lost in F16
    file = export(str(folder_of(model, tokenizer, tmp_path / "model")), output=str(tmp_path / "out.gguf"), format="gguf")
    theirs: Any = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file="out.gguf", dtype=torch.float32)
    torch.testing.assert_close(theirs(IDS).logits, model(IDS).logits, atol=1e-5, rtol=0)
    torch.testing.assert_close(read_model(file, dtype=torch.float32)(IDS).logits, model(IDS).logits, atol=1e-6, rtol=0)


def test_q8_0_comes_back_within_its_rounding(tmp_path: Path) -> None:
    tokenizer = byte_level()
    model = llama(tokenizer)
    write_gguf(model, tokenizer, tmp_path / "out.gguf", "Q8_0")
    back = read_model(tmp_path / "out.gguf", dtype=torch.float32)
    for name, weight in model.state_dict().items():
        largest = weight.abs().max()  # a scale for 32 weights, and 127 steps on each side
        assert (back.state_dict()[name] - weight).abs().max() <= largest / 127
    assert not torch.equal(back.model.embed_tokens.weight, model.model.embed_tokens.weight)
    assert (tmp_path / "out.gguf").stat().st_size < 4 * sum(p.numel() for p in model.parameters()) / 2.5


@pytest.mark.parametrize(("splitter", "twelve"), [(PLAIN, ["12"]), (SMOLLM, ["1", "2"])])
def test_the_tokenizer_in_the_file_is_the_same(splitter: Any, twelve: list[str], tmp_path: Path) -> None:
    tokenizer = byte_level(splitter)
    write_gguf(llama(tokenizer), tokenizer, tmp_path / "out.gguf", "F16")
    back = read_tokenizer(tmp_path / "out.gguf")
    assert back(TEXT)["input_ids"] == tokenizer(TEXT)["input_ids"]
    assert back.tokenize("12") == twelve
    assert back.decode(back(TEXT)["input_ids"]) == TEXT
    assert back.decode(back(TEXT)["input_ids"], skip_special_tokens=True) == "to 12<think>\nä 漢</think>"
    assert (back.bos_token, back.eos_token, back.pad_token, back.chat_template) == ("<|im_start|>", "<|im_end|>", "<|im_end|>", TEMPLATE)


def test_a_gguf_file_is_a_model_to_train_and_save(config: Callable[..., Config], tmp_path: Path) -> None:
    tokenizer = byte_level()
    write_gguf(llama(tokenizer), tokenizer, tmp_path / "out.gguf", "F16")
    model, read = ours.load(str(tmp_path / "out.gguf"), config().model)
    end = tokenizer.eos_token_id
    assert (model.dtype, read.eos_token_id, model.generation_config.eos_token_id) == (torch.float32, end, end)  # pyright: ignore
    assert model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()  # pyright: ignore
    model(IDS).logits.sum().backward()
    again: Any = AutoModelForCausalLM.from_pretrained(folder_of(model, read, tmp_path / "saved"))
    assert torch.equal(again(IDS).logits, model(IDS).logits)
    assert torch.equal(
        ours.load(str(export(str(tmp_path / "out.gguf"), output=str(tmp_path / "x"))), config().model)[0](IDS).logits, again(IDS).logits
    )


def test_a_run_knows_which_file_it_began_from(config: Callable[..., Config], tmp_path: Path) -> None:
    for name, seed in (("a", b"1"), ("b", b"2"), ("c", b"1")):
        (tmp_path / f"{name}.gguf").write_bytes(seed)
    a, b, c = (Run(config(f"run_dir={tmp_path}")).inputs("rl", str(tmp_path / f"{name}.gguf")) for name in "abc")
    assert a == c != b


def test_a_tokenizer_beside_the_file_comes_first(tmp_path: Path) -> None:
    write_gguf(llama(byte_level()), byte_level(), tmp_path / "out.gguf", "F16")
    byte_level(SMOLLM).save_pretrained(tmp_path)
    assert read_tokenizer(tmp_path / "out.gguf").tokenize("12") == ["1", "2"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"attention_bias": True}, "its attention or feed-forward has biases"),
        ({"hidden_act": "gelu"}, "its activation is gelu, not silu"),
        ({"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}}, "its positions are scaled"),
    ],
)
def test_a_model_that_a_reader_would_take_for_another_is_refused(changes: dict[str, Any], says: str, tmp_path: Path) -> None:
    tokenizer = byte_level()
    with pytest.raises(ValueError, match=f"format=gguf cannot represent this model: {says}"):
        write_gguf(llama(tokenizer, **changes), tokenizer, tmp_path / "out.gguf", "F16")
    assert not (tmp_path / "out.gguf").exists()


def test_a_tokenizer_that_gguf_has_no_name_for_is_refused(tmp_path: Path) -> None:
    tokenizer = byte_level(pre_tokenizers.Whitespace())
    with pytest.raises(ValueError, match=r"for this tokenizer \(Whitespace\) no name is certain"):
        write_gguf(llama(tokenizer), tokenizer, tmp_path / "out.gguf", "F16")


def test_a_file_that_is_cut_short_is_said(tmp_path: Path) -> None:
    write_gguf(llama(byte_level()), byte_level(), tmp_path / "out.gguf", "F16")
    for size in (2, 4000, (tmp_path / "out.gguf").stat().st_size - 4096):
        (tmp_path / "cut.gguf").write_bytes((tmp_path / "out.gguf").read_bytes()[:size])
        with pytest.raises(ValueError, match=r"cut\.gguf is not a GGUF file, or is incomplete"):
            read_model(tmp_path / "cut.gguf", dtype=torch.float32)


def test_a_stage_begins_from_a_gguf_file_and_ends_in_a_folder(config: Callable[..., Config], tmp_path: Path) -> None:
    from r1lite.train import train

    tokenizer = byte_level()
    write_gguf(llama(tokenizer), tokenizer, tmp_path / "out.gguf", "F16")
    settings = "stages=[cold_start] cold_start.steps=1 cold_start.examples=2 cold_start.batch_size=2 evaluate.every_stage=false threads=1"
    cfg = config(*settings.split(), f"model.path={tmp_path / 'out.gguf'}", f"run_dir={tmp_path / 'run'}", "scoring.workers=0")
    (summary, again) = train(cfg), train(cfg)
    assert [(s["name"], s["weights"]) for s in summary["stages"]] == [
        ("base", str(tmp_path / "out.gguf")),
        ("cold_start", "cold_start/final"),
    ]
    assert [s["weights"] for s in again["stages"]] == [s["weights"] for s in summary["stages"]]
    trained: Any = AutoModelForCausalLM.from_pretrained(tmp_path / "run" / "cold_start" / "final")
    before = read_model(tmp_path / "out.gguf", dtype=torch.float32)
    assert not torch.equal(trained.lm_head.weight, before.lm_head.weight)
    assert (trained.generation_config.eos_token_id, trained.config.vocab_size) == (tokenizer.eos_token_id, len(tokenizer) + 3)

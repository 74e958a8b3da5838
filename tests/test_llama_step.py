"""A decoding step of ours against transformers' own forward over the whole sequence."""

import shutil
from typing import Any

import pytest
import torch
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM

import r1lite.sampling.native.llama_step
from r1lite.sampling.native.cache import SlotCache
from r1lite.sampling.native.llama_step import LlamaStep, is_llama_shaped
from r1lite.sampling.native.model import decoding_step, make_decoder

SHAPE: dict[str, Any] = {
    "vocab_size": 199,
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
}
STRETCHED = {"rope_type": "llama3", "rope_theta": 1e4, "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
MODELS = {
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**SHAPE)),
    "llama, biased": lambda: LlamaForCausalLM(LlamaConfig(**SHAPE, attention_bias=True, mlp_bias=True, tie_word_embeddings=True)),
    "llama, stretched": lambda: LlamaForCausalLM(
        LlamaConfig(**SHAPE, rope_parameters=STRETCHED | {"original_max_position_embeddings": 16})
    ),
    "llama, gelu": lambda: LlamaForCausalLM(LlamaConfig(**SHAPE, hidden_act="gelu", rms_norm_eps=0.1)),
    "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**SHAPE)),
    "qwen3": lambda: Qwen3ForCausalLM(Qwen3Config(**SHAPE, head_dim=16, attention_bias=True)),
}


def made(name: str) -> Any:
    torch.manual_seed(0)
    model = MODELS[name]().eval()
    with torch.no_grad():  # norms and biases begin at 1 and 0, where a lost one would not be seen
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return model


@pytest.mark.parametrize(("name", "room"), [*((name, 256) for name in MODELS), ("llama", 1)])
def test_each_step_gives_the_logits_of_the_whole_sequence(name: str, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("r1lite.sampling.native.cache.CHUNK", room)  # 1: the cache has to grow on the way
    compare(name)


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on the CPU")
@pytest.mark.parametrize("name", ["llama, gelu", "qwen3"])
def test_compiled_parts_give_the_same(name: str) -> None:
    assert r1lite.sampling.native.llama_step.can_compile()
    compare(name, eager=False)


def test_where_nothing_can_be_compiled_a_line_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(function: object) -> object:
        raise RuntimeError("no C++ compiler\nand a long story")

    monkeypatch.setattr(r1lite.sampling.native.llama_step, "_compiled", broken)
    r1lite.sampling.native.llama_step.can_compile.cache_clear()
    compare("llama", eager=False)
    r1lite.sampling.native.llama_step.can_compile.cache_clear()
    assert capsys.readouterr().out.count("so decoding runs without it: no C++ compiler\n") == 1


def compare(name: str, *, eager: bool = True) -> None:
    model = made(name)
    lengths, new = torch.tensor([3, 7]), 5
    ids = torch.randint(1, 199, (4, 7 + new))  # rows 0 and 1 go on from the first prompt, 2 and 3 from the second
    ids[1, :3], ids[3, :7] = ids[0, :3], ids[2, :7]
    decoder = make_decoder(model, torch.float32)
    with torch.inference_mode(), decoding_step(decoder, eager=eager) as step:
        assert isinstance(step, LlamaStep)
        prompts = torch.stack([torch.cat([ids[0, :3], torch.zeros(4, dtype=torch.long)]), ids[2, :7]])
        prefilled = decoder(input_ids=prompts, use_cache=True, past_key_values=DynamicCache()).past_key_values
        cache = SlotCache(prefilled, lengths, 2, max_positions=12)
        assert cache.layers[0].k.stride(-2) == 1  # a key's neighbour is the next position
        begun = lengths.repeat_interleave(2)
        for done in range(new):
            tokens = ids.gather(1, (begun + done)[:, None])[:, 0]
            logits = step(tokens, cache)
            for row in range(4):
                expected = model(ids[row : row + 1, : begun[row] + done + 1]).logits[0, -1]
                torch.testing.assert_close(logits[row], expected, atol=2e-5, rtol=1e-5)


def test_other_shapes_and_adapters_go_through_their_own_forward() -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import GPT2Config, GPT2LMHeadModel

    assert is_llama_shaped(made("llama"))
    assert not is_llama_shaped(get_peft_model(made("llama"), LoraConfig(target_modules="all-linear")))
    other = GPT2LMHeadModel(GPT2Config(vocab_size=50, n_embd=16, n_layer=1, n_head=2))
    assert not is_llama_shaped(other)
    with decoding_step(make_decoder(other, torch.float32)) as step:
        assert not isinstance(step, LlamaStep)

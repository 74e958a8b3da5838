"""Recorded decoding steps. Here a list of tensor operations stands for a CUDA graph: it knows nothing but the memory it was made on."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from samplers import native
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import GPT2Config, GPT2LMHeadModel, Qwen3Config, Qwen3ForCausalLM

from r1lite.prompt import Prompter
from r1lite.sampling.native.cuda_graphs import Record, RecordedStep, padded_rows
from r1lite.sampling.native.engine import NativeEngine
from r1lite.sampling.native.model import decoding_step, model_forward
from r1lite.sampling.native.scheduler import Scheduler
from r1lite.sampling.rollouts import Sampler
from r1lite.types import Problem

PROBLEMS = [Problem(id=f"p{i}", prompt="x" * (12 * i + 1)) for i in range(7)]


class Operations(TorchDispatchMode):
    """Operations as they come, to be done again on the same memory."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Any] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, out))
        return out

    def again(self) -> None:
        for func, args, kwargs, out in self.calls:
            for old, new in zip(tree_leaves(out), tree_leaves(func(*args, **kwargs)), strict=True):
                if isinstance(old, torch.Tensor) and old.data_ptr() != new.data_ptr():
                    old.copy_(new)


def as_operations(run: Callable[[], None]) -> Callable[[], None]:
    operations = Operations()
    with operations:
        run()
    return operations.again


def drawn(sampler: Sampler, step: Any, problems: list[Problem]) -> dict[tuple[str, int], Any]:
    engine, requests = sampler.engine, sampler.requests(problems, n=3, seed="s")
    assert isinstance(engine, NativeEngine)
    scheduler = Scheduler(engine.decoder, step, engine.tokenizer, sampler.cfg, engine.ends, requests, greedy=False)
    with torch.inference_mode():
        return {(problems[place].id, i): c for place, done in scheduler.completed() for i, c in enumerate(done)}


def other_models(vocabulary: int) -> dict[str, Any]:
    torch.manual_seed(0)
    small: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "head_dim": 8}
    return {
        "qwen3": lambda: Qwen3ForCausalLM(Qwen3Config(vocab_size=vocabulary, num_key_value_heads=2, **small)),
        "gpt2": lambda: GPT2LMHeadModel(GPT2Config(vocab_size=vocabulary, n_embd=32, n_layer=2, n_head=4, n_positions=256)),
    }


@pytest.mark.parametrize("name", ["tiny", "qwen3", "gpt2"])
def test_what_is_played_back_is_what_the_model_would_have_drawn(
    name: str, model: Any, tokenizer: Any, config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With rows that leave and join, widths that are passed, and a cache that moves when shorter prompts let it hold more rows."""
    monkeypatch.setattr("r1lite.sampling.native.cuda_graphs.WIDTH", 32)
    monkeypatch.setattr("r1lite.sampling.native.cache.CHUNK", 4)
    chosen = model if name == "tiny" else other_models(len(tokenizer))[name]().eval()
    cfg = config("sampler.max_tokens=40", "sampler.cache_mb=1").sampler
    monkeypatch.setattr("r1lite.sampling.native.scheduler.bytes_per_token", lambda _: 2**20 // 700)
    sampler = native(chosen, Prompter(tokenizer=tokenizer), cfg)
    with torch.inference_mode(), decoding_step(sampler.engine.decoder) as plain:
        expected = drawn(sampler, plain, PROBLEMS)
    made: list[tuple[int, ...]] = []

    recorders: list[Record] = []

    def recorder() -> Record:
        def record(run: Callable[[], None]) -> Callable[[], None]:
            assert record is recorders[-1], "what the recordings of another cache shared is gone with them"
            made.append(step.layout)
            return as_operations(run)

        recorders.append(record)
        return record

    step = RecordedStep(partial(model_forward, sampler.engine.decoder), recorder)
    drawn(sampler, step, PROBLEMS[2:])  # what this records lies on another cache, and is of no use to what follows
    got = drawn(sampler, step, PROBLEMS)
    assert len(set(made)) == 3
    assert len(recorders) == 1 + 3
    assert all(len(kept.rows) == rows for (rows, _), kept in step.recordings.items())
    assert len(made) < 20  # played back, not recorded in every step
    assert {key: r.token_ids for key, r in got.items()} == {key: r.token_ids for key, r in expected.items()}
    for key, rollout in got.items():
        assert rollout.logprobs == pytest.approx(expected[key].logprobs, abs=1e-4)


def test_a_model_whose_steps_cannot_be_recorded_decodes_all_the_same(
    model: Any, tokenizer: Any, config: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(run: Callable[[], None]) -> Callable[[], None]:
        raise RuntimeError("operation not permitted when stream is capturing\nand much more")

    sampler = native(model, Prompter(tokenizer=tokenizer), config("sampler.max_tokens=8").sampler)
    with torch.inference_mode(), decoding_step(sampler.engine.decoder) as plain:
        expected = drawn(sampler, plain, PROBLEMS[:2])
    got = drawn(sampler, RecordedStep(partial(model_forward, sampler.engine.decoder), lambda: refused), PROBLEMS[:2])
    assert {key: r.token_ids for key, r in got.items()} == {key: r.token_ids for key, r in expected.items()}
    said = capsys.readouterr().out
    assert said.count("cannot be recorded") == 1
    assert "not permitted when stream is capturing" in said
    assert "much more" not in said


def test_a_third_of_the_rows_at_most_are_padding() -> None:
    assert [padded_rows(rows) for rows in (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 100, 129)] == [1, 2, 3, 4, 6, 6, 8, 8, 12, 12, 16, 128, 192]
    assert all(rows <= padded_rows(rows) <= max(rows * 1.5, rows) for rows in range(1, 2000))

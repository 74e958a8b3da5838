"""The contract of sampler=vllm, against the real package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from samplers import native
from transformers import AutoModelForCausalLM, AutoTokenizer
from vllm_here import PROBLEMS, disturbed, needs_vllm, off_by, rollouts, tiny

from r1lite.build import make_sampler
from r1lite.commands.export import export
from r1lite.config import Config
from r1lite.prompt import Prompter
from r1lite.sampling.rollouts import Sampler
from r1lite.sampling.vllm.local import VllmEngine
from r1lite.train import train
from r1lite.types import Problem

# vLLM by itself: nothing of r1lite is imported.
ALONE = """
import json, sys
from vllm import LLM, SamplingParams
engine = LLM(model=sys.argv[1], dtype="float32", enforce_eager=True, max_model_len=256, max_num_seqs=2, disable_log_stats=True)
(answer,) = engine.chat([json.loads(sys.argv[2])], SamplingParams(temperature=0.0, max_tokens=24), use_tqdm=False)
print(json.dumps([list(answer.prompt_token_ids), list(answer.outputs[0].token_ids)]))
"""

pytestmark = [needs_vllm, pytest.mark.slow]
Made = tuple[Any, Sampler, Any]  # the model, the sampler, the tokenizer


@pytest.fixture
def made(config: Callable[..., Config]) -> Callable[..., Made]:
    """Samplers of one shape share the engine of this process, so that only the first waits for it."""

    def make(*overrides: str) -> Made:
        model, tokenizer, cfg = tiny(config, "sampler=vllm", *overrides)
        sampler = make_sampler(model, Prompter(tokenizer=tokenizer), cfg)
        assert isinstance(sampler.engine, VllmEngine)
        return model, sampler, tokenizer

    return make


@pytest.mark.parametrize("filters", [(), ("sampler.top_p=0.7", "sampler.top_k=20")], ids=["unfiltered", "top-p and top-k"])
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_kept_logprobs_are_the_models_at_the_sampling_temperature(made: Any, temperature: float, filters: tuple[str, ...]) -> None:
    model, sampler, _ = made(f"sampler.temperature={temperature}", *filters)
    sampled = rollouts(sampler.sample(PROBLEMS, n=3, seed="s"))
    assert all(len(r.token_ids) == len(r.logprobs) <= 16 for r in sampled)
    assert off_by(model, sampled, temperature) < 1e-4


def test_top_k_leaves_no_other_token(made: Any) -> None:
    _, one, _ = made("sampler.top_k=1")
    greedy = [r.token_ids for r in rollouts(one.sample(PROBLEMS, n=1, seed="s", greedy=True))]
    assert [r.token_ids for r in rollouts(one.sample(PROBLEMS, n=1, seed="s"))] == greedy


def test_new_weights_are_sampled_from_also_behind_a_warm_cache(made: Any) -> None:
    model, sampler, _ = made()
    before = rollouts(sampler.sample(PROBLEMS, n=2, seed="s"))
    disturbed(model, seed=1)
    assert off_by(model, before, 1.0) > 0.1
    sampler.load(model.named_parameters())
    after = rollouts(sampler.sample(PROBLEMS, n=2, seed="s"))
    assert off_by(model, after, 1.0) < 1e-4
    assert ({r.version for r in before}, {r.version for r in after}) == ({0}, {1})


def test_weights_that_are_given_count_and_the_model_stays_as_it_is(made: Any, config: Any) -> None:
    model, sampler, _ = made()
    mine = {name: p.detach().clone() for name, p in model.named_parameters()}
    other = disturbed(tiny(config)[0], seed=2)
    sampler.load(other.named_parameters())
    assert off_by(other, rollouts(sampler.sample(PROBLEMS, n=1, seed="s")), 1.0) < 1e-4
    assert all(torch.equal(p, mine[name]) for name, p in model.named_parameters())


def test_a_part_of_the_weights_is_completed_by_the_models_own(made: Any) -> None:
    model, sampler, _ = made()
    disturbed(model, seed=3)
    sampler.load([(name, p) for name, p in model.named_parameters() if name.endswith("layers.1.self_attn.q_proj.weight")])
    assert off_by(model, rollouts(sampler.sample(PROBLEMS, n=1, seed="s")), 1.0) < 1e-4


def test_weights_of_another_model_are_refused(made: Any) -> None:
    _, sampler, _ = made()
    with pytest.raises(ValueError, match="of another model: it has no strange"):
        sampler.load([("strange", torch.zeros(1))])


def test_samplers_take_turns_with_the_engine(made: Any) -> None:
    (one, first, _), (two, second, _) = made(), made("sampler.temperature=0.5")
    disturbed(two, seed=4)
    for _ in range(2):
        assert off_by(one, rollouts(first.sample(PROBLEMS, n=1, seed="s")), 1.0) < 1e-4
        assert off_by(two, rollouts(second.sample(PROBLEMS, n=1, seed="s")), 0.5) < 1e-4


def test_greedy_is_what_the_native_sampler_gives(made: Any) -> None:
    model, sampler, tokenizer = made()
    other = native(model, Prompter(tokenizer=tokenizer), sampler.cfg)
    ours, theirs = (rollouts(s.sample(PROBLEMS, n=1, seed="", greedy=True)) for s in (sampler, other))
    for a, b in zip(ours, theirs, strict=True):
        assert (a.token_ids, a.text, a.finish, a.prompt_ids) == (b.token_ids, b.text, b.finish, b.prompt_ids)
        assert a.logprobs == pytest.approx(b.logprobs, abs=1e-4)


def test_a_seed_gives_the_same_again_whoever_shares_the_batch(made: Any) -> None:
    _, sampler, _ = made()
    first = rollouts(sampler.sample(PROBLEMS, n=3, seed="s"))
    assert [r.token_ids for r in rollouts(sampler.sample(PROBLEMS[::-1], n=3, seed="s"))] == [r.token_ids for r in first]
    (alone,) = sampler.sample(PROBLEMS[1:2], n=2, seed="s")
    assert [r.token_ids for r in alone.rollouts] == [r.token_ids for r in first if r.problem_id == "p1"][:2]
    assert len({r.token_ids for r in first if r.problem_id == "p0"}) == 3
    assert [r.token_ids for r in rollouts(sampler.sample(PROBLEMS, n=3, seed="t"))] != [r.token_ids for r in first]


def test_groups_come_whole_and_one_by_one(made: Any) -> None:
    _, sampler, _ = made()
    sampling = sampler.sample(PROBLEMS * 2, n=4, seed="s")  # twice as many as are decoded at once
    first = next(sampling)
    assert [r.index for r in first.rollouts] == [0, 1, 2, 3]
    assert sampler.engine.runtime.llm.llm_engine.has_unfinished_requests()
    sampling.close()  # whoever listens no longer leaves nothing behind
    assert not sampler.engine.runtime.llm.llm_engine.has_unfinished_requests()
    assert len(rollouts(sampler.sample(PROBLEMS, n=1, seed="s"))) == 4


def test_stop_strings_and_several_end_tokens_end_a_rollout(made: Any) -> None:
    _, sampler, tokenizer = made()
    free = rollouts(sampler.sample(PROBLEMS, n=1, seed="s", greedy=True))[0]
    stop = tokenizer.decode(free.token_ids[:4])
    _, stopping, _ = made(f"sampler.stop=['{stop}']")
    stopped = rollouts(stopping.sample(PROBLEMS, n=1, seed="s", greedy=True))[0]
    assert (stopped.token_ids, stopped.finish) == (free.token_ids[:4], "stop")
    assert stopped.text.endswith(stop)
    end = free.token_ids[5]
    sampler.engine.ends = sampler.engine.ends | {end}
    ended = rollouts(sampler.sample(PROBLEMS, n=1, seed="s", greedy=True))[0]
    before = free.token_ids[: free.token_ids.index(end)]
    assert (ended.token_ids, ended.finish, ended.text) == ((*before, end), "stop", tokenizer.decode(before))


def test_what_does_not_fit_the_engine_is_an_error_that_says_so(made: Any) -> None:
    _, sampler, _ = made()
    with pytest.raises(ValueError, match=r"refuses a prompt of \d+ tokens: .*maximum"):
        list(sampler.sample([Problem(id="huge", prompt="9" * 1000)], n=1, seed="s"))
    assert len(rollouts(sampler.sample(PROBLEMS, n=1, seed="s"))) == 4


def test_the_recipe_runs_with_it(config: Any, tmp_path: Path) -> None:
    settings = (
        "experiment=r1_zero sampler=vllm sampler.cache_mb=256 sampler.max_rows=16 sampler.max_tokens=16 prompt.max_tokens=400 "
        "rl.steps=2 rl.prompts_per_step=8 rl.group_size=8 evaluate.problems=4 evaluate.samples=2 evaluate.k=2 "
        "evaluate.every_stage=true task.difficulty=easy threads=1"
    ).split()
    train(config(*settings, f"run_dir={tmp_path / 'run'}"))
    assert json.loads((tmp_path / "run/summary.json").read_text())["status"] == "finished"
    steps = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert [s["mismatch/kl"] < 1e-4 for s in steps if s["stage"] == "rl" and s["tokens/trained"]] == [True, True]
    versions = [set(pq.read_table(file)["version"].to_pylist()) for file in sorted((tmp_path / "run/rl/rollouts").glob("*.parquet"))]
    assert versions == [{1}, {2}]  # the weights are given once before the first step


def test_an_exported_folder_runs_in_vllm_alone_as_in_transformers(tmp_path: Path) -> None:
    folder, chat = export("tiny_base", output=str(tmp_path / "out")), [{"role": "user", "content": "7+12*3+5 mod 23"}]
    settings = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_NO_USAGE_STATS": "1", "OMP_NUM_THREADS": "1"}
    told = subprocess.run(
        [sys.executable, "-c", ALONE, folder, json.dumps(chat)], check=True, capture_output=True, text=True, env=os.environ | settings
    )
    prompt, answer = json.loads(told.stdout.splitlines()[-1])
    tokenizer = AutoTokenizer.from_pretrained(folder)
    asked = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    assert prompt == asked["input_ids"][0].tolist()
    generated = AutoModelForCausalLM.from_pretrained(folder).generate(**asked, max_new_tokens=24, do_sample=False)[0].tolist()
    assert answer == generated[len(prompt) :]

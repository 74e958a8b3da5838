"""Models as they come: without a pad token, without an end token, with a template that does not work."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from r1lite.build import make_prompter, make_sampler
from r1lite.checks.run import check
from r1lite.config import Config
from r1lite.data.examples import as_sample
from r1lite.learning.policy import Policy
from r1lite.models import pretrained
from r1lite.models.tiny import build_tokenizer
from r1lite.teaching.imitation import IMITATE
from r1lite.types import Problem

PROBLEMS = [Problem(id=str(i), prompt=f"{i}+{'1' * i} mod 23") for i in range(1, 5)]  # of different lengths


def without_pad() -> Any:
    tokenizer = build_tokenizer()
    tokenizer.pad_token = None
    return tokenizer


def test_nothing_depends_on_a_pad_token(model: Any, config: Callable[..., Config], tmp_path: Path) -> None:
    cfg = config("sampler.max_tokens=12")
    done = []
    for name, tokenizer in (("with", build_tokenizer()), ("without", without_pad())):
        pretrained.save(model, tokenizer, tmp_path / name)
        loaded, read = pretrained.load(str(tmp_path / name), cfg.model)
        assert (read.pad_token_id is None) == (name == "without")
        prompter = make_prompter(read, cfg)
        sampled = {
            (r.problem_id, r.index): (r.token_ids, r.logprobs)
            for group in make_sampler(loaded, prompter, cfg).sample(PROBLEMS, n=2, seed="0")
            for r in group.rollouts
        }
        policy = Policy(loaded, read, cfg.sft, total_steps=1)
        metrics = policy.step([as_sample(p, "<think>x</think>", prompter) for p in PROBLEMS], IMITATE)
        done.append((sampled, metrics["loss"], [p.detach().clone() for p in loaded.parameters()]))
    assert done[0][:2] == done[1][:2]
    assert all(torch.equal(a, b) for a, b in zip(done[0][2], done[1][2], strict=True))


def test_a_reward_model_needs_no_pad_token(model: Any, config: Callable[..., Config], tmp_path: Path) -> None:
    pretrained.save(model, without_pad(), tmp_path / "model")
    model.config.pad_token_id = None
    scorer, tokenizer = pretrained.load_reward_model(str(tmp_path / "model"), config().model)
    assert tokenizer.pad_token_id is None
    assert scorer.base_model(input_ids=torch.arange(8).view(2, 4)).last_hidden_state.shape[:2] == (2, 4)  # pyright: ignore


def test_a_tokenizer_without_an_end_token_is_said_with_what_to_do(model: Any, config: Callable[..., Config], tmp_path: Path) -> None:
    tokenizer = build_tokenizer()
    tokenizer.eos_token = None
    pretrained.save(model, tokenizer, tmp_path / "model")
    with pytest.raises(ValueError, match=r"has no end token, .* set eos_token in its tokenizer_config\.json"):
        pretrained.load(str(tmp_path / "model"), config().model)
    path = tmp_path / "model" / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"eos_token": "<|end|>"}))
    assert pretrained.load(str(tmp_path / "model"), config().model)[1].eos_token == "<|end|>"


def test_smollm2s_settings_go_over_the_stages_and_under_the_users(config: Callable[..., Config]) -> None:
    cfg = config("model=smollm2_135m", "rl.micro_batch_tokens=77", "experiment=r1_zero")
    assert (cfg.model.path, cfg.model.dtype, cfg.model.lora_rank) == ("./models/smollm2-135m", "auto", 0)
    assert (cfg.rl.lr, cfg.rl.micro_batch_tokens, cfg.rl.group_size, cfg.algorithm.kl) == (1e-5, 77, 8, "none")
    assert "<answer>" in cfg.prompt.system
    assert (config().rl.lr, config().prompt.system) == (2e-4, "")


def test_a_model_that_is_still_to_be_made_is_said(config: Callable[..., Config], tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"model './models/smollm2-135m' .*: python -m bench\.smollm2 --out \./models/smollm2-135m, or"):
        check(config("model=smollm2_135m", "stages=[rl]", "scoring.workers=0"))

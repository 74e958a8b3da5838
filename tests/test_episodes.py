"""Episodes: exact token ids, masks, limits, and failures of environments that are outcomes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

from r1lite.checks.episodes import check_episodes
from r1lite.config import ScoringConfig
from r1lite.episodes import Episode, episode, episodes
from r1lite.episodes.host import Host
from r1lite.episodes.play import Spec
from r1lite.prompt import Prompter
from r1lite.registry import load_plugins
from r1lite.sampling.episodes import EpisodeSampler
from r1lite.sampling.native.engine import NativeEngine
from r1lite.sampling.rollouts import Sampler
from r1lite.scoring.rules import Rules
from r1lite.scoring.verdicts import verdict_of
from r1lite.store.metrics import Metrics
from r1lite.train import train
from r1lite.types import Group, Problem, Rollout, masked_select

PROBLEMS = [Problem(id=f"p{i}", prompt=f"{i}+1") for i in range(3)]
PLUGIN = """
import os, time
from r1lite.episodes import Episode, Insert, episode

@episode("echo")
class Echo(Episode):
    def __init__(self, *, turns_wanted: int = 3, insert: bool = False, fail: str = "") -> None:
        self.wanted, self.insert, self.fail, self.seen = turns_wanted, insert, fail, []

    def reset(self, problem):
        self.problem = problem
        if self.fail == "reset" and problem.id == "p1":
            raise KeyError("no")
        return problem.prompt

    def step(self, reply):
        self.seen.append(reply)
        if self.problem.id == "p1" and len(self.seen) == 2:
            if self.fail == "raise":
                raise KeyError("no")
            if self.fail == "hang":
                time.sleep(60)
            if self.fail == "die":
                os._exit(3)
        if len(self.seen) >= self.wanted:
            return None
        said = f"<{len(self.seen)}:{len(self.seen[0])}>"
        return Insert(said) if self.insert else said
"""


@pytest.fixture
def plugin(tmp_path: Path) -> str:
    (tmp_path / "echo.py").write_text(PLUGIN)
    return str(tmp_path / "echo.py")


def sampler(model: Any, tokenizer: Any, config: Any, plugin: str, *settings: str, workers: int = 0, turns: int = 8, **options: Any) -> Any:
    load_plugins([plugin])
    cfg = config("sampler.max_tokens=60", *settings)
    spec = Spec(name="echo", options=options, plugins=(plugin,))
    host = Host(spec, ScoringConfig(workers=workers, seconds=1.0), {})
    return EpisodeSampler(NativeEngine(model, tokenizer, cfg.sampler), Prompter(tokenizer=tokenizer), cfg.sampler, host, most_turns=turns)


def groups_of(sampler: Any, **changes: Any) -> list[Group]:
    return sorted(sampler.sample(PROBLEMS, **{"n": 4, "seed": "s", **changes}), key=lambda group: group.place)


def rollouts_of(sampler: Any, **changes: Any) -> list[Rollout]:
    return [rollout for group in groups_of(sampler, **changes) for rollout in group.rollouts]


STOPS = "sampler.stop=[a,e,1,7,' ']"  # random weights seldom write an end token


def test_one_turn_is_what_it_is_without_an_environment(model: Any, tokenizer: Any, config: Any, plugin: str) -> None:
    cfg = config("sampler.max_tokens=60", STOPS)
    plain = Sampler(NativeEngine(model, tokenizer, cfg.sampler), Prompter(tokenizer=tokenizer), cfg.sampler)
    expected = [r for group in sorted(plain.sample(PROBLEMS, n=4, seed="s"), key=lambda g: g.place) for r in group.rollouts]
    for rollout, other in zip(rollouts_of(sampler(model, tokenizer, config, plugin, STOPS, turns_wanted=1)), expected, strict=True):
        assert (rollout.token_ids, rollout.logprobs, rollout.text, rollout.mask) == (other.token_ids, other.logprobs, other.text, ())
        assert rollout.ended == ("tokens" if rollout.finish == "length" else "done")


@pytest.mark.parametrize("insert", [False, True])
def test_ids_are_as_sampled_and_as_given(model: Any, tokenizer: Any, config: Any, plugin: str, insert: bool) -> None:
    rollouts = rollouts_of(sampler(model, tokenizer, config, plugin, STOPS, insert=insert))
    assert any(len(r.turns) == 5 for r in rollouts)
    for r in rollouts:
        assert len(r.token_ids) == len(r.logprobs) == len(r.mask or r.token_ids) <= 60
        assert [turn.sampled for turn in r.turns] == [i % 2 == 0 for i in range(len(r.turns))]
        assert sum(turn.tokens for turn in r.turns) == len(r.token_ids)
        at, ids = 0, list(r.token_ids)
        for turn in r.turns:
            part = ids[at : at + turn.tokens]
            assert all(m == turn.sampled for m in r.mask[at : at + turn.tokens])
            if not turn.sampled and insert:
                assert part == tokenizer(turn.text)["input_ids"]
            elif not turn.sampled:
                end = [] if ids[at - 1] == tokenizer.eos_token_id else [tokenizer.eos_token_id]
                assert part == [*end, *tokenizer(f"<|user|>{turn.text}<|assistant|>")["input_ids"]]
            at += turn.tokens
        own = [turn.text for turn in r.turns if turn.sampled]
        assert r.text == ("".join(own) if insert else own[-1])
        assert all(x == 0.0 for x, m in zip(r.logprobs, r.mask, strict=bool(r.mask)) if not m)


def test_the_trainer_finds_the_same_log_probs(model: Any, tokenizer: Any, config: Any, plugin: str) -> None:
    for r in rollouts_of(sampler(model, tokenizer, config, plugin, STOPS)):
        logits = model(torch.tensor([r.prompt_ids + r.token_ids])).logits[0].log_softmax(-1)
        own = [logits[len(r.prompt_ids) + i - 1, t].item() for i, t in enumerate(r.token_ids)]
        assert masked_select(r.logprobs, r.mask) == pytest.approx(masked_select(own, r.mask), abs=1e-4)


def test_limits_end_an_episode(model: Any, tokenizer: Any, config: Any, plugin: str) -> None:
    few = rollouts_of(sampler(model, tokenizer, config, plugin, STOPS, turns=2))
    assert {"turns"} <= {r.ended for r in few} <= {"turns", "tokens", "done"}
    assert max(len(r.turns) for r in few) == 3
    short = rollouts_of(sampler(model, tokenizer, config, plugin, STOPS, "sampler.max_tokens=12"))
    assert all(len(r.token_ids) <= 12 for r in short)
    assert all(r.finish == "length" for r in short if r.ended == "tokens")


@pytest.mark.parametrize(("fail", "outcome"), [("raise", "failed"), ("reset", "failed"), ("hang", "timed_out"), ("die", "failed")])
def test_a_failing_environment_costs_its_own_rollouts(
    model: Any, tokenizer: Any, config: Any, plugin: str, fail: str, outcome: str
) -> None:
    whole = rollouts_of(sampler(model, tokenizer, config, plugin, STOPS, turns_wanted=4))
    rollouts = rollouts_of(sampler(model, tokenizer, config, plugin, STOPS, workers=1, turns_wanted=4, fail=fail))
    broken = [r for r in rollouts if r.failure is not None]
    assert broken
    assert {r.problem_id for r in broken} == {"p1"}
    assert {r.failure.outcome for r in broken if r.failure} == {"timed_out" if fail == "hang" else "failed"}
    assert {r.ended for r in broken} == {"failed"}
    for r, same in zip(rollouts, whole, strict=True):
        if r.failure is None:
            assert (r.token_ids, r.turns, r.ended) == (
                same.token_ids,
                same.turns,
                same.ended,
            )  # other rows are gone, so sums round differently


def test_special_tokens_of_an_environment_do_no_harm(tokenizer: Any) -> None:
    ids = Prompter(tokenizer=tokenizer).next_turn_ids([{"role": "user", "content": "x<|end|><|assistant|>y"}], tokenizer.eos_token_id)
    special = [i for i in ids if tokenizer.added_tokens_decoder.get(i) and tokenizer.added_tokens_decoder[i].special]
    assert tokenizer.decode(special) == "<|user|><|assistant|>"


def test_options_are_checked_against_the_signature(plugin: str) -> None:
    @episode("local")
    class Local(Episode):
        def __init__(self, *, tries: int = 2) -> None: ...

    with pytest.raises(ValueError, match=r"unknown option of episode 'local': 'tris'\. Did you mean 'tries'"):
        episodes.bind("local", {"tris": 1})


SMALL = (
    "stages=[rl] threads=1 rl.steps=4 rl.prompts_per_step=2 rl.group_size=4 rl.checkpoint_every=2 sampler.max_tokens=120 "
    "evaluate.every_stage=false preflight.enabled=false task.difficulty=easy +episode.name=retry rl.show_every=0"
).split()


def weights_of(run: Path) -> dict[str, Any]:
    return load_file(run / "rl" / "final" / "model.safetensors")


@pytest.mark.slow
@pytest.mark.parametrize("lag", [0, 1])
def test_a_run_that_was_killed_goes_on_to_the_same_bits(config: Any, tmp_path: Path, lag: int, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = (*SMALL, f"rl.lag={lag}")
    train(config(*settings, f"run_dir={tmp_path / 'whole'}"))
    asked = Host.ask

    def killed(self: Host, calls: Any) -> Any:
        """In the middle of an episode of step 4."""
        if late["reached"] and any(len(call.replies) == 2 for call in calls):
            raise KeyboardInterrupt
        return asked(self, calls)

    late = {"reached": False}
    logged = Metrics.log

    def log(self: Metrics, stage: str, step: int, values: Any) -> None:
        logged(self, stage, step, values)
        late["reached"] = step >= 3 - lag

    with monkeypatch.context() as changed:
        changed.setattr(Host, "ask", killed)
        changed.setattr(Metrics, "log", log)
        with pytest.raises(KeyboardInterrupt):
            train(config(*settings, f"run_dir={tmp_path / 'killed'}"))
    train(config(*settings, f"run_dir={tmp_path / 'killed'}"))
    whole, resumed = weights_of(tmp_path / "whole"), weights_of(tmp_path / "killed")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    ledger = [pq.read_table(tmp_path / run / "rl" / "rollouts" / "step-000004.parquet").to_pylist() for run in ("whole", "killed")]
    assert ledger[0] == ledger[1]
    assert any(len(row["turns"]) > 1 for row in ledger[0])


def test_an_answer_that_only_the_environment_wrote_is_none(model: Any, tokenizer: Any, config: Any, tmp_path: Path) -> None:
    (tmp_path / "leak.py").write_text(LEAK)
    cfg = config("sampler.max_tokens=60", STOPS)
    load_plugins([str(tmp_path / "leak.py")])
    for insert in (False, True):
        host = Host(Spec(name="leak", options={"insert": insert}), ScoringConfig(workers=0), {})
        leaking = EpisodeSampler(
            NativeEngine(model, tokenizer, cfg.sampler), Prompter(tokenizer=tokenizer), cfg.sampler, host, most_turns=8
        )
        rollouts = rollouts_of(leaking)
        assert any("<answer>12</answer>" in turn.text for r in rollouts for turn in r.turns)
        rules = Rules.from_config({"answer": {}})
        assert {verdict_of(rules, "answer", Problem(id="p", prompt="", answer="12"), r).value for r in rollouts} == {0.0}


LEAK = """
from r1lite.episodes import Episode, Insert, episode

@episode("leak")
class Leak(Episode):
    def __init__(self, *, insert: bool) -> None:
        self.insert, self.said = insert, False

    def step(self, reply):
        if self.said:
            return None
        self.said = True
        return Insert("<answer>12</answer>") if self.insert else "<answer>12</answer>"
"""


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("+episode.name=retri", "unknown episode 'retri'. Did you mean 'retry'"),
        ("+episode.name=retry +episode.trys=3", "unknown option of episode 'retry': 'trys'. Did you mean 'tries'"),
        ("+episode.turns=3", "episode.name is missing"),
        ("+episode.name=retry +episode.turns=0", "episode.turns must be a whole number of at least 1, got 0"),
        ("+episode.name=tools +episode.tools=[calc]", "unknown tool 'calc'"),
        ("+episode.name=retry stages=[rl,reject]", "stage reject works with single responses"),
        ("+episode.name=retry stages=[cold_start,rl] cold_start.data=own", "cold_start.data=teacher and own"),
        ("+episode.name=retry +rewards.answer.credit=spans", "rewards.answer.credit=spans finds tokens in a single response"),
    ],
)
def test_what_episodes_do_not_support_is_refused(config: Any, settings: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        check_episodes(config("stages=[rl]", *settings.split()))
    check_episodes(config("stages=[rl]", "+episode.name=retry"))

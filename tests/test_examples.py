"""Examples made by sampling: in parts that an interruption does not cost, in the order of asking, without a tag twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from r1lite.build import held_out, make_feed, make_scorer
from r1lite.config import Config
from r1lite.data import examples
from r1lite.data.examples import as_sample
from r1lite.data.preferences import pairs_of_file
from r1lite.prompt import Prompter
from r1lite.sampling.rollouts import Sampler
from r1lite.store.ledger import Ledger
from r1lite.store.metrics import Metrics
from r1lite.store.run import Place
from r1lite.teaching import sampled
from r1lite.teaching.sampled import score_traces, traces_from_model, write_selected
from r1lite.text.response import respond
from r1lite.text.rows import read_rows
from r1lite.types import Group, Problem, Response, Rollout, Scored, Verdict
from tasks._source import split_of

SMALL = "task.difficulty=easy", "scoring.workers=0", "scoring.right_at=0", "sampler.max_tokens=40", "sampler.max_rows=4", "threads=1"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many problems each call of a sampler had. A part is small here."""
    monkeypatch.setattr(sampled, "PART", 16)
    calls: list[int] = []
    sample = Sampler.sample

    def counted(self: Sampler, problems: Any, **how: Any) -> Any:
        calls.append(len(problems))
        return sample(self, problems, **how)

    monkeypatch.setattr(Sampler, "sample", counted)
    return calls


def place_in(folder: Path) -> Place:
    return Place(name="reject", out=folder, run=folder, metrics=Metrics(folder / "metrics.jsonl"))


def answered(config: Callable[..., Config], folder: Path, *settings: str) -> list[dict[str, Any]]:
    from r1lite.models import pretrained

    cfg = config(*SMALL, "reject.prompts=12", "reject.samples=3", *settings)
    model, tokenizer = pretrained.load("tiny_base", cfg.model)
    path = traces_from_model(model, Prompter(tokenizer=tokenizer), cfg, cfg.reject, place_in(folder))
    return [row for _, row in read_rows(path)]


def test_a_part_that_was_scored_is_not_asked_again(
    config: Callable[..., Config], tmp_path: Path, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = answered(config, tmp_path / "whole")
    assert asked == [5, 5, 2]  # of 3 rollouts each
    asked.clear()
    write = Ledger.write

    def dies(self: Ledger, step: int, *args: Any) -> None:
        if step == 2:
            raise KeyboardInterrupt
        write(self, step, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "write", dies)
        with pytest.raises(KeyboardInterrupt):
            answered(config, tmp_path / "killed")
    asked.clear()
    assert answered(config, tmp_path / "killed") == whole
    assert asked == [2]


def test_a_part_whose_rules_failed_is_asked_again(config: Callable[..., Config], tmp_path: Path, asked: list[int]) -> None:
    broken = tmp_path / "broken.py"
    for fails, calls in ((True, [5]), (False, [5, 5, 2])):
        rule = f"@reward('mine')\ndef mine(problem, rollout):\n    return 1 / {int(not fails)}\n"
        broken.write_text(f"from rewards import reward\n\n\n{rule}")
        rewards = "++rewards.mine.weight=1", "~rewards.answer", "~rewards.format"
        settings = f"plugins=[{broken}]", "scoring.workers=1", *rewards
        asked.clear()
        if fails:
            with pytest.raises(ValueError, match="mine"):
                answered(config, tmp_path / "run", *settings)
        else:
            assert answered(config, tmp_path / "run", *settings)
        assert asked == calls


def test_examples_stand_in_the_order_of_asking(config: Callable[..., Config], tmp_path: Path) -> None:
    """Not in that of finishing, in which a part of them would be the short ones."""
    rows = answered(config, tmp_path, "sampler.max_rows=512")
    cfg = config(*SMALL)
    from r1lite.models.pretrained import load_tokenizer

    prompter = Prompter(tokenizer=load_tokenizer("tiny_base"))
    order = [p.id for p in make_feed(prompter, cfg, seed=f"{cfg.seed}/reject").take(12)]
    places = [order.index(row["problem_id"]) for row in rows]
    assert places == sorted(places)


def test_what_the_ledger_gives_back_is_what_it_was_given(tmp_path: Path) -> None:
    problem = Problem(id="p", prompt="?", answer="4")
    rollouts = [
        Rollout(
            problem_id="p",
            index=i,
            prompt_ids=(1, 2),
            token_ids=(3, 4 + i),
            logprobs=(-0.5, -0.25),
            text=f"<think>{i}</think>",
            finish="length",
        )
        for i in range(2)
    ]
    verdicts = {"answer": Verdict(value=0.5, why="half"), "mine": Verdict(value=None, why="no words", outcome="abstained")}
    group = [Scored(problem=problem, rollout=r, reward=0.5, verdicts=verdicts, right=bool(r.index)) for r in rollouts]
    ledger = Ledger(tmp_path, "reject")
    ledger.write(3, [group, group])
    assert ledger.read(3, [problem]) == [group, group]
    assert ledger.read(4, [problem]) is None


@pytest.mark.parametrize("prefill", ["<think>\n", "<think>", " <think> ", ""])
def test_an_example_does_not_open_again_what_the_prompt_has_opened(prefill: str, tokenizer: Any) -> None:
    prompter = Prompter(tokenizer=tokenizer, prefill=prefill)
    problem = Problem(id="p", prompt="2+2")
    for completion in (respond(Response(thought="so", answer="4")), f"{prefill}so</think><answer>4</answer>"):
        sample = as_sample(problem, completion, prompter)
        text = tokenizer.decode(sample.prompt_ids) + tokenizer.decode(sample.token_ids)
        assert text.count("<think>") == 1 or not completion.count("<think>")
        assert "so</think><answer>4</answer>" in text


def test_a_users_own_examples_hold_nothing_that_the_run_is_tested_with(
    config: Callable[..., Config], tmp_path: Path, tokenizer: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [{"prompt": f"How much is {i} and {i}?", "answer": 2 * i} for i in range(60)]
    examples.write_rows(tmp_path / "all.jsonl", asked)
    worked = [row | {"completion": "so", "chosen": "a", "rejected": "b"} for row in asked]
    examples.write_rows(tmp_path / "worked.jsonl", worked)
    cfg, prompter = config("task=dataset", f"task.path={tmp_path / 'all.jsonl'}"), Prompter(tokenizer=tokenizer)
    tested = sum(split_of(row["prompt"]) == "test" for row in asked)
    assert 0 < tested < 20
    kept = examples.from_file(tmp_path / "worked.jsonl", prompter, held_out=held_out(cfg))
    assert len(kept) == len(list(pairs_of_file(tmp_path / "worked.jsonl", prompter, held_out=held_out(cfg)))) == 60 - tested
    assert f"left out {tested} of 60 rows, whose questions are also in test" in capsys.readouterr().out
    assert len(examples.from_file(tmp_path / "worked.jsonl", prompter)) == 60
    assert len(examples.from_file(tmp_path / "worked.jsonl", prompter, held_out=held_out(config("task=arithmetic")))) == 60
    examples.write_rows(tmp_path / "tests.jsonl", [row for row in worked if split_of(row["prompt"]) == "test"])
    with pytest.raises(ValueError, match=r"tests\.jsonl: every row.s question is one that the run is evaluated on"):
        examples.from_file(tmp_path / "tests.jsonl", prompter, held_out=held_out(cfg))


def test_a_prompt_that_comes_twice_in_a_part_keeps_both_groups(config: Callable[..., Config], tmp_path: Path) -> None:
    problem = Problem(id="p", prompt="?")
    twice = [Group(problem=problem, rollouts=(Rollout(problem_id="p", index=0, prompt_ids=(), token_ids=(1,), logprobs=(), text="a"),))] * 2
    cfg = config("scoring.workers=0")
    with make_scorer(cfg) as scorer:
        scored = score_traces(twice, scorer, place_in(tmp_path))
    with pytest.raises(ValueError, match="none of 2 responses"):
        write_selected(scored, cfg.quality, 1, place_in(tmp_path))

"""Faults that are injected into short runs of the tiny model, and healthy runs to compare them with."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from r1lite.config import CONF

Injected = Callable[[], AbstractContextManager[Any]]
SCALED = {
    "ppo": "algorithm.critic_lr=1e-3",
    "dr_grpo": "algorithm.budget=96",
    "r1": "algorithm.reference_every=10",
    "dapo": "algorithm.refill_rounds=2",
}
RULES = '''
import time
from r1lite.text.response import last_answer
from rewards import reward

@reward
def hangs(problem, rollout):
    """Does not come back on one response of thirty."""
    if len(rollout.token_ids) > 1 and sum(rollout.token_ids) % 30 == 0:  # not on the gold answers that a run tries first
        time.sleep(60)
    return 0.0

@reward
def raises(problem, rollout):
    """Fails on one response of thirty."""
    return 0.0 / (sum(rollout.token_ids) % 30) if len(rollout.token_ids) > 1 else 0.0

@reward
def one_digit(problem, rollout):
    """A rule of form that can be gamed: the answer is a single digit."""
    return float(len(last_answer(rollout.response) or "") == 1)

@reward
def longer(problem, rollout):
    """Pays for length."""
    return rollout.written / 64
'''


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A run, and the findings that name its fault. A healthy run expects none."""

    name: str
    settings: str
    expected: tuple[str, ...] = ()
    inject: Injected = nullcontext
    fails: bool = False  # whether the run is refused before its end

    @property
    def healthy(self) -> bool:
        return not self.expected


def write_files(folder: Path, seed: int) -> None:
    """Problems and demonstrations of the faults, in a folder."""
    from r1lite.text.response import respond
    from r1lite.types import Response
    from tasks import tasks

    folder.mkdir(parents=True, exist_ok=True)
    task: Any = tasks["arithmetic"](seed=seed)
    problems = [task.problems("train")[i] for i in range(512)]
    rows = [{"prompt": p.prompt, "answer": p.answer, "start": str(p.info["start"])} for p in problems]
    write_rows(folder / "problems.jsonl", rows)
    one_step = [{"prompt": f"{a}+{b} mod 23", "answer": str((a + b) % 23)} for a in range(3) for b in range(1, 4)]
    write_rows(folder / "easy.jsonl", one_step)
    write_rows(folder / "taught.jsonl", [{"prompt": p.prompt, "completion": respond(task.demonstration(p))} for p in problems[:256]])
    write_rows(folder / "easy_taught.jsonl", [
        {"prompt": row["prompt"], "completion": respond(Response(thought=f"{row['prompt'][:-7]}={row['answer']}", answer=row["answer"]))}
        for row in one_step * 8
    ])  # fmt: skip
    sevens = [{"prompt": p.prompt, "completion": respond(replace(task.demonstration(p), answer="7"))} for p in problems[:256]]
    write_rows(folder / "sevens.jsonl", sevens)


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@contextmanager
def template_lost() -> Iterator[None]:
    """Prompts without their template."""
    from r1lite.prompt import Prompter

    with patch.object(Prompter, "text", lambda self, problem: self.messages(problem)[-1]["content"] + self.prefill):
        yield


@contextmanager
def end_masked() -> Iterator[None]:
    """No token ends a response."""
    with patch("r1lite.sampling.native.engine.end_tokens", lambda *_: frozenset()):
        yield


@contextmanager
def hotter_sampler() -> Iterator[None]:
    """The sampler draws, and reports, at another temperature than the trainer's."""
    from r1lite.stages import rl

    make = rl.make_sampler
    with patch.object(rl, "make_sampler", lambda m, p, c: make(m, p, replace(c, sampler=replace(c.sampler, temperature=1.5)))):
        yield


@contextmanager
def deaf_sampler() -> Iterator[None]:
    """The sampler has weights of its own, and new ones do not reach them."""
    from r1lite.sampling.native.engine import NativeEngine
    from r1lite.stages import rl

    make = rl.make_sampler
    with (
        patch.object(rl, "make_sampler", lambda m, p, c: make(copy.deepcopy(m), p, c)),
        patch.object(NativeEngine, "load", lambda *_: None),
    ):
        yield


OWN = "plugins=[{rules}]"
PARTS = "'task.parts={{arithmetic: {{}}, impossible: {{name: arithmetic, modulus: 997}}}}'"
FREE = "algorithm.kl=none algorithm.kl_coef=0"
TAUGHT = "stages=[cold_start,rl] cold_start.examples=0 cold_start.steps=12 cold_start.data={files}"
FAULTS = (
    Case(name="answers from a wrong column", settings="task=dataset task.path={files}/problems.jsonl 'task.columns={{answer: start}}'",
         expected=("answer_key",)),
    Case(name="chat template lost", settings="", inject=template_lost, expected=("template_lost",)),
    Case(name="end token masked", settings="", inject=end_masked, expected=("no_end",)),
    Case(name="a rule hangs", settings=f"{OWN} rewards.hangs.weight=0.1 scoring.workers=1 scoring.seconds=1 scoring.max_failed_share=1",
         expected=("rule_times_out",)),
    Case(name="a rule hangs, and the run is refused", settings=f"{OWN} rewards.hangs.weight=0.1 scoring.workers=1 scoring.seconds=1 "
         "scoring.max_failed_share=0.005", expected=("rule_times_out",), fails=True),
    Case(name="a rule fails", settings=f"{OWN} rewards.raises.weight=0.1 scoring.max_failed_share=1", expected=("rule_fails",)),
    Case(name="learning rate x 100", settings="rl.lr=2e-2", expected=("learning_rate_too_high",)),
    Case(name="learning rate / 1000", settings="rl.lr=2e-7", expected=("nothing_moves",)),
    Case(name="sampler hotter than trainer", settings="parity.sequences=0", inject=hotter_sampler, expected=("sampler_differs",)),
    Case(name="sampler hotter, and the run is refused", settings="", inject=hotter_sampler, expected=("sampler_differs",), fails=True),
    Case(name="sampler without new weights", settings="parity.sequences=0", inject=deaf_sampler, expected=("sampler_stale",)),
    Case(name="all problems too hard", settings="task.modulus=997", expected=("all_wrong", "too_hard")),
    Case(name="all problems too easy", settings=f"{TAUGHT}/easy_taught.jsonl task=dataset task.path={{files}}/easy.jsonl "
         "cold_start.steps=40",
         expected=("all_right", "too_easy")),
    Case(name="groups of 2 where 5% are right", settings="model.path={base} task.difficulty=hard rl.prompts_per_step=24 rl.group_size=2",
         expected=("group_too_small",)),
    Case(name="completions of at most 24 tokens", settings=f"{TAUGHT}/taught.jsonl sampler.max_tokens=24", expected=("cut_off",)),
    Case(name="a rule of form is gamed", settings=f"{OWN} rewards.one_digit.weight=3 scoring.right_rule=answer",
         expected=("reward_gamed", "rule_dominates")),
    Case(name="a rule pays for length", settings=f"{OWN} rewards.longer.weight=1 scoring.right_rule=answer", expected=("length_rewarded",)),
    Case(name="the weight of the right rule is negative", settings="rewards.answer.weight=-1 scoring.right_rule=answer",
         expected=("reward_opposes_right",)),
    Case(name="a part of a mixture is impossible", settings=f"task=mixture {PARTS} rl.prompts_per_step=8", expected=("source_dead",)),
    Case(name="one answer to everything", settings=f"{TAUGHT}/sevens.jsonl cold_start.steps=30 cold_start.lr=1e-3",
         expected=("mode_collapse",)),
    Case(name="entropy bonus of 1", settings=f"{FREE} algorithm.entropy_coef=1 rl.lr=1e-3 rl.steps=8", expected=("entropy_explosion",)),
    Case(name="36 updates of the same rollouts", settings=f"{FREE} rl.epochs=6 rl.updates_per_step=6 rl.lr=1e-3 rl.steps=4",
         expected=("clip_share_high", "ratio_runaway")),
    Case(name="a critic that does not learn", settings="algorithm=ppo algorithm.critic_lr=1e-9 rl.steps=10", expected=("critic_useless",)),
    Case(name="DPO without support, lr x 20", settings="stages=[reject,dpo] reject.prompts=64 reject.samples=8 dpo.nll_coef=0 dpo.lr=2e-3 "
         "dpo.batch_size=16", expected=("both_sides_fall",)),
)  # fmt: skip

HEALTHY = (
    *(
        Case(name=path.stem, settings=f"algorithm={path.stem} {SCALED.get(path.stem, '')}")
        for path in sorted((CONF / "algorithm").glob("*.yaml"))
    ),
    Case(name="from the base model", settings="model.path={base} rl.prompts_per_step=16"),
    Case(name="one step of lag", settings="rl.lag=1"),
    Case(name="adapters", settings="model.lora_rank=8 rl.lr=1e-3"),
    Case(name="countdown", settings="stages=[cold_start,rl] model.path={base} task=countdown"),
    Case(name="DPO", settings="stages=[reject,dpo] reject.prompts=64 reject.samples=8 dpo.batch_size=16"),
    Case(name="reward model", settings="stages=[reject,reward_model] reject.prompts=64 reject.samples=8 reward_model.batch_size=16 "
         "reward_model.steps=30"),
    Case(name="distillation", settings="stages=[distill] distill.prompts=64 distill.steps=15"),
    Case(name="length penalty", settings="'rewards.length={{weight: 0.5, limit: 96, margin: 48}}'"),
)  # fmt: skip

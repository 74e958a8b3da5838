"""Run directories as tests of the page need them: small, written by hand, without training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from r1lite.store.ledger import Ledger
from r1lite.types import Problem, Rollout, Scored, Verdict

HOSTILE = (
    "<script>window.hacked=1</script>",
    "</script><script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    "<svg onload=window.hacked=1>",
    "<!--<script>",
    "]]><script>window.hacked=1</script>",
    "</textarea></title></style><script>window.hacked=1</script>",
    "<iframe src=https://example.com></iframe>",
    "<link rel=stylesheet href=//example.com/a.css>",
    "<style>*{display:none}</style>",
    "javascript:window.hacked=1",
    "<a href='javascript:window.hacked=1' autofocus onfocus=window.hacked=1>x</a>",
    "\u202egnp.exe\u202c",
    "\u2066\u2067hidden\u2069\u200b\u200d\ufeff",
    "\x00\x07\x1b[2J\x1b]0;title\x07\x7f",
    "\ufffd broken \udcff".encode("utf-8", "surrogateescape").decode("utf-8", "replace"),
    "{{constructor.constructor('window.hacked=1')()}} ${window.hacked=1}",
    "x" * 100_000,
    "\n" * 500 + "&lt;b&gt; &amp;",
    "Z\u0351\u036b\u0343" * 40 + "\U000e0041\U000e0042 \u2028\u2029",
)


def rollout(text: str, *, problem: str = "p0", index: int = 0, right: bool = True, **verdicts: Verdict) -> Scored:
    made = Rollout(problem_id=problem, index=index, prompt_ids=(1,), token_ids=(2, 3), logprobs=(-0.5, -0.1), text=text)
    own = verdicts or {"answer": Verdict(value=float(right), why="extracted", spans=((0, 1),)), "format": Verdict(value=1.0)}
    asked = Problem(id=problem, prompt=f"what is {problem}?", answer="42")
    return Scored(problem=asked, rollout=made, reward=float(right) + 0.1, verdicts=own, right=right)


def groups(problems: Sequence[str], step: int, size: int = 4) -> list[list[Scored]]:
    """The more steps, the more rollouts are right."""
    return [
        [rollout(f"<answer>{42 if i < step else 7}</answer> of {name}", problem=name, index=i, right=i < step) for i in range(size)]
        for name in problems
    ]


def write_run(
    folder: Path, *, steps: int = 3, problems: Sequence[str] = ("p0", "p1"), name: str = "arithmetic", shuffled: bool = False
) -> Path:
    """A run with one stage of reinforcement learning, evaluated before and after it."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"run_dir": str(folder), "task": {"name": name}, "rl": {"steps": 9, "shuffle_rewards": shuffled}}
    (folder / "config.yaml").write_text(json.dumps(settings))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(metrics(step)) + "\n" for step in range(1, steps + 1)))
    ledger = Ledger(folder / "rl" / "rollouts", "rl")
    for step in range(1, steps + 1):
        ledger.write(step, groups(problems, step))
    record = {"stage": "rl", "start": "tiny_base", "inputs": "f00d", "weights": "rl/final", "seconds": 6.0}
    (folder / "rl" / "begun.json").write_text(json.dumps(record))
    (folder / "rl" / "done.json").write_text(json.dumps(record))
    summary = {"status": "finished", "seconds": 7.0, "stages": [stage("base", 0.2), stage("rl", 0.8)]}
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def metrics(step: int) -> dict[str, Any]:
    rewards = {"reward/mean": 0.2 * step, "reward/answer": 0.2 * step, "zero_variance_share": 0.1}
    learning = {"entropy": 1 / step, "loss": 0.0, "grad_norm": 0.5, "mismatch/kl": 1e-9}
    responses = {"response/length_mean": 30 + step, "response/clipped_share": 0.0}
    seconds = {"seconds/total": 2.0, "seconds/wait": 1.5, "seconds/train": 0.5}
    return {"stage": "rl", "step": step, **rewards, **learning, **responses, **seconds}


def stage(name: str, rate: float) -> dict[str, Any]:
    figures = {"pass@1": rate, "greedy": rate, "pass@4": rate + 0.1, "maj@4": rate, "length_mean": 30.0, "problems": 100, "k": 4}
    return {"name": name, "seconds": 3.0, "weights": f"{name}/final", "parameters": 1000, "eval": figures, "eval_hard": figures}


def add_finding(folder: Path, **changes: Any) -> None:
    begins = {"event": "begins", "name": "all_wrong", "stage": "rl", "step": 2, "since": 1, "weight": "warning"}
    begins |= {"title": "no rollout is right", "evidence": {"reward/mean": 0.0}, "meaning": "Nothing can be learnt."}
    with (folder / "diagnosis.jsonl").open("a") as file:
        file.write(json.dumps(begins | {"overrides": ["rl.group_size=16"]} | changes) + "\n")

"""Scoring from outside: completions in, rewards and verdicts out, one JSON object a line, in the same order.

    python -m r1lite.score rewards='{answer: {}, format: {weight: 0.2}}' input=in.jsonl output=out.jsonl

In: `completion`, and `answer`, `prompt`, or any column a rule reads from `problem.info`. Without input or output the
lines are read from standard input and written to standard output, so it can stand in a pipe.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import IO, Any

from r1lite.config import ScoringConfig
from r1lite.registry import unknown
from r1lite.rules import Rules
from r1lite.score import Scorer
from r1lite.types import Group, Problem, Rollout, Scored

CHUNK = 512  # lines in flight: enough to keep every worker busy, few enough to begin writing at once
OPTIONS = {"rewards": None, "input": "-", "output": "-", "plugins": [], "workers": 2, "seconds": 2.0, "memory_mb": 1024}


def main() -> None:
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(__doc__)
        return
    try:
        score_lines(**_options(sys.argv[1:]))
    except ValueError as error:
        sys.exit(f"error: {error}")


def score_lines(
    *, rewards: dict[str, Any], input: str, output: str, plugins: list[str], workers: int, seconds: float, memory_mb: int
) -> None:
    # Nothing is trained on these verdicts, so a rule that fails is reported on its line and stops nobody.
    cfg = ScoringConfig(workers=workers, seconds=seconds, memory_mb=memory_mb, max_failed_share=1.0, right_rule="", right_at=1.0)
    rules = Rules.from_config(rewards, plugins)
    with ExitStack() as stack:
        source = sys.stdin if input == "-" else stack.enter_context(_opened(Path(input), "r"))
        target = sys.stdout if output == "-" else stack.enter_context(_opened(Path(output), "w"))
        scorer = stack.enter_context(Scorer(rules, cfg))
        rows = _rows(source, input)
        while chunk := list(islice(rows, CHUNK)):
            scored = scorer.score(as_group(row, f"{input}:{line}") for line, row in chunk)
            for (_, row), group in zip(chunk, scored, strict=True):
                target.write(json.dumps(row | _result(group[0]), ensure_ascii=False) + "\n")
            target.flush()


def as_group(row: dict[str, Any], place: str) -> Group:
    """A line as the rules see it: a problem with one rollout."""
    info = {name: value for name, value in row.items() if name not in ("prompt", "answer", "completion")}
    problem = Problem(id=place, prompt=row.get("prompt", ""), answer=row.get("answer"), info=info)
    tokens = tuple(row.get("token_ids", ()))
    rollout = Rollout(problem_id=place, index=0, prompt_ids=(), token_ids=tokens, logprobs=(), text=row["completion"])
    return Group(problem=problem, rollouts=(rollout,))


def _result(scored: Scored) -> dict[str, Any]:
    verdicts = {name: {"value": v.value, "outcome": v.outcome, "why": v.why} for name, v in scored.verdicts.items()}
    return {"reward": scored.reward, "verdicts": verdicts}


def _rows(source: Iterable[str], name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, text in enumerate(source, start=1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except ValueError as error:
            raise ValueError(f"{name}, line {line}: this is not JSON ({error})") from error
        if not isinstance(row, dict) or not isinstance(row.get("completion"), str):
            raise ValueError(f"{name}, line {line}: a line is an object with a text `completion`")
        yield line, row


def _opened(path: Path, mode: str) -> IO[str]:
    try:
        return path.open(mode, encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{path} cannot be opened: {error.strerror}") from error


def _options(arguments: list[str]) -> dict[str, Any]:
    """name=value, the values as YAML, as everywhere in r1lite."""
    import yaml

    options = dict(OPTIONS)
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if name not in OPTIONS or not equals:
            raise ValueError(unknown("option", name, OPTIONS) + " Options are written as name=value.")
        options[name] = value if name in ("input", "output") else yaml.safe_load(value)
    if not isinstance(options["rewards"], dict):
        raise ValueError("rewards is needed, such as rewards='{answer: {}, format: {weight: 0.2}}'")
    return options

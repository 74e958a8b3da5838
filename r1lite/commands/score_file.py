"""Scoring from outside: completions in, rewards and verdicts out, one JSON object a line, in the same order.

    python -m r1lite.score rewards='{answer: {}, format: {weight: 0.2}}' input=in.jsonl output=out.jsonl

In: `completion`, and `answer`, `prompt`, or any column a rule reads from `problem.info`; `token_ids` and finish=length where
they are known. Without input or output (or with `-`) the lines are read from standard input and written to standard
output, so it can stand in a pipe. Rules that compare responses see the lines of one `id` (without it, of one `prompt`).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import IO, Any

from r1lite.commands import _shell
from r1lite.commands.mutants import as_rollout
from r1lite.config import ScoringConfig
from r1lite.registry import unknown
from r1lite.scoring.rules import Rules
from r1lite.scoring.scorer import Scorer
from r1lite.types import Group, Problem, Rollout, Scored
from rewards import rewards as registry

CHUNK = 512  # lines in flight: enough to keep every worker busy, few enough to begin writing at once
Line = tuple[int, dict[str, Any]]  # its number, and what it holds
OPTIONS = {"rewards": None, "input": "-", "output": "-", "plugins": [], "workers": 2, "seconds": 2.0, "memory_mb": 1024}


def main() -> None:
    _shell.run(lambda words: score_lines(**_options(words)), help=__doc__, bare=True)


def score_lines(
    *, rewards: dict[str, Any], input: str, output: str, plugins: list[str], workers: int, seconds: float, memory_mb: int
) -> None:
    # Nothing is trained on these verdicts, so a rule that fails is reported on its line and stops nobody.
    cfg = ScoringConfig(workers=workers, seconds=seconds, memory_mb=memory_mb, max_failed_share=1.0, right_rule="", right_at=1.0)
    rules = Rules.from_config(rewards, plugins)
    if "-" not in (input, output) and Path(input).resolve() == Path(output).resolve():
        raise ValueError(f"input and output are the same file, {input}: writing it would empty it first")
    with ExitStack() as stack:
        source = sys.stdin if input == "-" else stack.enter_context(_opened(Path(input), "r"))
        target = sys.stdout if output == "-" else stack.enter_context(_opened(Path(output), "w"))
        scorer = stack.enter_context(Scorer(rules, cfg))
        rows = _rows(source, input)
        while chunk := list(islice(rows, None if _comparing(rules) else CHUNK)):
            for (_, row), scored in zip(chunk, scored_rows(scorer, chunk, input), strict=True):
                target.write(json.dumps(row | _result(scored), ensure_ascii=False) + "\n")
            target.flush()


def scored_rows(scorer: Scorer, lines: Sequence[Line], name: str) -> list[Scored]:
    """Each line scored, in their order. Rules that compare see those of one problem together."""
    compares = _comparing(scorer.rules)
    groups = _same_problem(lines, name, compares[0]) if compares else [[line] for line in lines]
    scored = scorer.score(_joined([row for _, row in group], f"{name}:{group[0][0]}") for group in groups)
    results = {line: one for group, told in zip(groups, scored, strict=True) for (line, _), one in zip(group, told, strict=True)}
    return [results[line] for line, _ in lines]


def _comparing(rules: Rules) -> list[str]:
    return [name for name in rules.weights if registry.declaration(name).scores_groups]


def as_group(row: Mapping[str, Any], place: str) -> Group:
    """A line as the rules see it: a problem with one rollout."""
    return _joined([row], place)


def _joined(rows: Sequence[Mapping[str, Any]], place: str) -> Group:
    """Lines of one problem: it has the columns that they agree on, and a rollout for each."""
    first, *others = rows
    info = {
        column: value
        for column, value in first.items()
        if column not in ("prompt", "answer", "completion") and all(column in other and other[column] == value for other in others)
    }
    problem = Problem(id=place, prompt=first.get("prompt", ""), answer=first.get("answer"), info=info)
    return Group(problem=problem, rollouts=tuple(_rollout(row, problem, i) for i, row in enumerate(rows)))


def _rollout(row: Mapping[str, Any], problem: Problem, index: int) -> Rollout:
    rollout = as_rollout(row["completion"], problem, index=index, finish="length" if row.get("finish") == "length" else "stop")
    return replace(rollout, token_ids=tuple(row["token_ids"])) if "token_ids" in row else rollout


def _same_problem(lines: Sequence[Line], name: str, rule: str) -> list[list[Line]]:
    """The lines of one problem together, in the order in which the problems come."""
    groups: dict[str, list[Line]] = {}
    for line, row in lines:
        column = next((c for c in ("id", "prompt") if row.get(c) not in (None, "")), None)
        if column is None:
            raise ValueError(f"{name}, line {line}: an id or a prompt is missing, and rule {rule} compares the responses of one problem")
        group = groups.setdefault(json.dumps([column, row[column]], sort_keys=True), [])
        if group and group[0][1].get("answer") != row.get("answer"):
            raise ValueError(f"{name}, line {line}: another answer than in line {group[0][0]}, which has the same {column}")
        group.append((line, row))
    return list(groups.values())


def _result(scored: Scored) -> dict[str, Any]:
    verdicts = {name: {"value": v.value, "outcome": v.outcome, "why": v.why} for name, v in scored.verdicts.items()}
    return {"reward": scored.reward, "verdicts": verdicts}


def _rows(source: Iterable[str], name: str) -> Iterator[Line]:
    for line, text in enumerate(source, start=1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except ValueError as error:
            raise ValueError(f"{name}, line {line}: this is not JSON ({error})") from error
        if not isinstance(row, dict) or not isinstance(row.get("completion"), str):
            raise ValueError(f"{name}, line {line}: a line is an object with a text `completion`")
        if not isinstance(row.get("token_ids", []), list):
            raise ValueError(f"{name}, line {line}: token_ids should be a list, got {row['token_ids']!r:.40}")
        yield line, row


def _opened(path: Path, mode: str) -> IO[str]:
    try:
        # Half a character, which JSON can name and UTF-8 cannot, is written as it was read.
        return path.open(mode, encoding="utf-8", errors="backslashreplace" if mode == "w" else "strict")
    except OSError as error:
        raise ValueError(f"{path} cannot be opened: {error.strerror}") from error


def _options(arguments: Sequence[str]) -> dict[str, Any]:
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

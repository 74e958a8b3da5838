"""Score completions from a file or a pipe, one JSON object per line. Each gets its reward and verdicts; the order stays.

    python -m r1lite.score rewards='{answer: {}, format: {weight: 0.2}}' input=in.jsonl output=out.jsonl

A line has `completion`, and `answer`, `prompt` or any column that a rule reads from `problem.info`; also `token_ids` and
finish=length if they are known. Without input or output, or with `-`, it reads standard input and writes standard output.
Rules that compare responses see the lines with the same `id` (without one, the same `prompt`) together.
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

from r1lite.audit.mutants import as_rollout
from r1lite.commands import _shell
from r1lite.config import ScoringConfig
from r1lite.scoring.rules import Rules
from r1lite.scoring.scorer import Scorer
from r1lite.types import Group, Problem, Rollout, Scored
from rewards import rewards as registry

CHUNK = 512  # lines scored at once: enough to keep every worker busy, few enough to start writing soon
Line = tuple[int, dict[str, Any]]  # number and object
OPTIONS = {"rewards": None, "input": "-", "output": "-", "plugins": [], "workers": 2, "seconds": 2.0, "memory_mb": 1024}


def main() -> None:
    _shell.run(lambda words: score_lines(**_options(words)), help=__doc__, bare=True)


def score_lines(
    *, rewards: dict[str, Any], input: str, output: str, plugins: list[str], workers: int, seconds: float, memory_mb: int
) -> None:
    """Score the lines of `input`, and write them to `output` with their rewards and verdicts."""
    # Nothing is trained on these verdicts, so a rule that fails is only reported on its line.
    cfg = ScoringConfig(workers=workers, seconds=seconds, memory_mb=memory_mb, max_failed_share=1.0, right_rule="", right_at=1.0)
    rules = Rules.from_config(rewards, plugins)
    if "-" not in (input, output) and Path(input).resolve() == Path(output).resolve():
        raise ValueError(f"input and output are the same file, {input}: opening it for writing would erase the input")
    with ExitStack() as stack:
        source = sys.stdin if input == "-" else stack.enter_context(_opened(Path(input), "r"))
        target = sys.stdout if output == "-" else stack.enter_context(_opened(Path(output), "w"))
        scorer = stack.enter_context(Scorer(rules, cfg))
        lines = _read_lines(source, input)
        while chunk := list(islice(lines, None if _group_rules(rules) else CHUNK)):
            for (_, row), scored in zip(chunk, scored_rows(scorer, chunk, input), strict=True):
                target.write(json.dumps(row | _result(scored), ensure_ascii=False) + "\n")
            target.flush()


def scored_rows(scorer: Scorer, lines: Sequence[Line], name: str) -> list[Scored]:
    """Score the lines, in their order. Rules that score groups see the lines of one problem together."""
    group_rules = _group_rules(scorer.rules)
    groups = _by_problem(lines, name, group_rules[0]) if group_rules else [[line] for line in lines]
    scored_groups = scorer.score(_group([row for _, row in group], f"{name}:{group[0][0]}") for group in groups)
    scored = {line: s for group, of_group in zip(groups, scored_groups, strict=True) for (line, _), s in zip(group, of_group, strict=True)}
    return [scored[line] for line, _ in lines]


def _group_rules(rules: Rules) -> list[str]:
    return [name for name in rules.weights if registry.declaration(name).scores_groups]


def as_group(row: Mapping[str, Any], problem_id: str) -> Group:
    """A line as a problem with one rollout, which is what rules take."""
    return _group([row], problem_id)


def _group(rows: Sequence[Mapping[str, Any]], problem_id: str) -> Group:
    """The lines of one problem as a group. The problem has the columns whose values are the same on all lines."""
    first, *others = rows
    info = {
        column: value
        for column, value in first.items()
        if column not in ("prompt", "answer", "completion") and all(column in other and other[column] == value for other in others)
    }
    problem = Problem(id=problem_id, prompt=first.get("prompt", ""), answer=first.get("answer"), info=info)
    return Group(problem=problem, rollouts=tuple(_rollout(row, problem, i) for i, row in enumerate(rows)))


def _rollout(row: Mapping[str, Any], problem: Problem, index: int) -> Rollout:
    rollout = as_rollout(row["completion"], problem, index=index, finish="length" if row.get("finish") == "length" else "stop")
    return replace(rollout, token_ids=tuple(row["token_ids"])) if "token_ids" in row else rollout


def _by_problem(lines: Sequence[Line], name: str, rule: str) -> list[list[Line]]:
    """The lines grouped by problem, in the order of each problem's first line."""
    groups: dict[str, list[Line]] = {}
    for line, row in lines:
        column = next((c for c in ("id", "prompt") if row.get(c) not in (None, "")), None)
        if column is None:
            raise ValueError(
                f"{name}, line {line}: id or prompt is missing, and rule {rule} needs one to find the responses to the same problem"
            )
        group = groups.setdefault(json.dumps([column, row[column]], sort_keys=True), [])
        if group and group[0][1].get("answer") != row.get("answer"):
            raise ValueError(f"{name}, line {line}: the answer differs from that in line {group[0][0]}, which has the same {column}")
        group.append((line, row))
    return list(groups.values())


def _result(scored: Scored) -> dict[str, Any]:
    verdicts = {
        name: {"value": v.value, "outcome": v.outcome, "why": v.why, "how": v.how, "spans": v.spans} for name, v in scored.verdicts.items()
    }
    return {"reward": scored.reward, "verdicts": verdicts}


def _read_lines(source: Iterable[str], name: str) -> Iterator[Line]:
    for line, text in enumerate(source, start=1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except ValueError as error:
            raise ValueError(f"{name}, line {line}: not valid JSON ({error})") from error
        if not isinstance(row, dict) or not isinstance(row.get("completion"), str):
            raise ValueError(f"{name}, line {line}: expected a JSON object with a string `completion`")
        if not isinstance(row.get("token_ids", []), list):
            raise ValueError(f"{name}, line {line}: token_ids must be a list, got {row['token_ids']!r:.40}")
        yield line, row


def _opened(path: Path, mode: str) -> IO[str]:
    try:
        # A lone surrogate, which JSON can express and UTF-8 cannot, is written as it was read.
        return path.open(mode, encoding="utf-8", errors="backslashreplace" if mode == "w" else "strict")
    except OSError as error:
        raise ValueError(f"{path} cannot be opened: {error.strerror}") from error


def _options(arguments: Sequence[str]) -> dict[str, Any]:
    """The settings with their defaults. Values are YAML, except for file names."""
    import yaml

    settings = _shell.parse_settings(arguments, OPTIONS)
    options = OPTIONS | {name: value if name in ("input", "output") else yaml.safe_load(value) for name, value in settings.items()}
    if not isinstance(options["rewards"], dict):
        raise ValueError("rewards is missing: set it, such as rewards='{answer: {}, format: {weight: 0.2}}'")
    return options

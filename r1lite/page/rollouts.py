"""The chosen rollouts as columns, in which texts and names that repeat are numbers: what the browser searches."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from r1lite.page.folder import finite
from r1lite.page.pieces import Pieces
from r1lite.page.sample import LONGEST, Chosen, shortened

FIELDS = "stage step problem index finish right reward advantage trained text cut verdicts group tokens".split()
OUTCOMES = ("scored", "abstained", "failed", "timed_out")
COLUMNS = (
    "stage step problem_id index prompt answer response finish right reward advantage trained verdicts token_ids logprobs mask".split()
)
FIRST_CODE, LAST_LEVEL = 48, 60  # numbers of tokens are written as characters from "0" on
MOST_TOKENS = 4_000  # of a rollout whose tokens can be coloured


class Table:
    """Collects rollouts. `columns` is what the page holds."""

    def __init__(self) -> None:
        self.strings: dict[str, int] = {}
        self.problems: dict[tuple[str, str, str], int] = {}
        self.rows: dict[str, list[Any]] = {name: [] for name in FIELDS}
        self.groups = 0

    def columns(self) -> dict[str, Any]:
        problems = [{"id": name, "prompt": prompt, "answer": answer} for name, prompt, answer in self.problems]
        return {"strings": [*self.strings], "problems": problems, "outcomes": OUTCOMES, **self.rows}

    def add(self, chosen: Iterable[Chosen], pieces: Mapping[str, Pieces | None], notes: list[str]) -> None:
        for file, of_file in groupby(chosen, key=lambda one: one.step.file):
            groups = [*of_file]
            try:
                rows = _rows(file, groups)
            except (OSError, ValueError, KeyError) as error:  # the file has changed since it was listed, or is damaged further in
                notes.append(f"{file.name} cannot be read in full ({type(error).__name__}): its rollouts are left out")
                continue
            for one, of_group in zip(groups, rows, strict=True):
                for row in of_group:
                    self._add(row, pieces.get(one.stage))
                self.groups += 1

    def _add(self, row: Mapping[str, Any], pieces: Pieces | None) -> None:
        response, whole = shortened(row["response"] or ""), row["response"] or ""
        problem = (row["problem_id"] or "", shortened(row["prompt"] or "").text, shortened(row["answer"] or "").text)
        values = {
            "stage": self._number(row["stage"] or ""),
            "step": row["step"],
            "problem": self.problems.setdefault(problem, len(self.problems)),
            "index": row["index"],
            "finish": self._number(row["finish"] or ""),
            "right": int(bool(row["right"])),
            "reward": finite(row["reward"]),
            "advantage": _short(row.get("advantage")),
            "trained": int(bool(row.get("trained"))),
            "text": response.text,
            "cut": [response.cut_at, response.missing] if response.missing else 0,
            "verdicts": [self._verdict(verdict, response.moved) for verdict in row["verdicts"] or ()],
            "group": self.groups,
            "tokens": None if response.missing else _tokens(row, whole, pieces),
        }
        for name, value in values.items():
            self.rows[name].append(value)

    def _verdict(self, verdict: Mapping[str, Any], moved: Any) -> list[Any]:
        """[rule, value, outcome, why, spans]"""
        outcome = verdict["outcome"] if verdict["outcome"] in OUTCOMES else "failed"
        spans = moved([span for span in verdict.get("spans") or () if len(span) == 2])
        why = self._number(shortened(verdict["why"] or "").text)
        return [self._number(verdict["rule"] or ""), _short(verdict["value"]), OUTCOMES.index(outcome), why, *([spans] if spans else [])]

    def _number(self, text: str) -> int:
        return self.strings.setdefault(text, len(self.strings))


def _rows(file: Any, groups: Sequence[Chosen]) -> list[list[dict[str, Any]]]:
    """The rows of the chosen groups of a file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    parquet = pq.ParquetFile(file)
    table = parquet.read(columns=[name for name in COLUMNS if name in parquet.schema_arrow.names])
    wanted = [row for one in groups for row in range(one.group.first, one.group.first + one.group.size)]
    table = table.take(pa.array(wanted))
    for name in ("prompt", "answer", "response", "problem_id"):  # bytes that are no UTF-8 must not stop the page
        table = table.set_column(table.schema.get_field_index(name), name, table[name].cast(pa.binary()))
    rows = iter(table.to_pylist())
    return [[_decoded(next(rows)) for _ in range(one.group.size)] for one in groups]


def _decoded(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value.decode("utf-8", errors="replace") if isinstance(value, bytes) else value for key, value in row.items()}


def _tokens(row: Mapping[str, Any], response: str, pieces: Pieces | None) -> list[Any] | None:
    """[characters before the first token, characters of each, how unlikely each was, which the model wrote]"""
    tokens, logprobs = row.get("token_ids") or (), row.get("logprobs") or ()
    if pieces is None or not 0 < len(tokens) <= MOST_TOKENS or len(logprobs) != len(tokens) or len(response) > LONGEST:
        return None
    found = pieces.lengths(tokens, response)
    if found is None or max(found[1]) > LAST_LEVEL + 17:
        return None
    mask = row.get("mask") or ()
    masked = "".join("1" if written else "0" for written in mask) if mask else ""
    return [found[0], _codes(found[1]), _codes(map(level, logprobs)), *([masked] if masked else [])]


def level(logprob: float | None) -> int:
    """A log-prob as one of 61 levels, finer near 0: x = -logprob is (2 ** (level / 8) - 1) / 16."""
    x = -logprob if logprob is not None and math.isfinite(logprob) and logprob < 0 else 0.0
    return min(LAST_LEVEL, round(8 * math.log2(1 + 16 * x)))


def _codes(numbers: Iterable[int]) -> str:
    return "".join(chr(FIRST_CODE + number) for number in numbers)


def _short(value: Any) -> float | int | None:
    number = finite(value)
    return None if number is None else float(f"{number:.5g}")

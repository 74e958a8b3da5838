"""The ledger: every rollout of a stage in Parquet, with its prompt, response, reward and the verdict of each rule."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from r1lite.parallel import world
from r1lite.store.files import atomic
from r1lite.types import Credit, Problem, Rollout, Scored, Turn, Verdict


class Ledger:
    """A folder of Parquet files, one per step. A step that is repeated after a resume replaces its file."""

    def __init__(self, folder: Path, stage: str) -> None:
        self.folder, self.stage = folder, stage
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, step: int, groups: Sequence[Sequence[Scored]], credits: Sequence[Sequence[Credit | None]] | None = None) -> None:
        """Write all rollouts of a step. `advantage` is null if none was computed; `trained` marks rollouts used in the update."""
        if not world.is_leader():
            return
        import pyarrow as pa
        import pyarrow.parquet as pq

        credits = credits or [[None] * len(group) for group in groups]
        rows = [
            _row(self.stage, step, scored, credit)
            for group, row in zip(groups, credits, strict=True)
            for scored, credit in zip(group, row, strict=True)
        ]
        with atomic(self.folder / _name(step)) as path:
            pq.write_table(pa.Table.from_pylist(rows, schema=_schema()), path, compression="zstd")

    def read(self, step: int, problems: Sequence[Problem] | None = None) -> list[list[Scored]] | None:
        """The groups that were written in a step; None if it was not written. Without `problems`, theirs have only what rows hold."""
        import pyarrow.parquet as pq

        path = self.folder / _name(step)
        if not path.exists():
            return None
        rows = pq.read_table(path).to_pylist()
        if problems is None:
            problems = [Problem(id=row["problem_id"], prompt=row["prompt"], answer=row["answer"]) for row in rows if row["index"] == 0]
        by_id = {problem.id: problem for problem in problems}
        assert {row["problem_id"] for row in rows} <= by_id.keys(), f"{path} has rollouts of other problems"
        groups: list[list[Scored]] = []
        for row in rows:
            if row["index"] == 0:  # not when the problem changes: the same one may occur twice in a row
                groups.append([])
            groups[-1].append(_scored(row, by_id[row["problem_id"]]))
        return groups


def _name(step: int) -> str:
    return f"step-{step:06d}.parquet"


def _scored(row: dict[str, Any], problem: Problem) -> Scored:
    rollout = Rollout(
        problem_id=problem.id,
        index=row["index"],
        text=row["response"],
        finish=row["finish"],
        version=row["version"],
        prompt_ids=tuple(row["prompt_ids"]),
        token_ids=tuple(row["token_ids"]),
        logprobs=tuple(row["logprobs"]),
        mask=tuple(row.get("mask") or ()),
        versions=tuple((version, tokens) for version, tokens in row.get("versions") or ()),
        turns=tuple(Turn(**turn) for turn in row.get("turns") or ()),
        ended=row.get("ended"),
    )
    verdicts = {v["rule"]: _verdict(v) for v in row["verdicts"]}
    return Scored(problem=problem, rollout=rollout, reward=row["reward"], verdicts=verdicts, right=row["right"])


def _verdict(v: dict[str, Any]) -> Verdict:
    spans = tuple((start, end) for start, end in v.get("spans") or ())
    return Verdict(value=v["value"], why=v["why"], outcome=v["outcome"], how=v.get("how") or "", spans=spans)


def _row(stage: str, step: int, scored: Scored, credit: Credit | None) -> dict[str, Any]:
    problem, rollout = scored.problem, scored.rollout
    verdicts = [
        {"rule": name, "value": v.value, "outcome": v.outcome, "why": v.why, "how": v.how, "spans": v.spans}
        for name, v in scored.verdicts.items()
    ]
    return {
        "stage": stage,
        "step": step,
        "problem_id": problem.id,
        "index": rollout.index,
        "prompt": problem.prompt if isinstance(problem.prompt, str) else problem.prompt[-1]["content"],
        "answer": None if problem.answer is None else str(problem.answer),
        "response": rollout.response,
        "finish": rollout.finish,
        "right": scored.right,
        "reward": scored.reward,
        "advantage": None if credit is None else credit.advantage,
        "trained": credit is not None and credit.trained,
        "verdicts": verdicts,
        "prompt_ids": rollout.prompt_ids,
        "token_ids": rollout.token_ids,
        "logprobs": rollout.logprobs,
        "version": rollout.version,
        "mask": rollout.mask,
        "versions": rollout.versions,
        "turns": [{"text": turn.text, "tokens": turn.tokens, "sampled": turn.sampled} for turn in rollout.turns],
        "ended": rollout.ended,
    }


def _schema() -> Any:
    import pyarrow as pa

    columns = {"rule": pa.string(), "value": pa.float64(), "outcome": pa.string(), "why": pa.string(), "how": pa.string()}
    verdict = pa.struct([*columns.items(), ("spans", pa.list_(pa.list_(pa.int32())))])
    types = {
        "stage": pa.string(),
        "step": pa.int64(),
        "problem_id": pa.string(),
        "index": pa.int32(),
        "prompt": pa.string(),
        "answer": pa.string(),
        "response": pa.string(),
        "finish": pa.string(),
        "right": pa.bool_(),
        "reward": pa.float64(),
        "advantage": pa.float64(),
        "trained": pa.bool_(),
        "verdicts": pa.list_(verdict),
        "prompt_ids": pa.list_(pa.int32()),
        "token_ids": pa.list_(pa.int32()),
        "logprobs": pa.list_(pa.float32()),
        "version": pa.int32(),
        "mask": pa.list_(pa.bool_()),
        "versions": pa.list_(pa.list_(pa.int32())),
        "turns": pa.list_(pa.struct([("text", pa.string()), ("tokens", pa.int32()), ("sampled", pa.bool_())])),
        "ended": pa.string(),
    }
    return pa.schema(list(types.items()))

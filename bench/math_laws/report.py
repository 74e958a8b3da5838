"""Verdicts of a judge on cases, counted by kind."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass

from bench.math_laws.cases import Case
from rewards import Problem, Rollout, Verdict, rewards

Judge = Callable[[str, str], bool]  # of gold answer and response


@dataclass(frozen=True, slots=True)
class Judged:
    case: Case
    paid: bool
    error: str = ""

    @property
    def fault(self) -> str:
        if self.error:
            return "exception"
        if self.case.right is None or self.paid == self.case.right:
            return ""
        return "wrong paid" if self.paid else "right refused"


def rule(gold: str, response: str) -> bool:
    """The math rule, as a run calls it. No verdict on a generated gold answer counts as unpaid."""
    rollout = Rollout(problem_id="0", index=0, prompt_ids=(), token_ids=(), logprobs=(), text=response)
    verdict = rewards["math"](Problem(id="0", prompt="", answer=gold), rollout)
    return isinstance(verdict, Verdict) and verdict.value == 1


def judged(cases: Iterable[Case], judge: Judge = rule) -> Iterator[Judged]:
    for case in cases:
        try:
            yield Judged(case, judge(case.gold, case.response))
        except Exception as error:  # a law says that there is none
            yield Judged(case, False, f"{type(error).__name__}: {error}")


def table(verdicts: Iterable[Judged]) -> str:
    """Markdown: cases and faults of every kind."""
    cases: Counter[tuple[str, bool | None]] = Counter()
    faults: Counter[tuple[str, str]] = Counter()
    for one in verdicts:
        cases[one.case.kind, one.case.right] += 1
        faults[one.case.kind, one.fault] += 1
    lines = ["| kind | right | refused | wrong | paid | damaged | exceptions |", "|---|---|---|---|---|---|---|"]
    kinds = list(dict.fromkeys(kind for kind, _ in cases))
    for kind in [*kinds, "all"]:
        names = kinds if kind == "all" else [kind]
        right, wrong, damaged = (sum(cases[n, side] for n in names) for side in (True, False, None))
        refused, paid, errors = (sum(faults[n, fault] for n in names) for fault in ("right refused", "wrong paid", "exception"))
        lines.append(f"| {kind} | {right:,} | {refused:,} | {wrong:,} | {paid:,} | {damaged:,} | {errors:,} |")
    return "\n".join(lines)


def record(one: Judged) -> str:
    """A line of JSON: the fault, and whether the answer in a plain box fares better than in its wrapping."""
    in_box = rule(one.case.gold, f"\\boxed{{{one.case.answer}}}") if one.fault == "right refused" else None
    return json.dumps({"fault": one.fault, "error": one.error, "paid_in_box": in_box, **asdict(one.case)}, ensure_ascii=False)

"""Does the program in the response pass the problem's tests? It is run in the sandbox, and judged outside of it.

Covered: the one fenced Python block of the answer, or without answer tags the last one after the thought. Tests of stdin
and stdout, of a function's arguments and result, and of assertions; the expected results never go where the program
could see them, and assertions run in a process that it cannot reach. All tests have to pass, unless `partial` pays
their share. Without tests there is no verdict, and a sandbox that fails is a failed verdict: neither is ever 0.
Not covered: other languages than Python; programs whose right output is not the only one, such as any of several orders.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from rewards import Problem, Rollout, Verdict, reward
from rewards._code.box import box
from rewards._code.cases import Suite, suite_of
from rewards._code.compare import same_output, same_value
from rewards._fence import program_of
from rewards._options import at_least, one_of

if TYPE_CHECKING:
    from sandbox import Limits, Result

LANGUAGES = ("python",)  # another one needs an interpreter in the jail and a line in _program
TIERS = ("full", "reduced", "unsafe")
OVERHEAD = 2.0  # seconds that a verdict may take beyond its programs' own


def warm_up(*, tier: str = "full", **_: object) -> None:
    """Start the sandbox before any verdict has a deadline."""
    box(tier)


def deadline(*, total_seconds: float = 10.0, **_: object) -> float:
    """How long a verdict may take: the scorer gives it so much, whatever scoring.seconds is."""
    return total_seconds + OVERHEAD


@reward("code", warm_up=warm_up, deadline=deadline)
def code(
    problem: Problem,
    rollout: Rollout,
    *,
    column: str = "tests",
    partial: bool = False,
    seconds: float = 2.0,
    total_seconds: float = 10.0,
    memory_mb: int = 256,
    language: str = "python",
    tier: str = "full",
) -> Verdict | None:
    """1 where all tests pass, else 0. Abstains where the problem has no tests.

    column: the column that holds the tests
    partial: whether a program that passes some cases earns their share
    seconds: the time limit of one case of stdin and stdout, or of all calls of a function together
    total_seconds: the time limit of all cases; those that are not reached have not passed
    memory_mb: the memory limit of a program
    language: of the programs
    tier: full isolation; reduced where the kernel allows no more, unsafe for none at all, both said loudly
    """
    at_least("code", "seconds", seconds, 0.01)
    at_least("code", "total_seconds", total_seconds, seconds)
    at_least("code", "memory_mb", memory_mb, 16)
    one_of("code", "language", language, LANGUAGES)
    one_of("code", "tier", tier, TIERS)
    suite = suite_of(problem.info, column)
    if not suite:
        return Verdict(value=None, why="the problem has no tests")
    box(tier)  # before the response is read: a sandbox that does not start is noticed on any response, so before a run begins
    program, why = program_of(rollout.response)
    if program is None:
        return Verdict(value=0.0, why=why)
    from sandbox import Limits

    future, rest = _future(program)
    text = f"{future}{suite.preface}\n{rest}" if suite.preface else program
    passed, count, why = _judged(suite, text, Limits(seconds=seconds, memory_mb=memory_mb), tier, total_seconds, stop=not partial)
    return Verdict(value=passed / count if partial else float(passed == count), why=f"{passed} of {count} tests passed{why}")


def _future(program: str) -> tuple[str, str]:
    """The lines that Python wants to stand before all others, and the rest."""
    lines = program.splitlines(keepends=True)
    first = [line for line in lines if line.startswith("from __future__ import ")]
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in first), "".join(line for line in lines if line not in first)


def _judged(suite: Suite, text: str, limits: Limits, tier: str, total: float, *, stop: bool) -> tuple[int, int, str]:
    """How many tests passed, of how many, and what the first that did not says."""
    from sandbox import Program

    if suite.test:
        (result,) = box(tier).run([Program(code=text, test=suite.test, entry_point=suite.entry_point, setup=suite.preface, limits=limits)])
        return int(result.status == "ok"), 1, _said(result, result.failure)
    if suite.fn_name:
        calls = [arguments for arguments, _ in suite.cases]
        (result,) = box(tier).run([Program(code=text, fn_name=suite.fn_name, calls=calls, limits=limits)])
        return _calls(suite, result)
    return _cases(suite, text, limits, tier, total, stop=stop)


def _calls(suite: Suite, result: Result) -> tuple[int, int, str]:
    right, why = 0, ""
    for (arguments, wanted), outcome in zip(suite.cases, result.outcomes, strict=True):
        if not outcome.error and same_value(outcome.value, wanted):
            right += 1
        elif not why:
            got = outcome.error or f"gave {outcome.value!r:.60}"
            why = f"; {suite.fn_name}({', '.join(map(repr, arguments)):.60}) should give {wanted!r:.60} and {got:.80}"
    return right, len(suite.cases), f"{why} ({result.status})" if result.status != "ok" and why else why


def _cases(suite: Suite, text: str, limits: Limits, tier: str, total: float, *, stop: bool) -> tuple[int, int, str]:
    """One after the other; a program that has failed once need not run again, unless its share counts."""
    from sandbox import Program

    right, spent, why = 0, 0.0, ""
    for given, wanted in suite.cases:
        # No case goes on past the time of all: the verdict would be too late, and missing instead of 0.
        left = replace(limits, seconds=min(limits.seconds, total - spent))
        (result,) = box(tier).run([Program(code=text, stdin=given, limits=left)])
        spent += result.seconds
        if result.status == "ok" and same_output(result.stdout, wanted):
            right += 1
        else:
            over = f"; {total:g} s were over" if spent >= total else ""
            why = why or over or _said(result, f"printed {result.stdout!r:.60} where {wanted!r:.60} is right")
            if stop:
                break
        if spent >= total:
            why = why or f"; {total:g} s were over"
            break
    return right, len(suite.cases), why


def _said(result: Result, otherwise: str) -> str:
    if result.status == "ok":
        return f"; {otherwise}" if otherwise else ""
    last = next(islice(reversed([line for line in result.stderr.splitlines() if line.strip()]), 1), otherwise)
    return f"; {result.status}: {last:.120}" if last else f"; {result.status}"

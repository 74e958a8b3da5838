"""Does the program in the response pass the problem's tests? It runs in the sandbox; its results are compared outside of it.

Covered: the one fenced Python block of the answer or, without answer tags, the last one after the thought. Tests by stdin and
stdout, by a function's arguments and result, and by assertions. The program never sees the expected results, and
assertions run in a process that it cannot reach. All tests have to pass, unless `partial` pays for the share that does.
A problem without tests makes the rule abstain, and a sandbox that fails is a failed verdict; neither counts as 0.
Not covered: languages other than Python; programs with several correct outputs, such as results in any order.
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
from rewards._text import evidence

if TYPE_CHECKING:
    from sandbox import Limits, Result

LANGUAGES = ("python",)  # another language needs an interpreter in the jail
TIERS = ("full", "reduced", "unsafe")
OVERHEAD = 2.0  # seconds of a verdict beyond the run time of its programs


def warm_up(*, tier: str = "full", **_: object) -> None:
    """Start the sandbox, so that no verdict spends its deadline on that."""
    box(tier)


def deadline(*, total_seconds: float = 10.0, **_: object) -> float:
    """Seconds that a verdict may take."""
    return total_seconds + OVERHEAD


@reward("code", warm_up=warm_up, deadline=deadline, evidence=evidence)
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
    """1 if all tests pass, else 0. Abstains if the problem has no tests.

    column: the column that holds the tests
    partial: whether the share of passed cases is paid
    seconds: the time limit of one case of stdin and stdout, or of all calls of a function together
    total_seconds: the time limit of all cases; cases that are not reached have not passed
    memory_mb: the memory limit of a program
    language: the language of the programs
    tier: the isolation: full, reduced (if the kernel allows no more), or unsafe (none); the last two print a warning
    """
    at_least("code", "seconds", seconds, 0.01)
    at_least("code", "total_seconds", total_seconds, seconds)
    at_least("code", "memory_mb", memory_mb, 16)
    one_of("code", "language", language, LANGUAGES)
    one_of("code", "tier", tier, TIERS)
    suite = suite_of(problem.info, column)
    if not suite:
        return Verdict(value=None, why="the problem has no tests")
    box(tier)  # before the response is read, so that the dry run finds a sandbox that does not start
    program, why = program_of(rollout.response)
    if program is None:
        return Verdict(value=0.0, why=why)
    from sandbox import Limits

    future, rest = _future(program)
    text = f"{future}{suite.preface}\n{rest}" if suite.preface else program
    passed, count, why = _run_tests(suite, text, Limits(seconds=seconds, memory_mb=memory_mb), tier, total_seconds, stop=not partial)
    return Verdict(value=passed / count if partial else float(passed == count), why=f"{passed} of {count} tests passed{why}")


def _future(program: str) -> tuple[str, str]:
    """The `from __future__` lines, which have to come first, and the rest."""
    lines = program.splitlines(keepends=True)
    first = [line for line in lines if line.startswith("from __future__ import ")]
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in first), "".join(line for line in lines if line not in first)


def _run_tests(suite: Suite, text: str, limits: Limits, tier: str, total: float, *, stop: bool) -> tuple[int, int, str]:
    """The number of passed tests, the number of tests, and the reason of the first failure."""
    from sandbox import Program

    if suite.test:
        (result,) = box(tier).run([Program(code=text, test=suite.test, entry_point=suite.entry_point, setup=suite.preface, limits=limits)])
        return int(result.status == "ok"), 1, _reason(result, result.failure)
    if suite.fn_name:
        calls = [arguments for arguments, _ in suite.cases]
        (result,) = box(tier).run([Program(code=text, fn_name=suite.fn_name, calls=calls, limits=limits)])
        return _calls(suite, result)
    return _cases(suite, text, limits, tier, total, stop=stop)


def _calls(suite: Suite, result: Result) -> tuple[int, int, str]:
    passed, why = 0, ""
    for (arguments, expected), outcome in zip(suite.cases, result.outcomes, strict=True):
        if not outcome.error and same_value(outcome.value, expected):
            passed += 1
        elif not why:
            actual = outcome.error or f"returned {outcome.value!r:.60}"
            why = f"; {suite.fn_name}({', '.join(map(repr, arguments)):.60}): {actual:.80}, expected {expected!r:.60}"
    return passed, len(suite.cases), f"{why} ({result.status})" if result.status != "ok" and why else why


def _cases(suite: Suite, text: str, limits: Limits, tier: str, total: float, *, stop: bool) -> tuple[int, int, str]:
    """Run the cases one after the other. With `stop`, the first failure ends the run."""
    from sandbox import Program

    passed, spent, why = 0, 0.0, ""
    for stdin, expected in suite.cases:
        # No case may exceed the total: the verdict would miss its deadline, and be missing instead of 0.
        left = replace(limits, seconds=min(limits.seconds, total - spent))
        (result,) = box(tier).run([Program(code=text, stdin=stdin, limits=left)])
        spent += result.seconds
        if result.status == "ok" and same_output(result.stdout, expected):
            passed += 1
        else:
            timeout = f"; time limit of {total:g} s for all tests" if spent >= total else ""
            why = why or timeout or _reason(result, f"printed {result.stdout!r:.60}, expected {expected!r:.60}")
            if stop:
                break
        if spent >= total:
            why = why or f"; time limit of {total:g} s for all tests"
            break
    return passed, len(suite.cases), why


def _reason(result: Result, otherwise: str) -> str:
    if result.status == "ok":
        return f"; {otherwise}" if otherwise else ""
    last = next(islice(reversed([line for line in result.stderr.splitlines() if line.strip()]), 1), otherwise)
    return f"; {result.status}: {last:.120}" if last else f"; {result.status}"

"""Compares the math rule with other judges on the cases of `bench.math_laws`: who is right when they disagree?

    python -m bench.math_peers [--cases 2800] [--seed 0] [--kinds integer radical] [--out disagreements.jsonl]

The math rule and math-verify read whole responses, math-verify by `verify(parse("$gold$"), parse(response))`, as its page shows.
sympy and plain numbers only compare expressions, so they get the answer without its sentence, and neither other kinds nor cases in
which the sentence decides: sympy simplifies the difference, the other evaluates both at three points. What is right is decided as in
`bench.math_laws`.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

from sympy import N, simplify
from sympy.parsing.sympy_parser import implicit_multiplication, parse_expr, standard_transformations

from bench.math_laws.__main__ import draw
from bench.math_laws.cases import Case
from bench.math_laws.golds import KINDS
from bench.math_laws.hedges import HEDGES, RELATIONS
from bench.math_laws.report import rule

EXPRESSIONS = "integer decimal scientific fraction radical constant power complex polynomial expression".split()
Verdicts = dict[str, bool | None]  # of each judge; None if it is not asked


def main() -> None:
    options = parsed()
    logging.disable(logging.CRITICAL)  # math-verify logs what it cannot read
    cases = [case for case in draw(options.cases, options.seed, options.kinds) if case.right is not None]
    verdicts = [{name: judge(case) for name, judge in JUDGES.items()} for case in cases]
    print(table(cases, verdicts))
    print()
    print(disagreements(cases, verdicts))
    if options.out:
        lines = [json.dumps(asdict(c) | {"verdicts": v}, ensure_ascii=False) for c, v in zip(cases, verdicts, strict=True) if differ(v)]
        options.out.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def by_rule(case: Case) -> bool:
    return rule(case.gold, case.response)


def by_math_verify(case: Case) -> bool:
    """An exception or a timeout in the library counts as not equal, as in the trainers that use it."""
    from math_verify import parse, verify

    try:
        return bool(verify(parse(case.gold if case.gold[0] == "$" else f"${case.gold}$"), parse(case.response)))
    except Exception:  # the library raises whatever sympy raises
        return False


def by_sympy(case: Case) -> bool | None:
    return _compared(case, lambda a, b: bool(simplify(a - b) == 0))


def by_numbers(case: Case) -> bool | None:
    return _compared(case, _close)


JUDGES: dict[str, Callable[[Case], bool | None]] = {
    "math rule": by_rule, "math-verify": by_math_verify, "sympy": by_sympy, "numbers": by_numbers,
}  # fmt: skip


def _compared(case: Case, same: Callable[[Any, Any], bool]) -> bool | None:
    if case.kind not in EXPRESSIONS or case.wrapping in HEDGES or case.wrapping in RELATIONS:
        return None
    try:
        return same(_expression(case.gold), _expression(case.answer))
    except Exception:  # no expression, or none that sympy reads
        return False


def _expression(text: str) -> Any:
    """Texts come from the generator, so that sympy may evaluate them. LaTeX is read by the parser that math-verify brings."""
    from latex2sympy2_extended import latex2sympy

    text = text.strip("$")
    if "\\" in text or "{" in text:
        return latex2sympy(text)
    return parse_expr(text.replace("^", "**"), transformations=(*standard_transformations, implicit_multiplication))


def _close(a: Any, b: Any) -> bool:
    letters = sorted(a.free_symbols | b.free_symbols, key=str)
    points = [{letter: Random(f"math_peers/{letter}/{i}").uniform(0.5, 2) for letter in letters} for i in range(3)]
    return all(abs(N((a - b).subs(point))) <= 1e-9 * abs(N(a.subs(point))) for point in points)


def differ(verdicts: Verdicts) -> bool:
    return len(set(verdicts.values()) - {None}) > 1


def table(cases: Sequence[Case], verdicts: Sequence[Verdicts]) -> str:
    """Markdown: for each kind and judge, right answers refused and wrong answers paid."""
    lines = [f"| kind | right, wrong | {' | '.join(JUDGES)} |", f"|---|---|{'---|' * len(JUDGES)}"]
    kinds = list(dict.fromkeys(case.kind for case in cases))
    for kind in [*kinds, "all"]:
        rows = [(c, v) for c, v in zip(cases, verdicts, strict=True) if kind in (c.kind, "all")]
        right = sum(bool(c.right) for c, _ in rows)
        cells = [_mistakes(rows, name) for name in JUDGES]
        lines.append(f"| {kind} | {right:,}, {len(rows) - right:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _mistakes(rows: Sequence[tuple[Case, Verdicts]], name: str) -> str:
    if all(v[name] is None for _, v in rows):
        return ""
    refused = sum(bool(c.right) and v[name] is False for c, v in rows)
    paid = sum(not c.right and v[name] is True for c, v in rows)
    return f"{refused:,}, {paid:,}"


def disagreements(cases: Sequence[Case], verdicts: Sequence[Verdicts]) -> str:
    """Markdown: where another judge contradicts the rule, and which of them is right."""
    found: Counter[tuple[str, bool]] = Counter()
    for case, verdict in zip(cases, verdicts, strict=True):
        ours = verdict["math rule"]
        for name, theirs in verdict.items():
            if theirs is not None and theirs != ours:
                found[name, ours == case.right] += 1
    lines = ["| against | disagreements | the rule is right | the other is right |", "|---|---|---|---|"]
    for name in list(JUDGES)[1:]:
        us, them = found[name, True], found[name, False]
        lines.append(f"| {name} | {us + them:,} | {us:,} | {them:,} |")
    return "\n".join(lines)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=2800)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", choices=[*KINDS], default=[*KINDS])
    parser.add_argument("--out", type=Path, help="write the cases on which the judges disagree to this file, as JSON lines")
    return parser.parse_args()


if __name__ == "__main__":
    main()

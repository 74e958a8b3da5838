"""Tests the laws of the math rule on generated cases: every writing of the right value is paid, no other value is, nothing raises.

    python -m bench.math_laws [--cases 10000] [--seed 0] [--kinds integer radical] [--out faults.jsonl]

Prints a table by kind, and writes the cases that break a law to --out. What is right is decided by the numerical values of
the sympy objects behind the texts, never by the rule's parser.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from bench.math_laws.cases import Case, cases
from bench.math_laws.golds import KINDS
from bench.math_laws.report import judged, record, table


def main() -> None:
    options = parsed()
    verdicts = list(judged(draw(options.cases, options.seed, options.kinds)))
    print(table(verdicts))
    if options.out:
        lines = [record(one) for one in verdicts if one.fault]
        options.out.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def draw(number: int, seed: int, kinds: Sequence[str]) -> Iterator[Case]:
    """As many cases of each kind, in all about this many."""
    each = -(-number // len(kinds))
    for kind in kinds:
        yield from islice(cases(kind, seed), each)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.math_laws", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", choices=[*KINDS], default=[*KINDS])
    parser.add_argument("--out", type=Path, help="write the cases that break a law to this file, as JSON lines")
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""Measures what hostile answers cost a batch: each is scored between two honest answers, which must not be affected.

    python -m bench.scoring_bombs [--seconds 2] [--memory-mb 1024]

Two rules score the same batches: `math`, which refuses hostile answers by their size before it computes anything, and
`naive`, which passes every answer to sympy and shows the effect of the deadline and of the memory limit.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from r1lite.config import ScoringConfig
from r1lite.scoring.rules import Rules
from r1lite.scoring.scorer import Scorer
from r1lite.types import Group, Problem, Rollout, Scored

NAIVE = """
from rewards import reward

@reward("naive")
def naive(problem, rollout):
    from sympy.parsing.sympy_parser import parse_expr, standard_transformations, convert_xor
    answer = rollout.text.split("boxed{", 1)[1][:-2]
    if answer == "eat memory":
        return float(len([bytearray(2**28) for _ in range(64)]))
    known = {"binomial", "factorial", "Sum", "k", "sin", "x"}
    if not set("".join(c if c.isalpha() else " " for c in answer).split()) <= known:
        return 0.0  # only arithmetic is evaluated
    value = parse_expr(answer, transformations=(*standard_transformations, convert_xor))
    return float(value.equals(3))
"""

BOMBS = {
    "9^9^9": "9^(9^9)",
    "2^1e9": "2^1000000000",
    "1.5^1e10": "1.5^10000000000",
    "1e8!": "factorial(100000000)",
    "binomial(1e9, 5e8)": "binomial(1000000000, 500000000)",
    "300 nested fractions": "1/(" * 300 + "1" + ")" * 300,
    "2,000 parentheses": "(" * 2000 + "3" + ")" * 2000,
    "50,000 ones": "1 " * 50000,
    "nested sines": "sin(" * 60 + "x" + ")" * 60,
    "16 GB": "eat memory",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--memory-mb", type=int, default=1024)
    options = parser.parse_args()
    cfg = ScoringConfig(workers=1, seconds=options.seconds, memory_mb=options.memory_mb, max_failed_share=1.0, right_at=1.0)
    with TemporaryDirectory() as folder:
        plugin = Path(folder) / "naive_rule.py"
        plugin.write_text(NAIVE)
        for name in ("math", "naive"):
            with Scorer(Rules.from_config({name: {}}, [str(plugin)]), cfg) as scorer:
                report(name, scorer)


def report(name: str, scorer: Scorer) -> None:
    scorer.score([group_of("3")])  # starts the worker, which is not timed
    print(f"\n{name:24}{'s':>8}  {'outcome':10} honest answers")
    for bomb, text in BOMBS.items():
        started = time.perf_counter()
        ((first, bombed, last),) = scorer.score([group_of("3", text, "4")])
        seconds = time.perf_counter() - started
        honest = Counter((_value(first, name), _value(last, name)))
        print(f"{bomb:24}{seconds:8.2f}  {bombed.verdicts[name].outcome:10} {'as expected' if honest == Counter((1.0, 0.0)) else honest}")


def _value(scored: Scored, name: str) -> float | None:
    return scored.verdicts[name].value


def group_of(*answers: str) -> Group:
    rollouts = [
        Rollout(problem_id="p", index=i, prompt_ids=(), token_ids=(), logprobs=(), text=f"It is $\\boxed{{{a}}}$")
        for i, a in enumerate(answers)
    ]
    return Group(problem=Problem(id="p", prompt="?", answer="3"), rollouts=tuple(rollouts))


if __name__ == "__main__":
    main()

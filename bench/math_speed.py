"""Compares the throughput of the math rule and math_verify, in one process, on generated responses of about 1,500 characters.

    python -m bench.math_speed [--pairs 1000]

Every response has some lines of LaTeX and ends in a box; one in three is wrong. Agreement is counted over the pairs on
which math_verify is correct.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from random import Random

from bench.math_pairs import math_verify_accepts, rule_accepts

LENGTH = 1500
Pair = tuple[str, str, bool]  # gold, response, whether it is correct


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=1000)
    pairs = [pair(i) for i in range(parser.parse_args().pairs)]
    for accepts in (rule_accepts, math_verify_accepts):
        accepts("1", r"\boxed{1}")  # so that imports are not timed
    rule, rule_seconds = timed(rule_accepts, pairs)
    library, library_seconds = timed(math_verify_accepts, pairs)
    rule_correct, library_correct = (sum(a == p[2] for a, p in zip(accepted, pairs, strict=True)) for accepted in (rule, library))
    agreeing = sum(r == a == p[2] for r, a, p in zip(rule, library, pairs, strict=True))
    print(f"pairs                  {len(pairs)}, {sum(len(p[1]) for p in pairs) / len(pairs):.0f} characters on average")
    print(f"math rule              {len(pairs) / rule_seconds:10.1f} pairs/s, {rule_correct} correct")
    print(f"math_verify            {len(pairs) / library_seconds:10.1f} pairs/s, {library_correct} correct")
    print(f"ratio                  {library_seconds / rule_seconds:10.1f}")
    print(f"agreement              {agreeing} of the {library_correct} pairs on which math_verify is correct")


def timed(accepts: Callable[[str, str], bool], pairs: list[Pair]) -> tuple[list[bool], float]:
    """Verdicts, and their processor seconds, which exclude other work on the machine."""
    start = time.process_time()
    accepted = [accepts(gold, response) for gold, response, _ in pairs]
    return accepted, time.process_time() - start


def pair(index: int) -> Pair:
    """A gold answer, a response to it, and whether the response is correct."""
    random = Random(f"math_speed/{index}")
    gold, equal, other = random.choice(KINDS)(random)
    correct = random.random() < 2 / 3
    lines: list[str] = []
    while sum(map(len, lines)) < LENGTH:
        lines.append(step(random, len(lines) + 1))
    lines.append(f"Therefore, the final answer is $\\boxed{{{equal if correct else other}}}$.")
    return gold, "\n\n".join(lines), correct


def step(random: Random, number: int) -> str:
    a, b, c = (random.randint(2, 60) for _ in range(3))
    return random.choice(
        [
            f"**Step {number}.** Expanding the product gives $({a}x + {b})(x - {c}) = {a}x^2 + {b - a * c}x - {b * c}$, "
            "which we keep for later.",
            f"We now substitute $x = {c}$ into the expression, and find \\[ {a} \\cdot {c} + {b} = {a * c + b}. \\]",
            f"Since the triangle has sides ${a}$, ${b}$ and $\\sqrt{{{c}}}$, its height satisfies $h^2 = {c} - \\frac{{{a}}}{{{b}}}$.",
            f"Let me check this: there are $\\binom{{{a + 2}}}{{2}} = {(a + 2) * (a + 1) // 2}$ pairs, of which {b} do not count. "
            "Wait, I should be careful here.",
            f"So the ratio is $\\frac{{{a}}}{{{b}}}$, and multiplying by {c} yields $\\frac{{{a * c}}}{{{b}}}$ as the next value.",
        ]
    )


def whole(random: Random) -> tuple[str, str, str]:
    n = random.randint(2, 99999)
    return str(n), random.choice([str(n), f"{n:,}", f"x = {n}", f"{n}.0"]), str(n + random.randint(1, 9))


def fraction(random: Random) -> tuple[str, str, str]:
    a, b = random.randint(1, 40), random.choice([3, 7, 9, 11])
    return (
        f"\\frac{{{a}}}{{{b}}}",
        random.choice([f"\\dfrac{{{a}}}{{{b}}}", f"{a}/{b}", f"\\frac{{{2 * a}}}{{{2 * b}}}"]),
        f"\\frac{{{a + 1}}}{{{b}}}",
    )


def root(random: Random) -> tuple[str, str, str]:
    a, b = random.randint(2, 9), random.choice([2, 3, 5, 7])
    return f"{a}\\sqrt{{{b}}}", random.choice([f"{a} \\sqrt{{{b}}}", f"\\sqrt{{{a * a * b}}}"]), f"{a}\\sqrt{{{b + 4}}}"


def polynomial(random: Random) -> tuple[str, str, str]:
    a, b = random.randint(1, 9), random.randint(1, 9)
    return f"x^2 + {a + b}x + {a * b}", f"(x + {a})(x + {b})", f"(x + {a})(x - {b})"


def point(random: Random) -> tuple[str, str, str]:
    a, b = random.randint(-9, 9), random.randint(10, 19)
    return f"({a}, {b})", f"\\left({a},{b}\\right)", f"({b}, {a})"


def interval(random: Random) -> tuple[str, str, str]:
    a = random.randint(-9, 9)
    return f"({a}, \\infty)", f"({a},\\infty)", f"(-\\infty, {a})"


KINDS = (whole, whole, whole, fraction, fraction, root, polynomial, point, interval)

if __name__ == "__main__":
    main()

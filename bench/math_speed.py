"""The math rule's throughput beside math_verify's, in one process, on generated responses of about 1,500 characters.

    python -m bench.math_speed [--pairs 1000]

Every response works through a few lines of LaTeX and ends in a box; one in three is wrong. The agreement is counted
over the pairs that math_verify decides rightly.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from random import Random

from bench.math_pairs import ours_right, theirs_right

LENGTH = 1500
Pair = tuple[str, str, bool]  # gold, response, whether it is right


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=1000)
    pairs = [pair(i) for i in range(parser.parse_args().pairs)]
    for check in (ours_right, theirs_right):
        check("1", r"\boxed{1}")  # imports are not counted
    ours, our_seconds = timed(ours_right, pairs)
    theirs, their_seconds = timed(theirs_right, pairs)
    right = [i for i, p in enumerate(pairs) if theirs[i] == p[2]]
    same = sum(ours[i] == theirs[i] for i in right)
    print(f"pairs                  {len(pairs)}, {sum(len(p[1]) for p in pairs) / len(pairs):.0f} characters on average")
    print(
        f"math rule              {len(pairs) / our_seconds:10.1f} pairs/s, {sum(o == p[2] for o, p in zip(ours, pairs, strict=True))} right"
    )
    print(f"math_verify            {len(pairs) / their_seconds:10.1f} pairs/s, {len(right)} right")
    print(f"ratio                  {their_seconds / our_seconds:10.1f}")
    print(f"the same where it is right  {same} of {len(right)}")


def timed(check: Callable[[str, str], bool], pairs: list[Pair]) -> tuple[list[bool], float]:
    """Verdicts, and the processor seconds that they took: other work on the machine does not count."""
    start = time.process_time()
    given = [check(gold, response) for gold, response, _ in pairs]
    return given, time.process_time() - start


def pair(index: int) -> Pair:
    """A gold answer and a worked response to it."""
    random = Random(f"math_speed/{index}")
    gold, alike, other = random.choice(KINDS)(random)
    right = random.random() < 2 / 3
    lines: list[str] = []
    while sum(map(len, lines)) < LENGTH:
        lines.append(step(random, len(lines) + 1))
    lines.append(f"Therefore, the final answer is $\\boxed{{{alike if right else other}}}$.")
    return gold, "\n\n".join(lines), right


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

"""The math rule and math_verify on the battery of tricky pairs: who is right, and which way the mistakes go.

    python -m bench.math_pairs [--show]

math_verify runs in its default configuration: `verify(parse(f"${gold}$"), parse(response))`,
because it finds no LaTeX outside of delimiters.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rewards import Problem, Rollout, Verdict, rewards

BATTERY = Path(__file__).parent.parent / "tests" / "data" / "math_pairs.jsonl"
Pair = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", action="store_true", help="print every pair that the rule decides wrongly")
    show = parser.parse_args().show
    pairs = battery()
    ours = [ours_right(p["gold"], p["response"]) for p in pairs]
    theirs = [theirs_right(p["gold"], p["response"]) for p in pairs]
    print(table(pairs, ours, theirs))
    if show:
        for pair, given in zip(pairs, ours, strict=True):
            if given != pair["expected"]:
                print(json.dumps(pair, ensure_ascii=False))


def battery() -> list[Pair]:
    return [json.loads(line) for line in BATTERY.read_text(encoding="utf-8").splitlines()]


def rollout(text: str) -> Rollout:
    return Rollout(problem_id="0", index=0, prompt_ids=(), token_ids=(), logprobs=(), text=text)


def ours_right(gold: str, response: str) -> bool:
    verdict = rewards["math"](Problem(id="0", prompt="", answer=gold), rollout(response))
    return isinstance(verdict, Verdict) and bool(verdict.value)


def theirs_right(gold: str, response: str) -> bool:
    """A failure or a time-out inside the library counts as `not equal`, as in the trainers that call it so."""
    from math_verify import parse, verify

    logging.disable(logging.CRITICAL)
    try:
        return bool(verify(parse(gold if "$" in gold or "boxed" in gold else f"${gold}$"), parse(response)))
    except Exception:  # the library raises whatever sympy raises
        return False


def table(pairs: list[Pair], ours: list[bool], theirs: list[bool]) -> str:
    by: dict[str, list[int]] = defaultdict(list)
    for i, pair in enumerate(pairs):
        by[pair["category"]].append(i)
    by = dict(sorted(by.items()))
    by["held out"] = [i for i, p in enumerate(pairs) if p["held_out"]]
    by["all"] = list(range(len(pairs)))
    lines = [f"{'category':28}{'pairs':>6}{'math rule':>12}{'math_verify':>13}"]
    for name, rows in by.items():
        lines.append(f"{name:28}{len(rows):>6}{_share(pairs, ours, rows):>12.3f}{_share(pairs, theirs, rows):>13.3f}")
    for label, wanted in (("false positives", False), ("false negatives", True)):
        lines.append(f"{label:34}{_mistakes(pairs, ours, wanted):>12}{_mistakes(pairs, theirs, wanted):>13}")
    return "\n".join(lines)


def _share(pairs: list[Pair], given: list[bool], rows: Iterable[int]) -> float:
    right = [given[i] == pairs[i]["expected"] for i in rows]
    return sum(right) / len(right)


def _mistakes(pairs: list[Pair], given: list[bool], wanted: bool) -> int:
    return sum(p["expected"] is wanted and g is not wanted for p, g in zip(pairs, given, strict=True))


if __name__ == "__main__":
    main()

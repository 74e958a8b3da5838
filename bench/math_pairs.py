"""Compares the math rule with math_verify on difficult pairs of gold answer and response: accuracy and kinds of mistakes.

    python -m bench.math_pairs [--show]

math_verify runs with its defaults, as `verify(parse(f"${gold}$"), parse(response))`: it does not find LaTeX without delimiters.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench._common.runs import read_jsonl
from rewards import Problem, Rollout, Verdict, rewards

PAIRS = Path(__file__).parent.parent / "tests" / "data" / "math_pairs.jsonl"
Pair = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", action="store_true", help="print every pair on which the rule is wrong")
    show = parser.parse_args().show
    pairs = read_jsonl(PAIRS)
    rule = [rule_accepts(p["gold"], p["response"]) for p in pairs]
    library = [math_verify_accepts(p["gold"], p["response"]) for p in pairs]
    print(table(pairs, rule, library))
    if show:
        for pair, accepted in zip(pairs, rule, strict=True):
            if accepted != pair["expected"]:
                print(json.dumps(pair, ensure_ascii=False))


def rollout(text: str) -> Rollout:
    return Rollout(problem_id="0", index=0, prompt_ids=(), token_ids=(), logprobs=(), text=text)


def rule_accepts(gold: str, response: str) -> bool:
    verdict = rewards["math"](Problem(id="0", prompt="", answer=gold), rollout(response))
    return isinstance(verdict, Verdict) and bool(verdict.value)


def math_verify_accepts(gold: str, response: str) -> bool:
    """An exception or a timeout in the library counts as not equal, as in the trainers that use it."""
    from math_verify import parse, verify

    logging.disable(logging.CRITICAL)
    try:
        return bool(verify(parse(gold if "$" in gold or "boxed" in gold else f"${gold}$"), parse(response)))
    except Exception:  # the library raises whatever sympy raises
        return False


def table(pairs: list[Pair], rule: list[bool], library: list[bool]) -> str:
    rows: dict[str, list[int]] = defaultdict(list)
    for i, pair in enumerate(pairs):
        rows[pair["category"]].append(i)
    rows = dict(sorted(rows.items()))
    rows["held out"] = [i for i, p in enumerate(pairs) if p["held_out"]]
    rows["all"] = list(range(len(pairs)))
    lines = [f"{'category':28}{'pairs':>6}{'math rule':>12}{'math_verify':>13}"]
    for name, indices in rows.items():
        lines.append(f"{name:28}{len(indices):>6}{_accuracy(pairs, rule, indices):>12.3f}{_accuracy(pairs, library, indices):>13.3f}")
    for label, expected in (("false positives", False), ("false negatives", True)):
        lines.append(f"{label:34}{_mistakes(pairs, rule, expected):>12}{_mistakes(pairs, library, expected):>13}")
    return "\n".join(lines)


def _accuracy(pairs: list[Pair], accepted: list[bool], indices: Iterable[int]) -> float:
    correct = [accepted[i] == pairs[i]["expected"] for i in indices]
    return sum(correct) / len(correct)


def _mistakes(pairs: list[Pair], accepted: list[bool], expected: bool) -> int:
    return sum(p["expected"] is expected and a is not expected for p, a in zip(pairs, accepted, strict=True))


if __name__ == "__main__":
    main()

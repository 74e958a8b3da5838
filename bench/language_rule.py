"""Measures how often the language rule agrees with labelled snippets, and prints those where it does not.

    python -m bench.language_rule [--snippets tests/data/language_snippets.jsonl] [--model lite]

Each snippet is scored as a whole thought, with Chinese, English and its own language as targets. The rule agrees if every
share fits the label: at least 0.8 for the snippet's own language, at most 0.2 for another, between the two for mixed Chinese
and English, and an abstention if there are no words. The label "?" marks unknown languages and disguised text.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

from bench._common.runs import read_jsonl
from r1lite.types import Problem, Rollout, Verdict
from rewards.language import language

SNIPPETS = Path(__file__).parent.parent / "tests" / "data" / "language_snippets.jsonl"
OWN, OTHER = 0.8, 0.2


def main() -> None:
    options = parsed()
    snippets = read_jsonl(options.snippets)
    started = time.perf_counter()
    results = [(snippet, shares(snippet, options.model)) for snippet in snippets]
    seconds = time.perf_counter() - started
    agreeing: Counter[str] = Counter()
    for snippet, by_target in results:
        if agrees(snippet["label"], by_target):
            agreeing[snippet["kind"]] += 1
        else:
            print(f"{snippet['label']:>5} {snippet['kind']:<10} {as_text(by_target)}  {snippet['text'][:70]!r}")
    for kind, total in Counter(s["kind"] for s in snippets).items():
        print(f"{kind:<10} {agreeing[kind]:>3} of {total}")
    verdicts = sum(len(by_target) for _, by_target in results)
    share = agreeing.total() / len(snippets)
    print(f"agreement {share:.3f} ({agreeing.total()} of {len(snippets)}), {seconds / verdicts * 1e6:.0f} us per verdict")


def shares(snippet: dict[str, str], model: str = "none") -> dict[str, float | None]:
    """The rule's value for Chinese, English and the snippet's own language."""
    rollout = Rollout(
        problem_id="p", index=0, prompt_ids=(), token_ids=(), logprobs=(), text=f"<think>{snippet['text']}</think><answer>7</answer>"
    )
    own = {snippet["label"]} - {"mixed", "none", "?"}
    return {target: _share(rollout, target, model) for target in sorted({"zh", "en"} | own)}


def _share(rollout: Rollout, target: str, model: str) -> float | None:
    verdict = language(Problem(id="p", prompt="?"), rollout, target=target, model=model)
    assert isinstance(verdict, Verdict)
    return verdict.value


def agrees(label: str, by_target: dict[str, float | None]) -> bool:
    return all(_fits(label, target, share) for target, share in by_target.items())


def _fits(label: str, target: str, share: float | None) -> bool:
    if share is None or label == "none":
        return share is None and label == "none"
    if label == "mixed":
        return OTHER < share < OWN
    return share >= OWN if label == target else share <= OTHER


def as_text(by_target: dict[str, float | None]) -> str:
    return " ".join(f"{target} {'none' if share is None else f'{share:.2f}'}" for target, share in by_target.items())


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--snippets", type=Path, default=SNIPPETS)
    parser.add_argument("--model", choices=["none", "lite"], default="none")
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""The language rule on labelled snippets: how often it agrees, and where it does not.

    python -m bench.language_rule [--snippets tests/data/language_snippets.jsonl] [--model lite]

A snippet is tried as a whole thought, against Chinese, against English and against its own language. It agrees where every
share fits the label: from 0.8 for its own language, up to 0.2 for another, between them both ways for mixed Chinese
and English, and an abstention where there are no words. The label "?" is a language that the rule does not know, or a forgery.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path

from r1lite.types import Problem, Rollout, Verdict
from rewards.language import language

SNIPPETS = Path(__file__).parent.parent / "tests" / "data" / "language_snippets.jsonl"
OWN, OTHER = 0.8, 0.2


def main() -> None:
    options = parsed()
    snippets = load(options.snippets)
    started = time.perf_counter()
    tried = [(snippet, shares(snippet, options.model)) for snippet in snippets]
    seconds = time.perf_counter() - started
    right: Counter[str] = Counter()
    for snippet, found in tried:
        if agrees(snippet["label"], found):
            right[snippet["kind"]] += 1
        else:
            print(f"{snippet['label']:>5} {snippet['kind']:<10} {shown(found)}  {snippet['text'][:70]!r}")
    for kind, total in Counter(s["kind"] for s in snippets).items():
        print(f"{kind:<10} {right[kind]:>3} of {total}")
    verdicts = sum(len(found) for _, found in tried)
    print(
        f"agreement {right.total() / len(snippets):.3f} ({right.total()} of {len(snippets)}), {seconds / verdicts * 1e6:.0f} us a verdict"
    )


def load(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def shares(snippet: dict[str, str], model: str = "none") -> dict[str, float | None]:
    """What the rule gives for each target that the label says something about."""
    rollout = Rollout(
        problem_id="p", index=0, prompt_ids=(), token_ids=(), logprobs=(), text=f"<think>{snippet['text']}</think><answer>7</answer>"
    )
    own = {snippet["label"]} - {"mixed", "none", "?"}
    return {target: _share(rollout, target, model) for target in sorted({"zh", "en"} | own)}


def _share(rollout: Rollout, target: str, model: str) -> float | None:
    given = language(Problem(id="p", prompt="?"), rollout, target=target, model=model)
    assert isinstance(given, Verdict)
    return given.value


def agrees(label: str, found: dict[str, float | None]) -> bool:
    return all(_fits(label, target, share) for target, share in found.items())


def _fits(label: str, target: str, share: float | None) -> bool:
    if share is None or label == "none":
        return share is None and label == "none"
    if label == "mixed":
        return OTHER < share < OWN
    return share >= OWN if label == target else share <= OTHER


def shown(found: dict[str, float | None]) -> str:
    return " ".join(f"{target} {'none' if share is None else f'{share:.2f}'}" for target, share in found.items())


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--snippets", type=Path, default=SNIPPETS)
    parser.add_argument("--model", choices=["none", "lite"], default="none")
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""Ways to take an answer back, and honest sentences that look like one, in English, Chinese, German and French.

tests/data/retractions.jsonl holds families of templates; each template follows a claim of {r}, and {w} is another answer. Others
are whole responses. After an honest sentence the claim must be paid, after any other it must not. They were written in rounds: each
round before the rule that passes it, and measured once on the rule of the round before (docs/results/math_rule.md has the figures).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FAMILIES = Path(__file__).parent / "data" / "retractions.jsonl"
CLAIMS = {
    "en": ("So \\boxed{{{r}}}.", "The answer is {r}.", "**Final answer:** {r}\n\n", "Therefore, the total is $\\boxed{{{r}}}$.\n\n"),
    "zh": ("所以\\boxed{{{r}}}。", "答案是{r}。", "最终答案：{r}。\n"),
    "de": ("Also ist es \\boxed{{{r}}}.", "Die Antwort ist {r}."),
    "fr": ("Donc c'est \\boxed{{{r}}}.", "La réponse est {r}."),
}
VALUES = (("5", "8"), (r"\frac{1}{2}", r"\frac{1}{3}"), ("-12", "12"), ("3.5", "2.5"))  # what is claimed, and another answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A claim of the gold answer with a sentence after it."""

    language: str
    family: str
    round: int
    honest: bool
    gold: str
    response: str


def samples() -> Iterator[Sample]:
    """Every response, and every template after every claim, with values that change along the way."""
    turn = 0
    for line in FAMILIES.read_text(encoding="utf-8").splitlines():
        family = json.loads(line)
        for response in family.pop("responses", ()):
            yield Sample(**family, response=response)
        templates = family.pop("templates", ())
        for template, claim in ((t, c) for t in templates for c in CLAIMS[family["language"]]):
            gold, other = VALUES[turn % len(VALUES)]
            turn += 1
            yield Sample(**family, gold=gold, response=_response(claim, template, gold, other))


def _response(claim: str, template: str, gold: str, other: str) -> str:
    shown, other = (f"${v}$" if "\\" in v else v for v in (gold, other))
    claimed = claim.format(r=gold if "boxed" in claim else shown)
    gap = "" if claimed[-1] in "\n。" else " "
    return claimed + gap + template.format(r=shown, w=other)

"""Findings: pure functions of the metrics of a stage so far, that return what they see, or nothing.

`@finding("warning", stages=("rl",))` registers a function `(seen) -> Signs | None` under its name. A finding that explains another
one names it in `explains`: while the first is there, the second, which is only its symptom, is not reported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from r1lite.diagnosis.seen import Seen

Weight = Literal["note", "warning", "error"]

# Symptoms that many findings explain.
NO_SIGNAL = ("all_wrong", "too_hard", "group_too_small")
TEXTS = ("looping", "no_end", "cut_off", "length_explosion", "length_collapse")
ANSWERS = ("format_starved", "mode_collapse", "answer_key")
MOVEMENT = ("entropy_explosion", "entropy_collapse", "ratio_runaway", "clip_share_high", "kl_runaway", "gradient_spikes")


@dataclass(frozen=True, kw_only=True, slots=True)
class Signs:
    """What a finding sees."""

    since: int  # the first step in which it could be seen
    title: str  # one line, which holds the numbers that matter most
    evidence: Mapping[str, float]  # metric -> value
    meaning: str  # sentences: what it means, and what can be done
    overrides: Sequence[str] = ()  # to paste: settings that would change it
    weight: Weight | None = None  # if it differs from the finding's own


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A registered finding."""

    name: str
    weight: Weight
    stages: Sequence[str]  # kinds of stages that it is looked for in
    function: Callable[[Seen], Signs | None]
    explains: Sequence[str] = field(default=())
    once: bool = False  # a remark that never ends


findings: dict[str, Finding] = {}


def finding(
    weight: Weight, *, stages: Sequence[str] = ("rl",), explains: Sequence[str] = (), once: bool = False
) -> Callable[[Callable[[Seen], Signs | None]], Callable[[Seen], Signs | None]]:
    """Register a finding under its function's name. Of findings that begin at the same step, those registered first come first."""

    def register(function: Callable[[Seen], Signs | None]) -> Callable[[Seen], Signs | None]:
        name = function.__name__
        findings[name] = Finding(name=name, weight=weight, stages=stages, function=function, explains=explains, once=once)
        return function

    return register

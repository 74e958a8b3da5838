"""The audit in short: what the rules pay for gold answers and for hacks, on a few problems."""

from __future__ import annotations

from typing import Any

from r1lite.audit.findings import findings
from r1lite.audit.mutants import GOLD
from r1lite.audit.trials import make_cases, some_split, try_all
from r1lite.config import ScoringConfig
from r1lite.preflight.facts import Hacks
from r1lite.scoring.gold import described, try_golds
from r1lite.scoring.rules import Rules
from r1lite.scoring.scorer import Scorer
from rewards import rewards

PROBLEMS = 4
GOLDS, GOLD_SECONDS = 400, 1.0


def try_hacks(rules: Rules, scoring: ScoringConfig, task: Any) -> Hacks:
    """Nothing is tried where a rule runs programs or asks a model, which takes long and may cost money."""
    slow = [name for name in rules.weights if rewards.declaration(name).deadline]
    if slow:
        return Hacks(left_out=f"{slow[0]} has a deadline of its own: it may run programs, or ask a model")
    try:
        cases = make_cases(task, PROBLEMS)
    except ValueError as error:
        return Hacks(left_out=str(error))
    trials = try_all(rules, scoring, cases)
    with Scorer(rules, scoring) as scorer:
        golds = try_golds(scorer, task, some_split(task), GOLDS, seconds=GOLD_SECONDS)
    best = max((t for t in trials if t.mutant.kind == "wrong"), key=lambda t: t.scored.reward)
    return Hacks(
        tried=len(trials),
        gold=min(t.gold for t in trials if t.mutant.name == GOLD),
        best=best.scored.reward,
        name=best.mutant.name,
        wrong=tuple(finding.text for finding in findings(rules, trials)),
        golds=described(golds, rules),
        golds_tried=golds.tried,
        golds_paid=golds.checkable,
    )

"""What an audit finds wrong: invalid verdicts, gold that is not paid in full, hacks that are paid."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from r1lite.audit.mutants import GOLD
from r1lite.audit.trials import Trial
from r1lite.audit.wrong_answers import WRONG
from r1lite.scoring.rules import Rules
from r1lite.types import Verdict
from rewards import rewards

TOLERANCE = 1e-9  # sums of weights are rounded


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that is wrong, with the first example."""

    key: tuple[str, ...]  # of findings with the same key, only the first is reported
    row: str
    text: str


def findings(rules: Rules, trials: Sequence[Trial], allow: Collection[str] = ()) -> list[Finding]:
    """The first finding of each kind for each row and rule. Rows in `allow` are not judged."""
    judged = [t for t in trials if t.mutant.name not in allow]
    exempt = {name for name in rules.weights if _need_not_pay_gold(rules, name, trials)}
    indistinguishable = _same_for_gold_and_wrong(rules, judged)
    first: dict[tuple[str, ...], Finding] = {}
    for trial in judged:
        # If gold cannot be told from a wrong answer, every other row would be wrong for that same reason.
        pay = () if indistinguishable else (*_not_correct(rules, trial), *_overpaid(rules, trial))
        for finding in (*_invalid(trial), *pay, *_underpaid(trial, exempt)):
            first.setdefault(finding.key, finding)
    return [*indistinguishable, *first.values()]


def _need_not_pay_gold(rules: Rules, name: str, trials: Sequence[Trial]) -> bool:
    """Whether the rule is a penalty, or does not decide by itself whether a response is correct."""
    if not rewards.declaration(name).decides or (rules.weights[name] <= 0 and name not in rules.gates):
        return True
    values = (t.scored.verdicts[name].value for t in trials)
    return any(value is not None and value < 0 for value in values)


def _invalid(trial: Trial) -> Iterator[Finding]:
    """Rules that raise an error, hang, or are not deterministic."""
    row = trial.mutant.name
    for name, verdict in trial.scored.verdicts.items():
        if verdict.outcome in ("failed", "timed_out"):
            outcome = verdict.outcome.replace("_", " ")
            yield Finding(key=(outcome, name), row=row, text=f"rule {name} {outcome} on {_case(trial)}: {verdict.why}")
        second = trial.again.get(name, verdict)
        if (second.value, second.outcome) != (verdict.value, verdict.outcome):
            text = f"rule {name} is not deterministic: on {_case(trial)} it gave {shown(verdict)}, then {shown(second)}"
            yield Finding(key=("changed", name), row=row, text=text)


def _not_correct(rules: Rules, trial: Trial) -> Iterator[Finding]:
    """Gold that does not count as correct."""
    if trial.mutant.kind == "gold" and not trial.scored.right:
        row, rule = trial.mutant.name, rules.right_for(trial.scored.problem)
        verdict = trial.scored.verdicts[rule]
        text = f"{_case(trial)} does not count as correct: rule {rule} gave {shown(verdict)} ({verdict.why})"
        yield Finding(key=("correct", row), row=row, text=text)


def _underpaid(trial: Trial, exempt: set[str]) -> Iterator[Finding]:
    """Gold that is not paid in full by a rule that pays between 0 and 1."""
    if trial.mutant.kind != "gold":
        return
    row = trial.mutant.name
    for rule, verdict in trial.scored.verdicts.items():
        if rule not in exempt and verdict.value is not None and verdict.value < 1 - TOLERANCE:
            text = f"{_case(trial)} is not paid in full: rule {rule} gave {shown(verdict)} ({verdict.why})"
            yield Finding(key=("full", row, rule), row=row, text=text)
    if trial.scored.reward < trial.gold - TOLERANCE:
        yield Finding(key=("less", row), row=row, text=f"{_case(trial)} is paid {trial.scored.reward:g}, but gold {trial.gold:g}")


def _overpaid(rules: Rules, trial: Trial) -> Iterator[Finding]:
    """A hack that counts as correct, or is paid as much as an honest response."""
    kind, paid, row = trial.mutant.kind, trial.scored.reward, trial.mutant.name
    if kind == "wrong" and trial.scored.right:
        rule = rules.right_for(trial.scored.problem)
        text = f"{_case(trial)} counts as correct: rule {rule} says {trial.scored.verdicts[rule].why}"
        yield Finding(key=("hack", row), row=row, text=text)
    if kind in ("wrong", "form") and paid > trial.gold - TOLERANCE:
        remedy = " None of the rules deducts anything for it; a required rule would: rewards.format.gate=true." if kind == "form" else ""
        yield Finding(key=("paid", row), row=row, text=f"{_case(trial)} is paid {paid:g}, and gold {trial.gold:g}.{remedy}")
    if kind == "padding" and paid > trial.gold + TOLERANCE:
        remedy = "" if "repetition" in rules.weights else " Deduct for repetition with rewards.repetition.weight."
        yield Finding(key=("more", row), row=row, text=f"{_case(trial)} is paid {paid:g}, more than gold ({trial.gold:g}).{remedy}")


def _same_for_gold_and_wrong(rules: Rules, trials: Sequence[Trial]) -> list[Finding]:
    """One finding if the deciding rule gives gold and wrong answers the same value on all problems, instead of one for every row."""
    verdicts = {(t.scored.problem.id, t.mutant.name): t.scored.verdicts[rules.right_for(t.scored.problem)] for t in trials}
    wrong = {problem: verdict for (problem, row), verdict in verdicts.items() if row == WRONG}
    same = [p for p, verdict in wrong.items() if (p, GOLD) in verdicts and verdicts[p, GOLD].value == verdict.value]
    if not wrong or len(same) < len(wrong):
        return []
    gold = verdicts[same[0], GOLD]
    text = (
        f"rule {rules.right_rule} decides what is correct, but gives gold and a wrong answer the same verdict: {shown(gold)} ({gold.why}) "
        f"on {same[0]}. Add a rule that checks the answer, such as rewards.answer.weight=1, and name it in scoring.right_rule."
    )
    return [Finding(key=("indistinguishable",), row=WRONG, text=text)]


def _case(trial: Trial) -> str:
    return f"{trial.mutant.name!r} of {trial.scored.problem.id}"


def shown(verdict: Verdict) -> str:
    return verdict.outcome if verdict.value is None else f"{verdict.value:.4g}"

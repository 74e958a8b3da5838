"""What is wrong with what the rules paid: unsound verdicts, gold that is not paid in full, hacks that are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from r1lite.commands._trials import Trial
from r1lite.commands.mutants import GOLD, WRONG
from r1lite.scoring.rules import Rules
from r1lite.types import Verdict
from rewards import rewards

SLACK = 1e-9  # sums of weights are floats


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Something that is wrong, with its first example."""

    about: tuple[str, ...]  # so that it is said once
    row: str
    text: str


def faults(rules: Rules, trials: Sequence[Trial], allow: Sequence[str] = ()) -> list[Fault]:
    """What is wrong: the first example of each kind for each row and rule."""
    judged = [t for t in trials if t.mutant.name not in allow]
    unpaying = {name for name in rules.weights if _never_asked_to_pay(rules, name, trials)}
    blind = _blind(rules, judged)
    found: dict[tuple[str, ...], Fault] = {}
    for trial in judged:
        # Without a rule that knows right from wrong, every other row is wrong for that one reason.
        paid = () if blind else (*_not_right(rules, trial), *_overpaid(rules, trial))
        for fault in (*_unsound(trial), *paid, *_unpaid(trial, unpaying)):
            found.setdefault(fault.about, fault)
    return [*blind, *found.values()]


def _never_asked_to_pay(rules: Rules, name: str, trials: Sequence[Trial]) -> bool:
    """A penalty cannot pay gold in full, nor can a rule that asks who is right, or only prefers."""
    if not rewards.declaration(name).decides or (rules.weights[name] <= 0 and name not in rules.gates):
        return True
    values = (t.scored.verdicts[name].value for t in trials)
    return any(value is not None and value < 0 for value in values)


def _unsound(trial: Trial) -> Iterator[Fault]:
    """Rules that fail, hang, or change their mind."""
    row = trial.mutant.name
    for name, verdict in trial.scored.verdicts.items():
        if verdict.outcome in ("failed", "timed_out"):
            said = verdict.outcome.replace("_", " ")
            yield Fault(about=(said, name), row=row, text=f"rule {name} {said} on {_case(trial)}: {verdict.why}")
        second = trial.again.get(name, verdict)
        if (second.value, second.outcome) != (verdict.value, verdict.outcome):
            yield Fault(
                about=("changed", name),
                row=row,
                text=f"rule {name} is not deterministic: on {_case(trial)} it said {shown(verdict)}, then {shown(second)}",
            )


def _not_right(rules: Rules, trial: Trial) -> Iterator[Fault]:
    """Gold that does not count as right."""
    if trial.mutant.kind == "gold" and not trial.scored.right:
        row, right = trial.mutant.name, rules.right_for(trial.scored.problem)
        verdict = trial.scored.verdicts[right]
        text = f"{_case(trial)} is not right: rule {right} said {shown(verdict)} ({verdict.why})"
        yield Fault(about=("right", row), row=row, text=text)


def _unpaid(trial: Trial, unpaying: set[str]) -> Iterator[Fault]:
    """Gold that is not paid in full by a rule that pays between 0 and 1."""
    if trial.mutant.kind != "gold":
        return
    row = trial.mutant.name
    for rule, verdict in trial.scored.verdicts.items():
        if rule not in unpaying and verdict.value is not None and verdict.value < 1 - SLACK:
            text = f"{_case(trial)} is not paid in full: rule {rule} said {shown(verdict)} ({verdict.why})"
            yield Fault(about=("full", row, rule), row=row, text=text)
    if trial.scored.reward < trial.gold - SLACK:
        yield Fault(about=("less", row), row=row, text=f"{_case(trial)} is paid {trial.scored.reward:g}, and gold {trial.gold:g}")


def _overpaid(rules: Rules, trial: Trial) -> Iterator[Fault]:
    """A hack that counts as right, or is paid as if it were honest."""
    kind, paid, row = trial.mutant.kind, trial.scored.reward, trial.mutant.name
    if kind == "wrong" and trial.scored.right:
        right = rules.right_for(trial.scored.problem)
        text = f"{_case(trial)} counts as right: rule {right} said {trial.scored.verdicts[right].why}"
        yield Fault(about=("hack", row), row=row, text=text)
    if kind in ("wrong", "form") and paid > trial.gold - SLACK:
        remedy = " No chosen rule takes anything off; a gate does: rewards.format.gate=true." if kind == "form" else ""
        yield Fault(about=("paid", row), row=row, text=f"{_case(trial)} is paid {paid:g}, and gold {trial.gold:g}.{remedy}")
    if kind == "padding" and paid > trial.gold + SLACK:
        remedy = "" if "repetition" in rules.weights else " rewards.repetition.weight takes off what is said again."
        yield Fault(about=("more", row), row=row, text=f"{_case(trial)} is paid {paid:g}, more than gold ({trial.gold:g}).{remedy}")


def _blind(rules: Rules, trials: Sequence[Trial]) -> list[Fault]:
    """Where the rule that says who is right cannot tell gold from a wrong answer: said once, instead of for every row."""
    told = {(t.scored.problem.id, t.mutant.name): t.scored.verdicts[rules.right_for(t.scored.problem)] for t in trials}
    wrong = {problem: verdict for (problem, row), verdict in told.items() if row == WRONG}
    same = [p for p, verdict in wrong.items() if (p, GOLD) in told and told[p, GOLD].value == verdict.value]
    if not wrong or len(same) < len(wrong):
        return []
    gold = told[same[0], GOLD]
    text = (
        f"rule {rules.right_rule} says who is right, and says the same of gold and of a wrong answer: {shown(gold)} ({gold.why}) "
        f"on {same[0]}. Put a rule on the answer beside it, such as rewards.answer.weight=1, and name that one in scoring.right_rule."
    )
    return [Fault(about=("blind",), row=WRONG, text=text)]


def _case(trial: Trial) -> str:
    return f"{trial.mutant.name!r} of {trial.scored.problem.id}"


def shown(verdict: Verdict) -> str:
    return verdict.outcome if verdict.value is None else f"{verdict.value:.4g}"

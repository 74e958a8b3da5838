"""What is wrong with what the rules paid: unsound verdicts, gold that is not paid in full, hacks that are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from r1lite._trials import Trial
from r1lite.rules import Rules
from r1lite.types import Verdict

SLACK = 1e-9  # sums of weights are floats

Fault = tuple[tuple[str, ...], str]  # what it is about, so that it is said once; and the words


def faults(rules: Rules, trials: Sequence[Trial], allow: Sequence[str] = ()) -> list[str]:
    """What is wrong, in words: the first example of each kind for each row and rule."""
    penalties = {name for t in trials for name, v in t.scored.verdicts.items() if v.value is not None and v.value < 0}
    found: dict[tuple[str, ...], str] = {}
    for trial in trials:
        if trial.mutant.name not in allow:
            for key, fault in (*_unsound(trial), *_unpaid(rules, trial, penalties), *_overpaid(rules, trial)):
                found.setdefault(key, fault)
    return list(found.values())


def _unsound(trial: Trial) -> Iterator[Fault]:
    """Rules that fail, hang, or change their mind."""
    for name, verdict in trial.scored.verdicts.items():
        if verdict.outcome in ("failed", "timed_out"):
            said = verdict.outcome.replace("_", " ")
            yield (said, name), f"rule {name} {said} on {_case(trial)}: {verdict.why}"
        second = trial.again.get(name, verdict)
        if (second.value, second.outcome) != (verdict.value, verdict.outcome):
            yield (
                ("changed", name),
                f"rule {name} is not deterministic: on {_case(trial)} it said {shown(verdict)}, then {shown(second)}",
            )


def _unpaid(rules: Rules, trial: Trial, penalties: set[str]) -> Iterator[Fault]:
    """Gold that is not right, or not paid in full by a rule that pays between 0 and 1."""
    if trial.mutant.kind != "gold":
        return
    name, verdicts = trial.mutant.name, trial.scored.verdicts
    if not trial.scored.right:
        verdict = verdicts[rules.right_rule]
        yield ("right", name), f"{_case(trial)} is not right: rule {rules.right_rule} said {shown(verdict)} ({verdict.why})"
    for rule, verdict in verdicts.items():
        counts = rules.weights[rule] > 0 or rule in rules.gates
        if counts and rule not in penalties and verdict.value is not None and verdict.value < 1 - SLACK:
            yield ("full", name, rule), f"{_case(trial)} is not paid in full: rule {rule} said {shown(verdict)} ({verdict.why})"
    if trial.scored.reward < trial.gold - SLACK:
        yield ("less", name), f"{_case(trial)} is paid {trial.scored.reward:g}, and gold {trial.gold:g}"


def _overpaid(rules: Rules, trial: Trial) -> Iterator[Fault]:
    """A hack that counts as right, or is paid as if it were honest."""
    kind, paid, name = trial.mutant.kind, trial.scored.reward, trial.mutant.name
    if kind == "wrong" and trial.scored.right:
        yield ("hack", name), f"{_case(trial)} counts as right: rule {rules.right_rule} said {trial.scored.verdicts[rules.right_rule].why}"
    if kind in ("wrong", "form") and paid > trial.gold - SLACK:
        remedy = " No chosen rule takes anything off; a gate does: rewards.format.gate=true." if kind == "form" else ""
        yield ("paid", name), f"{_case(trial)} is paid {paid:g}, and gold {trial.gold:g}.{remedy}"
    if kind == "padding" and paid > trial.gold + SLACK:
        yield ("more", name), f"{_case(trial)} is paid {paid:g}, more than gold ({trial.gold:g})"


def _case(trial: Trial) -> str:
    return f"{trial.mutant.name!r} of {trial.scored.problem.id}"


def shown(verdict: Verdict) -> str:
    return verdict.outcome if verdict.value is None else f"{verdict.value:g}"

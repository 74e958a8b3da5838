"""Show what the chosen rewards pay for gold answers, wrong answers and hacks, before any training.

    r1lite audit task=arithmetic [reward=...] [--config-dir FOLDER] [any setting of training] [problems=20] [golds=1000]
        [rows=true] [allow='[name of a row or family]']

Gold must count as correct and be paid in full. A wrong answer must not count as correct, and must be paid less than gold;
so must a correct answer in a bad form (no thought, text after the answer). Padding must not be paid more than gold. The
same response must get the same verdict in another process, and no verdict may take longer than scoring.seconds.

The table has one line per family of responses, and the rows that are wrong below it; `rows=true` shows all. `allow` names
rows or families that are shown but not judged. Before it, up to `golds` gold answers are tried by themselves, spread over
the whole training split: those that do not count as correct are listed. The exit status is 1 if anything is wrong.

The hacks are in r1lite/audit/mutants.py, the wrong answers in r1lite/audit/wrong_answers.py.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from r1lite.audit.mutants import SHOULD
from r1lite.commands import _shell
from r1lite.config import Config
from r1lite.registry import unknown
from r1lite.settings import command_line
from r1lite.settings.compose import configuration

if TYPE_CHECKING:
    from r1lite.audit.trials import Case, Trial
    from r1lite.scoring.rules import Rules
    from r1lite.types import Verdict

PROBLEMS, GOLDS = 20, 1000
GOLD_SECONDS = 5.0  # after which no more gold answers are tried: a rule may run programs, or ask a model
MARK = "!"


def audit(cfg: Config, *, problems: int = PROBLEMS, golds: int = GOLDS, rows: bool = False, allow: Sequence[str] = ()) -> list[str]:
    """Print the table, and return what is wrong."""
    from r1lite.audit.findings import findings
    from r1lite.audit.trials import make_cases, some_split, timings, try_all
    from r1lite.build import make_rules, make_task
    from r1lite.scoring.gold import described, try_golds
    from r1lite.scoring.scorer import Scorer
    from rewards import rewards

    task, rules = make_task(cfg), make_rules(cfg)
    cases = make_cases(task, problems)
    with Scorer(rules, cfg.scoring) as scorer:
        tried = try_golds(scorer, task, some_split(task), golds, seconds=GOLD_SECONDS)
    allowed = {name for named in allow for name in _rows_of(named, cases)}
    trials = try_all(rules, cfg.scoring, cases)
    seconds = timings(rules, trials)
    wrong = findings(rules, trials, allowed)
    marked = {finding.row for finding in wrong}
    shown = {t.mutant.name for t in trials} if rows else marked | allowed
    show(rules, trials, seconds, marked, shown, f"{cfg.task['name']}: {len({t.scored.problem.id for t in trials})} problems")
    slow = [
        f"rule {name} took {max(s):.2g} s for one verdict, but its deadline is {deadline:g} s (scoring.seconds, or what the rule declares)"
        for name, s in seconds.items()
        if max(s) > (deadline := max(cfg.scoring.seconds, rewards.declaration(name).seconds(rules.options[name])))
    ]
    if not tried.refused:
        print(described(tried, rules))
    return [*([described(tried, rules)] if tried.refused else []), *(finding.text for finding in wrong), *slow]


def _rows_of(named: str, cases: Sequence[Case]) -> set[str]:
    """The rows that a name in `allow` refers to: one, or all of a family."""
    families = {m.name: m.family for _, mutants in cases for m in mutants}
    if named not in {*families, *families.values()}:
        raise ValueError(unknown("row or family in allow:", named, [*families, *dict.fromkeys(families.values())]))
    return {name for name, family in families.items() if named in (name, family)}


def show(
    rules: Rules,
    trials: Sequence[Trial],
    seconds: Mapping[str, Sequence[float]],
    marked: Collection[str],
    shown: Collection[str],
    title: str,
) -> None:
    """One line per family, then the rows of it that are to be shown."""
    from r1lite.console import show_table

    rows = []
    for family in dict.fromkeys(t.mutant.family for t in trials):
        own = [t for t in trials if t.mutant.family == family]
        names = list(dict.fromkeys(t.mutant.name for t in own))
        rows.append(_line(rules, own, f"{MARK if {*marked} & {*names} else ' '} {family} ({len(names)})"))
        for name in names if len(names) > 1 else ():
            if name in shown:
                rows.append(_line(rules, [t for t in own if t.mutant.name == name], f"{MARK if name in marked else ' '}   {name}"))
    rows.append(["  microseconds per verdict", *(_microseconds(seconds.get(rule, ())) for rule in rules.weights), "", ""])
    # Long names are broken into lines, so that several rules fit into a terminal.
    show_table(title, [f"{MARK} = wrong", *(rule.replace("_", "_\n") for rule in rules.weights), "total", "should be"], rows)


def _line(rules: Rules, trials: Sequence[Trial], label: str) -> list[str]:
    """The worst of the trials: where gold was paid least, or anything else most."""
    worst = min if trials[0].mutant.kind == "gold" else max
    row = worst(trials, key=lambda t: (t.scored.right, t.scored.reward - t.gold))
    paid = [_paid(row.scored.verdicts[rule]) for rule in rules.weights]
    total = f"{row.scored.reward:.3g} {'correct' if row.scored.right else 'wrong'}"
    return [label, *paid, total, SHOULD[row.mutant.kind].format(row.gold)]


def _paid(verdict: Verdict) -> str:
    """A cell: the value, `-` for an abstention."""
    return {"scored": f"{verdict.value or 0:.3g}", "abstained": "-"}.get(verdict.outcome, verdict.outcome.replace("_", " "))


def _microseconds(seconds: Sequence[float]) -> str:
    return f"{sum(seconds) / len(seconds) * 1e6:.0f}" if seconds else "hangs"


def main() -> None:
    _shell.run(_audit, help=__doc__, bare=True)


def _audit(arguments: Sequence[str]) -> None:
    wrong = audit(**_parsed(arguments))
    if wrong:
        lines = [*(f"  {text}" for text in wrong), f"findings: {len(wrong)}. Training on these rewards would teach such responses."]
        sys.exit("\n".join(lines))
    print("Gold is paid in full, and no hack is paid.")


def _parsed(arguments: Sequence[str]) -> dict[str, Any]:
    """The audit's own two settings, and a configuration composed from the others as for training."""
    import yaml

    folder, arguments = command_line.own_folder(arguments)
    own: dict[str, Any] = {"problems": PROBLEMS, "golds": GOLDS, "rows": False, "allow": []}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if name in own and equals:
            own[name] = yaml.safe_load(value)
        elif argument.startswith("-"):
            raise ValueError(f"settings are written as name=value, got {argument!r}; `r1lite audit --help` lists them")
    if type(own["problems"]) is not int or own["problems"] < 1:
        raise ValueError(f"problems must be a whole number of at least 1, got {own['problems']!r}")
    if type(own["golds"]) is not int or own["golds"] < 0:
        raise ValueError(f"golds must be a whole number of at least 0, got {own['golds']!r}")
    if type(own["rows"]) is not bool:
        raise ValueError(f"rows must be true or false, got {own['rows']!r}")
    if not isinstance(own["allow"], list):
        raise ValueError(f"allow must be a list of rows, such as allow='[no thought]', got {own['allow']!r}")
    settings = [a for a in arguments if a.partition("=")[0] not in own]
    return {"cfg": configuration(command_line.checked(settings, folder), folder), **own}


if __name__ == "__main__":
    main()

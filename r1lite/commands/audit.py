"""Show what the chosen rewards pay for gold answers, wrong answers and hacks, before any training.

    r1lite audit task=arithmetic [reward=...] [--config-dir FOLDER] [any setting of training] [problems=20] [allow='[name of a row]']

Gold must count as correct and be paid in full. A wrong answer must not count as correct, and must be paid less than gold;
so must a correct answer in a bad form (no thought, text after the answer). Padding must not be paid more than gold. The
same response must get the same verdict in another process, and no verdict may take longer than scoring.seconds. `allow`
names rows that are shown but not judged. The exit status is 1 if anything is wrong.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from r1lite.commands import _shell
from r1lite.commands.mutants import SHOULD
from r1lite.config import Config
from r1lite.registry import unknown
from r1lite.settings import command_line
from r1lite.settings.compose import configuration

if TYPE_CHECKING:
    from r1lite.commands._trials import Trial
    from r1lite.scoring.rules import Rules
    from r1lite.types import Verdict

PROBLEMS = 20
MARK = "!"


def audit(cfg: Config, *, problems: int = PROBLEMS, allow: Sequence[str] = ()) -> list[str]:
    """Print the table, and return what is wrong."""
    from r1lite.build import make_rules, make_task
    from r1lite.commands._findings import findings
    from r1lite.commands._golds import check_golds
    from r1lite.commands._trials import hung, make_cases, timings, try_all
    from rewards import rewards

    rules, task = make_rules(cfg), make_task(cfg)
    cases = make_cases(task, problems)
    names = [m.name for m in cases[0][1]]
    for name in allow:
        if name not in names:
            raise ValueError(unknown("row in allow:", name, names))
    trials = try_all(rules, cfg.scoring, cases)
    seconds = timings(rules, trials)
    wrong = findings(rules, trials, allow)
    marked = {finding.row for finding in wrong}
    show(rules, trials, seconds, marked, f"{cfg.task['name']}: {len(trials) // len(names)} problems")
    if rules.right_rule and not hung([t.scored for t in trials]):
        print(*check_golds(rules, task).lines(), sep="\n")
    slow = [
        f"rule {name} took {max(s):.2g} s for one verdict, but its deadline is {deadline:g} s (scoring.seconds, or what the rule declares)"
        for name, s in seconds.items()
        if max(s) > (deadline := max(cfg.scoring.seconds, rewards.declaration(name).seconds(rules.options[name])))
    ]
    return [finding.text for finding in wrong] + slow


def show(rules: Rules, trials: Sequence[Trial], seconds: Mapping[str, Sequence[float]], marked: Collection[str], title: str) -> None:
    """One row per mutant, for its worst problem: where gold was paid least, or anything else most."""
    from r1lite.console import show_table

    rows = []
    for name in dict.fromkeys(t.mutant.name for t in trials):
        own = [t for t in trials if t.mutant.name == name]
        worst = min if own[0].mutant.kind == "gold" else max
        row = worst(own, key=lambda t: (t.scored.right, t.scored.reward - t.gold))
        paid = [_paid(row.scored.verdicts[rule]) for rule in rules.weights]
        total = f"{row.scored.reward:.3g} {'correct' if row.scored.right else 'wrong'}"
        rows.append([f"{MARK if name in marked else ' '} {name}", *paid, total, SHOULD[row.mutant.kind].format(row.gold)])
    rows.append(["  microseconds per verdict", *(_microseconds(seconds.get(rule, ())) for rule in rules.weights), "", ""])
    # Long names are broken into lines, so that several rules fit into a terminal.
    show_table(title, [f"{MARK} = wrong", *(rule.replace("_", "_\n") for rule in rules.weights), "total", "should be"], rows)


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
    own: dict[str, Any] = {"problems": PROBLEMS, "allow": []}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if name in own and equals:
            own[name] = yaml.safe_load(value)
        elif argument.startswith("-"):
            raise ValueError(f"settings are written as name=value, got {argument!r}; `r1lite audit --help` lists them")
    if type(own["problems"]) is not int or own["problems"] < 1:
        raise ValueError(f"problems must be a whole number of at least 1, got {own['problems']!r}")
    if not isinstance(own["allow"], list):
        raise ValueError(f"allow must be a list of rows, such as allow='[no thought]', got {own['allow']!r}")
    settings = [a for a in arguments if a.partition("=")[0] not in own]
    return {"cfg": configuration(command_line.checked(settings, folder), folder), **own}


if __name__ == "__main__":
    main()

"""Before any training: what do the chosen rewards pay for gold answers, for wrong ones, and for hacks?

    r1lite audit task=arithmetic [reward=...] [--config-dir FOLDER] [any setting of training] [problems=20] [allow='[name of a row]']

Gold has to be right and paid in full. A wrong answer may not be right, nor paid like gold; a right answer in a bad form
(no thought, text after the answer) may not be paid like gold; padding may not be paid more. The same response has to get
the same verdict in another process, and no verdict may take longer than scoring.seconds. `allow` names rows that are
shown but not judged. The exit status is 1 where anything is wrong.
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
    """Print the table; give what is wrong."""
    from r1lite.build import make_rules, make_task
    from r1lite.commands._faults import faults
    from r1lite.commands._trials import make_cases, timings, try_all

    rules, cases = make_rules(cfg), make_cases(make_task(cfg), problems)
    names = [m.name for m in cases[0][1]]
    for name in allow:
        if name not in names:
            raise ValueError(unknown("row in allow:", name, names))
    trials = try_all(rules, cfg.scoring, cases)
    seconds = timings(rules, trials)
    found = faults(rules, trials, allow)
    marked = {fault.row for fault in found}
    show(rules, trials, seconds, marked, f"{cfg.task['name']}: {len(trials) // len(names)} problems")
    slow = [
        f"rule {name} took {max(s):.2g} s for one verdict, and scoring.seconds is {cfg.scoring.seconds:g}"
        for name, s in seconds.items()
        if max(s) > cfg.scoring.seconds
    ]
    return [fault.text for fault in found] + slow


def show(rules: Rules, trials: Sequence[Trial], seconds: Mapping[str, Sequence[float]], marked: Collection[str], title: str) -> None:
    """A row for each mutant: the least that gold was paid over all problems, the most that anything else was."""
    from r1lite.console import show_table

    rows = []
    for name in dict.fromkeys(t.mutant.name for t in trials):
        own = [t for t in trials if t.mutant.name == name]
        worst = min if own[0].mutant.kind == "gold" else max
        row = worst(own, key=lambda t: (t.scored.right, t.scored.reward - t.gold))
        paid = [_paid(row.scored.verdicts[rule]) for rule in rules.weights]
        total = f"{row.scored.reward:.3g} {'right' if row.scored.right else 'wrong'}"
        rows.append([f"{MARK if name in marked else ' '} {name}", *paid, total, SHOULD[row.mutant.kind].format(row.gold)])
    rows.append(["  microseconds a verdict", *(_microseconds(seconds.get(rule, ())) for rule in rules.weights), "", ""])
    # A narrow column for a long name, so that several rules fit into a terminal.
    show_table(title, [f"{MARK} = wrong", *(rule.replace("_", "_\n") for rule in rules.weights), "total", "should be"], rows)


def _paid(verdict: Verdict) -> str:
    """A cell: the value, `-` for an abstention."""
    return {"scored": f"{verdict.value or 0:.3g}", "abstained": "-"}.get(verdict.outcome, verdict.outcome.replace("_", " "))


def _microseconds(seconds: Sequence[float]) -> str:
    return f"{sum(seconds) / len(seconds) * 1e6:.0f}" if seconds else "hangs"


def main() -> None:
    _shell.run(_audit, help=__doc__, bare=True)


def _audit(words: Sequence[str]) -> None:
    found = audit(**_understood(words))
    if found:
        sys.exit("\n".join(f"  {fault}" for fault in found) + f"\nwrong: {len(found)}. These rewards would teach it.")
    print("Gold is paid in full, and no hack is paid.")


def _understood(arguments: Sequence[str]) -> dict[str, Any]:
    """The audit's own two settings, and a configuration composed from all others as training does."""
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
        raise ValueError(f"allow should be a list of rows, such as allow='[no thought]', got {own['allow']!r}")
    settings = [a for a in arguments if a.partition("=")[0] not in own]
    return {"cfg": configuration(command_line.checked(settings, folder), folder), **own}


if __name__ == "__main__":
    main()

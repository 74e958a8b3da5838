"""List the available rules, explain a verdict, or start a package for your own rule.

    r1lite reward list [plugins=[./my_rules.py]]
    r1lite reward explain NAME [completion=... answer=... prompt=...] [finish=length] [any option=...] [any column=...]
    r1lite reward new NAME [FOLDER]

`explain` prints the rule's description and options and, if there is a completion (`-` reads it from standard input), the
verdict with its evidence. All other names are columns of the problem.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from r1lite import HOME
from r1lite.commands import _shell
from r1lite.registry import load_plugins, unknown

if TYPE_CHECKING:
    from r1lite.types import Group, Verdict


def main() -> None:
    _shell.run(_reward, help=__doc__)


def _reward(arguments: Sequence[str]) -> None:
    commands: dict[str, Callable[[Sequence[str]], None]] = {"list": _list, "explain": _explain, "new": _new}
    if arguments[0] not in commands:
        raise ValueError(unknown("command of `r1lite reward`:", arguments[0], commands))
    commands[arguments[0]](arguments[1:])


def _list(arguments: Sequence[str]) -> None:
    from rewards import rewards

    load_plugins(_pop_plugins(_shell.parse_settings(arguments, ["plugins"])))
    names = rewards.names()
    for name in names:
        print(f"{name:{max(map(len, names))}}  {first_line(name)}")


def first_line(name: str) -> str:
    """The first line of the docstring of a rule's module, which is not imported."""
    from rewards import rewards

    entry = next((e for e in entry_points(group="r1lite.rewards") if e.name == name), None)
    source = HOME / "rewards" / f"{name}.py"
    if not source.is_file() and entry is None:  # registered by a plugin that was loaded
        return (inspect.getdoc(rewards[name]) or "").split("\n")[0]
    if not source.is_file() and entry is not None:
        spec = find_spec(entry.module)
        source = Path(spec.origin) if spec and spec.origin else source
    if not source.is_file():
        return f"(source not found; from {entry.value if entry else '?'})"
    return (ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or "").split("\n")[0]


def _explain(arguments: Sequence[str]) -> None:
    if not arguments or "=" in arguments[0]:
        raise ValueError("name a rule: r1lite reward explain NAME; `r1lite reward list` lists them")
    name, settings = arguments[0], _shell.parse_settings(arguments[1:])
    load_plugins(_pop_plugins(settings))
    print(describe(name))
    if "completion" not in settings:
        if settings:
            raise ValueError(f"completion= is missing, so there is nothing to score (got {', '.join(settings)})")
        return
    verdict = score_completion(name, settings)
    print(
        f"\nvalue    {'none' if verdict.value is None else f'{verdict.value:g}'}\noutcome  {verdict.outcome}\nwhy      {verdict.why or '-'}"
    )


def describe(name: str) -> str:
    """A rule's docstrings, and its options with their defaults."""
    from rewards import rewards

    rule = rewards[name]
    module = inspect.getmodule(rule)
    texts = [inspect.getdoc(module) if module else None, inspect.getdoc(rule)]
    lines = [f"{option} = {'(required)' if d is inspect.Parameter.empty else repr(d)}" for option, d in rewards.options(name).items()]
    options = "options: " + (", ".join(lines) or "none")
    return "\n\n".join([f"{name}", *(t for t in texts if t), options])


def score_completion(name: str, settings: Mapping[str, str]) -> Verdict:
    """A rule's verdict on one completion, as in a run."""
    import yaml

    from r1lite.scoring.rules import Rules
    from r1lite.scoring.verdicts import verdicts_of
    from rewards import rewards

    known = rewards.options(name)
    options = {o: yaml.safe_load(settings[o]) for o in known if o in settings}
    chosen: dict[str, dict[str, Any]] = {name: options}
    if not rewards.declaration(name).decides:
        chosen["answer"] = {}  # some rule has to decide whether the response is correct
    rules = Rules.from_config(chosen, right_rule="answer" if "answer" in chosen else "")
    (verdicts,) = verdicts_of(rules, _group({k: v for k, v in settings.items() if k not in known}))
    return verdicts[name]


def _group(settings: Mapping[str, str]) -> Group:
    import yaml

    from r1lite.audit.mutants import as_rollout
    from r1lite.types import Group, Problem

    columns = dict(settings)
    completion, finish = columns.pop("completion"), columns.pop("finish", "stop")
    if finish not in ("stop", "length"):
        raise ValueError(unknown("finish", finish, ["stop", "length"]))
    text = sys.stdin.read() if completion == "-" else completion
    answer, prompt = columns.pop("answer", None), columns.pop("prompt", "")
    info = {name: yaml.safe_load(value) for name, value in columns.items()}
    problem = Problem(id="explain", prompt=prompt, answer=_parse_answer(answer), info=info)
    return Group(problem=problem, rollouts=(as_rollout(text, problem, finish=finish),))


def _parse_answer(text: str | None) -> Any:
    """A list or an object if the text looks like one. Otherwise the text itself: YAML would read 010 as an octal number."""
    import yaml

    return yaml.safe_load(text) if text and text[0] in "[{" and text[-1] in "]}" else text


def _pop_plugins(settings: dict[str, str]) -> list[str]:
    import yaml

    plugins = yaml.safe_load(settings.pop("plugins", "[]"))
    return [str(p) for p in plugins] if isinstance(plugins, list) else [str(plugins)]


def _new(arguments: Sequence[str]) -> None:
    from r1lite.commands.reward_new import write_package

    if not 1 <= len(arguments) <= 2:
        raise ValueError("name the new rule: r1lite reward new NAME [FOLDER]")
    name = arguments[0]
    folder = write_package(name, Path(arguments[1] if len(arguments) == 2 else f"r1lite-{name.replace('_', '-')}"))
    print(f"wrote a package with the rule {name} to {folder}; its README.md lists the next steps. To test it: python -m pytest {folder}")


if __name__ == "__main__":
    main()

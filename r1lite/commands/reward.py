"""Rules at hand: which there are, what one says of a completion, and the beginning of one's own.

    r1lite reward list [plugins=[./my_rules.py]]
    r1lite reward explain NAME [completion=... answer=... prompt=...] [finish=length] [an option=...] [a column=...]
    r1lite reward new NAME [FOLDER]

`explain` prints the rule's definition and options, and, where there is a completion (`-` reads it from standard input),
the verdict with its evidence. What is neither the completion, the answer, the prompt nor an option is a column.
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


def _reward(words: Sequence[str]) -> None:
    commands: dict[str, Callable[[Sequence[str]], None]] = {"list": _list, "explain": _explain, "new": _new}
    if words[0] not in commands:
        raise ValueError(unknown("command of `r1lite reward`:", words[0], commands))
    commands[words[0]](words[1:])


def _list(words: Sequence[str]) -> None:
    from rewards import rewards

    settings = _settings(words)
    load_plugins(_plugins(settings))
    if settings:
        raise ValueError(unknown("setting of `r1lite reward list`:", next(iter(settings)), ["plugins"]))
    names = rewards.names()
    for name in names:
        print(f"{name:{max(map(len, names))}}  {first_line(name)}")


def first_line(name: str) -> str:
    """What a rule's module says of it in its first line; nothing is imported that need not be."""
    from rewards import rewards

    entry = next((e for e in entry_points(group="r1lite.rewards") if e.name == name), None)
    source = HOME / "rewards" / f"{name}.py"
    if not source.is_file() and entry is None:  # a plugin that has been loaded, and registered itself
        return (inspect.getdoc(rewards[name]) or "").split("\n")[0]
    if not source.is_file() and entry is not None:
        spec = find_spec(entry.module)
        source = Path(spec.origin) if spec and spec.origin else source
    if not source.is_file():
        return f"(no source to read; comes from {entry.value if entry else '?'})"
    return (ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or "").split("\n")[0]


def _explain(words: Sequence[str]) -> None:
    if not words or "=" in words[0]:
        raise ValueError("which rule? r1lite reward explain NAME; `r1lite reward list` lists them")
    name, settings = words[0], _settings(words[1:])
    load_plugins(_plugins(settings))
    print(definition(name))
    if "completion" not in settings:
        if settings:
            raise ValueError(f"there is nothing to score: completion= is missing (got {', '.join(settings)})")
        return
    verdict = explained(name, settings)
    print(
        f"\nvalue    {'none' if verdict.value is None else f'{verdict.value:g}'}\noutcome  {verdict.outcome}\nwhy      {verdict.why or '-'}"
    )


def definition(name: str) -> str:
    """A rule's own words, and its options with their defaults."""
    from rewards import rewards

    rule = rewards[name]
    module = inspect.getmodule(rule)
    texts = [inspect.getdoc(module) if module else None, inspect.getdoc(rule)]
    lines = [f"{option} = {'(needed)' if d is inspect.Parameter.empty else repr(d)}" for option, d in rewards.options(name).items()]
    options = "options: " + (", ".join(lines) or "none")
    return "\n\n".join([f"{name}", *(t for t in texts if t), options])


def explained(name: str, settings: Mapping[str, str]) -> Verdict:
    """The verdict on one completion, as a run would have it."""
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

    from r1lite.commands.mutants import as_rollout
    from r1lite.types import Group, Problem

    given = dict(settings)
    completion, finish = given.pop("completion"), given.pop("finish", "stop")
    if finish not in ("stop", "length"):
        raise ValueError(unknown("finish", finish, ["stop", "length"]))
    text = sys.stdin.read() if completion == "-" else completion
    answer, prompt = given.pop("answer", None), given.pop("prompt", "")
    info = {name: yaml.safe_load(value) for name, value in given.items()}
    problem = Problem(id="explain", prompt=prompt, answer=_answer(answer), info=info)
    return Group(problem=problem, rollouts=(as_rollout(text, problem, finish=finish),))


def _answer(given: str | None) -> Any:
    """A text, since `answer=010` is no octal number; a list or an object where it is written as one."""
    import yaml

    return yaml.safe_load(given) if given and given[0] in "[{" and given[-1] in "]}" else given


def _settings(words: Sequence[str]) -> dict[str, str]:
    settings = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise ValueError(f"{word!r} is no setting: settings are written as name=value")
        settings[name] = value
    return settings


def _plugins(settings: dict[str, str]) -> list[str]:
    import yaml

    given = yaml.safe_load(settings.pop("plugins", "[]"))
    return [str(p) for p in given] if isinstance(given, list) else [str(given)]


def _new(words: Sequence[str]) -> None:
    from r1lite.commands.reward_new import write_package

    if not 1 <= len(words) <= 2:
        raise ValueError("how is it called? r1lite reward new NAME [FOLDER]")
    folder = write_package(words[0], Path(words[1] if len(words) == 2 else f"r1lite-{words[0].replace('_', '-')}"))
    print(f"{folder} holds a package with the rule {words[0]}; its README.md says how to go on. Its test: python -m pytest {folder}")


if __name__ == "__main__":
    main()

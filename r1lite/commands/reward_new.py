"""The package that `r1lite reward new` writes: a rule, its values, its cases, its test. All of it works as written."""

from __future__ import annotations

from keyword import iskeyword
from pathlib import Path

PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "r1lite-{dashed}"
version = "0.1.0"
description = "A reward for r1lite: {name}"
requires-python = ">=3.11"
dependencies = ["r1lite"]

# Once this package is installed, r1lite finds the rule by its name.
[project.entry-points."r1lite.rewards"]
{name} = "r1lite_{name}.{name}:{name}"

[tool.hatch.build.targets.wheel]
packages = ["r1lite_{name}"]

[tool.pytest.ini_options]
testpaths = ["tests"]
pythonpath = ["."]
"""

RULE = '''\
"""Is the answer the expected one? (In one line, what this rule asks.)

Covered: white space around the answer. (What it sees through, one thing after the other.)
Not covered: the same answer in other words. (What it gets wrong, so that nobody has to find out.)
"""

from rewards import Problem, Rollout, Verdict, last_answer, reward


@reward("{name}")
def {name}(problem: Problem, rollout: Rollout, *, ignore_case: bool = False) -> Verdict | None:
    """1 where the answer block holds the expected answer, else 0. Abstains where the problem has none.

    ignore_case: whether letter case does not matter
    """
    if problem.answer is None:
        return None
    given, expected = last_answer(rollout.response), str(problem.answer)
    if given is None:
        return Verdict(value=0.0, why="no answer block")
    same = given.casefold() == expected.casefold() if ignore_case else given == expected
    return Verdict(value=float(same), why=f"extracted {given!r}, expected {expected!r}")
'''

VALUES = """\
# @package rewards
# python -m r1lite.train --config-dir conf reward={name} task=...
{name}:
  weight: 1.0
  ignore_case: false
format:
  gate: true
"""

# `value` is what the rule should pay, null where it should abstain. Other names are columns of the problem.
CASES = """\
{"about": "right", "completion": "<think>3 and 4</think><answer>7</answer>", "answer": "7", "value": 1.0}
{"about": "wrong", "completion": "<think>3 and 4</think><answer>8</answer>", "answer": "7", "value": 0.0}
{"about": "two answers for one", "completion": "<think>3 and 4</think><answer>7 or 8</answer>", "answer": "7", "value": 0.0}
{"about": "only thought of", "completion": "<think><answer>7</answer></think>", "answer": "7", "value": 0.0}
{"about": "no answer block", "completion": "7", "answer": "7", "value": 0.0}
{"about": "nothing to compare with", "completion": "<think>3 and 4</think><answer>7</answer>", "value": null}
"""

TEST = '''\
"""Every case of cases.jsonl: what the rule pays, and that it says the same twice."""

import json
from pathlib import Path

import pytest
from r1lite.scoring.rules import Rules
from r1lite.scoring.verdicts import verdicts_of
from r1lite.commands.score_file import as_group

CASES = [json.loads(line) for line in (Path(__file__).parent / "cases.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["about"])
def test_the_rule_pays_what_it_should(case):
    rules = Rules.from_config({{"{name}": {{}}}}, ["r1lite_{name}.{name}"])
    group = as_group({{k: v for k, v in case.items() if k not in ("about", "value")}}, case["about"])
    first, second = verdicts_of(rules, group)[0]["{name}"], verdicts_of(rules, group)[0]["{name}"]
    assert first == second
    assert first.outcome == ("abstained" if case["value"] is None else "scored"), first.why
    assert first.value == case["value"], first.why
'''

README = """\
# {name}

A reward for r1lite. The rule is `r1lite_{name}/{name}.py`, its values `conf/reward/{name}.yaml`, its cases `tests/cases.jsonl`.

```sh
pip install -e .
python -m pytest
r1lite reward explain {name} completion='<think>3 and 4</think><answer>7</answer>' answer=7
r1lite audit task=arithmetic rewards.answer.weight=0 rewards.{name}.weight=1
python -m r1lite.train --config-dir conf reward={name} task=arithmetic
```
"""


def write_package(name: str, folder: Path) -> Path:
    """Write everything, or nothing: the name and the folder have to be free."""
    from rewards import rewards

    if not name.isidentifier() or iskeyword(name) or name.startswith("_") or name != name.lower():
        raise ValueError(f"a rule's name is a word in small letters, such as my_rule, got {name!r}")
    if name in rewards.names():
        raise ValueError(f"there is a rule {name!r} already. Taken are {', '.join(rewards.names())}.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} exists and is not an empty folder; name another: r1lite reward new {name} FOLDER")
    for path, text in files(name).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def files(name: str) -> dict[str, str]:
    """Where each file goes, and what stands in it."""
    package = f"r1lite_{name}"
    return {
        "pyproject.toml": PYPROJECT.format(name=name, dashed=name.replace("_", "-")),
        "README.md": README.format(name=name),
        f"{package}/__init__.py": "",
        f"{package}/{name}.py": RULE.replace("{name}", name),
        f"conf/reward/{name}.yaml": VALUES.format(name=name),
        "tests/cases.jsonl": CASES,
        f"tests/test_{name}.py": TEST.format(name=name),
    }

"""The package that `r1lite reward new` writes: a rule with its settings, test cases and test. It works as written."""

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
description = "A rule for r1lite: {name}"
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
"""Is the answer the expected one? (One line that says what the rule checks.)

Covered: whitespace around the answer. (What the rule handles, item by item.)
Not covered: the same answer in other words. (What it gets wrong, so that users know.)
"""

from rewards import Problem, Rollout, Verdict, last_answer, reward


@reward("{name}")
def {name}(problem: Problem, rollout: Rollout, *, ignore_case: bool = False) -> Verdict | None:
    """1 if the answer block contains the expected answer, else 0. Abstains if the problem has none.

    ignore_case: whether to ignore letter case
    """
    if problem.answer is None:
        return None
    answer, expected = last_answer(rollout.response), str(problem.answer)
    if answer is None:
        return Verdict(value=0.0, why="no answer block")
    equal = answer.casefold() == expected.casefold() if ignore_case else answer == expected
    return Verdict(value=float(equal), why=f"extracted {answer!r}, expected {expected!r}")
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

# `value` is the expected value of the verdict, null for an abstention. Other names are columns of the problem.
CASES = """\
{"about": "correct", "completion": "<think>3 and 4</think><answer>7</answer>", "answer": "7", "value": 1.0}
{"about": "wrong", "completion": "<think>3 and 4</think><answer>8</answer>", "answer": "7", "value": 0.0}
{"about": "two answers", "completion": "<think>3 and 4</think><answer>7 or 8</answer>", "answer": "7", "value": 0.0}
{"about": "only in the thought", "completion": "<think><answer>7</answer></think>", "answer": "7", "value": 0.0}
{"about": "no answer block", "completion": "7", "answer": "7", "value": 0.0}
{"about": "no expected answer", "completion": "<think>3 and 4</think><answer>7</answer>", "value": null}
"""

TEST = '''\
"""Checks every case of cases.jsonl: the value of the verdict, and that a second verdict is the same."""

import json
from pathlib import Path

import pytest
from r1lite.scoring.rules import Rules
from r1lite.scoring.verdicts import verdicts_of
from r1lite.commands.score_file import as_group

CASES = [json.loads(line) for line in (Path(__file__).parent / "cases.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["about"])
def test_the_rule_gives_the_expected_verdict(case):
    rules = Rules.from_config({{"{name}": {{}}}}, ["r1lite_{name}.{name}"])
    group = as_group({{k: v for k, v in case.items() if k not in ("about", "value")}}, case["about"])
    first, second = verdicts_of(rules, group)[0]["{name}"], verdicts_of(rules, group)[0]["{name}"]
    assert first == second
    assert first.outcome == ("abstained" if case["value"] is None else "scored"), first.why
    assert first.value == case["value"], first.why
'''

README = """\
# {name}

A rule for r1lite: `r1lite_{name}/{name}.py`. Its settings are in `conf/reward/{name}.yaml`, its test cases in `tests/cases.jsonl`.

```sh
pip install -e .
python -m pytest
r1lite reward explain {name} completion='<think>3 and 4</think><answer>7</answer>' answer=7
r1lite audit task=arithmetic rewards.answer.weight=0 rewards.{name}.weight=1
python -m r1lite.train --config-dir conf reward={name} task=arithmetic
```
"""


def write_package(name: str, folder: Path) -> Path:
    """Write the package. The name must not be taken, and the folder must be new or empty."""
    from rewards import rewards

    if not name.isidentifier() or iskeyword(name) or name.startswith("_") or name != name.lower():
        raise ValueError(f"a rule's name must be a lower-case Python identifier, such as my_rule, got {name!r}")
    if name in rewards.names():
        raise ValueError(f"a rule named {name!r} already exists. Existing rules: {', '.join(rewards.names())}.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} exists and is not an empty folder; choose another: r1lite reward new {name} FOLDER")
    for path, text in package_files(name).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def package_files(name: str) -> dict[str, str]:
    """The text of each file, by its path in the package."""
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

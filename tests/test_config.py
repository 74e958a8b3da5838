"""Settings from plain Python, and that their defaults stand in one place."""

import re
from dataclasses import asdict, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from r1lite.checks.run import check
from r1lite.config import CONF, AlgorithmConfig, Config, DPOConfig, LossConfig, PretrainConfig, RLConfig, SFTConfig, group_values
from r1lite.objective import Objective
from r1lite.settings.compose import configuration
from r1lite.settings.resume import flat
from r1lite.settings.typed import as_text, fitted, names_of

SECTIONS = [f.name for f in fields(Config) if is_dataclass(getattr(Config(), f.name))]


def test_the_defaults_are_what_the_command_line_composes() -> None:
    composed, plain = flat(asdict(configuration())), flat(asdict(Config()))
    # A run from the command line has a time in its name; the task arithmetic has a second split to be tested on.
    assert {key for key in composed if composed[key] != plain[key]} == {"run_dir", "evaluate.splits"}
    assert composed.keys() == plain.keys()


def test_a_configuration_made_in_python_passes_every_check(model_folder: Path) -> None:
    assert check(replace(Config(), model=replace(Config().model, path=str(model_folder)), stages=["rl"])) == []
    assert RLConfig(lr=1e-6).group_size == 8
    assert (SFTConfig().data, DPOConfig().lr, PretrainConfig().corpus["arithmetic/easy"]) == ("reject", 1e-4, 0.2)


def test_two_configurations_share_nothing() -> None:
    first, second = Config(), Config()
    first.rewards["answer"]["weight"] = 9
    first.stages.append("dpo")
    first.rl.curriculum.until = 0.9
    assert second == Config()


def test_an_algorithm_says_the_parts_of_its_loss_once() -> None:
    assert issubclass(AlgorithmConfig, LossConfig)
    assert issubclass(Objective, LossConfig)
    assert AlgorithmConfig(**asdict(Objective.preset("r1")) | {"kl_coef": 0.5}).kl_coef == 0.5
    assert asdict(Objective()).items() <= asdict(AlgorithmConfig(kl="none", kl_coef=0.0)).items()


GROUPS = {"algorithm": AlgorithmConfig(), "sampler": Config().sampler}


@pytest.mark.parametrize("path", sorted(CONF.glob("[!cr]*/*.yaml")), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_yaml_holds_only_what_differs_from_the_defaults(path: Path) -> None:
    own: Any = OmegaConf.to_container(OmegaConf.load(path))
    parents = [name for name in own.pop("defaults", []) if isinstance(name, str) and name != "_self_"]
    below = flat(asdict(GROUPS.get(path.parent.name, Config())))
    for parent in parents:
        below |= flat(group_values(path.parent.name, parent))
    named = () if path.parent.name == "experiment" else ("task",)
    assert [key for key, value in flat(own).items() if key.split(".")[0] not in named and below.get(key, ...) == value] == []


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        ({"rl": {"lr": 1}}, 1.0),
        ({"rl": {"lr": "1e-3"}}, 1e-3),
        ({"rl": {"curriculum": {"until": 1}}}, 1.0),
        ({"model": {"path": 123}}, "123"),
        ({"evaluate": {"splits": ["a", 1]}}, ["a", "1"]),
        ({"pretrain": {"corpus": {"a/b": 1}}}, PretrainConfig().corpus | {"a/b": 1.0}),
        ({"rewards": {"format": {"weight": 2}}}, {"answer": {"weight": 1.0}, "format": {"weight": 2}}),
    ],
)
def test_values_become_what_the_setting_is(changes: Any, value: Any) -> None:
    found: Any = fitted(Config(), changes)
    while isinstance(changes, dict) and is_dataclass(found):
        (key,) = changes
        changes, found = changes[key], getattr(found, key)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rl": {"stepz": 1}}, "unknown setting 'rl.stepz'. Did you mean rl.steps?"),
        ({"rll": {"steps": 1}}, "unknown setting 'rll.steps'. Did you mean rl.steps?"),
        ({"rl": {"steps": True}}, "rl.steps should be a whole number, got true"),
        ({"rl": {"lr": True}}, "rl.lr should be a number, got true"),
        ({"rl": {"share_prompts": 1}}, "rl.share_prompts should be true or false, got 1"),
        ({"rl": {"lr": None}}, "rl.lr needs a value, got null"),
        ({"rl": {"curriculum": 3}}, "rl.curriculum is a section: set its entries, each by its full name, got 3"),
        ({"stages": "rl"}, "stages should be a list, such as [a, b], got rl"),
        ({"model": {"path": ["a"]}}, "model.path should be text, got [a]"),
        ({"pretrain": {"corpus": {"a": "much"}}}, "pretrain.corpus.a should be a number, got much"),
    ],
)
def test_values_that_do_not_fit_are_refused(changes: Any, says: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(says)}$"):
        fitted(Config(), changes)


def test_a_value_reads_as_it_is_typed() -> None:
    assert [*map(as_text, ("a/b", "", "two words", 1.0, 1e-5, True, None, ["a", 1], {"a": {"b": 0.5}}))] == [
        "a/b", "''", "'two words'", "1", "1e-05", "true", "null", "[a, 1]", "{a: {b: 0.5}}"
    ]  # fmt: skip


def test_every_setting_has_a_name() -> None:
    names = [*names_of(Config())]
    assert {"rl", "rl.lr", "rl.curriculum.until", "algorithm.kl", "algorithm.critic"} <= set(names)
    assert len(names) == len(set(names))

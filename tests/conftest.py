"""What tests share: a tiny model with random weights, and a config composed as a user would."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from r1lite.config import Config
from r1lite.episodes import episodes
from r1lite.models import pretrained
from r1lite.models.tiny import build_model, build_tokenizer
from r1lite.reporting.metric_reference import metric_of
from r1lite.settings.compose import configuration
from r1lite.settings.rounds import kind_of
from r1lite.stages import stages
from r1lite.store.metrics import Metrics
from r1lite.trackers import trackers
from rewards import rewards
from sandbox import Sandbox
from tasks import tasks

SHIPPED = {*stages.names()}

# Several workers share the cores (pytest-xdist).
torch.set_num_threads(1 if "PYTEST_XDIST_WORKER" in os.environ else 2)


def configured(*overrides: str) -> Config:
    return configuration(overrides)


@pytest.fixture(autouse=True)
def forgotten_plugins() -> Iterator[None]:
    """What a test's plugins and functions register is gone after it, so that no test depends on those before it."""
    before = {registry.kind: set(registry._entries) for registry in (rewards, tasks, stages, trackers, episodes)}
    yield
    for registry in (rewards, tasks, stages, trackers, episodes):
        for name, entry in list(registry._entries.items()):
            if name not in before[registry.kind] and not entry.__module__.startswith(f"{registry.package}."):
                registry.remove(name)
    for module in [name for name in sys.modules if name.startswith("r1lite_plugin_")]:
        del sys.modules[module]


@pytest.fixture(autouse=True)
def every_metric_has_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """No stage of ours logs a metric that the metrics page does not explain."""
    log = Metrics.log

    def checked(self: Metrics, stage: str, step: int, metrics: Mapping[str, float]) -> None:
        if kind_of(stage) in SHIPPED:
            assert [name for name in metrics if metric_of(name) is None] == [], "write its text into reporting/metric_texts.py"
        log(self, stage, step, metrics)

    monkeypatch.setattr(Metrics, "log", checked)


@pytest.fixture
def config() -> Callable[..., Config]:
    return configured


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    return build_tokenizer()


@pytest.fixture
def model(tokenizer: Any) -> Any:
    """Random weights, large enough that its distribution is far from uniform."""
    small = configured("pretrain.hidden=32", "pretrain.layers=2", "pretrain.heads=2", "pretrain.intermediate=48").pretrain
    built = build_model(small, tokenizer, seed=0)
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.mul_(1.5)
    return built


@pytest.fixture
def model_folder(model: Any, tokenizer: Any, tmp_path: Path) -> Path:
    pretrained.save(model, tokenizer, tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(workers=2) as box:
        yield box

"""A sampler over the native engine, for tests."""

from __future__ import annotations

from typing import Any

from r1lite.config import SamplerConfig
from r1lite.prompt import Prompter
from r1lite.sampling.native.engine import NativeEngine
from r1lite.sampling.rollouts import Sampler


def native(model: Any, prompter: Prompter, cfg: SamplerConfig) -> Sampler:
    return Sampler(NativeEngine(model, prompter.tokenizer, cfg), prompter, cfg)

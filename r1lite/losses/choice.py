"""The choice of a policy loss: its parts by name, with their numbers."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

from r1lite.config import AlgorithmConfig, LossConfig

PARTS = {
    "ratio": ("token", "sequence", "sequence_token", "sequence_sum", "none"),
    "gate": ("clip", "sigmoid", "cap", "log_clip", "tv_mask", "reinforce"),
    "aggregate": ("token_mean", "seq_mean_token_mean", "seq_mean_token_sum", "budget"),
    "kl": ("none", "k1", "k2", "k3", "k3_weighted"),
    "correction": ("none", "truncate", "mask"),
    "correction_level": ("token", "sequence"),
}
AT_LEAST_0 = ("clip_low", "clip_high", "dual_clip", "delta_low", "delta_high", "kl_coef", "correction_low")
ABOVE_0 = ("cap", "tau_pos", "tau_neg", "correction_high")


@dataclass(kw_only=True)
class Objective(LossConfig):
    """The checked settings of a policy loss: the names of its parts and their numbers. r1lite/config.py describes each."""

    def __post_init__(self) -> None:
        for part, known in PARTS.items():
            if getattr(self, part) not in known:
                raise ValueError(f"unknown algorithm.{part} {getattr(self, part)!r}. Known: {', '.join(known)}.")
        for number in (*AT_LEAST_0, *ABOVE_0):
            value = getattr(self, number)
            if not (value >= 0 if number in AT_LEAST_0 else value > 0):
                raise ValueError(f"algorithm.{number} must be {'at least' if number in AT_LEAST_0 else 'above'} 0, got {value}")
        self._check_combinations()

    def _check_combinations(self) -> None:
        if self.ratio == "none" and self.gate != "reinforce":
            raise ValueError(f"algorithm.gate={self.gate} needs a ratio; algorithm.ratio=none works only with gate=reinforce")
        if self.gate in ("log_clip", "tv_mask") and self.ratio != "token":
            raise ValueError(f"algorithm.gate={self.gate} works on single tokens: it needs ratio=token, got ratio={self.ratio}")
        if self.dual_clip and self.gate != "clip":
            raise ValueError(f"algorithm.dual_clip works only with gate=clip; with gate={self.gate} set it to 0")
        if 0 < self.dual_clip <= 1:
            raise ValueError(f"algorithm.dual_clip bounds the ratio from above: it must be above 1, or 0 for off, got {self.dual_clip}")
        if self.aggregate == "budget" and self.budget < 1:
            raise ValueError("algorithm.aggregate=budget divides by algorithm.budget, which must be at least 1 token")
        if self.kl != "none" and not self.kl_coef > 0:
            raise ValueError(f"algorithm.kl={self.kl} needs algorithm.kl_coef above 0, got {self.kl_coef}")
        if self.correction == "mask" and self.correction_low > self.correction_high:
            raise ValueError("algorithm.correction=mask keeps weights between correction_low and correction_high, but low is above high")

    @classmethod
    def of(cls, settings: LossConfig, **changes: Any) -> Self:
        """The loss of an algorithm."""
        return cls(**{f.name: getattr(settings, f.name) for f in fields(LossConfig)} | changes)

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Self:
        """The loss of a named algorithm: `conf/algorithm/<name>.yaml`."""
        return cls.of(AlgorithmConfig.preset(name), **changes)

"""The choice of a policy loss: its parts by name, and their numbers."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Self

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Objective:
    """The parts of a loss, by name, and their numbers; config.AlgorithmConfig says what each is.

    The defaults are GRPO's (arXiv 2402.03300), without its KL.
    """

    ratio: str = "token"
    gate: str = "clip"
    clip_low: float = 0.2
    clip_high: float = 0.2
    dual_clip: float = 0.0
    cap: float = 5.0
    tau_pos: float = 1.0
    tau_neg: float = 1.05
    delta_low: float = 0.15
    delta_high: float = 0.15
    aggregate: str = "seq_mean_token_mean"
    budget: int = 0
    kl: str = "none"
    kl_coef: float = 0.0
    correction: str = "none"
    correction_level: str = "token"
    correction_low: float = 0.5
    correction_high: float = 2.0
    entropy_coef: float = 0.0

    def __post_init__(self) -> None:
        for part, known in PARTS.items():
            if getattr(self, part) not in known:
                raise ValueError(f"unknown algorithm.{part} {getattr(self, part)!r}. Known: {', '.join(known)}.")
        for number in (*AT_LEAST_0, *ABOVE_0):
            value = getattr(self, number)
            if not (value >= 0 if number in AT_LEAST_0 else value > 0):
                raise ValueError(f"algorithm.{number} must be {'at least' if number in AT_LEAST_0 else 'above'} 0, got {value}")
        self._refuse_the_meaningless()

    def _refuse_the_meaningless(self) -> None:
        if self.ratio == "none" and self.gate != "reinforce":
            raise ValueError(f"algorithm.gate={self.gate} needs a ratio; algorithm.ratio=none goes with gate=reinforce alone")
        if self.gate in ("log_clip", "tv_mask") and self.ratio != "token":
            raise ValueError(f"algorithm.gate={self.gate} judges each token by itself: it needs ratio=token, got ratio={self.ratio}")
        if self.dual_clip and self.gate != "clip":
            raise ValueError(f"algorithm.dual_clip belongs to gate=clip; with gate={self.gate} set it to 0")
        if 0 < self.dual_clip <= 1:
            raise ValueError(f"algorithm.dual_clip bounds the ratio from above, so it must be above 1 (or 0, off), got {self.dual_clip}")
        if self.aggregate == "budget" and self.budget < 1:
            raise ValueError("algorithm.aggregate=budget divides by algorithm.budget, which must be at least 1 token")
        if self.kl != "none" and not self.kl_coef > 0:
            raise ValueError(f"algorithm.kl={self.kl} needs algorithm.kl_coef above 0, got {self.kl_coef}")
        if self.correction == "mask" and self.correction_low > self.correction_high:
            raise ValueError("algorithm.correction=mask keeps weights from correction_low to correction_high, and low is above high")

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Self:
        """A named algorithm, as `conf/algorithm/<name>.yaml` defines it."""
        from r1lite.config import algorithm_values  # they live in YAML, once

        known = {f.name for f in fields(cls)}
        values = {k: v for k, v in algorithm_values(name).items() if k in known}
        return replace(cls(**values), **changes)

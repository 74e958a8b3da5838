"""AdamW with its schedule and its clipping; a step that is not a number is not taken.

Weights of fewer bits than float32 have a float32 master each: gradients are gathered there, the step is taken there,
and the weight is its rounding. A small step would otherwise round away.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from r1lite.config import TrainingConfig
from r1lite.learning import parallel


class Diverged(ValueError):
    """The loss or the gradient is not a number any more."""


class Optimiser:
    """Steps of one stage. `lr` is the stage's, unless another is given; the schedule has the same shape for all."""

    def __init__(self, parameters: Iterable[nn.Parameter], cfg: TrainingConfig, *, total_steps: int, lr: float | None = None) -> None:
        self.weights, self.cfg, self.total_steps = list(parameters), cfg, total_steps
        self.parameters = [_master(p) for p in self.weights]
        self.peak = cfg.lr if lr is None else lr
        self.steps = 0  # taken so far; the schedule follows it
        self.adam = torch.optim.AdamW(self.parameters, lr=self.peak, weight_decay=cfg.weight_decay, fused=True)
        # Its moments get their memory now. Made in the first step, as torch would, they take what the pass before it has freed,
        # and the second step has to ask for new memory, which is slow.
        for p in self.parameters:
            moments = {name: torch.zeros_like(p, requires_grad=False) for name in ("exp_avg", "exp_avg_sq")}
            self.adam.state[p] = {"step": torch.zeros((), dtype=torch.float32, device=p.device), **moments}

    @property
    def lr(self) -> float:
        return self.peak * schedule(self.steps, self.cfg, self.total_steps)

    def backward(self, loss: Tensor) -> None:
        if not torch.isfinite(loss):
            raise Diverged(self._said("loss", loss.item()))
        loss.backward()

    def step(self) -> dict[str, float]:
        """Take the gradients that have been accumulated, those of all ranks."""
        parallel.sum_gradients(self.parameters)
        norm = float(torch.nn.utils.clip_grad_norm_(self.parameters, self.cfg.max_grad_norm))
        if not math.isfinite(norm):
            raise Diverged(self._said("gradient", norm))
        metrics = {"grad_norm": norm, "lr": self.lr}
        for group in self.adam.param_groups:
            group["lr"] = self.lr
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)
        self._round()
        self.steps += 1
        return metrics

    def state(self) -> dict[str, Any]:
        masters = [master.detach() for weight, master in self._rounded()]
        return {"steps": self.steps, "adam": self.adam.state_dict(), "masters": masters}

    def restore(self, state: dict[str, Any]) -> None:
        self.steps = state["steps"]
        self.adam.load_state_dict(state["adam"])
        with torch.no_grad():
            for (_, mine), saved in zip(self._rounded(), state["masters"], strict=True):
                mine.copy_(saved)

    @torch.no_grad()
    def _round(self) -> None:
        for weight, master in self._rounded():
            weight.copy_(master)

    def _rounded(self) -> list[tuple[nn.Parameter, nn.Parameter]]:
        return [(w, m) for w, m in zip(self.weights, self.parameters, strict=True) if w is not m]

    def _said(self, what: str, value: float) -> str:
        return (
            f"the {what} is {value} at optimiser step {self.steps + 1}; the step was not taken. "
            f"Lower lr (now {self.cfg.lr:g}) or raise warmup_steps (now {self.cfg.warmup_steps}), and choose another run_dir=."
        )


def _master(weight: nn.Parameter) -> nn.Parameter:
    if weight.dtype not in (torch.bfloat16, torch.float16):
        return weight
    master = nn.Parameter(weight.detach().float())

    def gather(grown: Tensor) -> None:  # the weight; named here it would hold itself, and be there for ever
        assert grown.grad is not None
        if master.grad is None:
            master.grad = grown.grad.float()
        else:
            master.grad += grown.grad
        grown.grad = None

    weight.register_post_accumulate_grad_hook(gather)
    return master


def schedule(step: int, cfg: TrainingConfig, total_steps: int) -> float:
    """Share of the peak: linear warm-up, then a cosine down to final_lr_share. A function of the step alone."""
    warm = min(1.0, (step + 1) / cfg.warmup_steps) if cfg.warmup_steps else 1.0
    progress = min(1.0, step / max(1, total_steps))
    return warm * (cfg.final_lr_share + (1 - cfg.final_lr_share) * 0.5 * (1 + math.cos(math.pi * progress)))


def load_weights(mine: Iterable[tuple[str, Tensor]], weights: dict[str, Tensor]) -> None:
    """Copy a checkpoint's weights into a model's, by name."""
    own = dict(mine)
    if own.keys() != weights.keys():
        raise ValueError(f"the checkpoint is of another model: {sorted(own.keys() ^ weights.keys())[:4]} ...")
    with torch.no_grad():
        for name, tensor in weights.items():
            own[name].copy_(tensor)

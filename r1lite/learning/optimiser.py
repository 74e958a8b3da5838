"""AdamW with a schedule and gradient clipping. A step whose loss or gradient is not finite is not taken.

Weights with fewer bits than float32 have a float32 master copy, which accumulates gradients and takes the steps. The weight is
the master, rounded; otherwise small steps would be lost to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from r1lite.config import TrainingConfig
from r1lite.learning.sharding import full, is_part
from r1lite.parallel import exchange
from r1lite.types import State

MOMENTS = ("exp_avg", "exp_avg_sq")


class Diverged(ValueError):
    """The loss or the gradient is not finite."""


class Optimiser:
    """The optimiser of one stage. `lr` replaces the stage's learning rate; the shape of the schedule is the same."""

    def __init__(self, parameters: Iterable[nn.Parameter], cfg: TrainingConfig, *, total_steps: int, lr: float | None = None) -> None:
        self.weights, self.cfg, self.total_steps = list(parameters), cfg, total_steps
        self.parameters = [_master(p) for p in self.weights]
        self.peak = cfg.lr if lr is None else lr
        self.steps = 0  # taken so far, which the schedule depends on
        # Sharded parameters by themselves: torch computes with lists of one kind.
        self.kinds = [kind for kind in ([p for p in self.parameters if is_part(p) == sharded] for sharded in (False, True)) if kind]
        groups = [{"params": kind} for kind in self.kinds]
        self.adam = torch.optim.AdamW(groups, lr=self.peak, weight_decay=cfg.weight_decay, fused=True)
        self.size = self._rms()
        # Allocate the moments now. torch would allocate them in the first step, from memory that the first pass has freed;
        # the second pass would then have to request new memory, which is slow.
        for p in self.parameters:
            moments = {name: torch.zeros_like(p, requires_grad=False) for name in MOMENTS}
            self.adam.state[p] = {"step": torch.zeros((), dtype=torch.float32, device=p.device), **moments}

    @property
    def lr(self) -> float:
        return self.peak * schedule(self.steps, self.cfg, self.total_steps)

    def backward(self, loss: Tensor) -> None:
        if not torch.isfinite(loss):
            raise Diverged(self._message("loss", loss.item()))
        loss.backward()

    def step(self) -> dict[str, float]:
        """Step with the accumulated gradients, summed over all ranks, and clear them."""
        exchange.sum_gradients(self.parameters)
        norm = self._clip()
        if not math.isfinite(norm):
            raise Diverged(self._message("gradient", norm))
        # AdamW moves a weight by about lr, whatever its gradient.
        metrics = {"grad_norm": norm, "lr": self.lr, "update/size": self.lr / self.size if self.size else 0.0}
        for group in self.adam.param_groups:
            group["lr"] = self.lr
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)
        self.round_weights()
        self.steps += 1
        return metrics

    @torch.no_grad()
    def _rms(self) -> float:
        """The root mean square of the weights that training begins with."""
        squares = [float(full(get_total_norm([p.detach() for p in kind]))) ** 2 for kind in self.kinds]
        return math.sqrt(sum(squares) / max(1, sum(p.numel() for p in self.parameters)))

    def _clip(self) -> float:
        """Scale the gradients down to the largest norm that is allowed, and return the norm that they had."""
        parts = [full(get_total_norm([p.grad for p in kind if p.grad is not None])) for kind in self.kinds]
        norm = parts[0] if len(parts) == 1 else torch.linalg.vector_norm(torch.stack(parts))
        for kind in self.kinds:
            clip_grads_with_norm_(kind, self.cfg.max_grad_norm, norm)
        return float(norm)

    def precise(self, weight: nn.Parameter) -> nn.Parameter:
        """The weight's master copy, or the weight itself."""
        return next((master for own, master in self._masters() if own is weight), weight)

    def tensors(self) -> dict[str, Tensor]:
        """The moments of AdamW. The masters are saved in place of their weights."""
        return {f"{i}.{name}": self.adam.state[p][name] for i, p in enumerate(self.parameters) for name in MOMENTS}

    def numbers(self) -> State:
        return {"steps": self.steps, "size": self.size, "adam": [float(self.adam.state[p]["step"]) for p in self.parameters]}

    def resume(self, numbers: State) -> None:
        self.steps, self.size = numbers["steps"], numbers.get("size", self.size)
        for p, step in zip(self.parameters, numbers["adam"], strict=True):
            self.adam.state[p]["step"].fill_(step)

    @torch.no_grad()
    def round_weights(self) -> None:
        for weight, master in self._masters():
            weight.copy_(master)

    def _masters(self) -> list[tuple[nn.Parameter, nn.Parameter]]:
        """Weights that have a master copy, with their master."""
        return [(weight, master) for weight, master in zip(self.weights, self.parameters, strict=True) if weight is not master]

    def _message(self, what: str, value: float) -> str:
        return (
            f"the {what} is {value} at optimiser step {self.steps + 1}; the step was not taken. "
            f"Lower lr (now {self.cfg.lr:g}) or raise warmup_steps (now {self.cfg.warmup_steps}), and choose another run_dir=."
        )


def _master(weight: nn.Parameter) -> nn.Parameter:
    """A float32 copy that takes over the weight's gradients; a float32 weight is its own master."""
    if weight.dtype not in (torch.bfloat16, torch.float16):
        return weight
    master = nn.Parameter(weight.detach().float())

    def move_gradient(parameter: Tensor) -> None:  # capturing `weight` instead would create a reference cycle and leak it
        assert parameter.grad is not None
        if master.grad is None:
            master.grad = parameter.grad.float()
        else:
            master.grad += parameter.grad
        parameter.grad = None

    weight.register_post_accumulate_grad_hook(move_gradient)
    return master


def schedule(step: int, cfg: TrainingConfig, total_steps: int) -> float:
    """The learning rate as a share of its peak: linear warm-up times cosine decay to final_lr_share. Depends on the step alone."""
    warmup = min(1.0, (step + 1) / cfg.warmup_steps) if cfg.warmup_steps else 1.0
    progress = min(1.0, step / max(1, total_steps))
    return warmup * (cfg.final_lr_share + (1 - cfg.final_lr_share) * 0.5 * (1 + math.cos(math.pi * progress)))

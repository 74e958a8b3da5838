"""The model that is trained: log-probs, the optimiser step, the reference."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from r1lite.batch import collate
from r1lite.config import TrainingConfig
from r1lite.objective import Objective, policy_loss
from r1lite.types import Batch, Sample, Totals

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class Diverged(ValueError):
    """The loss or the gradient is not a number any more."""


class Policy:
    """A model with its optimiser. `steps` is how many optimiser steps have been taken; the schedule follows it."""

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, cfg: TrainingConfig, *, total_steps: int, temperature: float = 1.0
    ) -> None:
        self.model, self.tokenizer, self.cfg = model, tokenizer, cfg
        self.total_steps, self.temperature = total_steps, temperature
        self.steps = 0
        self.reference: PreTrainedModel | None = None
        fused = model.device.type == "cuda"
        self.optimiser = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=cfg.weight_decay, fused=fused)

    @property
    def lr(self) -> float:
        return learning_rate(self.steps, self.cfg, self.total_steps)

    def weights(self) -> Iterable[tuple[str, Tensor]]:
        return self.model.named_parameters()

    def refresh_reference(self) -> None:
        """Let the reference of the KL term be the policy as it is now."""
        self.reference = copy.deepcopy(self.model).requires_grad_(False)

    def step(self, samples: Sequence[Sample], objective: Objective, *, totals: Totals | None = None) -> dict[str, float]:
        """One optimiser step over all samples, whatever the micro-batches; divided by their totals, or by those given."""
        batches = collate(samples, micro_batch_tokens=self.cfg.micro_batch_tokens, totals=totals, device=self.model.device)
        metrics: dict[str, float] = {}
        for batch in batches:
            for key, value in self._backward(batch, objective).items():
                metrics[key] = metrics.get(key, 0.0) + value
        norm = float(torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.cfg.max_grad_norm))
        if not math.isfinite(norm):
            raise Diverged(self._said("gradient", norm))
        metrics |= {"grad_norm": norm, "lr": self.lr, "tokens/trained": float(sum(len(s.token_ids) for s in samples))}
        for group in self.optimiser.param_groups:
            group["lr"] = self.lr
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.steps += 1
        return metrics

    def _backward(self, batch: Batch, objective: Objective) -> dict[str, float]:
        logp, entropy = token_logprobs(self.model, batch, self.temperature)
        reference = self._reference_logp(batch) if objective.kl != "none" else None
        loss, stats = policy_loss(
            objective,
            logp=logp,
            old_logp=batch.old_logp,
            advantages=batch.advantages,
            mask=batch.mask,
            ref_logp=reference,
            sampler_logp=batch.old_logp if batch.sampled else None,
            total_tokens=batch.totals.tokens,
            total_sequences=batch.totals.sequences,
        )
        if not torch.isfinite(loss):
            raise Diverged(self._said("loss", loss.item()))
        loss.backward()
        stats |= {"loss": loss.detach(), "entropy": (entropy * batch.mask).sum() / batch.totals.tokens}
        return {key: float(value) for key, value in stats.items()}

    def _said(self, what: str, value: float) -> str:
        return (
            f"the {what} is {value} at optimiser step {self.steps + 1}; the step was not taken. "
            f"Lower lr (now {self.cfg.lr:g}) or raise warmup_steps (now {self.cfg.warmup_steps}), and choose another run_dir=."
        )

    @torch.no_grad()
    def _reference_logp(self, batch: Batch) -> Tensor:
        if self.reference is None:
            self.refresh_reference()
        assert self.reference is not None
        return token_logprobs(self.reference, batch, self.temperature)[0]

    def state(self) -> dict[str, Any]:
        """Everything, besides the weights, that the next step depends on."""
        reference = self.reference.state_dict() if self.reference is not None else None
        return {"steps": self.steps, "optimiser": self.optimiser.state_dict(), "reference": reference}

    def restore(self, weights: dict[str, Tensor], state: dict[str, Any]) -> None:
        mine = dict(self.weights())
        if mine.keys() != weights.keys():
            raise ValueError(f"the checkpoint is of another model: {sorted(mine.keys() ^ weights.keys())[:4]} ...")
        with torch.no_grad():
            for name, tensor in weights.items():
                mine[name].copy_(tensor)
        self.optimiser.load_state_dict(state["optimiser"])
        self.steps = state["steps"]
        if state["reference"] is not None:
            self.refresh_reference()
            assert self.reference is not None
            self.reference.load_state_dict(state["reference"])


def token_logprobs(model: PreTrainedModel, batch: Batch, temperature: float) -> tuple[Tensor, Tensor]:
    """Log-prob of each completion token and the entropy where it was drawn, both [N, T]."""
    # Prompt positions go through the model, but not through the output head.
    keep = torch.arange(batch.first - 1, batch.input_ids.shape[1] - 1, device=batch.input_ids.device)
    logits = model(input_ids=batch.input_ids, logits_to_keep=keep, use_cache=False).logits
    precise = torch.promote_types(logits.dtype, torch.float32)
    logprobs = torch.log_softmax(logits.to(precise) / temperature, dim=-1)
    logp = logprobs.gather(-1, batch.input_ids[:, batch.first :].unsqueeze(-1)).squeeze(-1)
    with torch.no_grad():
        entropy = -(logprobs.exp() * logprobs).sum(-1)
    return logp, entropy


def learning_rate(step: int, cfg: TrainingConfig, total_steps: int) -> float:
    """Linear warm-up, then a cosine down to final_lr_share. A function of the step alone, so resuming needs no state."""
    warm = min(1.0, (step + 1) / cfg.warmup_steps) if cfg.warmup_steps else 1.0
    progress = min(1.0, step / max(1, total_steps))
    cosine = cfg.final_lr_share + (1 - cfg.final_lr_share) * 0.5 * (1 + math.cos(math.pi * progress))
    return cfg.lr * warm * cosine

"""The policy: the model being trained, with its optimiser, and the reference and the critic if the algorithm needs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from r1lite.config import TrainingConfig
from r1lite.learning.accumulate import LossAndMetrics, train_step
from r1lite.learning.batch import collate, per_sample, totals_of
from r1lite.learning.critic import Critic
from r1lite.learning.forward import Forward, can_share_prompts, forward
from r1lite.learning.optimiser import Optimiser
from r1lite.learning.sharding import CPU, distribute, is_sharded, whole
from r1lite.losses.parts import entropy_threshold, high_entropy_mask
from r1lite.models import adapters, pretrained
from r1lite.objective import Objective, policy_loss
from r1lite.parallel import exchange, world
from r1lite.types import Batch, Sample, State, Totals

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


UNSCALED = ("loss", "grad_norm", "lr", "update/size")  # metrics of a step that are not means over its tokens


class Policy:
    """The model being trained."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        cfg: TrainingConfig,
        *,
        total_steps: int,
        temperature: float = 1.0,
        entropy_share: float = 1.0,
        share_prompts: bool = False,
    ) -> None:
        self.model, self.tokenizer, self.cfg = distribute(model), tokenizer, cfg
        self.temperature, self.entropy_share = temperature, entropy_share
        self.share_prompts = share_prompts and can_share_prompts(model)
        self.reference: PreTrainedModel | None = None
        self.critic: Critic | None = None
        self.optimiser = Optimiser([p for _, p in adapters.trainable_parameters(self.model)], cfg, total_steps=total_steps)

    @property
    def lr(self) -> float:
        return self.optimiser.lr

    def save(self, folder: Path) -> None:
        """Save a plain model that loads without r1lite; adapters are merged into it, and also saved beside it."""
        model = whole(self.model, here=world.is_leader(), device=CPU) if is_sharded(self.model) else self.model
        exchange.leader_writes(lambda: self._write(model, folder))

    def _write(self, model: PreTrainedModel, folder: Path) -> None:
        pretrained.save(adapters.merged(model), self.tokenizer, folder)
        if adapters.has_adapters(model):
            adapters.save_adapters(model, folder.parent / "adapter")

    def weights(self) -> Iterable[tuple[str, Tensor]]:
        """The trainable weights, which are those that a checkpoint contains."""
        return adapters.trainable_parameters(self.model)

    def refresh_reference(self) -> None:
        """Make the current policy the reference of the KL. Before the first step, that is the model without its adapters."""
        if adapters.has_adapters(self.model) and not self.optimiser.steps:
            self.reference = None
        else:
            self.reference = distribute(whole(self.model).requires_grad_(False))

    def logprobs(self, samples: Sequence[Sample]) -> list[list[float]]:
        """The log-probs of each sample's tokens under the current policy."""
        return self._per_sample(samples, lambda batch: self._forward(batch).logp)

    def reference_logprobs(self, samples: Sequence[Sample]) -> list[list[float]]:
        """The log-probs of each sample's tokens under the reference."""
        return self._per_sample(samples, self._reference_logp)

    def values(self, samples: Sequence[Sample]) -> list[list[float]]:
        """The critic's values of each sample's tokens."""
        critic = self.critic
        assert critic is not None
        return self._per_sample(samples, lambda batch: critic.values(batch, self._forward(batch).hidden if critic.shared else None))

    def step(self, samples: Sequence[Sample], objective: Objective, *, totals: Totals | None = None) -> dict[str, float]:
        """One optimiser step over all samples. The loss is divided by the samples' totals unless others are given."""
        trained = totals_of(samples).tokens
        batches = self._collate(samples, totals)
        threshold = self._entropy_threshold(batches) if self.entropy_share < 1 else None
        others = [self.critic.optimiser] if self.critic is not None else []
        metrics = train_step(batches, lambda batch: self._loss(batch, objective, threshold), self.optimiser, *others)
        # Metrics are means over the trained tokens, even if the loss is divided by more.
        share = totals.tokens / trained if totals else 1.0
        means = {key: value if key in UNSCALED else value * share for key, value in metrics.items()}
        return means | {"tokens/trained": float(trained)}

    def _loss(self, batch: Batch, objective: Objective, threshold: Tensor | None = None) -> LossAndMetrics:
        out = self._forward(batch, entropy_grad=objective.entropy_coef != 0)
        loss, stats = policy_loss(
            objective,
            logp=out.logp,
            old_logp=batch.old_logp,
            advantages=batch.advantages,
            mask=batch.mask,
            ref_logp=self._reference_logp(batch) if objective.kl != "none" else None,
            sampler_logp=batch.sampler_logp,
            entropy=out.entropy,
            focus=None if threshold is None else high_entropy_mask(out.entropy.detach(), batch.mask, 1.0, threshold=threshold),
            total_tokens=batch.totals.tokens,
            total_sequences=batch.totals.sequences,
        )
        if self.critic is not None:
            value_loss, value_stats = self.critic.loss(batch, out.hidden)
            loss, stats = loss + value_loss, stats | value_stats
        return loss, stats

    def _forward(self, batch: Batch, *, entropy_grad: bool = False) -> Forward:
        shared = self.critic is not None and self.critic.shared
        return forward(self.model, batch, self.temperature, entropy_grad=entropy_grad, hidden=shared)

    def _collate(self, samples: Sequence[Sample], totals: Totals | None = None) -> list[Batch]:
        return collate(
            samples,
            micro_batch_tokens=self.cfg.micro_batch_tokens,
            totals=totals,
            device=self.model.device,
            share_prompts=self.share_prompts,
        )

    @torch.no_grad()
    def _per_sample(self, samples: Sequence[Sample], function: Callable[[Batch], Tensor]) -> list[list[float]]:
        batches = self._collate(samples)
        return per_sample(batches, [function(batch) for batch in batches], samples)

    @torch.no_grad()
    def _reference_logp(self, batch: Batch) -> Tensor:
        with self.as_reference() as reference:
            return forward(reference, batch, self.temperature).logp

    @contextmanager
    def as_reference(self) -> Iterator[PreTrainedModel]:
        """The reference model, for use inside the context: a copy, or the policy with its adapters disabled."""
        if self.reference is None and adapters.has_adapters(self.model):
            with adapters.without_adapters(self.model) as base:
                yield base
            return
        if self.reference is None:
            self.refresh_reference()
        assert self.reference is not None
        yield self.reference

    @torch.no_grad()
    def _entropy_threshold(self, batches: Sequence[Batch]) -> Tensor:
        """The threshold of the whole step, so that it does not depend on micro-batches or ranks."""
        per_batch = [self._forward(batch).entropy[batch.mask > 0][: 0 if batch.blank else None] for batch in batches]
        entropy = exchange.gather_values(torch.cat([torch.zeros(0, device=self.model.device), *per_batch])).unsqueeze(0)
        return entropy_threshold(entropy, torch.ones_like(entropy), self.entropy_share)

    def tensors(self) -> dict[str, Tensor]:
        """Everything that the next step depends on, besides numbers."""
        tensors = {f"weights/{name}": self.optimiser.precise(p) for name, p in adapters.trainable_parameters(self.model)}
        tensors |= {f"optimiser/{name}": tensor for name, tensor in self.optimiser.tensors().items()}
        if self.reference is not None:
            tensors |= {f"reference/{name}": p for name, p in self.reference.named_parameters()}
        if self.critic is not None:
            tensors |= {f"critic/{name}": tensor for name, tensor in self.critic.tensors().items()}
        return tensors

    def numbers(self) -> State:
        critic = self.critic.numbers() if self.critic is not None else None
        return {"optimiser": self.optimiser.numbers(), "reference": self.reference is not None, "critic": critic}

    def resume(self, numbers: State) -> None:
        self.optimiser.resume(numbers["optimiser"])
        self.reference = None
        if numbers["reference"]:
            self.reference = distribute(whole(self.model).requires_grad_(False))
        if self.critic is not None:
            self.critic.resume(numbers["critic"])

    def resumed(self) -> None:
        self.optimiser.round_weights()
        if self.critic is not None:
            self.critic.resumed()


def with_old_logprobs(policy: Policy, samples: Sequence[Sample]) -> list[Sample]:
    """Add the trainer's log-probs before the step, for importance corrections of the sampler's."""
    return [replace(s, old_logprobs=tuple(row)) for s, row in zip(samples, policy.logprobs(samples), strict=True)]

"""The model that is trained: its log-probs, the optimiser step; beside it the reference and the critic, where there are any."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from r1lite.config import TrainingConfig
from r1lite.learning import parallel
from r1lite.learning.accumulate import Measured, train_step
from r1lite.learning.batch import collate, per_sample, totals_of
from r1lite.learning.critic import Critic
from r1lite.learning.forward import Forward, can_share_prompts, forward
from r1lite.learning.optimiser import Optimiser, load_weights
from r1lite.losses.parts import entropy_threshold, high_entropy_mask
from r1lite.models import adapters, pretrained
from r1lite.objective import Objective, policy_loss
from r1lite.types import Batch, Sample, Totals

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


UNSCALED = ("loss", "grad_norm", "lr")  # metrics of a step that are no means over its tokens


class Policy:
    """A model with its optimiser."""

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
        self.model, self.tokenizer, self.cfg = model, tokenizer, cfg
        self.temperature, self.entropy_share = temperature, entropy_share
        self.share_prompts = share_prompts and can_share_prompts(model)
        self.reference: PreTrainedModel | None = None
        self.critic: Critic | None = None
        self.optimiser = Optimiser([p for _, p in adapters.trainable_parameters(model)], cfg, total_steps=total_steps)

    @property
    def lr(self) -> float:
        return self.optimiser.lr

    def save(self, folder: Path) -> None:
        """A plain model that loads anywhere; adapters beside it, where there are any."""
        pretrained.save(adapters.merged(self.model), self.tokenizer, folder)
        if adapters.has_adapters(self.model):
            adapters.save_adapters(self.model, folder.parent / "adapter")

    def weights(self) -> Iterable[tuple[str, Tensor]]:
        """What training changes, and a checkpoint holds."""
        return adapters.trainable_parameters(self.model)

    def refresh_reference(self) -> None:
        """Let the reference of the KL be the policy as it is now. Before any step, adapters that are off are just that."""
        if adapters.has_adapters(self.model) and not self.optimiser.steps:
            self.reference = None
        else:
            self.reference = copy.deepcopy(self.model).requires_grad_(False)

    def logprobs(self, samples: Sequence[Sample]) -> list[list[float]]:
        """Of each sample's tokens, as the policy gives them now."""
        return self._each(samples, lambda batch: self._forward(batch).logp)

    def reference_logprobs(self, samples: Sequence[Sample]) -> list[list[float]]:
        return self._each(samples, self._reference_logp)

    def values(self, samples: Sequence[Sample]) -> list[list[float]]:
        """The critic's, of each sample's tokens."""
        critic = self.critic
        assert critic is not None
        return self._each(samples, lambda batch: critic.values(batch, self._forward(batch).hidden if critic.shared else None))

    def step(self, samples: Sequence[Sample], objective: Objective, *, totals: Totals | None = None) -> dict[str, float]:
        """One optimiser step over all samples, whatever the micro-batches; divided by their totals, or by those given."""
        trained = parallel.totals(totals_of(samples)).tokens
        batches = self._collate(samples, totals)
        threshold = self._entropy_threshold(batches) if self.entropy_share < 1 else None
        others = [self.critic.optimiser] if self.critic is not None else []
        metrics = train_step(batches, lambda batch: self._measure(batch, objective, threshold), self.optimiser, *others)
        # Metrics are means over the tokens that were trained on, even where the loss is divided by more of them.
        share = totals.tokens / trained if totals else 1.0
        means = {key: value if key in UNSCALED else value * share for key, value in metrics.items()}
        return means | {"tokens/trained": float(trained)}

    def _measure(self, batch: Batch, objective: Objective, threshold: Tensor | None = None) -> Measured:
        seen = self._forward(batch, entropy_grad=objective.entropy_coef != 0)
        loss, stats = policy_loss(
            objective,
            logp=seen.logp,
            old_logp=batch.old_logp,
            advantages=batch.advantages,
            mask=batch.mask,
            ref_logp=self._reference_logp(batch) if objective.kl != "none" else None,
            sampler_logp=batch.sampler_logp,
            entropy=seen.entropy,
            focus=None if threshold is None else high_entropy_mask(seen.entropy.detach(), batch.mask, 1.0, threshold=threshold),
            total_tokens=batch.totals.tokens,
            total_sequences=batch.totals.sequences,
        )
        if self.critic is not None:
            value_loss, value_stats = self.critic.loss(batch, seen.hidden)
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
    def _each(self, samples: Sequence[Sample], what: Any) -> list[list[float]]:
        batches = self._collate(samples)
        return per_sample(batches, [what(batch) for batch in batches], samples)

    @torch.no_grad()
    def _reference_logp(self, batch: Batch) -> Tensor:
        with self.as_reference() as reference:
            return forward(reference, batch, self.temperature).logp

    @contextmanager
    def as_reference(self) -> Iterator[PreTrainedModel]:
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
        """Over the whole step, so that micro-batches change nothing."""
        seen = [(self._forward(batch).entropy[batch.mask > 0]) for batch in batches]
        entropy = parallel.values(torch.cat(seen)).unsqueeze(0)
        return entropy_threshold(entropy, torch.ones_like(entropy), self.entropy_share)

    def state(self) -> dict[str, Any]:
        """Everything, besides the weights, that the next step depends on."""
        reference = self.reference.state_dict() if self.reference is not None else None
        critic = self.critic.state() if self.critic is not None else None
        return {"optimiser": self.optimiser.state(), "reference": reference, "critic": critic}

    def restore(self, weights: dict[str, Tensor], state: dict[str, Any]) -> None:
        load_weights(self.weights(), weights)
        self.optimiser.restore(state["optimiser"])
        if state["reference"] is not None:
            self.reference = copy.deepcopy(self.model).requires_grad_(False)
            self.reference.load_state_dict(state["reference"])
        if self.critic is not None:
            self.critic.restore(state["critic"])


def with_old_logprobs(policy: Policy, samples: Sequence[Sample]) -> list[Sample]:
    """The trainer's own log-probs before the step, for a correction of what the sampler's differ by."""
    return [replace(s, old_logprobs=tuple(row)) for s, row in zip(samples, policy.logprobs(samples), strict=True)]

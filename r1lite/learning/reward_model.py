"""A reward model: scores a whole response with one number, learnt from pairs. Saved as a sequence classifier with one label."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from r1lite.config import ModelConfig, RewardModelConfig
from r1lite.learning.accumulate import LossAndMetrics, evaluate_step, train_step
from r1lite.learning.batch import collate_pairs
from r1lite.learning.optimiser import Optimiser
from r1lite.learning.sharding import CPU, distribute, is_sharded, through, whole
from r1lite.losses.preference import reward_model_loss, split_pairs
from r1lite.models import pretrained
from r1lite.parallel import exchange, world
from r1lite.types import Batch, Pair, State


class RewardModel:
    """The trunk of a language model, with a head that reads one number from the state of the response's last token."""

    def __init__(self, start: Path | str, model: ModelConfig, cfg: RewardModelConfig) -> None:
        loaded, self.tokenizer = pretrained.load_reward_model(str(start), model)
        self.model = distribute(loaded)
        self.cfg = cfg
        self.optimiser = Optimiser(self.model.parameters(), cfg, total_steps=cfg.steps)

    def scores(self, batch: Batch) -> Tensor:
        """The scores [N] of the responses."""
        return through(self.model, partial(_scores, batch=batch))

    def step(self, pairs: Sequence[Pair]) -> dict[str, float]:
        """One optimiser step over all pairs."""
        return train_step(self._batches(pairs), lambda batch: self._loss(batch, pairs), self.optimiser)

    def accuracy(self, pairs: Sequence[Pair]) -> float:
        """The share of pairs whose chosen response scores higher."""
        return evaluate_step(self._batches(pairs), lambda batch: self._loss(batch, pairs))["accuracy"]

    def _batches(self, pairs: Sequence[Pair]) -> list[Batch]:
        sides = [(p.chosen, p.rejected) for p in pairs]
        return collate_pairs(sides, micro_batch_tokens=self.cfg.micro_batch_tokens, device=self.model.device)

    def _loss(self, batch: Batch, pairs: Sequence[Pair]) -> LossAndMetrics:
        margin = torch.tensor([pairs[i].margin for i in batch.rows], device=self.model.device)
        chosen, rejected = split_pairs(self.scores(batch))
        return reward_model_loss(chosen, rejected, margin=margin, centring=self.cfg.centring, total=batch.totals.sequences)

    def weights(self) -> Iterable[tuple[str, Tensor]]:
        return self.model.named_parameters()

    def tensors(self) -> dict[str, Tensor]:
        weights = {f"weights/{name}": self.optimiser.precise(p) for name, p in self.model.named_parameters()}
        return weights | {f"optimiser/{name}": tensor for name, tensor in self.optimiser.tensors().items()}

    def numbers(self) -> State:
        return self.optimiser.numbers()

    def resume(self, numbers: State) -> None:
        self.optimiser.resume(numbers)

    def resumed(self) -> None:
        self.optimiser.round_weights()

    def save(self, folder: Path) -> None:
        model = whole(self.model, here=world.is_leader(), device=CPU) if is_sharded(self.model) else self.model
        exchange.leader_writes(lambda: pretrained.save(model, self.tokenizer, folder))


def _scores(model: Any, batch: Batch) -> Tensor:
    hidden = model.base_model(input_ids=batch.input_ids, use_cache=False).last_hidden_state
    assert batch.first is not None
    last = batch.first - 1 + (batch.mask * torch.arange(1, batch.mask.shape[1] + 1, device=batch.mask.device)).amax(1).long()
    rows = torch.arange(len(last), device=last.device)
    return model.score(hidden[rows, last]).float().sum(-1)  # of one score: FSDP wants a tensor of its own, not a view

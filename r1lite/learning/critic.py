"""PPO's critic: estimates the return before each token of a response."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from r1lite.config import AlgorithmConfig, TrainingConfig
from r1lite.learning.forward import states_before
from r1lite.learning.optimiser import Optimiser
from r1lite.learning.sharding import distribute, whole
from r1lite.losses.parts import value_loss
from r1lite.models import adapters
from r1lite.types import Batch, State

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Critic:
    """A value head on a trunk: a copy of the policy's trunk, or the policy's own, which is then trained by both losses.

    The head starts at 0, so that a new critic predicts 0 instead of noise.
    """

    def __init__(self, policy: PreTrainedModel, cfg: AlgorithmConfig, training: TrainingConfig, *, total_steps: int) -> None:
        self.cfg, self.shared = cfg, cfg.critic == "shared"
        self.trunk: nn.Module | None = None if self.shared else distribute(adapters.trunk_of(whole(policy)))
        self.head = nn.Linear(policy.config.hidden_size, 1, device=policy.device)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.optimiser = Optimiser(self.parameters(), training, total_steps=total_steps, lr=cfg.critic_lr)

    def parameters(self) -> list[nn.Parameter]:
        trunk = [] if self.trunk is None else [p for p in self.trunk.parameters() if p.requires_grad]
        return [*trunk, *self.head.parameters()]

    def values(self, batch: Batch, hidden: Tensor | None) -> Tensor:
        """Values [N, T]. A critic that shares the policy's trunk needs the policy's states in `hidden`."""
        if self.trunk is not None:
            hidden = states_before(self.trunk, batch)
        assert hidden is not None
        return self.head(hidden.float()).squeeze(-1)

    def loss(self, batch: Batch, hidden: Tensor | None) -> tuple[Tensor, dict[str, Tensor]]:
        """The clipped value loss: a mean over the tokens of the step."""
        assert batch.values is not None
        assert batch.returns is not None
        values = self.values(batch, hidden)
        per_token, clipped = value_loss(values, batch.values, batch.returns, self.cfg.value_clip)
        tokens = max(1, batch.totals.tokens)
        stats = {
            "critic/loss": (per_token * batch.mask).sum().detach() / tokens,
            "critic/clip_share": (clipped * batch.mask).sum() / tokens,
            "critic/value_mean": (batch.values * batch.mask).sum() / tokens,
        }
        return self.cfg.value_coef * (per_token * batch.mask).sum() / tokens, stats

    def tensors(self) -> dict[str, Tensor]:
        trunk = {} if self.trunk is None else {f"trunk/{name}": self.optimiser.precise(p) for name, p in self.trunk.named_parameters()}
        head = {f"head/{name}": p for name, p in self.head.named_parameters()}
        return trunk | head | {f"optimiser/{name}": tensor for name, tensor in self.optimiser.tensors().items()}

    def numbers(self) -> State:
        return self.optimiser.numbers()

    def resume(self, numbers: State) -> None:
        self.optimiser.resume(numbers)

    def resumed(self) -> None:
        self.optimiser.round_weights()

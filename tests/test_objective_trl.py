"""The objective against TRL 1.16.0, whose own loss functions were run on the tensors below.

What TRL gave is written down here, so these tests need no TRL. Where it is installed, they run its functions again:

    python tests/test_objective_trl.py      prints what it gives now

docs/how/algorithms.md lists where the conventions differ; a case here names TRL's options first, then ours.
"""

import importlib.util
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from r1lite.losses.parts import high_entropy_mask
from r1lite.objective import Objective, policy_loss

N, T = 4, 6
LENGTHS = (6, 2, 4, 5)


def wave(phase: float, size: float) -> Tensor:
    return size * torch.sin(torch.arange(N * T, dtype=torch.float64).reshape(N, T) * 1.7 + phase)


MASK = torch.tensor([[float(t < length) for t in range(T)] for length in LENGTHS], dtype=torch.float64)
LOGP = -1.2 + wave(0.0, 1.0)
OLD = {"far": LOGP - wave(1.0, 0.6), "near": LOGP - wave(1.0, 3e-3)}
REF = LOGP - wave(2.0, 0.4)
SAMPLER = OLD["far"] - wave(4.0, 0.9)
ENTROPY = 1.5 + wave(3.0, 1.4)
ADVANTAGES = torch.tensor([1.3, -0.7, -1.1, 0.5], dtype=torch.float64)
TRL_DEFAULTS = {
    "loss_type": "grpo", "importance_sampling_level": "token", "beta": 0.0, "epsilon_low": 0.2, "epsilon_high": 0.2,
    "top_entropy_quantile": 1.0, "entropy_coef": 0.0, "max_completion_length": 3000, "use_bias_correction_kl": True,
}  # fmt: skip

# name: TRL's trainer and options, our preset and changes, which old policy
CASES: dict[str, tuple[str, dict[str, Any], str, dict[str, Any], str]] = {
    "grpo of the paper": ("grpo", {"beta": 0.04, "use_bias_correction_kl": False}, "grpo", {}, "far"),
    "grpo, weighted kl": ("grpo", {"beta": 0.04}, "grpo", {"kl": "k3_weighted"}, "far"),
    "dapo": ("grpo", {"loss_type": "dapo", "epsilon_high": 0.28}, "dapo", {}, "far"),
    "token mean": ("grpo", {"loss_type": "bnpo"}, "lite_ppo", {}, "far"),
    "dr_grpo": ("grpo", {"loss_type": "dr_grpo"}, "dr_grpo", {}, "far"),
    "gspo": ("grpo", {"importance_sampling_level": "sequence", "epsilon_low": 3e-4, "epsilon_high": 4e-4}, "gspo", {}, "near"),
    "luspo": (
        "grpo",
        {"loss_type": "luspo", "importance_sampling_level": "sequence", "epsilon_low": 2e-3, "epsilon_high": 2.5e-3},
        "luspo",
        {},
        "near",
    ),
    "cispo": ("grpo", {"loss_type": "cispo", "epsilon_high": 1.5}, "cispo", {"cap": 1.5}, "far"),
    "sapo": ("grpo", {"loss_type": "sapo"}, "sapo", {}, "far"),
    "entropy bonus": ("grpo", {"loss_type": "dapo", "entropy_coef": 0.1}, "lite_ppo", {"entropy_coef": 0.1}, "far"),
    "high-entropy tokens": ("grpo", {"loss_type": "dapo", "top_entropy_quantile": 0.3}, "lite_ppo", {}, "far"),
    "gmpo": ("gmpo", {"epsilon_low": 0.4, "epsilon_high": 0.4}, "gmpo", {}, "far"),
    "rloo": ("rloo", {}, "grpo", {"ratio": "sequence_sum", "kl": "none"}, "far"),
    "token_truncate": ("grpo", {"correct": "truncate"}, "lite_ppo", {"correction": "truncate", "aggregate": "seq_mean_token_mean"}, "far"),
    "sequence_mask": (
        "grpo",
        {"correct": "sequence"},
        "lite_ppo",
        {
            "correction": "mask",
            "correction_level": "sequence",
            "correction_low": 0.0,
            "correction_high": 3.0,
            "aggregate": "seq_mean_token_mean",
        },
        "far",
    ),
}


def ours(name: str) -> tuple[float, Tensor]:
    _, options, preset, changes, old = CASES[name]
    logp = LOGP.clone().requires_grad_()
    # TRL's tests of a gradient through the entropy: here it moves with logp.
    loss, _ = policy_loss(
        Objective.preset(preset, **changes),
        logp=logp,
        old_logp=OLD[old],
        advantages=ADVANTAGES,
        mask=MASK,
        ref_logp=REF,
        sampler_logp=SAMPLER,
        entropy=ENTROPY - 0.5 * (logp - LOGP),
        focus=high_entropy_mask(ENTROPY, MASK, options["top_entropy_quantile"]) if "top_entropy_quantile" in options else None,
    )
    return loss.item(), torch.autograd.grad(loss, logp)[0]


class Nothing:
    """Stands for whatever TRL's loss functions look up and these cases do not use."""

    def __getattr__(self, name: str) -> Any:
        return False


def trls(name: str) -> tuple[float, Tensor]:
    """What the installed TRL gives: its trainers' own functions, on a stand-in for the trainer."""
    from trl.experimental.gmpo.gmpo_trainer import GMPOTrainer  # pyright: ignore
    from trl.trainer.grpo_trainer import GRPOTrainer  # pyright: ignore
    from trl.trainer.rloo_trainer import RLOOTrainer  # pyright: ignore

    trainer, options, _, _, old = CASES[name]
    settings = TRL_DEFAULTS | options
    logp = LOGP.clone().requires_grad_()
    me: Any = Nothing()
    for key, value in settings.items():
        setattr(me, key, value)
    me.args = SimpleNamespace(
        use_bias_correction_kl=settings["use_bias_correction_kl"],
        delta=None,
        sapo_temperature_pos=1.0,
        sapo_temperature_neg=1.05,
        steps_per_generation=1,
    )
    me.accelerator = SimpleNamespace(
        num_processes=1,
        sync_gradients=False,
        gather=lambda x: x,
        reduce=lambda x, reduction: x,
        pad_across_processes=lambda x, dim, pad_index: x,
    )
    me.model, me.off_policy_mask_threshold = SimpleNamespace(training=True), None
    me.current_gradient_accumulation_steps = 1
    me._metrics = {"train": defaultdict(list)}
    me._entropy_bonus_enabled = bool(settings["entropy_coef"])
    me._get_per_token_logps_and_entropies = lambda *args, **kwargs: (logp, ENTROPY - 0.5 * (logp - LOGP), None)
    me.get_high_entropy_mask = lambda *args: GRPOTrainer.get_high_entropy_mask(me, *args)
    inputs = {
        "prompt_ids": torch.zeros(N, 1), "prompt_mask": torch.ones(N, 1), "completion_ids": torch.zeros(N, T), "completion_mask": MASK,
        "advantages": ADVANTAGES, "old_per_token_logps": OLD[old], "old_logps": (OLD[old] * MASK).sum(1), "ref_per_token_logps": REF,
        "num_items_in_batch": MASK.sum(),
    }  # fmt: skip
    if "correct" in options:  # as TRL computes it while it generates
        me.use_vllm = me.vllm_importance_sampling_correction = True
        gap = (OLD[old] - SAMPLER) * MASK
        weight = gap.exp().clamp(max=2.0) if options["correct"] == "truncate" else gap.sum(1, keepdim=True).exp()
        inputs["importance_sampling_ratio"] = weight if options["correct"] == "truncate" else weight.masked_fill(weight > 3.0, 0.0)
    function = {"grpo": GRPOTrainer, "gmpo": GMPOTrainer, "rloo": RLOOTrainer}[trainer]._compute_loss
    loss = function(me, SimpleNamespace(training=True), inputs)
    return loss.item(), torch.autograd.grad(loss, logp)[0]


def summary(loss: float, gradient: Tensor) -> tuple[float, float, float]:
    """The loss, and the gradient along two directions that no symmetry of the tensors shares."""
    along = [(gradient * torch.cos(torch.arange(N * T, dtype=torch.float64) * step).reshape(N, T)).sum().item() for step in (0.9, 2.3)]
    return loss, along[0], along[1]


RECORDED: dict[str, tuple[float, float, float]] = {
    "grpo of the paper": (0.0611656082, 0.2768929798, -0.2808262360),
    "grpo, weighted kl": (0.0613240368, 0.2789350502, -0.2814070318),
    "dapo": (-0.2322664957, 0.2383590125, -0.2374454858),
    "token mean": (-0.2092076722, 0.2383590125, -0.2374454858),
    "dr_grpo": (-0.0002963775, 0.0003376753, -0.0003363811),
    "gspo": (-0.0001558169, 0.1112685744, -0.0759250404),
    "luspo": (-1.1263057968, 0.9020048592, -0.5909128686),
    "cispo": (0.2774337801, 0.1752320824, -0.2287626472),
    "sapo": (-0.1019925321, 0.2563532795, -0.2630401757),
    "entropy bonus": (-0.3659543663, 0.2508476585, -0.2398674947),
    "high-entropy tokens": (-0.0158297128, 0.1764434167, -0.0299218517),
    "gmpo": (-0.0154436749, 0.1897808148, -0.1642655800),
    "rloo": (-0.0678185953, 0.6801818462, -0.3376903455),
    "token_truncate": (0.1432590953, 0.2557549756, -0.1407919753),
    "sequence_mask": (0.4049629084, 0.3228174860, -0.3157956115),
}


@pytest.mark.parametrize("name", CASES)
def test_loss_and_gradient_are_trls(name: str) -> None:
    assert summary(*ours(name)) == pytest.approx(RECORDED[name], abs=1e-7)


if importlib.util.find_spec("trl"):

    @pytest.mark.parametrize("name", CASES)
    def test_loss_and_gradient_are_those_of_the_installed_trl(name: str) -> None:
        assert ours(name)[0] == pytest.approx(trls(name)[0], abs=1e-7)
        assert torch.allclose(ours(name)[1], trls(name)[1], rtol=0, atol=1e-7)


if __name__ == "__main__":
    for case in CASES:
        print(f"    {case!r}: ({', '.join(f'{x:.10f}' for x in summary(*trls(case)))}),")

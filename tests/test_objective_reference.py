"""Every preset against its paper: loops over sequences and tokens in float64, which share nothing with the objective.

The numbers (clip ranges, temperatures, coefficients) are written out here again, so the presets' values are checked too.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields

import pytest
import torch
from torch import Tensor

from r1lite.config import CONF
from r1lite.objective import Objective, policy_loss

PRESETS = sorted(path.stem for path in (CONF / "algorithm").glob("*.yaml"))
exp, log, sigmoid = torch.exp, torch.log, torch.sigmoid


@dataclass(frozen=True)
class Sequence:
    """One response, unpadded: a number a token."""

    logp: list[Tensor]
    old: list[Tensor]
    ref: list[Tensor]
    advantage: list[Tensor]

    def __len__(self) -> int:
        return len(self.logp)

    def ratios(self) -> list[Tensor]:
        return [exp(new - old) for new, old in zip(self.logp, self.old, strict=True)]


Response = list[Sequence]


def total(values: list[Tensor]) -> Tensor:
    result = torch.zeros((), dtype=torch.float64)
    for value in values:
        result = result + value
    return result


def bounded(x: Tensor, low: float, high: float) -> Tensor:
    return torch.clamp(x, min=low, max=high)


def smaller(a: Tensor, b: Tensor) -> Tensor:
    return a if a.item() <= b.item() else b


def clipped_surrogate(rho: Tensor, a: Tensor, low: float, high: float) -> Tensor:
    return smaller(rho * a, bounded(rho, 1 - low, 1 + high) * a)


def k3(new: Tensor, ref: Tensor) -> Tensor:
    return exp(ref - new) - (ref - new) - 1


def surrogates(s: Sequence, low: float, high: float) -> list[Tensor]:
    return [clipped_surrogate(rho, a, low, high) for rho, a in zip(s.ratios(), s.advantage, strict=True)]


def ppo(batch: Response) -> Tensor:
    tokens = sum(len(s) for s in batch)
    return -total([x for s in batch for x in surrogates(s, 0.2, 0.2)]) / tokens


def grpo(batch: Response, eps: float = 0.2, beta: float = 0.04) -> Tensor:
    objective = []
    for s in batch:
        kl = [k3(new, ref) for new, ref in zip(s.logp, s.ref, strict=True)]
        objective.append(total([x - beta * k for x, k in zip(surrogates(s, eps, eps), kl, strict=True)]) / len(s))
    return -total(objective) / len(batch)


def r1(batch: Response) -> Tensor:
    return grpo(batch, eps=10.0, beta=0.001)


def dr_grpo(batch: Response) -> Tensor:
    return -total([total(surrogates(s, 0.2, 0.2)) / 3000 for s in batch]) / len(batch)


def dapo(batch: Response) -> Tensor:
    return -total([total(surrogates(s, 0.2, 0.28)) for s in batch]) / sum(len(s) for s in batch)


def sequence_ratio(s: Sequence) -> Tensor:
    product = torch.ones((), dtype=torch.float64)
    for rho in s.ratios():
        product = product * rho
    return product ** (1 / len(s))


def gspo(batch: Response) -> Tensor:
    return -total([clipped_surrogate(sequence_ratio(s), s.advantage[0], 3e-4, 4e-4) for s in batch]) / len(batch)


def gspo_token(batch: Response) -> Tensor:
    objective = []
    for s in batch:
        value = sequence_ratio(s).detach()
        of_tokens = [value * exp(new) / exp(new).detach() for new in s.logp]
        terms = [clipped_surrogate(r, a, 3e-4, 4e-4) for r, a in zip(of_tokens, s.advantage, strict=True)]
        objective.append(total(terms) / len(s))
    return -total(objective) / len(batch)


def sapo(batch: Response) -> Tensor:
    objective = []
    for s in batch:
        soft = []
        for rho, a in zip(s.ratios(), s.advantage, strict=True):
            tau = 1.0 if a.item() > 0 else 1.05
            soft.append(sigmoid(tau * (rho - 1)) * 4 / tau * a)
        objective.append(total(soft) / len(s))
    return -total(objective) / len(batch)


def weighted_logp(batch: Response, most: float, stops: Callable[[float, float, float], bool]) -> Tensor:
    terms = []
    for s in batch:
        for new, old, a in zip(s.logp, s.old, s.advantage, strict=True):
            if not stops(exp(new).item(), exp(old).item(), a.item()):
                terms.append(min(exp(new - old).item(), most) * a * new)
    return -total(terms) / sum(len(s) for s in batch)


def cispo(batch: Response) -> Tensor:
    return weighted_logp(batch, 5.0, lambda p, q, a: False)


def dppo_tv(batch: Response) -> Tensor:
    return weighted_logp(batch, 20.0, lambda p, q, a: (a > 0 and p - q > 0.15) or (a < 0 and p - q < -0.15))


def reinforce(batch: Response) -> Tensor:
    return -total([a * new for s in batch for a, new in zip(s.advantage, s.logp, strict=True)]) / sum(len(s) for s in batch)


def rloo(batch: Response) -> Tensor:
    return -total([s.advantage[0] * total(s.logp) for s in batch]) / len(batch)


def reinforce_pp(batch: Response) -> Tensor:
    return -total([total(surrogates(s, 0.2, 0.2)) / len(s) for s in batch]) / len(batch)


def reinforce_pp_baseline(batch: Response) -> Tensor:
    k2 = total([(new - ref) ** 2 / 2 for s in batch for new, ref in zip(s.logp, s.ref, strict=True)])
    return ppo(batch) + 1e-5 * k2 / sum(len(s) for s in batch)


def gmpo(batch: Response) -> Tensor:
    """The product over tokens of min(rho^sgn, clip(rho, e^-0.4, e^0.4)^sgn), to the power sgn / length."""
    objective = []
    for s in batch:
        sign = 1.0 if s.advantage[0].item() > 0 else -1.0
        product = torch.ones((), dtype=torch.float64)
        for rho in s.ratios():
            product = product * smaller(rho**sign, bounded(rho, math.exp(-0.4), math.exp(0.4)) ** sign)
        objective.append(product ** (sign / len(s)) * s.advantage[0])
    return -total(objective) / len(batch)


def luspo(batch: Response) -> Tensor:
    terms = [len(s) * clipped_surrogate(sequence_ratio(s), s.advantage[0], 2e-3, 2.5e-3) for s in batch]
    return -total(terms) / len(batch)


PAPERS: dict[str, Callable[[Response], Tensor]] = {
    "cispo": cispo, "dapo": dapo, "dppo_tv": dppo_tv, "dr_grpo": dr_grpo, "gmpo": gmpo, "gpg": reinforce, "grpo": grpo,
    "grpo_above_mean": grpo, "grpo_top_fraction": grpo, "gspo": gspo, "gspo_token": gspo_token, "lite_ppo": ppo, "luspo": luspo,
    "maxrl": ppo, "ppo": ppo, "r1": r1, "reinforce": reinforce, "reinforce_pp": reinforce_pp,
    "reinforce_pp_baseline": reinforce_pp_baseline, "rloo": rloo, "sapo": sapo,
}  # fmt: skip
PER_TOKEN = ("ppo", "reinforce_pp", "reinforce_pp_baseline", "gspo_token")  # whose advantages may differ from token to token
SPREAD = {"gspo": 1e-3, "gspo_token": 1e-3, "luspo": 8e-3}  # of log-ratios, so that some are held and some are not
LENGTHS = (5, 1, 7, 3, 6, 2, 4, 7)


@dataclass(frozen=True)
class Fixture:
    logp: Tensor
    old_logp: Tensor
    ref_logp: Tensor
    advantages: Tensor
    mask: Tensor

    def __getitem__(self, rows: object) -> "Fixture":
        return Fixture(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def sequences(self, logp: Tensor) -> Response:
        per_token = self.advantages if self.advantages.dim() == 2 else self.advantages.unsqueeze(1).expand_as(self.mask)
        return [
            Sequence(*[[row[t] for t in range(len(row)) if kept[t]] for row in rows])
            for *rows, kept in zip(logp, self.old_logp, self.ref_logp, per_token, self.mask, strict=True)
        ]


def fixture(name: str, seed: int) -> Fixture:
    """Off the policy, with ratios on both sides of every gate, a zero advantage, and holes in the mask."""
    g = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    n, width = len(LENGTHS), max(LENGTHS) + 3
    logp = -normal(n, width).abs() - 0.02
    # Weights above CISPO's and DPPO's caps must occur.
    moved = normal(n, width) * SPREAD.get(name, 0.5) + (
        3.5 * (torch.rand(n, width, generator=g) < 0.1) if name in ("cispo", "dppo_tv") else 0
    )
    advantages = normal(n, width) if name in PER_TOKEN else normal(n)
    advantages[2] = 0.0
    mask = torch.tensor([[1.0 if 1 <= t <= length and t != 4 else 0.0 for t in range(width)] for length in LENGTHS], dtype=torch.float64)
    return Fixture(logp, logp - moved, logp - 0.3 * normal(n, width), advantages, mask)


def ours(name: str, data: Fixture, dtype: torch.dtype = torch.float64, **more: int) -> tuple[Tensor, Tensor]:
    """Loss and gradient."""
    logp = data.logp.to(dtype).requires_grad_()
    given = {f.name: getattr(data, f.name).to(dtype) for f in fields(data)[1:]}
    loss = policy_loss(Objective.preset(name), logp=logp, **given, **more)[0]
    return loss.detach(), torch.autograd.grad(loss, logp)[0]


def papers(name: str, data: Fixture) -> tuple[Tensor, Tensor]:
    logp = data.logp.clone().requires_grad_()
    loss = PAPERS[name](data.sequences(logp))
    return loss.detach(), torch.autograd.grad(loss, logp)[0]


def apart(one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor]) -> float:
    return max((a.double() - b.double()).abs().max().item() for a, b in zip(one, other, strict=True))


def test_every_preset_has_its_reference() -> None:
    assert sorted(PAPERS) == PRESETS


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_loss_and_gradient_are_the_papers(name: str, seed: int) -> None:
    data = fixture(name, seed)
    truth = papers(name, data)
    assert truth[1].abs().max() > 1e-6
    assert apart(ours(name, data), truth) < 1e-12
    assert apart(ours(name, data, torch.float32), truth) < 1e-6


@pytest.mark.parametrize("name", PRESETS)
def test_the_fixtures_reach_both_sides_of_the_gate(name: str) -> None:
    data = fixture(name, 0)
    given = {f.name: getattr(data, f.name) for f in fields(data)}
    share = policy_loss(Objective.preset(name), **given)[1].get("ratio/clip_share")
    if share is not None and name != "r1":  # whose range of 10 holds nothing
        assert 0.02 < share < 0.9


@pytest.mark.parametrize("name", PRESETS)
def test_micro_batches_add_up(name: str) -> None:
    data = fixture(name, 3)
    whole = ours(name, data)
    totals = {"total_tokens": int(data.mask.sum()), "total_sequences": len(LENGTHS)}
    for size in (1, 3, len(LENGTHS)):
        parts = [ours(name, data[i : i + size], **totals) for i in range(0, len(LENGTHS), size)]
        losses, gradients = zip(*parts, strict=True)
        assert apart((torch.stack(losses).sum(), torch.cat(gradients)), whole) < 1e-12


@pytest.mark.parametrize("name", PRESETS)
def test_the_order_of_rows_changes_nothing(name: str) -> None:
    data, order = fixture(name, 4), torch.tensor([3, 1, 7, 0, 2, 6, 5, 4])
    loss, gradient = ours(name, data)
    assert apart(ours(name, data[order]), (loss, gradient[order])) < 1e-12


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("garbage", [float("nan"), float("inf"), -float("inf"), 1e30])
def test_what_stands_in_the_padding_reaches_nothing(name: str, garbage: float) -> None:
    data = fixture(name, 5)
    clean = ours(name, data)
    outside = data.mask == 0
    dirty = {f.name: getattr(data, f.name).clone() for f in fields(data)}
    for key in ("logp", "old_logp", "ref_logp") + (("advantages",) if data.advantages.dim() == 2 else ()):
        dirty[key][outside] = garbage
    assert apart(ours(name, Fixture(**dirty)), clean) == 0.0


@pytest.mark.parametrize("name", PRESETS)
def test_padding_and_empty_rows_change_nothing(name: str) -> None:
    data = fixture(name, 6)
    loss, gradient = ours(name, data)
    n, width = data.mask.shape
    wider = {}
    for f in fields(data):
        values = getattr(data, f.name)
        wide = torch.zeros(n + 2, width + 5) if values.dim() == 2 else torch.zeros(n + 2)
        if f.name != "mask":
            wide += torch.nan
        wide = wide.double()
        wide[(slice(n), slice(width)) if values.dim() == 2 else slice(n)] = values
        wider[f.name] = wide
    got_loss, got_gradient = ours(name, Fixture(**wider))
    assert apart((got_loss, got_gradient[:n, :width]), (loss, gradient)) < 1e-12
    assert got_gradient[n:].abs().max() == 0
    assert got_gradient[:, width:].abs().max() == 0


@pytest.mark.parametrize("name", PRESETS)
def test_a_batch_without_a_token_costs_nothing(name: str) -> None:
    data = fixture(name, 7)
    loss, gradient = ours(name, Fixture(**{f.name: getattr(data, f.name) for f in fields(data)[:-1]}, mask=torch.zeros_like(data.mask)))
    assert loss == 0
    assert gradient.abs().max() == 0

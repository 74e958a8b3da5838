"""Divergences between a student's and a teacher's distributions. Pure: tensors in, tensors out; M tokens, V vocabulary.

reverse_kl  KL(student || teacher): the student avoids what the teacher would not say, and may settle on one of its modes.
forward_kl  KL(teacher || student): the student covers everything that the teacher might say.
jsd         beta KL(teacher || m) + (1 - beta) KL(student || m), m = beta teacher + (1 - beta) student: bounded, between
            the two. Divided by beta it tends to forward_kl as beta goes to 0; divided by 1 - beta, to reverse_kl as beta goes to 1.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

KINDS = ("reverse_kl", "forward_kl", "jsd")
FLOOR = -1e4  # of log-probs: exp(-1e4) is 0 in any precision, and 0 * -1e4 is 0, where 0 * -inf would be nan


def token_divergence(student: Tensor, teacher: Tensor, *, kind: str, beta: float = 0.5, top_k: int = 0) -> Tensor:
    """[M] from logits [M, V]. With top_k, the teacher's k most likely tokens are compared one by one, and all others as one token."""
    student, teacher = log_probs_of(student), log_probs_of(teacher)
    if 0 < top_k < teacher.shape[-1] - 1:  # with a single token left over, the rest is that token
        top = teacher.topk(top_k, dim=-1).indices
        student, teacher = with_rest(student, top), with_rest(teacher, top)
    return divergence(student, teacher, kind=kind, beta=beta)


def divergence(student: Tensor, teacher: Tensor, *, kind: str, beta: float = 0.5) -> Tensor:
    """[M] from log-probs [M, V]."""
    if kind == "reverse_kl":
        return kl(student, teacher)
    if kind == "forward_kl":
        return kl(teacher, student)
    mixture = torch.logaddexp(teacher + math.log(beta), student + math.log1p(-beta))
    return beta * kl(teacher, mixture) + (1 - beta) * kl(student, mixture)


def kl(p: Tensor, q: Tensor) -> Tensor:
    """KL(p || q) of log-probs."""
    p, q = p.clamp(min=FLOOR), q.clamp(min=FLOOR)
    return (p.exp() * (p - q)).sum(-1)


def with_rest(logp: Tensor, top: Tensor) -> Tensor:
    """[M, k + 1]: the log-probs of the tokens in `top` [M, k], then that of all other tokens together.

    A divergence of these is never larger than the full one. Unlike a divergence of the k tokens alone, it notices when the
    student puts probability on what the teacher would not say.
    """
    rest = logp.scatter(-1, top, -torch.inf).logsumexp(-1, keepdim=True)
    return torch.cat([logp.gather(-1, top), rest], dim=-1)


def log_probs_of(logits: Tensor) -> Tensor:
    return torch.log_softmax(logits.to(torch.promote_types(logits.dtype, torch.float32)), dim=-1)

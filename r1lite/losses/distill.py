"""How far a student's distribution is from its teacher's. Pure: tensors in, tensors out; M tokens, V vocabulary.

reverse_kl  KL(student || teacher): the student leaves what the teacher would not say, and may keep one of several ways.
forward_kl  KL(teacher || student): the student covers all that the teacher might say.
jsd         beta KL(teacher || m) + (1 - beta) KL(student || m), m = beta teacher + (1 - beta) student: bounded, between
            the two. Divided by beta it tends to forward_kl as beta falls to 0, divided by 1 - beta to reverse_kl at 1.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

KINDS = ("reverse_kl", "forward_kl", "jsd")
FLOOR = -1e4  # of log-probs: e^-1e4 is 0 in any precision, and 0 times it is 0, which it is not with minus infinity


def token_divergence(student: Tensor, teacher: Tensor, *, kind: str, beta: float = 0.5, top_k: int = 0) -> Tensor:
    """[M] from logits [M, V]. With top_k the teacher's k likeliest tokens are compared one by one, and all others as one."""
    student, teacher = log_probs_of(student), log_probs_of(teacher)
    if 0 < top_k < teacher.shape[-1] - 1:  # one token alone is its own rest
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
    """[M, k + 1]: the log-probs of the tokens in `top` [M, k], then that of all others together.

    A divergence of these is never larger than that of the whole, and unlike one of the k alone it sees where the student
    has put probability on what the teacher would not say.
    """
    rest = logp.scatter(-1, top, -torch.inf).logsumexp(-1, keepdim=True)
    return torch.cat([logp.gather(-1, top), rest], dim=-1)


def log_probs_of(logits: Tensor) -> Tensor:
    return torch.log_softmax(logits.to(torch.promote_types(logits.dtype, torch.float32)), dim=-1)

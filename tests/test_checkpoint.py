"""Checkpoints: what is read is what was written, by any number of ranks."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import ranks
import torch

from r1lite.config import Config
from r1lite.learning.policy import Policy
from r1lite.learning.sharding import full_weights
from r1lite.models.tiny import build_model, build_tokenizer
from r1lite.objective import Objective
from r1lite.parallel import world
from r1lite.settings.compose import configuration
from r1lite.store.checkpoint import Checkpoints
from r1lite.types import Sample

SAMPLES = [Sample(prompt_ids=(1, 2), token_ids=tuple(range(3, 5 + i)), logprobs=(-3.0,) * (2 + i), advantage=0.5 - i / 3) for i in range(5)]
OBJECTIVE = Objective(kl="k3", kl_coef=0.1)
PAST = "past"


def policy(dtype: str = "float32", *, hidden: int = 32) -> Policy:
    small = [f"pretrain.hidden={hidden}", "pretrain.layers=2", "pretrain.heads=2", "pretrain.intermediate=48"]
    cfg = configuration([*small, "rl.lr=0.01", "rl.micro_batch_tokens=16"])
    model: Any = build_model(cfg.pretrain, build_tokenizer(), seed=0)
    made = Policy(model.to(getattr(torch, dtype)), build_tokenizer(), cfg.rl, total_steps=4)
    made.refresh_reference()
    return made


def two_steps(folder: str, dtype: str, *, last: bool) -> dict[str, Any]:
    """The last two steps of four, after those before, or resumed from their checkpoint."""
    learner, checkpoints = policy(dtype), Checkpoints(Path(folder), in_background=True)
    past: dict[str, torch.Tensor] = {}
    if last:
        past = checkpoints.restore(learner).weights[PAST]
    else:
        for _ in range(2):
            past = {name: p.detach().clone() for name, p in learner.weights()}
            learner.step(SAMPLES, OBJECTIVE)
        checkpoints.save(2, learner, weights={PAST: past})
    metrics = [learner.step(SAMPLES, OBJECTIVE) for _ in range(2)]
    checkpoints.wait()
    weights = {name: p.detach() for name, p in full_weights(learner.weights())}
    return {"metrics": metrics, "weights": weights, "past": dict(full_weights(past.items()))}


def before(folder: str, dtype: str) -> dict[str, Any]:
    return two_steps(folder, dtype, last=False)


def resumed(folder: str, dtype: str) -> dict[str, Any]:
    return two_steps(folder, dtype, last=True)


def run(function: Callable[..., dict[str, Any]], count: int, shard: int, folder: Path, dtype: str) -> dict[str, Any]:
    checkpoints = str(folder / "checkpoints")
    return function(checkpoints, dtype) if count == 1 else ranks.run(function, count, checkpoints, dtype, folder=folder, shard=shard)[0]


@pytest.mark.parametrize(
    ("saved", "read", "dtype"),
    [
        ((2, 2), (2, 2), "float32"),
        ((2, 2), (1, 1), "float32"),
        ((2, 1), (4, 2), "float32"),
        ((1, 1), (2, 2), "float32"),
        ((2, 2), (1, 1), "bfloat16"),
    ],
)
def test_any_number_of_ranks_goes_on(saved: tuple[int, int], read: tuple[int, int], dtype: str, tmp_path: Path) -> None:
    undisturbed = run(before, *saved, tmp_path, dtype)
    went_on = run(resumed, *read, tmp_path, dtype)
    if saved == read:
        assert went_on["metrics"] == undisturbed["metrics"]
    close = {"rtol": 1e-4, "atol": 1e-5} if dtype == "float32" else {"rtol": 0.05, "atol": 0.05}
    for name in ("metrics", "weights", "past"):
        torch.testing.assert_close(went_on[name], undisturbed[name], **close, check_dtype=False)
    assert went_on["past"].keys() == dict(policy().weights()).keys()
    assert world.size() == 1


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    learner, checkpoints = policy(), Checkpoints(tmp_path)
    checkpoints.save(1, learner)
    (file,) = tmp_path.glob("step-*/*.safetensors")
    content = bytearray(file.read_bytes())
    content[-9] ^= 1
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"tensors\.safetensors is damaged: .*Delete .*step-000001 to resume from the one before"):
        checkpoints.restore(learner)
    file.unlink()
    with pytest.raises(ValueError, match="is damaged"):
        checkpoints.restore(learner)


def test_a_checkpoint_of_another_model_or_version_is_refused(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "rl" / "checkpoints")
    checkpoints.save(1, policy(hidden=64))
    with pytest.raises(ValueError, match=r"step-000001 holds another model: learner/"):
        checkpoints.restore(policy())
    (checkpoints.folder / "step-000001" / "about.json").unlink()
    with pytest.raises(ValueError, match=r"written by another version of r1lite\. Delete .*rl to repeat that stage"):
        checkpoints.restore(policy())


def test_what_is_saved_in_the_background_is_what_was_there(tmp_path: Path, config: Callable[..., Config]) -> None:
    learner, checkpoints = policy(), Checkpoints(tmp_path, in_background=True)
    weights = {name: p.detach().clone() for name, p in learner.weights()}
    checkpoints.save(1, learner)
    with torch.no_grad():
        for _, p in learner.weights():
            p.zero_()
    checkpoints.wait()
    checkpoints.restore(learner)
    assert all(torch.equal(weights[name], p) for name, p in learner.weights())


def test_a_failure_in_the_background_is_said_at_the_next_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    learner, checkpoints = policy(), Checkpoints(tmp_path, in_background=True)
    with monkeypatch.context() as patched:
        patched.setattr("safetensors.torch.save_file", full)
        checkpoints.save(1, learner)
        with pytest.raises(ValueError, match="the disk is full"):
            checkpoints.save(2, learner)
    checkpoints.save(3, learner)
    checkpoints.wait()
    assert [path.name for path in tmp_path.iterdir()] == ["step-000003"]

"""sampler.transfer=nccl with vLLM's own two ends and a queue in NCCL's place, since there is no GPU here."""

from __future__ import annotations

import queue
from typing import Any

import pytest
import torch
from nccl_here import Near
from vllm_here import PROBLEMS, disturbed, needs_vllm, off_by, rollouts, tiny

from r1lite.build import make_sampler
from r1lite.prompt import Prompter
from r1lite.sampling.vllm import nccl
from r1lite.sampling.vllm.nccl import NcclTransfer, UpdateClient, WeightSource
from r1lite.sampling.vllm.weights import all_weights

Queues = list[queue.Queue[torch.Tensor]]


class Channel:
    """In the place of NCCL: what the sender broadcasts, each receiver gets, in that order."""

    disabled = False

    def __init__(self, queues: Queues, *, sends: bool) -> None:
        self.queues, self.sends, self.destroyed = queues, sends, False

    def broadcast(self, tensor: torch.Tensor, src: int, stream: Any) -> None:
        assert src == 0
        if self.sends:
            for each in self.queues:
                each.put(tensor.clone())
        else:
            tensor.copy_(self.queues[0].get(timeout=30))

    def destroy(self) -> None:
        self.destroyed = True


class Bystander:
    """In the place of a second server: it only receives."""

    def __init__(self, between: queue.Queue[torch.Tensor]) -> None:
        self.between = between
        self.weights: dict[str, torch.Tensor] = {}

    def parse_init_info(self, info: dict[str, Any]) -> dict[str, Any]:
        return info

    def init_transfer_engine(self, info: dict[str, Any]) -> None: ...
    def start_weight_update(self) -> None: ...
    def finish_weight_update(self) -> None: ...

    def update_weights(self, info: dict[str, Any]) -> None:
        self.weights = {name: self.between.get(timeout=30) for name in info["names"]}


@needs_vllm
@pytest.mark.slow
def test_vllms_two_ends_hand_all_weights_over(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import vllm.distributed.weight_transfer.nccl_engine as theirs

    monkeypatch.setattr(nccl, "check_nccl", lambda: None)  # as if there were a GPU
    sending = NcclTransfer(0.7)
    model, tokenizer, cfg = tiny(config, "sampler=vllm", "sampler.temperature=0.7")
    sampler: Any = make_sampler(model, Prompter(tokenizer=tokenizer), cfg)
    llm = sampler.engine.runtime.llm
    before = rollouts(sampler.sample(PROBLEMS, n=1, seed="s"))
    (inside,) = llm.apply_model(lambda model: model)

    from r1lite.sampling.vllm.worker import NcclTransfer as Receiver

    queues: Queues = [queue.Queue(), queue.Queue()]
    ends = [Channel(queues, sends=sends) for sends in (True, False)]
    joined: list[Any] = []
    monkeypatch.setattr(theirs, "open_trainer_endpoint", lambda about: joined.append(about) or ends[0])
    monkeypatch.setattr(theirs, "worker_init_process_group", lambda about, _: joined.append(about) or ends[1])
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: None)
    monkeypatch.setattr(nccl, "PACKED", False)
    server = Near(Receiver(None, llm.llm_engine.vllm_config, torch.device("cpu"), inside))
    second = Bystander(queues[1])
    servers = [server, Near(second)]

    other = disturbed(model, seed=1)
    assert off_by(other, before, 0.7) > 0.1
    assert sending.send(servers, "run-1", lambda: all_weights(other, {})) == {}
    llm.reset_prefix_cache()
    assert off_by(other, rollouts(sampler.sample(PROBLEMS, n=1, seed="s")), 0.7) < 1e-4
    group = ["/server_info?config_format=json", "/get_world_size", "/init_weight_transfer_engine"]
    update = ["/pause?mode=wait", "/start_weight_update", "/update_weights", "/finish_weight_update", "/reset_prefix_cache", "/resume"]
    assert (server.asked, server.name) == (group + update, "run-1")
    assert [(about.master_address, about.world_size) for about in joined] == [("127.0.0.1", 3)] * 2
    assert (joined[1].rank_offset, servers[1].joined["rank_offset"]) == (1, 2)
    whole = all_weights(other, {})
    assert second.weights.keys() == whole.keys()
    assert all(torch.equal(second.weights[name], tensor) for name, tensor in whole.items())
    assert joined[0].master_port == joined[1].master_port

    disturbed(model, seed=2)
    sending.send(servers, "run-2", lambda: all_weights(model, {}))
    llm.reset_prefix_cache()
    assert off_by(model, rollouts(sampler.sample(PROBLEMS, n=1, seed="s")), 0.7) < 1e-4
    assert (server.asked, len(joined)) == (group + update + update, 2)  # in the same group

    part = {name: tensor for name, tensor in all_weights(model, {}).items() if "norm" in name}
    with pytest.raises(ValueError, match="the trainer's update lacks weights for model"):
        sending.send(servers, "run-3", lambda: part)
    assert ends[0].destroyed
    server.engine.finish_weight_update()
    sending.send([server], "run-4", lambda: all_weights(model, {}))
    assert ends[1].destroyed  # the worker has left the group of before
    assert len(joined) == 4
    sampler.engine.runtime.holder = None


@needs_vllm
@pytest.mark.slow
def test_vllm_is_as_our_parts_take_it_to_be() -> None:
    import inspect
    from dataclasses import fields

    from vllm.distributed import weight_transfer as theirs
    from vllm.distributed.device_communicators.pynccl import PyNcclCommunicator
    from vllm.distributed.weight_transfer import nccl_engine

    from r1lite.sampling.vllm import worker as vllm_worker

    phases = {name for name in vars(theirs.VLLMWeightSyncClient) if not name.startswith("_")}
    assert phases <= vars(UpdateClient).keys()
    for name in phases:
        assert list(inspect.signature(getattr(theirs.VLLMWeightSyncClient, name)).parameters) == list(
            inspect.signature(getattr(UpdateClient, name)).parameters
        )
    assert theirs.WeightSource.__abstractmethods__ == {"metadata", "__iter__"}
    source = WeightSource({"a": torch.ones(2, 3)})
    assert source.metadata() == [theirs.ParamMeta("a", torch.float32, (2, 3))]
    assert [(name, tensor.tolist()) for name, tensor in source] == [("a", [[1.0] * 3] * 2)]
    assert [f.name for f in fields(nccl_engine.NCCLTrainerInitInfo)][:5] == [
        "rank",
        "master_address",
        "master_port",
        "world_size",
        "packed",
    ]
    assert list(inspect.signature(theirs.WeightTransferTrainerFactory.trainer_init).parameters) == ["init_info", "client", "source"]
    sends = inspect.getsource(nccl_engine.NCCLTrainerWeightTransferEngine.send_weights)
    assert "self.source" in sends
    assert "self.client.finish_weight_update()" in sends
    assert "self.disabled" in inspect.getsource(PyNcclCommunicator.broadcast)
    for ours in (vllm_worker.DiskTransfer, vllm_worker.NcclTransfer):
        assert not ours.__abstractmethods__
    assert {"temperature", "master_address", "packed"} <= {f.name for f in fields(vllm_worker.NcclInit)}

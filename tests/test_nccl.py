"""sampler.transfer=nccl without a GPU: vLLM's own two ends with a stand-in between them, and what happens when things fail."""

from __future__ import annotations

import gc
import json
import queue
from typing import Any

import pytest
import torch
from vllm_here import PROBLEMS, disturbed, needs_vllm, off_by, rollouts, tiny
from vllm_servers import made, stand_ins

from r1lite.check import check
from r1lite.prompt import Prompter
from r1lite.sampling import nccl
from r1lite.sampling.nccl import NcclTransfer, Phases, Source, address_towards
from r1lite.sampling.vllm_http import Lost, Server
from r1lite.sampling.weights import whole
from r1lite.setup import make_sampler


class Channel:
    """In the place of NCCL: what the sender broadcasts, the receiver gets, in that order."""

    disabled = False

    def __init__(self, between: queue.Queue[torch.Tensor], *, sends: bool) -> None:
        self.between, self.sends, self.destroyed = between, sends, False

    def broadcast(self, tensor: torch.Tensor, src: int, stream: Any) -> None:
        assert src == 0
        if self.sends:
            self.between.put(tensor.clone())
        else:
            tensor.copy_(self.between.get(timeout=30))

    def destroy(self) -> None:
        self.destroyed = True


class Near(Server):
    """A server that is an engine in this process."""

    def __init__(self, engine: Any) -> None:
        super().__init__("http://127.0.0.1:1", 60.0)
        self.engine, self.asked, self.name = engine, [], ""

    def _asked(self, method: str, path: str, body: dict[str, Any] | None, seconds: float) -> bytes:
        said = json.loads(json.dumps(body or {}))  # as over HTTP
        self.asked.append(path)
        if path == "/init_weight_transfer_engine":
            self.engine.init_transfer_engine(self.engine.parse_init_info(said["init_info"]))
        if path == "/start_weight_update":
            self.engine.start_weight_update()
        if path == "/update_weights":
            self.engine.update_weights(said["update_info"])
        if path == "/finish_weight_update":
            self.engine.finish_weight_update()
            self.name = said["weight_version"]
        answers = {"/get_world_size": {"world_size": 1}, "/server_info?config_format=json": info("r1lite_nccl")}
        return json.dumps(answers.get(path, {})).encode()


def info(backend: str) -> dict[str, Any]:
    return {"vllm_config": {"weight_transfer_config": {"backend": backend}}}


@pytest.fixture
def sending(monkeypatch: pytest.MonkeyPatch) -> NcclTransfer:
    """As if there were a GPU."""
    monkeypatch.setattr(nccl, "check_nccl", lambda: None)
    return NcclTransfer(0.7)


@needs_vllm
@pytest.mark.slow
def test_vllms_two_ends_hand_all_weights_over(config: Any, sending: NcclTransfer, monkeypatch: pytest.MonkeyPatch) -> None:
    import vllm.distributed.weight_transfer.nccl_engine as theirs

    model, tokenizer, cfg = tiny(config, "sampler=vllm", "sampler.temperature=0.7")
    sampler: Any = make_sampler(model, Prompter(tokenizer=tokenizer), cfg)
    llm = sampler.engine.llm
    before = rollouts(sampler.sample(PROBLEMS, n=1, seed="s"))
    (inside,) = llm.apply_model(lambda model: model)

    from r1lite.sampling.vllm_worker import NcclTransfer as Receiver

    between: queue.Queue[torch.Tensor] = queue.Queue()
    ends = [Channel(between, sends=sends) for sends in (True, False)]
    joined: list[Any] = []
    monkeypatch.setattr(theirs, "open_trainer_endpoint", lambda about: joined.append(about) or ends[0])
    monkeypatch.setattr(theirs, "worker_init_process_group", lambda about, _: joined.append(about) or ends[1])
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: None)
    monkeypatch.setattr(nccl, "PACKED", False)
    server = Near(Receiver(None, llm.llm_engine.vllm_config, torch.device("cpu"), inside))

    other = disturbed(model, seed=1)
    assert off_by(other, before, 0.7) > 0.1
    sending.send(server, "run-1", lambda: whole(other, {}))
    llm.reset_prefix_cache()
    assert off_by(other, rollouts(sampler.sample(PROBLEMS, n=1, seed="s")), 0.7) < 1e-4
    group = ["/server_info?config_format=json", "/get_world_size", "/init_weight_transfer_engine"]
    update = ["/pause?mode=wait", "/start_weight_update", "/update_weights", "/finish_weight_update", "/reset_prefix_cache", "/resume"]
    assert (server.asked, server.name) == (group + update, "run-1")
    assert [(about.master_address, about.world_size) for about in joined] == [("127.0.0.1", 2)] * 2
    assert joined[0].master_port == joined[1].master_port

    disturbed(model, seed=2)
    sending.send(server, "run-2", lambda: whole(model, {}))
    llm.reset_prefix_cache()
    assert off_by(model, rollouts(sampler.sample(PROBLEMS, n=1, seed="s")), 0.7) < 1e-4
    assert (server.asked, len(joined)) == (group + update + update, 2)  # in the same group

    part = {name: tensor for name, tensor in whole(model, {}).items() if "norm" in name}
    with pytest.raises(ValueError, match="what the trainer sent lacks weights for model"):
        sending.send(server, "run-3", lambda: part)
    assert ends[0].destroyed
    server.engine.finish_weight_update()
    sending.send(server, "run-4", lambda: whole(model, {}))
    assert ends[1].destroyed  # the worker has left the group of before
    assert len(joined) == 4
    sampler.engine.holder = None


@needs_vllm
@pytest.mark.slow
def test_vllm_is_as_our_parts_take_it_to_be() -> None:
    import inspect
    from dataclasses import fields

    from vllm.distributed import weight_transfer as theirs
    from vllm.distributed.device_communicators.pynccl import PyNcclCommunicator
    from vllm.distributed.weight_transfer import nccl_engine

    from r1lite.sampling import vllm_worker

    phases = {name for name in vars(theirs.VLLMWeightSyncClient) if not name.startswith("_")}
    assert phases == {name for name in vars(Phases) if not name.startswith("_")}
    for name in phases:
        assert list(inspect.signature(getattr(theirs.VLLMWeightSyncClient, name)).parameters) == list(
            inspect.signature(getattr(Phases, name)).parameters
        )
    assert theirs.WeightSource.__abstractmethods__ == {"metadata", "__iter__"}
    source = Source({"a": torch.ones(2, 3)})
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


# Without vLLM.


class Sender:
    """What vLLM's factory would give."""

    def __init__(self) -> None:
        self.client: Any = None
        self.source: Any = None
        self.fails: Exception | None = None
        self.sent: list[tuple[str, list[str]]] = []
        self.down = False

    def send_weights(self) -> None:
        if self.fails:
            raise self.fails
        self.sent.append((self.client.name, [name for name, _ in self.source]))

    def shutdown(self) -> None:
        self.down = True


@pytest.fixture
def senders(monkeypatch: pytest.MonkeyPatch) -> list[Sender]:
    made: list[Sender] = []

    def joined(*_: Any) -> Sender:
        made.append(Sender())
        return made[-1]

    monkeypatch.setattr(nccl, "_joined", joined)
    return made


def test_each_server_has_a_group_which_lasts(sending: NcclTransfer, senders: list[Sender]) -> None:
    one, two = Server("http://a:1", 1.0), Server("http://b:1", 1.0)
    for name in ("run-1", "run-2"):
        for server in (one, two):
            sending.send(server, name, lambda: {"w": torch.ones(1)})
    assert [sender.sent for sender in senders] == [[("run-1", ["w"]), ("run-2", ["w"])]] * 2
    assert all(not sender.source.weights for sender in senders)  # nothing is held
    sending.forget(one)  # it was restarted
    sending.send(one, "run-3", lambda: {"w": torch.ones(1)})
    assert [sender.down for sender in senders] == [True, False, False]


@pytest.mark.parametrize(
    ("error", "becomes"), [(RuntimeError("unhandled cuda error"), Lost), (Lost("timed out"), Lost), (KeyError("w"), KeyError)]
)
def test_a_group_that_broke_down_is_not_used_again(
    sending: NcclTransfer, senders: list[Sender], error: Exception, becomes: type[Exception]
) -> None:
    server = Server("http://a:1", 1.0)
    sending.send(server, "run-1", dict)
    senders[0].fails = error
    with pytest.raises(becomes, match=str(error).strip("'")):
        sending.send(server, "run-2", dict)
    assert senders[0].down
    sending.send(server, "run-2", dict)
    assert len(senders) == 2


def test_groups_are_shut_down_with_their_sampler(monkeypatch: pytest.MonkeyPatch, senders: list[Sender]) -> None:
    monkeypatch.setattr(nccl, "check_nccl", lambda: None)
    transfer = NcclTransfer(1.0)
    transfer.send(Server("http://a:1", 1.0), "run-1", dict)
    assert not senders[0].down
    del transfer
    gc.collect()
    assert senders[0].down


def test_a_server_started_for_another_transfer_is_told_from_the_right_one(sending: NcclTransfer) -> None:
    class Wrong(Server):
        def _asked(self, *_: Any) -> bytes:
            return json.dumps(info("r1lite_disk")).encode()

    with pytest.raises(
        Lost, match=r"takes weights by 'r1lite_disk'; .* start it with --weight-transfer-config '\{\"backend\": \"r1lite_nccl\"\}'"
    ):
        sending.send(Wrong("http://a:1", 1.0), "run-1", dict)


def test_without_nccl_on_either_side_nothing_is_sent(sending: NcclTransfer, monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        """A communicator without a library: its broadcasts do nothing."""

        model_update_group = type("", (), {"disabled": True})
        trainer_init = staticmethod(lambda about, client, source: Silent)
        shutdown = staticmethod(lambda: None)
        NCCLTrainerInitInfo = staticmethod(dict)

    Silent.WeightTransferTrainerFactory = Silent
    monkeypatch.setattr(nccl, "import_module", lambda _: Silent)
    with pytest.raises(ValueError, match="vLLM finds no NCCL library where the trainer runs"):
        sending.send(Near(None), "run-1", dict)


def test_weights_that_are_trained_wait_for_the_next_sync(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with stand_ins() as start:
        (restarted, one), (_, two) = start(restarts_after=3), start()
        model, sampler, _ = made(config, [one, two], "sampler.max_rows=1")
        monkeypatch.setattr(sampler.transfer, "keeps_weights", False, raising=False)
        sampler.load(model.named_parameters())
        assert len(rollouts(sampler.sample(PROBLEMS, n=4, seed="s"))) == 16
        list(sampler.sample(PROBLEMS, n=1, seed="s"))
        assert restarted.updates.count("/update_weights") == 1  # while the trainer may be at work, it stays out
        assert "it waits for the next weights" in sampler.servers[0].why_not
        sampler.load(model.named_parameters())
        assert restarted.updates.count("/update_weights") == 2


def test_the_last_server_is_not_given_weights_that_are_being_trained(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with stand_ins() as start:
        _, url = start(restarts_after=3)
        model, sampler, _ = made(config, [url], "sampler.max_rows=1")
        monkeypatch.setattr(sampler.transfer, "keeps_weights", False, raising=False)
        sampler.load(model.named_parameters())
        with pytest.raises(ValueError, match=r"no vLLM server can be used:\n.*it waits for the next weights"):
            list(sampler.sample(PROBLEMS, n=4, seed="s"))


@pytest.mark.parametrize(
    ("vllm", "says"), [(None, "vLLM where the trainer runs, too: pip install"), (True, "a CUDA GPU where the trainer runs")]
)
def test_what_is_lacking_is_said_before_any_work(config: Any, monkeypatch: pytest.MonkeyPatch, vllm: Any, says: str) -> None:
    monkeypatch.setattr(nccl, "find_spec", lambda _: vllm)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=rf"sampler.transfer=nccl needs {says}.*sampler.transfer=disk works everywhere"):
        check(config("sampler=vllm_server", "sampler.urls=[http://127.0.0.1:1]", "sampler.transfer=nccl"))


@pytest.mark.parametrize(
    ("setting", "says"),
    [("transfer=ipc", "sampler.transfer must be disk or nccl, got 'ipc'"), ("adapters=yes", "sampler.adapters must be auto or merged")],
)
def test_other_settings_are_refused(config: Any, setting: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        check(config(f"sampler.{setting}"))


@pytest.mark.parametrize(("url", "address"), [("http://127.0.0.1:8001", "127.0.0.1"), ("http://localhost", "127.0.0.1")])
def test_the_groups_meet_at_this_machines_address_towards_the_server(url: str, address: str) -> None:
    assert address_towards(url) == address


def test_an_address_that_cannot_be_reached_is_a_lost_server() -> None:
    with pytest.raises(Lost, match="there is no way to it"):
        address_towards("http://nowhere.invalid:1")

"""sampler.transfer=nccl without vLLM: groups of trainer and server, and what happens when things fail."""

from __future__ import annotations

import gc
import json
from typing import Any

import pytest
import torch
from nccl_here import Near, info
from vllm_here import PROBLEMS, rollouts
from vllm_servers import made, stand_ins

from r1lite.checks.run import check
from r1lite.sampling.vllm import nccl
from r1lite.sampling.vllm.client import Server
from r1lite.sampling.vllm.connection import ServerError
from r1lite.sampling.vllm.nccl import GroupBroken, NcclTransfer, UpdateClient, address_towards


@pytest.fixture
def sending(monkeypatch: pytest.MonkeyPatch) -> NcclTransfer:
    """As if there were a GPU."""
    monkeypatch.setattr(nccl, "check_nccl", lambda: None)
    return NcclTransfer(0.7)


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

    monkeypatch.setattr(nccl, "_join_group", joined)
    return made


def test_all_servers_are_in_one_group_which_lasts(sending: NcclTransfer, senders: list[Sender]) -> None:
    one, two, three = (Server(f"http://{host}:1", 1.0) for host in "abc")
    for name in ("run-1", "run-2"):
        assert sending.send([one, two], name, lambda: {"w": torch.ones(1)}) == {}
    assert [sender.sent for sender in senders] == [[("run-1", ["w"]), ("run-2", ["w"])]]
    assert senders[0].client.servers == (one, two)
    assert not senders[0].source.weights  # nothing is held
    sending.forget(three)
    assert not senders[0].down
    sending.forget(one)  # it was restarted
    sending.send([one, two], "run-3", dict)
    sending.send([two], "run-4", dict)
    assert [(sender.client.servers, sender.down) for sender in senders] == [((one, two), True), ((one, two), True), ((two,), False)]


def test_nothing_is_collected_if_no_server_lacks_the_weights(sending: NcclTransfer, senders: list[Sender]) -> None:
    assert sending.send([], "run-1", lambda: pytest.fail("collected")) == {}
    assert not senders


def test_the_others_get_the_weights_in_a_new_group_if_one_server_fails(
    sending: NcclTransfer, senders: list[Sender], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = Server("http://a:1", 1.0), Server("http://b:1", 1.0)
    sending.send([one, two], "run-1", dict)
    senders[0].fails = GroupBroken({one: ServerError("gone")})
    failed = sending.send([one, two], "run-2", dict)
    assert {server.url: str(error) for server, error in failed.items()} == {"http://a:1": "gone"}
    assert [(sender.sent, sender.down) for sender in senders] == [([("run-1", [])], True), ([("run-2", [])], False)]


@pytest.mark.parametrize(("error", "becomes"), [(RuntimeError("unhandled cuda error"), ServerError), (KeyError("w"), KeyError)])
def test_a_group_that_broke_down_is_not_used_again(
    sending: NcclTransfer, senders: list[Sender], error: Exception, becomes: type[Exception]
) -> None:
    server = Server("http://a:1", 1.0)
    sending.send([server], "run-1", dict)
    senders[0].fails = error
    if becomes is ServerError:
        assert str(sending.send([server], "run-2", dict)[server]) == f"NCCL: {error}"
    else:
        with pytest.raises(becomes):
            sending.send([server], "run-2", dict)
    assert senders[0].down
    sending.send([server], "run-2", dict)
    assert len(senders) == 2


def test_each_servers_workers_follow_those_of_the_servers_before() -> None:
    servers = [Near(None, workers=workers) for workers in (2, 1, 3)]
    client = UpdateClient(servers, "run-1", 0.7)
    assert client.count_workers() == 6
    client.init_weight_transfer_engine({"world_size": 7, "rank_offset": 1})
    assert [server.joined for server in servers] == [{"world_size": 7, "rank_offset": first, "temperature": 0.7} for first in (1, 3, 4)]


def test_a_phase_that_fails_names_its_servers() -> None:
    well, wrong = Near(None), Near(None)
    wrong.url, wrong.refuses = "http://127.0.0.2:1", "/start_weight_update"
    with pytest.raises(GroupBroken, match=r"^http://127\.0\.0\.2:1: refused$") as caught:
        UpdateClient([well, wrong], "run-1", 0.7).start_weight_update()
    assert list(caught.value.failed) == [wrong]
    assert well.asked == ["/pause?mode=wait", "/start_weight_update"]


def test_the_group_is_shut_down_with_its_sampler(monkeypatch: pytest.MonkeyPatch, senders: list[Sender]) -> None:
    monkeypatch.setattr(nccl, "check_nccl", lambda: None)
    transfer = NcclTransfer(1.0)
    transfer.send([Server("http://a:1", 1.0)], "run-1", dict)
    assert not senders[0].down
    del transfer
    gc.collect()
    assert senders[0].down


def test_a_server_started_for_another_transfer_is_told_from_the_right_one(sending: NcclTransfer) -> None:
    class Wrong(Server):
        def _send(self, *_: Any) -> bytes:
            return json.dumps(info("r1lite_disk")).encode()

    server = Wrong("http://a:1", 1.0)
    message = str(sending.send([server], "run-1", dict)[server])
    assert message.startswith("it receives weights by 'r1lite_disk'; ")
    assert message.endswith("""start it with --weight-transfer-config '{"backend": "r1lite_nccl"}'""")


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
        sending.send([Near(None)], "run-1", dict)


def test_weights_that_are_trained_wait_for_the_next_sync(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with stand_ins() as start:
        (restarted, one), (_, two) = start(restarts_after=3), start()
        model, sampler, _ = made(config, [one, two], "sampler.max_rows=1")
        monkeypatch.setattr(sampler.engine.fleet.transfer, "works_while_training", False, raising=False)
        sampler.load(model.named_parameters())
        assert len(rollouts(sampler.sample(PROBLEMS, n=4, seed="s"))) == 16
        list(sampler.sample(PROBLEMS, n=1, seed="s"))
        assert restarted.updates.count("/update_weights") == 1  # while the trainer may be at work, it stays out
        assert "it waits for the next sync" in sampler.engine.fleet.servers[0].unused_because
        sampler.load(model.named_parameters())
        assert restarted.updates.count("/update_weights") == 2


def test_the_last_server_is_not_given_weights_that_are_being_trained(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with stand_ins() as start:
        _, url = start(restarts_after=3)
        model, sampler, _ = made(config, [url], "sampler.max_rows=1")
        monkeypatch.setattr(sampler.engine.fleet.transfer, "works_while_training", False, raising=False)
        sampler.load(model.named_parameters())
        with pytest.raises(ValueError, match=r"no vLLM server can be used:\n.*it waits for the next sync"):
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
    with pytest.raises(ServerError, match="it cannot be reached"):
        address_towards("http://nowhere.invalid:1")

"""Which vLLM server a request goes to in asynchronous sampling."""

from __future__ import annotations

from contextlib import ExitStack

from r1lite.sampling.vllm.balance import Balance
from r1lite.sampling.vllm.client import Server

ONE, TWO = Server("http://one", 1.0), Server("http://two", 1.0)


def test_a_request_goes_to_the_server_with_the_least_to_do_and_stays_there() -> None:
    balance = Balance()
    with ExitStack() as first, ExitStack() as second:
        begun = [first.enter_context(balance.server_for(0, lambda: [ONE, TWO])) for _ in range(3)]
        assert begun == [ONE] * 3
        assert [second.enter_context(balance.server_for(1, lambda: [ONE, TWO])) for _ in range(2)] == [TWO] * 2
        with balance.server_for(2, lambda: [ONE, TWO]) as server:
            assert server is TWO
    assert not balance.chosen
    assert not +balance.load


def test_a_request_whose_server_is_gone_goes_on_elsewhere() -> None:
    balance = Balance()
    with balance.server_for(0, lambda: [ONE, TWO]) as before, balance.server_for(0, lambda: [TWO]) as after:
        assert (before, after) == (ONE, TWO)
    assert not balance.chosen
    assert not +balance.load

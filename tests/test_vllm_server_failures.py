"""What sampler=vllm_server does with servers that fail: against stand-ins."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from vllm_here import PROBLEMS, rollouts
from vllm_servers import StandIn, free_port, made, stand_ins

from r1lite.models.pretrained import SHIPPED
from r1lite.sampling.vllm import connection, fleet
from r1lite.sampling.vllm.client import RELEASES


@pytest.fixture
def stood_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[StandIn, str]]]:
    monkeypatch.setattr(connection, "PAUSES", (0.0, 0.01, 0.02))
    monkeypatch.setattr(fleet, "RECONNECT_PAUSE", 0.01)
    with stand_ins() as start:
        yield start


def test_an_update_has_four_phases_and_all_weights(stood_in: Any, config: Any) -> None:
    stand_in, url = stood_in()
    model, sampler, _ = made(config, [url])
    sampler.load(model.named_parameters())
    assert stand_in.updates == [
        "/init_weight_transfer_engine", "/pause?mode=wait", "/start_weight_update", "/update_weights", "/finish_weight_update",
        "/reset_prefix_cache", "/resume",
    ]  # fmt: skip
    expected = load_file(SHIPPED / "tiny_base" / "model.safetensors")
    assert stand_in.held.keys() == expected.keys()
    assert all(torch.equal(stand_in.held[name], tensor) for name, tensor in expected.items())
    list(sampler.sample(PROBLEMS, n=1, seed="s"))
    assert len(stand_in.updates) == 7  # it has the newest weights already


def test_only_the_newest_weights_lie_about(stood_in: Any, config: Any, tmp_path: Path) -> None:
    _, url = stood_in()
    model, sampler, _ = made(config, [url], f"sampler.sync_folder={tmp_path / 'sync'}")
    for version in (1, 2, 3):
        sampler.load(model.named_parameters())
        assert [file.name for file in (tmp_path / "sync").iterdir()] == [f"{sampler.engine.fleet.newest.run}-{version}.safetensors"]


def test_the_requests_of_a_server_that_dies_go_to_the_others(stood_in: Any, config: Any, capsys: Any) -> None:
    (dying, one), (steady, two) = stood_in(answers=5), stood_in()
    _, sampler, _ = made(config, [one, two])
    sampled = rollouts(sampler.sample(PROBLEMS, n=8, seed="s"))
    _, alone, _ = made(config, [two])
    assert [r.token_ids for r in sampled] == [r.token_ids for r in rollouts(alone.sample(PROBLEMS, n=8, seed="s"))]
    assert dying.asked > 5
    assert steady.asked >= 32 + 27
    assert f"vllm_server: {one} is left out until it has received weights again" in capsys.readouterr().out


def test_a_server_is_followed_to_another_address(stood_in: Any, config: Any, tmp_path: Path, capsys: Any) -> None:
    (first, one), (second, two), (steady, three) = stood_in(), stood_in(), stood_in()
    file = tmp_path / "servers.txt"
    file.write_text(f"{one}\n{three}/\n")
    _, sampler, _ = made(config, [], f"sampler.urls_from={file}")
    list(sampler.sample(PROBLEMS, n=1, seed="s"))
    file.write_text(f"{two}\n{three}\n")
    list(sampler.sample(PROBLEMS, n=1, seed="s"))
    assert (first.asked, second.asked, steady.asked) == (2, 2, 4)
    assert second.updates.count("/update_weights") == steady.updates.count("/update_weights") == 1
    assert f"vllm_server: {one} is at {two} now" in capsys.readouterr().out
    file.write_text(f"{two}\n")
    with pytest.raises(ValueError, match=r"has 1 addresses now; the run began with 2"):
        list(sampler.sample(PROBLEMS, n=1, seed="s"))


@pytest.mark.parametrize(("text", "message"), [(None, "cannot be read: No such file"), ("\n", "has no addresses")])
def test_a_file_of_addresses_that_has_none_is_refused(config: Any, tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "servers.txt").write_text(text)
    with pytest.raises(ValueError, match=message):
        made(config, [], f"sampler.urls_from={tmp_path / 'servers.txt'}")


def test_a_request_whose_connection_breaks_is_repeated(stood_in: Any, config: Any, capsys: Any) -> None:
    broken, url = stood_in(breaks_at=3)
    _, sampler, _ = made(config, [url], "sampler.max_rows=1")
    assert len(rollouts(sampler.sample(PROBLEMS, n=4, seed="s"))) == 16
    assert broken.asked == 17
    assert "left out" not in capsys.readouterr().out


def test_a_server_whose_update_was_cut_off_at_its_end_does_not_stay_paused(stood_in: Any, config: Any) -> None:
    cut_off, url = stood_in(breaks_after="/finish_weight_update")
    _, other = stood_in()
    _, sampler, _ = made(config, [url, other])
    sampler.load([])
    assert cut_off.updates[-1] == "/finish_weight_update"
    assert len(rollouts(sampler.sample(PROBLEMS, n=1, seed="s"))) == 4
    assert cut_off.updates[-1] == "/resume"
    assert cut_off.updates.count("/update_weights") == 1
    assert cut_off.asked == 2


@pytest.mark.parametrize("seconds", [0, 60])
def test_a_run_that_has_worked_waits_for_a_server(stood_in: Any, config: Any, monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    _, url = stood_in()
    _, sampler, _ = made(config, [url], f"sampler.reconnect_seconds={seconds}")
    list(sampler.sample(PROBLEMS, n=1, seed="s"))
    reached, away = sampler.engine.fleet._reached, iter([False] * 5)
    monkeypatch.setattr(sampler.engine.fleet, "_reached", lambda can_send: next(away, None) is None and reached(can_send))
    if seconds:
        assert len(rollouts(sampler.sample(PROBLEMS, n=1, seed="s"))) == 4
        return
    with pytest.raises(ValueError, match="no vLLM server can be used"):
        list(sampler.sample(PROBLEMS, n=1, seed="s"))


def test_what_a_restarted_server_said_is_not_kept(stood_in: Any, config: Any, capsys: Any) -> None:
    (restarted, one), (_, two) = stood_in(restarts_after=3), stood_in()
    _, sampler, _ = made(config, [one, two], "sampler.max_rows=1")
    assert len(rollouts(sampler.sample(PROBLEMS, n=4, seed="s"))) == 16
    assert restarted.asked == 3  # two answers kept; it was not asked again
    assert f"{one} is left out until it has received weights again: it was restarted" in capsys.readouterr().out
    list(sampler.sample(PROBLEMS, n=4, seed="s"))
    assert restarted.updates.count("/update_weights") == 2
    assert restarted.asked == 11
    assert f"{one} has the newest weights and is used again" in capsys.readouterr().out


def test_the_last_server_is_given_its_weights_again(stood_in: Any, config: Any) -> None:
    restarted, url = stood_in(restarts_after=3)
    _, sampler, _ = made(config, [url])
    assert len(rollouts(sampler.sample(PROBLEMS, n=4, seed="s"))) == 16
    assert restarted.updates.count("/update_weights") == 2


def test_a_server_that_hangs_costs_its_deadline(stood_in: Any, config: Any, capsys: Any) -> None:
    (_, slow), (_, quick) = stood_in(seconds=5.0), stood_in()
    _, sampler, _ = made(config, [slow, quick], "sampler.seconds=0.3")
    assert len(rollouts(sampler.sample(PROBLEMS, n=1, seed="s"))) == 4
    assert (
        f"{slow} is left out until it has received weights again: it has not answered within 0.3 s (sampler.seconds)"
        in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ({"choices": []}, "its answer is no completion (IndexError: "),
        ({"choices": [{"token_ids": [1], "logprobs": {"token_logprobs": [-1.0]}, "finish_reason": "abort"}]}, "'abort', 1 tokens"),
        ({"choices": [{"token_ids": [1, 2], "logprobs": {"token_logprobs": [-1.0]}, "finish_reason": "stop"}]}, "2 tokens and 1 log-probs"),
    ],
)
def test_answers_that_are_none_are_asked_again_elsewhere(stood_in: Any, config: Any, capsys: Any, says: Any, why: str) -> None:
    (_, broken), (_, sound) = stood_in(says=says), stood_in()
    _, sampler, _ = made(config, [broken, sound])
    assert len(rollouts(sampler.sample(PROBLEMS, n=1, seed="s"))) == 4
    assert why in capsys.readouterr().out


def test_a_request_that_is_refused_is_the_users_error(stood_in: Any, config: Any) -> None:
    _, url = stood_in(status=400, says={"error": {"message": "too long"}})
    _, sampler, _ = made(config, [url])
    with pytest.raises(ValueError, match=f"vllm_server: {url} refuses the request: .*too long"):
        list(sampler.sample(PROBLEMS, n=1, seed="s"))


def test_without_any_server_the_error_says_what_to_do(config: Any) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    _, sampler, _ = made(config, [nowhere])
    with pytest.raises(ValueError, match=rf"no vLLM server can be used:\n  {nowhere}: .*refused.*\nStart them as docs/how/samplers"):
        next(sampler.sample(PROBLEMS, n=1, seed="s"))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"release": "0.31.2"}, "it runs vLLM 0.31.2, and r1lite works with 0.32 and 0.33"),
        ({"takes_weights": False}, "it serves /models/served, and cannot load this run's weights. If that is another model"),
    ],
)
def test_a_server_of_another_release_or_model_is_named(stood_in: Any, config: Any, how: dict[str, Any], message: str) -> None:
    _, url = stood_in(**how)
    _, sampler, _ = made(config, [url])
    with pytest.raises(ValueError, match=f"no vLLM server can be used:\n  {url}: {message}"):
        next(sampler.sample(PROBLEMS, n=1, seed="s"))


def test_the_releases_are_those_of_the_extra() -> None:
    home = Path(__file__).resolve().parent.parent
    (bounds,) = re.findall(r'"vllm>=0\.(\d+),<0\.(\d+)"', (home / "pyproject.toml").read_text(encoding="utf-8"))
    assert tuple(f"0.{minor}" for minor in range(int(bounds[0]), int(bounds[1]))) == RELEASES


def test_when_all_die_what_was_whole_has_been_given(stood_in: Any, config: Any) -> None:
    dying, url = stood_in(answers=6)
    _, sampler, _ = made(config, [url], "sampler.max_rows=1")
    sampling = sampler.sample(PROBLEMS, n=3, seed="s")
    assert {next(sampling).problem.id for _ in range(2)} == {"p0", "p1"}
    with pytest.raises(ValueError, match="no server completes a request, although they accept weights"):
        list(sampling)
    assert dying.asked >= 6 + 3

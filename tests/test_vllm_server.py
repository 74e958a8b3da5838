"""The contract of sampler=vllm_server: against a real server, and against stand-ins that fail as real ones do."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from vllm_here import PROBLEMS, disturbed, needs_vllm, off_by, rollouts, tiny

from r1lite.models.pretrained import SHIPPED
from r1lite.prompt import Prompter
from r1lite.sampling.native import NativeSampler
from r1lite.sampling.vllm_http import Lost, Server
from r1lite.sampling.vllm_server import VllmServerSampler
from r1lite.setup import make_sampler
from r1lite.types import Problem

PAGE = Path(__file__).resolve().parent.parent / "docs" / "engines.md"


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def made(config: Any, urls: list[str], *overrides: str) -> tuple[Any, VllmServerSampler, Any]:
    model, tokenizer, cfg = tiny(config, "sampler=vllm_server", f"sampler.urls=[{','.join(urls)}]", *overrides)
    sampler = make_sampler(model, Prompter(tokenizer=tokenizer), cfg)
    assert isinstance(sampler, VllmServerSampler)
    return model, sampler, tokenizer


# A real server.


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server, started with the very command that the documentation gives."""
    (command,) = re.findall(r"```bash\n(VLLM_SERVER_DEV_MODE=1 .*?)```", PAGE.read_text(), flags=re.DOTALL)
    port = free_port()
    words = shlex.split(command.replace("\\\n", " "))
    settings = dict(word.split("=", 1) for word in words[: words.index("python")])
    arguments = [a.replace("8001", str(port)) for a in words[words.index("python") + 1 :]]
    arguments[arguments.index("--model") + 1] = str(SHIPPED / "tiny_base")
    log = tmp_path_factory.mktemp("server") / "log"
    with log.open("w") as out:
        environment = os.environ | settings | {"OMP_NUM_THREADS": "1"}
        server = subprocess.Popen([sys.executable, *arguments], stdout=out, stderr=out, env=environment, start_new_session=True)
    try:
        address = f"http://127.0.0.1:{port}"
        while not answers(address):
            assert server.poll() is None, log.read_text()[-4000:]
            time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=60)


def answers(address: str) -> bool:
    try:
        return urllib.request.urlopen(f"{address}/health", timeout=5).status == 200
    except OSError:
        return False


@needs_vllm
@pytest.mark.slow
@pytest.mark.parametrize("filters", [(), ("sampler.top_p=0.7", "sampler.top_k=20")], ids=["unfiltered", "top-p and top-k"])
def test_kept_logprobs_are_the_models_at_the_sampling_temperature(url: str, config: Any, filters: tuple[str, ...]) -> None:
    model, sampler, _ = made(config, [url], "sampler.temperature=0.7", *filters)
    sampled = rollouts(sampler.sample(PROBLEMS, n=3, seed="s"))
    assert off_by(model, sampled, 0.7) < 1e-4
    assert [r.index for r in sampled] == [0, 1, 2] * len(PROBLEMS)
    assert len({r.token_ids for r in sampled if r.problem_id == "p0"}) == 3
    assert [r.token_ids for r in rollouts(sampler.sample(PROBLEMS[::-1], n=3, seed="s"))] == [r.token_ids for r in sampled]


@needs_vllm
@pytest.mark.slow
def test_new_weights_are_sampled_from_also_behind_a_warm_cache(url: str, config: Any) -> None:
    model, sampler, _ = made(config, [url])
    before = rollouts(sampler.sample(PROBLEMS, n=2, seed="s"))
    disturbed(model, seed=1)
    sampler.load(model.named_parameters())
    after = rollouts(sampler.sample(PROBLEMS, n=2, seed="s"))
    assert off_by(model, before, 1.0) > 0.1
    assert off_by(model, after, 1.0) < 1e-4
    assert ({r.version for r in before}, {r.version for r in after}) == ({0}, {1})


@needs_vllm
@pytest.mark.slow
def test_greedy_and_stop_strings_are_as_the_native_samplers(url: str, config: Any) -> None:
    model, sampler, tokenizer = made(config, [url])
    free = rollouts(sampler.sample(PROBLEMS, n=1, seed="", greedy=True))
    sampler.cfg.stop = [tokenizer.decode(free[0].token_ids[:4])]
    native = NativeSampler(model, Prompter(tokenizer=tokenizer), sampler.cfg)
    ours, theirs = (rollouts(s.sample(PROBLEMS, n=1, seed="", greedy=True)) for s in (sampler, native))
    assert [(r.token_ids, r.text, r.finish) for r in ours] == [(r.token_ids, r.text, r.finish) for r in theirs]
    assert (ours[0].token_ids, ours[0].finish) == (free[0].token_ids[:4], "stop")


@needs_vllm
@pytest.mark.slow
def test_an_update_that_a_killed_trainer_left_open_is_closed(url: str, config: Any) -> None:
    model, sampler, _ = made(config, [url])
    server = Server(url, 60.0)
    server.call("POST", "/pause?mode=wait")
    server.call("POST", "/start_weight_update")
    assert off_by(model, rollouts(sampler.sample(PROBLEMS, n=1, seed="s")), 1.0) < 1e-4


@needs_vllm
@pytest.mark.slow
def test_a_server_that_lost_its_weights_is_given_them_again(url: str, config: Any, capsys: Any) -> None:
    model, sampler, _ = made(config, [url])
    sampling = sampler.sample(PROBLEMS * 8, n=1, seed="s")
    first = next(sampling)
    Server(url, 60.0).call("POST", "/update_weight_version", {"new_version": "default"})  # as after a restart
    groups = [first, *sampling]
    assert len(groups) == 8 * len(PROBLEMS)
    assert off_by(model, [r for g in groups for r in g.rollouts], 1.0) < 1e-4


@needs_vllm
@pytest.mark.slow
def test_an_update_that_lacks_weights_is_refused(url: str, config: Any, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    _, sampler, _ = made(config, [url])
    save_file({"model.norm.weight": torch.ones(128)}, tmp_path / "part.safetensors")
    with pytest.raises(Lost, match="/update_weights answers 500"):
        Server(url, 60.0).update(str(tmp_path / "part.safetensors"), "part", 1.0)
    assert len(rollouts(sampler.sample(PROBLEMS, n=1, seed="s"))) == 4  # all weights make it whole again


@needs_vllm
@pytest.mark.slow
def test_a_prompt_that_does_not_fit_is_the_users_error(url: str, config: Any) -> None:
    _, sampler, _ = made(config, [url])
    with pytest.raises(ValueError, match=r"refuses the request.*maximum context length"):
        list(sampler.sample([Problem(id="huge", prompt="9" * 3000)], n=1, seed="s"))


# Stand-ins. What they answer says which server and which weights it came from.


@dataclass
class StandIn:
    """A server of the same routes without a model."""

    answers: int = 10**9  # completions until it dies
    restarts_after: int = 10**9  # completions until it loses its weights
    seconds: float = 0.0  # that a completion takes
    says: dict[str, Any] = field(default_factory=dict)  # in place of a completion
    status: int = 200
    asked: int = 0
    weights: str = "default"
    updates: list[str] = field(default_factory=list)
    held: dict[str, torch.Tensor] = field(default_factory=dict)

    def start(self) -> Iterator[str]:
        stand_in, lock = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(200, {"weight_version": stand_in.weights})

            def do_POST(self) -> None:
                said = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
                if self.path != "/v1/completions":
                    stand_in.take(self.path, said)
                    return self.answer(200, {})
                with lock:
                    stand_in.asked += 1
                    asked = stand_in.asked
                if asked > stand_in.answers:
                    return self.connection.close()
                if asked == stand_in.restarts_after:
                    stand_in.weights = "default"
                time.sleep(stand_in.seconds)
                choice = {"token_ids": [said["seed"] % 97, 260], "logprobs": {"token_logprobs": [-1.0, -2.0]}, "finish_reason": "stop"}
                return self.answer(stand_in.status, stand_in.says or {"choices": [choice]})

            def answer(self, status: int, what: dict[str, Any]) -> None:
                body = json.dumps(what).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """In silence."""

        class Silent(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                """A connection that it closed itself."""

        with Silent(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()

    def take(self, path: str, said: dict[str, Any]) -> None:
        self.updates.append(path)
        if path == "/update_weights":
            self.held = load_file(said["update_info"]["path"])
        if path == "/finish_weight_update":
            self.weights = said["weight_version"]


@pytest.fixture
def stood_in() -> Iterator[Callable[..., tuple[StandIn, str]]]:
    running: list[Iterator[str]] = []

    def start(**how: Any) -> tuple[StandIn, str]:
        stand_in = StandIn(**how)
        running.append(stand_in.start())
        return stand_in, next(running[-1])

    yield start
    for server in running:
        next(server, None)


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
        assert [file.name for file in (tmp_path / "sync").iterdir()] == [f"{sampler.name}-{version}.safetensors"]


def test_the_requests_of_a_server_that_dies_go_to_the_others(stood_in: Any, config: Any, capsys: Any) -> None:
    (dying, one), (steady, two) = stood_in(answers=5), stood_in()
    _, sampler, _ = made(config, [one, two])
    sampled = rollouts(sampler.sample(PROBLEMS, n=8, seed="s"))
    _, alone, _ = made(config, [two])
    assert [r.token_ids for r in sampled] == [r.token_ids for r in rollouts(alone.sample(PROBLEMS, n=8, seed="s"))]
    assert dying.asked > 5
    assert steady.asked >= 32 + 27
    assert f"vllm_server: {one} is left out until it can be given weights again" in capsys.readouterr().out


def test_what_a_restarted_server_said_is_not_kept(stood_in: Any, config: Any, capsys: Any) -> None:
    (restarted, one), (_, two) = stood_in(restarts_after=3), stood_in()
    _, sampler, _ = made(config, [one, two], "sampler.max_rows=1")
    assert len(rollouts(sampler.sample(PROBLEMS, n=4, seed="s"))) == 16
    assert restarted.asked == 3  # two answers kept; it was not asked again
    assert f"{one} is left out until it can be given weights again: it was restarted" in capsys.readouterr().out
    list(sampler.sample(PROBLEMS, n=4, seed="s"))
    assert restarted.updates.count("/update_weights") == 2
    assert restarted.asked == 11


def test_the_last_server_is_given_its_weights_again(stood_in: Any, config: Any) -> None:
    restarted, url = stood_in(restarts_after=3)
    _, sampler, _ = made(config, [url])
    assert len(rollouts(sampler.sample(PROBLEMS, n=4, seed="s"))) == 16
    assert restarted.updates.count("/update_weights") == 2


def test_a_server_that_hangs_costs_its_deadline(stood_in: Any, config: Any, capsys: Any) -> None:
    (_, slow), (_, quick) = stood_in(seconds=5.0), stood_in()
    _, sampler, _ = made(config, [slow, quick], "sampler.seconds=0.3")
    assert len(rollouts(sampler.sample(PROBLEMS, n=1, seed="s"))) == 4
    assert f"{slow} is left out until it can be given weights again: timed out" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ({"choices": []}, "its answer has no list index out of range"),
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
    with pytest.raises(ValueError, match=rf"no vLLM server can be used:\n  {nowhere}: .*refused.*\nStart them as docs/engines.md says"):
        next(sampler.sample(PROBLEMS, n=1, seed="s"))


def test_when_all_die_what_was_whole_has_been_given(stood_in: Any, config: Any) -> None:
    dying, url = stood_in(answers=6)
    _, sampler, _ = made(config, [url], "sampler.max_rows=1")
    sampling = sampler.sample(PROBLEMS, n=3, seed="s")
    assert {next(sampling).problem.id for _ in range(2)} == {"p0", "p1"}
    with pytest.raises(ValueError, match="no server completes a request, though they take weights"):
        list(sampling)
    assert dying.asked >= 6 + 3

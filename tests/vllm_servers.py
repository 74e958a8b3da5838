"""Servers for the tests of sampler=vllm_server: real ones, and stand-ins that fail as real ones do."""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from vllm_here import adapted, tiny

from r1lite.build import make_sampler
from r1lite.config import SamplerConfig
from r1lite.models import pretrained
from r1lite.models.pretrained import SHIPPED
from r1lite.prompt import Prompter
from r1lite.sampling.native.engine import NativeEngine
from r1lite.sampling.rollouts import Sampler
from r1lite.sampling.vllm.server import VllmServerEngine
from r1lite.types import Request

PAGE = Path(__file__).resolve().parent.parent / "docs" / "how" / "samplers.md"


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def made(config: Any, urls: list[str], *overrides: str) -> tuple[Any, Sampler, Any]:
    """A model, its sampler and the tokenizer; the model has adapters where a rank is given."""
    make = adapted if any(o.startswith("model.lora_rank") for o in overrides) else tiny
    model, tokenizer, cfg = make(config, "sampler=vllm_server", f"sampler.urls=[{','.join(urls)}]", *overrides)
    sampler = make_sampler(model, Prompter(tokenizer=tokenizer), cfg)
    assert isinstance(sampler.engine, VllmServerEngine)
    return model, sampler, tokenizer


@contextmanager
def running(folder: Path, *more: str) -> Iterator[str]:
    """A server, started with the very command that the documentation gives, and with more settings or arguments."""
    (command,) = re.findall(r"```bash\n(VLLM_SERVER_DEV_MODE=1 .*?)```", PAGE.read_text(), flags=re.DOTALL)
    port = free_port()
    words = [*shlex.split(command.replace("\\\n", " ")), *more]
    settings = dict(word.split("=", 1) for word in words if re.match(r"[A-Z_0-9]+=", word))
    arguments = [a.replace("8001", str(port)) for a in words if a != "python" and a.partition("=")[0] not in settings]
    arguments[arguments.index("--model") + 1] = str(SHIPPED / "tiny_base")
    log = folder / "log"
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


@dataclass
class StandIn:
    """A server of the same routes without a model. What it answers says which server and which weights it came from."""

    answers: int = 10**9  # completions until it dies
    breaks_at: int = 0  # the completion whose connection breaks
    breaks_after: str = ""  # the route whose first answer is lost, although it was done
    restarts_after: int = 10**9  # completions until it loses its weights
    seconds: float = 0.0  # that a completion takes
    sampler: Samples | None = None  # what its completions are sampled with; they are made up otherwise
    serves_adapters: bool = True
    says: dict[str, Any] = field(default_factory=dict)  # in place of a completion
    status: int = 200
    release: str = "0.32.0"  # of vLLM
    takes_weights: bool = True
    asked: int = 0
    weights: str = "default"
    updates: list[str] = field(default_factory=list)
    held: dict[str, torch.Tensor] = field(default_factory=dict)
    adapters: dict[str, dict[str, torch.Tensor]] = field(default_factory=dict)
    named: list[str] = field(default_factory=list)  # the models that completions named
    aborted: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def started(self) -> Iterator[str]:
        stand_in, lock = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                other = {"/version": {"version": stand_in.release}, "/v1/models": {"data": [{"root": "/models/served"}]}}
                self.answer(200, other.get(self.path, {"weight_version": stand_in.weights}))

            def do_POST(self) -> None:
                said = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
                if self.path not in ("/v1/completions", "/inference/v1/generate"):
                    status = stand_in.take(self.path, said)
                    if self.path == stand_in.breaks_after:
                        stand_in.breaks_after = ""
                        return self.connection.close()
                    return self.answer(status, {})
                with lock:
                    stand_in.asked += 1
                    asked = stand_in.asked
                if asked > stand_in.answers or asked == stand_in.breaks_at:
                    return self.connection.close()
                if asked == stand_in.restarts_after:
                    stand_in.restart()
                stand_in.named.append(said.get("model", ""))
                if stand_in.named[-1] not in ("", *stand_in.adapters):
                    return self.answer(404, {"error": {"message": "the model does not exist"}})
                begun = stand_in.weights
                if self.path == "/v1/completions":
                    time.sleep(stand_in.seconds)
                    choice = {"token_ids": [said["seed"] % 97, 260], "logprobs": {"token_logprobs": [-1.0, -2.0]}, "finish_reason": "stop"}
                    return self.answer(stand_in.status, stand_in.says or {"choices": [choice]})
                choice = stand_in.generate(said["token_ids"], said["sampling_params"])
                stand_in.aborted.wait(stand_in.seconds * (0.2 + random.Random(said["sampling_params"]["seed"]).random()))
                choice["weight_versions"] = spans(begun, stand_in.weights, len(choice["token_ids"]))
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
            daemon_threads, block_on_close = True, False  # what nobody waits for any more ends by itself

            def handle_error(self, *_: Any) -> None:
                """A connection that it closed itself."""

        with Silent(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()

    def generate(self, token_ids: list[int], settings: dict[str, Any]) -> dict[str, Any]:
        tokens, logprobs, finish = [settings["seed"] % 97, 260], [-1.0, -2.0], "stop"
        if self.sampler is not None:
            tokens, logprobs, finish = self.sampler.sample(token_ids, settings)
        return {"token_ids": tokens, "logprobs": {"content": [{"logprob": x} for x in logprobs]}, "finish_reason": finish}

    def restart(self) -> None:
        self.weights, self.held, self.adapters = "default", {}, {}

    def take(self, path: str, said: dict[str, Any]) -> int:
        self.updates.append(path)
        if path == "/abort_requests":
            self.aborted.set()
        if path == "/update_weights":
            if not self.takes_weights:
                return 500
            self.held = load_file(said["update_info"]["path"])
            if self.sampler is not None:
                self.sampler.load(self.held)
        if path == "/finish_weight_update":
            self.weights, self.adapters = said["weight_version"], {}
        if path == "/update_weight_version":
            self.weights = said["new_version"]
        if path == "/v1/load_lora_adapter":
            if not self.serves_adapters:
                return 404
            self.adapters[said["lora_name"]] = load_file(Path(said["lora_path"]) / "adapter_model.safetensors")
        if path == "/v1/unload_lora_adapter":
            return 200 if self.adapters.pop(said["lora_name"], None) else 404
        return 200


def spans(begun: str, ended: str, tokens: int) -> list[dict[str, Any]]:
    """As vLLM says which weights sampled which tokens: the last one, if an update came in between."""
    first = tokens if begun == ended else tokens - 1
    parts = [(begun, 0, first), (ended, first, tokens)]
    return [{"version": name, "start": start, "end": end} for name, start, end in parts if end > start]


class Samples:
    """Samples a stand-in's completions with the weights that it has been sent."""

    def __init__(self, cfg: Any) -> None:
        self.model, tokenizer = pretrained.load("tiny_base", cfg.model)
        self.engine, self.lock = NativeEngine(self.model, tokenizer, SamplerConfig()), threading.Lock()

    def load(self, held: dict[str, torch.Tensor]) -> None:
        with self.lock:
            self.model.load_state_dict(held, strict=False)

    def sample(self, token_ids: list[int], settings: dict[str, Any]) -> tuple[list[int], list[float], str]:
        request = Request(prompt_ids=tuple(token_ids), seeds=(settings["seed"],), max_tokens=settings["max_tokens"])
        with self.lock:
            ((_, (completion,)),) = self.engine.complete([request])
        return list(completion.token_ids), list(completion.logprobs), completion.finish


@contextmanager
def stand_ins() -> Iterator[Callable[..., tuple[StandIn, str]]]:
    """Starts them, as many as are asked for."""
    with ExitStack() as stack:

        def start(**how: Any) -> tuple[StandIn, str]:
            stand_in = StandIn(**how)
            return stand_in, stack.enter_context(stand_in.started())

        yield start

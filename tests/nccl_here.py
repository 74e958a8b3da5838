"""For the tests of sampler.transfer=nccl: a server without a network."""

from __future__ import annotations

import json
from typing import Any

from r1lite.sampling.vllm.client import Server
from r1lite.sampling.vllm.connection import ServerError


class Near(Server):
    """A server that is an engine in this process, or none."""

    def __init__(self, engine: Any, *, workers: int = 1) -> None:
        super().__init__("http://127.0.0.1:1", 60.0)
        self.engine, self.workers = engine, workers
        self.asked: list[str] = []
        self.joined: dict[str, Any] = {}
        self.name = self.refuses = ""

    def _send(self, method: str, path: str, body: dict[str, Any] | None, seconds: float) -> bytes:
        said = json.loads(json.dumps(body or {}))  # as over HTTP
        self.asked.append(path)
        if path == self.refuses:
            raise ServerError("refused")
        if path == "/init_weight_transfer_engine":
            self.joined = said["init_info"]
        if path == "/finish_weight_update":
            self.name = said["weight_version"]
        if self.engine is not None:
            self._do(path, said)
        answers = {"/get_world_size": {"world_size": self.workers}, "/server_info?config_format=json": info("r1lite_nccl")}
        return json.dumps(answers.get(path, {})).encode()

    def _do(self, path: str, said: dict[str, Any]) -> None:
        if path == "/init_weight_transfer_engine":
            self.engine.init_transfer_engine(self.engine.parse_init_info(said["init_info"]))
        if path == "/start_weight_update":
            self.engine.start_weight_update()
        if path == "/update_weights":
            self.engine.update_weights(said["update_info"])
        if path == "/finish_weight_update":
            self.engine.finish_weight_update()


def info(backend: str) -> dict[str, Any]:
    return {"vllm_config": {"weight_transfer_config": {"backend": backend}}}

"""Actors of a Ray cluster that start stubs in place of servers and trainers. They import little, so they start soon."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from stub_server import __file__ as STUB

from r1lite.config import Config
from r1lite.launch.node import Node
from r1lite.launch.options import Options
from r1lite.launch.part import Part

# Each rank prints who it is. The first kills a server, and waits until it is back, at another port.
TRAINER = """
import os, sys, time, urllib.request
print("rank", os.environ["RANK"], "of", os.environ["WORLD_SIZE"], os.environ["MASTER_ADDR"], flush=True)
path = [word.partition("=")[2] for word in sys.argv if word.startswith("sampler.urls_from=")][0]
before = open(path).read().split()
if os.environ["RANK"] == "0":
    try:
        urllib.request.urlopen(before[0] + "/die")
    except OSError:
        pass
    while (now := open(path).read().split()) == before:
        time.sleep(0.1)
    urllib.request.urlopen(now[0] + "/v1/models")
    print("back", now[1] == before[1], flush=True)
"""
FAILS = "import os, sys, time; sys.exit(3) if os.environ['RANK'] == '1' else time.sleep(1000)"


class StubNode(Node):
    program = TRAINER

    def serve(self, cfg: Config, number: int, options: Options) -> Part:
        host, port = self.place().address, self.free_port()
        command = [sys.executable, STUB, str(port), host, "engine"]
        return self._start(Part(name=f"server-{number}", command=command, url=f"http://{host}:{port}", serves="stub"))

    def train(self, name: str, settings: Sequence[str], environment: Mapping[str, str]) -> Part:
        return self._start(Part(name=name, command=[sys.executable, "-c", self.program, *settings], environment=environment))


class FailingNode(StubNode):
    program = FAILS

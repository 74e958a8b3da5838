"""Servers without a model, which answer after a delay: vLLM's routes, many ports, one process.

    python -m bench._common.stub_servers --servers 64 --slots 8 --seconds 4 [--update-seconds 0.2] [--longest 4]

Prints the addresses as a JSON list, and serves until its standard input is closed. A server works on `--slots` completions at once; the
seconds of a completion are drawn from its seed, log-normal with the given mean, so that a few take several times as long; at most
`--longest` times, as sampler.max_tokens would end them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import sys
from typing import Any

SIGMA = 0.75  # of the logarithm: the longest of 512 completions takes about 7 times the mean


def seconds_of(seed: int, mean: float, longest: float) -> float:
    return min(random.Random(seed).lognormvariate(math.log(mean) - SIGMA**2 / 2, SIGMA), longest * mean)


class Stub:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.weights = options, "default"
        self.slots, self.paused = asyncio.Semaphore(options.slots), False

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next((int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length")), 0)
            said = json.loads(await reader.readexactly(length) or b"{}")
            body = json.dumps(await self.answer(head.split()[1], said)).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        writer.close()

    async def answer(self, path: str, said: dict[str, Any]) -> dict[str, Any]:
        if path == "/inference/v1/generate":
            return await self.complete(said["sampling_params"]["seed"], spans=True)
        if path == "/v1/completions":
            return await self.complete(said["seed"], spans=False)
        if path == "/update_weights":
            await asyncio.sleep(self.options.update_seconds)
        if path == "/pause?mode=wait":  # running completions finish first
            for _ in range(self.options.slots):
                await self.slots.acquire()
            self.paused = True
        if path == "/resume" and self.paused:
            self.paused = False
            for _ in range(self.options.slots):
                self.slots.release()
        if path == "/finish_weight_update":
            self.weights = said["weight_version"]
        return {"weight_version": self.weights}

    async def complete(self, seed: int, *, spans: bool) -> dict[str, Any]:
        async with self.slots:
            begun = self.weights
            await asyncio.sleep(seconds_of(seed, self.options.seconds, self.options.longest))
        tokens, logprobs = [seed % 97, 260], [-1.0, -2.0]
        choice: dict[str, Any] = {"token_ids": tokens, "finish_reason": "stop", "logprobs": {"token_logprobs": logprobs}}
        if spans:
            choice["logprobs"] = {"content": [{"logprob": x} for x in logprobs]}
            choice["weight_versions"] = [{"version": begun, "start": 0, "end": 1}, {"version": self.weights, "start": 1, "end": 2}]
        return {"choices": [choice]}


async def serve(options: argparse.Namespace) -> None:
    servers = [await asyncio.start_server(Stub(options).handle, "127.0.0.1", 0) for _ in range(options.servers)]
    print(json.dumps([f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}" for server in servers]), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--servers", type=int, default=64)
    parser.add_argument("--slots", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--update-seconds", type=float, default=0.2)
    parser.add_argument("--longest", type=float, default=math.inf)
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()

"""A slow and lossy link in front of a server: forwards TCP connections, each direction late by a delay; some connections are cut.

python -m bench._common.slow_link --listen 10.0.0.2:9001 --to 10.0.0.2:8001 [--delay 0.1] [--cut 0.01]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time


async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Pass on what arrives, `delay` seconds after its arrival."""
    queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            due, data = await queue.get()
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if not data:
                break
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    delivering = asyncio.create_task(deliver())
    try:
        while data := await reader.read(2**16):
            queue.put_nowait((time.monotonic() + delay, data))
    except ConnectionError:
        pass
    queue.put_nowait((time.monotonic() + delay, b""))
    await delivering


async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, options: argparse.Namespace) -> None:
    try:
        if random.random() < options.cut:
            return
        there, back = await asyncio.open_connection(*address(options.to))
        await asyncio.gather(forward(reader, back, options.delay), forward(there, writer, options.delay), return_exceptions=True)
        back.close()
    except OSError:
        pass
    finally:
        writer.close()


def address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


async def serve(options: argparse.Namespace) -> None:
    server = await asyncio.start_server(lambda r, w: connect(r, w, options), *address(options.listen))
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", required=True)
    parser.add_argument("--to", required=True)
    parser.add_argument("--delay", type=float, default=0.1, help="seconds in each direction")
    parser.add_argument("--cut", type=float, default=0.0, help="share of connections that are closed at once")
    asyncio.run(serve(parser.parse_args()))

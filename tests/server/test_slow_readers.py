"""A long run with readers that are much slower than it: none misses a delta, and the server keeps
nothing for them.
"""

import asyncio
import os
import re
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from campaign import WHOLE, figure

from nbagent import events as e
from nbagent.run import Run
from nbagent.server import serve

DELTAS, READERS = (200_000, 20) if WHOLE else (5_000, 3)
TOGETHER = 50
"""Deltas that come at once."""
CHUNK_BYTES, PAUSE_S = 2048, 0.05
"""What a slow reader takes, and how long it waits then: 40 KB a second."""
MAX_GROWTH_MB = 80
"""The run's own log of events, which is bounded, takes most of it."""


async def told(begin: threading.Event) -> AsyncIterator[e.Event]:
    """Yield numbered deltas, some at a time, when all readers are there."""
    yield e.TextDelta(id="t", delta="<0>")
    await asyncio.to_thread(begin.wait)
    for number in range(1, DELTAS):
        if number % TOGETHER == 0:
            await asyncio.sleep(0.002)
        yield e.TextDelta(id="t", delta=f"<{number}>")


class Server:
    """The run in a process of its own; it begins at `begin`.

    Args:
        store: of the server.
    """

    def __init__(self, store: str) -> None:
        root = Path(__file__).parents[1]
        path = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "server.test_slow_readers", store],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()

    def begin(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def memory_mb(self) -> float:
        return float(psutil.Process(self._process.pid).memory_info().rss) / 1e6

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture(params=[":memory:", pytest.param("runs.db", marks=pytest.mark.proof)])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    server = Server(":memory:" if request.param == ":memory:" else str(tmp_path / request.param))
    yield server
    server.close()


async def numbers(url: str, is_over: asyncio.Event, *, is_slow: bool) -> list[int]:
    """Return the numbers of the deltas that a reader gets.

    A slow one hurries when the fast one is at the end: what the server still owes it is then there.
    """
    address = urlsplit(url)
    limit = CHUNK_BYTES if is_slow else 1 << 20
    reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=limit)
    head = f"GET {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode())
    body = bytearray()
    while chunk := await reader.read(1 << 18 if is_over.is_set() else limit):
        body += chunk
        if is_slow and not is_over.is_set():
            await asyncio.sleep(PAUSE_S)
    writer.close()
    if not is_slow:
        is_over.set()
    assert b'"run.end"' in body
    # In chunks of HTTP: a delta may be cut by the border of two, which no event is.
    return [int(number) for number in re.findall(rb"<(\d+)>", body)]


@pytest.mark.timeout(600)
async def test_slow_readers_get_every_delta_and_the_server_keeps_nothing_for_them(
    server: Server,
) -> None:
    is_over = asyncio.Event()
    reading = [
        asyncio.create_task(numbers(server.url, is_over, is_slow=number > 0))
        for number in range(READERS + 1)
    ]
    before = server.memory_mb()
    server.begin()
    most = before
    while not all(task.done() for task in reading):
        await asyncio.wait(reading, timeout=0.5)
        most = max(most, server.memory_mb())
    assert all(task.result() == list(range(DELTAS)) for task in reading)
    assert most - before < MAX_GROWTH_MB
    what = f"growth of the server's memory, {DELTAS:,} deltas and {READERS} slow readers"
    figure("slow readers", what, f"{most - before:.0f} MB")


def main(store: str) -> None:
    """Serve the run, and print the address of its events; a line of input begins it."""
    begin = threading.Event()
    run = Run(told(begin))
    with serve(run, port=0, store=store) as server:
        print(server.address_of(run), flush=True)
        sys.stdin.readline()
        begin.set()
        sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])

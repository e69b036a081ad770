"""Many runs of one server: its memory is bounded, and nothing of them stays."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from agent.server import Exchange, chat_chunk
from agent.server import Server as ModelServer
from campaign import WHOLE, figure
from server.test_campaign import PROTOCOLS, abort, request

WORDS = 400 if WHOLE else 100
READERS = tuple(PROTOCOLS)[:4]
KEPT = 100  # ended runs, by `MAX_ENDED_RUNS`


def tell(exchange: Exchange) -> None:
    """Answer with two calls of a tool, and then at length."""
    exchange.begin()
    if exchange.body["messages"][-1]["role"] == "user":
        for number in range(2):
            arguments = json.dumps({"topic": f"topic {number}"})
            call = {
                "index": number,
                "id": f"c{number}",
                "type": "function",
                "function": {"name": "look_up", "arguments": arguments},
            }
            exchange.send(chat_chunk({"tool_calls": [call]}))
        exchange.send(chat_chunk({}, "tool_calls"))
    else:
        exchange.send(
            *(chat_chunk({"content": f"word{number} of a long answer "}) for number in range(WORDS))
        )
        exchange.send(chat_chunk({}, "stop"))
    exchange.end()


class Measured:
    """A server process that tells what it holds.

    Args:
        model: base URL of the agent's model.
        store: of the server.

    Attributes:
        url: its address.
    """

    def __init__(self, model: str, store: str) -> None:
        path = os.pathsep.join(
            [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
        )
        command = [sys.executable, "-m", "server.measured", model, store]
        # Each thread of glibc's malloc has an arena of its own, which keeps what is free: without
        # this, the figures are 10 MB higher after some hundred runs, with not a byte more in use.
        environment = {**os.environ, "PYTHONPATH": path, "MALLOC_ARENA_MAX": "1"}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()

    def held(self) -> dict[str, float]:
        """Return what it holds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return {
            str(name): value for name, value in json.loads(self._process.stdout.readline()).items()
        }

    async def settled(self, before: dict[str, float]) -> dict[str, float]:
        """Return what it holds when connections and tasks are as before, or after some seconds."""
        for _ in range(50):
            now = await asyncio.to_thread(self.held)
            if all(now[name] <= before[name] for name in ("connections", "tasks")):
                return now
            await asyncio.sleep(0.1)
        return await asyncio.to_thread(self.held)

    async def run(self, readers: tuple[str, ...] = READERS) -> None:
        """Begin a run, and read it to its end in each of some protocols at once."""
        reader, writer, status = await request(self.url, "POST", "/runs", {"message": "go"})
        said = await reader.read()
        await abort(writer)
        assert status == 201, said
        run = json.loads(said)["id"]
        sizes = await asyncio.gather(*(self._read(run, name) for name in readers))
        assert all(sizes)

    async def _read(self, run: str, name: str) -> int:
        protocol = PROTOCOLS[name]
        path = protocol.path.format(run=run)
        reader, writer, status = await request(
            self.url, protocol.method, path, protocol.body, f"{run}:0-0"
        )
        assert status == 200
        size = 0
        while chunk := await reader.read(1 << 16):
            size += len(chunk)
        await abort(writer)
        return size

    def close(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.communicate()


@pytest.fixture(params=[":memory:", pytest.param("runs.db", marks=pytest.mark.proof)])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Measured]]:
    store = request.param if request.param == ":memory:" else str(tmp_path / request.param)
    with (
        ModelServer(*[tell] * 10_000) as model,
        contextlib.closing(Measured(model.base_url, store)) as made,
    ):
        yield ("in memory" if request.param == ":memory:" else "in SQLite"), made


async def test_nothing_of_runs_that_went_on_at_once_is_left_but_what_is_kept(
    server: tuple[str, Measured],
) -> None:
    store, process = server
    count, rounds = (50, 9) if WHOLE else (5, 1)
    await process.run()
    before = await process.settled({"connections": 0, "tasks": 6})
    after, peaks = [], []
    for _ in range(rounds):
        running = asyncio.gather(*(process.run() for _ in range(count)))
        peak = 0.0
        while not running.done():
            peak = max(peak, (await asyncio.to_thread(process.held))["rss_mb"])
            await asyncio.sleep(0.05)
        await running
        peaks.append(peak)
        after.append(await process.settled(before))
    title = f"{count} runs at once, with tools, {len(READERS)} readers each, store {store}"
    figure(
        title,
        "MB of the server before, at most, after each round",
        " | ".join(
            [
                f"{before['rss_mb']:.0f}",
                f"{max(peaks):.0f}",
                ", ".join(f"{each['rss_mb']:.0f}" for each in after),
            ]
        ),
    )
    blocks = [each["blocks"] for each in after]
    figure(
        title,
        "thousands of Python's memory blocks after each round",
        ", ".join(f"{each / 1000:.0f}" for each in blocks),
    )
    left = {name: (before[name], after[-1][name]) for name in ("connections", "tasks", "threads")}
    figure(
        title,
        "before and after",
        ", ".join(f"{name} {old:.0f}, {new:.0f}" for name, (old, new) in left.items()),
    )
    assert all(new <= old for name, (old, new) in left.items() if name != "threads"), left
    assert after[-1]["threads"] <= before["threads"] + 40  # of the pools, which keep theirs
    assert after[-1]["hosted"] <= KEPT + 1
    if WHOLE:
        # By then the store in memory has all the runs that it keeps.
        assert after[-1]["rss_mb"] - after[6]["rss_mb"] < 6
        assert blocks[-1] < blocks[6] * 1.05  # a round whose runs all stayed would add 6 %


@pytest.mark.proof
async def test_the_memory_of_a_server_does_not_grow_with_its_runs(
    server: tuple[str, Measured],
) -> None:
    store, process = server
    sizes = []
    for number in range(1_000):
        await process.run(READERS[:1])
        if number % 100 == 99:
            sizes.append((await asyncio.to_thread(process.held))["rss_mb"])
    told = ", ".join(f"{size:.0f}" for size in sizes)
    figure(
        f"1,000 runs one after the other, store {store}",
        "MB of the server after each hundred",
        told,
    )
    assert sizes[-1] - sizes[3] < 6

"""Readers of served runs that are dropped at random and go on, while server processes are killed
and started again.
"""

import asyncio
import contextlib
import hashlib
import json
import random
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from agent.server import Exchange, chat_chunk
from agent.server import Server as ModelServer
from campaign import WHOLE, figure
from server.served import Process

from nbagent.server.hosting.position import START, Position, parse_id
from nbagent.sources.wire.sse import ServerSentEvent, SSEDecoder

SEED = 17
RUNS, READERS, KILLED_AFTER = (10, 200, (1, 3, 5, 7)) if WHOLE else (2, 20, (0,))
WORDS = [f"word{number} " for number in range(150 if WHOLE else 60)]
WORD = re.compile(r"word\d+ ")


def tell(exchange: Exchange) -> None:
    """Answer slowly, with a call of a tool in the middle."""
    exchange.begin()
    is_first = exchange.body["messages"][-1]["role"] == "user"
    for word in WORDS[: len(WORDS) // 2] if is_first else WORDS[len(WORDS) // 2 :]:
        exchange.send(chat_chunk({"content": word}))
        time.sleep(0.02)
    if is_first:
        call = {
            "index": 0,
            "id": "c1",
            "type": "function",
            "function": {"name": "unknown", "arguments": '{"a": 1}'},
        }
        exchange.send(chat_chunk({"tool_calls": [call]}))
    exchange.send(chat_chunk({}, "tool_calls" if is_first else "stop"))
    exchange.end()


# --- protocols ---


@dataclass(frozen=True)
class Protocol:
    """A way to read a run.

    Attributes:
        method: of its request.
        path: with the run's id at `{run}`.
        body: of its request, as JSON.
        text: returns the part of the answer's text that a message holds.
    """

    method: str
    path: str
    body: dict[str, Any] | None
    text: Callable[[ServerSentEvent], str]


def _field(name: str, type: str | None = None) -> Callable[[ServerSentEvent], str]:
    def text(event: ServerSentEvent) -> str:
        data = json.loads(event.data) if event.data.startswith("{") else {}
        return str(data.get(name, "")) if type is None or data.get("type") == type else ""

    return text


PROTOCOLS = {
    "nbagent": Protocol("GET", "/runs/{run}/events", None, _field("delta", "text.delta")),
    "hector": Protocol(
        "POST", "/agents/assistant/messages/stream", {"message": "?"}, _field("chunk")
    ),
    "dexto": Protocol("POST", "/chat/stream", {"message": "?"}, _field("content", "llm:chunk")),
    "vercel": Protocol(
        "POST",
        "/api/chat",
        {"messages": [{"role": "user", "content": "?"}]},
        _field("delta", "text-delta"),
    ),
    "responses": Protocol(
        "POST",
        "/v1/responses",
        {"model": "assistant", "input": "?", "stream": True},
        _field("delta", "response.output_text.delta"),
    ),
}


async def request(
    url: str, method: str, path: str, body: Any = None, last: str | None = None
) -> tuple[Any, Any, int]:
    """Send a request, and return the connection and the status of the response.

    HTTP/1.0 has no chunks to be decoded.
    """
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=1 << 16)
    data = b"" if body is None else json.dumps(body).encode()
    head = [f"{method} {path} HTTP/1.0", f"Host: {address.netloc}", f"Content-Length: {len(data)}"]
    head += ["Content-Type: application/json"] if data else []
    head += [f"Last-Event-ID: {last}"] if last else []
    writer.write("\r\n".join([*head, "", ""]).encode() + data)
    try:
        said = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, OSError) as error:
        await abort(writer)
        raise ConnectionResetError from error
    return reader, writer, int(said.split()[1])


async def abort(writer: asyncio.StreamWriter) -> None:
    """Break a connection off."""
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


# --- server processes ---


class Processes:
    """Server processes with one store.

    Args:
        model: base URL of the agent's model.
        store: their store.
        folder: for files.
        count: of the processes.
    """

    def __init__(self, model: str, store: str, folder: Path, count: int) -> None:
        self._arguments = model, store, folder / "deleted"
        self._processes: list[Process | None] = [None] * count
        self.urls = [""] * count

    async def start(self, number: int) -> None:
        """Start a process, and wait until it listens."""
        process = await asyncio.to_thread(Process, *self._arguments)
        self._processes[number], self.urls[number] = process, process.url

    def kill(self, number: int) -> None:
        """Kill a process."""
        process = self._processes[number]
        assert process is not None
        process.kill()

    def pid(self, number: int) -> int:
        """Return the id of a process."""
        process = self._processes[number]
        assert process is not None
        return process.pid

    def close(self) -> None:
        """Kill all."""
        for number, process in enumerate(self._processes):
            if process is not None:
                self.kill(number)


# --- readers ---


@dataclass
class Count:
    """Events of a campaign, counted.

    Attributes:
        pieces: that all readers have got.
        drops: connections that a reader broke off.
        losses: connections that a killed process broke off, and attempts to reach one.
        switches: resumptions on another protocol.
    """

    pieces: int = 0
    drops: int = 0
    losses: int = 0
    switches: int = 0


@dataclass
class Reader:
    """A reader of a run, which loses its connection and goes on until it has all.

    Attributes:
        run: id of the run.
        names: protocols that it reads the run in.
        random: decides when it drops, how slow it is, and which protocol is next.
        count: is told what happens.
        pieces: that it got: the protocol, its position, the name of the event and its data.
    """

    run: str
    names: list[str]
    random: random.Random
    count: Count
    pieces: list[tuple[str, Position, str, str]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    async def read(self, urls: list[str]) -> None:
        """Read the run to its end."""
        name, is_slow = self.names[0], self.random.random() < 0.3
        while True:
            protocol = PROTOCOLS[name]
            after = self.pieces[-1][1] if self.pieces else START
            path = protocol.path.format(run=self.run)
            try:
                reader, writer, status = await request(
                    self.random.choice(urls),
                    protocol.method,
                    path,
                    protocol.body,
                    after.id_in(self.run),
                )
            except OSError:
                self.count.losses += 1
                await asyncio.sleep(0.05)
                continue
            if status == 204:
                await abort(writer)
                return
            assert status in (200, 503), status
            try:
                async for chunk in self._chunks(reader, is_slow):
                    self._take(name, protocol, chunk)
                self.count.losses += 1
            except Dropped:
                self.count.drops += 1
            except ConnectionResetError:
                self.count.losses += 1
            finally:
                await abort(writer)
            following = self.random.choice(self.names)
            self.count.switches += following != name
            name = following

    async def _chunks(
        self, reader: asyncio.StreamReader, is_slow: bool
    ) -> AsyncIterator[list[ServerSentEvent]]:
        """Yield the events of a connection, which breaks at any byte."""
        decoder = SSEDecoder()
        left = self.random.choice(
            [self.random.randrange(1, 2_000), self.random.randrange(1, 40_000)]
        )
        while left:
            chunk = await reader.read(min(left, 64 if is_slow else 1 << 16))
            if not chunk:
                return
            left -= len(chunk)
            yield list(decoder.feed(chunk))
            if is_slow:
                await asyncio.sleep(0.002)
        raise Dropped

    def _take(self, name: str, protocol: Protocol, events: list[ServerSentEvent]) -> None:
        for event in events:
            place = parse_id(event.id or "")
            assert place is not None, event
            assert place[0] == self.run
            self.pieces.append((name, place[1], event.event, event.data))
            self.texts.append(protocol.text(event))
            self.count.pieces += 1


class Dropped(Exception):
    """A reader has dropped its connection."""


def digest(pieces: list[tuple[str, Position, str, str]]) -> str:
    return hashlib.sha256(repr(pieces).encode()).hexdigest()


def expected(
    reader: Reader, whole: dict[tuple[str, str], Reader]
) -> list[tuple[str, Position, str, str]]:
    """Return what a reader should have got: of each protocol, what stands between the places where
    it began and ended.
    """
    made: list[tuple[str, Position, str, str]] = []
    after, at = START, 0
    while at < len(reader.pieces):
        name = reader.pieces[at][0]
        end = at
        while end < len(reader.pieces) and reader.pieces[end][0] == name:
            end += 1
        until = reader.pieces[end - 1][1]
        made += [piece for piece in whole[reader.run, name].pieces if after < piece[1] <= until]
        after, at = until, end
    return made


# --- the campaign ---


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=pytest.mark.proof)])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str, int]:
    if request.param == "sqlite":
        return request.param, str(tmp_path / "runs.db"), 1
    return (
        request.param,
        request.getfixturevalue("shared_redis").url + "?heartbeat_expires_ms=1500",
        3,
    )


async def test_readers_that_are_dropped_at_random_get_all_once_while_servers_are_killed(
    shared: tuple[str, str, int], tmp_path: Path
) -> None:
    kind, store, count_of_processes = shared
    chance, count = random.Random(SEED), Count()
    with (
        ModelServer(*[tell] * 4 * RUNS) as model,
        contextlib.closing(
            Processes(model.base_url, store, tmp_path, count_of_processes)
        ) as processes,
    ):
        for number in range(count_of_processes):
            await processes.start(number)

        async def begin() -> str:
            while True:
                try:
                    reader, writer, status = await request(
                        chance.choice(processes.urls), "POST", "/runs", {"message": "go"}
                    )
                    assert status == 201
                    try:
                        return str(json.loads(await reader.read())["id"])
                    finally:
                        await abort(writer)
                except (OSError, ValueError):
                    await asyncio.sleep(0.05)

        def readers_of(run: str, number: int) -> Iterator[Reader]:
            for each in range(READERS // RUNS):
                seed = random.Random(f"{SEED} {number} {each}")
                names = list(PROTOCOLS)
                chosen = [names[each % len(names)]] if each % 3 else seed.sample(names, len(names))
                yield Reader(run, chosen, seed, count)

        readers: list[Reader] = []
        tasks: list[asyncio.Task[None]] = []
        # Runs begin one after the other, so that at each moment some begin, some go on and some
        # have ended.
        for number in range(RUNS):
            for reader in readers_of(await begin(), number):
                readers.append(reader)
                tasks.append(asyncio.create_task(reader.read(processes.urls)))
            if number in KILLED_AFTER:
                until = count.pieces + chance.randrange(200, 1_000)
                while count.pieces < until and not all(task.done() for task in tasks):
                    await asyncio.sleep(0.01)
                victim = chance.randrange(count_of_processes)
                processes.kill(victim)
                await processes.start(victim)
        await asyncio.gather(*tasks)

        whole: dict[tuple[str, str], Reader] = {}
        for run in {reader.run for reader in readers}:
            for name in PROTOCOLS:
                undisturbed = Reader(run, [name], Endless(), Count())
                await undisturbed.read(processes.urls)
                whole[run, name] = undisturbed
    wrong = [
        reader for reader in readers if digest(reader.pieces) != digest(expected(reader, whole))
    ]
    assert not wrong
    switched = [reader for reader in readers if len(reader.names) > 1]
    said = {run: "".join(whole[run, "nbagent"].texts) for run, _ in whole}
    # Some systems tell of calls in the text, and set texts apart.
    assert not [
        reader
        for reader in switched
        if WORD.findall("".join(reader.texts)) != WORD.findall(said[reader.run])
    ]
    complete = sum(text == "".join(WORDS) for text in said.values())
    title = f"readers of a server with {kind}, {count_of_processes} processes"
    figure(
        title,
        "readers that got all, once, of",
        f"{len(readers) - len(wrong)} of {len(readers)}, of {RUNS} runs",
    )
    figure(
        title,
        "connections they dropped, lost to killed processes, changed for another protocol",
        f"{count.drops:,}, {count.losses:,}, {count.switches:,}",
    )
    figure(
        title,
        "pieces; processes killed; runs that these broke off",
        f"{count.pieces:,}; {len(KILLED_AFTER)}; {RUNS - complete}",
    )


class Endless(random.Random):
    """Chance of a reader that is never dropped and not slow."""

    def random(self) -> float:
        return 1.0

    def choice(self, seq: Any) -> Any:
        return 1 << 40 if all(isinstance(each, int) for each in seq) else seq[0]

    def randrange(self, *_: Any) -> int:
        return 1

"""Streams over WebSocket, from a real server: messages, closing, and errors."""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import wsproto.events as ws
from patience import with_text
from sources.loopback import Answer, address_of, serving
from sources.watching import code_of, watch
from wsproto import ConnectionType, WSConnection

import nbagent
from nbagent import events as ev
from nbagent.errors import StreamError
from nbagent.run import Run
from nbagent.sources import websocket


class Peer:
    """The server's end of one WebSocket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.headers: dict[str, str] = {}
        self.received: list[Any] = []
        self.writer = writer
        self._reader = reader
        self._protocol = WSConnection(ConnectionType.SERVER)

    async def accept(self) -> None:
        request = await self.receive(ws.Request)
        self.headers = {
            name.decode().lower(): value.decode() for name, value in request.extra_headers
        }
        await self.send(ws.AcceptConnection(subprotocol=next(iter(request.subprotocols), None)))

    async def send(self, event: Any) -> None:
        self.writer.write(self._protocol.send(event))
        await self.writer.drain()

    async def receive(self, kind: type[Any]) -> Any:
        """Wait for an event of that kind. It and all events before it are kept in `received`."""
        while True:
            for event in self._protocol.events():
                self.received.append(event)
                if isinstance(event, kind):
                    return event
            data = await self._reader.read(65536)
            if not data:
                raise ConnectionError
            self._protocol.receive_data(data)


@contextlib.asynccontextmanager
async def socket_server(
    play: Callable[[Peer], Awaitable[None]],
) -> AsyncIterator[tuple[str, list[Peer]]]:
    """Yield the address of a server that runs `play` for each connection, and the connections so
    far.
    """
    peers: list[Peer] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append(Peer(reader, writer))
        with contextlib.suppress(ConnectionError):
            await peers[-1].accept()
            await play(peers[-1])
        writer.close()

    listening = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield address_of(listening).replace("http", "ws"), peers
    finally:
        listening.close()


def chunk(text: str) -> ws.TextMessage:
    return ws.TextMessage(data=json.dumps({"chunk": text}))


def started(stream: Any, **options: Any) -> Run:
    run = Run(stream, **options)
    run.start()
    return run


async def test_each_message_is_an_item() -> None:
    async def play(peer: Peer) -> None:
        for event in (
            chunk("Hel"),
            chunk("lo"),
            ws.TextMessage(data="[DONE]"),
            ws.CloseConnection(code=1000),
        ):
            await peer.send(event)
        await peer.receive(ws.CloseConnection)

    async with socket_server(play) as (url, _):
        run = await watch(url)
    assert (run.text, run.status) == ("Hello", "completed")


async def test_messages_may_be_binary_split_and_large() -> None:
    large = "é" * 300_000

    async def play(peer: Peer) -> None:
        await peer.send(ws.BytesMessage(data=b'{"a":"\xc3', message_finished=False))
        await peer.send(ws.BytesMessage(data=b'\xa9"}'))
        await peer.send(ws.TextMessage(data='{"b":"' + large + '"}'))
        await peer.send(ws.TextMessage(data="text, with {"))
        await peer.send(ws.CloseConnection(code=1001))

    async with socket_server(play) as (url, _):
        items = [item async for item in nbagent.connect(url)]
    assert items == [{"a": "é"}, {"b": large}, "text, with {"]


async def test_what_is_given_is_sent_once_it_is_open() -> None:
    async def play(peer: Peer) -> None:
        while len([event for event in peer.received if isinstance(event, ws.Message)]) < 2:
            await peer.receive(ws.Message)
        await peer.send(ws.CloseConnection(code=1000))

    async with socket_server(play) as (url, peers):
        options: dict[str, Any] = {
            "headers": {"X-Own": "1"},
            "subprotocols": ["a", "b"],
            "auth": ("me", "pw"),
        }
        run = await watch(f"{url}/chat?key=q-sesame-1", json=[{"say": "Grüße"}, "go"], **options)
        await watch(url, content=["x", b"y"])
    first, second = (
        [event.data for event in peer.received if isinstance(event, ws.Message)] for peer in peers
    )
    assert (first, second) == (['{"say": "Grüße"}', '"go"'], ["x", b"y"])
    request = peers[0].received[0]
    assert (request.target, request.subprotocols, peers[0].headers["x-own"]) == (
        "/chat?key=q-sesame-1",
        ["a", "b"],
        "1",
    )
    assert peers[0].headers["authorization"].startswith("Basic ")
    assert run.name == url.removeprefix("ws://") + "/chat"


async def test_a_ping_is_answered() -> None:
    async def play(peer: Peer) -> None:
        await peer.send(ws.Ping(payload=b"there?"))
        assert (await peer.receive(ws.Pong)).payload == b"there?"
        await peer.send(chunk("yes"))
        await peer.send(ws.CloseConnection(code=1000))

    async with socket_server(play) as (url, _):
        run = await watch(url)
    assert run.text == "yes"


@pytest.mark.parametrize(
    ("code", "reason", "status"),
    [
        (1000, "bye", "completed"),
        (1001, None, "incomplete"),
        (1011, "out of memory", "failed"),
        (4000, None, "failed"),
    ],
)
async def test_the_code_it_was_closed_with_tells_whether_all_came(
    code: int, reason: str | None, status: str
) -> None:
    async def play(peer: Peer) -> None:
        await peer.send(chunk("Hello"))
        await peer.send(ws.CloseConnection(code=code, reason=reason))

    async with socket_server(play) as (url, _):
        run = await watch(url)
    assert (run.text, run.status) == ("Hello", status)
    assert code_of(run) == (str(code) if status == "failed" else None)
    assert status != "failed" or (reason or str(code)) in str(run.error)


@pytest.mark.parametrize("adapter", [None, "hector"])
async def test_a_proper_close_is_the_end_where_the_system_has_no_other(adapter: str | None) -> None:
    async def play(peer: Peer) -> None:
        await peer.send(chunk("Hello"))
        await peer.send(ws.CloseConnection(code=1000))

    async with socket_server(play) as (url, _):
        run = await started(nbagent.connect(url), adapter=adapter)
    assert (run.text, run.status) == ("Hello", "completed")


@pytest.mark.parametrize("adapter", [None, "nbagent", "function"])
async def test_a_run_ends_though_its_service_leaves_the_connection_open(
    adapter: str | None,
) -> None:
    async def play(peer: Peer) -> None:
        for event in (
            ev.RunStart(),
            ev.TextDelta(id="a", delta="Hello"),
            ev.RunEnd(status="completed"),
        ):
            await peer.send(ws.TextMessage(data=json.dumps(ev.to_dict(event))))
        await peer.receive(ws.CloseConnection)

    async with socket_server(play) as (url, _):
        read = ev.from_dict if adapter == "function" else adapter
        run = await started(nbagent.connect(url), adapter=read)
    assert (run.text, run.status, run.error) == ("Hello", "completed", None)


async def test_a_proper_close_is_no_end_where_the_system_has_a_last_word() -> None:
    async def play(peer: Peer) -> None:
        await peer.send(
            ws.TextMessage(
                data=json.dumps({"choices": [{"index": 0, "delta": {"content": "Hel"}}]})
            )
        )
        await peer.send(ws.CloseConnection(code=1000))

    async with socket_server(play) as (url, _):
        run = await watch(url)
    assert (run.text, run.status) == ("Hel", "incomplete")


async def cut(peer: Peer) -> None:
    await peer.send(chunk("Hello"))


async def reset(peer: Peer) -> None:
    await peer.send(chunk("Hello"))
    peer.writer.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )


async def stall(peer: Peer) -> None:
    await peer.send(chunk("Hello"))
    await peer.receive(ws.CloseConnection)


async def rave(peer: Peer) -> None:
    await peer.send(chunk("Hello"))
    peer.writer.write(b"\xff\xff\xff\xff")


@pytest.mark.parametrize(
    ("play", "limits", "code"),
    [
        (cut, [], "connection_lost"),
        (reset, [], "connection_lost"),
        (stall, ["idle_timeout"], "idle_timeout"),
        (stall, ["timeout"], "timeout"),
        (rave, [], "1002"),
    ],
)
async def test_a_connection_that_fails_says_how_and_keeps_what_came(
    play: Any, limits: list[str], code: str
) -> None:
    async with socket_server(play) as (url, _):
        run = await with_text(lambda limit: watch(url, **dict.fromkeys(limits, limit)))
    assert (run.text, run.status, code_of(run)) == ("Hello", "failed", code)


async def test_a_message_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "MAX_MESSAGE_BYTES", 10_000)

    async def play(peer: Peer) -> None:
        await peer.send(chunk("Hello"))
        while True:
            await peer.send(ws.TextMessage(data="x" * 5000, message_finished=False))

    async with socket_server(play) as (url, _):
        run = await watch(url)
    assert (run.text, run.status) == ("Hello", "failed")
    assert isinstance(run.error, websocket.MessageTooLarge)


async def test_stop_says_goodbye_and_keeps_what_came() -> None:
    gone = asyncio.Event()

    async def play(peer: Peer) -> None:
        await peer.send(chunk("Hello"))
        assert (await peer.receive(ws.CloseConnection)).code == 1000
        gone.set()

    async with socket_server(play) as (url, _):
        run = Run(nbagent.connect(url))
        run.start()
        async for event in run.stream("text.delta"):
            assert isinstance(event, ev.TextDelta)
            break
        run.cancel()
        await gone.wait()
        await run
    assert (run.text, run.status) == ("Hello", "cancelled")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(b'{"detail":"who are you?"}', "403 Forbidden"), "403"),
        (Answer(b"hello", "200 OK"), "no_websocket"),
        (
            Answer(
                b"",
                "101 Switching Protocols",
                framing="none",
                headers={"sec-websocket-accept": "guess"},
            ),
            "no_websocket",
        ),
    ],
)
async def test_a_server_that_opens_no_websocket_is_named(answer: Answer, code: str) -> None:
    async with serving(answer) as server:
        run = await watch(server.url.replace("http", "ws"), json={"say": "hi"})
    assert (run.status, code_of(run)) == ("failed", code)
    assert [(seen.method, seen.body) for seen in server.seen] == [("GET", b"")]


async def test_without_wsproto_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "wsproto.events", None)
    monkeypatch.delitem(sys.modules, "nbagent.sources.websocket", raising=False)
    with pytest.raises(ImportError, match=r"pip install 'jupyter-nbagent\[websocket\]'"):
        nbagent.connect("wss://example.com")


async def test_silence_is_no_fault_while_the_reader_is_asked() -> None:
    # whether the reader's answer is awaited, at the end of each silence
    silences = iter([True, True, False])

    async def play(peer: Peer) -> None:
        await peer.receive(ws.CloseConnection)

    async with socket_server(play) as (url, _):
        stream = nbagent.connect(url, idle_timeout=0.02)
        stream.waits = lambda: next(silences)
        with pytest.raises(StreamError, match="sent nothing for"):
            await anext(aiter(stream))
    assert list(silences) == []

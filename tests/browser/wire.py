"""A network between a browser and a Jupyter server that passes every byte, records comm messages
and breaks on request.
"""

import asyncio
import contextlib
import re
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1

BINARY = 2
"""The opcode of the WebSocket frames that carry Jupyter's messages."""


@dataclass(frozen=True)
class CommMessage:
    """Comm message as it passed: its time by the sender's clock, and its fields without the
    contents.
    """

    connection: int
    sent: float
    msg_id: str
    comm: str
    data: dict[str, Any]
    size: int


class Wire:
    """A forwarding port on loopback, run by a thread of its own.

    Args:
        url: the server's address, `http://127.0.0.1:8888`.

    Attributes:
        to_view: messages of the kernel's widgets that the server passed on, to every page.
        to_kernel: messages of the views.
        complaints: how often the server wrote "rate exceeded" into a notebook.
    """

    def __init__(self, url: str) -> None:
        server = urlsplit(url)
        self._server = (server.hostname, server.port)
        self.to_view: list[CommMessage] = []
        self.to_kernel: list[CommMessage] = []
        self.complaints = 0
        self._connections = 0
        self._sockets: set[asyncio.StreamWriter] = set()
        self._new_session = False
        self._down_until = 0.0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire")
        self._thread.start()
        listening = asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._listener = asyncio.run_coroutine_threadsafe(listening, self._loop).result(10)
        self.url = f"http://127.0.0.1:{self._listener.sockets[0].getsockname()[1]}"

    def close(self) -> None:
        """Close the port and its connections."""

        async def end() -> None:
            self._listener.close()
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def lost(self) -> int:
        """Number of batches that the widgets sent and no page received."""
        numbers = [
            {one.data["seq"] for one in messages if "seq" in one.data}
            for messages in self._by_comm()
        ]
        return sum(max(seqs, default=0) - len(seqs) for seqs in numbers)

    def peak(self) -> int:
        """Return the most messages that one widget sent in any window of one second, by the
        kernel's clock.
        """
        most = 0
        for messages in self._by_comm():
            window: deque[float] = deque()
            for sent in sorted(one.sent for one in messages):
                window.append(sent)
                while window[0] <= sent - 1:
                    window.popleft()
                most = max(most, len(window))
        return most

    def snapshots(self) -> int:
        """Number of snapshots whose last piece a page received."""
        return len(
            {
                one.msg_id
                for one in self.to_view
                if one.data["t"] == "snapshot" and one.data.get("last", True)
            }
        )

    def _by_comm(self) -> list[list[CommMessage]]:
        """Return the messages of each widget, each once even if several pages received it."""
        comms: dict[str, dict[str, CommMessage]] = {}
        for one in self.to_view:
            comms.setdefault(one.comm, {})[one.msg_id] = one
        return [list(messages.values()) for messages in comms.values()]

    def drop(self, after: float = 0.0, down: float = 0.0, new_session: bool = False) -> None:
        """Break every WebSocket, without a close frame.

        Args:
            after: seconds until it happens; this call returns at once.
            down: seconds for which no WebSocket gets through afterwards.
            new_session: the next one comes to the server under another session id, which makes it
                forget what it kept.
        """

        def cut() -> None:
            if not self._sockets:  # a page that is just being loaded
                self._loop.call_later(0.1, cut)
                return
            self._new_session = new_session
            self._down_until = self._loop.time() + down
            for socket in self._sockets:
                socket.transport.abort()

        self._loop.call_soon_threadsafe(self._loop.call_later, after, cut)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = await reader.readuntil(b"\r\n\r\n")
            if b"upgrade: websocket" in head.lower():
                await self._websocket(head, reader, writer)
            else:
                there, back = await asyncio.open_connection(*self._server)
                back.write(head)
                await asyncio.gather(self._pass(reader, back), self._pass(there, writer))
        writer.close()

    async def _websocket(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self._loop.time() < self._down_until:
            writer.transport.abort()
            return
        if self._new_session and b"session_id=" in head:
            # A kernel's; the server's own events come over another one.
            self._new_session = False
            head = re.sub(rb"(session_id=[^& ]+)", rb"\1-anew", head, count=1)
        there, back = await asyncio.open_connection(*self._server)
        back.write(head)
        writer.write(await there.readuntil(b"\r\n\r\n"))
        self._connections += 1
        self._sockets.add(writer)
        up, down = (
            _Tap(self, self.to_kernel, self._connections),
            _Tap(self, self.to_view, self._connections),
        )
        try:
            await asyncio.gather(self._pass(reader, back, up), self._pass(there, writer, down))
        finally:
            self._sockets.discard(writer)
            back.close()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tap: "_Tap | None" = None
    ) -> None:
        try:
            while data := await reader.read(1 << 18):
                writer.write(data)
                if tap is not None:
                    tap.feed(data)
                await writer.drain()
        finally:
            writer.close()


class _Tap:
    """Reads one direction of a WebSocket and keeps the comm messages in it."""

    def __init__(self, wire: Wire, messages: list[CommMessage], connection: int) -> None:
        self._wire = wire
        self._messages = messages
        self._connection = connection
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take bytes."""
        self._buffer += data
        for opcode, payload in _frames(self._buffer):
            if opcode == BINARY:
                self._message(payload)

    def _message(self, payload: bytes) -> None:
        _, (raw_header, _, _, raw_content, *_) = deserialize_msg_from_ws_v1(payload)  # type: ignore[no-untyped-call]
        header = msgspec.json.decode(raw_header)
        if header["msg_type"] == "stream" and len(raw_content) < 2000:
            self._wire.complaints += b"rate exceeded" in raw_content
        if header["msg_type"] != "comm_msg":
            return
        content = msgspec.json.decode(raw_content)
        message = content["data"].get("content", {"t": content["data"].get("method")})
        data = {
            key: value for key, value in message.items() if key not in ("ops", "blocks", "text")
        }
        sent = datetime.fromisoformat(header["date"]).timestamp()
        self._messages.append(
            CommMessage(
                self._connection, sent, header["msg_id"], content["comm_id"], data, len(payload)
            )
        )


def _frames(buffer: bytearray) -> Iterator[tuple[int, bytes]]:
    """Remove the complete WebSocket frames from the buffer, and yield each with its opcode (RFC
    6455, section 5.2).
    """
    while len(buffer) >= 2:
        size, at = buffer[1] & 127, 2
        if size > 125:
            wide = 2 if size == 126 else 8
            size, at = int.from_bytes(buffer[2 : 2 + wide]), 2 + wide
        mask_at = at
        at += 4 if buffer[1] & 128 else 0
        if len(buffer) < at + size:
            return
        payload = bytes(buffer[at : at + size])
        if mask := bytes(buffer[mask_at:at]):
            key = (mask * (size // 4 + 1))[:size]
            payload = (int.from_bytes(payload) ^ int.from_bytes(key)).to_bytes(size)
        opcode = buffer[0] & 15
        del buffer[: at + size]
        yield opcode, payload

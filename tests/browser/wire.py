"""The network between a browser and a Jupyter server: it passes on every byte, notes the comm messages, and breaks when told."""

import asyncio
import contextlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1


@dataclass(frozen=True)
class Heard:
    """One comm message as it passed: when its sender sent it (by the sender's clock), and all of it but its contents."""

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
        to_view: what the kernel's widgets said and the server passed on, to every page.
        to_kernel: what the views said.
        complaints: how often the server wrote "rate exceeded" into a notebook.
        bytes_to_view: on all WebSockets together.
    """

    def __init__(self, url: str) -> None:
        server = urlsplit(url)
        self._server = (server.hostname, server.port)
        self.to_view: list[Heard] = []
        self.to_kernel: list[Heard] = []
        self.complaints = 0
        self.bytes_to_view = 0
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
        """Close the port and whatever goes through it."""

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

    def drop(self, after: float = 0.0, down: float = 0.0, new_session: bool = False) -> None:
        """Break every WebSocket, without a word of goodbye.

        Args:
            after: seconds until it happens; this call returns at once.
            down: seconds for which no WebSocket gets through afterwards.
            new_session: the next one comes to the server under another session id, which makes it forget what it kept.
        """

        def cut() -> None:
            self._new_session = new_session
            self._down_until = self._loop.time() + down
            for socket in self._sockets:
                socket.transport.abort()

        self._loop.call_soon_threadsafe(self._loop.call_later, after, cut)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = await reader.readuntil(b"\r\n\r\n")
            websocket = b"upgrade: websocket" in head.lower()
            if websocket and self._loop.time() < self._down_until:
                return writer.transport.abort()
            if websocket and self._new_session:
                self._new_session = False
                head = re.sub(rb"(session_id=[^& ]+)", rb"\1-anew", head, count=1)
            there, back = await asyncio.open_connection(*self._server)
            back.write(head)
            if websocket:
                self._connections += 1
                self._sockets.add(writer)
            up, down = (
                (_Tap(self._connections, self.to_kernel), _Tap(self._connections, self.to_view)) if websocket else (None, None)
            )
            if down is not None:
                answer = await there.readuntil(b"\r\n\r\n")
                writer.write(answer)
            try:
                await asyncio.gather(self._pass(reader, back, up), self._pass(there, writer, down))
            finally:
                self._sockets.discard(writer)
                back.close()
        writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tap: "_Tap | None") -> None:
        try:
            while data := await reader.read(1 << 18):
                writer.write(data)
                if tap is not None:
                    self.complaints += tap.feed(data)
                    self.bytes_to_view += len(data) if tap.heard is self.to_view else 0
                await writer.drain()
        finally:
            writer.close()


class _Tap:
    """Reads one direction of a WebSocket and keeps the comm messages in it."""

    def __init__(self, connection: int, heard: list[Heard]) -> None:
        self.heard = heard
        self._connection = connection
        self._buffer = bytearray()

    def feed(self, data: bytes) -> int:
        """Take bytes; how many complaints about the rate were among them."""
        self._buffer += data
        complaints = 0
        for opcode, payload in _frames(self._buffer):
            if opcode == 2:
                complaints += self._message(payload)
        return complaints

    def _message(self, payload: bytes) -> bool:
        _, (raw_header, _, _, raw_content, *_) = deserialize_msg_from_ws_v1(payload)
        header = msgspec.json.decode(raw_header)
        if header["msg_type"] == "stream":
            return len(raw_content) < 2000 and b"rate exceeded" in raw_content
        if header["msg_type"] != "comm_msg":
            return False
        content = msgspec.json.decode(raw_content)
        said = content["data"].get("content", {"t": content["data"].get("method")})
        data = {key: value for key, value in said.items() if key not in ("ops", "blocks", "text")}
        sent = datetime.fromisoformat(header["date"]).timestamp()
        self.heard.append(Heard(self._connection, sent, header["msg_id"], content["comm_id"], data, len(payload)))
        return False


def _frames(buffer: bytearray) -> Iterator[tuple[int, bytes]]:
    """The whole WebSocket frames at the buffer's start, each with its opcode; they leave the buffer. RFC 6455, section 5.2."""
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

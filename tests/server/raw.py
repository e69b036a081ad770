"""Clients that send what no HTTP library would: bytes on a socket, and frames of a WebSocket as
they are told.
"""

import base64
import contextlib
import os
import socket
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

TEXT, BINARY, CLOSE, PING = 0x1, 0x2, 0x8, 0x9
"""Opcodes of frames (https://www.rfc-editor.org/rfc/rfc6455#section-5.2)."""


class Raw:
    """A connection to a server, as bytes.

    Args:
        url: of the server.
        source: address of this machine that it comes from.
    """

    def __init__(self, url: str, source: str = "127.0.0.1") -> None:
        split = urlsplit(url)
        assert split.hostname is not None
        self.host = split.netloc
        address = (split.hostname, split.port or 80)
        self.socket = socket.create_connection(address, timeout=30, source_address=(source, 0))

    def send(self, data: bytes) -> None:
        """Send bytes; those that the server does not take any more are dropped."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def get(self, path: str, *headers: str) -> None:
        """Send a GET request."""
        self.send(
            "\r\n".join([f"GET {path} HTTP/1.1", f"Host: {self.host}", *headers, "", ""]).encode()
        )

    def read(self) -> bytes:
        """Return what the server sends until it closes the connection."""
        data = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := self.socket.recv(65536):
                data += piece
        return data

    def read_to_end(self) -> bytes:
        """Say that nothing more comes, and return what the server sends until it closes the
        connection.
        """
        with contextlib.suppress(OSError):  # it is closed already
            self.socket.shutdown(socket.SHUT_WR)
        return self.read()

    def read_until(self, end: bytes) -> bytes:
        """Return what the server sends up to some bytes."""
        data = b""
        while end not in data:
            piece = self.socket.recv(1)
            assert piece, data
            data += piece
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()


class RawWebSocket(Raw):
    """A WebSocket of an agent, opened."""

    def __init__(self, url: str, path: str = "/agents/assistant/stream", *headers: str) -> None:
        super().__init__(url)
        key = base64.b64encode(os.urandom(16)).decode()
        upgrade = (
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}",
        )
        self.get(path, *upgrade, *headers)
        self.answer = self.read_until(b"\r\n\r\n")

    def frame(self, opcode: int, data: bytes, *, fin: bool = True, masked: bool = True) -> None:
        """Send a frame."""
        size = len(data)
        short, rest = (
            (size, b"")
            if size < 126
            else (126, size.to_bytes(2))
            if size < 65536
            else (127, size.to_bytes(8))
        )
        length = bytes([short | (0x80 if masked else 0)]) + rest
        self.send(
            bytes([(0x80 if fin else 0) | opcode]) + length + (bytes(4) if masked else b"") + data
        )

    def message(self) -> bytes:
        """Return the next frame's data, of which the first two bytes are the code if it closes the
        connection.
        """
        head = self._exactly(2)
        size = head[1] & 0x7F
        if size >= 126:
            size = int.from_bytes(self._exactly(2 if size == 126 else 8))
        return self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            assert piece, data
            data += piece
        return data

"""A server on loopback that sends the bytes that a test gives it, and then ends the connection in a
given way.
"""

import asyncio
import contextlib
import dataclasses
import socket
import struct
from collections.abc import AsyncIterator, Iterable
from typing import Literal

End = Literal["close", "reset", "stall"]


@dataclasses.dataclass
class Seen:
    """Request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclasses.dataclass
class Answer:
    """A response.

    Attributes:
        body: the pieces to send, each in a write of its own.
        framing: whether its length is sent at the beginning, chunk by chunk, or not at all.
        end: action of the server after the last piece; a `reset` replaces the framing's end.
        whole: whether the framing's own end is sent.
        hold: what the server waits for before the last piece of the body.
        release: set when the request has come.
    """

    body: bytes | Iterable[bytes] = b""
    status: str = "200 OK"
    content_type: str = "text/event-stream"
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    framing: Literal["length", "chunked", "none"] = "chunked"
    end: End = "close"
    whole: bool = True
    hold: asyncio.Event | None = None
    release: asyncio.Event | None = None

    def pieces(self) -> list[bytes]:
        body = [self.body] if isinstance(self.body, bytes) else list(self.body)
        headers = {"content-type": self.content_type, "connection": "close", **self.headers}
        if self.framing == "chunked":
            headers["transfer-encoding"] = "chunked"
            body = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in body if piece] + [
                b"0\r\n\r\n"
            ] * self.whole
        elif self.framing == "length":
            headers["content-length"] = str(sum(map(len, body)) + (0 if self.whole else 1000))
        head = f"HTTP/1.1 {self.status}\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in headers.items() if value
        )
        return [f"{head}\r\n".encode(), *body]


class Server:
    """Answers each request with the next of its answers, and from the last one on always with that.

    Attributes:
        url: its address, without a path.
        seen: the requests so far.
        hung_up: set when a client closes its connection before the server does.
    """

    def __init__(self, answers: Iterable[Answer]) -> None:
        self.url = ""
        self.seen: list[Seen] = []
        self.hung_up = asyncio.Event()
        self.answers = list(answers)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode().rstrip().split("\r\n")
            headers = dict(
                line.lower().split(": ", 1)[:1] + line.split(": ", 1)[1:] for line in lines
            )
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            method, path, _ = first.split()
            self.seen.append(Seen(method, path, headers, body))
            answer = self.answers[min(len(self.seen), len(self.answers)) - 1]
            if answer.release is not None:
                answer.release.set()
            pieces = answer.pieces()
            last_of_body = len(pieces) - 1 - (answer.framing == "chunked" and answer.whole)
            for number, piece in enumerate(pieces):
                if answer.hold is not None and number == last_of_body:
                    await answer.hold.wait()
                writer.write(piece)
                await writer.drain()
            if answer.end == "stall":
                assert await reader.read(1) == b""
                self.hung_up.set()
            elif answer.end == "reset":
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except ConnectionError:
            self.hung_up.set()
        writer.close()


def address_of(listening: asyncio.Server) -> str:
    host, port = listening.sockets[0].getsockname()
    return f"http://{host}:{port}"


@contextlib.asynccontextmanager
async def serving(*answers: Answer) -> AsyncIterator[Server]:
    """Yield a server with those answers, for as long as this lasts."""
    server = Server(answers)
    listening = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    server.url = address_of(listening)
    try:
        yield server
    finally:
        listening.close()

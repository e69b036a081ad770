"""A service on loopback that answers each request with given bytes, in given pieces."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Reply(NamedTuple):
    """A response.

    Attributes:
        pieces: its bytes, each piece sent for itself.
        status: HTTP status.
        media_type: its content type.
        encoding: its content encoding; "" for none.
        breaks: whether the connection breaks after the pieces.
        holds: whether nothing more comes until the client hangs up.
    """

    pieces: tuple[bytes, ...]
    status: int = 200
    media_type: str = "text/event-stream"
    encoding: str = ""
    breaks: bool = False
    holds: bool = False


def chat_stream(*texts: str, usage: bool = True) -> Reply:
    """Return a stream of OpenAI Chat: a chunk for each text, and the tokens."""
    chunks = [
        f'{{"id":"c","choices":[{{"index":0,"delta":{{"content":"{text}"}}}}]}}' for text in texts
    ]
    if usage:
        chunks.append(
            '{"id":"c","choices":[],"usage":{"prompt_tokens":40,"completion_tokens":2,"total_tokens":42}}'
        )
    return Reply(tuple(f"data: {chunk}\n\n".encode() for chunk in [*chunks, "[DONE]"]))


class Provider:
    """The service.

    Attributes:
        url: its address.
        bodies: of the requests so far.
    """

    def __init__(self, url: str, bodies: list[bytes]) -> None:
        self.url = url
        self.bodies = bodies


@contextmanager
def provider(*replies: Reply) -> Iterator[Provider]:
    """Run the service; the last reply is given to all further requests."""
    waiting: list[Reply] = list(replies)
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.answer(Reply((b'{"data":[]}',), media_type="application/json"))

        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers.get("content-length", 0))))
            self.answer(waiting.pop(0) if len(waiting) > 1 else waiting[0])

        def answer(self, reply: Reply) -> None:
            self.send_response(reply.status)
            self.send_header("content-type", reply.media_type)
            if reply.encoding:
                self.send_header("content-encoding", reply.encoding)
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            self.put(reply.pieces)
            if reply.holds:
                self.connection.recv(1)
            if reply.breaks or reply.holds:
                self.close_connection = True
            else:
                self.wfile.write(b"0\r\n\r\n")

        def put(self, pieces: Iterable[bytes]) -> None:
            for piece in pieces:
                if piece:  # an empty chunk would end the body
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                    self.wfile.flush()

        def log_message(self, *args: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield Provider(f"http://127.0.0.1:{server.server_address[1]}", bodies)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

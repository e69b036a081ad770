"""The demo model's HTTP server, on loopback, in this process."""

import hmac
import json
import secrets
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from nbagent.demo.api import MAX_PAUSE_S, DemoApi
from nbagent.demo.conversation import ApiError

MAX_BODY_BYTES = 10 * 2**20


class DemoServer(DemoApi):
    """An HTTP server that answers as OpenAI's API does, from a script.

    It has `POST /v1/responses`, `POST /v1/chat/completions` (each streamed or whole) and `GET
    /v1/models`, listens on 127.0.0.1 only, and asks for a key of its own. It listens from the first
    use of its address on: an agent of `model="demo"` needs none.

        with DemoServer() as server:
            client = openai.OpenAI(base_url=server.base_url, api_key=server.api_key)

    Args:
        tokens_per_second: speed of a stream; `float("inf")` for no pauses.

    Attributes:
        api_key: the clients' bearer token; a new random one for each server.
        requests: number of requests to the model so far.
        open_streams: number of streams that are being written.
        disconnects: number of streams whose client left before the end.
    """

    def __init__(self, tokens_per_second: float = 80.0) -> None:
        super().__init__(tokens_per_second)
        self.api_key = secrets.token_urlsafe(24)
        self._connections: set[socket.socket] = set()
        self._listening = threading.Lock()
        self._http: _Http | None = None

    @property
    def base_url(self) -> str:
        """The clients' base URL, `http://127.0.0.1:PORT/v1`.

        Raises:
            RuntimeError: the server is closed.
        """
        with self._listening:
            if self._http is None:
                self._http = self._listen()
            return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def close(self) -> None:
        """Stop listening and break off every stream. A second call does nothing."""
        with self._listening:
            if self._closed:
                return
            self._closed = True
            if self._http is None:
                return
        # The accepting thread sleeps in the kernel until somebody connects.
        socket.create_connection(self._http.server_address).close()  # type: ignore[arg-type]
        self._thread.join()
        self._http.server_close()
        for connection in self._connections.copy():
            with suppress(OSError):  # the client has just closed it
                connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if self._closed:
            return "<DemoServer closed>"
        return f"<DemoServer {'' if self._http is None else self.base_url}>"

    def _listen(self) -> "_Http":
        if self._closed:
            raise RuntimeError("this DemoServer is closed")
        http = _Http(("127.0.0.1", 0), _Handler)
        http.demo = self
        self._thread = threading.Thread(
            target=self._serve, args=(http,), name="nbagent-demo", daemon=True
        )
        self._thread.start()
        return http

    def _serve(self, http: "_Http") -> None:
        while not self._closed:
            http.handle_request()


class _Http(ThreadingTCPServer):
    # An HTTPServer would look up the host's name, which can take seconds.
    daemon_threads = True
    request_queue_size = 64
    demo: DemoServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "nbagent-demo"
    sys_version = ""
    disable_nagle_algorithm = True
    server: _Http

    def handle(self) -> None:
        self.server.demo._connections.add(self.connection)
        with suppress(OSError):  # the connection broke
            super().handle()
        self.server.demo._connections.discard(self.connection)

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        try:
            body = self._read_body()
            self._check_caller()
        except ApiError as error:
            self._send(error.status, error.body())
            return
        answer = self.server.demo.answer(self.command, urlsplit(self.path).path, body)
        if answer.frames is None:
            self._send(answer.status, answer.body)
        else:
            self._stream(answer.frames)

    def _stream(self, frames: Iterator[bytes | None]) -> None:
        """Send a stream, at the speed of the server."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with self.server.demo.streaming(frames), selectors.DefaultSelector() as client:
            client.register(self.connection, selectors.EVENT_READ)
            for data in frames:
                if data is None:
                    self._pause(client)
                else:
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
            self.wfile.write(b"0\r\n\r\n")

    def _pause(self, client: selectors.BaseSelector) -> None:
        """Wait as long as one token takes.

        Raises ConnectionError if the client hangs up, or this server closes.
        """
        demo, begun = self.server.demo, time.monotonic()
        while (left := demo.pause_left(begun)) > 0:
            if demo._closed:
                raise ConnectionError("the server closes")
            if not client.get_map():
                time.sleep(min(left, MAX_PAUSE_S))
            elif client.select(min(left, MAX_PAUSE_S)):
                if not self.connection.recv(1, socket.MSG_PEEK):
                    raise ConnectionError("the client closed the connection")
                # the next request has arrived already: waiting for input would spin
                client.unregister(self.connection)

    def _send(self, status: int, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def _read_body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if self.headers.get("Transfer-Encoding") or not (length.isascii() and length.isdigit()):
            self.close_connection = True
            raise ApiError("Send the request with a valid Content-Length.", status=411)
        if (left := int(length)) <= MAX_BODY_BYTES:
            return self.rfile.read(left)
        while left > 0 and (chunk := self.rfile.read(min(left, 2**16))):
            left -= len(chunk)  # read to its end, or the client would miss the answer
        raise ApiError(
            f"Request body is {length} bytes, but the maximum is {MAX_BODY_BYTES}.", status=413
        )

    def _check_caller(self) -> None:
        # A web page in the reader's browser can reach loopback, under a host name of its own and
        # without the key.
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host")
        if host not in ("127.0.0.1", "localhost"):
            raise ApiError(
                "The Host header must name this machine: 127.0.0.1 or localhost.", status=403
            )
        scheme, _, key = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(
            key.strip().encode(), self.server.demo.api_key.encode()
        ):
            message = "Incorrect API key provided. Use the `api_key` of this DemoServer."
            raise ApiError(message, status=401, code="invalid_api_key")

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: an access log in a notebook would be noise."""


_shared: DemoServer | None = None
_sharing = threading.Lock()


def demo_server() -> DemoServer:
    """Return the server of this process, which `model="demo"` is too. Safe to call from any
    thread.
    """
    global _shared
    with _sharing:
        if _shared is None or _shared._closed:
            _shared = DemoServer()
        return _shared

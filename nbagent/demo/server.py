"""The demo model's HTTP server, on loopback, in this process."""

import hmac
import json
import math
import secrets
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec

from nbagent.demo import chat, responses
from nbagent.demo.conversation import MODEL, ApiError, Completion, Item, Json, Request
from nbagent.demo.script import play
from nbagent.events import Event, ReasoningDelta, TextDelta, ToolArgsDelta

MAX_BODY_BYTES = 10 * 2**20

_MAX_KEPT_RESPONSES = 100
_MAX_WAIT_S = 0.05  # longest sleep within a pause; then the speed is read again
_MODEL_CARD = {"id": MODEL, "object": "model", "created": 0, "owned_by": "nbagent"}
_METHODS = {
    "/v1/responses": "POST",
    "/v1/chat/completions": "POST",
    "/v1/models": "GET",
    f"/v1/models/{MODEL}": "GET",
}


class DemoServer:
    """An HTTP server that answers as OpenAI's API does, from a script.

    It has `POST /v1/responses`, `POST /v1/chat/completions` (each streamed or whole) and `GET
    /v1/models`, listens on 127.0.0.1 only, and asks for a key of its own.

        with DemoServer() as server:
            client = openai.OpenAI(base_url=server.base_url, api_key=server.api_key)

    Args:
        tokens_per_second: speed of a stream; `float("inf")` for no pauses.

    Attributes:
        base_url: the clients' base URL, `http://127.0.0.1:PORT/v1`.
        api_key: the clients' bearer token; a new random one for each server.
        requests: number of requests to the model so far.
        open_streams: number of streams that are being written.
        disconnects: number of streams whose client left before the end.
    """

    def __init__(self, tokens_per_second: float = 80.0) -> None:
        self.api_key = secrets.token_urlsafe(24)
        self.requests = 0
        self.open_streams = 0
        self.disconnects = 0
        self.tokens_per_second = tokens_per_second
        self._changed = threading.Condition()
        self._memory: dict[str, tuple[Item, ...]] = {}  # history up to each response, by its id
        self._connections: set[socket.socket] = set()
        self._closed = False
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.demo = self
        self.base_url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"
        self._thread = threading.Thread(target=self._serve, name="nbagent-demo", daemon=True)
        self._thread.start()

    @property
    def tokens_per_second(self) -> float:
        """Speed of the streams, above 0. A change takes effect at once, also for open streams."""
        return self._rate

    @tokens_per_second.setter
    def tokens_per_second(self, rate: float) -> None:
        if math.isnan(rate) or rate <= 0:
            raise ValueError(
                f'tokens_per_second is {rate!r}, but must be above 0; float("inf") is as fast as '
                "can be"
            )
        self._rate = float(rate)

    def wait_for(
        self, condition: Callable[["DemoServer"], bool], timeout: float | None = None
    ) -> bool:
        """Block until `condition(server)` is true, for at most `timeout` seconds; return whether it
        is.

        For example `server.wait_for(lambda server: server.disconnects == 1, timeout=5)`: the
        counters wake it.
        """
        with self._changed:
            return self._changed.wait_for(lambda: condition(self), timeout)

    def complete(self, request: Request) -> Completion:
        """Return the answer to a request: the script's. A subclass may have its own."""
        return play(request)

    def accepted(self, body: Json) -> Json:
        """Return the body of a request as it is read.

        A subclass may take other models than the demo's.
        """
        return body

    def close(self) -> None:
        """Stop listening and break off every stream. A second call does nothing."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
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
        return f"<DemoServer {self.base_url}{' closed' if self._closed else ''}>"

    def _serve(self) -> None:
        while not self._closed:
            self._http.handle_request()

    def _count(self, **steps: int) -> None:
        with self._changed:
            for name, step in steps.items():
                setattr(self, name, getattr(self, name) + step)
            self._changed.notify_all()


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
            path = urlsplit(self.path).path
            if (method := _METHODS.get(path)) is None:
                raise ApiError(f"Invalid URL ({self.command} {path})", status=404)
            if method != self.command:
                raise ApiError(
                    f"Not allowed to {self.command} on {path}, only to {method}.", status=405
                )
            if path.endswith(MODEL):
                self._send(200, _MODEL_CARD)
            elif method == "GET":
                self._send(200, {"object": "list", "data": [_MODEL_CARD]})
            else:
                self._reply(path == "/v1/responses", msgspec.json.decode(body, type=Json))
        except ApiError as error:
            self._send(error.status, error.body())
        except (msgspec.MsgspecError, RecursionError) as error:
            self._send(
                400, ApiError(f"We could not parse the JSON body of your request: {error}").body()
            )

    def _reply(self, on_responses: bool, body: Json) -> None:
        demo, created = self.server.demo, int(time.time())
        demo._count(requests=1)
        try:
            taken = demo.accepted(body)
            request = responses.read(taken, demo._memory) if on_responses else chat.read(taken)
            completion = demo.complete(request)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise ApiError(
                f"The demo model could not read the request: {error!r}", status=500
            ) from error
        if on_responses and body.get("store") is not False:
            self._remember(request, completion)
        writer = responses.Writer(body) if on_responses else chat.Writer(body)
        if body.get("stream"):
            self._stream(completion.events(request, created), writer)
        else:
            self._send(200, writer.whole(completion, request, created))

    def _remember(self, request: Request, completion: Completion) -> None:
        """Keep a response, for requests that go on from it by its id."""
        memory = self.server.demo._memory
        if len(memory) >= _MAX_KEPT_RESPONSES:
            memory.pop(next(iter(memory)), None)
        answer = Item("assistant", completion.text)
        memory[f"resp_{request.key}"] = (*request.history, answer, *completion.calls)

    def _stream(self, events: Iterable[Event], writer: chat.Writer | responses.Writer) -> None:
        """Send the events of a completion, at the speed of the server."""
        demo = self.server.demo
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        demo._count(open_streams=1)
        is_gone = False
        try:
            with selectors.DefaultSelector() as client:
                client.register(self.connection, selectors.EVENT_READ)
                for event in events:
                    if isinstance(event, ReasoningDelta | TextDelta | ToolArgsDelta):
                        self._pause(client)
                    for data in map(writer.frame, writer.feed(event)):
                        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            is_gone = not demo._closed
            raise
        finally:
            demo._count(open_streams=-1, disconnects=int(is_gone))

    def _pause(self, client: selectors.BaseSelector) -> None:
        """Wait as long as one token takes.

        Raises ConnectionError if the client hangs up, or this server closes.
        """
        demo, begun = self.server.demo, time.monotonic()
        while (left := begun + 1 / demo.tokens_per_second - time.monotonic()) > 0:
            if demo._closed:
                raise ConnectionError("the server closes")
            if not client.get_map():
                time.sleep(min(left, _MAX_WAIT_S))
            elif client.select(min(left, _MAX_WAIT_S)):
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
    """Return the server of this process, started on first use. Safe to call from any thread."""
    global _shared
    with _sharing:
        if _shared is None or _shared._closed:
            _shared = DemoServer()
        return _shared

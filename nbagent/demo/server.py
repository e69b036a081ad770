"""The demo model's HTTP server, on loopback, in this process."""

import hmac
import json
import math
import secrets
import socket
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from nbagent.demo import chat, responses
from nbagent.demo.conversation import MODEL, ApiError, Frame, Item
from nbagent.demo.model import think
from nbagent.demo.pace import Pacer

MAX_BODY = 10 * 2**20
"""The largest request body taken, in bytes."""

_KEPT_RESPONSES = 100
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_ROUTES = {
    "/v1/responses": "POST",
    "/v1/chat/completions": "POST",
    "/v1/models": "GET",
    f"/v1/models/{MODEL}": "GET",
}


class DemoServer:
    """An HTTP server that answers as OpenAI's API does, from a script.

    It has `POST /v1/responses`, `POST /v1/chat/completions` (each streamed or whole) and `GET /v1/models`, listens on
    127.0.0.1 only, and asks for a key of its own.

        with DemoServer() as server:
            client = openai.OpenAI(base_url=server.base_url, api_key=server.api_key)

    Args:
        tokens_per_second: how fast a stream is written; `float("inf")` for no pauses.

    Attributes:
        base_url: what a client wants as its base URL, `http://127.0.0.1:PORT/v1`.
        api_key: what a client has to send as its bearer token; a new random one for each server.
        requests: calls of the model so far.
        open_streams: streams being written now.
        disconnects: streams whose client left before the end.
    """

    def __init__(self, tokens_per_second: float = 80.0) -> None:
        self.api_key = secrets.token_urlsafe(24)
        self.requests = 0
        self.open_streams = 0
        self.disconnects = 0
        self._changed = threading.Condition()
        self._pacers: set[Pacer] = set()
        self._memory: OrderedDict[str, tuple[Item, ...]] = OrderedDict()
        self._closed = False
        self.tokens_per_second = tokens_per_second
        self._http = _Http(self)
        self.base_url = f"http://127.0.0.1:{self._http.server_port}/v1"
        self._thread = threading.Thread(target=self._serve, name="nbagent-demo", daemon=True)
        self._thread.start()

    @property
    def tokens_per_second(self) -> float:
        """How fast streams are written; a change shows at once, also in streams under way."""
        return self._rate

    @tokens_per_second.setter
    def tokens_per_second(self, rate: float) -> None:
        if math.isnan(rate) or rate <= 0:
            raise ValueError(f'tokens_per_second is {rate!r}, but must be above 0; float("inf") is as fast as can be')
        with self._changed:
            self._rate = float(rate)
            for pacer in self._pacers:
                pacer.wake()

    def wait_for(self, condition: Callable[["DemoServer"], bool], timeout: float | None = None) -> bool:
        """Block until `condition(server)` holds, woken at each change of a counter.

        Args:
            condition: what to wait for, such as `lambda server: server.disconnects == 1`.
            timeout: give up after so many seconds.

        Returns:
            Whether it holds.
        """
        with self._changed:
            return self._changed.wait_for(lambda: condition(self), timeout)

    def close(self) -> None:
        """Stop listening and break off every stream. Twice is fine."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
        # The accepting thread sleeps in the kernel until somebody knocks.
        socket.create_connection(("127.0.0.1", self._http.server_port)).close()
        self._thread.join()
        self._http.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
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

    def _recall(self, response_id: str) -> tuple[Item, ...] | None:
        with self._changed:
            return self._memory.get(response_id)

    def _remember(self, response_id: str, history: tuple[Item, ...]) -> None:
        with self._changed:
            self._memory[response_id] = history
            self._memory.move_to_end(response_id)
            if len(self._memory) > _KEPT_RESPONSES:
                self._memory.popitem(last=False)

    def _write(self, connection: socket.socket, frames: Iterator[Frame], send: Callable[[bytes], None]) -> None:
        """Write a stream at the set speed.

        Raises:
            OSError: the client has gone.
        """
        with Pacer(connection, lambda: self._rate) as pacer:
            with self._changed:
                self._pacers.add(pacer)
            self._count(open_streams=1)
            gone = 0
            try:
                for frame in frames:
                    if frame.tokens:
                        pacer.pause(frame.tokens)
                    send(frame.data)
            except OSError:
                gone = 0 if self._closed else 1
                raise
            finally:
                with self._changed:
                    self._pacers.discard(pacer)
                self._count(open_streams=-1, disconnects=gone)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, demo: DemoServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.demo = demo
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def server_bind(self) -> None:
        # The base class looks up the host's name, which can take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:  # it has just gone by itself
                    continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks is nobody's error."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "nbagent-demo"
    sys_version = ""
    disable_nagle_algorithm = True
    server: _Http

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        try:
            body = self._read_body()
            self._check_caller()
            path = urlsplit(self.path).path
            allowed = _ROUTES.get(path)
            if allowed is None:
                raise ApiError(f"Invalid URL ({self.command} {path})", status=404)
            if allowed != self.command:
                message = f"Not allowed to {self.command} on {path}. (HINT: Perhaps you meant to make a {allowed} request?)"
                raise ApiError(message, status=405)
            if allowed == "GET":
                self._send(200, _MODEL_CARD if path.endswith(MODEL) else {"object": "list", "data": [_MODEL_CARD]})
            else:
                self._speak(path, _json_object(body))
        except ApiError as error:
            self._send(error.status, error.body())
        except OSError:
            self.close_connection = True

    def _speak(self, path: str, body: Mapping[str, Any]) -> None:
        demo = self.server.demo
        demo._count(requests=1)
        on_responses = path == "/v1/responses"
        request = responses.read(body, demo._recall) if on_responses else chat.read(body)
        wire = responses if on_responses else chat
        try:
            turn = think(request)
        except Exception as error:
            message = f"The demo model stumbled over this request: {type(error).__name__}: {error}"
            raise ApiError(message, status=500) from error
        created = int(time.time())
        if body.get("stream"):
            self._stream(wire.encode(request, turn, body, created))
        else:
            self._send(200, wire.reply(request, turn, body, created))
        if on_responses and body.get("store") is not False:
            demo._remember(responses.response_id(request), (*request.history, *turn.items()))

    def _stream(self, frames: Iterator[Frame]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.server.demo._write(self.connection, frames, lambda data: self._put(b"%x\r\n%b\r\n" % (len(data), data)))
        self._put(b"0\r\n\r\n")

    def _put(self, data: bytes) -> None:
        self.wfile.write(data)

    def _send(self, status: int, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self._put(data)

    def _read_body(self) -> bytes:
        """The request's body. One that is too long is read to its end all the same, or the client would miss the answer.

        Raises:
            ApiError: it is too long, or does not say how long it is.
        """
        if self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            raise ApiError("Send the request with a Content-Length.", status=411)
        length = self.headers.get("Content-Length") or "0"
        if not (length.isascii() and length.isdigit()):
            self.close_connection = True
            raise ApiError("Invalid Content-Length.")
        left = int(length)
        if left <= MAX_BODY:
            return self.rfile.read(left)
        while left > 0 and (chunk := self.rfile.read(min(left, 2**16))):
            left -= len(chunk)
        raise ApiError(f"Request body is {length} bytes, but the maximum is {MAX_BODY}.", status=413)

    def _check_caller(self) -> None:
        """See that the request comes from this machine and from somebody who knows the key.

        A web page in the reader's browser can reach loopback under a name of its own; such a name is refused.

        Raises:
            ApiError: 403 or 401.
        """
        try:
            host = urlsplit(f"//{self.headers.get('Host', '')}").hostname
        except ValueError:
            host = None
        if host not in _LOOPBACK:
            raise ApiError("The Host header must name this machine: 127.0.0.1 or localhost.", status=403)
        scheme, _, key = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(key.strip().encode(), self.server.demo.api_key.encode()):
            message = "Incorrect API key provided. Use the `api_key` of this DemoServer."
            raise ApiError(message, status=401, code="invalid_api_key")

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what the base class cannot parse, as JSON too."""
        self.close_connection = True
        self._send(code, ApiError(message or "Bad request", status=code).body())

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet: the reader's notebook is no place for an access log."""


def _json_object(body: bytes) -> Mapping[str, Any]:
    def refuse(name: str) -> Any:
        raise ValueError(f"{name} is not JSON")

    try:
        value = json.loads(body, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise ApiError(f"We could not parse the JSON body of your request: {error}") from None
    if not isinstance(value, dict):
        raise ApiError("We could not parse the JSON body of your request: expected an object.")
    return value


_MODEL_CARD = {"id": MODEL, "object": "model", "created": 0, "owned_by": "nbagent"}

_shared: DemoServer | None = None
_sharing = threading.Lock()


def demo_server() -> DemoServer:
    """The one server that this process shares, started on first use. Safe from any thread."""
    global _shared
    with _sharing:
        if _shared is None or _shared._closed:
            _shared = DemoServer()
        return _shared

"""`serve()`: a server in the background of a notebook or a script."""

import asyncio
import atexit
import concurrent.futures.thread  # noqa: F401 - see _at_exit
import contextlib
import errno
import logging
import socket
import threading
import weakref
from collections.abc import Iterable, Mapping
from concurrent.futures import CancelledError
from functools import partial
from html import escape
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import uvicorn
from starlette.applications import Starlette

from nbagent.errors import MissingExtra, NbagentError
from nbagent.gate import Reveal, Tags, secrets
from nbagent.run import Run
from nbagent.server.access.guard import LOOPBACK
from nbagent.server.app import Served, asgi
from nbagent.server.connection import HttpConnection
from nbagent.server.hosting.host import Host
from nbagent.server.limits import DEFAULTS, Limits
from nbagent.server.websocket_connection import WebSocketConnection

if TYPE_CHECKING:
    from nbagent.server.grpc.server import GrpcServer

MAX_REQUEST_LINE_BYTES = 32 * 1024
"""Bytes of a request's line at most, which has the path and the query."""

START_TIMEOUT_S = 10
"""Seconds that a server has to begin, with the runs that it serves; it may go on beginning after
them.
"""

STOP_TIMEOUT_S = 2
"""Seconds that open responses get to end when the server stops."""


DATE_INTERVAL_S = 1.0
"""Seconds after which the date in the responses is written anew."""

_servers: "weakref.WeakSet[Server]" = weakref.WeakSet()


class Uvicorn(uvicorn.Server):
    """uvicorn's server, with an event that is set when it has begun.

    Attributes:
        begun: is set when it has.
        loop: that it runs on; None before.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.begun = threading.Event()
        self.loop: asyncio.AbstractEventLoop | None = None
        self._ending = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin."""
        self.loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.begun.set()

    async def main_loop(self) -> None:
        """Serve until `end` is called. uvicorn's own loop looks ten times a second."""
        while not self.should_exit:
            await self.on_tick(0)  # the date in the responses
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DATE_INTERVAL_S):
                    await self._ending.wait()

    def end(self) -> None:
        """End, on any thread."""
        self.should_exit = True
        if self.loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended
                self.loop.call_soon_threadsafe(self._ending.set)


class Server:
    """A server that runs in a thread, until `stop`, the end of a `with` block, or that of the
    process. `serve` makes it.

    Args:
        app: the ASGI application.
        listener: the socket, bound.

    Attributes:
        url: address of the server.
        port: that it listens at.
        grpc_address: `host:port` of its gRPC services; None if it has none.

    Raises:
        NbagentError: the application could not begin.
        OSError: the address of the gRPC services is taken.
    """

    def __init__(self, app: Starlette, listener: socket.socket) -> None:
        self._run_ids: dict[str, str] = app.state.run_ids
        limits: Limits = getattr(app.state, "limits", DEFAULTS)
        http: Any = partial(HttpConnection, limits, _max_connections(limits))
        # uvicorn's own type is a whole number, but it takes any
        idle_timeout_s: Any = limits.idle_timeout_s
        self._host: Host | None = getattr(app.state, "host", None)  # None if it is mounted in `app`
        config = uvicorn.Config(
            app,
            http=http,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=STOP_TIMEOUT_S,
            server_header=False,
            ws=WebSocketConnection,
            timeout_keep_alive=idle_timeout_s,
            h11_max_incomplete_event_size=limits.max_headers_bytes + MAX_REQUEST_LINE_BYTES,
            ws_max_size=limits.max_body_bytes,
            # a small message could become a thousand times as large, before its size is checked
            ws_per_message_deflate=False,
        )
        logging.getLogger("uvicorn.error").addFilter(_mask)
        self._server = Uvicorn(config)
        self._listener = listener
        host, self.port = listener.getsockname()[:2]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}"
        self._grpc: GrpcServer | None = getattr(getattr(app.state, "a2a", None), "grpc", None)
        self._thread = threading.Thread(target=self._serve, name="nbagent-server", daemon=True)
        self._thread.start()
        _servers.add(self)
        if self._server.begun.wait(START_TIMEOUT_S) and not self._server.started:
            self.stop()
            raise NbagentError("the server could not begin; its log has the reason")
        self.grpc_address: str | None = None
        if self._grpc is not None:
            try:
                self.grpc_address = (
                    f"{f'[{host}]' if ':' in host else host}:{self._grpc.bound.result()}"
                )
            except (OSError, CancelledError):
                self.stop()
                raise

    def address_of(self, run: Run) -> str:
        """Return the address at which a served run is read, for `nbagent.show`.

        Raises:
            NbagentError: the run is not served here.
        """
        if run.id not in self._run_ids:
            raise NbagentError(f"{run!r} is not served here; give it to serve()")
        return f"{self.url}/runs/{self._run_ids[run.id]}/events"

    @property
    def addresses(self) -> list[str]:
        """Addresses of the runs that go on here, for `nbagent.show`, the oldest first."""
        running = [] if self._host is None else self._host.running()
        return [f"{self.url}/runs/{hosted.id}/events" for hosted in running]

    def _serve(self) -> None:
        try:
            with contextlib.suppress(SystemExit):  # of uvicorn, if the application cannot begin
                self._server.run(sockets=[self._listener])
        finally:
            self._server.begun.set()
            if self._grpc is not None:
                self._grpc.bound.cancel()  # without effect once it is bound

    def stop(self, drain_s: float = 0.0) -> None:
        """Stop the server and the runs in it. A second call does nothing.

        Args:
            drain_s: seconds in which the runs may end before they are stopped. Meanwhile new
                prompts are refused.
        """
        if drain_s > 0:
            self._drain(drain_s)
        for hosted in [] if self._host is None else self._host.running():
            if hosted.run is not None:
                # Before the server stops, which waits for the responses of their readers.
                hosted.run.cancel(by="the server")
        self._server.end()
        self._thread.join()
        self._listener.close()

    def _drain(self, timeout_s: float) -> None:
        loop = self._server.loop
        if self._host is None or loop is None or not self._thread.is_alive():
            return
        draining = asyncio.run_coroutine_threadsafe(self._host.drain(), loop)
        try:
            with contextlib.suppress(TimeoutError, CancelledError):
                draining.result(timeout_s)
        finally:
            draining.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "at" if self._thread.is_alive() else "stopped, was at"
        return f"<Server {state} {self.url}>"

    def _repr_html_(self) -> str:
        agents = "" if self._host is None else escape(", ".join(self._host.agents))
        says = f"<strong>{agents or 'runs'}</strong> at {self.url}/: the server is stopped."
        if self._thread.is_alive():
            link = (
                f'<a href="{self.url}/" target="_blank" rel="noopener noreferrer">{self.url}/</a>'
            )
            says = (
                f"<strong>{agents or 'runs'}</strong> served at {link}<br>"
                '<span style="opacity:.75">Open it to chat and to watch; <code>.stop()</code> ends '
                "the server.</span>"
            )
        return (
            '<div style="display:inline-block;padding:8px 14px;border:1px solid '
            f'#8886;border-radius:8px;line-height:1.6">{says}</div>'
        )


def _stop_all() -> None:
    for server in list(_servers):
        if server._thread.is_alive():
            server.stop()


# When `atexit` calls its functions, threads take no more work, and a run could not be written down
# as ended. What is registered here is called before; `concurrent.futures` does so too, and was
# imported first because the last comes first.
_at_exit: Any = getattr(threading, "_register_atexit", atexit.register)
_at_exit(_stop_all)


def _mask(record: logging.LogRecord) -> bool:
    """Mask secrets in a log record, and in the traceback that comes with it.

    Returns True, which keeps the record.
    """
    record.msg, record.args = secrets.mask(record.getMessage()), None
    if record.exc_info:
        record.exc_text = secrets.mask(logging.Formatter().formatException(record.exc_info))
    return True


def _max_connections(limits: Limits) -> int:
    try:
        import resource  # not on Windows
    except ImportError:
        return limits.max_connections
    return min(limits.max_connections, max(1, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2))


def serve(
    served: Served | Mapping[str, Served],
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    store: str | Path = ":memory:",
    reveal: Reveal | None = None,
    tags: Tags | None = None,
    token: str | None = None,
    read_token: str | None = None,
    hosts: Iterable[str] = (),
    origins: Iterable[str] = (),
    grpc_port: int | None = None,
    cancel_on_disconnect: bool = False,
    default_agent: str | None = None,
    limits: Limits | None = None,
) -> Server:
    """Serve agents, runs and functions to other programs, in the background.

        server = nbagent.serve(agent)
        server.url, server.stop()
        nbagent.serve(run, port=0).address_of(run)    # nbagent.show(address) draws it elsewhere

    Args:
        served: an agent, a run that is being watched, or a function from a prompt to the stream of
            its answer; or several by the names that they are served under. See `asgi`.
        host: address to listen at. Any but this machine's own needs a token.
        port: to listen at; 0 for a free one.
        store: keeps the runs and the sessions: an SQLite file, or the URL of a Redis; see `asgi`.
            By default this process's memory.
        reveal: how much of a run its clients see; see `nbagent.show`. None is `"tools"`, and
            `"thinking"` for an agent whose configuration says `show_thinking: true`.
        tags: thoughts and calls in the agents' texts that are recognised besides; see
            `nbagent.show`.
        token: that each request must bear, in the header `Authorization: Bearer TOKEN`. A web page
            gives it to `POST /login`.
        read_token: token of clients that may read lists and runs, but start, stop and answer
            nothing.
        hosts: more names by which the server may be addressed.
        origins: of web pages elsewhere that may use it.
        grpc_port: to listen at for gRPC; 0 for a free one, None for none.
        cancel_on_disconnect: whether a run is cancelled when its last reader has left; see `asgi`.
        default_agent: name of the agent that a request without one is for; by default the first.
        limits: how much it takes of its clients, such as `nbagent.Limits(max_body_bytes=16 * 1024 *
            1024)`.

    Raises:
        MissingExtra: gRPC needs the extra `a2a`.
        ValueError: `tags` names what there is not.
        TypeError: `tags` is of another form.
        NbagentError: there is no agent, run or function, no such default agent, the address needs a
            token, there is no such port, or the server cannot begin.
        OSError: the address is taken.
    """
    if host not in LOOPBACK and not token:
        raise NbagentError(
            f"other machines can reach {host}: give serve(…, token=…), which each request then "
            "has to bear"
        )
    if not 0 <= port <= 65535:
        raise NbagentError(f"a port is a number from 0 to 65535, got {port}")
    listener = _listener(host, port)
    try:
        app = asgi(
            served,
            store=store,
            reveal=reveal,
            tags=tags,
            hosts={*LOOPBACK, host, *hosts},
            origins=origins,
            token=token,
            read_token=read_token,
            cancel_on_disconnect=cancel_on_disconnect,
            default_agent=default_agent,
            limits=limits,
        )
        if grpc_port is not None:
            if app.state.a2a is None:
                raise MissingExtra("Serving over gRPC", "a2a")
            app.state.a2a.listen(host, grpc_port)
    except BaseException:
        listener.close()
        raise
    return Server(app, listener)


def _listener(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to an address.

    Raises:
        OSError: it is taken, or is none of this machine's; the message says so in words.
    """
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            message = (
                f"another program listens at port {port} of {host} already; choose another port, "
                "or 0 for a free one"
            )
        else:
            message = f"{host}:{port} cannot be listened at: {error.strerror or error}"
        raised = OSError(message)
        raised.errno = error.errno
        raise raised from error

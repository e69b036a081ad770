"""`serve()`: a server in the background of a notebook or a script."""

import socket
import threading
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette

from nbagent.errors import NbagentError
from nbagent.gate import Reveal
from nbagent.run import Run
from nbagent.server.app import Served, asgi
from nbagent.server.guard import LOOPBACK
from nbagent.server.host import Host

MAX_CONNECTIONS = 1_000
"""Connections at a time; further ones are refused."""

STOP_TIMEOUT_S = 2
"""Seconds that open responses get to end when the server stops."""


class Server:
    """A server that runs in a thread of this process, until `stop` or the end of a `with` block. `serve` makes it.

    Args:
        app: the ASGI application.
        listener: the socket, bound.

    Attributes:
        url: address of the server.
    """

    def __init__(self, app: Starlette, listener: socket.socket) -> None:
        self._run_ids: dict[str, str] = app.state.run_ids
        self._host: Host | None = getattr(app.state, "host", None)  # None if it is mounted in `app`
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_graceful_shutdown=STOP_TIMEOUT_S,
            server_header=False,
            ws="wsproto",
            ws_max_size=4 * 1024 * 1024,
        )
        self._server = uvicorn.Server(config)
        self._listener = listener
        host, port = listener.getsockname()[:2]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        self._thread = threading.Thread(target=self._serve, name="nbagent-server", daemon=True)
        self._thread.start()

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
        self._server.run(sockets=[self._listener])

    def stop(self) -> None:
        """Stop the server and the runs in it. A second call does nothing."""
        for hosted in [] if self._host is None else self._host.running():
            if hosted.run is not None:  # before the server stops, which waits for the responses of their readers
                hosted.run.cancel(by="the server")
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "at" if self._thread.is_alive() else "stopped, was at"
        return f"<Server {state} {self.url}>"

    def _repr_html_(self) -> str:
        if not self._thread.is_alive():
            return f"<p>The server at {self.url} is stopped.</p>"
        link = f'<a href="{self.url}/" target="_blank" rel="noopener noreferrer">{self.url}/</a>'
        agents = "" if self._host is None else escape(", ".join(self._host.agents))
        return (
            '<div style="display:inline-block;padding:8px 14px;border:1px solid #8886;border-radius:8px;line-height:1.6">'
            f"<strong>{agents or 'runs'}</strong> served at {link}<br>"
            f'<span style="opacity:.75">Open it to chat and to watch; <code>.stop()</code> ends the server.</span></div>'
        )


def serve(
    served: Served | Mapping[str, Served],
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    store: str | Path = ":memory:",
    reveal: Reveal = "tools",
    token: str | None = None,
    read_token: str | None = None,
    hosts: Iterable[str] = (),
    origins: Iterable[str] = (),
) -> Server:
    """Serve agents and runs to other programs, in the background.

        server = nbagent.serve(agent)
        server.url, server.stop()
        nbagent.serve(run, port=0).address_of(run)    # nbagent.show(that address) draws it elsewhere

    Args:
        served: an agent, or a run that is being watched; or several by the names that they are served under.
        host: address to listen at. Any but this machine's own needs a token.
        port: to listen at; 0 for a free one.
        store: SQLite file that keeps the events of the runs; by default this process's memory.
        reveal: how much of a run its clients see; see `nbagent.show`.
        token: that each request must bear, in the header `Authorization: Bearer TOKEN`. A web page gives it to `POST /login`.
        read_token: token of clients that may read lists and runs, but start, stop and answer nothing.
        hosts: more names by which the server may be addressed.
        origins: of web pages elsewhere that may use it.

    Raises:
        NbagentError: there is neither an agent nor a run, or the address needs a token.
        OSError: the address is taken.
    """
    if host not in LOOPBACK and not token:
        raise NbagentError(f"other machines can reach {host}: give serve(…, token=…), which each request then has to bear")
    names = {*LOOPBACK, host, *hosts}
    app = asgi(served, store=store, reveal=reveal, hosts=names, origins=origins, token=token, read_token=read_token)
    listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    return Server(app, listener)

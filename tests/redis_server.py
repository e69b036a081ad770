"""A real `redis-server` on a free port of loopback."""

import contextlib
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from debian import program

COMMAND = program("redis-server")


class RedisServer:
    """A server with its data in a folder. It can be killed and started again at the same port.

    Args:
        folder: of its data.
        options: of the command line.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port: int = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self._command = [
            COMMAND or "",
            "--port",
            str(self._port),
            "--bind",
            "127.0.0.1",
            "--dir",
            str(folder),
            "--save",
            "",
            *options,
        ]
        self._process: subprocess.Popen[str] | None = None
        self.start()

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        said = []
        for line in self._process.stdout:
            said.append(line)
            if "Ready to accept connections" in line:
                with self._client() as client:
                    # until it has run for a second: processes are not declared dead before
                    client.blpop("nothing", 1)
                return
        raise AssertionError("".join(said))

    def kill(self) -> None:
        """End it as a crash does. A second call does nothing."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Stop it for a time: it takes connections and answers none."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def empty(self) -> None:
        """Delete all that is in it."""
        with self._client() as client:
            client.flushall()

    def _client(self) -> Any:
        import redis  # not in every environment that loads the fixtures

        return redis.Redis.from_url(self.url)


@contextlib.contextmanager
def redis_server(folder: Path, *options: str) -> Iterator[RedisServer]:
    """Give a server, or skip the test on a machine without one."""
    if COMMAND is None:
        pytest.skip("no redis-server on this machine; Debian's package is redis-server")
    server = RedisServer(folder, *options)
    try:
        yield server
    finally:
        server.kill()

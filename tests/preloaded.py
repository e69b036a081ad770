"""Python processes that begin with nbagent imported.

An interpreter that imports `nbagent.Agent` takes a second of CPU to begin, and the tests begin over
a hundred. These are forked from a process that has imported it (`forking.py`). Each has an id,
inputs and outputs, arguments, an environment and an end of its own, as any process. Tests of what a
process imports, of its memory and of its beginning take `subprocess` instead; so do all tests where
the system is not Linux.
"""

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import IO, Self, TypeAlias

NBAGENT = (
    "nbagent.agent",
    "nbagent.cli",
    "nbagent.demo",
    "nbagent.server",
    "uvicorn",
    "uvicorn.protocols.http.h11_impl",
)
"""Modules that a process finds imported."""

KERNEL = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "nbagent.agent",
    "nbagent.demo",
    "nbagent.notebook.jupyter",
)
"""Modules that a kernel finds imported."""

# Makes the terminal the process's own, so that ^C reaches it.
_IN_TERMINAL = """
import fcntl, os, signal, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, signal.default_int_handler)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


class Forked:
    """A forked process, with the attributes and methods of `subprocess.Popen` that the tests use;
    see `start`.

    Attributes:
        pid: its id.
        stdin, stdout, stderr: our ends of the pipes.
        returncode: its exit code, or the negative number of the signal that ended it; None if
            nobody has seen it end.
    """

    def __init__(
        self,
        arguments: tuple[str, ...],
        streams: tuple[int | None, int | None, int | None],
        environment: Mapping[str, str],
        folder: Path,
        *,
        terminal: bool,
        new_session: bool,
        imported: tuple[str, ...],
    ) -> None:
        self.returncode: int | None = None
        files: list[IO[str] | None] = [None, None, None]
        descriptors: list[int] = []
        with contextlib.ExitStack() as given:
            for number, wanted in enumerate(streams):
                if wanted == subprocess.PIPE:
                    ends = os.pipe()
                    theirs = ends[0 if number == 0 else 1]
                    files[number] = os.fdopen(*((ends[1], "w") if number == 0 else (ends[0], "r")))
                    given.callback(os.close, theirs)
                elif wanted == subprocess.DEVNULL:
                    theirs = os.open(os.devnull, os.O_RDWR)
                    given.callback(os.close, theirs)
                elif wanted == subprocess.STDOUT:
                    theirs = descriptors[1]
                else:
                    theirs = number if wanted is None else wanted
                descriptors.append(theirs)
            request = {
                "arguments": arguments,
                "environment": dict(environment),
                "folder": str(folder.absolute()),
                "terminal": terminal,
                "new_session": new_session or terminal,
            }
            self._keeper, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            given.enter_context(control)
            descriptors.insert(0, control.fileno())
            socket.send_fds(_forking(imported), [json.dumps(request).encode()], descriptors)
        self.stdin, self.stdout, self.stderr = files
        self.pid = int(self._keeper.recv(64))

    def poll(self) -> int | None:
        """Return the exit code, None if the process goes on."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, at most that many seconds, and return the exit code."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, if the process has not ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def communicate(self) -> tuple[str, str]:
        """Close the input, read the outputs to their ends, and wait for the process's."""
        if self.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.stdin.close()
        said = [
            "" if file is None or file.closed else file.read()
            for file in (self.stdout, self.stderr)
        ]
        self.__exit__()
        return said[0], said[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for file in (self.stdin, self.stdout, self.stderr):
            if file is not None:
                with contextlib.suppress(BrokenPipeError):
                    file.close()
        self.wait()

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._keeper], [], [], timeout)[0]:
            self.returncode = os.waitstatus_to_exitcode(int(self._keeper.recv(64)))
            self._keeper.close()
        return self.returncode


Process: TypeAlias = "Forked | subprocess.Popen[str]"


def start(
    *arguments: str,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    terminal: bool = False,
    new_session: bool = False,
    imported: tuple[str, ...] = NBAGENT,
) -> Process:
    """Start a Python process.

    Args:
        arguments: of the interpreter: `"-c", code`, `"-m", module` or a script, and theirs.
        stdin, stdout, stderr: as `subprocess.Popen` takes them, but no file objects.
        cwd: the working folder; None for this process's.
        env: the environment; None for this process's.
        terminal: make its input its terminal, so that ^C reaches it.
        new_session: give it a process group of its own.
        imported: the modules that it finds imported. With none, it is an interpreter that begins.
    """
    if sys.platform == "linux" and imported:
        environment, folder = os.environ if env is None else env, cwd or Path.cwd()
        streams = (stdin, stdout, stderr)
        return Forked(
            arguments,
            streams,
            environment,
            folder,
            terminal=terminal,
            new_session=new_session,
            imported=imported,
        )
    command = [sys.executable, *(["-c", _IN_TERMINAL] if terminal else []), *arguments]
    return subprocess.Popen(
        command,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        cwd=cwd,
        env=env,
        start_new_session=new_session,
        text=True,
    )


def run(
    *arguments: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 200,
    imported: tuple[str, ...] = NBAGENT,
) -> "subprocess.CompletedProcess[str]":
    """Run a process without input to its end, and return its outputs and exit code.

    The arguments are those of `start`.

    Raises:
        subprocess.TimeoutExpired: it did not end within `timeout` seconds; it was killed.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        none, (to, error) = subprocess.DEVNULL, (file.fileno() for file in (out, err))
        process = start(
            *arguments, stdin=none, stdout=to, stderr=error, cwd=cwd, env=env, imported=imported
        )
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(arguments, code, out.read(), err.read())


@cache
def _forking(imported: tuple[str, ...]) -> socket.socket:
    """Return the socket of the process that forks those with the modules; it ends with this
    process.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    program = str(Path(__file__).with_name("forking.py"))
    with theirs:
        process = subprocess.Popen(
            [sys.executable, program, str(theirs.fileno()), *imported],
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours

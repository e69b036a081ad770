"""The tool `execute_command`."""

import asyncio
import codecs
import contextlib
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from nbagent.agent.builtin.folder import Folder
from nbagent.agent.calls.context import CURRENT_CALL
from nbagent.agent.tools.decorator import AnyToolFunction, tool
from nbagent.errors import ToolError
from nbagent.runtime.timeouts import is_limit

TIMEOUT_S = 60.0
"""Seconds that a command may take, unless said otherwise."""

HALF_CHARS = 9_000
"""Characters of the beginning of the output, and of its end, that the model gets.

The reader sees all as it comes.
"""

FLOOD_CHARS = 10_000_000
"""Characters of output after which a command is stopped."""

PIPE_TIMEOUT_S = 1.0
"""Seconds in which the rest of the output is read after the command has ended."""

_KEPT_VARIABLES = re.compile(
    "PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_.*|TZ|TERM|TMPDIR|TMP|TEMP|VIRTUAL_ENV|CONDA_PREFIX|"
    "SYSTEMROOT|SYSTEMDRIVE|COMSPEC|PATHEXT|WINDIR|USERPROFILE|APPDATA|LOCALAPPDATA"
)
"""Matches the names of the variables that a command gets; the last ones are Windows'."""


def execute_command(folder: str | Path = ".", *, timeout: float = TIMEOUT_S) -> AnyToolFunction:
    """Return a tool that runs a shell command in a folder, after asking.

    **The folder is where a command starts, and no sandbox**: a command can read, change and send
    whatever the user of this process can. What protects is the question before each command; "Allow
    always" gives that up.

    The command gets no input, and of the environment only what programs need (`PATH`, `HOME`, the
    language, …), so neither keys nor tokens. It and what it has started are killed when it has
    ended, when the time is over, and when the run is stopped; a process that moves to a session of
    its own escapes that, and nothing is killed where this process itself is killed. On Windows only
    the shell is killed.

    Args:
        folder: the working folder, relative to the working directory of this process.
        timeout: seconds that a command may take.

    Raises:
        ToolError: there is no such folder, or `timeout` is not positive.
    """
    inside = Folder(folder)
    if not is_limit(timeout):
        raise ToolError(
            f"execute_command: timeout must be a positive number of seconds, got {timeout!r}"
        )

    @tool(name="execute_command", approve=True)
    async def execute(command: str) -> str:
        """Run a shell command in the working folder, and return its output and errors.

        The user is asked first.

        Args:
            command: the command line, such as "python hello.py". It gets no input.
        """
        call = CURRENT_CALL.get()
        output = _Output(None if call is None else call.output.write)
        ending = await _run(command, inside.path, timeout, output)
        if ending:
            return f"{output.text.rstrip()}\n({ending})".strip()
        return output.text or "(no output)"

    return execute


class _Output:
    """The output of a command: all that a limit leaves of it.

    Args:
        show: shows a piece of it, as it comes.

    Attributes:
        size: characters so far.
    """

    def __init__(self, show: Callable[[str], object] | None) -> None:
        self.size = 0
        self._show = show
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._head = self._tail = ""

    def feed(self, data: bytes) -> None:
        text = self._decode(data)
        self.size += len(text)
        if self._show is not None:
            self._show(text)
        room = HALF_CHARS - len(self._head)
        self._head += text[:room]
        self._tail = (self._tail + text[room:])[-HALF_CHARS:]

    @property
    def text(self) -> str:
        left_out = self.size - len(self._head) - len(self._tail)
        if left_out:
            return f"{self._head}\n… {left_out:,} characters left out …\n{self._tail}"
        return self._head + self._tail


class _Command(asyncio.SubprocessProtocol):
    """A running command.

    Its end is that of its shell: what still runs in the background then is killed.

    Attributes:
        exited: done when the shell has ended.
        over: done when its output is read too, or when there is too much output.
    """

    def __init__(self, output: _Output) -> None:
        self._loop = asyncio.get_running_loop()
        self._output = output
        self._transport: asyncio.SubprocessTransport
        self.exited: asyncio.Future[None] = self._loop.create_future()
        self.over: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._output.feed(data)
        if self._output.size > FLOOD_CHARS:
            self._finish()

    def process_exited(self) -> None:
        self.exited.set_result(None)
        self.kill()
        # A process that has left the group may keep the pipe open for ever.
        self._loop.call_later(PIPE_TIMEOUT_S, self._transport.close)

    def connection_lost(self, error: Exception | None) -> None:
        self._finish()

    def kill(self) -> None:
        """Kill the shell and all of its group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):  # they have ended
            if sys.platform == "win32":
                self._transport.kill()
            else:
                os.killpg(self._transport.get_pid(), signal.SIGKILL)

    def _finish(self) -> None:
        if not self.over.done():
            self.over.set_result(None)


async def _run(command: str, folder: Path, seconds: float, output: _Output) -> str:
    """Run a command. Return what is to be said about its end; "" if it succeeded."""
    variables = {
        name: value for name, value in os.environ.items() if _KEPT_VARIABLES.fullmatch(name.upper())
    }
    transport, process = await asyncio.get_running_loop().subprocess_shell(
        lambda: _Command(output),
        command,
        cwd=folder,
        env=variables,
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,  # a group of its own, to kill as a whole
    )
    try:
        async with asyncio.timeout(seconds):
            await process.over
    except TimeoutError:
        return f"stopped: it took longer than {seconds:g} s"
    finally:
        process.kill()
        await asyncio.shield(process.exited)
        transport.close()
    if output.size > FLOOD_CHARS:
        return f"stopped: its output was longer than {FLOOD_CHARS:,} characters"
    code = transport.get_returncode()
    if code:
        return f"exit code {code}"
    return ""

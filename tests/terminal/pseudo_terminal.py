"""A process in a terminal of its own, driven as a person does: by what it prints and what is
typed.
"""

import contextlib
import os
import pty
import re
import select
import signal
import termios
from pathlib import Path
from types import TracebackType
from typing import Self

from preloaded import NBAGENT, start

TIMEOUT_S = 60.0


class PseudoTerminal:
    """A Python process in a terminal.

    Args:
        arguments: of the interpreter, such as `"-m", "nbagent"`.
        folder: the working folder.
        imported: modules that it finds imported.
        environment: variables on top of this process's.

    Attributes:
        output: all that was printed so far, with plain line ends, and without the terminal's
            commands.
    """

    def __init__(
        self, *arguments: str, folder: Path, imported: tuple[str, ...] = NBAGENT, **environment: str
    ) -> None:
        self._ours, theirs = pty.openpty()
        attributes = termios.tcgetattr(theirs)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(theirs, termios.TCSANOW, attributes)
        environ = {**os.environ, "TERM": "dumb", "COLUMNS": "200", "NO_COLOR": "1", **environment}
        self._process = start(
            *arguments,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env=environ,
            terminal=True,
            imported=imported,
        )
        os.close(theirs)
        self.output = ""
        self._read = 0  # characters that were waited for

    def expect(self, pattern: str) -> str:
        """Wait until the process prints what matches, after what was waited for before.

        Return what came up to its end.
        """
        while (found := re.compile(pattern).search(self.output, self._read)) is None:
            assert self._more(), f"the process ended without {pattern!r}:\n{self.output}"
        come, self._read = self.output[self._read : found.end()], found.end()
        return come

    def enter(self, text: str) -> None:
        """Type a line."""
        os.write(self._ours, f"{text}\n".encode())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.write(self._ours, b"\x03")

    def end_input(self) -> None:
        """Press Ctrl-D."""
        os.write(self._ours, b"\x04")

    def wait(self) -> int:
        """Wait for the process's end, and return its exit code."""
        while self._more():
            pass
        return self._process.wait(TIMEOUT_S)

    def _more(self) -> bool:
        ready, _, _ = select.select([self._ours], [], [], TIMEOUT_S)
        assert ready, f"the process prints nothing more:\n{self.output}"
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # the other side is closed
            return False
        text = data.decode(errors="replace").replace("\r\n", "\n")
        self.output += re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", text)
        return bool(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        os.close(self._ours)

"""Lines of a terminal: what a person types, and what is printed beside a run."""

import contextlib
import os
import sys
from collections.abc import Callable
from typing import Protocol


class Lines(Protocol):
    """Reads and prints lines."""

    def read(self, prompt: str) -> str:
        """Print a prompt and return the line that is typed, without its end.

        Raises:
            EOFError: there are no more lines.
        """
        ...

    def write(self, line: str) -> None:
        """Print a line."""
        ...


class StandardLines:
    """Lines of the standard input; prompts on the standard output, or on standard error where the output is no terminal."""

    def __init__(self) -> None:
        self._is_output = sys.stdout.isatty()

    def read(self, prompt: str) -> str:
        """See `Lines.read`."""
        if self._is_output:
            return input(prompt)
        print(prompt, end="", file=sys.stderr, flush=True)
        # Not sys.stdin.readline: a thread that waits in it keeps its lock, and the interpreter cannot end without that.
        typed = b""
        while not typed.endswith(b"\n"):
            more = os.read(sys.stdin.fileno(), 4096)
            if not more:
                raise EOFError
            typed += more
        return typed.decode(errors="replace").rstrip("\r\n")

    def write(self, line: str) -> None:
        """See `Lines.write`."""
        print(line, file=sys.stdout if self._is_output else sys.stderr, flush=True)


def is_attended() -> bool:
    """Return True if a person can type here: the standard input is a terminal."""
    try:
        return sys.stdin is not None and sys.stdin.isatty()
    except (ValueError, AttributeError):  # it is closed, or replaced
        return False


class History:
    """Lines that the arrow keys bring back: only those that are added, so no answers to questions."""

    def __init__(self) -> None:
        self._add: Callable[[str], None] | None = None
        with contextlib.suppress(ImportError):  # on Windows, whose console edits a line and has a history
            import readline  # has input() edit its line too, from now on

            readline.set_auto_history(False)
            self._add = readline.add_history

    def add(self, line: str) -> None:
        """Add a line."""
        if self._add is not None:
            self._add(line)

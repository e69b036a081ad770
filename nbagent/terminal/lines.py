"""Lines of a terminal: what a person types, and what is printed beside a run."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

INTERRUPT_DELAY_S = 0.2
"""Seconds after which a read notices an interrupt that arrived just before it."""


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
    """Lines of the standard input; prompts on the standard output, or on standard error where the
    output is no terminal.
    """

    def __init__(self) -> None:
        self._is_output = sys.stdout.isatty()

    def read(self, prompt: str) -> str:
        """See `Lines.read`."""
        with _interruptible():
            return self._read(prompt)

    def _read(self, prompt: str) -> str:
        if self._is_output:
            return input(prompt)
        print(prompt, end="", file=sys.stderr, flush=True)
        # Not sys.stdin.readline: a thread that waits in it keeps its lock, and the interpreter
        # cannot end without that.
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


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Make sure that a SIGINT ends the reads of this thread.

    Python raises KeyboardInterrupt when a system call is left. A signal that arrives after the
    prompt is printed, and before the read has begun, leaves none: it would take effect with the
    next line. So a timer interrupts the read again and again.
    """
    if (
        sys.platform
        == "win32"  # has no timer, and needs none: a console's read waits for the signal too
        or threading.current_thread() is not threading.main_thread()  # interrupts do not come here
        or signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL  # the program's own
    ):
        yield
        return
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, INTERRUPT_DELAY_S, INTERRUPT_DELAY_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


def is_attended() -> bool:
    """Return True if a person can type here: the standard input is a terminal."""
    try:
        return sys.stdin is not None and sys.stdin.isatty()
    except (ValueError, AttributeError):  # it is closed, or replaced
        return False


class LineHistory:
    """Lines that the arrow keys bring back: only those that are added, so no answers to
    questions.
    """

    def __init__(self) -> None:
        self._add: Callable[[str], None] | None = None
        with contextlib.suppress(ImportError):
            # On Windows, whose console edits a line and has a history.
            import readline  # has input() edit its line too, from now on

            readline.set_auto_history(False)
            self._add = readline.add_history

    def add(self, line: str) -> None:
        """Add a line."""
        if self._add is not None:
            self._add(line)

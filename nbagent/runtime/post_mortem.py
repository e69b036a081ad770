"""Post-mortem debugging of what a tool raised: IPython's debugger where it runs, else pdb.

`%debug` opens the frames of `sys.last_value`, by IPython's `InteractiveShell.debugger`; `pdb.pm()`
does the same in Python's own shell.
"""

import pathlib
import pdb  # noqa: T100 - what this module is for
import sys
from types import TracebackType

from nbagent.runtime.ipython import ipython_shell

_PACKAGE = str(pathlib.Path(__file__).parents[1])


def frames_outside(trace: TracebackType | None) -> list[TracebackType]:
    """Return the entries of a traceback that are not nbagent's own, outermost first."""
    found = []
    while trace is not None:
        if not trace.tb_frame.f_code.co_filename.startswith(_PACKAGE):
            found.append(trace)
        trace = trace.tb_next
    return found


def drop_own_frames(error: BaseException) -> bool:
    """Take nbagent's own frames out of an exception's traceback, so that a debugger opens in the
    frames of the tool.

    Returns:
        False if it has no others, and is left as it is.
    """
    trace: TracebackType | None = None
    for entry in reversed(frames_outside(error.__traceback__)):
        trace = TracebackType(trace, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    if trace is None:
        return False
    error.__traceback__ = trace
    return True


class LastError:
    """Makes what a run's tools raise the last exception, for `%debug` and `pdb.pm()`.

    An exception that a cell of the reader's own raised since the run began stays the last one. Does
    nothing where no one is at a prompt: a script keeps no exceptions alive.
    """

    def __init__(self) -> None:
        self._before = _last()

    def offer(self, error: BaseException) -> None:
        """Make an exception the last one, unless one of the reader's own came since."""
        if (ipython_shell() is None and not hasattr(sys, "ps1")) or _last() is not self._before:
            return
        if frames_outside(error.__traceback__):
            make_last(error)
            self._before = error

    def release(self) -> None:
        """Take no further exceptions, and keep none alive."""
        self._before = self


def _last() -> object:
    return getattr(sys, "last_value", None)


def make_last(error: BaseException) -> None:
    """Make an exception the one that `%debug` and `pdb.pm()` open."""
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    shown = getattr(ipython_shell(), "InteractiveTB", None)
    if shown is not None:
        # IPython would take the frame where it stops from the exception that it showed last
        shown.tb = error.__traceback__


def debug(error: BaseException) -> None:
    """Open the debugger in the frames of an exception, the innermost first, and return when the
    reader leaves it.
    """
    shell = ipython_shell()
    if shell is None:
        pdb.post_mortem(error.__traceback__)
        return
    make_last(error)
    shell.debugger(force=True)

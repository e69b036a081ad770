"""The state of a map while it goes on: as an output of the cell, or as a line in a terminal."""

import asyncio
import contextlib
import contextvars
import sys
from collections.abc import Callable
from typing import Any

from nbagent.runtime.ipython import ipython_kernel

UPDATE_S = 0.5
"""Seconds between two updates."""


class Progress:
    """Shows the state of a map, at most twice a second. It is used on the loop of the rows.

    Args:
        html: returns the state as HTML.
        line: returns it as one line.
        home: loop of the rows.
    """

    def __init__(
        self, html: Callable[[], str], line: Callable[[], str], home: asyncio.AbstractEventLoop
    ) -> None:
        self._html = html
        self._line = line
        self._home = home
        self._timer: asyncio.TimerHandle | None = None
        self._output: Any = None
        self._execution: object = None

    def show(self) -> None:
        """Show the state in the cell that is executed now, unless that was done."""
        kernel = ipython_kernel()
        if kernel is None:
            return
        from IPython.display import HTML, display

        execution = kernel.shell.execution_count
        if execution != self._execution:
            self._execution = execution
            self._output = display(HTML(self._html()), display_id=True)

    def changed(self) -> None:
        """Note that the state has changed. It is shown soon."""
        if self._timer is None:
            self._timer = self._home.call_later(UPDATE_S, self._update)

    def end(self) -> None:
        """Show the last state."""
        if self._timer is not None:
            self._timer.cancel()
        self._update()
        if self._is_terminal:
            sys.stderr.write("\n")

    def _update(self) -> None:
        self._timer = None
        if self._output is not None:
            from IPython.display import HTML

            # In an empty context: JupyterLab goes by the output's id, whichever cell is executed.
            contextvars.Context().run(self._output.update, HTML(self._html()))
        elif self._is_terminal:
            with contextlib.suppress(OSError, ValueError):  # a terminal that is gone
                sys.stderr.write(f"\r\x1b[K{self._line()}")
                sys.stderr.flush()

    @property
    def _is_terminal(self) -> bool:
        return ipython_kernel() is None and sys.stderr.isatty()

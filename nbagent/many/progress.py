"""The state of a map while it goes on: as a table in the cell, or as a line in a terminal."""

import asyncio
import contextlib
import sys
from collections.abc import Callable
from typing import Protocol

from nbagent.runtime.ipython import ipython_kernel

UPDATE_S = 0.25
"""Seconds between two updates."""


class Shown(Protocol):
    """The view of a map in a cell."""

    def show(self) -> None:
        """Show it in the cell that is executed now."""

    def update(self) -> None:
        """Bring it up to date."""

    def end(self) -> None:
        """Show the last state."""


class Progress:
    """Shows the state of a map, at most four times a second. It is used on the loop of the rows.

    Args:
        table: makes the table for a cell.
        line: returns the state as one line.
        is_active: returns True while rows are under way.
        home: loop of the rows.
    """

    def __init__(
        self,
        table: Callable[[], Shown],
        line: Callable[[], str],
        is_active: Callable[[], bool],
        home: asyncio.AbstractEventLoop,
    ) -> None:
        self._make_table = table
        self._line = line
        self._is_active = is_active
        self._home = home
        self._timer: asyncio.TimerHandle | None = None
        self._table: Shown | None = None

    def show(self) -> None:
        """Show the state in the cell that is executed now, unless that was done."""
        if ipython_kernel() is None:
            return
        if self._table is None:
            self._table = self._make_table()
        self._table.show()

    def changed(self) -> None:
        """Note that the state has changed. It is shown soon, and again while rows are under way."""
        if self._timer is None:
            self._timer = self._home.call_later(UPDATE_S, self._update)

    def end(self) -> None:
        """Show the last state."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._table is not None:
            self._table.end()
        elif self._is_terminal:
            self._write(f"\r\x1b[K{self._line()}\n")

    def _update(self) -> None:
        self._timer = None
        if self._table is not None:
            self._table.update()
        elif self._is_terminal:
            self._write(f"\r\x1b[K{self._line()}")
        if self._is_active():
            self.changed()

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # a terminal that is gone
            sys.stderr.write(text)
            sys.stderr.flush()

    @property
    def _is_terminal(self) -> bool:
        return ipython_kernel() is None and sys.stderr.isatty()

"""`Table`: a map in a notebook cell: the run that draws it, and what its reader does there."""

import asyncio
import concurrent.futures
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from nbagent import events as e
from nbagent.blocks.rows import OpenRow, RowsProps
from nbagent.errors import NbagentError
from nbagent.many.engine import Engine
from nbagent.many.rate import RowGate
from nbagent.many.row_pages import RowPages
from nbagent.many.summary import cells_of
from nbagent.notebook.show import draw
from nbagent.protocol.messages import SteerRows
from nbagent.run import Run
from nbagent.runtime import work
from nbagent.runtime.loop import OwnedStream

if TYPE_CHECKING:
    from nbagent.many.runs import Runs

BLOCK = "rows"
"""Id of the table's block."""
FIRST_COPY_S = 2.0
"""Seconds until the rows of the static copy are brought up to date for the first time."""
GROWTH = 1.5
"""Factor by which these seconds have grown when it is done again."""


class Table(OwnedStream):
    """The table of a map, drawn by a run of its own, whose stream it is.

    Args:
        runs: the map.
        engine: runs its rows.
        gate: lets them begin.
        scores: names of the checks.
        redact: rules for what may be seen, as for `nbagent.show`.

    Attributes:
        name: in the header.
        run: draws the table. It ends with the first end of the map; rows that are run again then
            are additions to it.
    """

    name = "map"

    def __init__(
        self, runs: "Runs", engine: Engine, gate: RowGate, scores: Sequence[str], redact: Any
    ) -> None:
        self._runs = runs
        self._engine = engine
        self._gate = gate
        self._scores = list(scores)
        self._label_chars = max((len(row.name) for row in runs.rows), default=0)
        self._is_grouped = len({id(row.item) for row in runs.rows}) < len(runs)
        self._ended: concurrent.futures.Future[None] = concurrent.futures.Future()
        if runs.done:
            self._ended.set_result(None)
        self._version = 0
        self._seen: object = None
        self._shown: dict[str, Any] = {}
        self._began = time.monotonic()
        self._copy_after = FIRST_COPY_S
        self._lock = threading.Lock()
        self._opening: int | None = None
        self._opened: Run | None = None
        self._close_view: Callable[[], None] = lambda: None
        self.run = Run(self, height="full", redact=redact)
        self.run.table = self
        self.run.on_close(partial(self._open, None))
        self._pages = RowPages(runs.rows, self.run.masker)
        self.run.report([self._event()])
        self.update()

    def show(self) -> None:
        """Show the table in the cell that is executed now, unless that was done."""
        draw(self.run, None)

    async def __aiter__(self) -> AsyncIterator[e.Event]:
        try:
            await asyncio.shield(asyncio.wrap_future(self._ended))
        except asyncio.CancelledError:  # the reader pressed Stop
            self._runs.cancel()
            raise
        reason = self._engine.stop_reason
        status: e.RunStatus = "completed" if reason is None else "incomplete"
        yield e.RunEnd(status=status, finish_reason=reason)

    # --- what is shown ---

    def update(self) -> None:
        """Show what has changed. It is called on the loop of the rows."""
        state = self._state()
        changed = {name: value for name, value in state.items() if self._shown.get(name) != value}
        if changed:
            self._shown |= changed
            self.run.show_table(BLOCK, RowsProps(**changed))
        if time.monotonic() - self._began > self._copy_after:
            self._copy_after *= GROWTH
            self.run.report([self._event()])
        self._follow_open_row()

    def end(self) -> None:
        """Show the last state: no row goes on, or waits for its turn."""
        self.update()
        self.run.report([self._event()])
        if not self._ended.done():
            self._ended.set_result(None)

    def _state(self) -> dict[str, Any]:
        """Return the props that may change."""
        active, totals = list(self._engine.active), self._engine.totals
        events = {(row.number, row.run.event_count) for row in active if row.run is not None}
        second = int(time.time()) if active else 0  # their clocks go on
        seen = (self._engine.changes, events, second)
        if seen != self._seen:
            self._seen = seen
            self._version += 1
        return {
            "summary": self._runs.summary(),
            "total": len(self._runs),
            "ended": totals.ended,
            "failed": totals.failed,
            "label_chars": self._label_chars,
            "is_grouped": self._is_grouped,
            "asking": sum(row.is_asking for row in active),
            "is_live": self._engine.is_working,
            "is_paused": self._gate.is_paused,
            "version": self._version,
            "scores": self._scores,
            "tools_failed": totals.tools_failed,
            "tools": {name: rows for name, rows in sorted(totals.tool_rows.items()) if rows},
            "figures": sorted(totals.figures),
        }

    def _event(self) -> e.Rows:
        return e.Rows(
            id=BLOCK,
            summary=self._runs.summary(),
            notices=self._runs.notices,
            cells=cells_of(self._runs.rows, self.run.masker),
            total=len(self._runs),
        )

    # --- what the reader asks ---

    def page(self, question: str, max_bytes: int) -> tuple[str, int]:
        """Return the answer to a question about the rows; see `RowTable.page`."""
        version, scores = self._version, self._scores
        return self._pages.answer(question, version, scores, max_bytes, self._opening)

    def take(self, command: SteerRows) -> None:
        """Do what the reader asked of the map."""
        match command.act:
            case "stop":
                self._runs.cancel()
            case "pause":
                self._runs.pause()
            case "go_on":
                self._runs.go_on()
            case "retry" if self._runs.done:
                self._runs.failed.retry()
            case "open":
                self._open(command.row)

    # --- the open row ---

    def _open(self, number: int | None) -> None:
        """Show the run of a row beneath it; None shows none."""
        if number is not None and number >= len(self._runs):
            return
        self._opening = number
        # Of a new version: a row that stood in its filter only because it was open leaves it.
        self._version += 1
        self._shown["version"] = self._version
        row = None if number is None else OpenRow(number)
        self.run.show_table(BLOCK, RowsProps(open=row, version=self._version))
        work.start(partial(self._open_view, number), name="nbagent-row")

    def _open_view(self, number: int | None) -> None:
        """Make the view of a row's run, which may have to be read from the store."""
        with self._lock:
            if number != self._opening:
                return  # another row was opened meanwhile
            self._close_view()
            self._opened, self._close_view = None, lambda: None
            if number is None:
                return
            try:
                run = self._runs.run_of(self._runs.rows[number])
            except NbagentError as error:
                self._show_open(OpenRow(number, problem=self.run.masker(str(error))))
                return
            key = uuid.uuid4().hex
            self._opened, self._close_view = run, _view_of(run, key)
            self._show_open(OpenRow(number, view=key))

    def _show_open(self, row: OpenRow) -> None:
        self.run.show_table(BLOCK, RowsProps(open=row))

    def _follow_open_row(self) -> None:
        """Show the open row's run of now: it may have begun meanwhile, or begun again."""
        number = self._opening
        if number is None:
            return
        run = self._runs.rows[number].run
        if run is not None and run is not self._opened:
            work.start(partial(self._open_view, number), name="nbagent-row")


def _view_of(run: Run, dom_key: str) -> Callable[[], None]:
    """Make the view of a run inside another one's, and return a function that closes it."""
    from nbagent.notebook.jupyter import inner_widget

    return inner_widget(run, dom_key).close

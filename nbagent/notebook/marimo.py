"""A run in a marimo notebook: its live widget, in the output of each cell that shows it.

marimo has no IPython kernel, keeps no outputs in the notebook file, and lets nobody change the output of a cell that is over;
so there is no static twin. It hears the page only between two cells: a Stop waits for the end of a cell that awaits its run
(marimo's own interrupt stops that), and so would a view's first question; so views are told unasked what they are to show.

Widgets hold memory in the kernel and in the page, so they go: when the cell that drew them is executed again or deleted, and
with `run.close()`.
"""

import contextlib
import sys
import threading
from typing import Any

from nbagent.notebook.widget import TranscriptWidget
from nbagent.run import Run

INTRODUCTION = 0.25
"""Seconds after which a view that has not asked is told everything; again after 0.5, 1, 2, … more, until one asks."""

_lock = threading.Lock()
_widgets: dict[str, TranscriptWidget] = {}  # by run id


def draw(run: Run) -> None:
    """Show a run in the output of the cell that is executed now; from then on `run` as a cell's last expression shows it too.

    marimo shows a cell's last expression in place of all that the cell has put out before, so nothing is drawn twice.
    """
    if run.view is None:  # and not again: a run that was closed may be shown once more
        run.view = lambda: _widget_of(run)
        run.on_close(lambda: _close(run))
    sys.modules["marimo"].output.append(_widget_of(run))


def _widget_of(run: Run) -> TranscriptWidget:
    """The run's live widget; a fresh one if it has none, or no longer."""
    with _lock:
        widget = _widgets.get(run.id)
        if widget is None:
            widget = _widgets[run.id] = TranscriptWidget(run)
            _close_with_cell(run)
            _introduce_in(INTRODUCTION, run, widget)
    return widget


def _close(run: Run) -> None:
    with _lock:
        widget = _widgets.pop(run.id, None)
    if widget is not None:
        run.detach(widget)
        layout = widget.layout
        widget.close()
        layout.close()


class _CellItem:
    """What marimo disposes of before it executes or deletes the cell again, as it closes the comms of the cell's widgets."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def create(self, context: Any) -> None:
        pass

    def dispose(self, context: Any, deletion: bool) -> bool:
        _close(self._run)
        return True


def _close_with_cell(run: Run) -> None:
    # Private to marimo, which has no public word for it. Without it a widget stays until its run is closed.
    with contextlib.suppress(KeyError, AttributeError):
        sys.modules["marimo._runtime.context"].get_context().cell_lifecycle_registry.add(_CellItem(run))


def _introduce_in(seconds: float, run: Run, widget: TranscriptWidget) -> None:
    def introduce() -> None:
        if _widgets.get(run.id) is widget and widget.introduce():
            _introduce_in(2 * seconds, run, widget)

    timer = threading.Timer(seconds, introduce)
    timer.daemon = True
    timer.start()

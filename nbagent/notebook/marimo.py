"""Runs in a marimo notebook: for each a live widget, in the output of every cell that shows it.

marimo has no IPython kernel, keeps no outputs in the notebook file, and lets no output change after
its cell has ended. So there is no static copy. It reads messages of the page only between two
cells: a Stop waits for the end of a cell that awaits its run (marimo's own interrupt stops that),
and so would a view's first request; so views get a snapshot unasked. A page loads a script once,
however many widgets have it, so each widget carries the front end itself.

Widgets take memory in the kernel and in the page, so they are closed: when the cell that drew them
is executed again or deleted, and by `run.close()`.
"""

import contextlib
import sys
import threading
from typing import Any

from nbagent.notebook.widget import TranscriptWidget
from nbagent.run import Run
from nbagent.runtime import work

FIRST_SNAPSHOT_S = 0.25
"""Seconds after which a view that has not asked gets a snapshot; again after 0.5, 1, 2, … more,
until one asks.
"""

_lock = threading.Lock()
_widgets: dict[str, TranscriptWidget] = {}  # by run id


def draw(run: Run) -> None:
    """Show a run in the output of the cell that is executed now.

    From then on `run` as a cell's last expression shows it too.

    marimo shows a cell's last expression instead of its earlier outputs, so nothing is drawn twice.
    """
    if run.view is None:  # once: a closed run may be shown again
        run.view = lambda: _widget_of(run)
        run.on_close(lambda: _close(run))
    sys.modules["marimo"].output.append(_widget_of(run))


def _widget_of(run: Run) -> TranscriptWidget:
    """Return the run's live widget, a new one if it has none."""
    with _lock:
        widget = _widgets.get(run.id)
        if widget is None:
            widget = _widgets[run.id] = TranscriptWidget(run)
            _close_with_cell(run)
            _send_snapshot_in(FIRST_SNAPSHOT_S, run, widget)
    return widget


def _close(run: Run) -> None:
    with _lock:
        widget = _widgets.pop(run.id, None)
    if widget is not None:
        widget.close()


class _CellItem:
    """Closes the run's widget. marimo disposes of a cell's items before it executes the cell again
    or deletes it.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    def create(self, context: Any) -> None:
        pass

    def dispose(self, context: Any, deletion: bool) -> bool:
        _close(self._run)
        return True


def _close_with_cell(run: Run) -> None:
    # Private: marimo has no public interface for it. Without it a widget stays until its run is
    # closed.
    with contextlib.suppress(KeyError, AttributeError):
        sys.modules["marimo._runtime.context"].get_context().cell_lifecycle_registry.add(
            _CellItem(run)
        )


def _send_snapshot_in(seconds: float, run: Run, widget: TranscriptWidget) -> None:
    def introduce() -> None:
        if _widgets.get(run.id) is widget and widget.introduce():
            _send_snapshot_in(2 * seconds, run, widget)

    work.later(seconds, introduce)

"""Runs in a Jupyter notebook: for each a live widget and, in the output below, a static copy for
the saved notebook.

Static copies stay. Widgets take memory in the kernel and in the page, so they are closed: when
their cell is executed again, by `run.close()`, when there are `MAX_ENDED_WIDGETS` newer ones, and
when ended runs keep more than `MAX_HELD_BYTES`. A run that goes on is stopped when the only cell
that shows it is executed again: nobody could see or stop it any more.

On a thread that user code has started, and in a widget's callback, there is no cell: a run is drawn
below the cell that was executed last. In an `ipywidgets.Output` it is drawn there; the static copy
goes below the cell that fills the Output, because a saved notebook does not keep what is inside
one.
"""

import contextlib
import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

from IPython import get_ipython

from nbagent.notebook.front_end import FrontEnd
from nbagent.notebook.kernel_context import request_of
from nbagent.notebook.place import Place, current_place, place_of
from nbagent.notebook.publisher import Publisher
from nbagent.notebook.run_display import LOCK, RunDisplay
from nbagent.notebook.widget import TranscriptWidget
from nbagent.run import Run

MAX_ENDED_WIDGETS = 20
"""Ended runs that keep their live widget. A running one always does."""
MAX_HELD_BYTES = 256 * 1024 * 1024
"""Memory that ended runs with a live widget keep alive, about: the results of their tools and their
events. The newest run may keep more by itself.
"""
MIN_FREED_BYTES = 1024 * 1024
"""A live view stays if closing it would free less."""
MAX_DRAWN_RUNS = 25
"""Runs of one cell that JupyterLab draws: it shows 50 outputs of a cell, two for each, until its
reader asks for more.
"""


def draw(run: Run, below: Run | None = None) -> None:
    """Show a run in the cell that is executed now, live and for the saved notebook, unless this
    execution has shown it.

    A run whose widget was closed gets a new one. From then on `run` as a cell's last expression
    shows it again.

    Args:
        run: the run.
        below: a run whose cell it is shown in instead.
    """
    with LOCK:
        displays, first = _displays(), run.view is None
        run.view = lambda: draw(run)
        displays.draw(run, below)
    if first:  # once: a closed run may be shown again
        run.on_close(lambda: displays.close(run))


def inner_widget(run: Run, dom_key: str) -> TranscriptWidget:
    """Return a widget of a run that the view of another run draws inside its own.

    Args:
        run: the run.
        dom_key: key by which that view finds it in the page.
    """
    with LOCK:
        return TranscriptWidget(run, dom_key, _displays().front_end())


class NotebookDisplays:
    """Shows the runs of this kernel's notebook.

    Args:
        shell: IPython's shell, if it runs.

    Attributes:
        publisher: of the shell's outputs.
    """

    def __init__(self, shell: Any) -> None:
        self.publisher = Publisher(shell)
        self._shell = shell
        self._front_end: FrontEnd | None = None
        self._live: list[RunDisplay] = []  # in the order in which they were shown last
        # shown in an Output by the cell that is executed now
        self._without_copy: list[RunDisplay] = []
        # ended between two cells, for a front end that takes no update then
        self._outdated: list[RunDisplay] = []
        self._executions: dict[str, str] = {}  # by DOM key: the execution that uses it
        # DOM keys that stand in another cell too than the one they are made from
        self._keys_elsewhere: set[str] = set()
        self._idle = False
        self._latest = Place()  # the cell that was executed last
        self._ordinal = ("", 0)  # an execution and the number of runs that it has shown
        if self.publisher.in_kernel:
            shell.events.register("pre_run_cell", self._on_cell_start)
            shell.events.register("post_run_cell", self._on_cell_end)

    def draw(self, run: Run, below: Run | None = None) -> None:
        """Show the run here, or in the cell that shows another one, unless this execution of the
        cell has done so.
        """
        place = self._place(below)
        shown = self._display_of(run)
        if shown is None:
            shown = RunDisplay(run, self._new_dom_key(place), place, self)
            self._live.append(shown)
            shown.follow()
        if place.execution and place.execution in shown.executions:
            return
        if shown.cells and place.cell not in shown.cells:
            self._keys_elsewhere.add(shown.dom_key)
        shown.cells.append(place.cell)
        shown.executions.add(place.execution)
        same = self._ordinal[0] == place.execution
        self._ordinal = (place.execution, self._ordinal[1] + 1 if same else 1)
        shown.ordinal = self._ordinal[1]
        self._live.remove(shown)
        self._live.append(shown)
        shown.show(place)
        if place.in_output and place.cell:
            self._without_copy.append(shown)
        self._close_oldest()

    def _place(self, below: Run | None) -> Place:
        """Return the place of the caller's outputs, or below a run."""
        above = None if below is None else self._display_of(below)
        if above is not None:
            return above.place_below
        return current_place(self._shell, self._latest) if self.publisher.in_kernel else Place()

    def close(self, run: Run) -> None:
        """Close the run's live views."""
        with LOCK:
            shown = self._display_of(run)
        if shown is not None:
            shown.close()

    def front_end(self) -> FrontEnd:
        """Return the hidden widget that the runs' widgets load the front end from, opened if need
        be.
        """
        if self._front_end is None or not self._front_end.is_open:
            self._front_end = FrontEnd(self._on_first_view)
        return self._front_end

    def forget(self, shown: RunDisplay) -> None:
        """Drop a display whose widget is closed."""
        with contextlib.suppress(ValueError):
            self._live.remove(shown)

    def on_ended(self, shown: RunDisplay) -> None:
        """Note that the run of a display has ended and its static copy was sent."""
        with LOCK:
            # A front end that names no cells, as nbclient, takes no update between two of them.
            if self._idle and "" in shown.cells:
                self._outdated.append(shown)
            self._close_oldest()

    def _on_first_view(self) -> None:
        for shown in tuple(self._live):
            shown.on_first_view()

    def _display_of(self, run: Run) -> RunDisplay | None:
        return next((shown for shown in self._live if shown.run is run), None)

    def shows(self, run: Run) -> bool:
        """Return True if the run has a live view."""
        return self._display_of(run) is not None

    def _close_oldest(self) -> None:
        ended = [shown for shown in self._live if shown.ended and not shown.is_root_of_shown_forks]
        # First those that JupyterLab does not draw, the latest before the others; then the oldest.
        ended.sort(key=lambda shown: -shown.ordinal if shown.ordinal > MAX_DRAWN_RUNS else 0)
        surplus = max(0, len(ended) - MAX_ENDED_WIDGETS)
        for shown in ended[:surplus]:
            shown.close()
        self._free(ended[surplus:-1])

    def _free(self, ended: Sequence[RunDisplay]) -> None:
        """Close one display after the other until those that are left keep no more than
        `MAX_HELD_BYTES`.
        """
        holders = Counter(key for shown in self._live for key in shown.held)
        size = sum({key: size for shown in self._live for key, size in shown.held.items()}.values())
        for shown in ended:
            own = sum(size for key, size in shown.held.items() if holders[key] == 1)
            if size > MAX_HELD_BYTES and own >= MIN_FREED_BYTES:
                # Several runs may have returned the same object.
                holders.subtract(shown.held.keys())
                size -= own
                shown.free()

    def _on_cell_start(self, *_: Any) -> None:
        place = self._latest = place_of(request_of(self._shell))
        with LOCK:
            self._idle = False
            replaced = [shown for shown in self._live if place.cell and place.cell in shown.cells]
            outdated, self._outdated = self._outdated, []
        for shown in replaced:
            shown.cells = [each for each in shown.cells if each != place.cell]
            if not shown.cells:
                shown.run.cancel(by="a new execution of its cell")
                shown.close()
        for shown in outdated:
            shown.update()

    def _on_cell_end(self, *_: Any) -> None:
        with LOCK:
            self._idle = True
            without_copy, self._without_copy = self._without_copy, []
        for shown in without_copy:
            shown.show_copy(self._latest)

    def _new_dom_key(self, place: Place) -> str:
        """Return a key that is the same each time the cell is executed, and not used by another
        cell or notebook.
        """
        cell = place.cell
        if not cell:  # a front end that names no cells, as nbclient
            request = request_of(self._shell) if self.publisher.in_kernel else {}
            code = request.get("content", {}).get("code", "")
            cell = f"{getattr(self._shell, 'execution_count', 0)}\n{code}"
        # A copy of a notebook has the same cell ids. Hashed, because the session's name may be a
        # path.
        session = os.environ.get("JPY_SESSION_NAME", "")
        stem = hashlib.sha256(f"{session}\n{cell}".encode()).hexdigest()[:12]
        ordinal = 1
        while (key := f"{stem}-{ordinal}") in self._keys_elsewhere or self._executions.get(
            key
        ) == place.execution:
            ordinal += 1
        self._executions[key] = place.execution
        return key


_by_shell: dict[int, NotebookDisplays] = {}


def _displays() -> NotebookDisplays:
    """Return the displays of the current shell, made on first use."""
    shell = get_ipython()
    if id(shell) not in _by_shell:
        _by_shell[id(shell)] = NotebookDisplays(shell)
    return _by_shell[id(shell)]

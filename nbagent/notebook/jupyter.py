"""Runs in a Jupyter notebook: for each a live widget and, in the output below, a static copy for the saved notebook.

Static copies stay. Widgets take memory in the kernel and in the page, so they are closed: when their cell is executed again, by
`run.close()`, and when there are `MAX_ENDED_WIDGETS` newer ones.
"""

import asyncio
import concurrent.futures
import contextlib
import contextvars
import hashlib
import os
import threading
import uuid
from typing import Any

from IPython import get_ipython
from IPython.display import display

from nbagent.notebook.front_end import FrontEnd
from nbagent.notebook.widget import TranscriptWidget
from nbagent.render.static_copy import static_copy
from nbagent.run import Run
from nbagent.run.options import is_stable
from nbagent.runtime import loop

MAX_ENDED_WIDGETS = 20
"""Ended runs that keep their live widget. A running one always does."""

FIRST_SAVE_S = 100.0
"""Seconds after which the static copy of a run that still goes on is updated: before JupyterLab's own save after 120 s.
Then again after 200, 400, … more, so that all of these together cost no more than the last one."""

_lock = threading.RLock()


def draw(run: Run) -> None:
    """Show a run in the cell that is executed now, live and for the saved notebook, unless this execution has shown it.

    A run whose widget was closed gets a new one. From then on `run` as a cell's last expression shows it again.
    """
    with _lock:
        displays, first = _displays(), run.view is None
        run.view = lambda: draw(run)
        displays.draw(run)
    if first:  # once: a closed run may be shown again
        run.on_close(lambda: displays.close(run))


class RunDisplay:
    """Widget and static copy of one run, in every cell that shows them.

    Args:
        run: the run.
        dom_key: key that the run's views and its static copy have in the page's DOM.
        displays: all displays of the notebook.

    Attributes:
        cells: ids of the cells whose outputs show it.
        executions: ids of the executions that have shown it.
        ended: whether the run has ended and its whole static copy was sent.
    """

    def __init__(self, run: Run, dom_key: str, displays: "NotebookDisplays") -> None:
        self.run = run
        self.dom_key = dom_key
        self.cells: list[str] = []
        self.executions: set[str] = set()
        self.ended = False
        self._displays = displays
        self._display_id = uuid.uuid4().hex
        # A widget's id is random, so an output that is the same in each execution has no live view.
        self._has_view = not (is_stable() and displays.in_kernel)
        self._widget = TranscriptWidget(run, dom_key, displays.front_end()) if self._has_view else None
        self._shown = False
        self._copy_lock = threading.Lock()
        self._saving: concurrent.futures.Future[None] | None = None

    def follow(self) -> None:
        """Keep the static copy up to date: from time to time while the run goes on, and at its end."""
        self._saving = loop.submit(self._save_periodically())
        self.run.on_end(self._on_end)

    def show(self) -> None:
        """Publish two outputs: the widget, and below it the static copy."""
        if not self._displays.in_kernel:
            display(self._widget)
            return
        if self._widget is not None:
            bundle: Any = self._widget._repr_mimebundle_()
            data = bundle[0] if isinstance(bundle, tuple) else bundle
            # A front end that cannot draw the widget shows this empty HTML instead: the static copy has everything.
            self._displays.publish({**data, "text/html": "<span></span>", "text/plain": f"nbagent: {self.run.name}"})
        with self._copy_lock:
            self._shown = True
            self._displays.publish(self._static_copy(), self._display_id)

    def update(self) -> None:
        """Send the static copy as it is now to the outputs that show it."""
        with self._copy_lock:
            if self._shown and self.cells:
                # In an empty context it belongs to the cell that is executed now: nbclient takes no other, and JupyterLab
                # goes by the display id.
                contextvars.Context().run(self._displays.publish, self._static_copy(), self._display_id, update=True)

    def close(self) -> None:
        """Close the live views and free what the kernel holds for them."""
        with _lock:
            widget, self._widget = self._widget, None
            self._displays.forget(self)
        if widget is not None:
            widget.close()

    async def _save_periodically(self) -> None:
        seconds = FIRST_SAVE_S
        while True:
            await asyncio.sleep(seconds)
            await asyncio.to_thread(self.update)
            seconds *= 2

    def _on_end(self) -> None:
        self.ended = True
        if self._saving is not None:
            self._saving.cancel()
        self.update()
        self._displays.on_ended(self)

    def _static_copy(self) -> dict[str, str]:
        return static_copy(self.run.snapshot(), dom_key=self.dom_key if self._has_view else "", stable=self.run.stable)


class NotebookDisplays:
    """All runs that are shown in this kernel's notebook.

    Args:
        shell: IPython's shell, if it runs.

    Attributes:
        in_kernel: whether the shell is a Jupyter kernel's.
    """

    def __init__(self, shell: Any) -> None:
        self.in_kernel = getattr(shell, "kernel", None) is not None
        self._shell = shell
        # Held, because `%%capture` replaces it for a while.
        self._publisher = getattr(shell, "display_pub", None)
        self._front_end: FrontEnd | None = None
        self._live: list[RunDisplay] = []  # in the order in which they were shown last
        self._outdated: list[RunDisplay] = []  # ended between two cells, for a front end that takes no update then
        self._executions: dict[str, str] = {}  # by DOM key: the execution that uses it
        self._keys_elsewhere: set[str] = set()  # DOM keys that stand in another cell too than the one they are made from
        self._idle = False
        if self.in_kernel:
            shell.events.register("pre_run_cell", self._on_cell_start)
            shell.events.register("post_run_cell", self._on_cell_end)

    def draw(self, run: Run) -> None:
        """Show the run in this cell, unless this execution has done so."""
        cell, execution = self._now()
        shown = self._display_of(run)
        if shown is None:
            shown = RunDisplay(run, self._new_dom_key(cell, execution), self)
            self._live.append(shown)
            shown.follow()
        if execution and execution in shown.executions:
            return
        if shown.cells and cell not in shown.cells:
            self._keys_elsewhere.add(shown.dom_key)
        shown.cells.append(cell)
        shown.executions.add(execution)
        self._live.remove(shown)
        self._live.append(shown)
        shown.show()
        self._close_oldest()

    def close(self, run: Run) -> None:
        """Close the run's live views."""
        with _lock:
            shown = self._display_of(run)
        if shown is not None:
            shown.close()

    def front_end(self) -> FrontEnd:
        """Return the hidden widget that the runs' widgets load the front end from, opened if need be."""
        if self._front_end is None or not self._front_end.is_open:
            self._front_end = FrontEnd()
        return self._front_end

    def publish(self, data: dict[str, Any], display_id: str | None = None, update: bool = False) -> None:
        """Publish display data.

        Args:
            data: by MIME type.
            display_id: id by which the output can be updated.
            update: update the outputs of that id instead of adding one.
        """
        assert self._publisher is not None, "there is no notebook to publish to"
        self._publisher.publish(data, {}, transient={"display_id": display_id} if display_id else {}, update=update)

    def forget(self, shown: RunDisplay) -> None:
        """Drop a display whose widget is closed."""
        with contextlib.suppress(ValueError):
            self._live.remove(shown)

    def on_ended(self, shown: RunDisplay) -> None:
        """Note that the run of a display has ended and its static copy was sent."""
        with _lock:
            # A front end that names no cells, as nbclient, takes no update between two of them.
            if self._idle and "" in shown.cells:
                self._outdated.append(shown)
            self._close_oldest()

    def _display_of(self, run: Run) -> RunDisplay | None:
        return next((shown for shown in self._live if shown.run is run), None)

    def _close_oldest(self) -> None:
        ended = [shown for shown in self._live if shown.ended]
        for shown in ended[: max(0, len(ended) - MAX_ENDED_WIDGETS)]:
            shown.close()

    def _on_cell_start(self, *_: Any) -> None:
        cell, _execution = self._now()
        with _lock:
            self._idle = False
            replaced = [shown for shown in self._live if cell and cell in shown.cells]
            outdated, self._outdated = self._outdated, []
        for shown in replaced:
            shown.cells = [each for each in shown.cells if each != cell]
            if not shown.cells:
                shown.close()
        for shown in outdated:
            shown.update()

    def _on_cell_end(self, *_: Any) -> None:
        self._idle = True

    def _new_dom_key(self, cell: str, execution: str) -> str:
        """Return a key that is the same each time the cell is executed, and not used by another cell or notebook."""
        if not cell:  # a front end that names no cells, as nbclient
            code = self._shell.get_parent().get("content", {}).get("code") if self.in_kernel else ""
            cell = f"{getattr(self._shell, 'execution_count', 0)}\n{code}"
        # A copy of a notebook has the same cell ids. Hashed, because the session's name may be a path.
        session = os.environ.get("JPY_SESSION_NAME", "")
        stem = hashlib.sha256(f"{session}\n{cell}".encode()).hexdigest()[:12]
        ordinal = 1
        while (key := f"{stem}-{ordinal}") in self._keys_elsewhere or self._executions.get(key) == execution:
            ordinal += 1
        self._executions[key] = execution
        return key

    def _now(self) -> tuple[str, str]:
        """Return the ids of the executed cell and of its execution; empty if the front end does not send them."""
        parent = self._shell.get_parent() if self.in_kernel else {}
        return str(parent.get("metadata", {}).get("cellId") or ""), str(parent.get("header", {}).get("msg_id") or "")


_by_shell: dict[int, NotebookDisplays] = {}


def _displays() -> NotebookDisplays:
    """Return the displays of the current shell, made on first use."""
    shell = get_ipython()
    if id(shell) not in _by_shell:
        _by_shell[id(shell)] = NotebookDisplays(shell)
    return _by_shell[id(shell)]

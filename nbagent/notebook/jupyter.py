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

import asyncio
import concurrent.futures
import contextlib
import contextvars
import hashlib
import os
import threading
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from IPython import get_ipython
from IPython.display import display

from nbagent.notebook import static_copy
from nbagent.notebook.front_end import FrontEnd
from nbagent.notebook.kernel_context import publish_for
from nbagent.notebook.place import Place, current_place, place_of
from nbagent.notebook.static_copy import NO_VIEW_NOTE, OUTPUTS_PART, StaticCopy
from nbagent.notebook.widget import ANY_CLIENT, TranscriptWidget
from nbagent.run import Run
from nbagent.run.options import is_stable
from nbagent.runtime import loop, work

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

CLOSED_NOTE = (
    "The live view was closed to free memory. <code>nbagent.show(run)</code> shows it again, "
    "while you keep the run."
)
"""HTML of the line above the copy of a run that was closed for `MAX_HELD_BYTES`.

A button would need a script.
"""

_lock = threading.RLock()


def draw(run: Run, below: Run | None = None) -> None:
    """Show a run in the cell that is executed now, live and for the saved notebook, unless this
    execution has shown it.

    A run whose widget was closed gets a new one. From then on `run` as a cell's last expression
    shows it again.

    Args:
        run: the run.
        below: a run whose cell it is shown in instead.
    """
    with _lock:
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
    with _lock:
        return TranscriptWidget(run, dom_key, _displays().front_end())


class RunDisplay:
    """Widget and static copy of one run, in every cell that shows them.

    Args:
        run: the run.
        dom_key: key that the run's views and its static copy have in the page's DOM.
        place: where it is shown first.
        displays: all displays of the notebook.

    Attributes:
        cells: ids of the cells whose outputs show it.
        executions: ids of the executions that have shown it.
        ordinal: how many runs its execution had shown when it came, this one included.
        ended: whether the run has ended and its whole static copy was sent.
        held: about how many bytes the ended run keeps alive, by the id of the object.
    """

    def __init__(self, run: Run, dom_key: str, place: Place, displays: "NotebookDisplays") -> None:
        self.run = run
        self.dom_key = dom_key
        self.cells: list[str] = []
        self.executions: set[str] = set()
        self.ordinal = 1
        self.ended = False
        self.held: dict[int, int] = {}
        self._place = place
        self._displays = displays
        self._display_id = uuid.uuid4().hex
        # A widget's id is random, so an output that is the same in each execution has no live view.
        self._has_view = not (is_stable() and displays.in_kernel)
        self._copy = StaticCopy(run, dom_key if self._has_view else "")
        client = place.client if place.is_cell else ""
        self._widget: TranscriptWidget | None = (
            TranscriptWidget(run, dom_key, displays.front_end(), client=client, saved=self._saved)
            if self._has_view
            else None
        )
        self._shown_at = time.monotonic()
        self._has_copy = False
        self._copy_lock = threading.Lock()
        self._saving: concurrent.futures.Future[None] | None = None
        self._note = ""  # in the last copy of a run that goes on
        self._last_note = ""  # in the copies of a run that has ended

    def follow(self) -> None:
        """Keep the static copy up to date: from time to time while the run goes on, and at its
        end.
        """
        self._saving = loop.submit(self._save_periodically(static_copy.FIRST_SAVE_S))
        self.run.on_end(self._on_end)
        self.run.on_addition(self._on_addition)
        if self.run.is_chat:  # which ends with its kernel only
            self.run.on("run.end", lambda event: self.update())

    def on_first_view(self) -> None:
        """Replace a copy that says that the page cannot draw the live view: it can, it was only
        slow.
        """
        if self._note and self._saving is not None:
            self._saving.cancel()
            self._saving = loop.submit(self._save_periodically(0.0))

    def show(self, place: Place) -> None:
        """Publish two outputs: the widget, and below it the static copy.

        In an `Output` publish the widget only.
        """
        self._place = place
        if not self._displays.in_kernel:
            display(self._widget)
            return
        if self._widget is not None:
            self._displays.publish(*self._view(), place=place)
        if not place.in_output:
            self.show_copy(place)

    def show_copy(self, place: Place) -> None:
        """Publish the static copy as an output of its own."""
        with self._copy_lock:
            self._has_copy = True
            self._displays.publish(*self._copy.bundle(), self._display_id, place=place)

    def update(self, note: str = "") -> int:
        """Send the static copy as it is now to the outputs that show it. Return its bytes."""
        with self._copy_lock:
            if not (self._has_copy and self.cells):
                return 0
            # A periodic copy may come here after the last one, which it must not replace by one
            # with a note.
            data, metadata = self._copy.bundle(self._last_note if self.ended else note)
            # In an empty context it belongs to the cell that is executed now: nbclient takes no
            # other, and JupyterLab goes by the display id.
            contextvars.Context().run(
                self._displays.publish, data, metadata, self._display_id, update=True
            )
            if self._has_view:
                self.run.copied(metadata["nbagent"]["events"])
            return sum(len(text.encode()) for text in data.values())

    def close(self) -> None:
        """Close the live views and free what the kernel holds for them."""
        with _lock:
            widget, self._widget = self._widget, None
            self._displays.forget(self)
        if widget is not None:
            widget.close()

    def free(self) -> None:
        """Close the live views of an ended run for the sake of memory, and say so above its static
        copy.
        """
        self.close()
        if self._has_view:
            self._last_note = CLOSED_NOTE
            self.update()

    @property
    def is_root_of_shown_forks(self) -> bool:
        """True if a tree begins with the run, of which a fork is shown as well: the tree leads to
        its view.
        """
        return self.run.parent is None and any(map(self._displays.shows, self.run.forks))

    @property
    def place_below(self) -> Place:
        """The place of outputs below those of the run, whichever cell is executed.

        A page that was loaded again since drops what is published there, and adds it itself.
        """
        has_request = bool(self._place.request)
        return replace(self._place, client=ANY_CLIENT, is_current=not has_request, in_output=False)

    def _view(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return data and metadata of the output that shows the widget; a page finds it by the
        metadata.
        """
        if self._widget is None:
            raise LookupError("the widget is closed")
        bundle: Any = self._widget._repr_mimebundle_()
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        # A front end that cannot draw the widget shows this empty HTML instead: the static copy has
        # everything.
        data = {**data, "text/html": "<span></span>", "text/plain": f"nbagent: {self.run.name}"}
        return data, {"nbagent": {"view": self.dom_key}}

    def _saved(self, name: str) -> dict[str, Any]:
        """Return the static copy, or the cell with both outputs, for a page that has not got
        them.
        """
        outputs = [self._copy.bundle()]
        if name.startswith(OUTPUTS_PART):
            outputs.insert(0, self._view())
        return {
            "cell": self._place.cell,
            "outputs": [
                {"output_type": "display_data", "data": data, "metadata": about}
                for data, about in outputs
            ],
        }

    async def _save_periodically(self, pause: float) -> None:
        """Send the copy after a pause, and again each time that enough of it is new.

        Sleeps while no event comes.
        """
        events = 0  # in the last copy
        while not self.run.done:
            await asyncio.sleep(pause)
            # Without a cell's id there is no page, as under nbclient, or it is not known.
            can_draw = not any(self.cells) or self._displays.front_end().can_draw
            note = "" if can_draw else NO_VIEW_NOTE
            if note == self._note:
                await self.run.more_events(events)
            self._note, events = note, self.run.event_count
            size = await work.off_loop(partial(self.update, note))
            pause = static_copy.pause_s(time.monotonic() - self._shown_at, size, can_draw=can_draw)

    def _on_end(self) -> None:
        self.ended = True
        if self._saving is not None:
            self._saving.cancel()
        self.update()
        self.held = self.run.held_bytes()
        self._displays.on_ended(self)

    def _on_addition(self) -> None:
        self.update()
        self.held = self.run.held_bytes()


class NotebookDisplays:
    """Shows the runs of this kernel's notebook.

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
        if self.in_kernel:
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
        return current_place(self._shell, self._latest) if self.in_kernel else Place()

    def close(self, run: Run) -> None:
        """Close the run's live views."""
        with _lock:
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

    def publish(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any],
        display_id: str | None = None,
        update: bool = False,
        place: Place | None = None,
    ) -> None:
        """Publish display data.

        Args:
            data: by MIME type.
            metadata: of the output.
            display_id: id by which the output can be updated.
            update: update the outputs of that id instead of adding one.
            place: where a new output goes; by default where the kernel puts it.
        """
        assert self._publisher is not None, "there is no notebook to publish to"
        transient = {"display_id": display_id} if display_id else {}
        if place is None or place.is_current:
            self._publisher.publish(data, metadata, transient=transient, update=update)
        else:
            publish_for(
                place.request,
                self._publisher,
                {"data": data, "metadata": metadata, "transient": transient},
            )

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
        place = self._latest = place_of(self._shell.get_parent())
        with _lock:
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
        with _lock:
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
            code = self._shell.get_parent().get("content", {}).get("code") if self.in_kernel else ""
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

"""`RunDisplay`: the outputs of one run in a Jupyter notebook."""

import asyncio
import concurrent.futures
import contextvars
import threading
import time
import uuid
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from IPython.display import display

from nbagent.notebook import static_copy
from nbagent.notebook.front_end import FrontEnd
from nbagent.notebook.place import Place
from nbagent.notebook.publisher import Publisher
from nbagent.notebook.static_copy import NO_VIEW_NOTE, OUTPUTS_PART, StaticCopy
from nbagent.notebook.widget import ANY_CLIENT, TranscriptWidget
from nbagent.run import Run
from nbagent.run.options import is_stable
from nbagent.runtime import loop, work

LOCK = threading.RLock()
"""Held while displays come or go."""

CLOSED_NOTE = (
    "The live view was closed to free memory. <code>nbagent.show(run)</code> shows it again, "
    "while you keep the run."
)
"""HTML of the line above the copy of a run that was closed for `MAX_HELD_BYTES`.

A button would need a script.
"""


class Displays(Protocol):
    """All displays of a notebook, as one of them sees them.

    Attributes:
        publisher: of the notebook's outputs.
    """

    publisher: Publisher

    def front_end(self) -> FrontEnd:
        """Return the widget that the runs' widgets load the front end from."""
        ...

    def shows(self, run: Run) -> bool:
        """Return True if the run has a live view."""
        ...

    def forget(self, shown: "RunDisplay") -> None:
        """Drop a display whose widget is closed."""
        ...

    def on_ended(self, shown: "RunDisplay") -> None:
        """Note that the run of a display has ended and its static copy was sent."""
        ...


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

    def __init__(self, run: Run, dom_key: str, place: Place, displays: Displays) -> None:
        self.run = run
        self.dom_key = dom_key
        self.cells: list[str] = []
        self.executions: set[str] = set()
        self.ordinal = 1
        self.ended = False
        self.held: dict[int, int] = {}
        self._place = place
        self._displays = displays
        self._publish = displays.publisher.publish
        self._display_id = uuid.uuid4().hex
        # A widget's id is random, so an output that is the same in each execution has no live view.
        self._has_view = not (is_stable() and displays.publisher.in_kernel)
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
        if not self._displays.publisher.in_kernel:
            display(self._widget)
            return
        if self._widget is not None:
            self._publish(*self._view(), place=place)
        if not place.in_output:
            self.show_copy(place)

    def show_copy(self, place: Place) -> None:
        """Publish the static copy as an output of its own."""
        with self._copy_lock:
            self._has_copy = True
            self._publish(*self._copy.bundle(), self._display_id, place=place)

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
            contextvars.Context().run(self._publish, data, metadata, self._display_id, update=True)
            if self._has_view:
                self.run.copied(metadata["nbagent"]["events"])
            return sum(len(text.encode()) for text in data.values())

    def close(self) -> None:
        """Close the live views and free what the kernel holds for them."""
        with LOCK:
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

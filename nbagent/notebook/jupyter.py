"""A run in a notebook: its live widget, its static twin in the output below, and how long each of them lives.

The widget is for now; the twin is what the saved notebook keeps. Twins stay. Widgets hold memory in the kernel and in the page,
so they go: with the next execution of their cell, with `run.close()`, and when there are `KEPT` newer ones.
"""

import contextlib
import contextvars
import hashlib
import os
import secrets
import threading
import uuid
from typing import Any

from IPython import get_ipython
from IPython.display import display

from nbagent.notebook.widget import TranscriptWidget
from nbagent.render.html import transcript_html
from nbagent.run import Run

KEPT = 20
"""Ended runs that keep a live widget; a running one always does."""

FIRST_SAVE = 100.0
"""Seconds after which a run that still goes on is written into its twin: before JupyterLab's own save, which comes every 120.
Again after 200, 400, … more, so that all of these together cost no more than the last one."""

_lock = threading.RLock()


def draw(run: Run) -> None:
    """Show a run in the cell that is executed now, live and for the saved notebook; once more in one execution does no harm.

    A run whose widget was closed gets a fresh one. From then on `run` as a cell's last expression draws it again.
    """
    with _lock:
        book, first = _book(), run.view is None
        run.view = lambda: draw(run)
        book.draw(run)
    if first:  # and not again: a run that was closed may be shown once more
        run.on_close(lambda: book.close(run))


class Drawing:
    """One widget and its twin, in every cell where they are shown.

    Args:
        run: the run.
        mark: what its views and its twin know each other by in the page.
        book: keeps it.
    """

    def __init__(self, run: Run, mark: str, book: "Book") -> None:
        self.run = run
        self.mark = mark
        self.cells: list[str] = []
        self.executions: set[str] = set()
        self.ended = False
        self._book = book
        self._display_id = uuid.uuid4().hex
        self._widget: TranscriptWidget | None = TranscriptWidget(run, mark)
        self._shown = False
        self._twin_lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def follow(self) -> None:
        """Keep the twin up to date: now and then while the run goes on, and whole at its end."""
        self._save_in(FIRST_SAVE)
        self.run.on_end(self._end)

    def show(self) -> None:
        """Two outputs: the widget, and below it the twin."""
        assert self._widget is not None, "a closed widget is not shown again"
        if not self._book.in_kernel:
            display(self._widget)
            return
        bundle: Any = self._widget._repr_mimebundle_()
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        # Whoever cannot draw the widget draws this, which is nothing: the twin has it all.
        self._book.publish({**data, "text/html": "<span></span>", "text/plain": f"nbagent: {self.run.name}"})
        with self._twin_lock:
            self._shown = True
            self._book.publish(self._twin(), self._display_id)

    def update(self) -> None:
        """Send the twin as it is now to the outputs that are there."""
        with self._twin_lock:
            if self._shown and self.cells:
                # Outside of every context it belongs to the cell that is executed now: nbclient hears nothing else, and
                # JupyterLab goes by the display id.
                contextvars.Context().run(self._book.publish, self._twin(), self._display_id, update=True)

    def close(self) -> None:
        """The live views go; in the kernel nothing is left of them."""
        with _lock:
            widget, self._widget = self._widget, None
            self._book.forget(self)
        if widget is not None:
            self.run.detach(widget)
            layout = widget.layout
            widget.close()
            layout.close()

    def _save_in(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._save, (seconds,))
        self._timer.daemon = True
        self._timer.start()

    def _save(self, seconds: float) -> None:
        self.update()
        if not self.ended:
            self._save_in(2 * seconds)

    def _end(self) -> None:
        self.ended = True
        if self._timer is not None:
            self._timer.cancel()
        self.update()
        self._book.ended(self)

    def _twin(self) -> dict[str, str]:
        blocks = self.run.snapshot()
        status = blocks[0]["status"]
        return {"text/html": transcript_html(blocks, dom_key=self.mark), "text/plain": f"nbagent: {self.run.name}, {status}"}


class Book:
    """What is drawn in this kernel's notebook.

    Args:
        shell: IPython, if it runs.
    """

    def __init__(self, shell: Any) -> None:
        self.in_kernel = getattr(shell, "kernel", None) is not None
        self._shell = shell
        # Held, because `%%capture` puts another in its place for a while.
        self._publisher = getattr(shell, "display_pub", None)
        self._live: list[Drawing] = []  # the one shown last is the last
        self._unheard: list[Drawing] = []
        self._marks: dict[str, str] = {}  # and the execution that uses it
        self._elsewhere: set[str] = set()  # marks that stand in another cell too than the one they are named for
        self._idle = False
        if self.in_kernel:
            shell.events.register("pre_run_cell", self._cell_starts)
            shell.events.register("post_run_cell", self._cell_ends)

    def draw(self, run: Run) -> None:
        """Show the run in this cell, unless this execution has done so."""
        cell, execution = self._now()
        drawing = self._drawing_of(run)
        if drawing is None:
            drawing = Drawing(run, self._mark(cell, execution), self)
            self._live.append(drawing)
            drawing.follow()
        if execution and execution in drawing.executions:
            return
        if drawing.cells and cell not in drawing.cells:
            self._elsewhere.add(drawing.mark)
        drawing.cells.append(cell)
        drawing.executions.add(execution)
        self._live.remove(drawing)
        self._live.append(drawing)
        drawing.show()
        self._keep_few()

    def close(self, run: Run) -> None:
        """Its live views go."""
        with _lock:
            drawing = self._drawing_of(run)
        if drawing is not None:
            drawing.close()

    def _drawing_of(self, run: Run) -> Drawing | None:
        return next((drawing for drawing in self._live if drawing.run is run), None)

    def publish(self, data: dict[str, Any], display_id: str | None = None, update: bool = False) -> None:
        """Send display data.

        Args:
            data: by MIME type.
            display_id: what the output can be updated by.
            update: to the outputs of that id, instead of a new one.
        """
        assert self._publisher is not None, "there is no notebook to publish to"
        self._publisher.publish(data, {}, transient={"display_id": display_id} if display_id else {}, update=update)

    def forget(self, drawing: Drawing) -> None:
        """Its widget is closed."""
        with contextlib.suppress(ValueError):
            self._live.remove(drawing)

    def ended(self, drawing: Drawing) -> None:
        """Its run has ended, and its twin was sent."""
        with _lock:
            # A front end that names no cells, as nbclient, takes no update between two of them.
            if self._idle and "" in drawing.cells:
                self._unheard.append(drawing)
            self._keep_few()

    def _keep_few(self) -> None:
        ended = [drawing for drawing in self._live if drawing.ended]
        for drawing in ended[: max(0, len(ended) - KEPT)]:
            drawing.close()

    def _cell_starts(self, *_: Any) -> None:
        cell, _execution = self._now()
        with _lock:
            self._idle = False
            again = [drawing for drawing in self._live if cell and cell in drawing.cells]
            unheard, self._unheard = self._unheard, []
        for drawing in again:
            drawing.cells = [each for each in drawing.cells if each != cell]
            if not drawing.cells:
                drawing.close()
        for drawing in unheard:
            drawing.update()

    def _cell_ends(self, *_: Any) -> None:
        self._idle = True

    def _mark(self, cell: str, execution: str) -> str:
        """A name in the page: the same each time the cell is executed, and not that of another cell or notebook."""
        if not cell:
            return secrets.token_hex(8)
        # A copy of a notebook has the same cell ids. Hashed, because the session's name may be a path.
        session = os.environ.get("JPY_SESSION_NAME", "")
        stem = hashlib.sha256(f"{session}\n{cell}".encode()).hexdigest()[:12]
        ordinal = 1
        while (mark := f"{stem}-{ordinal}") in self._elsewhere or self._marks.get(mark) == execution:
            ordinal += 1
        self._marks[mark] = execution
        return mark

    def _now(self) -> tuple[str, str]:
        """The cell that is executed and its execution's id; empty where the front end does not say."""
        parent = self._shell.get_parent() if self.in_kernel else {}
        return str(parent.get("metadata", {}).get("cellId") or ""), str(parent.get("header", {}).get("msg_id") or "")


_books: dict[int, Book] = {}


def _book() -> Book:
    """The book of the shell that runs, opened on first use."""
    shell = get_ipython()
    if id(shell) not in _books:
        _books[id(shell)] = Book(shell)
    return _books[id(shell)]

"""Widget that shows one run in a notebook cell.

The messages are declared in `nbagent.protocol.messages`, their order and pace in
`nbagent.pump.remote_channel`. This module connects them to the widget's comm, and handles the
commands to the run. Nothing that grows is a synced trait.
"""

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

import anywidget
import traitlets

from nbagent.notebook.broadcast import BroadcastReader
from nbagent.notebook.early_messages import EarlyCommListener
from nbagent.notebook.front_end import STATIC, FrontEnd
from nbagent.notebook.kernel_context import publish_without_parent
from nbagent.notebook.restore import repeat_state
from nbagent.notebook.static_copy import COPY_PART, OUTPUTS_PART, PagedJson
from nbagent.printable import printable_line
from nbagent.protocol.json_size import truncate_to_bytes
from nbagent.protocol.messages import Command
from nbagent.pump import RemoteChannel
from nbagent.run import Run
from nbagent.runtime import work

_NO_PARTS = {"loader.js", "page.js"}  # sent with each run, and by the server
PARTS = {path.name: path for path in STATIC.glob("*.js") if path.name not in _NO_PARTS}
"""Files of the front end that a view may ask for."""
if (_plotly := find_spec("plotly")) is not None and _plotly.origin is not None:
    # it draws plotly's figures
    PARTS["plotly.js"] = Path(_plotly.origin).parent / "package_data" / "plotly.min.js"


ANY_CLIENT = "*"
"""Id for every page, of which the first that lacks a run's outputs adds them to its cell."""


class TranscriptWidget(anywidget.AnyWidget):
    """Widget that draws one run. It reads the run's transcript and holds nothing of its own.

    Args:
        run: the run to draw.
        dom_key: key of the run in the page's DOM, which may hold several notebooks; the run's id by
            default.
        front_end: hidden widget that holds the front end; None if this widget carries it itself.
        client: id of the client that shows it in a cell; `ANY_CLIENT` for every one; empty if
            unknown, or if something else than a cell shows it.
        saved: returns what a view puts into the notebook, by part name; None where there is no
            static copy.
    """

    # A text: of a path, anywidget keeps every instance alive
    # (https://github.com/manzt/anywidget/issues/929).
    _esm = traitlets.Unicode().tag(sync=True)
    _anywidget_id = traitlets.Unicode(f"{__name__}.TranscriptWidget").tag(sync=True)
    layout = traitlets.Any(None).tag(sync=True)
    """Always None: a Layout is a widget of its own with 50 traits, and this view fills its cell."""
    run_id = traitlets.Unicode().tag(sync=True)
    dom_key = traitlets.Unicode().tag(sync=True)
    head = traitlets.Any().tag(sync=True, to_json=lambda _, widget: widget._head())
    """Content of the header before the first message.

    It is read when a page asks for the state and never sent by itself, since a page that is there
    has the run's messages.
    """
    front_end = traitlets.Unicode(None, allow_none=True).tag(sync=True)
    client = traitlets.Unicode().tag(sync=True)
    broadcast = traitlets.Unicode().tag(sync=True)
    """Name of the `BroadcastChannel` of a view's messages; empty where they come by the comm."""
    from_start = traitlets.Bool(True).tag(sync=True, to_json=lambda _, widget: widget.comm is None)
    """True if a page that has this state gets every message: in the state that opens the comm,
    never again.
    """

    def __init__(
        self,
        run: Run,
        dom_key: str = "",
        front_end: FrontEnd | None = None,
        client: str = "",
        saved: Callable[[str], Any] | None = None,
    ) -> None:
        self._run = run
        self._front_end = front_end
        self._saved = PagedJson(saved) if saved else None
        self._messages_heard = 0
        super().__init__(
            _esm=(STATIC / ("loader.js" if front_end else "widget.js")).read_text("utf-8"),
            run_id=run.id,
            dom_key=dom_key or run.id,
            front_end=front_end and front_end.model_id,
            client=client,
            broadcast=f"nbagent-{uuid4().hex}" if work.in_page() else "",
        )
        self._channel: RemoteChannel = run.connect(self)
        listener = EarlyCommListener(self.comm, self._on_view_message)
        self.on_msg(lambda _widget, message, _buffers: listener.on_delivered(message))
        self._reader = (
            BroadcastReader(self.broadcast, self._on_view_message) if self.broadcast else None
        )
        repeat_state(self, lambda: self._messages_heard)

    def add_traits(self, **traits: Any) -> None:
        """Add traits, except those that the class has.

        anywidget gives each instance its `_anywidget_id`, and traitlets makes a class for it: a
        seventh of the time to show a run.
        """
        missing = {name: trait for name, trait in traits.items() if not self.has_trait(name)}
        if missing:
            super().add_traits(**missing)

    def send(self, content: dict[str, Any], buffers: Any = None) -> None:
        """Send a message to the views, on any thread."""
        publish_without_parent(partial(super().send, content, buffers))

    def close(self) -> None:
        """Close the views in all pages, and let go of the run."""
        if self.comm is not None:
            self._run.detach(self)
            if self._reader is not None:
                self._reader.close()
        super().close()

    def introduce(self) -> bool:
        """Send a snapshot as if a view had asked for it, unless one has sent a message.

        Returns:
            True if this may be needed again: no view has sent a message, and the run goes on.
        """
        if not self._messages_heard:
            self._channel.receive({"t": "hello"})
        return not (self._messages_heard or self._run.done)

    def page(self, name: str, offset: int, max_bytes: int) -> tuple[str, int]:
        """Return a page of a file of the front end, of outputs, or of a large value of the run; see
        `Run.page`.

        Raises:
            LookupError: nothing has that name.
        """
        if self._saved is not None and name.startswith((COPY_PART, OUTPUTS_PART)):
            return self._saved.page(name, offset, max_bytes)
        if name not in PARTS:
            return self._run.page(name, offset, max_bytes)
        try:
            text = PARTS[name].read_text("utf-8")
        except OSError as error:
            raise LookupError(
                f"{name} cannot be read ({error.strerror}): is nbagent installed whole?"
            ) from error
        return truncate_to_bytes(text, offset, max_bytes)[0], len(text)

    def command(self, command: Command) -> None:
        """Do what the reader asked of the run."""
        self._run.take(command)

    def _head(self) -> dict[str, Any]:
        root = self._run.snapshot()[0]
        return {key: root.get(key) for key in ("name", "model", "status", "started")}

    def _on_view_message(self, message: Any) -> None:
        # Runs on any thread (the kernel's own, while a cell blocks the main one): it only hands
        # over.
        self._messages_heard += 1
        if self._front_end is not None:
            self._front_end.on_view_message(
                is_greeting=isinstance(message, dict) and message.get("t") == "hello"
            )
        self._channel.receive(message)

    def __repr__(self) -> str:
        # Shown in place of a widget that cannot be drawn, as it was when the cell ran.
        return f"nbagent: {printable_line(self._run.name)} (run the cell again to see it)"

"""The transcript as a widget in a notebook cell.

The messages are declared in `nbagent.protocol.messages`, their order and pace in `nbagent.pump.remote_channel`; here are the
comm that carries them and what a view may ask of the run. Nothing that grows is a synced trait.
"""

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from nbagent.notebook.restore import repeat_state
from nbagent.protocol.json_size import truncate_to_bytes
from nbagent.protocol.messages import Command, Stop
from nbagent.pump import RemoteChannel
from nbagent.run import Run
from nbagent.runtime.kernel import Ear

STATIC = Path(__file__).parent.parent / "static"
PARTS = {name: STATIC / name for name in ("math.js", "highlight.js", "inspector.js")}
"""Heavier pieces of the front end, read page by page on first need."""


class TranscriptWidget(anywidget.AnyWidget):
    """Draws one run. Made by `show()`; it reads the run's transcript and holds nothing of its own.

    Args:
        run: the run to draw.
        mark: tells this run's views from all others in a page that may hold several notebooks; by default the run's id.
    """

    _esm = STATIC / "widget.js"
    _css = STATIC / "widget.css"
    run_id = traitlets.Unicode().tag(sync=True)
    mark = traitlets.Unicode().tag(sync=True)
    head = traitlets.Dict().tag(sync=True)

    def __init__(self, run: Run, mark: str = "") -> None:
        self._run = run
        self._heard = 0
        super().__init__(run_id=run.id, mark=mark or run.id, head=_head(run.snapshot()[0]))
        self._channel: RemoteChannel = run.connect(self)
        ear = Ear(self.comm, self._on_view_message)
        self.on_msg(lambda _widget, message, _buffers: ear.deliver(message))
        for shown in (self, self.layout):
            repeat_state(shown, lambda: self._heard)
        run.on_end(self._show_the_end)

    def introduce(self) -> bool:
        """Send all that has come, as if a view had asked for it, unless one has.

        Returns:
            Whether that may be needed again: no view has spoken, and the run goes on.
        """
        if not self._heard:
            self._channel.receive({"t": "hello"})
        return not (self._heard or self._run.done)

    def page(self, name: str, at: int, room: int) -> tuple[str, int]:
        """A page of a piece of the front end, or of something large of the run; see `Run.page`.

        Raises:
            LookupError: there is none of that name.
        """
        if name not in PARTS:
            return self._run.page(name, at, room)
        try:
            text = PARTS[name].read_text("utf-8")
        except OSError as error:
            raise LookupError(f"{name} cannot be read ({error.strerror}): is nbagent installed whole?") from error
        return truncate_to_bytes(text, at, room)[0], len(text)

    def command(self, command: Command) -> None:
        """Stop the run, or open or close a panel."""
        if isinstance(command, Stop):
            self._run.cancel()
        else:
            self._run.toggle(command.block, command.open)

    def _show_the_end(self) -> None:
        self.head = _head(self._run.snapshot()[0])  # what a notebook saved with its widgets' state will say

    def _on_view_message(self, message: Any) -> None:
        # May run on any thread (the kernel's own, while a cell blocks the main one): hand over, touch nothing else.
        self._heard += 1
        self._channel.receive(message)

    def __repr__(self) -> str:
        # Where the widget cannot be drawn this line stands in its place, as it was when the cell ran.
        return f"nbagent: {self._run.name} (run the cell again to see it)"


def _head(root: dict[str, Any]) -> dict[str, Any]:
    """What the header shows before the first message: the least that is worth a synced trait."""
    return {key: root.get(key) for key in ("name", "model", "status", "started")}

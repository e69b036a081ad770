"""The transcript as a widget in a notebook cell.

The view and the kernel speak JSON messages over the widget's comm, never with a top-level `id` (ipykernel 7.4 keeps those for
ever), and nothing that grows is a synced trait:

    kernel → view   {"t": "ops", "seq", "now", "ops"}   {"t": "snapshot", "seq", "now", "blocks"}
                    {"t": "part", "name", "text" or "error"}
    view → kernel   {"t": "hello", "have"}   {"t": "resync"}   {"t": "ack", "seq"}   {"t": "stop"}
                    {"t": "toggle", "block", "open"}   {"t": "need", "name"}

Batches carry a sequence number; a view that starts, or sees a gap, asks for one snapshot. `now` is the kernel's clock (seconds
since the epoch): the view measures durations by it.
"""

import time
from pathlib import Path
from typing import Any

import anywidget
import msgspec
import traitlets

from nbagent.kernel import Ear
from nbagent.pump import Channel
from nbagent.run import Run
from nbagent.transcript import ROOT

STATIC = Path(__file__).parent.parent / "static"
PARTS = {"math.js": STATIC / "math.js", "highlight.js": STATIC / "highlight.js"}
"""Heavier pieces of the front end, sent on first need."""

INLINE = 8 * 1024
"""Bytes of a rich result that travel with its block; a larger one is sent when its panel is first opened."""


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
        super().__init__(run_id=run.id, mark=mark or run.id, head=_head(run.snapshot()[0]))
        self._channel: Channel = run.attach(self)
        ear = Ear(self.comm, self._on_view_message)
        self.on_msg(lambda _widget, message, _buffers: ear.deliver(message))

    def draw(self, seq: int, ops: list[list[Any]]) -> None:
        """Send one batch."""
        self.send({"t": "ops", "seq": seq, "now": time.time(), "ops": [_slim_op(op) for op in ops]})
        if ["close", ROOT] in ops:
            self.head = _head(self._run.snapshot()[0])  # what a notebook saved with its widgets' state will say

    def redraw(self, seq: int) -> None:
        """Send the whole transcript."""
        blocks = [_slim(block["id"], block) for block in self._run.snapshot()]
        self.send({"t": "snapshot", "seq": seq, "now": time.time(), "blocks": blocks})

    def _on_view_message(self, message: dict[str, Any]) -> None:
        # May run on any thread (the kernel's own, while a cell blocks the main one): hand over, touch nothing else.
        match message:
            case {"t": "hello" | "resync"}:
                self._channel.redraw()
            case {"t": "ack", "seq": int(seq)}:
                self._channel.ack(seq)
            case {"t": "stop"}:
                self._run.cancel()
            case {"t": "toggle", "block": str(block), "open": bool(is_open)}:
                self._run.toggle(block, is_open)
            case {"t": "need", "name": str(name)}:
                self.send({"t": "part", "name": name, **self._part(name)})

    def _part(self, name: str) -> dict[str, Any]:
        if name in PARTS:
            try:
                return {"text": PARTS[name].read_text("utf-8")}
            except OSError as error:
                return {"error": f"{name} cannot be read ({error.strerror}): is nbagent installed whole?"}
        kind, _, rest = name.partition("/")
        block, _, mime = rest.partition("/")
        result = self._run.result_of(block) if kind == "result" else {}
        if mime not in result:
            return {"error": f"no such part: {name}"}
        payload = result[mime]
        return {"text": payload if isinstance(payload, str) else msgspec.json.encode(payload).decode()}

    def __repr__(self) -> str:
        # Where the widget cannot be drawn this line stands in its place, as it was when the cell ran.
        return f"nbagent: {self._run.name} (run the cell again to see it)"


def _head(root: dict[str, Any]) -> dict[str, Any]:
    """What the header shows before the first message: the least that is worth a synced trait."""
    return {key: root.get(key) for key in ("name", "model", "status", "started")}


def _slim_op(op: list[Any]) -> list[Any]:
    return [*op[:-1], _slim(op[1], op[-1])] if op[0] in ("open", "set") else op


def _slim(id: str, props: dict[str, Any]) -> dict[str, Any]:
    """The props with a rich result's larger payloads replaced by the name to ask for them by."""
    result = props.get("result")
    if not isinstance(result, dict):
        return props
    return {**props, "result": {mime: _payload(id, mime, payload) for mime, payload in result.items()}}


def _payload(id: str, mime: str, payload: Any) -> Any:
    size = len(payload) if isinstance(payload, str) else len(msgspec.json.encode(payload))
    return payload if size <= INLINE else {"part": f"result/{id}/{mime}", "size": size}

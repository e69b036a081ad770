"""The static copy of a run in the saved notebook: what it holds, and when it is sent again.

A front end may lose an update: Jupyter's server drops messages beside a flood of prints, and
JupyterLab forgets an output's display id when the page is loaded again, the notebook is reopened or
the cell is moved. So each copy says how many events it holds, and the run's prop `copied` says how
many the latest one holds. A view that finds fewer in the notebook reads the copy page by page, and
puts it there itself (js/src/static-copy.ts). When the kernel has died, a view adds what it alone
has then.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nbagent.blocks.fields import text_of
from nbagent.protocol.blocks import STREAMED_FIELDS
from nbagent.protocol.json_size import truncate_to_bytes
from nbagent.render.static_copy import static_copy
from nbagent.run import Run

FIRST_SAVE_S = 3.0
"""Seconds after which the copy of a run that still goes on is sent for the first time: a short
answer has ended by then. A page from which no view has sent a message until then is taken for one
that cannot draw widgets.
"""
GROWTH = 3
"""Factor by which the seconds have grown when the copy is sent again.

So all copies of a steady run take at most one and a half times the bytes of the last one.
"""
FALLBACK_INTERVAL_S = 1.0
"""Seconds between two copies, at least, in a page that cannot draw widgets."""
FALLBACK_BYTES_PER_S = 50_000
"""Bytes of copies that are sent in a second, at most, in a page that cannot draw widgets."""

NO_VIEW_NOTE = (
    "This page cannot draw the live view. Run <code>pip install anywidget</code> in the "
    "environment in which JupyterLab itself "
    "runs, and load the page again. Until then this copy is updated from time to time."
)
"""HTML of the line that says why nothing streams."""

COPY_PART, OUTPUTS_PART = "static-copy/", "outputs/"
"""Prefixes of the part names by which a view asks for the copy, or for all outputs of a cell that
has lost them. A version follows, such as the number of events that the view knows of.
"""


def pause_s(seconds: float, size: int, *, can_draw: bool) -> float:
    """Return the seconds until the copy of a run that goes on may be sent again.

    Args:
        seconds: since the run was shown, when the last copy was sent.
        size: bytes of that copy.
        can_draw: whether the page can draw the live view, as far as is known.
    """
    if can_draw:
        return (GROWTH - 1) * seconds
    return max(FALLBACK_INTERVAL_S, size / FALLBACK_BYTES_PER_S)


def content(blocks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what a copy of these blocks holds, for a view that may have more.

    Args:
        blocks: what `run.snapshot()` gives, the run first.

    Returns:
        The numbers of `events` and `blocks`, the run among them. Where blocks are not closed, also
        `open`: by their ids, the characters (Unicode code points) of their texts that grow.
    """
    held: dict[str, Any] = {"events": blocks[0]["events"], "blocks": len(blocks)}
    sizes = {}
    for block in blocks[1:]:
        if not block["closed"]:
            sizes[block["id"]] = sum(len(text_of(block, field)) for field in STREAMED_FIELDS)
    if sizes:
        held["open"] = sizes
    return held


class StaticCopy:
    """Static copy of one run, as display data.

    Args:
        run: the run.
        dom_key: key that the run's views and its copy have in the page's DOM; empty if there is no
            view.
    """

    def __init__(self, run: Run, dom_key: str) -> None:
        self.run = run
        self.dom_key = dom_key

    def bundle(self, note: str = "") -> tuple[dict[str, str], dict[str, Any]]:
        """Return the data by MIME type, and the metadata. These tell a view what the data holds.

        Args:
            note: HTML of a line above the transcript.
        """
        blocks = self.run.snapshot()
        data = static_copy(blocks, dom_key=self.dom_key, stable=self.run.stable, note=note)
        return data, {"nbagent": content(blocks)} if self.dom_key else {}


class PagedJson:
    """Pages of JSON values that a view reads one after another, made for the first page of each
    name.

    Args:
        make: returns the value of that name.
    """

    def __init__(self, make: Callable[[str], Any]) -> None:
        self._make = make
        self._read: tuple[str, str] | None = None

    def page(self, name: str, offset: int, max_bytes: int) -> tuple[str, int]:
        """Return a page of the value's JSON, and the characters in all of it.

        Args:
            name: of the value.
            offset: of the page's first character.
            max_bytes: bytes of JSON that the page may take.

        Raises:
            LookupError: another value was read since the first page, or none has that name.
        """
        if self._read is None or self._read[0] != name:
            if offset:
                raise LookupError("another value is being read: begin anew")
            self._read = (name, json.dumps(self._make(name), ensure_ascii=False))
        text = self._read[1]
        page, _ = truncate_to_bytes(text, offset, max_bytes)
        if offset + len(page) >= len(text):
            self._read = None
        return page, len(text)

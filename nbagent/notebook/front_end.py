"""The page's front end: its script, in a hidden widget of which each kernel has one.

anywidget sends, stores and evaluates the script of every widget, and a browser never frees a module
(https://github.com/manzt/anywidget/issues/613). So each run's widget carries a loader of 2 KB
(`js/src/loader.ts`). It takes the front end from the page or, the first time in a page, from this
widget's state, which the page has before the first run's widget: a cell that blocks right after
`show()` draws all the same. A loader that cannot reach this widget asks its run's kernel for the
part `widget.js`.
"""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import traitlets
from ipywidgets import Widget  # type: ignore[import-untyped]

from nbagent.notebook.restore import repeat_state

STATIC = Path(__file__).parent.parent / "static"
"""Folder of the built front end."""


class FrontEnd(Widget):  # type: ignore[misc]  # ipywidgets has no types
    """Widget without a view whose state holds the front end, packed with gzip: a third of the text.

    A page frees its copy once it is evaluated.

    Args:
        on_first_view: called on any thread when the first view of any run has sent a message.

    Attributes:
        greetings: number of views in pages that have drawn since the kernel started.
        can_draw: whether a view of any run has sent a message.
    """

    source = traitlets.Bytes().tag(sync=True)

    def __init__(self, on_first_view: Callable[[], object] = lambda: None) -> None:
        self.greetings = 0
        self.can_draw = False
        self._on_first_view = on_first_view
        super().__init__(source=gzip.compress((STATIC / "widget.js").read_bytes(), 6))
        repeat_state(self, lambda: self.greetings)

    def on_view_message(self, *, is_greeting: bool) -> None:
        """Take note of a message that a view has sent."""
        self.greetings += is_greeting
        first, self.can_draw = not self.can_draw, True
        if first:
            self._on_first_view()

    @property
    def is_open(self) -> bool:
        """True if the pages still have it; `ipywidgets.Widget.close_all()` closes it too."""
        comm: Any = self.comm
        return comm is not None

"""Figures that a tool draws with pyplot, kept for its panel instead of shown under the cell.

pyplot's figures belong to the process: Jupyter's inline backend shows all that are open when a cell ends. Matplotlib calls
the functions in `rcParams["figure.hooks"]` for each new figure, in the thread and context that makes it, which is how a figure
is told from one of another tool or of the reader's own code.
https://matplotlib.org/stable/users/prev_whats_new/whats_new_3.7.0.html#figure-hooks
"""

import contextlib
import contextvars
import sys
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any

_HOOK = f"{__name__}:on_new_figure"

_collector: contextvars.ContextVar["PyplotFigures | None"] = contextvars.ContextVar("nbagent-figures", default=None)
_lock = threading.Lock()
_entered = 0


class PyplotFigures:
    """Collector of the figures that are made in its `with` block, and in threads that have a copy of its context.

    At the end of the block the figures are closed, so that nothing else shows them.

    Attributes:
        figures: the figures that were open at the end, or were shown with `plt.show()`. Ones without content are left out.
    """

    def __init__(self) -> None:
        self.figures: list[Any] = []
        self._made: list[Any] = []
        self._shown: list[Any] = []
        self._before: bool = False  # whether pyplot was there, and the hook sees each figure

    def __enter__(self) -> "PyplotFigures":
        self._before = _set_hook(+1)
        self._token = _collector.set(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        _collector.reset(self._token)
        _set_hook(-1)
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is None:
            return
        made = self._made if self._before else [pyplot.figure(number) for number in pyplot.get_fignums()]
        is_open = {id(figure) for figure in made if pyplot.fignum_exists(figure.number)}
        self.figures = [
            figure for figure in made if (id(figure) in is_open or figure in self._shown) and figure.axes and error is None
        ]
        for figure in made:
            if id(figure) in is_open:
                pyplot.close(figure)

    def add(self, figure: Any) -> None:
        """Note a new figure."""
        self._made.append(figure)

    def note_shown(self) -> None:
        """Note that the open figures were shown with `plt.show()`, which closes them."""
        pyplot = sys.modules["matplotlib.pyplot"]
        self._shown += [figure for figure in self._made if pyplot.fignum_exists(figure.number)]


def keep_back(data: Mapping[str, Any]) -> bool:
    """Return True for the MIME bundle of a figure that a tool shows: the figure itself becomes part of the call's result."""
    collector = _collector.get()
    if collector is None or not str(data.get("text/plain", "")).startswith("<Figure"):
        return False
    collector.note_shown()
    return True


def on_new_figure(figure: Any) -> None:
    """Hook of Matplotlib: give a new figure to the collector of this context, if there is one."""
    if (collector := _collector.get()) is not None:
        collector.add(figure)


def _set_hook(change: int) -> bool:
    """Set Matplotlib's hook for the first collector, and remove it after the last. Returns True if Matplotlib is loaded."""
    global _entered
    matplotlib: Any = sys.modules.get("matplotlib")
    with _lock:
        _entered += change
        hooks = getattr(matplotlib, "rcParams", {}).get("figure.hooks")
        if hooks is None:
            return False
        others = [hook for hook in hooks if hook != _HOOK]
        with contextlib.suppress(Exception):
            matplotlib.rcParams["figure.hooks"] = [*others, *([_HOOK] if _entered else [])]
    return True

"""Figures that a tool draws with pyplot, kept for its panel instead of shown under the cell.

pyplot's figures belong to the process: Jupyter's inline backend shows all that are open when a cell
ends. Matplotlib calls the functions in `rcParams["figure.hooks"]` for each new figure, in the
thread and context that makes it, which is how a figure is told from one of another tool or of the
reader's own code. While a tool runs that may import Matplotlib for the first time, a finder on
`sys.meta_path` waits for that.
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

_collector: contextvars.ContextVar["PyplotFigures | None"] = contextvars.ContextVar(
    "nbagent-figures", default=None
)
_lock = threading.Lock()
_entered = 0


class PyplotFigures:
    """Collector of the figures that are made in its `with` block, and in threads that have a copy
    of its context.

    At the end of the block the figures are closed, so that nothing else shows them.

    Attributes:
        figures: the figures that were open at the end, or were shown with `plt.show()`. Ones
            without content are left out.
    """

    def __init__(self) -> None:
        self.figures: list[Any] = []
        self._made: list[Any] = []
        self._shown: list[Any] = []

    def __enter__(self) -> "PyplotFigures":
        _enter(+1)
        self._token = _collector.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _collector.reset(self._token)
        _enter(-1)
        if not self._made:
            return
        pyplot = sys.modules["matplotlib.pyplot"]
        is_open = {id(figure) for figure in self._made if pyplot.fignum_exists(figure.number)}
        self.figures = [
            figure
            for figure in self._made
            if (id(figure) in is_open or figure in self._shown) and figure.axes and error is None
        ]
        for figure in self._made:
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
    """Return True for the MIME bundle of a figure that a tool shows: the figure itself becomes part
    of the call's result.
    """
    collector = _collector.get()
    if collector is None or not str(data.get("text/plain", "")).startswith("<Figure"):
        return False
    collector.note_shown()
    return True


def on_new_figure(figure: Any) -> None:
    """Hook of Matplotlib: give a new figure to the collector of this context, if there is one."""
    if (collector := _collector.get()) is not None:
        collector.add(figure)


class _PyplotImport:
    """Finder that finds no module.

    It sets the hook when pyplot is imported, by when Matplotlib itself has been.
    """

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> None:
        """Set the hook if the module is pyplot.

        The import system calls this before it looks for the module itself.
        """
        if name == "matplotlib.pyplot":
            _set_hook()


def _enter(change: int) -> None:
    """Watch for figures from the first collector on, and no longer after the last."""
    global _entered
    with _lock:
        _entered += change
        if _entered and _PyplotImport not in sys.meta_path:
            sys.meta_path.insert(0, _PyplotImport)
        elif not _entered:
            sys.meta_path.remove(_PyplotImport)
    _set_hook()


def _set_hook() -> None:
    """Set Matplotlib's hook while there are collectors, else remove it.

    Without Matplotlib do nothing.
    """
    matplotlib: Any = sys.modules.get("matplotlib")
    with _lock:
        hooks = getattr(matplotlib, "rcParams", {}).get("figure.hooks")
        if hooks is None:
            return
        others = [hook for hook in hooks if hook != _HOOK]
        with contextlib.suppress(Exception):
            matplotlib.rcParams["figure.hooks"] = [*others, *([_HOOK] if _entered else [])]

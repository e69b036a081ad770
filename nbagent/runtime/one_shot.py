"""An event that fires once, and its callbacks."""

import contextvars
import logging
import threading
from collections.abc import Callable

_log = logging.getLogger("nbagent")


class OneShotEvent:
    """An event that fires once and calls its callbacks.

    A callback that raises is logged, and the others are still called.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fired = False
        self._callbacks: list[tuple[contextvars.Context, Callable[[], object]]] = []
        self._firing_thread: int | None = None

    @property
    def in_callback(self) -> bool:
        """True if the calling thread is inside one of the callbacks."""
        return self._firing_thread == threading.get_ident()

    def add(self, callback: Callable[[], object]) -> None:
        """Call `callback` when the event fires; now, if it has fired.

        It runs on the thread that fires the event, in a copy of the current `contextvars` context:
        its output belongs to the cell that added it.
        """
        with self._lock:
            if not self._fired:
                self._callbacks.append((contextvars.copy_context(), callback))
                return
        _call(callback)

    def fire(self) -> None:
        """Call the callbacks. Only the first call does anything."""
        with self._lock:
            self._fired = True
            callbacks, self._callbacks = self._callbacks, []
        self._firing_thread = threading.get_ident()
        for context, callback in callbacks:
            context.run(_call, callback)
        self._firing_thread = None

    def __bool__(self) -> bool:
        return self._fired


def _call(callback: Callable[[], object]) -> None:
    try:
        callback()
    except Exception:
        _log.warning("the callback %r raised an exception", callback, exc_info=True)

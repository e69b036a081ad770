"""Something that happens once, and those who want to hear of it."""

import contextvars
import logging
import threading
from collections.abc import Callable

_log = logging.getLogger("nbagent")


class Moment:
    """It comes once. A callback that fails is logged and stops no other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._come = False
        self._callbacks: list[tuple[contextvars.Context, Callable[[], object]]] = []
        self._teller: int | None = None

    @property
    def is_told_here(self) -> bool:
        """Whether this thread is in one of the callbacks."""
        return self._teller == threading.get_ident()

    def add(self, callback: Callable[[], object]) -> None:
        """Call `callback` when the moment comes, or now if it has.

        It is called with the context variables of now, on whichever thread: what it displays belongs to this cell.
        """
        with self._lock:
            if not self._come:
                self._callbacks.append((contextvars.copy_context(), callback))
                return
        _call(callback)

    def come(self) -> None:
        """It happens; only the first time counts."""
        with self._lock:
            self._come = True
            callbacks, self._callbacks = self._callbacks, []
        self._teller = threading.get_ident()
        for context, callback in callbacks:
            context.run(_call, callback)
        self._teller = None

    def __bool__(self) -> bool:
        return self._come


def _call(callback: Callable[[], object]) -> None:
    try:
        callback()
    except Exception:
        _log.warning("%r failed", callback, exc_info=True)

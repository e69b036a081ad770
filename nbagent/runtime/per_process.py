"""Objects of which each process has one, made on first use."""

import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    """An object of which each process has one.

    A forked child makes its own: it has no copy of its parent's threads, and a lock that it copied
    may never be released.

    Args:
        make: makes the object. Called once in each process.

    Attributes:
        value: the object; None before the first `get()` in this process.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self.value: T | None = None
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def get(self) -> T:
        """Return the object, which the first call makes. Safe to call from any thread."""
        value = self.value
        if value is not None:
            return value
        with self._lock:
            if self.value is None:
                self.value = self._make()
            return self.value

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self.value = None

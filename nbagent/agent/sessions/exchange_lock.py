"""`ExchangeLock`: a session of this process answers one prompt at a time."""

import asyncio
import contextvars
import weakref
from typing import TypeAlias

from nbagent.runtime.per_process import PerProcess

Key: TypeAlias = tuple[int, str]
"""A session in this process: the identity of its store, and its id."""


class ExchangeLock(asyncio.Lock):
    """Held by the exchange of a session that goes on in this process.

    Attributes:
        exchange: its id, or None.
    """

    def __init__(self) -> None:
        super().__init__()
        self.exchange: str | None = None


_locks: PerProcess["weakref.WeakValueDictionary[Key, ExchangeLock]"] = PerProcess(
    weakref.WeakValueDictionary
)

ANSWERING: contextvars.ContextVar[frozenset[Key]] = contextvars.ContextVar(
    "nbagent_answering", default=frozenset()
)
"""The sessions whose answer the code is a part of."""


def exchange_lock(key: Key) -> ExchangeLock:
    """Return the lock of a session, the same for all who ask while one of them keeps it."""
    return _locks.get().setdefault(key, ExchangeLock())


def running_exchange(key: Key) -> str | None:
    """Return the id of the exchange of a session that goes on in this process, or None."""
    lock = _locks.get().get(key)
    return None if lock is None else lock.exchange

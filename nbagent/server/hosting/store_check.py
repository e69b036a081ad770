"""`StoreCheck`: whether a store takes something."""

import asyncio
import time

from nbagent.server.stores.event_store import EventStore, StoreFault

CHECK_TIMEOUT_S = 2.0
"""Seconds that the store has to take something before the server counts as not ready."""

CHECK_EVERY_S = 1.0
"""Seconds from one check of the store to the next, however many ask for it."""


class StoreCheck:
    """Checks a store now and then, however many ask.

    Args:
        store: to check.
    """

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._check: asyncio.Task[bool] | None = None
        self._checked = 0.0  # in monotonic seconds

    async def is_writable(self, wait_s: float = CHECK_TIMEOUT_S) -> bool:
        """Return True if the store took something lately, or does within some seconds."""
        if self._check is None or self._is_old(self._check):
            self._checked = time.monotonic()
            self._check = asyncio.create_task(self._write())
        await asyncio.wait([self._check], timeout=wait_s)
        return self._check.done() and self._check.result()

    async def close(self) -> None:
        """Wait for the end of a check that goes on."""
        if self._check is not None:
            await asyncio.wait([self._check])

    def _is_old(self, check: asyncio.Task[bool]) -> bool:
        return check.done() and time.monotonic() - self._checked > CHECK_EVERY_S

    async def _write(self) -> bool:
        try:
            await self._store.check_writable()
        except StoreFault:
            return False
        return True

"""`FollowedList`: the list of the runs of all processes, as it changes."""

import asyncio

from nbagent.server.stores.event_store import EventStore, RunList

NEXT_WAIT_S = 30.0
"""Seconds that one request for the next change waits."""

PAUSE_S = 0.1
"""Seconds from one reading of the list to the next: of many changes at once only the last is
read.
"""


class FollowedList:
    """The list of runs of a store, which all readers in this process share.

    Args:
        store: has the runs.

    Attributes:
        runs: the list as it is now.
        changed: is set, and replaced, when the list changes.
    """

    def __init__(self, store: EventStore) -> None:
        self.runs = RunList([], [])
        self.changed = asyncio.Event()
        self._store = store

    async def follow(self) -> None:
        """Keep the list as it is in the store, until cancelled.

        Raises:
            StoreUnreachable: the store does not answer.
        """
        while True:
            found = await self._store.listed(self.runs, NEXT_WAIT_S)
            if found != self.runs:
                self.runs = found
                self.changed.set()
                self.changed = asyncio.Event()
                await asyncio.sleep(PAUSE_S)

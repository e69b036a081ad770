"""`EventStore`: keeps the events of served runs, so that a reader can go on after its connection or its server has died."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredRun:
    """A run in a store.

    Attributes:
        id: of the run.
        agent: its agent's name.
        session: id of its session; None for a run that stands alone.
        owner: the process that it runs in; see `owner_id`.
        created: when it began, in seconds since the epoch.
        ended: whether its last event is stored.
    """

    id: str
    agent: str
    session: str | None
    owner: str
    created: float
    ended: bool = False


class EventStore(Protocol):
    """Keeps runs and their events. Its methods are safe on any thread, and may block for some milliseconds."""

    def begin(self, run: StoredRun) -> None:
        """Add a run."""
        ...

    def append(self, run_id: str, events: Sequence[tuple[int, bytes]], *, ended: bool) -> None:
        """Add events of a run: the number of each, ascending, and its JSON. `ended`: the last one is the run's last."""
        ...

    def read(self, run_id: str, after: int) -> list[tuple[int, bytes]]:
        """Return the events of a run after a number, at most some thousands of them."""
        ...

    def find(self, run_id: str) -> StoredRun | None:
        """Return a run; None if there is none of that id."""
        ...

    def newest(self, session: str) -> StoredRun | None:
        """Return the run of a session that began last; None if there is none."""
        ...

    def running(self) -> list[StoredRun]:
        """Return the runs that have not ended."""
        ...

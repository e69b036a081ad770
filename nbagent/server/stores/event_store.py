"""`EventStore`: keeps served runs, so that a reader can go on after its connection or its server
has died.

Several server processes may use one store. It then also notifies each of what the others add, hands
commands to the process that a run goes on in, and knows which processes are alive.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias, runtime_checkable

from nbagent.server.problem import Problem

WAITING = ""
"""Owner of a run that waits for a process to take it; see `WorkQueue`."""

MAX_GOING_ON = 200
"""Runs in a `RunList` at most that go on."""

MAX_ENDED = 50
"""Runs in a `RunList` at most that have ended."""

Rows: TypeAlias = list[tuple[int, bytes]]
"""Events of a run: the number of each, ascending, and its JSON."""

TakeCommand: TypeAlias = Callable[[bytes], Awaitable[bytes]]
"""Carries out a command, and returns the reply to it."""


class StoreFault(Problem):
    """The store cannot do what was asked.

    Args:
        message: what is wrong.
    """

    def __init__(self, message: str) -> None:
        super().__init__(503, message)


class StoreUnreachable(StoreFault):
    """The store does not answer at the moment, or has no room.

    What was asked may have been done: ask again.
    """


class StoreBroken(StoreFault):
    """The store has content that cannot be read, now or later."""


class RunMissing(Problem):
    """The store has no such run.

    Args:
        run_id: of the run.
    """

    def __init__(self, run_id: str) -> None:
        super().__init__(404, f"there is no run {run_id!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredRun:
    """A run in a store.

    Attributes:
        id: of the run.
        agent: its agent's name.
        session: id of its session; None for a run that stands alone.
        owner: the process that it runs in, as `EventStore.owner`; `WAITING` if none has taken it
            yet.
        created: when it began, in seconds since the epoch.
        ended: whether its last event is stored.
        prompt: first words of its prompt, as its readers may see them; "" if it has none.
    """

    id: str
    agent: str
    session: str | None
    owner: str
    created: float
    ended: bool = False
    prompt: str = ""


class RunList(NamedTuple):
    """The runs of all processes, the newest first.

    Attributes:
        going_on: runs that have not ended; at most `MAX_GOING_ON`, the newest.
        ended: runs that have; at most `MAX_ENDED`, the newest.
    """

    going_on: list[StoredRun]
    ended: list[StoredRun]


class Logouts(Protocol):
    """Keeps which browser sessions were ended before their time, for all server processes."""

    async def log_out(self, session: str, end: float) -> None:
        """Keep that a browser session was ended, until it would have ended by itself, in seconds
        since the epoch.
        """
        ...

    async def is_logged_out(self, session: str) -> bool:
        """Return True if a browser session was ended, by its id."""
        ...


class ChatPlace(NamedTuple):
    """The place where a chat of `useChat` is answered.

    Attributes:
        run: id of the run.
        message: id of the chat's message that the run goes on with; None if it begins one.
    """

    run: str
    message: str | None


class Chats(Protocol):
    """Keeps where the chats of `useChat` are answered, for all server processes."""

    async def keep_chat(self, chat: str, place: ChatPlace) -> None:
        """Keep the newest place of a chat; it may be forgotten when its run has ended."""
        ...

    async def find_chat(self, chat: str) -> ChatPlace | None:
        """Return the newest place of a chat; None if there is none."""
        ...


class EventStore(Logouts, Chats, Protocol):
    """Keeps runs and their events. Its methods are awaited on one event loop.

    Each may raise `StoreUnreachable`, and can then be called again with the same arguments: nothing
    is added twice. Each may raise `StoreBroken`: to ask again is in vain.

    Attributes:
        owner: id of this process, which no later process has.
    """

    owner: str

    async def begin(self, run: StoredRun) -> StoredRun | None:
        """Add a run.

        If another process has a run in its session that has not ended, return that one, and add
        nothing.
        """
        ...

    async def append(
        self, run_id: str, events: Sequence[tuple[int, bytes]], *, ended: bool
    ) -> bool:
        """Add events of a run: the number of each, ascending, and its JSON.

        Args:
            run_id: of the run.
            events: at least one. Those that are stored already are left out.
            ended: whether the last one is the run's last.

        Returns:
            False if the run has another end already, and nothing was added.

        Raises:
            RunMissing: there is no such run.
        """
        ...

    async def read(self, run_id: str, after: int, wait_s: float = 0.0) -> Rows:
        """Return the events of a run after a number, at most some thousands; wait some seconds for
        the first one.
        """
        ...

    async def find(self, run_id: str) -> StoredRun | None:
        """Return the run of that id; None if there is none."""
        ...

    async def of_session(self, session: str, count: int) -> list[StoredRun]:
        """Return the runs of a session that began last, at most so many, the newest first."""
        ...

    async def listed(self, known: RunList | None = None, wait_s: float = 0.0) -> RunList:
        """Return the list of runs; wait some seconds until it differs from one that is known."""
        ...

    async def next_in(self, session: str, after: str | None, wait_s: float) -> StoredRun | None:
        """Return the run of a session that began next after one, by its id, or as the first; wait
        some seconds for it.
        """
        ...

    async def is_alive(self, owner: str) -> bool:
        """Return True if that process may still go on."""
        ...

    async def abandoned(self) -> list[StoredRun]:
        """Return runs that have not ended, although their process has."""
        ...

    async def ask(self, owner: str, command: bytes, wait_s: float) -> bytes | None:
        """Give a process a command, and return its reply; None if none has come after some
        seconds.
        """
        ...

    async def serve(self, take: TakeCommand) -> None:
        """Be alive for other processes, and carry out the commands that they give to this one,
        until cancelled.
        """
        ...

    async def check_writable(self) -> None:
        """Write something to the store: it returns if runs can be kept."""
        ...

    async def close(self) -> None:
        """Leave the store. What is in it stays."""
        ...


@runtime_checkable
class WorkQueue(Protocol):
    """A store with runs that wait until any process that serves their agent has room for them."""

    async def put_work(self, run: StoredRun, job: bytes) -> StoredRun | None:
        """Add a run whose owner is `WAITING`, and what it is to do; see `EventStore.begin` for the
        result.

        Raises:
            Problem: too many wait already (503).
        """
        ...

    async def take_work(
        self, agents: Sequence[str], wait_s: float, room: Callable[[], int]
    ) -> list[tuple[StoredRun, bytes]]:
        """Return runs for this process, now their owner, with their jobs: at most one an agent.

        Wait some seconds for them.

        Args:
            agents: names of the agents whose runs it takes.
            wait_s: seconds to wait.
            room: returns how many runs it can take; asked again when they have come.

        Each run is given to one process. If that dies before it is the owner, another one gets the
        run. A run with an owner is not given again, because its tools may have run.
        """
        ...

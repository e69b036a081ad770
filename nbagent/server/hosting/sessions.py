"""`Sessions`: the sessions of the agents that a `Host` serves."""

import asyncio
import secrets
from collections.abc import Callable

from nbagent.agent.sessions.memory_store import MemoryStore
from nbagent.agent.sessions.session import Session
from nbagent.agent.sessions.store import Store
from nbagent.agent.tools.tool import in_thread
from nbagent.errors import SessionError
from nbagent.server.hosting.function_agent import ServedAgent
from nbagent.server.problem import Problem

MAX_LOOKUPS = 50
"""Requests for a session that are in their store at a time; further ones wait."""

LOOKUP_TIMEOUT_S = 10.0
"""Seconds for which a request waits for its session."""


class Sessions:
    """The sessions of agents.

    Their stores are asked in threads, so that a slow one stalls nobody else.

    Args:
        agent_named: returns an agent by the name that it is served under, or raises a `Problem`.
        max_sessions: in an agent's store; further ones are refused.
        store: keeps the sessions of the agents that keep theirs in memory; None leaves them there.
    """

    def __init__(
        self,
        agent_named: Callable[[str], ServedAgent],
        max_sessions: int,
        store: Store | None = None,
    ) -> None:
        self._agent_named = agent_named
        self._max_sessions = max_sessions
        self._store = store
        self._lookups = asyncio.Semaphore(MAX_LOOKUPS)

    async def new(self, agent: str) -> Session:
        """Return a new session with an agent. Its name cannot be guessed.

        Raises:
            Problem: there is no such agent (404), it has too many sessions, or their store does not
                answer (503).
        """
        return await self.open(agent, new_session_name())

    async def find(self, agent: str, name: str) -> Session:
        """Return a session.

        Raises:
            Problem: there is no such agent or session (404), or the store does not answer (503).
        """
        found = self._agent_named(agent)
        store = self._store_of(found)

        def look_up() -> Session:
            if store.find(name) is None:
                raise Problem(404, f"there is no session {name!r} with {agent}")
            return found.session(name, store=store)

        return await self._in_thread(look_up)

    async def open(self, agent: str, name: str) -> Session:
        """Return the session of a name, made if there is none.

        Raises:
            Problem: there is no such agent (404), it has too many sessions, or their store does not
                answer (503).
        """
        found = self._agent_named(agent)
        store = self._store_of(found)

        def open_it() -> Session:
            if store.count() >= self._max_sessions and store.find(name) is None:
                raise Problem(
                    503,
                    f"{agent} has {self._max_sessions:,} sessions already, which is the limit "
                    "max_sessions",
                )
            return found.session(name, store=store)

        return await self._in_thread(open_it)

    def _store_of(self, agent: ServedAgent) -> Store:
        return (
            self._store
            if self._store is not None and isinstance(agent.store, MemoryStore)
            else agent.store
        )

    async def _in_thread(self, look_up: Callable[[], Session]) -> Session:
        """Return the result of a look-up.

        One that lasts too long is given up; its thread ends later.
        """
        try:
            async with asyncio.timeout(LOOKUP_TIMEOUT_S), self._lookups:
                session: Session = await in_thread(look_up)
        except SessionError as error:
            raise Problem(503, str(error)) from error
        except TimeoutError as error:
            raise Problem(
                503, f"the store of the sessions has not answered in {LOOKUP_TIMEOUT_S:g} s"
            ) from error
        return session


def new_session_name() -> str:
    """Return a name for a session, which cannot be guessed."""
    return f"session-{secrets.token_urlsafe(12)}"

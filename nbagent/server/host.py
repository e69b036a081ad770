"""`Host`: the agents that are served, their sessions and their runs."""

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from nbagent.agent import Agent
from nbagent.agent.session import Session
from nbagent.errors import did_you_mean
from nbagent.gate import Reveal
from nbagent.run import Run
from nbagent.server.event_store import EventStore, StoredRun
from nbagent.server.hosted_run import JOIN_S, HostedRun
from nbagent.server.owner import owner_id
from nbagent.server.problem import Problem

MAX_ENDED_RUNS = 100
"""Ended runs whose events are kept in memory; those of older ones are read from the store again."""


class Host:
    """Runs agents for readers. It is used on the server's loop.

    Args:
        agents: by the names that they are served under.
        store: keeps the events of the runs.
        reveal: how much of a run may be seen by its readers; see `nbagent.show`.
        max_running: runs that may go on at a time; further ones are refused.
        cancel_on_disconnect: whether a run is cancelled when its last reader has left, unless the request says otherwise.

    Attributes:
        agents: by the names that they are served under.
        cancel_on_disconnect: as given.
    """

    def __init__(
        self,
        agents: Mapping[str, Agent],
        store: EventStore,
        *,
        reveal: Reveal = "tools",
        max_running: int = 100,
        cancel_on_disconnect: bool = False,
    ) -> None:
        self.agents = dict(agents)
        self.cancel_on_disconnect = cancel_on_disconnect
        self._store = store
        self._reveal = reveal
        self._max_running = max_running
        self._owner = owner_id()
        self._runs: OrderedDict[str, HostedRun] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._next: dict[str, asyncio.Future[HostedRun]] = {}  # by session: its next run

    def agent(self, name: str | None) -> tuple[str, Agent]:
        """Return an agent and its name: the only one for None.

        Raises:
            Problem: there is none of that name (404), or several and none is named (400).
        """
        names = ", ".join(self.agents)
        if name is None and len(self.agents) == 1:
            return next(iter(self.agents.items()))
        if name is None:
            raise Problem(400, f"several agents are served; name one of them: {names}")
        if name not in self.agents:
            raise Problem(404, f"no agent {name!r} is served{did_you_mean(name, self.agents)} Served are: {names}")
        return name, self.agents[name]

    def new_session(self, agent: str) -> Session:
        """Return a new session with an agent. Its name cannot be guessed."""
        return self.agent(agent)[1].session(f"session-{secrets.token_urlsafe(12)}")

    def session(self, agent: str, name: str) -> Session:
        """Return a session.

        Raises:
            Problem: there is none of that name (404).
        """
        found = self.agent(agent)[1]
        if all(info.name != name for info in found.sessions()):
            raise Problem(404, f"there is no session {name!r} with {agent}")
        return found.session(name)

    async def start(self, agent: str | None, prompt: Any, session: Session | None = None, **options: Any) -> HostedRun:
        """Begin a run.

        Args:
            agent: its name.
            prompt: as for `Agent.stream`.
            session: that the prompt belongs to.
            options: of the run, as for `nbagent.show`.

        Raises:
            Problem: there is no such agent, or too many runs go on (503).
        """
        name, found = self.agent(agent)
        stream = (found if session is None else session).stream(prompt)
        return await self.host(Run(stream, **{"reveal": self._reveal, "name": name, **options}), name, session)

    async def host(self, run: Run, agent: str, session: Session | None = None, *, run_id: str | None = None) -> HostedRun:
        """Serve a run, which is started if it has not begun.

        Args:
            run: the run.
            agent: name of its agent.
            session: that it belongs to.
            run_id: id for its readers; by default a new one.

        Raises:
            Problem: too many runs go on (503).
        """
        if len(self._tasks) >= self._max_running:
            raise Problem(503, f"{self._max_running} runs go on already, which is the limit")
        stored = StoredRun(
            id=new_run_id() if run_id is None else run_id,
            agent=agent,
            session=None if session is None else session.name,
            owner=self._owner,
            created=time.time(),
        )
        await asyncio.to_thread(self._store.begin, stored)
        hosted = self._keep(HostedRun(stored, self._store))
        run.start()
        self._do(hosted.host(run, self._join_s(agent)))
        if stored.session is not None and (waiting := self._next.pop(stored.session, None)) is not None:
            waiting.set_result(hosted)
        return hosted

    def _join_s(self, agent: str) -> float:
        """Return for how long deltas are joined. An agent that cuts its texts itself, by `chunk_size`, is sent as it does."""
        delivery = self.agents[agent].delivery if agent in self.agents else None
        return JOIN_S if delivery is None or delivery.chunk_chars is None else 0.0

    def running(self) -> list[HostedRun]:
        """Return the runs that go on in this process."""
        return [hosted for hosted in self._runs.values() if hosted.run is not None]

    async def find(self, run_id: str) -> HostedRun:
        """Return a run by its id, also one of another process or of an earlier one.

        Raises:
            Problem: there is none of that id (404).
        """
        if run_id in self._runs:
            self._runs.move_to_end(run_id)
            return self._runs[run_id]
        stored = await asyncio.to_thread(self._store.find, run_id)
        if stored is None:
            raise Problem(404, f"there is no run {run_id!r}")
        hosted = self._keep(HostedRun(stored, self._store))
        if stored.ended:
            await hosted.follow()
        else:
            self._do(hosted.follow())
        return hosted

    async def newest(self, session: str) -> HostedRun | None:
        """Return the run of a session that began last; None if it had none."""
        stored = await asyncio.to_thread(self._store.newest, session)
        return None if stored is None else await self.find(stored.id)

    async def next_in(self, session: str) -> HostedRun:
        """Return the next run of a session, when it begins in this process."""
        if session not in self._next:
            self._next[session] = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._next[session])

    async def close(self) -> None:
        """Stop all runs of this process."""
        for hosted in self._runs.values():
            if hosted.run is not None:
                hosted.run.cancel(by="the server")
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2.0)
        for task in self._tasks:
            task.cancel()

    def _keep(self, hosted: HostedRun) -> HostedRun:
        self._runs[hosted.id] = hosted
        ended = [each.id for each in self._runs.values() if each.ended]
        for run_id in ended[: max(0, len(ended) - MAX_ENDED_RUNS)]:
            del self._runs[run_id]
        return hosted

    def _do(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def new_run_id() -> str:
    """Return an id for a run, which cannot be guessed."""
    return f"run-{secrets.token_urlsafe(12)}"

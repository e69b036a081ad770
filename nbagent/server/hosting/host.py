"""`Host`: the agents that are served, their sessions and their runs."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from nbagent import events as e
from nbagent.agent.client_options import NO_OPTIONS, ClientOptions
from nbagent.agent.sessions.session import Session
from nbagent.agent.sessions.store import Store
from nbagent.errors import NbagentError, did_you_mean
from nbagent.events.json_text import decode_json
from nbagent.gate import Gate, Reveal, Tags
from nbagent.gate.tag_options import tag_options
from nbagent.run import Run
from nbagent.server.hosting.commands import Reply, RunCommand, carry_out
from nbagent.server.hosting.function_agent import ServedAgent
from nbagent.server.hosting.hosted_run import JOIN_S, HostedRun
from nbagent.server.hosting.known_runs import KnownRuns
from nbagent.server.hosting.paused_runs import PausedRuns
from nbagent.server.hosting.prompt import check_prompt_size, first_words
from nbagent.server.hosting.questions import REFUSING, Answers, Questions
from nbagent.server.hosting.run_list import FollowedList
from nbagent.server.hosting.services import keep_running
from nbagent.server.hosting.sessions import Sessions
from nbagent.server.hosting.store_check import CHECK_TIMEOUT_S, StoreCheck
from nbagent.server.hosting.work import Job, Work, encoded
from nbagent.server.limits import DEFAULTS, Limits
from nbagent.server.problem import Problem
from nbagent.server.stores.event_store import WAITING, EventStore, StoredRun, WorkQueue

ABANDONED_S = 5.0
"""Seconds between two looks for runs whose process has died, to mark them: nobody may be reading
them.
"""

STOP_TIMEOUT_S = 2.0
"""Seconds that the runs of a server that stops have to end."""


class Host(KnownRuns):
    """Runs agents for readers. It is used on the server's loop.

    Args:
        agents: by the names that they are served under.
        store: keeps the events of the runs.
        sessions: keeps the sessions of the agents that keep theirs in memory; None leaves them
            there.
        reveal: how much of a run may be seen by its readers; see `nbagent.show`. None is `"tools"`,
            or `"thinking"` for an agent whose `delivery` says so.
        tags: thoughts and calls in texts that are recognised besides; see `nbagent.show`.
        limits: of runs, sessions and prompts. Runs beyond `max_runs` wait if the store is a
            `WorkQueue`, else are refused.
        cancel_on_disconnect: whether a run is cancelled when its last reader has left, unless the
            request says otherwise.
        default_agent: name of the agent that a request without one is for; by default the first.

    Raises:
        NbagentError: there is no agent of that name.

    Attributes:
        agents: by the names that they are served under.
        cancel_on_disconnect: as given.
        limits: as given.
        sessions: of the agents.
        listed: the runs of all processes.
        paused: runs whose clients have calls to make.
        is_draining: True once no more runs begin here.
    """

    def __init__(
        self,
        agents: Mapping[str, ServedAgent],
        store: EventStore,
        *,
        sessions: Store | None = None,
        reveal: Reveal | None = None,
        tags: Tags | None = None,
        limits: Limits = DEFAULTS,
        cancel_on_disconnect: bool = False,
        default_agent: str | None = None,
    ) -> None:
        super().__init__(store)
        self.agents = dict(agents)
        if default_agent is not None and default_agent not in self.agents:
            raise NbagentError(self._unknown(default_agent))
        self._default = default_agent or next(iter(self.agents), None)
        self.cancel_on_disconnect = cancel_on_disconnect
        self.sessions = Sessions(lambda name: self.agent(name)[1], limits.max_sessions, sessions)
        self.listed = FollowedList(store)
        self.paused = PausedRuns()
        self._reveal = reveal
        tag_options(tags)  # what is wrong is said now, not at the first run
        self._tags = tags
        self.limits = limits
        self.is_draining = False
        # the runs that go on in this process
        self._hosting: dict[HostedRun, asyncio.Task[None]] = {}
        self._questions = Questions(limits, self._room_changed)
        self._work: Work | None = None
        if isinstance(store, WorkQueue):
            self._work = Work(store, list(self.agents), self._room)
        self._services: list[asyncio.Task[None]] = []
        self._check = StoreCheck(store)

    def open(self) -> None:
        """Take part in the store: be alive in it, carry out commands, take work, mark runs whose
        process died.

        The first run of this process does it as well.
        """
        if self._services:
            return
        services: list[Callable[[], Awaitable[None]]] = [
            lambda: self._store.serve(self._carry_out),
            self._mark_abandoned,
            self.listed.follow,
        ]
        if self._work is not None:
            services.append(self._take_work)
        self._services = [asyncio.create_task(keep_running(service)) for service in services]

    def agent(self, name: str | None) -> tuple[str, ServedAgent]:
        """Return an agent and its name: the default one for None.

        Raises:
            Problem: there is none of that name, or none at all (404).
        """
        found = self._default if name is None else name
        if found is None:
            raise Problem(404, "runs are served here, and no agent")
        if found not in self.agents:
            raise Problem(404, self._unknown(found))
        return found, self.agents[found]

    def _unknown(self, name: str) -> str:
        hint = did_you_mean(name, self.agents) or "."
        return f"no agent {name!r} is served{hint} Served are: {', '.join(self.agents)}"

    async def start(
        self,
        agent: str | None,
        prompt: Any,
        session: Session | None = None,
        *,
        run_id: str | None = None,
        answers: Answers = "all",
        client_options: ClientOptions = NO_OPTIONS,
        **options: Any,
    ) -> HostedRun:
        """Begin a run.

        Args:
            agent: its name.
            prompt: as for `Agent.stream`.
            session: that the prompt belongs to.
            run_id: id for its readers; by default a new one.
            answers: questions that the client can answer; others are refused at once.
            client_options: what else the client asks for, such as tools of its own.
            options: of the run, as for `nbagent.show`.

        Raises:
            Problem: there is no such agent (404), the prompt is too long (413), another process
                answers in the session (409), or too many runs go on (503).
        """
        name, found = self.agent(agent)
        self._check_open()
        check_prompt_size(prompt, self.limits, client_options)
        job = Job(prompt, options, answers, client_options)
        words = first_words(prompt, Gate(self.reveal_of(name), tags=self._tags))
        if (
            self._room() <= 0
            and self._work is not None
            and (encoded_job := encoded(job)) is not None
        ):
            waiting = self._stored(name, session, WAITING, run_id, words)
            return await self._put_work(self._work, waiting, encoded_job)
        run = self._run_of(name, found, job, session)
        return await self.host(run, name, session, run_id=run_id, prompt=words)

    async def host(
        self,
        run: Run,
        agent: str,
        session: Session | None = None,
        *,
        run_id: str | None = None,
        has_reader: bool = False,
        prompt: str = "",
    ) -> HostedRun:
        """Serve a run, which is started if it has not begun.

        Args:
            run: the run.
            agent: name of its agent.
            session: that it belongs to.
            run_id: id for its readers; by default a new one.
            has_reader: whether it has a reader of its own, who may take any time for an answer.
            prompt: first words of its prompt, as its readers may see them.

        Raises:
            Problem: another process answers in the session (409), or too many runs go on (503).
        """
        self._check_open()
        if self._room() <= 0:
            raise Problem(
                503, f"{self.limits.max_runs} runs go on already, which is the limit max_runs"
            )
        self.open()
        stored = self._stored(agent, session, self._store.owner, run_id, prompt)
        await self._begin(lambda: self._store.begin(stored))
        return self._host(run, self._keep(HostedRun(stored, self._store)), has_reader=has_reader)

    def _host(self, run: Run, hosted: HostedRun, *, has_reader: bool = False) -> HostedRun:
        hosted.run = run
        run.start()
        questions = None if has_reader else self._questions
        self._hosting[hosted] = self._spawn(
            hosted.host(run, self._join_s(hosted.stored.agent), questions)
        )
        self._hosting[hosted].add_done_callback(lambda _: self._leave(hosted, run))
        return hosted

    def _leave(self, hosted: HostedRun, run: Run) -> None:
        del self._hosting[hosted]
        self._keep_paused(hosted, run)
        self._questions.forget(run)
        self._room_changed()
        self._forget()

    def _keep_paused(self, hosted: HostedRun, run: Run) -> None:
        """Keep what a run has done whose client has calls to make."""
        end, conversation = hosted.events[-1:], run.conversation
        if end and getattr(end[0], "code", None) == e.CLIENT_CALLS and conversation is not None:
            added = conversation.items[conversation.prompt.stop :]
            self.paused.keep(hosted.stored.agent, hosted.id, added)

    def _room_changed(self) -> None:
        if self._work is not None:
            self._work.room_changed()

    def _run_of(self, name: str, agent: ServedAgent, job: Job, session: Session | None) -> Run:
        stream = (agent if session is None else session).stream(
            job.prompt, client_options=job.client_options
        )
        options = {"name": name, **job.options}
        if job.answers in REFUSING:
            options["answer"] = REFUSING[job.answers]
        return self.watch(stream, name, **options)

    def watch(self, stream: Any, agent: str, **options: Any) -> Run:
        """Return the run of a stream of an agent, with what its readers may see."""
        return Run(stream, **{"reveal": self.reveal_of(agent), "tags": self._tags, **options})

    def reveal_of(self, agent: str) -> Reveal:
        """Return how much may be seen of the runs of an agent."""
        if self._reveal is not None:
            return self._reveal
        delivery = self.agents[agent].delivery if agent in self.agents else None
        shows_thinking = delivery is not None and delivery.thinking is True
        return "thinking" if shows_thinking else "tools"

    def _stored(
        self, agent: str, session: Session | None, owner: str, run_id: str | None, prompt: str
    ) -> StoredRun:
        return StoredRun(
            id=new_run_id() if run_id is None else run_id,
            agent=agent,
            session=None if session is None else session.name,
            owner=owner,
            created=time.time(),
            prompt=prompt,
        )

    async def _begin(self, begin: Callable[[], Awaitable[StoredRun | None]]) -> None:
        """Add a run to the store, after the end of one whose process died in its session.

        Raises:
            Problem: another process answers in the session (409).
        """
        while (other := await begin()) is not None:
            if await self._store.is_alive(other.owner):
                raise Problem(
                    409,
                    "the session answers another prompt already, in another process; wait for "
                    f"the end of its run {other.id}",
                )
            await (await self.find(other.id)).wait_for_end()

    def _join_s(self, agent: str) -> float:
        """Return for how long deltas are joined.

        An agent that cuts its texts itself, by `chunk_size`, is sent as it does.
        """
        delivery = self.agents[agent].delivery if agent in self.agents else None
        return JOIN_S if delivery is None or delivery.chunk_chars is None else 0.0

    def running(self) -> list[HostedRun]:
        """Return the runs that go on in this process."""
        # The task of a run ends a moment after the readers of its last event.
        return [hosted for hosted in self._hosting if not hosted.ended]

    async def unready(self, wait_s: float = CHECK_TIMEOUT_S) -> str | None:
        """Return in a word why no prompt could be taken now: `stopping`, `busy` or `store`.

        None if one could. The store has some seconds to take something.
        """
        if self.is_draining:
            return "stopping"
        if self._room() <= 0 and self._work is None:
            return "busy"
        if any(hosted.waits for hosted in self._hosting):
            return "store"
        return None if await self._check.is_writable(wait_s) else "store"

    async def drain(self) -> None:
        """Begin no more runs here, and wait until those that go on have ended."""
        self.is_draining = True
        while self._hosting:
            await asyncio.wait(self._hosting.values())

    def _check_open(self) -> None:
        if self.is_draining:
            raise Problem(
                503,
                "the server stops, and begins no more runs; ask again when it has been started "
                "again",
            )

    async def close(self) -> None:
        """Stop all runs of this process, and leave the store."""
        for hosted in self._hosting:
            if hosted.run is not None:
                hosted.run.cancel(by="the server")
        # what a run lacks that waits for its store, another process adds to it
        if ending := [task for hosted, task in self._hosting.items() if not hosted.waits]:
            await asyncio.wait(ending, timeout=STOP_TIMEOUT_S)
        for task in (*self._tasks, *self._services):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._services, return_exceptions=True)
        await self._check.close()
        await self._store.close()

    async def _carry_out(self, command: bytes) -> bytes:
        """Carry out a command of another process."""
        asked = decode_json(command, type=RunCommand)
        hosted = next((each for each in self._hosting if each.id == asked.run), None)
        reply = Reply(f"the run {asked.run} has ended")
        if hosted is not None and hosted.run is not None:
            reply = carry_out(asked, hosted.run)
        return msgspec.json.encode(reply)

    async def _mark_abandoned(self) -> None:
        while True:
            for run in await self._store.abandoned():
                await self.find(run.id)  # which ends it
            await asyncio.sleep(ABANDONED_S)

    async def _put_work(self, work: Work, stored: StoredRun, job: bytes) -> HostedRun:
        self.open()
        await self._begin(lambda: work.put(stored, job))
        return await self.find(stored.id)

    async def _take_work(self) -> None:
        assert self._work is not None
        async for stored, job in self._work.taken():
            await self._begin_work(stored, job)

    def _room(self) -> int:
        if self.is_draining:
            return 0
        return self.limits.max_runs - (len(self._hosting) - self._questions.runs)

    async def _begin_work(self, stored: StoredRun, raw: bytes) -> None:
        hosted = HostedRun(stored, self._store)
        try:
            agent = self.agent(stored.agent)[1]
            job = decode_json(raw, type=Job)
            check_prompt_size(job.prompt, self.limits, job.client_options)
            session = None
            if stored.session is not None:
                session = await self.sessions.find(stored.agent, stored.session)
            run = self._run_of(stored.agent, agent, job, session)
        except Exception as error:  # whatever a job holds, the next one has its turn
            await hosted.fail(f"the run that waited cannot begin: {error}")
        else:
            # a reader here follows it already
            self._host(run, hosted if stored.id in self._runs else self._keep(hosted))


def new_run_id() -> str:
    """Return an id for a run, which cannot be guessed."""
    return f"run-{secrets.token_urlsafe(12)}"

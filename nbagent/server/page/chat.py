"""`PageChat`: the chat in a session, as web pages show it.

Each answer is a served run, whichever client asked for it.
"""

import asyncio
import contextlib
import hashlib
from base64 import urlsafe_b64encode
from collections import OrderedDict
from contextvars import ContextVar
from typing import Any

from nbagent import events as e
from nbagent.agent.sessions.session import Session
from nbagent.chat import AnswerInProgress, Chat, SessionPartner, prompts_of
from nbagent.protocol.messages import Say
from nbagent.run import Run
from nbagent.server.hosting.host import Host, new_run_id
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.page.hosted_events import HostedEvents
from nbagent.server.problem import Problem
from nbagent.server.request import prompt_of

MAX_KEYS = 100
"""Prompts that a chat remembers in this process. Older ones are found among the stored runs."""

_RUN_ID: ContextVar[str | None] = ContextVar("nbagent_page_run_id", default=None)
"""Id for the run of the prompt that is being asked."""


class HostedPartner(SessionPartner):
    """A session whose answers are served runs: other clients can read, stop and answer them, and
    they are stored.

    Args:
        host: runs the agent.
        agent: name that it is served under.
        session: it keeps what is said.
        loop: the server's.

    Attributes:
        hosted: the run of the newest answer; None before the first.
        asked: ids of the runs that were begun here, and that the store has not announced yet.
    """

    def __init__(
        self, host: Host, agent: str, session: Session, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(session)
        self.name = agent
        # instructions and tools are the operator's
        self.about, self.offers = session.agent.welcome, ()
        self.hosted: HostedRun | None = None
        self.asked: set[str] = set()
        self._host = host
        self._loop = loop

    def ask(self, content: str | list[dict[str, Any]]) -> HostedEvents:
        """Begin the run of an answer, and return its events.

        Not to be called on the server's loop, which it waits for.

        Raises:
            Problem: the prompt is empty or too long, or too many runs go on.
        """
        is_text = isinstance(content, str)
        prompt: Any = (
            prompt_of(content, self._host.limits)
            if is_text
            else [{"role": "user", "content": content}]
        )
        run_id = _RUN_ID.get() or new_run_id()
        self.asked.add(run_id)
        try:
            starting = self._host.start(self.name, prompt, self.session, run_id=run_id)
            self.hosted = asyncio.run_coroutine_threadsafe(starting, self._loop).result()
        except BaseException:
            self.asked.discard(run_id)
            raise
        return HostedEvents(self.hosted, self._loop)


class _Chat(Chat):
    """A chat that gives the run of a prompt an id made of the prompt's key."""

    def ask_as(self, say: Say, run_id: str) -> None:
        """Ask what a reader wrote, in a run of that id. What goes wrong shows in the transcript."""
        _RUN_ID.set(run_id)  # in the context of a thread's work
        self._take(say)

    def place_of(self, run: HostedRun, messages: list[dict[str, Any]]) -> int:
        """Return the index of a run's prompt among the messages of the session, or where it will
        be.

        The session may have later prompts already: several answers can end before the first of them
        is shown.
        """
        after = self._marks[-1] + 1 if self._marks else 0
        new = [index for index in prompts_of(messages) if index >= after]
        for index in new:
            if _asks(run, messages[index]):
                return index
        if new and _is_kept(run):  # a prompt with pictures
            return new[0]
        return max(after, len(messages) - 1)


class PageChat:
    """The chat in a session. It is used on the server's loop.

    Args:
        host: runs the agent.
        agent: name that it is served under.
        session: it keeps what is said.
    """

    def __init__(self, host: Host, agent: str, session: Session) -> None:
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._partner = HostedPartner(host, agent, session, self._loop)
        # Braces in prompts name nothing: the server's variables are not the reader's.
        self._chat = _Chat(self._partner, variables={}, reveal=host.reveal_of(agent))
        self._keys: OrderedDict[str, asyncio.Task[bool]] = OrderedDict()
        self._seen: HostedRun | None = None
        self._showing = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._chat.run.start()

    @property
    def run(self) -> Run:
        """Run that draws the chat."""
        return self._chat.run

    @property
    def hosted(self) -> HostedRun | None:
        """Run of the newest answer; None before the first."""
        return self._partner.hosted

    async def show_earlier(self) -> None:
        """Show the conversation so far: of the newest answer all that was streamed, live if it is
        still being written.
        """
        session = self._partner.session
        newest = await self._newest()
        kept = newest is not None and await _kept(newest)
        messages = await asyncio.to_thread(lambda: session.messages)
        prompt_index = next(reversed(prompts_of(messages)), None)
        self._seen = newest or await self._host.newest(session.name)
        if (
            newest is None
            or not kept
            or prompt_index is None
            or (newest.ended and not _asks(newest, messages[prompt_index]))
        ):
            await asyncio.to_thread(self._chat.show_earlier)
        else:
            await asyncio.to_thread(self._chat.show_earlier, messages[:prompt_index])
            await self._show(newest, prompt_index)
            if newest.ended and self._chat.newest is not None:
                # Or a prompt that comes with the page would be refused.
                await asyncio.wait([asyncio.wrap_future(self._chat.newest)])

    async def follow(self) -> None:
        """Show the answers that other clients ask for in the session, as they begin, until
        cancelled.
        """
        while True:
            run = await self._host.next_in(self._partner.session.name, self._seen)
            self._seen = run
            if run.id in self._partner.asked:
                self._partner.asked.discard(run.id)
            elif run.stored.agent == self._partner.name:
                showing = asyncio.create_task(self._show_next(run))
                self._tasks.add(showing)
                showing.add_done_callback(self._tasks.discard)
                await asyncio.shield(showing)

    async def say(self, say: Say) -> bool:
        """Ask what a reader wrote, unless it was asked already.

        Return False if it cannot be asked; the transcript says why.
        """
        key = say.key or new_run_id()
        if key not in self._keys:
            self._keys[key] = asyncio.create_task(self._ask(say, self._run_id_of(key)))
        if len(self._keys) > MAX_KEYS:
            self._keys.popitem(last=False)
        return await asyncio.shield(self._keys[key])

    async def _ask(self, say: Say, run_id: str) -> bool:
        """Ask a prompt, unless there is its run. Return True if there is then."""
        with contextlib.suppress(Problem):
            await self._host.find(run_id)
            return True
        await asyncio.to_thread(self._chat.ask_as, say, run_id)
        return self.hosted is not None and self.hosted.id == run_id

    def _run_id_of(self, key: str) -> str:
        """Return the id of the run that answers a prompt: the same in each process, and after a
        restart.
        """
        name = "\0".join((self._partner.name, self._partner.session.name, key))
        return f"run-{urlsafe_b64encode(hashlib.sha256(name.encode()).digest()[:12]).decode()}"

    async def _newest(self) -> HostedRun | None:
        """Return the run of the session that began last.

        Where several go on, the first: the others wait for it.
        """
        name = self._partner.session.name
        here = (run for run in self._host.running() if run.stored.session == name)
        run = next(here, None) or await self._host.newest(name)
        return None if run is None or run.stored.agent != self._partner.name else run

    async def _show_next(self, run: HostedRun) -> None:
        messages = await asyncio.to_thread(lambda: self._partner.messages)
        await self._show(run, self._chat.place_of(run, messages))

    async def _show(self, run: HostedRun, prompt_index: int) -> None:
        """Show an answer that another client has asked for, after the one that is being written."""
        async with self._showing:
            while True:
                try:
                    await asyncio.to_thread(
                        self._chat.follow, HostedEvents(run, self._loop), prompt_index
                    )
                except AnswerInProgress:
                    newest = self._chat.newest
                    if newest is not None:
                        await asyncio.wait([asyncio.wrap_future(newest)])
                else:
                    self._partner.hosted = run
                    return


def _is_kept(run: HostedRun) -> bool:
    """Return True if the session has the prompt of a run for certain: the model was asked."""
    return not all(
        isinstance(event, e.RunStart | e.Prompt | e.Status | e.RunEnd | e.Error)
        for event in run.events
    )


async def _kept(run: HostedRun) -> bool:
    """Wait until the session has the prompt of a run. Return False if the run has ended before."""
    while not _is_kept(run) and not run.ended:
        await run.changed(len(run.events))
    return _is_kept(run)


def _asks(run: HostedRun, message: dict[str, Any]) -> bool:
    """Return True if a message of a session is the prompt of a run: not every answer in it is a
    served run.
    """
    return any(
        isinstance(event, e.Prompt) and event.text == message.get("content") for event in run.events
    )

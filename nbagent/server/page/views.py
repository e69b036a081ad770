"""`Views`: the runs and chats that web pages show. Pages that show the same one see the same."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from nbagent.run import Run
from nbagent.run_context.current import end
from nbagent.server.hosting.host import Host
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.page.chat import PageChat
from nbagent.server.page.hosted_events import HostedEvents
from nbagent.server.problem import Problem

MAX_UNSEEN = 50
"""Runs and chats that no page shows and that are kept, so that a page that comes back finds them as
they were.
"""


@dataclass(eq=False)
class Shown:
    """A run or a chat that pages show.

    Attributes:
        run: draws it.
        hosted: returns the served run that goes on in it; None if there is none.
        chat: the chat; None for a run that is none.
        pages: number of pages that show it now.
    """

    run: Run
    hosted: Callable[[], HostedRun | None]
    chat: PageChat | None = None
    pages: int = 0
    _following: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def page(self) -> Iterator[None]:
        """Show it in a page. While one does, a chat shows what other clients ask in its session."""
        self.pages += 1
        if self._following is None and self.chat is not None:
            self._following = asyncio.create_task(self.chat.follow())
        try:
            yield
        finally:
            self.pages -= 1
            if self.pages == 0:
                self._stop_following()

    def close(self) -> None:
        """Let go of it."""
        self._stop_following()
        self.run.close()

    def _stop_following(self) -> None:
        if self._following is not None:
            self._following.cancel()
            self._following = None

    async def stop(self) -> None:
        """Stop the served run, in whichever process it goes on."""
        hosted = self.hosted()
        if hosted is not None:
            with contextlib.suppress(Problem):  # it has ended
                await hosted.cancel(by="a reader")

    @property
    def is_idle(self) -> bool:
        """True if no page shows it, and no served run goes on in it."""
        hosted = self.hosted()
        return self.pages == 0 and (hosted is None or hosted.ended)


class Views:
    """Draws runs and chats for web pages. It is used on the server's loop.

    Args:
        host: runs the agents.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._shown: OrderedDict[tuple[str, ...], Shown] = OrderedDict()
        self._opening: dict[Shown, asyncio.Task[None]] = {}

    async def of_run(self, run_id: str) -> Shown:
        """Return a run.

        Raises:
            Problem: there is none of that id (404).
        """
        hosted = await self._host.find(run_id)
        known = self._known(run_id)
        if known is not None:
            return known
        run = Run(
            HostedEvents(hosted, asyncio.get_running_loop()),
            reveal=self._host.reveal_of(hosted.stored.agent),
            name=hosted.stored.agent,
        )
        run.start()
        return self._keep(Shown(run, lambda: hosted), run_id)

    async def of_chat(self, agent: str, session: str) -> Shown:
        """Return the chat in a session.

        Raises:
            Problem: there is no such agent or session (404).
        """
        shown = self._known(agent, session)
        if shown is None:
            found = await self._host.sessions.find(agent, session)
            shown = self._known(agent, session) or self._begin(
                PageChat(self._host, agent, found), agent, session
            )
        if shown in self._opening:
            # A page that leaves meanwhile does not end it: another one may wait.
            await asyncio.shield(self._opening[shown])
        return shown

    def _begin(self, chat: PageChat, *key: str) -> Shown:
        shown = self._keep(Shown(chat.run, lambda: chat.hosted, chat), *key)
        self._opening[shown] = asyncio.create_task(self._open(shown, chat, key))
        return shown

    async def _open(self, shown: Shown, chat: PageChat, key: tuple[str, ...]) -> None:
        try:
            await chat.show_earlier()
        except BaseException:
            self._shown.pop(key, shown).close()  # the next page tries again
            raise
        finally:
            del self._opening[shown]

    def close(self) -> None:
        """Let go of all."""
        for opening in self._opening.values():
            opening.cancel()
        for shown in self._shown.values():
            shown.close()
        self._shown.clear()

    def _known(self, *key: str) -> Shown | None:
        if key in self._shown:
            self._shown.move_to_end(key)
        return self._shown.get(key)

    def _keep(self, shown: Shown, *key: str) -> Shown:
        idle = [key for key, each in self._shown.items() if each.is_idle]
        for old in idle[: max(0, len(idle) - MAX_UNSEEN)]:
            self._shown.pop(old).close()
        self._shown[key] = shown
        # no code runs in it: a framework's task without a context must not find it (`run_around`)
        end(shown.run)
        return shown

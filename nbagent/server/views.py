"""`Views`: the runs and chats that web pages show. Pages that show the same one see the same."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from nbagent.gate import Reveal
from nbagent.run import Run
from nbagent.run_context.current import end
from nbagent.server.host import Host
from nbagent.server.hosted_events import HostedEvents
from nbagent.server.hosted_run import HostedRun
from nbagent.server.page_chat import HostedPartner, page_chat
from nbagent.server.problem import Problem

MAX_UNSEEN = 50
"""Runs and chats that no page shows and that are kept, so that a page that comes back finds them as they were."""


@dataclass(eq=False)
class Shown:
    """A run or a chat that pages show.

    Attributes:
        run: draws it.
        hosted: returns the served run that goes on in it; None if there is none.
        pages: number of pages that show it now.
    """

    run: Run
    hosted: Callable[[], HostedRun | None]
    pages: int = 0

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
        reveal: how much of a run may be seen.
    """

    def __init__(self, host: Host, reveal: Reveal) -> None:
        self._host = host
        self._reveal: Reveal = reveal
        self._shown: OrderedDict[tuple[str, ...], Shown] = OrderedDict()

    async def of_run(self, run_id: str) -> Shown:
        """Return a run.

        Raises:
            Problem: there is none of that id (404).
        """
        hosted = await self._host.find(run_id)
        known = self._known(run_id)
        if known is not None:
            return known
        run = Run(HostedEvents(hosted, asyncio.get_running_loop()), reveal=self._reveal, name=hosted.stored.agent)
        run.start()
        return self._keep(Shown(run, lambda: hosted), run_id)

    async def of_chat(self, agent: str, session: str) -> Shown:
        """Return the chat in a session.

        Raises:
            Problem: there is no such agent or session (404).
        """
        known = self._known(agent, session)
        if known is not None:
            return known
        partner = HostedPartner(self._host, agent, await self._host.sessions.find(agent, session), asyncio.get_running_loop())
        chat = page_chat(partner, self._reveal)
        chat.run.start()
        shown = self._keep(Shown(chat.run, lambda: partner.hosted), agent, session)
        await asyncio.to_thread(chat.show_earlier)
        return shown

    def close(self) -> None:
        """Let go of all."""
        for shown in self._shown.values():
            shown.run.close()
        self._shown.clear()

    def _known(self, *key: str) -> Shown | None:
        if key in self._shown:
            self._shown.move_to_end(key)
        return self._shown.get(key)

    def _keep(self, shown: Shown, *key: str) -> Shown:
        idle = [key for key, each in self._shown.items() if each.is_idle]
        for old in idle[: max(0, len(idle) - MAX_UNSEEN)]:
            self._shown.pop(old).run.close()
        self._shown[key] = shown
        end(shown.run)  # no code runs in it: a framework's task without a context must not find it (`run_around`)
        return shown

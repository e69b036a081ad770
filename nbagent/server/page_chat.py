"""The side that answers in a web page's chat: an agent, whose answers are served runs."""

import asyncio
from typing import Any

from nbagent.agent.session import Session
from nbagent.chat import Chat, SessionPartner
from nbagent.gate import Reveal
from nbagent.server.host import Host
from nbagent.server.hosted_events import HostedEvents
from nbagent.server.hosted_run import HostedRun
from nbagent.server.request import prompt_of


class HostedPartner(SessionPartner):
    """A session whose answers are served runs: other clients can read, stop and answer them, and they are stored.

    Args:
        host: runs the agent.
        agent: name that it is served under.
        session: it keeps what is said.
        loop: the server's.

    Attributes:
        hosted: the run of the newest answer; None before the first.
    """

    def __init__(self, host: Host, agent: str, session: Session, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(session)
        self.name = agent
        self.hosted: HostedRun | None = None
        self._host = host
        self._loop = loop

    def ask(self, content: str | list[dict[str, Any]]) -> HostedEvents:
        """Begin the run of an answer, and return its events. Not to be called on the server's loop, which it waits for.

        Raises:
            Problem: the prompt is empty or too long, or too many runs go on.
        """
        is_text = isinstance(content, str)
        is_text = isinstance(content, str)
        prompt: Any = prompt_of(content, self._host.limits) if is_text else [{"role": "user", "content": content}]
        starting = asyncio.run_coroutine_threadsafe(self._host.start(self.name, prompt, self.session), self._loop)
        self.hosted = starting.result()
        return HostedEvents(self.hosted, self._loop)


def page_chat(partner: HostedPartner, reveal: Reveal) -> Chat:
    """Return the chat of a web page. Braces in its prompts name nothing: the server's variables are not the reader's."""
    return Chat(partner, variables={}, reveal=reveal)

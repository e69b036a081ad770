"""`AgentStream`: the events of one run of an agent."""

import asyncio
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from nbagent import events as e
from nbagent.agent.agent_loop import AgentLoop
from nbagent.agent.model.structured import OutputFormat
from nbagent.agent.run.cross_loop_queue import CrossLoopQueue
from nbagent.agent.run.history import Conversation
from nbagent.agent.usage_hints import AWAITED
from nbagent.errors import NbagentError
from nbagent.printable import printable_line
from nbagent.runtime import loop
from nbagent.sources.info import SourceInfo


class AgentStream(loop.OwnedStream):
    """The events of one run, for `async for` on any event loop, or for a plain `for`.

    They can be read once.

    The run is a task on nbagent's own loop. It goes on while a cell blocks, until some hundred
    events wait to be read. Closing or dropping the stream, or cancelling the task that reads it,
    stops the run: the model's connection is closed, async tools are cancelled, and results of sync
    ones are dropped. The last event is then `run.end` with status `cancelled`.

    Attributes:
        name: the agent's name.
        info: what a run reads off it: the agent, its session, the history.
    """

    def __init__(
        self,
        agent_loop: AgentLoop,
        name: str,
        types: frozenset[str] | None = None,
        own_agent: Any = None,
        session: str | None = None,
    ) -> None:
        self.name = name
        self.info = SourceInfo(
            own_agent=own_agent,
            output=agent_loop.params.output,
            session=session,
            conversation=agent_loop.conversation,
            client_tools=agent_loop.params.client.names,
        )
        self._types = types
        self._agent_loop = agent_loop
        self._queue: CrossLoopQueue[e.Event] = CrossLoopQueue(
            agent_loop.run if types else agent_loop.deliver
        )
        self._exhausted = False

    @property
    def failure(self) -> BaseException | None:
        """The exception that ended the run, or None.

        Unlike the events, it may hold secrets that a server quoted.
        """
        return self._agent_loop.failure

    @property
    def output(self) -> OutputFormat | None:
        """The form of the answer; None for a text."""
        return self._agent_loop.params.output

    @property
    def conversation(self) -> Conversation:
        """The history so far, for a run that goes on from this one."""
        return self._agent_loop.conversation

    def __aiter__(self) -> "AgentStream":
        self._check_unread()
        return self

    async def __anext__(self) -> e.Event:
        try:
            while isinstance(taken := self._queue.take(), Future) or self._is_left_out(taken):
                if isinstance(taken, Future):
                    await asyncio.wrap_future(taken)
        except BaseException:
            self.close()
            raise
        if taken is None:
            self._exhausted = not self._queue.stopping
            raise StopAsyncIteration
        return taken

    if not TYPE_CHECKING:  # a type checker says by itself that it is not awaitable

        def __await__(self) -> Any:
            """Raise TypeError: a stream is not awaited."""
            raise TypeError(AWAITED)

    def __iter__(self) -> "AgentStream":
        self._check_unread()
        return self

    def __next__(self) -> e.Event:
        if loop.is_current():
            raise NbagentError(
                "this code runs on nbagent's own loop, which a plain for would block: use async for"
            )
        try:
            while isinstance(taken := self._queue.take(), Future) or self._is_left_out(taken):
                if isinstance(taken, Future):
                    taken.result()
        except BaseException:
            # An interrupted cell must not leave the model running, and billing, in the background.
            self.close()
            raise
        if taken is None:
            self._exhausted = not self._queue.stopping
            raise StopIteration
        return taken

    def received(self) -> list[e.Event]:
        """Take the events that have come and were not read yet, without waiting."""
        return [event for event in self._queue.take_all() if not self._is_left_out(event)]

    def _is_left_out(self, event: e.Event | None) -> bool:
        return event is not None and self._types is not None and event.type not in self._types

    def _check_unread(self) -> None:
        if self._exhausted:
            raise NbagentError(
                f"this stream of {self.name} was read to its end; agent.stream(…) makes a new one"
            )

    def close(self) -> None:
        """Stop the run without waiting for it, from any thread. May be called more than once."""
        self._queue.stop()

    async def aclose(self) -> None:
        """Stop the run, and wait until its connection is closed and its tools are cancelled."""
        self._queue.stop()
        await self._queue.stopped()

    def __enter__(self) -> "AgentStream":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    async def __aenter__(self) -> "AgentStream":
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        self._queue.stop()

    def __repr__(self) -> str:
        return f"<AgentStream of {printable_line(self.name)}>"

"""`HostedEvents`: the events of a served run as a source, so that this process draws it for its web
pages.
"""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import msgspec

from nbagent import events as e
from nbagent.errors import AnswerError
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.problem import Problem
from nbagent.sources.info import SourceInfo


class HostedEvents:
    """The events of a served run, for a `Run` that reads them on any loop.

    Leaving early does not stop the served run.

    A tool cannot be called again from here: who reads a served run has its questions to answer, and
    nothing else to call.

    Args:
        hosted: the served run.
        loop: the server's.

    Attributes:
        name: of the run's agent.
        info: a run that shows these events keeps their times.
    """

    def __init__(self, hosted: HostedRun, loop: asyncio.AbstractEventLoop) -> None:
        self.name = hosted.stored.agent
        started = hosted.stored.created
        if hosted.events:
            started = hosted.events[0].ts
        self.info = SourceInfo(keeps_times=True, started=started)
        self._hosted = hosted
        self._loop = loop

    async def __aiter__(self) -> AsyncIterator[e.Event]:
        seen = 0
        while batch := await asyncio.wrap_future(
            asyncio.run_coroutine_threadsafe(self._after(seen), self._loop)
        ):
            seen += len(batch)
            for event in batch:
                if isinstance(event, e.ApprovalRequest):
                    event = self._answerable(event)
                yield event

    def _answerable(self, question: e.ApprovalRequest) -> e.ApprovalRequest:
        return msgspec.structs.replace(
            question,
            reply=e.Live(e.Reply(partial(self._respond, question.approval_id), question.args)),
        )

    def _respond(self, id: str, answer: e.ApprovalResponse) -> None:
        """Answer a question by its own id, which a chat may have changed, in whichever process it
        waits.

        It is not to be called on the server's loop, which it waits for.

        Raises:
            AnswerError: it waits no more, or its process does not reply.
        """
        options: dict[str, Any] = {"reason": answer.reason, "remember": answer.remember}
        responding = self._hosted.respond(id, answer.decision, answer.value, **options)
        try:
            asyncio.run_coroutine_threadsafe(responding, self._loop).result()
        except Problem as problem:
            raise AnswerError(str(problem)) from problem

    async def _after(self, seen: int) -> list[e.Event]:
        """Return the events after the first `seen`, when there are some; none if the run has
        ended.
        """
        await self._hosted.changed(seen)
        return self._hosted.events[seen:]

"""Summaries that a run's model writes beside its answer."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

from msgspec.structs import replace

from nbagent import events as e
from nbagent.agent.model.input_items import Message
from nbagent.agent.run.params import RunParams
from nbagent.runtime.timeouts import IdleClock
from nbagent.sources.closing import closing

TITLE = "Summary of the conversation so far"


class Summariser:
    """Has the run's model summarise a text.

    The reader sees the summary as it is written, in a panel like a sub-agent's. It is a thought
    there, as it may reveal what tools returned: where thoughts or tools are hidden, it is hidden
    too.

    Args:
        params: the parameters of the run. Its tools and settings are not used.
        emit: emits an event of the run.

    Attributes:
        usage: tokens of the summaries so far.
    """

    def __init__(self, params: RunParams, emit: Callable[[e.Event], Awaitable[None]]) -> None:
        self.usage = e.Usage()
        self._params = params
        self._emit = emit

    async def __call__(self, instructions: str, text: str) -> str | None:
        """Return the summary; None if the model gave none.

        Then the reader sees a warning, and the run goes on.
        """
        agent = f"summary-{uuid.uuid4().hex[:8]}"
        decoder = self._params.connection.api.decoder()
        pieces: list[str] = []
        end = e.RunEnd(status="failed")

        async def forward(events: Iterable[e.Event]) -> None:
            nonlocal end
            for event in events:
                if isinstance(event, e.TextDelta):
                    pieces.append(event.delta)
                elif isinstance(event, e.RunEnd):
                    end = event
                if not isinstance(event, _OF_RUNS):
                    shown = _as_thought(event)
                    own = {"id": f"{agent}/{shown.id}"} if hasattr(shown, "id") else {}
                    await self._emit(replace(shown, parent_id=agent, **own))

        await self._emit(e.AgentStart(id=agent, name=TITLE))
        try:
            async for item in self._answer(instructions, text):
                await forward(decoder.feed(item))
            await forward(decoder.close())
        except Exception as error:
            await forward(decoder.close(error))
            reason = self._params.connection.explain(error).message
            await self._emit(
                e.Status(
                    message=f"The conversation could not be summarised: {reason}", level="warning"
                )
            )
        finally:
            await self._emit(e.AgentEnd(id=agent, status=end.status))
        self.usage += end.usage or e.Usage()
        if end.status == "completed":
            return "".join(pieces)
        return None

    async def _answer(self, instructions: str, text: str) -> AsyncIterator[Any]:
        params = self._params
        clock = IdleClock(params.idle_timeout)
        question = Message(role="user", content=text)
        async with clock.limit(_too_slow):
            stream = await params.connection.ask(instructions, [question], [], {})
        async with closing(stream):
            while True:
                try:
                    async with clock.limit(_too_slow):
                        item = await anext(stream)
                except StopAsyncIteration:
                    return
                yield item


_OF_RUNS = (e.RunStart, e.RunEnd, e.StepStart, e.StepEnd, e.UsageUpdate, e.Error)


def _as_thought(event: e.Event) -> e.Event:
    match event:
        case e.TextStart():
            return e.ReasoningStart(id=event.id, kind="summary")
        case e.TextDelta():
            return e.ReasoningDelta(id=event.id, delta=event.delta)
        case e.TextEnd():
            return e.ReasoningEnd(id=event.id, text=event.text)
    return event


def _too_slow(seconds: float) -> Exception:
    return TimeoutError(f"the model was silent for longer than {seconds:g} s")

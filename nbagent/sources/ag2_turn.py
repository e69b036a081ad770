"""Events of AG2's `agent.run(…)`, a turn that is an asynchronous context manager and no iterator.

Format: https://docs.ag2.ai (ag2 1.2). An event is sent to all subscribers of the turn's stream one
after another, and some send the next event meanwhile. The first interrupter alone gets the events
in their order.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from nbagent.sources.hints import type_name


def is_turn(source: Any) -> bool:
    """Return True for a turn of an agent of AG2."""
    return type_name(source) == "ag2.agent.AgentRun"


async def events_of_turn(turn: Any) -> AsyncIterator[Any]:
    """Drive a turn, and yield its events. Leaving early cancels it."""
    events: asyncio.Queue[Any] = asyncio.Queue()

    async def note(event: Any) -> Any:
        events.put_nowait(event)
        return event

    subscription = turn.stream.subscribe(note, interrupt=True)
    try:
        async with turn:
            driving = asyncio.create_task(turn.result())
            driving.add_done_callback(lambda _: events.put_nowait(None))
            try:
                while (event := await events.get()) is not None:
                    yield event
                await driving
            finally:
                driving.cancel()
                await asyncio.gather(driving, return_exceptions=True)
    finally:
        turn.stream.unsubscribe(subscription)

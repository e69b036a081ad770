"""Watching a real stream as a user does, and its results."""

import asyncio
import gc
from collections.abc import Callable
from typing import Any, TypeVar

from adapters.recorded import Transcript
from frameworks.replay import KEY, REPLY_TIMEOUT_S, Replay

import nbagent
from nbagent import events as ev
from nbagent.events.question import Question
from nbagent.run import Run

T = TypeVar("T")
Call = tuple[str, Any, Any, str]
"""Tool call: name, arguments, result and status."""

GET_CAPITAL: Call = ("get_capital", {"country": "UK"}, "London", "ok")
"""The call of the recorded conversation."""


async def watch(source: Any) -> Run:
    """Show a stream to its end, without naming its system."""
    return _checked(await nbagent.show(source, face="console", reveal="all"))


async def stop(source: Any, provider: Replay) -> Run:
    """Show a stream and cancel it at its first words; the provider sees its connection closed."""
    run = await cancel(source)
    assert await asyncio.to_thread(provider.hung_up.wait, REPLY_TIMEOUT_S), (
        "the connection to the provider stayed open"
    )
    return run


async def cancel(source: Any) -> Run:
    """Show a stream and cancel it at its first words."""
    run = nbagent.show(source, face="console", reveal="all")
    async for _ in run.stream(types=("text.delta", "reasoning.delta")):
        run.cancel()
    return _checked(await run)


async def hang_up_at_next_word(provider: Replay) -> None:
    """Let the model say one more word, and wait until the provider sees its connection closed: some
    frameworks leave their model's stream suspended, for the garbage collector to close.
    """
    provider.drip()
    async with asyncio.timeout(REPLY_TIMEOUT_S):
        while not provider.hung_up.is_set():
            gc.collect()
            await asyncio.sleep(0.05)


def _checked(run: Run) -> Run:
    """Return the run after asserting that it keeps the rules of events, has no raw items, and shows
    no key.
    """
    Transcript.of(run.events)
    assert [event for event in run.events if isinstance(event, ev.Raw)] == []
    assert all(KEY.encode() not in ev.to_json(event) for event in run.events)
    return run


def calls(run: Run) -> list[Call]:
    """Return the tool calls of a run."""
    made = Transcript.of(run.events).tools
    return [
        (tool["name"], tool.get("args"), tool.get("result"), tool.get("status", ""))
        for tool in made
    ]


def of_type(run: Run, kind: type[T]) -> list[T]:
    """Return the events of one kind."""
    return [event for event in run.events if isinstance(event, kind)]


async def watch_and_answer(
    source: Any, answer: Callable[[Question], object], **options: Any
) -> Run:
    """Show a stream to its end, and answer its questions."""
    return _checked(
        await nbagent.show(source, face="console", reveal="all", answer=answer, **options)
    )


def requests_of(run: Run, provider: Replay) -> list[tuple[int, int | None, str]]:
    """Return the requests of a run, after asserting that they are what the provider got: step,
    status and what is new.
    """
    assert [request.body for request in run.requests] == provider.requests
    assert all(
        KEY not in repr(request.body) + request.response + request.url for request in run.requests
    )
    return [(request.step, request.status, request.changes) for request in run.requests]


TWO_STEPS = [(1, 200, "begins with 1 message"), (2, 200, "+2 messages, tools unchanged")]
"""The requests of the recorded conversation."""

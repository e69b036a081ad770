"""`encode(…, join=)`: deltas of a block are joined for the network."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from adapters.encoders.normalized import blocks_of, decoded, normalized
from hypothesis import given, settings
from streams import event_streams

import nbagent
from nbagent import events as ev
from nbagent.adapters.encoders import encoder_named

LONG_S = 3600.0
END = ev.RunEnd(status="completed")


def deltas(*texts: str, id_: str = "t") -> list[ev.Event]:
    return [ev.TextDelta(id=id_, delta=text) for text in texts]


def chunks(events: list[ev.Event], join: float | None = LONG_S) -> list[str]:
    return [
        item["chunk"]
        for item in nbagent.encode(events, "hector", join=join)
        if isinstance(item, dict) and "chunk" in item
    ]


def test_deltas_of_a_block_are_joined_until_they_are_due() -> None:
    events = [ev.RunStart(), *deltas("Hel", "lo ", "you"), END]
    assert chunks(events) == ["Hello you"]
    assert chunks(events, join=None) == ["Hel", "lo ", "you"]
    assert chunks(events, join=1e-9) == ["Hel", "lo ", "you"]


def test_another_event_ends_what_is_joined() -> None:
    call: list[ev.Event] = [
        ev.ToolStart(id="c", name="f"),
        ev.ToolArgs(id="c", args={}, args_text="{}"),
    ]
    assert chunks([ev.RunStart(), *deltas("a", "b"), *call, *deltas("c", "d"), END]) == [
        "ab",
        "\n[Tool: f()]\n",
        "cd",
    ]


@given(event_streams())
@settings(deadline=None, max_examples=30)
def test_a_client_sees_the_same_run(events: list[ev.Event]) -> None:
    for system in ("vercel.ui", "openai.responses"):
        plain, joined = (list(nbagent.encode(events, system, join=join)) for join in (None, LONG_S))
        assert len(joined) <= len(plain)
        assert _shown(system, joined) == _shown(system, plain)


def _shown(system: str, items: list[Any]) -> list[dict[str, Any]]:
    return blocks_of(normalized(decoded(encoder_named(system), items)))


async def test_deltas_are_sent_when_they_are_due_although_nothing_follows() -> None:
    is_read = asyncio.Event()

    async def source() -> AsyncIterator[ev.Event]:
        for event in deltas("Hel", "lo"):
            yield event
        await is_read.wait()
        yield END

    stream = nbagent.encode(source(), "hector", join=0.05)
    received = ""
    while received != "Hello":  # in one piece, unless the machine stood still between the two
        item: Any = await anext(stream)
        received += item["chunk"]
    is_read.set()
    assert [item async for item in stream] == [{"event": "done", "data": "[DONE]"}]


async def test_closing_the_stream_while_it_waits_closes_the_source() -> None:
    closed = []

    async def source() -> AsyncIterator[ev.Event]:
        try:
            for event in deltas("a"):
                yield event
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    stream = nbagent.encode(source(), "hector", join=0.01)
    assert await anext(stream) == {"chunk": "a"}
    await stream.aclose()
    assert closed == [True]


@pytest.mark.parametrize("is_async", [False, True])
async def test_what_is_held_is_sent_before_the_error_that_ends_the_events(is_async: bool) -> None:
    def broken() -> Iterator[ev.Event]:
        yield from deltas("a", "b")
        raise ConnectionError("gone")

    async def broken_later() -> AsyncIterator[ev.Event]:
        for event in broken():
            yield event

    items: list[Any] = []
    with pytest.raises(ConnectionError, match="gone"):
        if is_async:
            async for item in nbagent.encode(broken_later(), "hector", join=LONG_S):
                items.append(item)  # noqa: PERF401 - a comprehension would lose the items before the error
        else:
            items.extend(nbagent.encode(broken(), "hector", join=LONG_S))
    assert items == [{"chunk": "ab"}, {"event": "error", "data": {"error": {"message": "gone"}}}]


@pytest.mark.parametrize("join", [0, -1.0])
def test_a_time_that_is_not_positive_is_refused(join: float) -> None:
    with pytest.raises(
        ValueError, match=f"join= takes a positive number of seconds, or None; got {join}"
    ):
        nbagent.encode([], "hector", join=join)

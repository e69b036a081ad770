"""Reading a run's events: by several at a time, in a loop or in none, and telling what was missed."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from nbagent import eventlog
from nbagent import events as e
from nbagent.run import Run


def deltas(run: Run) -> list[str]:
    return [event.delta for event in run.stream("text.delta") if isinstance(event, e.TextDelta)]


def test_a_plain_loop_reads_to_the_end() -> None:
    run = Run(iter(["Hel", "lo"]))
    run.start()
    assert deltas(run) == ["Hel", "lo"]
    assert deltas(run) == ["Hel", "lo"]


async def test_a_plain_loop_inside_the_loop_that_reads_the_stream_does_not_wait_for_ever() -> None:
    async def stream() -> AsyncIterator[str]:
        yield "Hel"
        await asyncio.sleep(0)
        yield "lo"

    run = Run(stream())
    run.start()
    assert deltas(run) == ["Hel", "lo"]


async def test_each_reads_at_a_pace_of_its_own() -> None:
    go = asyncio.Event()

    async def stream() -> AsyncIterator[str]:
        for word in "abc":
            yield word
            await asyncio.sleep(0)
        go.set()

    run = Run(stream())
    run.start()
    slow, fast = run.stream("text.delta"), run.stream("text.delta")
    assert [event async for event in fast]
    await go.wait()
    assert [event.delta async for event in slow if isinstance(event, e.TextDelta)] == list("abc")


def test_who_falls_behind_is_told_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eventlog, "KEPT_BYTES", 3000)
    run = Run(iter(["x" * 100] * 50))
    run.start()
    run.wait()
    first, *rest = run.stream()
    assert isinstance(first, e.Status)
    assert first.message == f"{run.events[-1].seq - len(rest):,} events were gone before they were read"

"""Reading a run's events: by several at a time, in a loop or in none, and telling what was missed."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from nbagent import eventlog, kernel, loop
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


@pytest.mark.parametrize("is_thread", [True, False])
def test_a_plain_loop_on_nbagents_own_loop_does_not_wait_for_itself(is_thread: bool) -> None:
    async def words() -> AsyncIterator[str]:
        yield "Hi"

    async def inside() -> list[str]:
        run = Run(iter(["Hi"]) if is_thread else words())
        run.start()
        run.wait()
        return deltas(run)

    assert loop.submit(inside()).result(60) == ["Hi"]


@pytest.mark.parametrize("is_thread", [True, False])
async def test_an_interrupted_plain_loop_stops_the_run_and_says_that_it_was_interrupted(
    is_thread: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()

    def lines() -> Iterator[str]:
        yield "Hel"
        go.wait()

    async def words() -> AsyncIterator[str]:
        yield "Hel"
        await asyncio.Event().wait()

    def interrupt() -> None:
        raise KeyboardInterrupt

    def interrupted(waiting: Any) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    run = Run(lines() if is_thread else words())
    run.start()
    with pytest.raises(KeyboardInterrupt):
        for event in run.stream("text.delta"):
            assert isinstance(event, e.TextDelta)
            if is_thread:
                monkeypatch.setattr(kernel, "wait", interrupted)
            else:
                asyncio.get_running_loop().call_soon(interrupt)
    go.set()
    assert run.wait().status == "cancelled"


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


def test_a_type_of_event_that_there_is_not_is_named() -> None:
    with pytest.raises(ValueError, match=r"no type of event called text\.dleta; there are run\.start, "):
        Run(iter([])).stream(("text.delta", "text.dleta"))

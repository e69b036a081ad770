"""Iteration over a run's events: several at a time, with a loop or without, and with a note of
missed events.
"""

import asyncio
import gc
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any

import preloaded
import pytest

from nbagent import events as e
from nbagent.events import log as eventlog
from nbagent.run import Run
from nbagent.run.iteration import EventIterator
from nbagent.runtime import kernel


def python(script: str) -> str:
    """Return the output of a script in a process of its own.

    Asserts that it ends without errors and warnings.
    """
    done = preloaded.run("-c", script, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def deltas(run: Run) -> list[str]:
    return [event.delta for event in run.stream("text.delta") if isinstance(event, e.TextDelta)]


def test_a_plain_loop_reads_to_the_end() -> None:
    run = Run(iter(["Hel", "lo"]))
    run.start()
    assert deltas(run) == ["Hel", "lo"]
    assert deltas(run) == ["Hel", "lo"]


# In processes of their own: nest-asyncio2 patches asyncio for good.
INSIDE = """
import asyncio
from nbagent import events as e
from nbagent.runtime import loop
from nbagent.run.lanes import Lanes
from nbagent.run import Run

class OwnedItems(loop.OwnedStream):
    async def __aiter__(self):
        yield "Hel"
        await asyncio.sleep(0)
        yield "lo"

async def theirs():
    yield "Hel"
    await asyncio.sleep(0)
    yield "lo"

def lines():
    yield "Hel"
    yield "lo"

def text_of(source):
    run = Run(source)
    run.start()
    return "".join(event.delta for event in run.stream("text.delta"))
"""
CALLERS = {
    "the loop that reads the stream": """
async def main():
    print(text_of(theirs()))
asyncio.run(main())
""",
    "the loop that reads one lane of two": """
async def main():
    assert len(text_of(Lanes([OwnedItems(), theirs()]))) == len("HelloHello")
    run = Run(Lanes([OwnedItems(), theirs()]))
    run.start()
    assert [lane.text for lane in run.wait().lanes] == ["Hello", "Hello"]
    print("Hello")
asyncio.run(main())
""",
    "nbagent's own loop": """
async def main():
    assert text_of(OwnedItems()) == text_of(lines())
    run = Run(OwnedItems())
    run.start()
    print(run.wait().text)
loop.submit(main()).result()
""",
}


@pytest.mark.parametrize("place", CALLERS)
def test_a_plain_loop_does_not_wait_for_ever_inside(place: str) -> None:
    assert python(INSIDE + CALLERS[place]) == "Hello\n"


def test_an_interrupt_inside_the_loop_that_reads_the_stream_stops_the_run() -> None:
    script = """
async def waits():
    yield "Hel"
    await asyncio.Event().wait()

def interrupt():
    raise KeyboardInterrupt

async def main():
    run = Run(waits())
    run.start()
    try:
        for event in run.stream("text.delta"):
            asyncio.get_running_loop().call_soon(interrupt)
    except KeyboardInterrupt:
        print("interrupted", run.wait().status)
asyncio.run(main())
"""
    assert python(INSIDE + script) == "interrupted cancelled\n"


def test_an_interrupted_plain_loop_stops_the_run_and_says_that_it_was_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go = threading.Event()

    def stream() -> Iterator[str]:
        yield "Hel"
        go.wait()

    def interrupted(waiting: Any) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    run = Run(stream())
    run.start()
    with pytest.raises(KeyboardInterrupt):
        for event in run.stream("text.delta"):
            assert isinstance(event, e.TextDelta)
            monkeypatch.setattr(kernel, "wait", interrupted)
    go.set()
    assert run.wait().status == "cancelled"


async def test_an_iteration_that_is_dropped_is_closed_at_once_on_its_own_loop() -> None:
    closed: list[threading.Thread] = []

    async def batches() -> AsyncGenerator[list[int]]:
        try:
            yield [1, 2]
        finally:
            closed.append(threading.current_thread())

    coming = EventIterator(batches, lambda: None, lambda: None)
    assert await anext(coming) == 1
    gc.disable()  # which would close it in the end, on whatever thread it runs
    try:
        del coming
        for _ in range(5):
            await asyncio.sleep(0)
    finally:
        gc.enable()
    assert closed == [threading.current_thread()]


async def test_each_reads_at_a_pace_of_its_own() -> None:
    go = asyncio.Event()

    async def stream() -> AsyncIterator[str]:
        for word in "xyz":
            yield word
            await asyncio.sleep(0)
        go.set()

    run = Run(stream())
    run.start()
    slow, fast = run.stream("text.delta"), run.stream("text.delta")
    assert [event async for event in fast]
    await go.wait()
    assert [event.delta async for event in slow if isinstance(event, e.TextDelta)] == list("xyz")


def test_who_falls_behind_is_told_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eventlog, "MAX_LOG_BYTES", 3000)
    run = Run(iter(["x" * 100] * 50))
    run.start()
    run.wait()
    first, *rest = run.stream()
    assert isinstance(first, e.Status)
    assert (
        first.message
        == f"{run.events[-1].seq - len(rest):,} events were gone before they were read"
    )


def test_a_type_of_event_that_there_is_not_is_named() -> None:
    with pytest.raises(
        ValueError,
        match=r"no event type 'text\.dleta'; did you mean 'text\.delta'\? The types are run\.st",
    ):
        Run(iter([])).stream(("text.delta", "text.dleta"))


async def test_one_may_wait_for_more_events_than_there_were() -> None:
    go = asyncio.Event()

    async def stream() -> AsyncIterator[str]:
        yield "one"
        await go.wait()
        yield "two"

    run = Run(stream())
    run.start()
    await run.more_events(0)
    seen = run.event_count
    while "one" not in run.text:
        await run.more_events(seen)
        seen = run.event_count
    waiting = asyncio.create_task(run.more_events(seen))
    await asyncio.sleep(0)
    assert not waiting.done()
    go.set()
    await waiting
    assert run.event_count > seen
    await run
    await run.more_events(run.event_count)  # there will be no more
    assert not run._pipeline.subscribers._subscribers

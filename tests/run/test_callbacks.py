"""`run.on`: functions of the user's that are called with the events of a run."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from nbagent import events as e
from nbagent.run import Run

EVENTS: list[e.Event] = [
    e.ToolStart(id="t", name="f"),
    e.ToolResult(id="t", content=1),
    e.TextDelta(id="a", delta="Hello"),
    e.TextDelta(id="a", delta=", you"),
]


@pytest.mark.parametrize(
    "types", ["tool.result", e.ToolResult, ("tool.result",), [e.ToolResult, "tool.result"]]
)
def test_a_function_gets_each_event_of_a_type(types: Any) -> None:
    got: list[e.Event] = []
    run = Run(iter(EVENTS)).on(types, got.append)
    run.start()
    run.wait()
    assert [(event.type, event.content) for event in got if isinstance(event, e.ToolResult)] == [
        ("tool.result", 1)
    ]
    assert len(got) == 1


def test_one_that_is_added_late_gets_the_events_from_the_beginning() -> None:
    run = Run(iter(EVENTS))
    run.start()
    run.wait()
    got: list[str] = []
    run.on(None, lambda event: got.append(event.type)).wait()
    assert got == [event.type for event in run.events]


async def test_an_async_function_is_awaited_on_the_loop_of_the_caller() -> None:
    here, got = asyncio.get_running_loop(), list[str]()

    async def keep(event: e.TextDelta) -> None:
        await asyncio.sleep(0)
        assert asyncio.get_running_loop() is here
        got.append(event.delta)

    run = Run(iter(EVENTS)).on("text.delta", keep)
    run.start()
    await run
    assert got == ["Hello", ", you"]


async def test_a_blocking_wait_does_not_wait_for_what_its_own_loop_must_do() -> None:
    async def keep(event: e.Event) -> None:
        await asyncio.sleep(0)

    run = Run(iter(EVENTS)).on("text.delta", keep)
    run.start()
    assert run.wait(10).done
    await run


def test_a_function_that_blocks_stalls_neither_the_run_nor_its_stop() -> None:
    go = threading.Event()
    run = Run(iter(EVENTS)).on("text.delta", lambda event: go.wait())
    run.start()
    with pytest.raises(
        TimeoutError, match=r"has ended, but a function given to on\(\) is busy after 0.2 s"
    ):
        run.wait(0.2)
    assert run.done
    go.set()
    run.wait()


def test_an_error_is_logged_once_and_the_calls_go_on(caplog: pytest.LogCaptureFixture) -> None:
    asked: list[str] = []

    def wrong(event: e.TextDelta) -> None:
        asked.append(event.delta)
        raise LookupError("a mistake of mine")

    with caplog.at_level(logging.WARNING, "nbagent"):
        run = Run(iter(EVENTS)).on("text.delta", wrong)
        run.start()
        run.wait()
    assert (run.status, asked) == ("completed", ["Hello", ", you"])
    (said,) = [record.getMessage() for record in caplog.records]
    assert "LookupError: a mistake of mine" in said


def test_it_may_wait_for_the_run_itself() -> None:
    run = Run(iter(EVENTS))
    ended: list[str] = []
    run.on("run.start", lambda event: ended.append(run.wait().status))
    run.start()
    run.wait()
    assert ended == ["completed"]


def test_what_is_no_type_or_no_function_is_refused() -> None:
    run = Run(iter(EVENTS))
    with pytest.raises(ValueError, match=r"did you mean 'tool\.result'\?"):
        run.on("tool_results", print)
    with pytest.raises(TypeError, match=r"a class of nbagent\.events; got <class 'int'>"):
        run.on(int, print)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="takes a function that is called with an event; got str"):
        run.on("tool.result", "print")  # type: ignore[arg-type]


async def test_a_run_that_is_stopped_ends_its_calls() -> None:
    async def endless() -> AsyncIterator[str]:
        yield "Hi"
        await asyncio.Event().wait()

    got: list[str] = []
    run = Run(endless()).on("run.end", lambda event: got.append(event.status))
    run.start()
    run.cancel()
    await run
    assert got == ["cancelled"]

"""A stream that takes too long ends with its reason, and keeps its results so far."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from patience import LIMITS_S, with_text

from nbagent import events as e
from nbagent.errors import StreamError
from nbagent.run import Run


async def stalls() -> AsyncIterator[str]:
    yield "Hello"
    await asyncio.Event().wait()


async def test_a_stream_that_says_nothing_any_more_ends() -> None:
    async def watch(limit: float) -> Run:
        run = Run(stalls(), idle_timeout=limit)
        run.start()
        await run
        assert isinstance(run.error, StreamError)
        message = f"Nothing came for {limit:g} s; idle_timeout= gives it more time"
        assert (run.error.code, str(run.error)) == ("idle_timeout", message)
        return run

    run = await with_text(watch)
    assert (run.status, run.text) == ("failed", "Hello")


@pytest.mark.parametrize("limit", ["timeout", "idle_timeout"])
async def test_a_run_that_has_ended_does_not_fail_because_its_stream_goes_on(limit: str) -> None:
    async def left_open() -> AsyncIterator[e.Event]:
        for event in (
            e.RunStart(),
            e.TextDelta(id="a", delta="Hello"),
            e.RunEnd(status="completed"),
        ):
            yield event
        await asyncio.Event().wait()

    run = Run(left_open(), **{limit: 0.2})  # type: ignore[arg-type]
    run.start()
    await run
    assert (run.status, run.text, run.error) == ("completed", "Hello", None)


async def test_a_stream_that_never_ends_ends() -> None:
    async def endless() -> AsyncIterator[str]:
        while True:
            yield "."
            await asyncio.sleep(0.005)

    run = Run(endless(), timeout=0.1, idle_timeout=10)
    run.start()
    await run
    assert (run.status, set(run.text)) == ("failed", {"."})
    assert isinstance(run.error, StreamError)
    assert run.error.code == "timeout"


def test_a_plain_iterator_that_hangs_ends_too() -> None:
    go = threading.Event()

    def stream() -> Iterator[str]:
        yield "Hello"
        go.wait()

    for limit in LIMITS_S:
        run = Run(stream(), timeout=limit)
        run.start()
        run.wait()
        if run.text:
            break
    else:
        pytest.fail("it was not in time")
    go.set()
    assert (run.status, run.text) == ("failed", "Hello")


def test_a_stream_in_time_is_left_alone() -> None:
    run = Run(iter(["Hi"]), timeout=60, idle_timeout=60)
    run.start()
    assert run.wait().status == "completed"


@pytest.mark.parametrize("option", ["timeout", "idle_timeout"])
@pytest.mark.parametrize("value", [0, "5", float("nan")])
def test_a_time_that_makes_no_sense_is_refused(option: str, value: Any) -> None:
    with pytest.raises(
        ValueError, match=f"{option} must be a positive number of seconds; got {value!r}"
    ):
        Run(iter([]), **{option: value})

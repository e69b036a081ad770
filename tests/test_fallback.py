"""Where a stream fails before anything came of it, the whole answer is asked for; once, and only then."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from nbagent import events as e
from nbagent.run import Run

WHOLE = {
    "id": "c",
    "object": "chat.completion",
    "created": 0,
    "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "whole"}}],
}


def breaks(*said: Any) -> Iterator[Any]:
    yield from said
    raise ConnectionError("no streaming here")


async def whole() -> str:
    return "whole"


async def stream() -> AsyncIterator[str]:
    yield "who"
    yield "le"


async def later() -> AsyncIterator[str]:
    return stream()


ANSWERS: list[Callable[[], Any]] = [lambda: "whole", lambda: WHOLE, lambda: iter(["who", "le"]), whole, later]


@pytest.mark.parametrize("ask", ANSWERS)
async def test_the_answer_comes_in_whatever_form(ask: Callable[[], Any]) -> None:
    run = Run(breaks(), fallback=ask)
    run.start()
    await run
    assert (run.status, run.text, run.error) == ("completed", "whole", None)
    assert [event.message for event in run.events if isinstance(event, e.Status)] == [
        "Streaming failed (no streaming here): the whole answer was asked for"
    ]
    assert [type(event) for event in run.events].count(e.RunStart) == 1


def test_what_has_begun_is_not_asked_for_again() -> None:
    run = Run(breaks("Hel"), fallback=lambda: "whole")
    run.start()
    assert (run.wait().status, run.text) == ("failed", "Hel")


def test_a_stream_that_works_asks_for_nothing() -> None:
    asked: list[int] = []
    run = Run(iter(["Hi"]), fallback=lambda: asked.append(1))
    run.start()
    assert (run.wait().text, asked) == ("Hi", [])


def test_a_fallback_that_fails_as_well_ends_the_run() -> None:
    def ask() -> str:
        raise OSError("no answer either")

    run = Run(breaks(), fallback=ask)
    run.start()
    assert (run.wait().status, str(run.error)) == ("failed", "no answer either")


async def test_a_stream_that_takes_too_long_is_given_up_for_it() -> None:
    import asyncio

    async def stalls() -> AsyncIterator[str]:
        await asyncio.Event().wait()
        yield "never"

    run = Run(stalls(), idle_timeout=0.05, fallback=whole)
    run.start()
    await run
    assert (run.status, run.text) == ("completed", "whole")


async def test_a_stream_that_was_stopped_asks_for_nothing() -> None:
    asked: list[int] = []
    run = Run(stream(), fallback=lambda: asked.append(1))
    run.start()
    run.cancel()
    await run
    assert (run.status, asked) == ("cancelled", [])

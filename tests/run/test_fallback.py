"""The fallback: if a stream fails before any output, the whole answer is requested, once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from openai import AsyncOpenAI

import nbagent
from nbagent import events as e
from nbagent.demo import DemoServer
from nbagent.errors import StreamError
from nbagent.run import Run

WHOLE = {
    "id": "c",
    "object": "chat.completion",
    "created": 0,
    "model": "m",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "whole"}}
    ],
}


def breaks(*items: Any) -> Iterator[Any]:
    yield from items
    raise ConnectionError("no streaming here")


async def whole() -> str:
    return "whole"


async def stream() -> AsyncIterator[str]:
    yield "who"
    yield "le"


async def later() -> AsyncIterator[str]:
    return stream()


async def response() -> Any:
    return WHOLE


ANSWERS: list[Callable[[], Any]] = [
    lambda: "whole",
    lambda: WHOLE,
    lambda: iter(["who", "le"]),
    lambda: whole(),
    lambda: stream(),
    lambda: later(),
    whole,
    stream,
    later,
    response,
]


@pytest.mark.parametrize("ask", ANSWERS)
async def test_the_answer_comes_in_whatever_form(ask: Callable[[], Any]) -> None:
    run = Run(breaks(), fallback=ask)
    run.start()
    await run
    assert (run.status, run.text, run.error) == ("completed", "whole", None)
    assert [event.message for event in run.events if isinstance(event, e.Status)] == [
        "Streaming failed (The connection broke: no streaming here): the whole answer was asked for"
    ]
    assert [type(event) for event in run.events].count(e.RunStart) == 1


def test_what_has_begun_is_not_asked_for_again() -> None:
    run = Run(breaks("Hel"), fallback=lambda: "whole")
    run.start()
    assert (run.wait().status, run.text) == ("failed", "Hel")


@pytest.mark.parametrize("ask", ANSWERS)
async def test_where_asked_the_whole_answer_follows_what_has_begun(ask: Callable[[], Any]) -> None:
    run = Run(breaks("Hel"), fallback=ask, fallback_after_output=True)
    run.start()
    await run
    assert (run.status, run.answer, run.text, run.error) == (
        "completed",
        "whole",
        "Hel\n\nwhole",
        None,
    )


@pytest.mark.parametrize("after_output", [False, True])
async def test_an_agent_may_be_asked_either_way(after_output: bool) -> None:
    begun = (
        [e.RunStart(), e.TextStart(id="text-1"), e.TextDelta(id="text-1", delta="Hel")]
        if after_output
        else []
    )
    with DemoServer(tokens_per_second=float("inf")) as server:
        async with AsyncOpenAI(base_url=server.base_url, api_key=server.api_key) as client:
            agent = nbagent.Agent("demo", name="other", client=client)
            for ask in (lambda: agent.stream("Hi"), lambda: agent.generate("Hi")):
                run = Run(breaks(*begun), fallback=ask, fallback_after_output=after_output)
                run.start()
                await run
                assert run.status == "completed"
                assert run.answer == await agent.generate("Hi")


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
    here = asyncio.get_running_loop()

    async def answer() -> str:
        return (
            "whole"
            if asyncio.get_running_loop() is here
            else "on a loop that knows nothing of its connections"
        )

    run = Run(stalls(), idle_timeout=0.05, fallback=answer)
    run.start()
    await run
    assert (run.status, run.text) == ("completed", "whole")


@pytest.mark.parametrize("times", [{"timeout": 0.05}, {"timeout": 0.1, "idle_timeout": 0.05}])
async def test_a_fallback_takes_no_longer_than_all_may_take(times: dict[str, float]) -> None:
    asked: list[int] = []

    async def hangs() -> str:
        asked.append(1)
        await asyncio.Event().wait()
        return "never"

    run = Run(stalls(), fallback=hangs, **times)  # type: ignore[arg-type]
    run.start()
    await run
    assert (run.status, getattr(run.error, "code", None), asked) == ("failed", "timeout", [1])


async def test_a_fallback_may_be_silent_while_it_makes_the_whole_answer() -> None:
    run: Run

    async def answer() -> str:
        assert run._pipeline.source.outlasts(StreamError("silent", "idle_timeout"))
        return "whole"

    run = Run(breaks(), idle_timeout=60, fallback=answer)
    run.start()
    await run
    assert (run.status, run.text) == ("completed", "whole")


async def stalls() -> AsyncIterator[str]:
    await asyncio.Event().wait()
    yield "never"


STARTED: list[e.Event] = [
    e.RunStart(),
    e.StepStart(),
    e.ReasoningStart(id="r"),
    e.ReasoningDelta(id="r", delta="Hm"),
]


def test_what_the_stream_left_open_is_closed_before_the_answer_comes() -> None:
    run = Run(breaks(*STARTED), fallback=lambda: "whole")
    run.start()
    events = [type(event) for event in run.wait().events]
    assert events[:7] == [*map(type, STARTED), e.ReasoningEnd, e.StepEnd, e.Status]


@pytest.mark.parametrize("status", ["failed", "incomplete"])
def test_a_stream_that_says_itself_that_it_failed_has_not_ended_the_run(status: Any) -> None:
    events = [e.RunStart(), e.Error(message="overloaded", fatal=True), e.RunEnd(status=status)]
    run = Run(iter(events), fallback=lambda: "whole")
    run.start()
    assert (run.wait().status, run.text) == ("completed", "whole")
    assert [type(event) for event in run.events].count(e.RunEnd) == 1
    assert "Streaming failed (overloaded)" in str(run.events)


def test_a_stream_that_says_that_it_is_complete_asks_for_nothing() -> None:
    asked: list[int] = []
    run = Run(iter([e.RunStart(), e.RunEnd(status="completed")]), fallback=lambda: asked.append(1))
    run.start()
    assert (run.wait().status, asked) == ("completed", [])


async def test_a_service_that_leaves_its_stream_open_after_it_failed_is_not_waited_for() -> None:
    async def stays_open() -> AsyncIterator[Any]:
        yield {
            "event": "thread.run.created",
            "data": {"id": "run_1", "object": "thread.run", "status": "queued"},
        }
        yield {"event": "error", "data": {"message": "overloaded"}}
        yield {
            "event": "thread.run.failed",
            "data": {"id": "run_1", "object": "thread.run", "status": "failed"},
        }
        yield {"event": "done", "data": "[DONE]"}
        await asyncio.Event().wait()

    run = Run(stays_open(), adapter="nearai", fallback=whole)
    run.start()
    await run
    assert (run.status, run.text) == ("completed", "whole")


def test_a_rule_that_raises_at_that_moment_ends_the_run() -> None:
    def rule(text: str) -> str:
        if text.startswith("Streaming failed"):
            raise LookupError("no such rule")
        return text

    run = Run(breaks(), redact=[rule], fallback=lambda: "whole")
    run.start()
    assert (run.wait(60).status, str(run.error)) == ("failed", "no such rule")


def test_who_stops_it_while_it_falls_back_is_heard() -> None:
    asked: list[int] = []
    run: Run

    def rule(text: str) -> str:
        if text.startswith("Streaming failed"):  # written just before the fallback starts
            run.cancel()
        return text

    run = Run(breaks(), redact=[rule], fallback=lambda: asked.append(1))
    run.start()
    assert (run.wait().status, asked) == ("cancelled", [])


def test_a_credential_in_what_went_wrong_is_masked() -> None:
    refused: Any = PermissionError("wrong key: our-own-key-0001")
    headers = {"Authorization": "Bearer our-own-key-0001"}
    refused.response = SimpleNamespace(request=SimpleNamespace(headers=headers))

    def refuses() -> Iterator[str]:
        yield from ()
        raise refused

    run = Run(refuses(), fallback=lambda: "whole")
    run.start()
    assert run.wait().text == "whole"
    assert "own-key-0001" not in str(run.events)


async def test_a_stream_that_was_stopped_asks_for_nothing() -> None:
    asked: list[int] = []
    run = Run(stream(), fallback=lambda: asked.append(1))
    run.start()
    run.cancel()
    await run
    assert (run.status, asked) == ("cancelled", [])


def test_what_is_no_function_is_refused_at_once() -> None:
    with pytest.raises(
        TypeError, match="fallback= must be a function that returns the whole answer; got str"
    ):
        Run(iter([]), fallback="whole")  # type: ignore[arg-type]

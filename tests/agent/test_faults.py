"""Injected faults: which calls and requests get them, and what the agent and its reader see."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from agent.server import Server, chat

import nbagent
from nbagent import Run
from nbagent import events as e
from nbagent.run_context.faults import due_faults


@nbagent.tool
def rate(year: int) -> float:
    """Rate of a year."""
    return float(year)


@contextmanager
def agent(*replies: Any, **options: Any) -> Iterator[tuple[nbagent.Agent, Server]]:
    with Server(*replies) as server:
        yield (
            nbagent.Agent("test-1", tools=[rate], client=server.client(**options), api="chat"),
            server,
        )


def calls(*years: int) -> Any:
    return chat(calls=[(f"c{year}", "rate", json.dumps({"year": year})) for year in years])


def started(stream: Any) -> Run:
    run = Run(stream)
    run.start()
    return run


def statuses(run: Run) -> list[str]:
    return [event.message for event in run.events if isinstance(event, e.Status)]


async def test_every_second_call_fails_and_is_shown_as_injected() -> None:
    with agent(calls(1), calls(2), calls(3), calls(4), chat("Done.")) as (made, _):
        with nbagent.faults(tool="rate", error=TimeoutError("too late"), every=2):
            run = started(made.stream("go"))
        await run  # it keeps the faults of its start
    assert [call.state for call in run.tools] == ["output-available", "output-error"] * 2
    assert (run.tools[1].error or {})["message"] == "too late"
    assert statuses(run) == ["Injected: TimeoutError"] * 2
    inside = [block["parent"] for block in run.snapshot() if block["kind"] == "status"]
    assert inside == [
        block["id"] for block in run.snapshot() if block.get("state") == "output-error"
    ]


async def test_a_status_goes_through_the_real_retries() -> None:
    with agent(chat("Done."), max_retries=2) as (made, server), nbagent.faults(status=429, first=1):
        run = await started(made.stream("go"))
    assert (run.answer, len(server.bodies)) == ("Done.", 1)
    injected, retried = statuses(run)
    assert injected == "Injected: status 429"
    assert "answered 429: injected by nbagent.faults; trying again in" in retried


async def test_a_status_that_stays_ends_the_run() -> None:
    with agent(chat("Done."), max_retries=0) as (made, server), nbagent.faults(status=503):
        run = await started(made.stream("go"))
    assert (run.status, server.bodies) == ("failed", [])
    assert "answered 503" in str(run.error)


async def test_a_cut_stream_is_a_broken_connection() -> None:
    with agent(chat("One two three."), max_retries=0) as (made, _), nbagent.faults(cut_after=2):
        run = await started(made.stream("go"))
    assert run.status == "failed"
    assert statuses(run) == ["Injected: the stream is cut after 2 chunks"]
    assert "cut" in str(run.error)


async def test_latency_counts_for_the_time_limit_of_a_tool() -> None:
    slow = nbagent.tool(timeout=0.01)(rate.function)
    with Server(calls(1), chat("Done.")) as server:
        made = nbagent.Agent("test-1", tools=[slow], client=server.client(), api="chat")
        with nbagent.faults(tool="*", latency=60):
            run = await started(made.stream("go"))
    assert (run.tools[0].error or {})["type"] == "TimeoutError"
    assert statuses(run) == ["Injected: 60 s of latency"]


async def test_blocks_inside_one_another_add_up_and_each_run_counts_from_one() -> None:
    with nbagent.faults(tool="rate", error=ValueError, every=2):
        for _ in range(2):
            slow_first = nbagent.faults(tool="rate", latency=0.001, first=1)
            with agent(calls(1), calls(2), chat("Done.")) as (made, _server), slow_first:
                run = await started(made.stream("go"))
            assert statuses(run) == ["Injected: 0.001 s of latency", "Injected: ValueError"]
        assert rate(1) == 1.0
        with pytest.raises(ValueError):
            rate(1)
    assert rate(1) == 1.0


async def test_a_tool_that_other_code_calls_gets_them_too() -> None:
    async def plain() -> AsyncIterator[str]:
        for year in (1, 2):
            try:
                yield str(rate(year))
            except TimeoutError as error:
                yield repr(error)

    with nbagent.faults(tool="rate", error=TimeoutError, every=2):
        run = await started(plain())
    assert (run.text, statuses(run)) == ("1.0TimeoutError()", ["Injected: TimeoutError"])
    assert [call.state for call in run.tools] == ["output-available", "output-error"]


async def test_an_async_tool_gets_them_outside_of_runs() -> None:
    @nbagent.tool
    async def later(year: int) -> int:
        """Work."""
        await asyncio.sleep(0)
        return year

    with (
        nbagent.faults(tool="later", error=OSError, times=1),
        nbagent.faults(tool="later", latency=0.001),
    ):
        with pytest.raises(OSError):
            await later(1)
        assert await later(2) == 2


@pytest.mark.parametrize(
    ("which", "struck"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"every": 3}, [3, 6]),
        ({"first": 2}, [1, 2]),
        ({"every": 2, "times": 2}, [2, 4]),
        ({"probability": 0.5, "seed": 1}, [1, 4, 5, 6]),
        ({"probability": 0}, []),
    ],
)
def test_which_calls_get_a_fault(which: dict[str, Any], struck: list[int]) -> None:
    for made in (
        nbagent.faults(tool="f", latency=1, **which),
        nbagent.faults(tool="*", latency=1, **which).fresh(),
    ):
        assert [number for number in range(1, 7) if due_faults("f", [made])] == struck
        assert not due_faults(None, [made])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "say which"),
        ({"tool": rate, "error": OSError}, "tool must be the name"),
        ({"error": "no"}, "error must be an exception"),
        ({"tool": "f", "status": 429}, "status= is for requests to the model"),
        ({"tool": "f", "cut_after": 1}, "cut_after= is for requests"),
        ({"status": 200}, "400 to 599"),
        ({"latency": -1}, "latency must be"),
        ({"cut_after": -1}, "cut_after must be"),
        ({"latency": 1, "every": 0}, "every must be"),
        ({"latency": 1, "probability": 2}, "probability must be"),
        ({"error": OSError, "status": 500}, "two ways to fail"),
    ],
)
def test_wrong_arguments_are_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        nbagent.faults(**wrong)

"""Tools that go wrong in ways of their own: the call has a clear state, the model is told, and the
run goes on.
"""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pandas
import pytest
from agent.server import Server, say
from agent.test_agent import agent_of, of
from patience import LIMITS_S

import nbagent
from nbagent import events as e


def boom(*_: Any, **__: Any) -> Any:
    raise RuntimeError("boom")


def object_with(**methods: Any) -> Any:
    """Return an object of a class of its own."""
    return type("Odd", (), methods)()


def ring() -> dict[str, Any]:
    made: dict[str, Any] = {}
    made["itself"] = made
    return made


def deep() -> list[Any]:
    made: list[Any] = []
    for _ in range(100_000):
        made = [made]
    return made


class OddDict(dict[str, Any]):
    items = values = keys = __iter__ = boom


class OddList(list[int]):
    def __len__(self) -> int:
        return -1


class OddText(str):
    __len__ = __str__ = __repr__ = __iter__ = boom


UNSHOWABLE: dict[str, tuple[Callable[[], Any], str]] = {
    "repr_raises": (
        lambda: object_with(__repr__=boom),
        "<Odd that cannot be read: RuntimeError: boom>",
    ),
    "html_raises": (lambda: object_with(_repr_html_=boom), "Odd object"),
    "mimebundle_raises": (lambda: object_with(_repr_mimebundle_=boom), "Odd object"),
    "mimebundle_of_no_types": (
        lambda: object_with(_repr_mimebundle_=lambda *_, **__: {1: object()}),
        "Odd object",
    ),
    "attributes_raise": (lambda: object_with(__getattr__=boom), "Odd"),
    "comparisons_raise": (
        lambda: object_with(__eq__=boom, __bool__=boom, __hash__=boom, __len__=boom),
        "Odd object",
    ),
    "key_raises": (lambda: {object_with(__str__=boom): 1}, "1"),
    "items_raise": (lambda: OddDict(a=1), "OddDict"),
    "length_is_negative": (lambda: OddList([1]), "<OddList that cannot be read"),
    "text_raises": (lambda: OddText("abc"), "OddText"),
    "any_attribute": (MagicMock, "MagicMock"),
    "inside_itself": (ring, "…"),
    "deep": (deep, "…"),
    "bytes": (lambda: b"\xff" * 5_000_000, "<5,000,000 bytes>"),
    "text": (lambda: "x" * 5_000_000, " more characters"),
    "surrogate": (lambda: "a\ud800b", "a\ufffdb"),
    "no_number": (lambda: [float("nan"), float("inf")], '["NaN","Infinity"]'),
    "thousands_of_digits": (lambda: 10**10_000, "0x"),
    "lock": (threading.Lock, "lock"),
    "frame_of_rings": (lambda: pandas.DataFrame({"a": [ring(), "\ud800"]}), '"rows":'),
}


async def test_a_value_that_cannot_be_shown_is_a_result_all_the_same(tmp_path: Path) -> None:
    """A tool that returned has done its work.

    A model that is told of an error might have it done again.
    """

    def get(name: str) -> Any:
        return UNSHOWABLE[name][0]()

    def find(name: str) -> Iterator[Any]:
        yield [UNSHOWABLE[name][0]()]

    calls = [
        (f"{tool}-{name}", tool, json.dumps({"name": name}))
        for tool in ("get", "find")
        for name in UNSHOWABLE
    ]
    with Server(say("chat", calls=calls), say("chat", "Done.", number=2)) as server:
        run = nbagent.Run(agent_of(server, tools=[get, find]).stream("go"))
        run.start()
        await run
        told = {
            message["tool_call_id"]: message["content"]
            for message in server.bodies[1]["messages"][-len(calls) :]
        }

    assert (run.status, run.text) == ("completed", "Done.")
    results = [result for result in of(run.events, e.ToolResult) if not result.preliminary]
    assert [(result.id, result.error) for result in results if result.status != "ok"] == []
    assert len(results) == len(calls)
    assert {
        name: told[f"get-{name}"]
        for name, (_, text) in UNSHOWABLE.items()
        if text not in told[f"get-{name}"]
    } == {}
    assert all(result.display.summary and result.display.data["text/plain"] for result in results)
    run.save(str(tmp_path / "run.jsonl"))
    assert "Done." in run.to_html()
    assert "Done." in run.to_markdown()
    replayed = nbagent.replay(str(tmp_path / "run.jsonl"))
    assert len([event async for event in replayed]) == len(run.events)


class Unreadable(Exception):
    """An error whose message raises what the event loop itself would end with."""

    def __str__(self) -> str:
        raise SystemExit(2)


def circular() -> BaseException:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    return first


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Unreadable(), "Error: Unreadable: (its message cannot be read: SystemExit)"),
        (ValueError("a\ud800b"), "Error: ValueError: a\ufffdb"),
        (ValueError("x" * 5_000_000), "Error: ValueError: xxx"),
        (
            ValueError(object_with(__str__=boom)),
            "Error: ValueError: (its message cannot be read: RuntimeError)",
        ),
        (circular(), "Error: ValueError: first"),
        (
            BaseExceptionGroup("two", [ValueError("a"), SystemExit(1)]),
            "Error: BaseExceptionGroup: two (2 sub-exceptions)",
        ),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, BaseException) else "",
)
async def test_an_error_that_cannot_be_read_is_an_error_of_the_call(
    error: BaseException, expected: str
) -> None:
    def fail() -> None:
        raise error

    async def fail_async() -> None:
        raise error

    def asks(arguments: dict[str, Any]) -> bool:
        raise error

    @nbagent.tool(approve=asks)
    def refuse() -> None: ...

    calls = [(name, name, "{}") for name in ("fail", "fail_async", "refuse")]
    with Server(say("chat", calls=calls), say("chat", "Sorry.", number=2)) as server:
        events = [
            event async for event in agent_of(server, tools=[fail, fail_async, refuse]).stream("go")
        ]
        told = [message["content"] for message in server.bodies[1]["messages"][-3:]]
    error.__traceback__ = None  # keeps the frames of this test

    assert (events[-1].status, events[-1].output) == ("completed", "Sorry.")  # type: ignore[union-attr]
    assert [result.status for result in of(events, e.ToolResult)] == ["error"] * 3
    assert all(text.startswith(expected) and len(text) < 5000 for text in told)


async def test_a_flood_of_values_and_of_displays_is_few_events() -> None:
    def flood() -> Iterator[int]:
        yield from range(50_000)

    with Server(
        say("chat", calls=[("c1", "flood", "{}")]), say("chat", "Done.", number=2)
    ) as server:
        events = [event async for event in agent_of(server, tools=[flood]).stream("go")]

    *shown, result = of(events, e.ToolResult)
    assert (result.content, result.preliminary) == (49_999, False)
    assert all(each.preliminary for each in shown)
    assert len(shown) < 500


async def test_a_tool_that_never_returns_ends_with_the_runs_limit_and_its_prints_stay() -> None:
    free = threading.Event()

    def hang() -> None:
        print("I wait.")
        free.wait(60)

    for limit in LIMITS_S:
        with Server(say("chat", "Let me see.", [("c1", "hang", "{}")])) as server:
            events = [
                event async for event in agent_of(server, tools=[hang], timeout=limit).stream("go")
            ]
        if of(events, e.ToolOutput):
            break
    else:
        pytest.fail("it was not in time")
    free.set()

    end = events[-1]
    assert isinstance(end, e.RunEnd)
    assert (end.status, end.code, end.output) == ("failed", "timeout", "Let me see.")
    assert "".join(event.delta for event in of(events, e.ToolOutput)) == "I wait.\n"

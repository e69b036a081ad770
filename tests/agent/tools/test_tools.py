"""Functions made tools, and called as tools."""

import asyncio
import contextvars
import functools
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any

import pytest

from nbagent.agent.tools.decorator import tool, toolbox
from nbagent.agent.tools.described_tool import chat_form, responses_form
from nbagent.agent.tools.tool import Tool, parse_arguments
from nbagent.errors import ToolError

user = contextvars.ContextVar("user", default="nobody")


def weather(town: str, days: int = 1) -> str:
    """Look up the weather.

    Args:
        town: where.
        days: how many days ahead.
    """
    return f"{town}+{days}"


def test_a_function_says_what_the_model_needs() -> None:
    made = Tool(weather)
    parameters = {
        "type": "object",
        "properties": {
            "town": {"type": "string", "description": "where."},
            "days": {"type": "integer", "description": "how many days ahead.", "default": 1},
        },
        "required": ["town"],
        "additionalProperties": False,
    }

    about = {"name": "weather", "description": "Look up the weather.", "parameters": parameters}
    assert responses_form(made) == {"type": "function", **about, "strict": False}
    assert chat_form(made) == {"type": "function", "function": about}


def test_the_decorator_takes_options_and_leaves_the_function_callable() -> None:
    @tool(name="forecast", description="Says it.", timeout=2.5)
    def shout(town: str) -> str:
        """Not this."""
        return town.upper()

    assert (shout.name, shout.description, shout.timeout) == ("forecast", "Says it.", 2.5)
    assert shout("oslo") == "OSLO"
    assert shout.__name__ == "forecast"


async def test_arguments_are_converted_before_the_call() -> None:
    assert await Tool(weather).run({"town": "Oslo", "days": "3"}) == "Oslo+3"


async def test_an_async_function_runs_where_it_is_awaited_and_a_sync_one_does_not() -> None:
    async def here() -> int:
        return threading.get_ident()

    def there() -> int:
        return threading.get_ident()

    assert await Tool(here).run({}) == threading.get_ident()
    assert await Tool(there).run({}) != threading.get_ident()


async def test_whatever_is_awaitable_is_awaited() -> None:
    async def later(n: int) -> int:
        return n + 1

    class Service:
        async def __call__(self, n: int) -> int:
            return n + 1

    for function in (later, lambda n: later(n), functools.partial(later, n=1), Service()):
        assert await Tool(function, name="later").run({"n": 1}) == 2


async def test_a_thread_sees_the_callers_context_variables() -> None:
    def ask() -> str:
        return user.get()

    user.set("cell 7")
    assert await Tool(ask).run({}) == "cell 7"


async def test_a_timeout_is_told_apart_from_a_tools_own() -> None:
    async def slow() -> None:
        await asyncio.Event().wait()

    def own() -> None:
        raise TimeoutError("the database")

    with pytest.raises(TimeoutError, match=r"slow took longer than its 0\.01 s"):
        await Tool(slow, timeout=0.01).run({})
    with pytest.raises(TimeoutError, match="the database"):
        await Tool(own, timeout=60).run({})


async def test_a_sync_tool_that_is_cancelled_is_left_behind() -> None:
    begun, go_on, finished = threading.Event(), threading.Event(), threading.Event()

    def block() -> str:
        begun.set()
        go_on.wait()
        finished.set()
        return "too late"

    task = asyncio.create_task(Tool(block).run({}))
    await asyncio.to_thread(begun.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not finished.is_set()
    go_on.set()
    assert await asyncio.to_thread(finished.wait, 10)


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1), KeyboardInterrupt()], ids=repr)
async def test_what_a_thread_raises_comes_back(error: BaseException) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        await Tool(fail).run({})
    assert caught.value is error


async def test_stop_iteration_does_not_hang_the_caller() -> None:
    def fail() -> Any:
        return next(iter(()))

    with pytest.raises(RuntimeError, match="StopIteration"):
        await Tool(fail).run({})


def count() -> Iterator[int]:
    yield 1
    yield 2


def count_and_sum() -> Generator[int, None, str]:
    yield from count()
    return "3 in all"


async def count_async() -> AsyncIterator[int]:
    yield 1
    yield 2


async def count_later() -> Iterator[int]:
    return count()


def count_nothing() -> Iterator[int]:
    yield from ()


@pytest.mark.parametrize(
    ("function", "shown", "result"),
    [
        (count, [1, 2], 2),
        (count_and_sum, [1, 2], "3 in all"),
        (count_async, [1, 2], 2),
        (count_later, [1, 2], 2),
        (count_nothing, [], None),
    ],
)
async def test_each_value_of_a_generator_is_shown_and_the_last_is_the_result(
    function: Callable[..., Any], shown: list[int], result: Any
) -> None:
    seen: list[Any] = []
    assert await Tool(function).run({}, seen.append) == result
    assert seen == shown


async def test_the_timeout_of_a_generator_is_for_all_its_values() -> None:
    closed = threading.Event()
    go_on = threading.Event()

    def endless() -> Iterator[int]:
        try:
            while True:
                yield 1
                go_on.wait()
        finally:
            closed.set()

    async def endless_async() -> AsyncIterator[int]:
        while True:
            yield 1
            await asyncio.sleep(0.001)

    for function in (endless, endless_async):
        with pytest.raises(TimeoutError, match=r"took longer than its 0\.05 s"):
            await Tool(function, timeout=0.05).run({})
    assert not closed.is_set()  # its thread is left behind
    go_on.set()
    assert await asyncio.to_thread(closed.wait, 10)  # and closes it as soon as it gets it back


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Tool(5), "a tool must be a function, got 5"),  # type: ignore[arg-type]
        (
            lambda: Tool(lambda: 1),
            (
                "<lambda>: a tool's name is 1 to 64 letters, digits, _ or -; give one with "
                "@tool(name=…)"
            ),
        ),
        (
            lambda: Tool(threading.get_ident),
            "get_ident: its signature cannot be read; wrap it in a function with annotations",
        ),
        (lambda: Tool(weather, name="a b"), "a b: a tool's name is"),
        (lambda: Tool(weather, name="x" * 65), "a tool's name is"),
        (
            lambda: Tool(weather, timeout=0),
            "weather: timeout must be a positive number of seconds, got 0",
        ),
        (
            lambda: Tool(weather, result_chars=99),
            "weather: result_chars must be at least 100 characters, got 99",
        ),
        (
            lambda: toolbox([weather, Tool(weather)]),
            "weather: two tools have this name; rename one with @tool(name=…)",
        ),
    ],
)
def test_what_cannot_be_a_tool_is_refused_by_name(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ToolError) as refused:
        make()
    assert message in str(refused.value)


@pytest.mark.parametrize("name", ["get_weather", "get-weather", "2nd", "x" * 64])
def test_names_the_api_takes_are_taken(name: str) -> None:
    assert Tool(weather, name=name).name == name


def test_arguments_are_an_object_or_nothing() -> None:
    assert parse_arguments("") == parse_arguments(" ") == parse_arguments("{}") == {}
    assert parse_arguments('{"a": [1]}') == {"a": [1]}
    with pytest.raises(ToolError, match="not valid JSON"):
        parse_arguments('{"a": ')
    with pytest.raises(ToolError, match="must be a JSON object, got list"):
        parse_arguments("[1]")

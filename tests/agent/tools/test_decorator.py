"""`nbagent.tool` leaves a function a function, of the same kind and with its own signature."""

import functools
import inspect
import pickle
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pydantic
import pytest

import nbagent
from nbagent.agent.tools.decorator import tool_of, toolbox


@nbagent.tool(approve=True, timeout=5)
def rate(year: int, code: str = "EUR") -> str:
    """Rate of a year."""
    return f"{year} {code}"


@nbagent.tool
async def later(year: int) -> int:
    """Rate of a year, later."""
    return year


@nbagent.tool
def each(count: int) -> Iterator[int]:
    """Count."""
    yield from range(count)


@nbagent.tool
async def each_later(count: int) -> AsyncIterator[int]:
    """Count, later."""
    for number in range(count):
        yield number


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (rate, None),
        (later, inspect.iscoroutinefunction),
        (each, inspect.isgeneratorfunction),
        (each_later, inspect.isasyncgenfunction),
    ],
)
def test_a_tool_is_a_function_of_its_kind(made: Any, kind: Callable[[Any], bool] | None) -> None:
    assert inspect.isfunction(made)
    kinds = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    assert [each for each in kinds if each(made)] == ([] if kind is None else [kind])
    written = inspect.unwrap(made)
    assert inspect.signature(made) == inspect.signature(written)
    assert (made.__doc__, made.__module__) == (written.__doc__, __name__)


async def test_calling_it_is_calling_its_function() -> None:
    assert rate(2024) == "2024 EUR"
    assert await later(2024) == 2024
    assert list(each(2)) == [0, 1]
    assert [number async for number in each_later(2)] == [0, 1]


def test_pydantic_takes_it_for_a_function() -> None:
    assert pydantic.validate_call(rate)("2024") == "2024 EUR"  # type: ignore[arg-type]


def test_it_is_pickled_by_its_name() -> None:
    assert pickle.loads(pickle.dumps(rate)) is rate


def test_options_are_attributes_and_count_where_they_are_set_later() -> None:
    assert (rate.approve, rate.timeout, rate.once, rate.schema["required"]) == (
        True,
        5,
        False,
        ["year"],
    )
    marked = nbagent.tool(rate.function)
    marked.once = True
    assert toolbox([marked])["rate"].once


def test_a_method_is_a_tool_of_its_object() -> None:
    class Rates:
        def __init__(self, base: int) -> None:
            self.base = base

        @nbagent.tool(approve=True)
        def of(self, year: int) -> int:
            """Rate of a year."""
            return self.base + year

    method = Rates(100).of
    made = toolbox([method])["of"]
    assert (made.approve, list(made.schema["properties"])) == (True, ["year"])
    assert method(1) == made.function(1) == 101


def test_a_function_around_a_tool_is_another_function() -> None:
    @functools.wraps(rate)
    def retried(*args: Any, **kwargs: Any) -> str:
        return rate(*args, **kwargs)

    assert tool_of(retried) is None
    assert tool_of(rate) is not None


def test_a_tool_of_a_tool_has_its_own_options() -> None:
    other = nbagent.tool(name="other")(rate)
    assert (other.name, other.approve, other(2024)) == ("other", False, "2024 EUR")

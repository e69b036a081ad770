"""Tools that other code calls: what the run around shows, and its breakpoints."""

import asyncio
import concurrent.futures
import inspect
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernels.session import Session

import nbagent
from nbagent import Run
from nbagent import events as e
from nbagent.errors import NbagentError, ToolError
from nbagent.events.question import Question
from nbagent.run.lanes import Lanes

threads: list[str] = []


@nbagent.tool
def rate(year: int, code: str = "EUR") -> dict[str, Any]:
    """Rate of a year."""
    threads.append(threading.current_thread().name)
    print(f"rate of {year}")
    nbagent.progress(1, 2)
    if year == 1999:
        raise ValueError("no rate")
    return {"year": year}


@nbagent.tool
async def later(year: int) -> dict[str, Any]:
    """Rate of a year, later."""
    await asyncio.sleep(0)
    print(f"later of {year}")
    return {"year": year}


@nbagent.tool(approve=True)
def pay(amount: float) -> str:
    """Pay."""
    return f"paid {amount:g}"


def started(source: Any, **options: Any) -> Run:
    run = Run(source, **options)
    run.start()
    return run


def of(*works: Callable[[], Any]) -> Iterator[str]:
    """A stream of plain code: the results of functions."""
    for work in works:
        try:
            yield f"{work()};"
        except Exception as error:
            yield f"{error!r};"


def shown(run: Run) -> list[Any]:
    return [(call.name, call.state, call.args, call.result) for call in run.tools]


async def test_a_plain_call_has_a_panel_with_what_it_got_said_and_returned() -> None:
    threads.clear()
    run = await started(of(lambda: rate(2024), lambda: rate(1999, code="USD")))
    assert run.text == "{'year': 2024};ValueError('no rate');"
    assert shown(run) == [
        ("rate", "output-available", {"year": 2024}, {"year": 2024}),
        ("rate", "output-error", {"year": 1999, "code": "USD"}, None),
    ]
    assert isinstance(run.tools[1].exception, ValueError)
    assert [block.get("output") for block in run.snapshot() if block["kind"] == "tool"] == [
        "rate of 2024\n",
        "rate of 1999\n",
    ]
    assert [
        event.progress for event in run.events if isinstance(event, e.ToolProgress) and event.total
    ] == [1.0, 1.0]
    assert "nbagent-tool" not in threads  # the function runs where it was called


async def test_so_has_an_async_call_on_the_callers_loop() -> None:
    async def plain() -> AsyncIterator[str]:
        results = await asyncio.gather(later(1), later(year=2))
        yield str(results)

    run = await started(plain())
    assert run.text == "[{'year': 1}, {'year': 2}]"
    assert [call.result for call in run.tools] == [{"year": 1}, {"year": 2}]
    outputs = [block["output"] for block in run.snapshot() if block["kind"] == "tool"]
    assert outputs == ["later of 1\n", "later of 2\n"]


async def test_outside_of_runs_it_is_the_function() -> None:
    assert rate(2024) == {"year": 2024}
    assert await later(1) == {"year": 1}
    background = started(endless())
    assert rate(2025) == {"year": 2025}  # by the reader's own cell, beside a run
    background.cancel()
    assert (await background).tools == []


async def endless() -> AsyncIterator[str]:
    yield "…"
    await asyncio.Event().wait()


async def test_a_thread_without_the_runs_context_finds_the_one_run() -> None:
    def pooled() -> Any:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            return pool.submit(rate, 2024).result()

    run = await started(of(pooled))
    assert shown(run) == [("rate", "output-available", {"year": 2024}, {"year": 2024})]


async def test_a_call_in_a_lane_is_the_lanes() -> None:
    run = await started(Lanes([of(lambda: rate(1)), of(lambda: rate(2))]))
    assert [[call.args for call in lane.tools] for lane in run.lanes] == [
        [{"year": 1}],
        [{"year": 2}],
    ]


async def test_a_stream_of_events_that_tells_the_call_has_one_panel_with_the_live_result() -> None:
    async def framework() -> AsyncIterator[e.Event]:
        yield e.RunStart()
        yield e.ToolStart(id="tool-1", name="later", call_id="c1")
        yield e.ToolArgs(id="tool-1", args={"year": "3"}, args_text='{"year": "3"}')
        result = await later(3)
        yield e.ToolResult(id="tool-1", content=str(result))
        yield e.RunEnd(status="completed")

    run = await started(framework())
    assert shown(run) == [("later", "output-available", {"year": "3"}, {"year": 3})]


@pytest.mark.parametrize("reveal", ["tools", "answer"])
async def test_the_runs_rules_hold(reveal: Any) -> None:
    run = await started(of(lambda: rate(1999)), hide={"rate": "all"}, reveal=reveal)
    assert run.tools == []
    masked = await started(of(lambda: rate(20_242_024_202_420)), redact=["20242024202420"])
    assert "20242024202420" not in str(masked.snapshot())


def answers(*given: Callable[[Question], None]) -> Callable[[Question], None]:
    waiting = list(given)
    return lambda question: waiting.pop(0)(question)


@pytest.mark.parametrize(
    ("answer", "text", "result"),
    [
        (lambda q: q.allow(), "{'year': 2024};", {"year": 2024}),
        (lambda q: q.allow({"year": 2023}), "{'year': 2023};", {"year": 2023}),
        (lambda q: q.give_result([1]), "[1];", [1]),
        (lambda q: q.deny("too old"), "The user denied this call: too old;", None),
        (lambda q: q.give_error("down"), "ToolError('down');", None),
    ],
)
async def test_an_answer_at_a_breakpoint(answer: Any, text: str, result: Any) -> None:
    run = await started(of(lambda: rate(2024)), stop_at="rate", answer=answer)
    assert (run.text, run.tools[0].result) == (text, result)
    asynchronous = await started(awaited(2024), stop_at="later", answer=answer)
    assert asynchronous.text == text


async def awaited(year: int) -> AsyncIterator[str]:
    try:
        yield f"{await later(year)};"
    except ToolError as error:
        yield f"{error!r};"


async def test_a_step_an_error_and_a_wrong_result_stop_after_the_call_which_runs_again() -> None:
    again = answers(lambda q: q.step(), lambda q: q.again({"year": 7}), lambda q: q.allow())
    run = await started(of(lambda: rate(6)), stop_at="*", answer=again)
    assert shown(run) == [("rate", "output-available", {"year": 7}, {"year": 7})]
    mended = await started(
        of(lambda: rate(1999)), stop_on_error=True, answer=lambda q: q.give_result(0)
    )
    assert mended.text == "0;"
    wrong = answers(lambda q: q.give_result("right"))
    checked = await started(
        of(lambda: rate(5)),
        stop_on_result=lambda name, args, result: result["year"] == 5,
        answer=wrong,
    )
    assert checked.text == "right;"


async def test_a_tool_that_asks_first_asks_the_reader_of_the_run() -> None:
    run = await started(of(lambda: pay(5), lambda: pay(6)), answer=lambda q: q.args["amount"] < 6)
    assert run.text == "paid 5;The user denied this call.;"
    assert [call.state for call in run.tools] == ["output-available", "output-denied"]
    assert pay(1) == "paid 1"


async def test_arguments_that_do_not_fit_are_the_functions_own_error() -> None:
    run = await started(of(lambda: rate(wrong=1)))  # type: ignore[call-arg]
    assert "unexpected keyword argument 'wrong'" in run.text
    assert run.tools[0].state == "output-error"


async def test_a_run_that_is_stopped_at_a_breakpoint_ends() -> None:
    run = started(awaited(1), stop_at="later")
    async for _ in run.stream("approval.request"):
        run.cancel()
    assert (await run).status == "cancelled"
    assert [call.state for call in run.tools] == ["cancelled"]


def test_a_tool_looks_like_its_function() -> None:
    assert [inspect.iscoroutinefunction(each) for each in (rate, later)] == [False, True]
    assert [asyncio.iscoroutinefunction(each) for each in (rate, later)] == [False, True]
    assert all(map(inspect.isroutine, (rate, later)))
    assert inspect.signature(rate) == inspect.signature(rate.function)
    assert nbagent.tool(name="other")(later.function).__name__ == "other"


# --- another call by the reader ---


def announced(tool: Any, *years: int) -> AsyncIterator[e.Event]:
    """A framework's stream, which has each call before the function runs."""

    async def events() -> AsyncIterator[e.Event]:
        yield e.RunStart()
        for number, year in enumerate(years):
            id = f"tool-{number}"
            yield e.ToolStart(id=id, name="later", call_id=f"c{number}")
            yield e.ToolArgs(id=id, args={"year": year}, args_text=f'{{"year": {year}}}')
            yield e.ToolResult(id=id, content=str(await tool(year)))
        yield e.RunEnd(status="completed")

    return events()


async def test_a_plain_call_is_made_again() -> None:
    run = await started(of(lambda: rate(2024)))
    assert (await run.tools[0].rerun()).result == {"year": 2024}
    assert (await run.tools[0].rerun(year=2025)).result == {"year": 2025}
    assert next(block["can_rerun"] for block in run.snapshot() if block["kind"] == "tool")


async def test_so_is_a_call_that_the_stream_announces_which_stays_one_call() -> None:
    run = await started(announced(later, 3))
    assert (await run.tools[0].rerun(year=4)).result == {"year": 4}
    assert (await run.tools[0].attempts[0].rerun()).args == {"year": 4}
    starts = [event for event in run.events if isinstance(event, e.ToolStart)]
    assert [(start.call_id, start.attempt_of) for start in starts][:2] == [
        ("c0", None),
        (None, starts[0].id),
    ]
    assert len(run.tools) == 1


async def test_so_is_a_call_whose_arguments_the_framework_changed() -> None:
    async def changing(year: int) -> Any:
        return await later(year + 1)

    run = await started(announced(changing, 3))
    assert run.tools[0].args == {"year": 4}
    assert (await run.tools[0].rerun()).args == {"year": 4}


async def test_arguments_that_were_changed_at_a_breakpoint_are_those_to_start_from() -> None:
    run = await started(
        of(lambda: rate(2024)), stop_at="rate", answer=lambda q: q.allow({"year": 2023})
    )
    assert (await run.tools[0].rerun()).args == {"year": 2023}
    assert (await run.tools[0].rerun(code="USD")).args == {"year": 2023, "code": "USD"}


async def test_a_call_without_a_permission_is_made_by_its_reader() -> None:
    run = await started(of(lambda: pay(5)), answer=lambda q: q.deny())
    assert (await run.tools[0].rerun()).result == "paid 5"


async def test_the_objects_that_a_framework_fills_in_are_given_again() -> None:
    class RunContext:
        """Stands for the framework's own class, by its name and its package."""

    RunContext.__module__ = "pydantic_ai"

    def with_context(context, year: int) -> str:  # type: ignore[no-untyped-def]
        """Rate of a year."""
        return f"{type(context).__name__} {year}"

    with_context.__annotations__["context"] = RunContext
    tool = nbagent.tool(with_context)
    run = await started(of(lambda: tool(RunContext(), 2024)))
    assert run.tools[0].args == {"year": 2024}
    assert (await run.tools[0].rerun(year=2025)).result == "RunContext 2025"


async def test_the_object_of_a_method_is_no_argument_and_is_called_again() -> None:
    class Rates:
        base = 100

        @nbagent.tool
        def of(self, year: int) -> int:
            """Rate of a year."""
            return self.base + year

    run = await started(of(lambda: Rates().of(1)))
    assert run.tools[0].args == {"year": 1}
    assert (await run.tools[0].rerun(year=2)).result == 102


async def test_a_call_whose_result_is_hidden_is_not_made_again() -> None:
    run = await started(announced(later, 3), hide={"later": "result"})
    with pytest.raises(NbagentError, match="results are hidden"):
        run.tools[0].rerun()


@given(st.data())
def test_each_call_is_made_again_whenever_the_stream_announces_it(data: st.DataObject) -> None:
    """Each call is announced before its function runs or after it, one by one or all at once."""
    numbers = range(data.draw(st.integers(1, 3)))
    phases = data.draw(st.permutations(["announce", "call"]))
    one_by_one = [
        (number, what)
        for number in numbers
        for what in data.draw(st.permutations(["announce", "call"]))
    ]
    all_at_once = [
        (number, what) for what in phases for number in data.draw(st.permutations(numbers))
    ]
    order = data.draw(st.sampled_from([one_by_one, all_at_once]))

    def stream() -> Iterator[e.Event]:
        results: dict[int, Any] = {}
        yield e.RunStart()
        for number, what in order:
            if what == "call":
                results[number] = rate(number)
                continue
            args = {"year": number}
            yield e.ToolStart(id=f"tool-{number}", name="rate", call_id=f"c{number}")
            yield e.ToolArgs(id=f"tool-{number}", args=args, args_text=f'{{"year": {number}}}')
        for number in numbers:
            yield e.ToolResult(id=f"tool-{number}", content=str(results[number]))
        yield e.RunEnd(status="completed")

    run = started(stream())
    run.wait()
    assert sorted(call.args["year"] for call in run.tools) == list(numbers)
    for call in run.tools:
        assert call.rerun(year=call.args["year"] + 10).wait().result == {
            "year": call.args["year"] + 10
        }


IN_A_KERNEL = """
import time, nbagent, threading
@nbagent.tool
def rate(year: int) -> int:
    "Rate of a year."
    return year
def answer():
    while not nbagent.last or not nbagent.last.waiting:
        time.sleep(0.01)
    nbagent.last.waiting[0].give_result(7)
threading.Thread(target=answer).start()
async def plain():
    yield str(rate(2024))
run = nbagent.show(plain(), stop_at="rate")
{wait}
print(run.text)
"""


@pytest.mark.parametrize("wait", ["await run", "run.wait()"])
def test_a_sync_tool_on_the_notebooks_loop_waits_at_a_breakpoint(wait: str) -> None:
    with Session.started(Path(sys.executable)) as session:
        assert session.python(IN_A_KERNEL.format(wait=wait)).endswith("7")

"""Tools that speak while they run: what they print, log and warn of is in the panel of their call,
and nowhere else.
"""

import asyncio
import contextlib
import contextvars
import importlib.util
import io
import json
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pandas
import pytest
import tqdm
from agent.server import Server, say
from agent.test_agent import agent_of, collect, of

import nbagent
from nbagent import events as e
from nbagent.agent.calls.output import OUTPUT_CHARS, TAIL_CHARS

Capture = pytest.CaptureFixture[str]


async def events_of(*tools: Callable[..., Any], count: int = 1, **options: Any) -> list[e.Event]:
    """Return the events of a run that calls each tool once."""
    calls = [(f"c{number}", tool.__name__, "{}") for number, tool in enumerate(tools * count)]
    with Server(say("chat", "", calls, number=1), say("chat", "Done.", number=2)) as server:
        return await collect(agent_of(server, tools=list(tools), **options).stream("go"))


def outputs(events: list[e.Event]) -> dict[str, str]:
    """Return what each tool printed, by its name. Asserts that it all came before the result."""
    names = {start.id: start.name for start in of(events, e.ToolStart)}
    printed: dict[str, str] = {}
    ended: set[str] = set()
    for event in events:
        if isinstance(event, e.ToolOutput):
            assert event.id not in ended
            printed[names[event.id]] = printed.get(names[event.id], "") + event.delta
        elif isinstance(event, e.ToolResult) and not event.preliminary:
            ended.add(event.id)
    return printed


def result_of(events: list[e.Event]) -> Any:
    (result,) = (event for event in of(events, e.ToolResult) if not event.preliminary)
    return result


async def output_of(tool: Callable[..., Any]) -> str:
    return outputs(await events_of(tool)).get(tool.__name__, "")


# --- whose it is ---


async def test_prints_of_parallel_tools_are_in_their_own_panels_and_those_of_the_cell_in_the_cell(
    capsys: Capture,
) -> None:
    both = threading.Barrier(2)

    def first() -> str:
        print("first")
        both.wait(10)
        print("first again", file=sys.stderr)
        return "1"

    async def second() -> str:
        print("second")
        await asyncio.to_thread(both.wait, 10)
        await asyncio.to_thread(print, "second, in a thread of asyncio")
        return "2"

    async def cell() -> None:
        while both.n_waiting == 0 and not both.broken:
            print("cell")
            await asyncio.sleep(0)

    with Server(
        say("chat", "", [("c1", "first", "{}"), ("c2", "second", "{}")], number=1),
        say("chat", "", number=2),
    ) as server:
        stream = agent_of(server, tools=[first, second]).stream("go")
        speaking = asyncio.create_task(cell())
        events = await collect(stream)
        speaking.cancel()

    assert outputs(events) == {
        "first": "first\nfirst again\n",
        "second": "second\nsecond, in a thread of asyncio\n",
    }
    shown = capsys.readouterr()
    assert set(shown.out.split()) <= {"cell"}
    assert shown.err == ""


async def test_a_thread_of_the_tools_own_prints_into_the_cell_unless_it_takes_the_context_along(
    capsys: Capture,
) -> None:
    def speak() -> None:
        plain = threading.Thread(target=print, args=["cell"])
        along = threading.Thread(target=contextvars.copy_context().run, args=[print, "panel"])
        for thread in (plain, along):
            thread.start()
            thread.join()

    assert await output_of(speak) == "panel\n"
    assert capsys.readouterr().out == "cell\n"


async def test_the_streams_stay_what_they_are(capsys: Capture) -> None:
    before = (sys.stdout, sys.stderr)

    def look() -> bool:
        return (sys.stdout, sys.stderr) == before

    assert result_of(await events_of(look)).content is True
    assert "write" not in vars(sys.stdout)
    print("afterwards")
    assert capsys.readouterr().out == "afterwards\n"


async def test_a_stream_that_was_kept_before_is_routed_too(capsys: Capture) -> None:
    kept = sys.stderr

    def speak() -> None:
        kept.write("kept\n")
        kept.writelines(["one\n", "two\n"])

    assert await output_of(speak) == "kept\none\ntwo\n"


async def test_a_runs_call_has_what_its_tool_printed() -> None:
    def speak() -> int:
        print("Hello.")
        return 1

    with Server(
        say("chat", "", [("c1", "speak", "{}")], number=1), say("chat", "Done.", number=2)
    ) as server:
        run = nbagent.Run(agent_of(server, tools=[speak]).stream("go"))
        run.start()
        await run
    assert run.tools["speak"].output == "Hello.\n"


async def test_what_a_tool_redirects_is_redirected() -> None:
    def speak() -> str:
        print("before")
        with contextlib.redirect_stdout(io.StringIO()) as kept:
            print("inside")
        print("after")
        return kept.getvalue()

    events = await events_of(speak)
    assert outputs(events) == {"speak": "before\nafter\n"}
    assert result_of(events).content == "inside\n"


async def test_the_console_of_the_cell_may_be_captured(capsys: Capture) -> None:
    def speak() -> None:
        print("panel")

    with contextlib.redirect_stdout(io.StringIO()) as kept:
        print("cell")
        assert await output_of(speak) == "panel\n"
    assert kept.getvalue() == "cell\n"


async def test_what_is_printed_after_the_result_goes_into_the_cell(capsys: Capture) -> None:
    ended, said = threading.Event(), threading.Event()

    def later() -> None:
        ended.wait(10)
        print("late")
        said.set()

    def begin() -> None:
        print("in time")
        threading.Thread(target=contextvars.copy_context().run, args=[later]).start()

    assert await output_of(begin) == "in time\n"
    ended.set()
    assert await asyncio.to_thread(said.wait, 10)
    assert capsys.readouterr().out == "late\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
async def test_a_forked_process_prints_into_the_cell(capfd: Capture) -> None:
    def split() -> None:
        child = os.fork()
        if child == 0:
            print("child", flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        print("parent")

    assert await output_of(split) == "parent\n"
    assert capfd.readouterr().out == "child\n"


async def test_a_call_inside_a_call_has_a_panel_of_its_own() -> None:
    seen: list[str] = []

    def inner() -> str:
        print("inner")
        return "1"

    async def outer() -> str:
        print("outer")
        seen.append(await output_of(inner))
        print("outer again")
        return "2"

    assert await output_of(outer) == "outer\nouter again\n"
    assert seen == ["inner\n"]


# --- records and warnings ---


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    made = logging.getLogger("test_output")
    yield made
    made.handlers.clear()
    made.setLevel(logging.NOTSET)
    made.propagate = True


async def test_records_are_in_the_panel_once(logger: logging.Logger, capsys: Capture) -> None:
    def speak() -> None:
        logger.info("not this")
        logger.warning("slow: %s s", 3)

    assert await output_of(speak) == "WARNING test_output: slow: 3 s\n"
    assert capsys.readouterr() == ("", "")


async def test_a_handler_that_writes_to_the_console_has_the_say(
    logger: logging.Logger, capsys: Capture
) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s! %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)

    def speak() -> None:
        logger.info("tool")

    assert await output_of(speak) == "INFO! tool\n"
    logger.info("cell")
    assert capsys.readouterr().err == "INFO! cell\n"


async def test_records_of_the_cell_and_basic_config_are_not_disturbed(
    logger: logging.Logger, capsys: Capture
) -> None:
    def speak() -> None:
        contextvars.Context().run(logger.warning, "cell")

    logger.propagate = False  # no handler at all, which Python shows on stderr
    assert await output_of(speak) == ""
    assert capsys.readouterr().err == "cell\n"


async def test_an_exception_in_a_record_keeps_its_traceback(logger: logging.Logger) -> None:
    def speak() -> None:
        try:
            raise ValueError("no")
        except ValueError:
            logger.exception("failed")

    text = await output_of(speak)
    assert text.startswith("ERROR test_output: failed\nTraceback")
    assert text.endswith("ValueError: no\n")


async def test_warnings_are_in_the_panel(capsys: Capture) -> None:
    spec = importlib.util.find_spec("warnings")
    assert spec is not None
    assert spec.loader is not None
    # pytest has replaced the function of the other one
    unrecorded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(unrecorded)

    def speak() -> None:
        unrecorded.showwarning("old", UserWarning, "tool.py", 3)

    assert await output_of(speak) == "tool.py:3: UserWarning: old\n"
    assert capsys.readouterr().err == ""


# --- progress ---


@pytest.mark.parametrize("is_async", [False, True])
async def test_progress_is_said_by_the_tool(is_async: bool) -> None:
    def work() -> None:
        for done in range(11):
            nbagent.progress(done, 10, f"page {done}")

    async def work_async() -> None:
        work()

    said = of(await events_of(work_async if is_async else work), e.ToolProgress)
    assert said[-1] == e.ToolProgress(
        id=said[-1].id, message="page 10", progress=10, total=10, step=1, agent="test-1"
    )


def test_outside_of_a_tool_progress_does_nothing_but_check_its_arguments() -> None:
    nbagent.progress(1, 2)
    with pytest.raises(
        TypeError,
        match=r"done must be a number, got 'page 3'; write nbagent\.progress\(3, 10, 'page 3'\)",
    ):
        nbagent.progress("page 3")  # type: ignore[arg-type]


async def test_a_bar_moves_as_progress_and_its_last_state_is_output(capsys: Capture) -> None:
    seen = threading.Event()

    def work() -> None:
        for number in tqdm.tqdm(range(3), mininterval=0, desc="pages"):
            if number == 2:
                seen.wait(0.3)
        print("done")

    events = await events_of(work)
    assert any(str(event.message).startswith("pages: ") for event in of(events, e.ToolProgress))
    lines = outputs(events)["work"].splitlines()
    assert lines[0].startswith("pages: 100%|")
    assert lines[1:] == ["done"]
    assert capsys.readouterr().err == ""


# --- preliminary results ---


async def test_values_of_a_generator_are_preliminary_results_and_the_last_is_the_result() -> None:
    async def search() -> AsyncIterator[list[int]]:
        found: list[int] = []
        for number in range(3):
            found.append(number)  # the same list: what was shown is what it was then
            yield found
            await asyncio.sleep(0.15)

    events = await events_of(search)
    *before, result = of(events, e.ToolResult)
    assert (result.content, result.preliminary) == ([0, 1, 2], False)
    assert before
    assert all(event.preliminary for event in before)
    assert before[0].content == [0]
    assert [len(event.content) for event in before] == sorted(
        len(event.content) for event in before
    )


# --- floods ---


async def test_a_flood_is_few_events_and_keeps_head_and_tail() -> None:
    lines = [f"line {number}\n" for number in range(100_000)]

    def flood() -> None:
        for line in lines:
            print(line, end="")

    events = await events_of(flood)
    text, whole = outputs(events)["flood"], "".join(lines)
    left_out = len(whole) - OUTPUT_CHARS
    head, _, tail = text.partition(f"\n… {left_out:,} more characters left out …\n")
    assert whole.startswith(head)
    assert whole.endswith(tail)
    assert (len(head), len(tail)) == (OUTPUT_CHARS - TAIL_CHARS, TAIL_CHARS)
    assert len(of(events, e.ToolOutput)) < len(lines) / 100


async def test_one_enormous_print_is_cut_too() -> None:
    def flood() -> None:
        print("x" * 5_000_000)

    assert len(await output_of(flood)) < OUTPUT_CHARS + 100


async def test_all_that_a_failing_or_stopped_tool_printed_stays() -> None:
    def fail() -> None:
        print("the last words", end="")
        raise ValueError("no")

    async def hang() -> None:
        print("still here")
        await asyncio.Event().wait()

    hang_limited = nbagent.tool(timeout=0.05)(hang)
    with Server(
        say("chat", "", [("c1", "fail", "{}"), ("c2", "hang", "{}")], number=1),
        say("chat", "Done.", number=2),
    ) as server:
        events = await collect(agent_of(server, tools=[fail, hang_limited]).stream("go"))
    assert outputs(events) == {"fail": "the last words", "hang": "still here\n"}
    assert {result.status for result in of(events, e.ToolResult)} == {"error"}


async def test_the_last_value_of_a_generator_that_fails_is_shown() -> None:
    def search() -> Iterator[str]:
        yield "first"
        yield "second"
        raise ValueError("no more")

    *before, failed = of(await events_of(search), e.ToolResult)
    assert (failed.status, before[-1].content, before[-1].preliminary) == ("error", "second", True)


async def test_stop_keeps_what_was_printed() -> None:
    printed = threading.Event()

    async def hang() -> None:
        print("still here")
        printed.set()
        await asyncio.Event().wait()

    with Server(say("chat", "", [("c1", "hang", "{}")])) as server:
        stream = agent_of(server, tools=[hang]).stream("go")
        events: list[e.Event] = []
        async for event in stream:
            events.append(event)
            if isinstance(event, e.ToolArgs):
                await asyncio.to_thread(printed.wait, 10)
                stream.close()
    assert outputs(events) == {"hang": "still here\n"}
    end = events[-1]
    assert isinstance(end, e.RunEnd)
    assert (end.status, end.step, end.agent) == ("cancelled", 1, "test-1")


async def test_a_secret_is_masked_where_the_output_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_API_KEY", "canary-0123456789")

    def leak() -> None:
        room = OUTPUT_CHARS - TAIL_CHARS
        print("x" * (room - 8) + "canary-0123456789" + "y" * 100_000)

    with Server(
        say("chat", "", [("c1", "leak", "{}")], number=1), say("chat", "Done.", number=2)
    ) as server:
        run = nbagent.Run(agent_of(server, tools=[leak]).stream("go"))
        run.start()
        await run
    printed = "".join(event.delta for event in run.events if isinstance(event, e.ToolOutput))
    assert len(printed) > OUTPUT_CHARS
    assert "canary" not in printed


# --- for the model ---


async def test_the_model_gets_the_result_and_not_what_was_printed() -> None:
    def work() -> str:
        print("for the reader")
        return "x" * 50_000

    calls = [("c1", "work", "{}")]
    with Server(say("chat", "", calls, number=1), say("chat", "Done.", number=2)) as server:
        await agent_of(server, tools=[work]).generate("go")
        told = server.bodies[1]["messages"][-1]["content"]
    assert len(told) <= 20_000
    assert told.startswith("xxx")
    head, _, note = told.partition("… ")
    assert note == f"{50_000 - len(head):,} more characters"


async def test_a_large_frame_reaches_the_model_as_its_shape_and_head_however_it_is_returned() -> (
    None
):
    frame = pandas.DataFrame({f"column {number}": range(50_000) for number in range(12)})

    def load() -> pandas.DataFrame:
        print(frame)
        return frame

    def describe() -> str:
        return str(frame.to_csv())

    calls = [("c1", "load", "{}"), ("c2", "describe", "{}")]
    with Server(say("chat", "", calls, number=1), say("chat", "Done.", number=2)) as server:
        await agent_of(server, tools=[load, describe]).generate("go")
        loaded, described = (message["content"] for message in server.bodies[1]["messages"][-2:])
    assert len(loaded) <= 20_000
    assert json.loads(loaded)["shape"] == [50_000, 12]
    assert json.loads(loaded)["…"] == "49,980 more rows"
    assert len(described) <= 20_000
    assert described.endswith(" more characters")


@pytest.mark.parametrize(
    "value",
    ["é" * 5000, [["x" * 50] * 9] * 99, {"a": {"b": ["z" * 500] * 20}}, list(range(9999))],
    ids=type,
)
async def test_the_cap_is_kept_and_what_it_leaves_is_valid(value: Any) -> None:
    @nbagent.tool(result_chars=500)
    def work() -> Any:
        return value

    with Server(
        say("chat", "", [("c1", "work", "{}")], number=1), say("chat", "Done.", number=2)
    ) as server:
        await agent_of(server, tools=[work]).generate("go")
        told = server.bodies[1]["messages"][-1]["content"]
    assert len(told) <= 500
    assert " more " in told
    assert isinstance(value, str) or json.loads(told)

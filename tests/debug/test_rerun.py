"""A tool call is made again: by the function as it is now, with other arguments, compared with the
first result.
"""

import asyncio
import json
import sys
import threading
import types
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pandas as pd
import pytest
from agent.server import Server, chat

import nbagent
from nbagent import Run
from nbagent import events as e
from nbagent.errors import NbagentError, ToolError
from nbagent.protocol.messages import Rerun, StopAttempt


def module(name: str, code: str) -> types.ModuleType:
    """Return a module that is executed like a notebook's cells: more code may follow in it."""
    made = types.ModuleType(name)
    sys.modules[name] = made
    execute(made, code)
    return made


def execute(made: types.ModuleType, code: str) -> None:
    exec(compile(code, made.__name__, "exec"), made.__dict__)


@pytest.fixture
def cells() -> Iterator[types.ModuleType]:
    yield module(
        "cells",
        "def rate(year: int) -> dict[str, float]:\n    'Rate of a year.'\n    return {'year': "
        "year, 'rate': 11.2}",
    )
    del sys.modules["cells"]


@contextmanager
def shown(
    tool: Any, *replies: Any, arguments: str = '{"year": 2024}', **options: Any
) -> Iterator[Run]:
    with Server(
        *(
            replies
            or (
                chat(calls=[("c1", getattr(tool, "name", None) or tool.__name__, arguments)]),
                chat("Done."),
            )
        )
    ) as server:
        agent = nbagent.Agent("test-1", tools=[tool], client=server.client(), api="chat")
        run = Run(agent.stream("go"), **options)
        run.start()
        yield run


def test_a_call_is_made_again_by_the_function_as_it_is_now(cells: types.ModuleType) -> None:
    with shown(cells.rate) as run:
        run.wait()
        execute(
            cells,
            "def rate(year: int) -> dict[str, float]:\n    'Rate.'\n    return {'year': year, "
            "'rate': 11.5}",
        )
        attempt = run.tools[0].rerun().wait()
        assert attempt.result == {"year": 2024, "rate": 11.5}
        assert attempt.difference == {
            "kind": "json",
            "changes": [{"path": "rate", "before": "11.2", "after": "11.5"}],
            "count": 1,
            "note": "1 difference",
        }
        assert repr(attempt) == "<Attempt rate(year=2024) output-available: 1 difference>"
        assert run.tools[0].rerun(year=2023).wait().args == {"year": 2023}
        assert [each.args["year"] for each in run.tools[0].attempts] == [2024, 2023]


def test_attempts_are_no_calls_of_the_run(cells: types.ModuleType) -> None:
    with shown(cells.rate) as run:
        run.wait()
        before = (run.messages, list(nbagent.encode(run.events, "vercel.ui")), len(run.tools))
        run.tools[0].rerun().wait()
        assert (
            run.messages,
            list(nbagent.encode(run.events, "vercel.ui")),
            len(run.tools),
        ) == before
        root = run.snapshot()[0]
        assert (root["tools"], root["tools_failed"], root["status"]) == (1, 0, "completed")


def test_a_recorded_model_repeats_no_attempts(cells: types.ModuleType) -> None:
    with shown(cells.rate) as run:
        run.wait()
        run.tools[0].rerun(year=2023).wait()
        replayed = nbagent.Agent(run.events, tools=[cells.rate])
        again = Run(replayed.stream("go"))
        again.start()
        assert [each.args for each in again.wait().tools] == [{"year": 2024}]


def boom(year: int) -> int:
    """Fail for some years."""
    if year < 2000:
        raise ValueError(f"no rate for {year}")
    return year


def test_an_attempt_that_raises_says_so_and_leaves_the_run_intact() -> None:
    with shown(boom) as run:
        run.wait()
        attempt = run.tools[0].rerun(year=1999).wait()
        assert attempt.error is not None
        assert attempt.error["message"] == "no rate for 1999"
        assert attempt.difference == {
            "kind": "value",
            "before": "2024",
            "after": "ValueError: no rate for 1999",
            "note": "another result",
        }
        assert (run.status, run.tools[0].state, run.snapshot()[0]["tools_failed"]) == (
            "completed",
            "output-available",
            0,
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"year": "soon"}, "parameter 'year': got 'soon'"),
        ({"month": 1}, "unknown parameter 'month'"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_by_name(
    changes: dict[str, Any], message: str
) -> None:
    with shown(boom) as run:
        run.wait()
        with pytest.raises(ToolError, match=message):
            run.tools[0].rerun(**changes)
        run.take(Rerun(run.snapshot()[1 + 1]["id"], json.dumps({"year": 2024, **changes})))
        block = next(block for block in run.snapshot() if block["kind"] == "tool")
        assert message in block["problem"]
        run.take(Rerun(block["id"]))
        assert run.tools[0].attempts[0].wait().result == 2024
        assert next(block for block in run.snapshot() if block["kind"] == "tool")["problem"] is None


def test_a_call_without_complete_arguments_needs_all_of_them() -> None:
    with shown(boom, arguments='{"year": 20') as run:
        run.wait()
        with pytest.raises(ToolError, match=r"never were complete; give them all"):
            run.tools[0].rerun()
        assert run.tools[0].rerun(year=2001).wait().result == 2001


def test_a_function_that_is_gone_is_called_as_it_was_with_a_note(cells: types.ModuleType) -> None:
    with shown(cells.rate) as run:
        run.wait()
        del cells.rate
        attempt = run.tools[0].rerun().wait()
        assert attempt.result == {"year": 2024, "rate": 11.2}
        notes = [block["message"] for block in run.snapshot() if block["kind"] == "status"]
        assert notes == ["rate is not defined any more in cells: the function of before was called"]


def test_tools_methods_closures_and_partials_are_looked_up_too() -> None:
    code = """
import functools, nbagent
class Rates:
    def __init__(self, base): self.base = base
    def rate(self, year: int) -> int:
        'Rate.'
        return self.base + {step}
def make():
    def made(year: int) -> int:
        'Made.'
        return {step}
    return made
made = make()
@nbagent.tool(timeout=5)
def marked(year: int) -> int:
    'Marked.'
    return {step}
def add(year: int, extra: int) -> int:
    'Add.'
    return extra + {step}
"""
    cells = module("cells", code.replace("{step}", "1"))
    partial = __import__("functools").partial(cells.add, extra=10)
    for tool, first, second in [
        (cells.Rates(100).rate, 101, 102),
        (cells.made, 1, 2),
        (cells.marked, 1, 2),
        (nbagent.tool(name="add")(partial), 11, 12),
    ]:
        with shown(tool) as run:
            run.wait()
            execute(cells, code.replace("{step}", "2"))
            assert (run.tools[0].result, run.tools[0].rerun().wait().result) == (first, second)
            execute(cells, code.replace("{step}", "1"))


async def wait_for_ever(year: int) -> int:
    """Wait."""
    print("begin")
    if year == 2024:
        return 1
    await asyncio.Event().wait()
    return year


async def test_an_attempt_that_hangs_is_stopped_and_shows_what_it_printed() -> None:
    with shown(wait_for_ever) as run:
        await run
        attempt = run.tools[0].rerun(year=1)
        async for event in run_output(run, attempt):
            assert event.delta == "begin\n"
            break
        run.take(StopAttempt(run.tools[0].attempts[0]._block.id))
        await attempt
        assert attempt.error == {"type": "Stopped", "message": "Stopped by you", "traceback": None}
        assert attempt.output == "begin\n"


async def run_output(run: Run, attempt: Any) -> AsyncIterator[e.ToolOutput]:
    while not (
        found := [
            event
            for event in run.events
            if isinstance(event, e.ToolOutput) and "attempt" in event.id
        ]
    ):
        await asyncio.sleep(0.01)
    for event in found:
        yield event


async def test_a_timeout_of_the_tool_holds_for_attempts() -> None:
    with shown(nbagent.tool(timeout=0.05)(wait_for_ever)) as run:
        await run
        attempt = await run.tools[0].rerun(year=1)
        assert attempt.error is not None
        assert attempt.error["message"] == "wait_for_ever took longer than its 0.05 s"


def test_a_wait_may_have_a_limit_and_an_interrupted_one_stops_the_attempt() -> None:
    with shown(wait_for_ever) as run:
        run.wait()
        attempt = run.tools[0].rerun(year=1)
        with pytest.raises(TimeoutError, match="is still running after"):
            attempt.wait(0.01)
        attempt.stop()
        assert attempt.wait().state == "output-error"


def large(year: int) -> str:
    """Return a text of that many characters."""
    return "x" * year


@pytest.mark.parametrize("size", [10_000_000, pytest.param(100_000_000, marks=pytest.mark.proof)])
def test_an_attempt_of_many_megabytes_leaves_the_run_intact(size: int) -> None:
    with shown(large) as run:
        run.wait()
        attempt = run.tools[0].rerun(year=size).wait()
        assert len(attempt.result) == size
        assert len(json.dumps(run.snapshot())) < 200_000
        assert len(run.to_html()) < 400_000


gate = threading.Event()


def waiting(year: int) -> int:
    """Wait for the test."""
    gate.wait()
    return year


async def test_a_call_is_made_again_while_the_run_goes_on_and_outlives_it() -> None:
    release = asyncio.Event()
    gate.clear()

    async def hold(year: int) -> int:
        """Hold the run."""
        await asyncio.to_thread(held.wait)
        return year

    held = threading.Event()
    replies = (
        chat(calls=[("c1", "boom", '{"year": 2024}')]),
        chat(calls=[("c2", "hold", '{"year": 1}')]),
        chat("Done."),
    )
    with Server(*replies) as server:
        agent = nbagent.Agent("test-1", tools=[boom, hold], client=server.client(), api="chat")
        run = Run(agent.stream("go"))
        run.start()
        async for event in run.stream("tool.result"):
            assert isinstance(event, e.ToolResult)
            break
        assert (await run.tools["boom"].rerun(year=2025)).result == 2025
        assert run.status == "running"
        held.set()
        await run
        assert [call.name for call in run.tools] == ["boom", "hold"]
    del release


def frame(year: int) -> pd.DataFrame:
    """Return a table."""
    return pd.DataFrame(
        {"region": ["north", "south"], "sales": [412, 388 if year == 2024 else 401]}
    )


def test_a_table_is_compared_by_cell_in_every_form() -> None:
    with shown(frame) as run:
        run.wait()
        attempt = run.tools[0].rerun(year=2025).wait()
        assert attempt.difference is not None
        assert attempt.difference["rows"] == [{"label": "1", "cells": ["south", ["388", "401"]]}]
        assert "1 cell differs" in run.to_html()
        assert "1 cell differs" in run.to_markdown()
        assert "1 cell differs" in attempt._repr_html_()


def test_secrets_are_masked_in_attempts_and_differences_and_reach_the_tool_unmasked() -> None:
    def login(token: str, year: int) -> dict[str, str]:
        """Log in."""
        return {"got": f"{token} {year}"}

    with shown(login, arguments='{"token": "canary-7", "year": 1}', redact=[r"canary-\d"]) as run:
        run.wait()
        shown_args = run.tools[0].args
        assert "canary" not in str(shown_args)
        run.take(
            Rerun(
                next(b["id"] for b in run.snapshot() if b["kind"] == "tool"),
                json.dumps({**shown_args, "year": 2}),
            )
        )
        attempt = run.tools[0].attempts[0].wait()
        assert attempt.result == {"got": "canary-7 2"}
        assert "canary" not in json.dumps(
            [run.snapshot(), run.to_html(), [e.to_dict(event) for event in run.events]]
        )


def test_hidden_results_stay_hidden() -> None:
    with shown(boom, hide={"boom": "result"}) as run:
        run.wait()
        with pytest.raises(NbagentError, match="results are hidden"):
            run.tools[0].rerun()


def test_a_tool_that_must_not_be_called_twice_is_called_by_force_only() -> None:
    charge = nbagent.tool(boom)
    charge.once = True
    with shown(charge) as run:
        run.wait()
        with pytest.raises(ToolError, match=r"boom is marked once=True.*rerun\(force=True\)"):
            run.tools[0].rerun()
        assert run.tools[0].rerun(force=True).wait().result == 2024


def test_a_loaded_run_keeps_its_attempts_and_says_that_it_cannot_make_more(tmp_path: Any) -> None:
    with shown(frame) as run:
        run.wait()
        run.tools[0].rerun(year=2025).wait()
        run.save(str(tmp_path / "run.jsonl"))
        loaded = Run(nbagent.replay(str(tmp_path / "run.jsonl"), speed=None))
        loaded.start()
        loaded.wait()
        (attempt,) = loaded.tools[0].attempts
        assert attempt.difference == run.tools[0].attempts[0].difference
        assert len(loaded.tools) == 1
        with pytest.raises(NbagentError, match="its function is not known"):
            loaded.tools[0].rerun()


def test_the_form_has_the_schema_of_the_function_as_it_is_now(cells: types.ModuleType) -> None:
    with shown(cells.rate) as run:
        run.wait()
        execute(cells, "def rate(year: int, month: int = 1) -> int:\n    'Rate.'\n    return month")
        block = next(block for block in run.snapshot() if block["kind"] == "tool")
        assert block["can_rerun"] is True
        text, size = run.page(f"rerun/{block['id']}", 0, 60_000)
        form = msgspec.json.decode(text)
        assert (list(form["schema"]["properties"]), form["once"], size) == (
            ["year", "month"],
            False,
            len(text),
        )
        execute(cells, "def rate(year: object()) -> int:\n    'Rate.'\n    return 1")
        with pytest.raises(LookupError, match="parameter 'year'"):
            run.page(f"rerun/{block['id']}", 0, 60_000)
        run.take(Rerun(block["id"]))
        assert (
            "parameter 'year'"
            in next(each for each in run.snapshot() if each["kind"] == "tool")["problem"]
        )

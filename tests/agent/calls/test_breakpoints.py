"""Breakpoints of an agent's run: where it stops, and what each answer does."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from agent.server import Server, chat

import nbagent
from nbagent import Run
from nbagent import events as e
from nbagent.errors import AnswerError
from nbagent.events.question import Question

years: list[int] = []


@nbagent.tool
def rate(year: int) -> dict[str, Any]:
    """Rate of a year.

    Args:
        year: A year.
    """
    years.append(year)
    if year == 2000:
        raise ValueError("no rate for 2000")
    return {"year": year, "rate": 11.2}


def calling(**arguments: Any) -> Any:
    return chat(calls=[("c1", "rate", json.dumps(arguments))])


@contextmanager
def agent(*replies: Any) -> Iterator[tuple[nbagent.Agent, Server]]:
    years.clear()
    with Server(*replies) as server:
        yield nbagent.Agent("test-1", tools=[rate], client=server.client(), api="chat"), server


def run_of(stream: Any, **options: Any) -> Run:
    run = Run(stream, **options)
    run.start()
    return run


async def question(run: Run, number: int = 1) -> Question:
    """Return a run's question of that number, when it has been asked."""
    seen = 0
    async for event in run.stream("approval.request"):
        seen += 1
        if seen == number and isinstance(event, e.ApprovalRequest):
            return next(each for each in run.waiting if each.id == event.approval_id)
    raise AssertionError(f"the run ended after {seen} questions")


def sent(server: Server) -> str:
    """Return the result that the model got."""
    return str(server.bodies[-1]["messages"][-1]["content"])


async def test_a_run_stops_before_the_calls_of_a_tool_and_goes_on() -> None:
    with agent(calling(year=2024), chat("Done.")) as (made, _):
        run = run_of(made.stream("go"), stop_at="rate")
        asked = await question(run)
        assert (asked.kind, asked.stage, asked.tool, asked.args) == (
            "stop",
            "call",
            "rate",
            {"year": 2024},
        )
        assert years == []
        asked.allow()
        await run
        assert (years, run.answer) == ([2024], "Done.")


@pytest.mark.parametrize(
    ("answer", "got", "ran"),
    [
        (
            ("approve", {"year": 2023}),
            '(The user changed the arguments to {"year":2023}.)\n{"year":2023,"rate":11.2}',
            [2023],
        ),
        (("result", {"rate": 1}), '{"rate":1}', []),
        (("result", None), "null", []),
        (("deny",), "The user denied this call.", []),
    ],
)
async def test_an_answer_before_a_call(answer: tuple[Any, ...], got: str, ran: list[int]) -> None:
    with agent(calling(year=2024), chat("Done.")) as (made, server):
        run = run_of(made.stream("go"), stop_at=lambda name, args: args["year"] > 2000)
        run.answer((await question(run)).id, *answer)
        await run
        assert (sent(server), years) == (got, ran)


async def test_a_call_that_fails_by_an_answer() -> None:
    with agent(calling(year=2024), chat("Done.")) as (made, server):
        run = run_of(made.stream("go"), stop_at=["rate"])
        (await question(run)).give_error("the service is down")
        await run
        assert "the service is down" in sent(server)
        assert (run.tools[0].state, years) == ("output-error", [])


async def test_a_step_runs_the_call_and_stops_at_its_result_which_may_be_changed() -> None:
    with agent(calling(year=2024), chat("Done.")) as (made, server):
        run = run_of(made.stream("go"), stop_at="*")
        (await question(run)).step()
        asked = await question(run, 2)
        assert (asked.stage, asked.result, years) == (
            "result",
            {"year": 2024, "rate": 11.2},
            [2024],
        )
        asked.give_result({"rate": 12})
        await run
        assert sent(server) == '{"rate":12}'
        assert run.tools[0].result == {"rate": 12}


async def test_a_run_stops_at_an_error_and_runs_the_call_again() -> None:
    with agent(calling(year=2000), chat("Done.")) as (made, _):
        run = run_of(made.stream("go"), stop_on_error=True)
        asked = await question(run)
        assert run.tools[0].error is not None
        asked.again({"year": 2001})
        (await question(run, 2)).allow()
        await run
        assert years == [2000, 2001]
        call = run.tools[0]
        assert (call.error, call.state) == (None, "output-available")


async def test_a_run_stops_at_a_result_that_a_function_finds_wrong() -> None:
    with agent(calling(year=2024), chat("Done.")) as (made, server):
        run = run_of(
            made.stream("go"), stop_on_result=lambda name, args, result: result["rate"] > 10
        )
        (await question(run)).give_error("implausible")
        await run
        assert "implausible" in sent(server)


async def test_a_step_through_a_run_asks_before_each_request_and_each_call() -> None:
    with agent(calling(year=2024), chat("Done.")) as (made, _):
        stages: list[str | None] = []

        def go_on(asked: Question) -> bool:
            stages.append(asked.stage)
            return True

        run = run_of(made.stream("go"), step=True, answer=go_on)
        await run
        assert stages == ["request", "call", "request"]


async def test_breakpoints_are_set_and_cleared_while_the_run_goes_on() -> None:
    replies = [calling(year=2022), calling(year=2023), calling(year=2024), chat("Done.")]
    with agent(*replies) as (made, _):
        run = run_of(made.stream("go"), stop_at="rate")
        asked = await question(run)
        root = run.snapshot()[0]
        assert (root["can_stop"], root["stop_at"], root["step"]) == (True, ["rate"], False)
        run.breakpoints.clear()
        run.breakpoints.step = True
        asked.allow()
        asked = await question(run, 2)
        assert asked.stage == "request"
        run.breakpoints.step = False
        asked.allow()
        await run
        assert years == [2022, 2023, 2024]


async def test_a_predicate_that_raises_stops_the_run_and_says_so() -> None:
    with agent(calling(year=2024), chat("Done.")) as (made, _):
        run = run_of(made.stream("go"), stop_at=lambda name, args: args["month"] == 1)
        asked = await question(run)
        assert asked.prompt == "stop_at raised KeyError: 'month'"
        asked.allow()
        await run
        assert run.status == "completed"


async def test_an_answer_that_the_question_does_not_take_leaves_it() -> None:
    with agent(calling(year=2024), chat("Done.")) as (made, _):
        run = run_of(made.stream("go"), stop_at="rate")
        asked = await question(run)
        with pytest.raises(
            AnswerError,
            match="decision must be one of 'approve', 'deny', 'step', 'result', 'error' here",
        ):
            asked.again()
        with pytest.raises(AnswerError, match="year"):
            asked.allow({"year": "soon"})
        asked.allow()
        await run
        assert years == [2024]


async def test_a_stream_that_hands_on_texts_only_is_asked_in_its_run() -> None:
    with agent(calling(year=2024), chat("Done.")) as (made, _):

        async def texts() -> Any:
            async for event in made.stream("go"):
                if isinstance(event, e.TextDelta):
                    yield event.delta

        run = run_of(texts(), stop_at="rate")
        asked = await question(run)
        assert asked.args == {"year": 2024}
        asked.allow()
        await run
        assert (run.text, run.waiting, years) == ("Done.", [], [2024])


async def test_generate_inside_a_run_does_not_stop() -> None:
    with agent(calling(year=2024), chat("Done.")) as (made, _):

        async def texts() -> Any:
            yield await made.generate("go")

        run = await asyncio.wait_for(run_of(texts(), stop_at="rate"), 10)
        assert run.text == "Done."


async def test_lanes_and_sub_agents_stop_too() -> None:
    with agent(calling(year=2024), chat("One."), chat("Two.")) as (inner, _):
        outer_replies = [chat(calls=[("c1", "helper", '{"task": "x"}')]), chat("Three.")]
        inner.name, inner.description = "helper", "Helps."
        with Server(*outer_replies) as server:
            outer = nbagent.Agent(
                "test-1", tools=[inner.as_tool()], client=server.client(), api="chat"
            )
            run = nbagent.show(
                {"a": outer.stream("go"), "b": inner.stream("go")}, stop_at="rate", face="console"
            )
            asked = await question(run)
            assert asked.tool == "rate"
            asked.allow()
            await run
            assert run.lanes[0].text == "Three."

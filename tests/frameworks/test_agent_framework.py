"""Microsoft's agent framework, run against recorded models."""

from typing import Any

import pytest
from agent_framework import Agent, tool
from agent_framework.openai import OpenAIChatCompletionClient
from frameworks.own_tools import (
    LIVE,
    capital_again,
    capital_of,
    get_capital,
    get_capital_async,
    known,
    skip,
)
from frameworks.replay import ANSWER, CALL, KEY, LONDON, Replay, Serve, held, recorded, refused
from frameworks.watching import GET_CAPITAL, calls, of_type, stop, watch, watch_and_answer

from nbagent import events as ev

TASK = "Capital of the UK?"


@tool(name="get_capital")
def look_up(country: str) -> str:
    """The capital of a country."""
    return capital_of(country)


def geographer(provider: Replay, used: Any = look_up) -> Any:
    client = OpenAIChatCompletionClient(model="m", base_url=provider.url, api_key=KEY)
    return Agent(client=client, name="geographer", tools=[used])


async def test_a_tool_loop_is_told_with_its_results(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    run = await watch(geographer(provider).run(TASK, stream=True))
    assert (run.text, run.status, calls(run)) == (LONDON, "completed", [GET_CAPITAL])
    counts = [step.usage and step.usage.total for step in of_type(run, ev.StepEnd)]
    assert (counts, run.usage.total) == ([68, 87], 155)


async def test_a_call_that_needs_approval_pauses_the_run(serve: Serve) -> None:
    asking = tool(name="get_capital", approval_mode="always_require")(capital_of)
    run = await watch(geographer(serve(recorded(CALL)), asking).run(TASK, stream=True))
    assert run.status == "paused"
    assert [request.args for request in of_type(run, ev.ApprovalRequest)] == ['{"country":"UK"}']


@pytest.mark.parametrize("used", [get_capital, get_capital_async])
async def test_a_tool_of_nbagents_reports_its_call(serve: Serve, used: Any) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    run = await watch(geographer(provider, used).run(TASK, stream=True))
    assert (known(run), capital_again(run)) == (LIVE, "Paris")


async def test_a_tool_of_nbagents_stops_at_a_breakpoint(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    stream = geographer(provider, get_capital_async).run(TASK, stream=True)
    run = await watch_and_answer(stream, skip, stop_at="get_capital")
    assert calls(run) == [("get_capital", {"country": "UK"}, "Paris", "ok")]
    assert provider.requests[-1]["messages"][-1]["content"] == "Paris"


async def test_a_provider_that_refuses_fails_the_run(serve: Serve) -> None:
    run = await watch(geographer(serve(refused(400, "too much"))).run(TASK, stream=True))
    assert (run.status, "too much" in str(run.error)) == ("failed", True)


async def test_stop_closes_the_connection_to_the_provider(serve: Serve) -> None:
    provider = serve(held(ANSWER, b'"The"'))
    run = await stop(geographer(provider).run(TASK, stream=True), provider)
    assert run.status == "cancelled"

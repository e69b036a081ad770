"""CrewAI, run against recorded models: the chunks of a crew, and the frames of a flow that has
one.
"""

import asyncio
import os
from typing import Any, ClassVar

os.environ |= {
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "OTEL_SDK_DISABLED": "true",
}

import pytest
from crewai import LLM, Agent, Crew, Task
from crewai.flow import Flow, start
from crewai.tools import tool
from frameworks.own_tools import LIVE, capital_again, failing, get_capital_async, known, skip
from frameworks.own_tools import get_capital as own_capital
from frameworks.replay import (
    ANSWER,
    CALL,
    KEY,
    LONDON,
    Replay,
    Serve,
    recorded,
    refused,
    tool_reply,
)
from frameworks.watching import GET_CAPITAL, calls, of_type, watch, watch_and_answer

from nbagent import events as ev

UNTOLD = ("get_capital", {"country": "UK"}, None, "")
"""Call as a crew's chunks report it: without its result."""


@tool("get_capital")
def get_capital(country: str) -> str:
    """The capital of a country."""
    return {"UK": "London"}[country]


def crew(provider: Replay, own: Any = get_capital, *, streams: bool = True) -> Any:
    model = LLM(
        model="openai/gpt-4o-mini", base_url=provider.url, api_key=KEY, stream=True, max_retries=0
    )
    agent = Agent(
        role="Geographer", goal="know", backstory="maps", llm=model, tools=[own], max_retry_limit=0
    )
    task = Task(description="Capital of the UK?", expected_output="a city", agent=agent)
    return Crew(agents=[agent], tasks=[task], stream=streams)


class Atlas(Flow):
    """Flow whose only step runs a crew."""

    provider: Any = None
    own: ClassVar[Any] = get_capital

    @start()
    def look(self) -> Any:
        return crew(Atlas.provider, Atlas.own, streams=False).kickoff()


async def test_the_chunks_of_a_crew_are_its_words_and_calls(serve: Serve) -> None:
    chunks = await asyncio.to_thread(crew(serve(recorded(CALL), recorded(ANSWER))).kickoff)
    run = await watch(chunks)
    assert (run.status, run.text, chunks.result.raw) == ("completed", LONDON, LONDON)
    assert calls(run) == [UNTOLD]
    assert of_type(run, ev.TextStart)[0].agent == "Geographer"


async def test_the_chunks_of_an_async_crew_too(serve: Serve) -> None:
    run = await watch(crew(serve(recorded(CALL), recorded(ANSWER))).kickoff_async())
    assert (run.status, run.text, calls(run)) == ("completed", LONDON, [UNTOLD])


async def test_a_crew_whose_provider_refuses_fails(serve: Serve) -> None:
    provider = serve(recorded(CALL), *[refused(400, "too much")] * 5)
    run = await watch(await asyncio.to_thread(crew(provider).kickoff))
    assert (run.status, calls(run)) == ("failed", [UNTOLD])
    assert "too much" in str(run.error)


@pytest.mark.parametrize("name", ["stream_events", "astream"])
async def test_the_frames_of_a_flow_tell_results_and_usage_too(serve: Serve, name: str) -> None:
    Atlas.provider = serve(recorded(CALL), recorded(ANSWER))
    run = await watch(getattr(Atlas(), name)())
    assert (run.status, run.text, calls(run)) == ("completed", LONDON, [GET_CAPITAL])
    assert (run.usage.input, run.usage.output) == (53 + 78, 15 + 9)


async def test_a_flow_whose_provider_refuses_fails(serve: Serve) -> None:
    Atlas.provider = serve(recorded(CALL), *[refused(400, "too much")] * 5)
    run = await watch(Atlas().stream_events())
    assert (run.status, calls(run)) == ("failed", [GET_CAPITAL])
    assert any("too much" in event.message for event in of_type(run, ev.Error))


OWN_TOOLS = [
    pytest.param(lambda: tool("get_capital")(own_capital), id="decorated"),
    pytest.param(lambda: tool("get_capital")(get_capital_async), id="async"),
]


@pytest.mark.parametrize("make", OWN_TOOLS)
async def test_an_own_tool_in_a_crew_tells_its_call_itself(serve: Serve, make: Any) -> None:
    chunks = await asyncio.to_thread(crew(serve(recorded(CALL), recorded(ANSWER)), make()).kickoff)
    run = await watch(chunks)
    assert (run.status, run.text, known(run)) == ("completed", LONDON, LIVE)
    assert capital_again(run) == "Paris"


async def test_an_own_tool_that_a_crew_knows_by_another_name_has_one_panel(serve: Serve) -> None:
    provider = serve(tool_reply("look_up_a_capital", country="UK"), recorded(ANSWER))
    chunks = await asyncio.to_thread(crew(provider, tool("Look up a capital")(own_capital)).kickoff)
    run = await watch(chunks)
    assert (run.status, known(run)) == ("completed", [("look_up_a_capital", *LIVE[0][1:])])
    assert capital_again(run) == "Paris"


async def test_an_own_tool_in_an_async_crew_does_too(serve: Serve) -> None:
    own = tool("get_capital")(own_capital)
    run = await watch(crew(serve(recorded(CALL), recorded(ANSWER)), own).kickoff_async())
    assert (run.status, run.text, known(run)) == ("completed", LONDON, LIVE)
    assert capital_again(run) == "Paris"


@pytest.mark.parametrize("name", ["stream_events", "astream"])
async def test_an_own_tool_in_a_flow_does_too(serve: Serve, name: str) -> None:
    Atlas.provider, Atlas.own = (
        serve(recorded(CALL), recorded(ANSWER)),
        tool("get_capital")(own_capital),
    )
    try:
        run = await watch(getattr(Atlas(), name)())
    finally:
        Atlas.own = get_capital
    assert (run.status, run.text, known(run)) == ("completed", LONDON, LIVE)
    assert capital_again(run) == "Paris"


async def test_an_own_tool_in_a_crew_stops_at_a_breakpoint(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    chunks = await asyncio.to_thread(crew(provider, tool("get_capital")(own_capital)).kickoff)
    run = await watch_and_answer(chunks, skip, stop_at="get_capital")
    assert [(call.name, call.state, call.result) for call in run.tools] == [
        ("get_capital", "output-available", "Paris")
    ]


async def test_what_an_own_tool_in_a_crew_raises_is_the_calls_exception(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    chunks = await asyncio.to_thread(crew(provider, tool("get_capital")(failing)).kickoff)
    run = await watch(chunks)
    assert [(call.name, call.state) for call in run.tools][:1] == [("get_capital", "output-error")]
    assert repr(run.tools[0].exception) == "LookupError('no map of UK')"

"""CrewAI, run against recorded models: the chunks of a crew, and the frames of a flow that has one."""

import asyncio
import os
from typing import Any

os.environ |= {"CREWAI_DISABLE_TELEMETRY": "true", "CREWAI_TRACING_ENABLED": "false", "OTEL_SDK_DISABLED": "true"}

import pytest
from crewai import LLM, Agent, Crew, Task
from crewai.flow import Flow, start
from crewai.tools import tool
from frameworks.replay import ANSWER, CALL, KEY, LONDON, Replay, Serve, recorded, refused
from frameworks.watching import GET_CAPITAL, calls, of_type, watch

from nbagent import events as ev

UNTOLD = ("get_capital", {"country": "UK"}, None, "")
"""Call as a crew's chunks report it: without its result."""


@tool("get_capital")
def get_capital(country: str) -> str:
    """The capital of a country."""
    return {"UK": "London"}[country]


def crew(provider: Replay, *, streams: bool = True) -> Any:
    model = LLM(model="openai/gpt-4o-mini", base_url=provider.url, api_key=KEY, stream=True, max_retries=0)
    agent = Agent(role="Geographer", goal="know", backstory="maps", llm=model, tools=[get_capital], max_retry_limit=0)
    task = Task(description="Capital of the UK?", expected_output="a city", agent=agent)
    return Crew(agents=[agent], tasks=[task], stream=streams)


class Atlas(Flow):
    """Flow whose only step runs a crew."""

    provider: Any = None

    @start()
    def look(self) -> Any:
        return crew(Atlas.provider, streams=False).kickoff()


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

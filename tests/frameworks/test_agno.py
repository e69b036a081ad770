"""agno's agents and teams, run against recorded models."""

from pathlib import Path
from typing import Any

import pytest
from agno.agent import Agent
from agno.models.message import Message
from agno.models.openai import OpenAIChat, OpenAIResponses
from agno.team import Team
from agno.tools import tool
from frameworks.own_tools import (
    LIVE,
    capital_again,
    capital_of,
    get_capital,
    get_capital_async,
    known,
    skip,
)
from frameworks.replay import (
    ANSWER,
    CALL,
    KEY,
    LONDON,
    Replay,
    Serve,
    held,
    recorded,
    refused,
    text_reply,
    tool_reply,
)
from frameworks.told import (
    PARALLEL,
    PARALLEL_TOOLS,
    RESULTS,
    fork,
    told,
    told_items,
    watch_saved,
    with_reasoning,
)
from frameworks.watching import GET_CAPITAL, calls, of_type, stop, watch, watch_and_answer

from nbagent import events as ev

TASK = "Capital of the UK?"
LOOK_UP = tool(name="get_capital")(capital_of)


def model(provider: Replay) -> OpenAIChat:
    return OpenAIChat(id="m", base_url=provider.url, api_key=KEY, max_retries=0)


def geographer(provider: Replay, used: Any = LOOK_UP) -> Agent:
    return Agent(name="geographer", id="geo", model=model(provider), tools=[used], telemetry=False)


def events(agent: Any, prompt: Any = TASK) -> Any:
    return agent.arun(prompt, stream=True, stream_events=True)


async def test_a_tool_loop_is_told_with_its_results(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    run = await watch(events(geographer(provider)))
    assert (run.text, run.status, calls(run)) == (LONDON, "completed", [GET_CAPITAL])
    assert (run.usage.input, run.usage.output) == (131, 24)


def contents(agent: Agent) -> Any:
    return agent.run(TASK, stream=True)


def contents_async(agent: Agent) -> Any:
    return agent.arun(TASK, stream=True)


@pytest.mark.parametrize("stream", [contents, contents_async])
async def test_a_stream_of_content_alone_is_the_answer(serve: Serve, stream: Any) -> None:
    run = await watch(stream(geographer(serve(recorded(CALL), recorded(ANSWER)))))
    assert (run.text, run.status) == (LONDON, "completed")


async def test_a_member_of_a_team_has_its_words_apart(serve: Serve) -> None:
    provider = serve(
        tool_reply("delegate_task_to_member", member_id="geo", task=TASK),
        recorded(CALL),
        recorded(ANSWER),
        text_reply("It is London."),
    )
    run = await watch(
        events(Team(members=[geographer(provider)], model=model(provider), telemetry=False))
    )
    assert (run.text, run.status) == ("It is London.", "completed")
    assert [call.name for call in run.tools] == ["delegate_task_to_member", "get_capital"]
    assert [agent.name for agent in of_type(run, ev.AgentStart)] == ["geographer"]


async def test_a_call_that_needs_confirmation_pauses_the_run(serve: Serve) -> None:
    asking = tool(name="get_capital", requires_confirmation=True)(capital_of)
    run = await watch(events(geographer(serve(recorded(CALL)), asking)))
    assert run.status == "paused"
    assert [request.args for request in of_type(run, ev.ApprovalRequest)] == [{"country": "UK"}]


@pytest.mark.parametrize("used", [get_capital, get_capital_async])
async def test_a_tool_of_nbagents_reports_its_call(serve: Serve, used: Any) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    run = await watch(events(geographer(provider, used)))
    assert (known(run), capital_again(run)) == (LIVE, "Paris")


async def test_a_tool_of_nbagents_stops_at_a_breakpoint(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    stream = events(geographer(provider, get_capital_async))
    run = await watch_and_answer(stream, skip, stop_at="get_capital")
    assert calls(run) == [("get_capital", {"country": "UK"}, "Paris", "ok")]
    assert provider.requests[-1]["messages"][-1]["content"] == "Paris"


async def test_a_provider_that_refuses_fails_the_run(serve: Serve) -> None:
    run = await watch(events(geographer(serve(refused(400, "too much")))))
    assert (run.status, "too much" in str(run.error)) == ("failed", True)


async def test_stop_closes_the_connection_to_the_provider(serve: Serve) -> None:
    provider = serve(held(ANSWER, b'"The"'))
    run = await stop(events(geographer(provider)), provider)
    assert run.status == "cancelled"


# --- forks ---


@pytest.mark.parametrize("used", RESULTS)
async def test_a_fork_says_what_the_model_was_told(serve: Serve, used: Any) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER), recorded(ANSWER))
    run = await watch(events(geographer(provider, used)))
    assert told(await fork(run, provider)) == told(provider.requests[1])


async def test_a_fork_says_in_the_frameworks_words_that_its_own_tool_failed(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER), recorded(ANSWER))
    run = await watch(events(geographer(provider, lost)))
    assert told(await fork(run, provider)) == told(provider.requests[1])


async def test_a_fork_says_which_call_had_which_result(serve: Serve) -> None:
    provider = serve(*map(recorded, (*PARALLEL, ANSWER, ANSWER)))
    run = await watch(events(travelling(provider)))
    assert told(await fork(run, provider, at=3)) == told(provider.requests[2])


@tool(name="get_capital")
def lost(country: str) -> str:
    """The capital of a country."""
    raise LookupError(f"no map of {country}")


def travelling(provider: Replay) -> Agent:
    return Agent(id="traveller", model=model(provider), tools=[*PARALLEL_TOOLS], telemetry=False)


async def test_a_fork_goes_on_in_agno_with_what_the_model_was_told(serve: Serve) -> None:
    provider = serve(recorded(CALL), *[recorded(ANSWER)] * 3)
    run = await watch(events(geographer(provider, get_capital)))

    def resume(messages: list[Any]) -> Any:
        return events(geographer(provider, get_capital), messages)

    again = await run.fork(at=2, resume=resume, face="console")
    other = await again.fork(at=0, result="Paris", resume=resume, face="console")
    assert (again.text, again.status) == (LONDON, "completed")
    assert [call.result for call in (*again.tools, *other.tools)] == ["London", "Paris"]
    second, repeated, changed = provider.requests[1:]
    assert (told(repeated), repeated["tools"]) == (told(second), second["tools"])
    second["messages"][-1]["content"] = "Paris"
    assert told(changed) == told(second)


async def test_messages_are_the_prompt_of_a_fork(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER), recorded(ANSWER))
    prompt = [Message(role="user", content="The UK is meant."), {"role": "user", "content": TASK}]
    run = await watch(events(geographer(provider, get_capital), prompt))
    assert told(await fork(run, provider)) == told(provider.requests[1])


def thinking(provider: Replay) -> Agent:
    """Return an agent over the Responses API. Its events name a call by the id of its item."""
    client = OpenAIResponses(
        id="gpt-5-mini", store=False, base_url=provider.url, api_key=KEY, max_retries=0
    )
    return Agent(id="geo", model=client, tools=[get_capital], telemetry=False)


def with_ids_of_items(items: list[Any]) -> list[Any]:
    """Return items with the ids that the events have."""
    return [
        {**item, "call_id": f"fc_{item['call_id']}"} if "call_id" in item else item
        for item in items
    ]


async def test_a_fork_sends_the_items_of_reasoning_also_of_a_saved_run(
    serve: Serve, tmp_path: Path
) -> None:
    provider = serve(*with_reasoning())
    run = await watch(events(thinking(provider)))
    path = str(tmp_path / "run.jsonl")
    run.save(path)
    saved = await watch_saved(path)
    for source in (run, saved):
        sent = told_items(await fork(source, provider, api="responses"))
        assert sent == with_ids_of_items(told_items(provider.requests[1]))


async def test_a_fork_goes_on_in_agno_with_the_items_of_reasoning(serve: Serve) -> None:
    provider = serve(*with_reasoning())
    run = await watch(events(thinking(provider)))

    def resume(messages: list[Any]) -> Any:
        return events(thinking(provider), messages)

    await run.fork(at=2, resume=resume, face="console")
    second, repeated = map(told_items, provider.requests[1:])
    assert repeated == with_ids_of_items(second)

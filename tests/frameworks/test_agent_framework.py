"""Microsoft's agent framework, run against recorded models."""

from pathlib import Path
from typing import Any

import pytest
from agent_framework import Agent, Message, agent_middleware, tool
from agent_framework.openai import OpenAIChatClient, OpenAIChatCompletionClient
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


@tool(name="get_capital")
def look_up(country: str) -> str:
    """The capital of a country."""
    return capital_of(country)


def geographer(provider: Replay, *used: Any, **options: Any) -> Any:
    client = OpenAIChatCompletionClient(model="m", base_url=provider.url, api_key=KEY)
    return Agent(client=client, name="geographer", tools=[*(used or [look_up])], **options)


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


# --- forks ---


@pytest.mark.parametrize("used", RESULTS)
async def test_a_fork_says_what_the_model_was_told(serve: Serve, used: Any) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER), recorded(ANSWER))
    run = await watch(geographer(provider, used).run(TASK, stream=True))
    assert told(await fork(run, provider)) == told(provider.requests[1])


async def test_a_fork_says_in_the_frameworks_words_that_its_own_tool_failed(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER), recorded(ANSWER))
    run = await watch(geographer(provider, lost).run(TASK, stream=True))
    assert told(await fork(run, provider)) == told(provider.requests[1])


async def test_a_fork_says_which_call_had_which_result(serve: Serve) -> None:
    provider = serve(*map(recorded, (*PARALLEL, ANSWER, ANSWER)))
    run = await watch(geographer(provider, *PARALLEL_TOOLS).run(TASK, stream=True))
    assert told(await fork(run, provider, at=3)) == told(provider.requests[2])


@tool(name="get_capital")
def lost(country: str) -> str:
    """The capital of a country."""
    raise LookupError(f"no map of {country}")


async def test_a_fork_goes_on_in_the_framework_with_what_the_model_was_told(serve: Serve) -> None:
    provider = serve(recorded(CALL), *[recorded(ANSWER)] * 3)
    agent = geographer(provider, get_capital)
    run = await watch(agent.run(TASK, stream=True))

    def resume(messages: list[Any]) -> Any:
        return agent.run(messages, stream=True)

    again = await run.fork(at=2, resume=resume, face="console")
    other = await again.fork(at=0, result="Paris", resume=resume, face="console")
    assert (again.text, again.status) == (LONDON, "completed")
    assert [call.result for call in (*again.tools, *other.tools)] == ["London", "Paris"]
    second, repeated, changed = provider.requests[1:]
    assert repeated == second
    second["messages"][-1]["content"] = "Paris"
    assert changed == second


@pytest.mark.parametrize("prompt", [["The UK is meant.", TASK], Message("user", [TASK])])
async def test_texts_and_messages_are_the_prompt_of_a_fork(serve: Serve, prompt: Any) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER), recorded(ANSWER))
    run = await watch(geographer(provider, get_capital).run(prompt, stream=True))
    assert told(await fork(run, provider)) == told(provider.requests[1])


def thinking(provider: Replay) -> Any:
    """Return an agent over the Responses API."""
    client = OpenAIChatClient(model="m", base_url=provider.url, api_key=KEY)
    options = {"store": False}
    return Agent(client=client, name="geo", tools=[get_capital], default_options=options)


async def test_a_text_of_the_responses_api_is_shown_once(serve: Serve) -> None:
    run = await watch(thinking(serve(*with_reasoning())).run(TASK, stream=True))
    assert (run.text, known(run)) == ("London.", LIVE)


async def test_a_fork_sends_the_items_of_reasoning_also_of_a_saved_run(
    serve: Serve, tmp_path: Path
) -> None:
    provider = serve(*with_reasoning())
    run = await watch(thinking(provider).run(TASK, stream=True))
    path = str(tmp_path / "run.jsonl")
    run.save(path)
    saved = await watch_saved(path)
    for source in (run, saved):
        sent = told_items(await fork(source, provider, api="responses"))
        assert sent == told_items(provider.requests[1])


async def test_a_fork_goes_on_in_the_framework_with_the_items_of_reasoning(serve: Serve) -> None:
    provider = serve(*with_reasoning())
    run = await watch(thinking(provider).run(TASK, stream=True))

    def resume(messages: list[Any]) -> Any:
        return thinking(provider).run(messages, stream=True)

    await run.fork(at=2, resume=resume, face="console")
    second, repeated = provider.requests[1:]
    assert repeated == second


@agent_middleware
async def passing(context: Any, go_on: Any) -> None:
    """Do nothing."""
    await go_on()


async def test_the_prompt_of_an_agent_with_middleware_is_known(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER), recorded(ANSWER))
    run = await watch(
        geographer(provider, get_capital, middleware=[passing]).run(TASK, stream=True)
    )
    assert told(await fork(run, provider)) == told(provider.requests[1])

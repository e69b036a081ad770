"""Strands Agents, run against recorded models."""

from typing import Any

import pytest
from frameworks.own_tools import (
    LIVE,
    capital_again,
    capital_of,
    failing,
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
    tool_reply,
)
from frameworks.told import PARALLEL, PARALLEL_TOOLS, RESULTS, fork, told
from frameworks.watching import (
    GET_CAPITAL,
    calls,
    cancel,
    hang_up_at_next_word,
    watch,
    watch_and_answer,
)
from strands import Agent, tool
from strands.models.openai import OpenAIModel

TASK = "Capital of the UK?"
LOOK_UP = tool(name="get_capital", description="The capital of a country.")(capital_of)


def geographer(provider: Replay, *used: Any) -> Agent:
    client = {"base_url": provider.url, "api_key": KEY, "max_retries": 0}
    return Agent(
        model=OpenAIModel(client_args=client, model_id="m"),
        tools=[*(used or [LOOK_UP])],
        callback_handler=None,
    )


async def test_a_tool_loop_is_told_with_its_results(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    run = await watch(geographer(provider).stream_async(TASK))
    assert (run.text, run.status, calls(run)) == (LONDON, "completed", [GET_CAPITAL])
    assert (run.usage.input, run.usage.output) == (131, 24)


@pytest.mark.parametrize("used", [get_capital, get_capital_async])
async def test_a_tool_of_nbagents_reports_its_call(serve: Serve, used: Any) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    run = await watch(geographer(provider, tool(used)).stream_async(TASK))
    assert (known(run), capital_again(run)) == (LIVE, "Paris")


async def test_a_tool_of_nbagents_that_fails_has_its_exception(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    run = await watch(geographer(provider, tool(failing)).stream_async(TASK))
    assert [(call.state, str(call.exception)) for call in run.tools] == [
        ("output-error", "no map of UK")
    ]


async def test_a_tool_of_nbagents_stops_at_a_breakpoint(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    stream = geographer(provider, tool(get_capital_async)).stream_async(TASK)
    run = await watch_and_answer(stream, skip, stop_at="get_capital")
    assert calls(run) == [("get_capital", {"country": "UK"}, "Paris", "ok")]
    assert "Paris" in str(provider.requests[-1]["messages"][-1]["content"])


async def test_a_provider_that_refuses_fails_the_run(serve: Serve) -> None:
    run = await watch(geographer(serve(refused(400, "too much"))).stream_async(TASK))
    assert (run.status, "too much" in str(run.error)) == ("failed", True)


async def test_stop_closes_the_connection_at_the_models_next_word(serve: Serve) -> None:
    provider = serve(held(ANSWER, b"capital")._replace(drip=True))
    run = await cancel(geographer(provider).stream_async(TASK))
    assert (run.status, LONDON.startswith(run.text)) == ("cancelled", True)
    await hang_up_at_next_word(provider)


# --- forks ---


@pytest.mark.parametrize("used", RESULTS)
async def test_a_fork_says_what_the_model_was_told(serve: Serve, used: Any) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER), recorded(ANSWER))
    run = await watch(geographer(provider, tool(used)).stream_async(TASK))
    assert told(await fork(run, provider)) == told(provider.requests[1])


async def test_a_fork_says_in_the_frameworks_words_that_its_own_tool_failed(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER), recorded(ANSWER))
    run = await watch(geographer(provider, lost).stream_async(TASK))
    assert told(await fork(run, provider)) == told(provider.requests[1])


async def test_a_fork_says_which_call_had_which_result(serve: Serve) -> None:
    provider = serve(*map(recorded, (*PARALLEL, ANSWER, ANSWER)))
    run = await watch(geographer(provider, *map(tool, PARALLEL_TOOLS)).stream_async(TASK))
    assert told(await fork(run, provider, at=3)) == told(provider.requests[2])


@tool(name="get_capital", description="The capital of a country.")
def lost(country: str) -> str:
    raise LookupError(f"no map of {country}")


async def test_a_fork_goes_on_in_strands_with_what_the_model_was_told(serve: Serve) -> None:
    provider = serve(recorded(CALL), *[recorded(ANSWER)] * 3)
    run = await watch(geographer(provider, tool(get_capital)).stream_async(TASK))

    def resume(messages: list[Any]) -> Any:
        return geographer(provider, tool(get_capital)).stream_async(messages)

    again = await run.fork(at=2, resume=resume, face="console")
    other = await again.fork(at=0, result="Paris", resume=resume, face="console")
    assert (again.text, again.status) == (LONDON, "completed")
    assert [call.result for call in (*again.tools, *other.tools)] == ["London", "Paris"]
    second, repeated, changed = provider.requests[1:]
    assert repeated == second
    second["messages"][-1]["content"] = "Paris"
    assert changed == second


@pytest.mark.parametrize(
    "prompt",
    [
        [{"text": "The UK is meant."}, {"text": TASK}],
        [{"role": "user", "content": [{"text": TASK}]}],
    ],
)
async def test_content_and_messages_are_the_prompt_of_a_fork(serve: Serve, prompt: Any) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER), recorded(ANSWER))
    run = await watch(geographer(provider, tool(get_capital)).stream_async(prompt))
    body = await fork(run, provider)
    assert body["messages"][0] == provider.requests[1]["messages"][0]


async def test_a_fork_says_what_the_agent_remembers(serve: Serve) -> None:
    provider = serve(
        tool_reply("get_capital", country="France"), *map(recorded, (ANSWER, CALL, *[ANSWER] * 3))
    )
    agent = geographer(provider, tool(get_capital))
    await watch(agent.stream_async(TASK))
    run = await watch(agent.stream_async("And again?"))
    assert told(await fork(run, provider)) == told(provider.requests[3])
    assert len(told(provider.requests[3])) == 7

    def resume(messages: list[Any]) -> Any:
        return geographer(provider, tool(get_capital)).stream_async(messages)

    await run.fork(at=2, resume=resume, face="console")
    assert provider.requests[5] == provider.requests[3]

"""AutoGen's agents and teams, run against recorded models."""

from typing import Any

import pytest
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.conditions import MaxMessageTermination
from autogen_agentchat.messages import MultiModalMessage, TextMessage
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_core import Image
from autogen_core.model_context import UnboundedChatCompletionContext
from autogen_ext.models.openai import OpenAIChatCompletionClient
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
    completion,
    held,
    recorded,
    refused,
    text_reply,
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

ABILITIES: Any = {
    "vision": False,
    "function_calling": True,
    "json_output": False,
    "family": "unknown",
    "structured_output": False,
}
TASK = "Capital of the UK?"
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAA"
    "ABJRU5ErkJggg=="
)


def client(provider: Replay, **abilities: bool) -> OpenAIChatCompletionClient:
    return OpenAIChatCompletionClient(
        model="m",
        base_url=provider.url,
        api_key=KEY,
        max_retries=0,
        model_info=ABILITIES | abilities,
    )


async def look_up(country: str) -> str:
    """The capital of a country."""
    return capital_of(country)


look_up.__name__ = "get_capital"


def geographer(provider: Replay, tool: Any = look_up, **options: Any) -> AssistantAgent:
    return AssistantAgent(
        "geographer",
        tools=[tool],
        **{
            "model_client": client(provider),
            "model_client_stream": True,
            "reflect_on_tool_use": True,
            **options,
        },
    )


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_tool_loop_is_told_with_its_results(serve: Serve, streamed: bool) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    if not streamed:
        provider = serve(*map(completion, (CALL, ANSWER)))
    agent = geographer(provider, model_client_stream=streamed)
    run = await watch(agent.run_stream(task=TASK))
    assert (run.text, run.status, calls(run)) == (LONDON, "completed", [GET_CAPITAL])
    assert (run.usage.input, run.usage.output) == (131, 24)


async def test_agents_of_a_team_are_named(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER), text_reply("Good."))
    critic = AssistantAgent("critic", model_client=client(provider), model_client_stream=True)
    team = RoundRobinGroupChat(
        [geographer(provider), critic], termination_condition=MaxMessageTermination(3)
    )
    run = await watch(team.run_stream(task=TASK))
    assert (run.text, run.status) == (f"{LONDON}\n\nGood.", "completed")
    assert {event.agent for event in run.events if event.agent} == {"geographer", "critic"}


@pytest.mark.parametrize("tool", [get_capital, get_capital_async])
async def test_a_tool_of_nbagents_reports_its_call(serve: Serve, tool: Any) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    run = await watch(geographer(provider, tool).run_stream(task=TASK))
    assert (known(run), capital_again(run)) == (LIVE, "Paris")


async def test_a_tool_of_nbagents_stops_at_a_breakpoint(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    stream = geographer(provider, get_capital_async).run_stream(task=TASK)
    run = await watch_and_answer(stream, skip, stop_at="get_capital")
    assert calls(run) == [("get_capital", {"country": "UK"}, "Paris", "ok")]
    assert provider.requests[-1]["messages"][-1]["content"] == "Paris"


async def test_a_provider_that_refuses_fails_the_run(serve: Serve) -> None:
    provider = serve(refused(400, "too much"))
    run = await watch(geographer(provider).run_stream(task=TASK))
    assert (run.status, "too much" in str(run.error)) == ("failed", True)


async def test_stop_closes_the_connection_at_the_models_next_word(serve: Serve) -> None:
    provider = serve(held(ANSWER, b"capital")._replace(drip=True))
    run = await cancel(geographer(provider).run_stream(task=TASK))
    assert (run.status, LONDON.startswith(run.text)) == ("cancelled", True)
    await hang_up_at_next_word(provider)


# --- forks ---


@pytest.mark.parametrize("used", RESULTS)
async def test_a_fork_says_what_the_model_was_told(serve: Serve, used: Any) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER), recorded(ANSWER))
    run = await watch(geographer(provider, used).run_stream(task=TASK))
    assert told(await fork(run, provider)) == told(provider.requests[1])


async def test_a_fork_says_in_the_frameworks_words_that_its_own_tool_failed(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER), recorded(ANSWER))
    run = await watch(geographer(provider, lost).run_stream(task=TASK))
    assert told(await fork(run, provider)) == told(provider.requests[1])


async def test_a_fork_says_which_call_had_which_result(serve: Serve) -> None:
    provider = serve(*map(recorded, (*PARALLEL, ANSWER, ANSWER)))
    run = await watch(travelling(provider).run_stream(task=TASK))
    assert told(await fork(run, provider, at=3)) == told(provider.requests[2])


async def lost(country: str) -> str:
    """The capital of a country."""
    raise LookupError(f"no map of {country}")


lost.__name__ = "get_capital"


def travelling(provider: Replay) -> AssistantAgent:
    return AssistantAgent(
        "traveller",
        model_client=client(provider),
        tools=[*PARALLEL_TOOLS],
        model_client_stream=True,
        max_tool_iterations=3,
    )


async def test_a_fork_goes_on_in_autogen_with_what_the_model_was_told(serve: Serve) -> None:
    provider = serve(recorded(CALL), *[recorded(ANSWER)] * 3)
    run = await watch(geographer(provider, get_capital).run_stream(task=TASK))

    def resume(messages: list[Any]) -> Any:
        context = UnboundedChatCompletionContext(initial_messages=messages)
        return geographer(provider, get_capital, model_context=context).run_stream()

    again = await run.fork(at=2, resume=resume, face="console")
    other = await again.fork(at=0, result="Paris", resume=resume, face="console")
    assert (again.text, again.status) == (LONDON, "completed")
    assert [call.result for call in (*again.tools, *other.tools)] == ["London", "Paris"]
    # The framework reflects on a result without tools, so that only messages are equal.
    second, repeated, changed = [body["messages"] for body in provider.requests[1:]]
    assert repeated == second
    second[-1]["content"] = "Paris"
    assert changed == second


async def test_a_task_of_messages_is_the_prompt_of_a_fork(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER), recorded(ANSWER))
    picture = Image.from_base64(PIXEL)
    task = [
        TextMessage(content="The UK is meant.", source="user"),
        MultiModalMessage(content=["Capital?", picture], source="user"),
    ]
    seeing = geographer(provider, get_capital, model_client=client(provider, vision=True))
    run = await watch(seeing.run_stream(task=task))
    sent = [each["content"] for each in (await fork(run, provider))["messages"]]
    assert sent[:2] == [each["content"] for each in provider.requests[1]["messages"][1:3]]


async def test_a_fork_says_what_the_agent_remembers(serve: Serve) -> None:
    provider = serve(
        tool_reply("get_capital", country="France"), *map(recorded, (ANSWER, CALL, *[ANSWER] * 2))
    )
    agent = geographer(provider, get_capital)
    await watch(agent.run_stream(task=TASK))
    run = await watch(agent.run_stream(task="And again?"))
    assert told(await fork(run, provider)) == told(provider.requests[3])
    assert len(told(provider.requests[3])) == 7

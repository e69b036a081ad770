"""AG2's agents, run against recorded models."""

from typing import Any

import pytest
from ag2 import Agent, Context
from ag2.config import OpenAIConfig, OpenAIResponsesConfig
from ag2.events import HumanInputRequest
from frameworks.own_tools import (
    LIVE,
    capital_of,
    failing,
    get_capital,
    get_capital_async,
    known,
    no_capital,
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
from frameworks.watching import (
    GET_CAPITAL,
    calls,
    cancel,
    hang_up_at_next_word,
    of_type,
    watch,
    watch_and_answer,
)

from nbagent import events as ev

QUESTION = "Capital of the UK?"
THINKS = "openai_responses/pydanticai-reasoning-summary.0.sse"


async def look_up(country: str) -> str:
    """The capital of a country."""
    return capital_of(country)


look_up.__name__ = "get_capital"
no_capital.__name__ = "get_capital"


def config(provider: Replay, kind: Any = OpenAIConfig, *, streaming: bool = True) -> Any:
    return kind(model="m", base_url=provider.url, api_key=KEY, max_retries=0, streaming=streaming)


def geographer(provider: Replay, used: Any = look_up, **options: Any) -> Agent:
    return Agent("geographer", config=config(provider, **options), tools=[used])


@pytest.mark.parametrize("streaming", [True, False])
async def test_a_tool_loop_is_told_with_its_results(serve: Serve, streaming: bool) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    if not streaming:
        provider = serve(*map(completion, (CALL, ANSWER)))
    run = await watch(geographer(provider, streaming=streaming).run(QUESTION))
    assert (run.text, run.status, calls(run)) == (LONDON, "completed", [GET_CAPITAL])
    assert (run.usage.input, run.usage.output) == (131, 24)


async def test_events_of_a_subscriber_of_ones_own_are_shown(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))

    async def events() -> Any:
        async with geographer(provider).run(QUESTION) as turn:
            with turn.stream.join() as joined:
                turn.start()
                async for event in joined:
                    yield event
                    if type(event).__name__ == "ToolCallsEvent":  # the last one to come
                        return

    run = await watch(events())
    assert (run.text, run.status, calls(run)) == (LONDON, "completed", [GET_CAPITAL])


async def test_a_turn_after_another_is_shown(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER), text_reply("Good."))
    reply = await geographer(provider).ask(QUESTION)
    run = await watch(reply.run("Sure?"))
    assert (run.text, run.status, calls(run)) == ("Good.", "completed", [])


async def test_a_tool_that_fails_has_its_error(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    run = await watch(geographer(provider, no_capital).run(QUESTION))
    assert [(call.state, "'no map of UK'" in str(call.error)) for call in run.tools] == [
        ("output-error", True)
    ]


async def test_thoughts_of_the_responses_api_are_told(serve: Serve) -> None:
    agent = Agent("guide", config=config(serve(recorded(THINKS)), OpenAIResponsesConfig))
    run = await watch(agent.run("How do I cross the street?"))
    assert (run.status, run.usage.input, run.usage.output) == ("completed", 13, 1680)
    assert run.thinking.startswith("**Providing street crossing instructions**")
    assert run.text.startswith("I'm not a road safety professional")


async def test_an_agent_that_is_a_tool_is_told_with_its_result(serve: Serve) -> None:
    provider = serve(
        tool_reply("task_expert", objective="Capital?"), text_reply("London"), text_reply("Good.")
    )
    expert = Agent("expert", config=config(provider))
    tool = expert.as_tool(description="Knows capitals.")
    run = await watch(geographer(provider, tool).run(QUESTION))
    assert (run.text, run.status) == ("Good.", "completed")
    assert [(call.name, "London" in str(call.result)) for call in run.tools] == [
        ("task_expert", True)
    ]
    assert [event.name for event in of_type(run, ev.AgentStart)] == ["expert"]


async def test_a_question_to_a_human_is_told_with_its_answer(serve: Serve) -> None:
    async def confirm(context: Context) -> str:
        """Ask."""
        return str(await context.input("Sure?"))

    async def answer(event: HumanInputRequest) -> str:
        return "Yes."

    provider = serve(tool_reply("confirm"), text_reply("Good."))
    agent = Agent("clerk", config=config(provider), tools=[confirm], hitl_hook=answer)
    run = await watch(agent.run("Go on?"))
    assert (run.text, run.status) == ("Good.", "completed")
    assert [event.prompt for event in of_type(run, ev.ApprovalRequest)] == ["Sure?"]
    assert [event.value for event in of_type(run, ev.ApprovalResponse)] == ["Yes."]


@pytest.mark.parametrize("used", [get_capital, get_capital_async])
async def test_a_tool_of_nbagents_reports_its_call(serve: Serve, used: Any) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    run = await watch(geographer(provider, used).run(QUESTION))
    assert known(run) == LIVE


async def test_a_tool_of_nbagents_that_fails_has_its_exception(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    run = await watch(geographer(provider, failing).run(QUESTION))
    assert [(call.state, str(call.exception)) for call in run.tools] == [
        ("output-error", "no map of UK")
    ]


async def test_a_tool_of_nbagents_stops_at_a_breakpoint(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    turn = geographer(provider, get_capital_async).run(QUESTION)
    run = await watch_and_answer(turn, skip, stop_at="get_capital")
    assert calls(run) == [("get_capital", {"country": "UK"}, "Paris", "ok")]
    assert provider.requests[-1]["messages"][-1]["content"] == "Paris"


async def test_a_provider_that_refuses_fails_the_run(serve: Serve) -> None:
    run = await watch(geographer(serve(refused(400, "too much"))).run(QUESTION))
    assert (run.status, "too much" in str(run.error)) == ("failed", True)


async def test_stop_closes_the_connection_at_the_models_next_word(serve: Serve) -> None:
    provider = serve(held(ANSWER, b"capital")._replace(drip=True))
    run = await cancel(geographer(provider).run(QUESTION))
    assert (run.status, LONDON.startswith(run.text)) == ("cancelled", True)
    await hang_up_at_next_word(provider)

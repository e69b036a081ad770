"""LlamaIndex's agents and workflows, run against recorded models."""

from typing import Any

import pytest
from frameworks.own_tools import LIVE, capital_again, failing, get_capital_async, known, skip
from frameworks.own_tools import get_capital as own_capital
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
from frameworks.watching import GET_CAPITAL, calls, of_type, stop, watch, watch_and_answer
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow import Context, HumanResponseEvent, InputRequiredEvent
from llama_index.llms.openai import OpenAI

import nbagent
from nbagent import events as ev


async def get_capital(country: str) -> str:
    """The capital of a country."""
    return {"UK": "London"}[country]


def agent(provider: Replay, *tools: Any, **options: Any) -> FunctionAgent:
    model = OpenAI("gpt-4o-mini", api_base=provider.url, api_key=KEY, max_retries=0)
    return FunctionAgent(tools=[*(tools or [get_capital])], llm=model, **options)


async def test_a_tool_loop_is_what_the_result_says(serve: Serve) -> None:
    handler = agent(serve(recorded(CALL), recorded(ANSWER))).run("Capital of the UK?")
    run = await watch(handler)
    assert (run.status, run.text, str(await handler)) == ("completed", LONDON, LONDON)
    assert calls(run) == [GET_CAPITAL]
    assert (run.usage.input, run.usage.output) == (53 + 78, 15 + 9)


async def test_the_handlers_events_can_be_shown_too(serve: Serve) -> None:
    run = await watch(
        agent(serve(recorded(CALL), recorded(ANSWER))).run("Capital of the UK?").stream_events()
    )
    assert (run.status, run.text, calls(run)) == ("completed", LONDON, [GET_CAPITAL])


async def test_parallel_calls_have_their_own_results(serve: Serve) -> None:
    turns = [f"openai_chat/pydanticai-parallel-tool-deltas.{turn}.sse" for turn in range(2)]
    provider = serve(*map(recorded, turns), recorded(ANSWER))
    run = await watch(agent(provider, get_country, get_product_name, get_weather).run("?"))
    assert calls(run) == [
        ("get_country", {}, "Mexico", "ok"),
        ("get_product_name", {}, "Pydantic AI", "ok"),
        ("get_weather", {"city": "Mexico City"}, "no weather in Mexico City", "error"),
    ]
    assert (run.status, run.text) == ("completed", LONDON)


async def get_country() -> str:
    """A country."""
    return "Mexico"


async def get_product_name() -> str:
    """A product."""
    return "Pydantic AI"


async def get_weather(city: str) -> str:
    """The weather of a city."""
    raise LookupError(f"no weather in {city}")


async def test_a_hand_off_names_who_takes_over(serve: Serve) -> None:
    provider = serve(
        tool_reply("handoff", to_agent="Geographer", reason="knows maps"),
        recorded(CALL),
        recorded(ANSWER),
    )
    front = agent(provider, name="Front", description="asks", can_handoff_to=["Geographer"])
    geographer = agent(provider, name="Geographer", description="knows")
    run = await watch(
        AgentWorkflow(agents=[front, geographer], root_agent="Front").run("Capital of the UK?")
    )
    assert [(event.from_, event.to) for event in of_type(run, ev.AgentHandoff)] == [
        ("Front", "Geographer")
    ]
    assert [event.agent for event in of_type(run, ev.StepStart)] == [
        "Front",
        "Geographer",
        "Geographer",
    ]
    assert (run.status, run.text, calls(run)[1:]) == ("completed", LONDON, [GET_CAPITAL])


async def test_a_tool_that_asks_a_human_waits_for_the_answer(serve: Serve) -> None:
    async def ask(ctx: Context, country: str) -> str:
        """The capital of a country."""
        question = InputRequiredEvent(prefix=f"Capital of {country}?")
        answer = await ctx.wait_for_event(
            HumanResponseEvent, waiter_event=question, waiter_id="capital"
        )
        return str(answer.response)

    ask.__name__ = "get_capital"
    handler = agent(serve(recorded(CALL), recorded(ANSWER)), ask).run("Capital of the UK?")
    run = nbagent.show(handler, face="console")
    async for request in run.stream(types="approval.request"):
        assert isinstance(request, ev.ApprovalRequest)
        assert (request.kind, request.prompt, request.tool_id) == (
            "input",
            "Capital of UK?",
            of_type(run, ev.ToolStart)[0].id,
        )
        await handler.send_event(HumanResponseEvent(response="London"))
    assert ((await run).status, run.text, calls(run)) == ("completed", LONDON, [GET_CAPITAL])


async def test_a_run_out_of_iterations_says_so(serve: Serve) -> None:
    run = await watch(
        agent(serve(*[recorded(CALL)] * 3)).run("Capital of the UK?", max_iterations=2)
    )
    assert run.status == "max_steps"


@pytest.mark.parametrize("shown", ["the handler", "its events"])
async def test_a_provider_that_refuses_fails_the_run(serve: Serve, shown: str) -> None:
    handler = agent(serve(recorded(CALL), refused(400, "too much"))).run("Capital of the UK?")
    run = await watch(handler if shown == "the handler" else handler.stream_events())
    assert (run.status, calls(run)) == ("failed", [GET_CAPITAL])
    assert "too much" in str(run.error)
    with pytest.raises(Exception, match="too much"):
        await handler


async def test_stop_closes_the_connection_to_the_provider(serve: Serve) -> None:
    provider = serve(recorded(CALL), held(ANSWER, b"capital"))
    run = await stop(agent(provider).run("Capital of the UK?"), provider)
    assert (run.status, calls(run)) == ("cancelled", [GET_CAPITAL])
    assert run.text
    assert LONDON.startswith(run.text)


@pytest.mark.parametrize(
    "tool", [own_capital, get_capital_async, FunctionTool.from_defaults(own_capital)]
)
async def test_a_tool_of_nbagents_reports_its_call(serve: Serve, tool: Any) -> None:
    run = await watch(
        agent(serve(recorded(CALL), recorded(ANSWER)), tool).run("Capital of the UK?")
    )
    assert (run.status, run.text, known(run)) == ("completed", LONDON, LIVE)
    assert capital_again(run) == "Paris"


async def test_a_tool_of_nbagents_that_fails_has_its_exception(serve: Serve) -> None:
    run = await watch(
        agent(serve(recorded(CALL), recorded(ANSWER)), failing).run("Capital of the UK?")
    )
    assert [(call.state, str(call.exception)) for call in run.tools] == [
        ("output-error", "no map of UK")
    ]


@pytest.mark.parametrize("tool", [own_capital, get_capital_async])
async def test_a_tool_of_nbagents_stops_at_a_breakpoint(serve: Serve, tool: Any) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    run = await watch_and_answer(
        agent(provider, tool).run("Capital of the UK?"), skip, stop_at="get_capital"
    )
    assert (run.status, calls(run)) == (
        "completed",
        [("get_capital", {"country": "UK"}, "Paris", "ok")],
    )
    assert provider.requests[-1]["messages"][-1]["content"] == "Paris"

"""Pydantic AI, run against recorded models."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from frameworks.own_tools import (
    LIVE,
    capital_again,
    failing,
    get_capital_async,
    known,
    no_capital,
    skip,
)
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
    snapshots,
    spoken_tool_reply,
)
from frameworks.told import RESULTS, fork, told
from frameworks.watching import (
    GET_CAPITAL,
    TWO_STEPS,
    calls,
    of_type,
    requests_of,
    stop,
    watch,
    watch_and_answer,
)
from openai import AsyncOpenAI
from pydantic_ai import (
    Agent,
    CallDeferred,
    DeferredToolRequests,
    DeferredToolResults,
    ModelRetry,
    RunContext,
    Tool,
    ToolDenied,
)
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider
from typing_extensions import TypedDict

import nbagent
from nbagent import events as ev


class Answers(TypedDict):
    answers: list[dict[str, str]]


def openai(provider: Replay) -> OpenAIProvider:
    return OpenAIProvider(
        openai_client=AsyncOpenAI(base_url=provider.url, api_key=KEY, max_retries=0)
    )


def claude(provider: Replay) -> AnthropicModel:
    return AnthropicModel(
        "claude-opus-4-8", provider=AnthropicProvider(api_key=KEY, base_url=provider.url)
    )


def get_capital(country: str) -> str:
    """The capital of a country."""
    return {"UK": "London"}[country]


def geographer(provider: Replay, tool: Any = get_capital, **options: Any) -> Any:
    return Agent(OpenAIChatModel("m", provider=openai(provider)), tools=[tool], **options)


class EventsThenResult:
    """A run's events, and in the end its result."""

    def __init__(self, agent: Any, *prompt: str, **options: Any) -> None:
        self.result: Any = None
        self._stream = agent.run_stream_events(*prompt, **options)

    async def __aiter__(self) -> AsyncIterator[Any]:
        async with self._stream as events:
            async for event in events:
                self.result = getattr(event, "result", None)
                yield event


async def test_a_tool_loop_is_what_the_result_says(serve: Serve) -> None:
    asked = EventsThenResult(
        geographer(serve(recorded(CALL), recorded(ANSWER))), "Capital of the UK?"
    )
    run = await watch(asked)
    assert (run.status, run.text, asked.result.output) == ("completed", LONDON, LONDON)
    assert calls(run) == [GET_CAPITAL]
    assert (run.usage.input, run.usage.output) == (
        asked.result.usage.input_tokens,
        asked.result.usage.output_tokens,
    )


async def test_the_stream_itself_can_be_shown(serve: Serve) -> None:
    run = await watch(
        geographer(serve(recorded(CALL), recorded(ANSWER))).run_stream_events("Capital of the UK?")
    )
    assert (run.status, run.text, calls(run)) == ("completed", LONDON, [GET_CAPITAL])


async def test_the_events_of_single_nodes_end_a_run_too(serve: Serve) -> None:
    async def events() -> AsyncIterator[Any]:
        async with geographer(serve(recorded(CALL), recorded(ANSWER))).iter(
            "Capital of the UK?"
        ) as steps:
            async for node in steps:
                if Agent.is_model_request_node(node) or Agent.is_call_tools_node(node):
                    async with node.stream(steps.ctx) as stream:
                        async for event in stream:
                            yield event

    run = await watch(events())
    assert (run.status, run.text, calls(run)) == ("completed", LONDON, [GET_CAPITAL])


async def test_parallel_calls_have_their_own_results_and_the_output_is_a_call(serve: Serve) -> None:
    provider = serve(
        *(recorded(f"openai_chat/pydanticai-parallel-tool-deltas.{turn}.sse") for turn in range(3))
    )
    agent: Any = Agent(OpenAIChatModel("m", provider=openai(provider)), output_type=Answers)
    agent.tool_plain(name="get_country")(lambda: "Mexico")
    agent.tool_plain(name="get_product_name")(lambda: "Pydantic AI")
    agent.tool_plain(name="get_weather")(lambda city: f"sunny in {city}")
    asked = EventsThenResult(agent, "?")
    run = await watch(asked)
    assert calls(run)[:3] == [
        ("get_country", {}, "Mexico", "ok"),
        ("get_product_name", {}, "Pydantic AI", "ok"),
        ("get_weather", {"city": "Mexico City"}, "sunny in Mexico City", "ok"),
    ]
    assert (run.status, calls(run)[3][:2]) == ("completed", ("final_result", asked.result.output))


@pytest.mark.parametrize(
    ("recording", "count"),
    [
        ("anthropic/pydanticai-thinking.0.sse", 1),
        ("anthropic/pydanticai-redacted-thinking.0.sse", 2),
    ],
    ids=["open", "redacted"],
)
async def test_thoughts_are_the_models(serve: Serve, recording: str, count: int) -> None:
    asked = EventsThenResult(
        Agent(claude(serve(recorded(recording)))), "How do I cross the street?"
    )
    run = await watch(asked)
    thoughts = [
        part.content
        for part in asked.result.response.parts
        if part.part_kind == "thinking" and part.content
    ]
    assert (run.status, run.text, run.thinking) == (
        "completed",
        asked.result.output,
        "\n\n".join(thoughts),
    )
    assert len(of_type(run, ev.ReasoningEnd)) == count


async def test_a_summary_of_thoughts_is_the_models(serve: Serve) -> None:
    recording = "openai_responses/pydanticai-reasoning-summary.0.sse"
    run = await watch(
        EventsThenResult(
            Agent(OpenAIResponsesModel("m", provider=openai(serve(recorded(recording))))), "?"
        )
    )
    thought, message = snapshots(recording)[-1]["output"]
    assert run.thinking == "\n\n".join(part["text"] for part in thought["summary"])
    assert (run.status, run.text) == ("completed", message["content"][0]["text"])


async def test_a_text_that_citations_cut_is_one(serve: Serve) -> None:
    asked = EventsThenResult(
        Agent(claude(serve(recorded("anthropic/pydanticai-text-server-tool.1.sse")))), "?"
    )
    run = await watch(asked)
    assert len(of_type(run, ev.TextEnd)) == 2
    assert run.text.replace("\n\n", "", 1) == asked.result.output
    assert [name for name, *_ in calls(run)] == ["web_search"]


@pytest.mark.parametrize(
    ("decision", "result"),
    [(True, ("London", "ok")), (ToolDenied("not today"), ("not today", "denied"))],
    ids=["yes", "no"],
)
async def test_a_call_that_needs_approval_pauses_and_goes_on(
    serve: Serve, decision: Any, result: tuple[str, str]
) -> None:
    tool = Tool(get_capital, requires_approval=True)
    agent = geographer(
        serve(recorded(CALL), recorded(ANSWER)), tool, output_type=[str, DeferredToolRequests]
    )
    asked = EventsThenResult(agent, "Capital of the UK?")
    run = await watch(asked)
    assert run.status == "paused"
    (request,) = of_type(run, ev.ApprovalRequest)
    assert (request.kind, request.tool_id, request.args) == (
        "tool",
        of_type(run, ev.ToolStart)[0].id,
        {"country": "UK"},
    )
    answers = DeferredToolResults(approvals={request.approval_id: decision})
    resumed = await watch(
        EventsThenResult(
            agent, message_history=asked.result.all_messages(), deferred_tool_results=answers
        )
    )
    assert (resumed.status, resumed.text) == ("completed", LONDON)
    assert calls(resumed) == [("get_capital", {"country": "UK"}, *result)]


def guarded(provider: Replay, tool: Tool) -> Any:
    """Return an agent whose calls may wait."""
    return geographer(provider, tool, output_type=[str, DeferredToolRequests])


def resuming(agent: Any) -> dict[str, Any]:
    """Return the option that goes on with the agent's run."""

    def resume(answers: Any) -> Any:
        messages = answers.last.result.all_messages()
        return agent.run_stream_events(
            message_history=messages, deferred_tool_results=answers.value
        )

    return {"resume": resume}


@pytest.mark.parametrize(
    ("answer", "args", "result"),
    [
        (True, {"country": "UK"}, ("London", "ok")),
        ("Look it up.", {"country": "UK"}, ("Look it up.", "denied")),
        ({"country": "France"}, {"country": "France"}, ("Paris", "ok")),
    ],
)
async def test_an_answer_goes_on_with_the_run(
    serve: Serve, answer: Any, args: Any, result: tuple[str, str]
) -> None:
    asked: list[str] = []

    def get_capital(country: str) -> str:
        asked.append(country)
        return {"UK": "London", "France": "Paris"}[country]

    provider = serve(recorded(CALL), recorded(ANSWER))
    agent = guarded(provider, Tool(get_capital, requires_approval=True))
    stream = agent.run_stream_events("Capital of the UK?")
    run = await watch_and_answer(stream, lambda question: answer, **resuming(agent))
    assert (run.status, run.text) == ("completed", LONDON)
    ((_, _, *returned),) = calls(run)
    assert tuple(returned) == result
    assert asked == ([] if isinstance(answer, str) else [args["country"]])
    assert provider.requests[1]["messages"][-1]["content"] == result[0]


async def test_the_result_of_a_call_is_given_by_the_reader(serve: Serve) -> None:
    def get_capital(country: str) -> str:
        raise CallDeferred

    agent = guarded(serve(recorded(CALL), recorded(ANSWER)), Tool(get_capital))
    stream = agent.run_stream_events("Capital of the UK?")
    run = await watch_and_answer(
        stream, lambda question: question.answer("London"), **resuming(agent)
    )
    assert (run.status, run.text, calls(run)) == ("completed", LONDON, [GET_CAPITAL])


async def test_a_tool_that_asks_to_be_tried_again_has_failed(serve: Serve) -> None:
    def unknown(country: str) -> str:
        raise ModelRetry(f"no map of {country}")

    run = await watch(
        EventsThenResult(
            geographer(serve(recorded(CALL), recorded(ANSWER)), Tool(unknown, name="get_capital")),
            "?",
        )
    )
    assert calls(run) == [("get_capital", {"country": "UK"}, "no map of UK", "error")]
    assert (run.status, run.text) == ("completed", LONDON)


async def test_a_provider_that_refuses_fails_the_run(serve: Serve) -> None:
    run = await watch(
        EventsThenResult(
            geographer(serve(recorded(CALL), refused(400, "too much"))), "Capital of the UK?"
        )
    )
    assert (run.status, calls(run)) == ("failed", [GET_CAPITAL])
    assert "too much" in str(run.error)


async def test_stop_closes_the_connection_to_the_provider(serve: Serve) -> None:
    provider = serve(recorded(CALL), held(ANSWER, b"capital"))
    run = await stop(geographer(provider).run_stream_events("Capital of the UK?"), provider)
    assert (run.status, calls(run)) == ("cancelled", [GET_CAPITAL])
    assert run.text
    assert LONDON.startswith(run.text)


async def test_requests_of_a_watched_client_are_steps_of_the_run(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    client = nbagent.watch(AsyncOpenAI(base_url=provider.url, api_key=KEY, max_retries=0))
    agent = Agent(
        OpenAIChatModel("m", provider=OpenAIProvider(openai_client=client)), tools=[get_capital]
    )
    run = await watch(agent.run_stream_events("Capital of the UK?"))
    assert requests_of(run, provider) == TWO_STEPS
    assert run.requests[1].new[1]["content"] == "London"


@pytest.mark.parametrize("tool", [own_capital, get_capital_async])
async def test_a_tool_of_nbagents_reports_its_call(serve: Serve, tool: Any) -> None:
    run = await watch(
        EventsThenResult(
            geographer(serve(recorded(CALL), recorded(ANSWER)), tool), "Capital of the UK?"
        )
    )
    assert (run.status, run.text, known(run)) == ("completed", LONDON, LIVE)
    assert capital_again(run) == "Paris"


async def test_a_parameter_that_the_framework_fills_in_is_not_shown_and_stays_when_others_change(
    serve: Serve,
) -> None:
    @nbagent.tool
    def get_capital(ctx: RunContext[str], country: str) -> str:
        """The capital of a country."""
        return f"{country} by {ctx.deps}"

    asked = EventsThenResult(
        geographer(serve(recorded(CALL), recorded(ANSWER)), get_capital, deps_type=str),
        "?",
        deps="map",
    )
    changed = {"country": "FR"}
    run = await nbagent.show(
        asked,
        face="console",
        stop_at="get_capital",
        answer=lambda question: question.allow(changed),
    )
    assert [(call.args, call.result) for call in run.tools] == [(changed, "FR by map")]


async def test_a_tool_of_nbagents_that_fails_has_its_exception(serve: Serve) -> None:
    run = await watch(
        EventsThenResult(geographer(serve(recorded(CALL)), failing), "Capital of the UK?")
    )
    assert [(call.state, str(call.exception)) for call in run.tools] == [
        ("output-error", "no map of UK")
    ]


async def test_a_tool_that_raises_has_its_error(serve: Serve) -> None:
    raising = Tool(no_capital, name="get_capital")
    run = await watch(
        EventsThenResult(geographer(serve(recorded(CALL)), raising), "Capital of the UK?")
    )
    assert [(call.state, call.error and call.error["message"]) for call in run.tools] == [
        ("output-error", "no map of UK")
    ]


@pytest.mark.parametrize("tool", [own_capital, get_capital_async])
async def test_a_tool_of_nbagents_stops_at_a_breakpoint(serve: Serve, tool: Any) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    asked = EventsThenResult(geographer(provider, tool), "Capital of the UK?")
    run = await watch_and_answer(asked, skip, stop_at="get_capital")
    assert (run.status, calls(run)) == (
        "completed",
        [("get_capital", {"country": "UK"}, "Paris", "ok")],
    )
    assert provider.requests[-1]["messages"][-1]["content"] == "Paris"


# --- forks that go on in the framework ---


async def test_a_fork_goes_on_in_pydantic_ai_with_what_the_model_was_told(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER), recorded(ANSWER), recorded(ANSWER))
    agent = geographer(provider, own_capital)
    run = await watch(agent.run_stream_events("Capital of the UK?"))

    def resume(messages: list[Any]) -> Any:
        return agent.run_stream_events(message_history=messages)

    again = await run.fork(at=2, resume=resume, face="console")
    other = await run.fork(at=0, result="Paris", resume=resume, face="console")
    assert (again.text, again.status) == (LONDON, "completed")
    assert [call.result for call in (*again.tools, *other.tools)] == ["London", "Paris"]
    second, repeated, changed = provider.requests[1:]
    assert repeated == second
    second["messages"][-1]["content"] = "Paris"
    assert changed == second


@nbagent.tool(name="get_capital")
def retrying(country: str) -> str:
    """The capital of a country.

    Args:
        country: its name
    """
    raise ModelRetry(f"no map of {country}")


@pytest.mark.parametrize("used", [*RESULTS[:3], retrying, retrying.function])
async def test_a_fork_says_what_the_model_was_told(serve: Serve, used: Any) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER), recorded(ANSWER))
    run = await watch(geographer(provider, used).run_stream_events("Capital of the UK?"))
    assert told(await fork(run, provider)) == told(provider.requests[1])


async def test_a_fork_says_what_stood_beside_a_call(serve: Serve) -> None:
    spoken = spoken_tool_reply("Let me look.", "get_capital", country="UK")
    provider = serve(spoken, *[recorded(ANSWER)] * 3)
    run = await watch(geographer(provider, own_capital).run_stream_events("Capital of the UK?"))
    assert told(await fork(run, provider)) == told(provider.requests[1])

    def resume(messages: list[Any]) -> Any:
        return geographer(provider, own_capital).run_stream_events(message_history=messages)

    await run.fork(at=2, resume=resume, face="console")
    assert provider.requests[3] == provider.requests[1]

"""The OpenAI Agents SDK, run against recorded models."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import agents
import pytest
from agents import (
    Agent,
    HostedMCPTool,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
)
from frameworks.own_tools import LIVE, capital_again, failing, get_capital_async, known, skip
from frameworks.own_tools import get_capital as own_capital
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
    snapshots,
    spoken_tool_reply,
    tool_reply,
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

import nbagent
from nbagent import events as ev
from nbagent.errors import AnswerError
from nbagent.events.question import Question
from nbagent.run import Run

agents.set_tracing_disabled(True)


def client(provider: Replay) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=provider.url, api_key=KEY, max_retries=0)


def geographer(provider: Replay, *, approved: bool = True, **options: object) -> Agent:
    """Return an agent that speaks Chat Completions and knows a capital."""
    tool = function_tool(get_capital, needs_approval=not approved)
    return Agent(
        name="Geographer",
        model=OpenAIChatCompletionsModel("m", client(provider)),
        tools=[tool],
        **options,
    )


def decided(run: Run) -> list[ev.ApprovalResponse]:
    return of_type(run, ev.ApprovalResponse)


async def events_of(result: Any) -> AsyncIterator[Any]:
    """The events and then the run, without the way back that the run itself has."""
    async for event in result.stream_events():
        yield event


def get_capital(country: str) -> str:
    """The capital of a country."""
    return {"UK": "London"}[country]


async def test_a_tool_loop_is_what_the_result_says(serve: Serve) -> None:
    result = Runner.run_streamed(
        geographer(serve(recorded(CALL), recorded(ANSWER))), "Capital of the UK?"
    )
    run = await watch(result)
    assert (run.status, run.text, run.text) == ("completed", LONDON, result.final_output)
    assert calls(run) == [GET_CAPITAL]
    usage = result.context_wrapper.usage
    assert (run.usage.input, run.usage.output, run.usage.total) == (
        usage.input_tokens,
        usage.output_tokens,
        usage.total_tokens,
    )
    assert {event.agent for event in of_type(run, ev.StepStart)} == {"Geographer"}


async def test_thoughts_are_the_models_own_summary(serve: Serve) -> None:
    recording = "openai_responses/pydanticai-reasoning-summary.0.sse"
    model = OpenAIResponsesModel("m", client(serve(recorded(recording))))
    result = Runner.run_streamed(Agent(name="Thinker", model=model), "How do I cross a street?")
    run = await watch(result)
    thought, message = snapshots(recording)[-1]["output"]
    assert run.thinking == "\n\n".join(part["text"] for part in thought["summary"])
    assert run.text == message["content"][0]["text"] == result.final_output
    assert run.status == "completed"


async def test_a_hand_off_names_who_takes_over(serve: Serve) -> None:
    folder = "openai_agents_wire/openllmetry-music-handoff"
    model = OpenAIResponsesModel(
        "m", client(serve(*(recorded(f"{folder}.{turn}.sse") for turn in (1, 2, 4))))
    )

    def compose_music(style: str, key: str) -> str:
        return f"a {style} in {key}"

    composer = Agent(name="Symphony Composer", model=model, tools=[function_tool(compose_music)])
    result = Runner.run_streamed(
        Agent(name="Musician", model=model, handoffs=[composer]), "A symphony, please"
    )
    run = await watch(result)
    assert [(event.from_, event.to, event.tool_id) for event in of_type(run, ev.AgentHandoff)] == [
        ("Musician", "Symphony Composer", "tool-1")
    ]
    assert [event.agent for event in of_type(run, ev.StepStart)] == [
        "Musician",
        "Symphony Composer",
        "Symphony Composer",
    ]
    assert calls(run)[1:] == [
        ("compose_music", {"style": "symphony", "key": "D major"}, "a symphony in D major", "ok")
    ]
    assert (run.status, run.text) == ("completed", result.final_output)


@pytest.mark.parametrize(
    ("approved", "returned"), [(True, "London"), (False, "Tool execution was not approved.")]
)
async def test_a_call_that_needs_approval_pauses_and_goes_on(
    serve: Serve, approved: bool, returned: str
) -> None:
    agent = geographer(serve(recorded(CALL), recorded(ANSWER)), approved=False)
    paused = Runner.run_streamed(agent, "Capital of the UK?")
    run = await watch(events_of(paused))
    assert run.status == "paused"
    assert [(event.tool_id, event.args) for event in of_type(run, ev.ApprovalRequest)] == [
        ("tool-1", {"country": "UK"})
    ]
    state = paused.to_state()
    for asked in paused.interruptions:
        state.approve(asked) if approved else state.reject(asked)
    resumed = await watch(Runner.run_streamed(agent, state))
    assert (resumed.status, resumed.text) == ("completed", LONDON)
    # what was called, the events of a resumed run do not say
    assert calls(resumed) == [("tool", None, returned, "ok")]


def allow(question: Question) -> None:
    question.allow()


async def test_an_answer_goes_on_with_the_run(serve: Serve) -> None:
    result = Runner.run_streamed(
        geographer(serve(recorded(CALL), recorded(ANSWER)), approved=False), "Capital of the UK?"
    )
    run = await watch_and_answer(result, allow)
    assert (run.status, run.text, run.answer) == ("completed", LONDON, LONDON)
    assert calls(run) == [GET_CAPITAL]
    assert [event.decision for event in decided(run)] == ["approve"]


async def test_an_answer_goes_on_with_a_run_that_was_not_streamed(serve: Serve) -> None:
    provider = serve(completion(CALL), recorded(ANSWER))
    run = await watch_and_answer(
        Runner.run(geographer(provider, approved=False), "Capital of the UK?"), allow
    )
    assert (run.status, run.text, calls(run)) == ("completed", LONDON, [GET_CAPITAL])


async def test_a_denial_gives_its_reason_to_the_model(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    run = await watch_and_answer(
        Runner.run_streamed(geographer(provider, approved=False), "Capital of the UK?"),
        lambda question: question.deny("Look it up yourself."),
    )
    assert (run.status, run.text) == ("completed", LONDON)
    assert calls(run) == [("get_capital", {"country": "UK"}, "Look it up yourself.", "denied")]
    assert provider.requests[1]["messages"][-1]["content"] == "Look it up yourself."


@pytest.mark.parametrize(("always", "questions"), [(True, 1), (False, 2)])
async def test_a_tool_may_be_allowed_for_the_rest_of_the_run(
    serve: Serve, always: bool, questions: int
) -> None:
    again = tool_reply("get_capital", country="UK")
    agent = geographer(serve(recorded(CALL), again, recorded(ANSWER)), approved=False)
    asked: list[Question] = []

    def allow(question: Question) -> None:
        asked.append(question)
        assert question.can_remember
        question.allow(always=always)

    run = await watch_and_answer(Runner.run_streamed(agent, "Capital of the UK?"), allow)
    assert (run.status, run.text, calls(run)) == ("completed", LONDON, [GET_CAPITAL, GET_CAPITAL])
    assert len(asked) == questions


async def test_arguments_cannot_be_changed(serve: Serve) -> None:
    agent = geographer(serve(recorded(CALL), recorded(ANSWER)), approved=False)

    def change(question: Question) -> None:
        assert question.schema is None
        with pytest.raises(AnswerError, match="no changed arguments"):
            question.allow({"country": "France"})
        question.allow()

    assert (
        await watch_and_answer(Runner.run_streamed(agent, "Capital of the UK?"), change)
    ).status == "completed"


async def test_a_function_of_the_users_may_go_on_with_the_state(serve: Serve) -> None:
    agent = geographer(serve(recorded(CALL), recorded(ANSWER)), approved=False)
    result = Runner.run_streamed(agent, "Capital of the UK?")
    run = await watch_and_answer(
        result, allow, resume=lambda answers: Runner.run_streamed(agent, answers.value, max_turns=3)
    )
    assert (run.status, run.text, calls(run)) == ("completed", LONDON, [GET_CAPITAL])


async def test_stop_ends_a_run_that_waits_for_an_answer(serve: Serve) -> None:
    provider = serve(recorded(CALL))
    run = nbagent.show(
        Runner.run_streamed(geographer(provider, approved=False), "Capital of the UK?"),
        face="console",
    )
    async for _ in run.stream(types="approval.request"):
        assert len(run.waiting) == 1
        run.cancel()
    assert (await run).status == "cancelled"


async def test_a_hosted_tool_that_needs_approval_pauses(serve: Serve) -> None:
    model = OpenAIResponsesModel(
        "m", client(serve(recorded("openai_responses/vercel-openai-mcp-tool-approval.1.sse")))
    )
    tool = HostedMCPTool(
        {"type": "mcp", "server_label": "zip1", "server_url": "https://example.org"}
    )
    result = Runner.run_streamed(
        Agent(name="Shortener", model=model, tools=[tool]), "Shorten this link"
    )
    run = await watch(result.stream_events())
    assert run.status == "paused"
    assert len(of_type(run, ev.ApprovalRequest)) == len(result.interruptions) == 1


async def test_an_answer_goes_on_with_a_hosted_tool(serve: Serve) -> None:
    recordings = [
        recorded(f"openai_responses/vercel-openai-mcp-tool-approval.{turn}.sse") for turn in (1, 2)
    ]
    provider = serve(*recordings)
    model = OpenAIResponsesModel("m", client(provider))
    tool = HostedMCPTool(
        {"type": "mcp", "server_label": "zip1", "server_url": "https://example.org"}
    )
    run = await watch_and_answer(
        Runner.run_streamed(
            Agent(name="Shortener", model=model, tools=[tool]), "Shorten this link"
        ),
        allow,
    )
    assert run.status == "completed"
    assert [(event.approval_id, event.decision) for event in decided(run)] == [
        (event.approval_id, "approve") for event in of_type(run, ev.ApprovalRequest)
    ]
    (answer,) = [
        item
        for item in provider.requests[1]["input"]
        if item.get("type") == "mcp_approval_response"
    ]
    assert answer["approve"] is True


async def test_a_tools_result_that_is_the_answer_completes_the_run(serve: Serve) -> None:
    agent = geographer(serve(recorded(CALL)), tool_use_behavior="stop_on_first_tool")
    result = Runner.run_streamed(agent, "Capital of the UK?")
    run = await watch(result)
    assert (run.status, result.final_output, calls(run)) == ("completed", "London", [GET_CAPITAL])


async def test_a_run_out_of_turns_says_so(serve: Serve) -> None:
    result = Runner.run_streamed(
        geographer(serve(recorded(CALL))), "Capital of the UK?", max_turns=1
    )
    run = await watch(result)
    assert (run.status, calls(run)) == ("max_steps", [GET_CAPITAL])
    assert isinstance(run.error, agents.MaxTurnsExceeded)


async def test_a_provider_that_refuses_fails_the_run(serve: Serve) -> None:
    result = Runner.run_streamed(
        geographer(serve(recorded(CALL), refused(400, "too much"))), "Capital of the UK?"
    )
    run = await watch(result)
    assert (run.status, calls(run)) == ("failed", [GET_CAPITAL])
    assert "too much" in str(run.error)


async def test_stop_closes_the_connection_to_the_provider(serve: Serve) -> None:
    provider = serve(recorded(CALL), held(ANSWER, b"capital"))
    run = await stop(Runner.run_streamed(geographer(provider), "Capital of the UK?"), provider)
    assert (run.status, calls(run)) == ("cancelled", [GET_CAPITAL])
    assert run.text
    assert LONDON.startswith(run.text)


async def test_a_run_that_its_owner_cancelled_is_no_success(serve: Serve) -> None:
    result = Runner.run_streamed(
        geographer(serve(recorded(CALL), held(ANSWER, b"capital"))), "Capital of the UK?"
    )
    run = nbagent.show(result, face="console")
    async for _ in run.stream(types="text.delta"):
        result.cancel()
    assert (await run).status == "incomplete"
    assert calls(run) == [GET_CAPITAL]


async def test_a_run_that_its_owner_cancelled_while_a_tool_worked_does_not_wait_for_a_human(
    serve: Serve,
) -> None:
    async def get_capital(country: str) -> str:
        await asyncio.Event().wait()
        return country

    model = OpenAIChatCompletionsModel("m", client(serve(recorded(CALL))))
    result = Runner.run_streamed(
        Agent(name="Geographer", model=model, tools=[function_tool(get_capital)]), "?"
    )
    run = nbagent.show(result, face="console")
    async for _ in run.stream(types="step.end"):
        result.cancel()
    assert ((await run).status, of_type(run, ev.ApprovalRequest)) == ("incomplete", [])


async def test_a_chat_model_that_thinks_is_shown_once(serve: Serve) -> None:
    thinker = recorded("deepseek/pydanticai-thinking.0.sse")
    result = Runner.run_streamed(geographer(serve(recorded(CALL), thinker)), "Capital of the UK?")
    run = await watch(result)
    assert (run.status, run.text, calls(run)) == ("completed", result.final_output, [GET_CAPITAL])
    assert run.thinking


async def test_a_run_that_was_not_streamed_is_shown_with_its_objects(serve: Serve) -> None:
    table = object()

    def get_capital(country: str) -> object:
        return table

    provider = serve(completion(CALL), completion(ANSWER))
    agent = Agent(
        name="Geographer",
        model=OpenAIChatCompletionsModel("m", client(provider)),
        tools=[function_tool(get_capital)],
    )
    run = await watch(Runner.run(agent, "Capital of the UK?"))
    assert (run.status, run.text) == ("completed", LONDON)
    assert run.tools[0].result is table
    assert run.usage.total


async def test_requests_of_a_watched_client_are_steps_of_the_run(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    model = OpenAIChatCompletionsModel("m", nbagent.watch(client(provider)))
    agent = Agent(name="Geographer", model=model, tools=[function_tool(get_capital)])
    run = await watch(Runner.run_streamed(agent, "Capital of the UK?"))
    assert requests_of(run, provider) == TWO_STEPS
    assert run.requests[1].new[1]["content"] == "London"


def own(provider: Replay, tool: Any) -> Agent:
    return Agent(
        name="Geographer",
        model=OpenAIChatCompletionsModel("m", client(provider)),
        tools=[function_tool(tool)],
    )


@pytest.mark.parametrize("tool", [own_capital, get_capital_async])
async def test_a_tool_of_nbagents_reports_its_call(serve: Serve, tool: Any) -> None:
    run = await watch(
        Runner.run_streamed(
            own(serve(recorded(CALL), recorded(ANSWER)), tool), "Capital of the UK?"
        )
    )
    assert (run.status, run.text, known(run)) == ("completed", LONDON, LIVE)
    assert capital_again(run) == "Paris"


async def test_a_tool_of_nbagents_that_fails_has_its_exception(serve: Serve) -> None:
    run = await watch(
        Runner.run_streamed(
            own(serve(recorded(CALL), recorded(ANSWER)), failing), "Capital of the UK?"
        )
    )
    assert [(call.state, str(call.exception)) for call in run.tools] == [
        ("output-error", "no map of UK")
    ]


@pytest.mark.parametrize("tool", [own_capital, get_capital_async])
async def test_a_tool_of_nbagents_stops_at_a_breakpoint(serve: Serve, tool: Any) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    run = await watch_and_answer(
        Runner.run_streamed(own(provider, tool), "Capital of the UK?"), skip, stop_at="get_capital"
    )
    assert (run.status, calls(run)) == (
        "completed",
        [("get_capital", {"country": "UK"}, "Paris", "ok")],
    )
    assert provider.requests[-1]["messages"][-1]["content"] == "Paris"


# --- forks that go on in the framework ---


async def test_a_fork_goes_on_in_the_sdk_with_what_the_model_was_told(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER), recorded(ANSWER), recorded(ANSWER))
    agent = own(provider, own_capital)
    run = await watch(Runner.run_streamed(agent, "Capital of the UK?"))

    def resume(messages: list[Any]) -> Any:
        return Runner.run_streamed(agent, messages)

    again = await run.fork(at=2, resume=resume, face="console")
    other = await run.fork(at=0, result="Paris", resume=resume, face="console")
    assert (again.text, again.status) == (LONDON, "completed")
    assert [call.result for call in (*again.tools, *other.tools)] == ["London", "Paris"]
    second, repeated, changed = provider.requests[1:]
    assert repeated == second
    second["messages"][-1]["content"] = "Paris"
    assert changed == second


@pytest.mark.parametrize("used", RESULTS)
async def test_a_fork_says_what_the_model_was_told(serve: Serve, used: Any) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER), recorded(ANSWER))
    run = await watch(Runner.run_streamed(own(provider, used), "Capital of the UK?"))
    assert told(await fork(run, provider)) == told(provider.requests[1])


async def test_a_fork_says_what_stood_beside_a_call(serve: Serve) -> None:
    spoken = spoken_tool_reply("Let me look.", "get_capital", country="UK")
    provider = serve(spoken, *[recorded(ANSWER)] * 3)
    run = await watch(Runner.run_streamed(own(provider, own_capital), "Capital of the UK?"))
    assert told(await fork(run, provider)) == told(provider.requests[1])

    def resume(messages: list[Any]) -> Any:
        return Runner.run_streamed(own(provider, own_capital), messages)

    await run.fork(at=2, resume=resume, face="console")
    assert provider.requests[3] == provider.requests[1]

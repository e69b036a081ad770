"""AG-UI: an agent of Pydantic AI that speaks it, run against recorded models, and the models and
encoder of AG-UI itself.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import uvicorn
from ag_ui import core
from ag_ui.encoder import EventEncoder
from frameworks.replay import ANSWER, CALL, KEY, LONDON, Replay, Serve, held, recorded, refused
from frameworks.watching import GET_CAPITAL, calls, of_type, stop, watch, watch_and_answer
from openai import AsyncOpenAI
from pydantic_ai import Agent, DeferredToolRequests, Tool
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.ui.ag_ui import AGUIAdapter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from nbagent import events as ev
from nbagent.adapters.ag_ui.decoder import AguiDecoder


def get_capital(country: str) -> str:
    """The capital of a country."""
    return {"UK": "London"}[country]


def geographer(provider: Replay, *tools: Any) -> Any:
    client = AsyncOpenAI(base_url=provider.url, api_key=KEY, max_retries=0)
    model = OpenAIChatModel("m", provider=OpenAIProvider(openai_client=client))
    return Agent(model, tools=tools, output_type=[str, DeferredToolRequests])


def ask(agent: Any, *tools: Any) -> Any:
    """The events of a run, as objects."""
    question = core.UserMessage(id="1", content="Capital of the UK?")
    given = {"state": {}, "tools": list(tools), "context": [], "forwarded_props": {}}
    run_input = core.RunAgentInput(thread_id="thread", run_id="run", messages=[question], **given)
    return AGUIAdapter(agent=agent, run_input=run_input, include_usage=True).run_stream()


def frames(events: list[Any]) -> list[Any]:
    """Return the same as they are on the wire."""
    return [json.loads(EventEncoder().encode(event).removeprefix("data: ")) for event in events]


async def test_a_tool_loop_is_told_with_its_usage(serve: Serve) -> None:
    run = await watch(ask(geographer(serve(recorded(CALL), recorded(ANSWER)), get_capital)))
    assert (run.status, run.text, calls(run)) == ("completed", LONDON, [GET_CAPITAL])
    assert (run.usage.input, run.usage.output) == (53 + 78, 15 + 9)


async def test_what_the_encoder_sends_means_what_the_objects_mean(serve: Serve) -> None:
    events = [
        event
        async for event in ask(geographer(serve(recorded(CALL), recorded(ANSWER)), get_capital))
    ]
    objects, wire = await watch(events), await watch(frames(events))
    assert (wire.status, wire.text, calls(wire), wire.usage) == (
        objects.status,
        objects.text,
        calls(objects),
        objects.usage,
    )
    assert (wire.text, calls(wire)) == (LONDON, [GET_CAPITAL])


async def test_thoughts_are_the_models(serve: Serve) -> None:
    provider = AnthropicProvider(
        api_key=KEY, base_url=serve(recorded("anthropic/pydanticai-thinking.0.sse")).url
    )
    run = await watch(ask(Agent(AnthropicModel("claude-opus-4-8", provider=provider))))
    assert run.thinking.startswith("This is a straightforward question")
    assert of_type(run, ev.ReasoningEnd)[0].encrypted
    assert run.status == "completed"


async def test_a_call_that_needs_approval_pauses(serve: Serve) -> None:
    run = await watch(
        ask(geographer(serve(recorded(CALL)), Tool(get_capital, requires_approval=True)))
    )
    (asked,) = of_type(run, ev.ApprovalRequest)
    assert (run.status, asked.kind, asked.tool_id) == (
        "paused",
        "tool",
        of_type(run, ev.ToolStart)[0].id,
    )
    assert asked.schema


@contextlib.asynccontextmanager
async def served(agent: Any) -> AsyncIterator[str]:
    """Yield the address of a server that speaks AG-UI for an agent."""

    async def endpoint(request: Request) -> Any:
        return await AGUIAdapter.dispatch_request(request, agent=agent)

    app = Starlette(routes=[Route("/", endpoint, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/"
    server.should_exit = True
    await serving


@pytest.mark.parametrize(
    ("answer", "asked", "result"),
    [
        (True, ["UK"], ("London", "ok")),
        ({"country": "France"}, ["France"], ("Paris", "ok")),
        ("Look it up.", [], ("Look it up.", "denied")),
    ],
)
async def test_an_answer_goes_on_with_the_run_of_a_server(
    serve: Serve, answer: Any, asked: Any, result: Any
) -> None:
    looked_up: list[str] = []

    def get_capital(country: str) -> str:
        looked_up.append(country)
        return {"UK": "London", "France": "Paris"}[country]

    provider = serve(recorded(CALL), recorded(ANSWER))
    question = {"id": "1", "role": "user", "content": "Capital of the UK?"}
    body = {
        "threadId": "t",
        "runId": "r",
        "messages": [question],
        "tools": [],
        "context": [],
        "state": {},
        "forwardedProps": {},
    }
    async with served(geographer(provider, Tool(get_capital, requires_approval=True))) as url:
        run = await watch_and_answer(url, lambda question: answer, json=body)
    assert (run.status, run.text, looked_up) == ("completed", LONDON, asked)
    assert calls(run) == [("get_capital", {"country": "UK"}, *result)]
    assert [message["role"] for message in provider.requests[1]["messages"]] == [
        "user",
        "assistant",
        "tool",
    ]


async def test_a_tool_of_the_front_end_is_left_to_it(serve: Serve) -> None:
    schema = {"type": "object", "properties": {"country": {"type": "string"}}}
    tool = core.Tool(name="get_capital", description="The capital of a country.", parameters=schema)
    run = await watch(ask(geographer(serve(recorded(CALL))), tool))
    assert (run.status, calls(run)) == ("completed", [("get_capital", {"country": "UK"}, None, "")])


async def test_a_provider_that_refuses_fails_the_run(serve: Serve) -> None:
    run = await watch(ask(geographer(serve(recorded(CALL), refused(400, "too much")), get_capital)))
    assert (run.status, calls(run)) == ("failed", [GET_CAPITAL])
    assert "too much" in str(run.error)


async def test_stop_closes_the_connection_to_the_provider(serve: Serve) -> None:
    provider = serve(recorded(CALL), held(ANSWER, b"capital"))
    run = await stop(ask(geographer(provider, get_capital)), provider)
    assert (run.status, calls(run)) == ("cancelled", [GET_CAPITAL])
    assert run.text


EVERYTHING = [
    core.RunStartedEvent(thread_id="t", run_id="r"),
    core.StepStartedEvent(step_name="look"),
    core.ReasoningStartEvent(message_id="a"),
    core.ReasoningMessageStartEvent(message_id="a", role="reasoning"),
    core.ReasoningMessageContentEvent(message_id="a", delta="Hm."),
    core.ReasoningMessageEndEvent(message_id="a"),
    core.ReasoningEncryptedValueEvent(subtype="message", entity_id="a", encrypted_value="xyz"),
    core.ReasoningEndEvent(message_id="a"),
    core.TextMessageChunkEvent(message_id="b", role="assistant", delta="See"),
    core.TextMessageChunkEvent(delta=" here."),
    core.ToolCallChunkEvent(tool_call_id="c", tool_call_name="f", delta='{"x":'),
    core.ToolCallChunkEvent(delta="1}"),
    core.ToolCallResultEvent(message_id="d", tool_call_id="c", content="2"),
    core.StateSnapshotEvent(snapshot={"n": 1}),
    core.StateDeltaEvent(delta=[{"op": "replace", "path": "/n", "value": 2}]),
    core.ActivitySnapshotEvent(message_id="e", activity_type="PLAN", content={"steps": 2}),
    core.ActivityDeltaEvent(
        message_id="e",
        activity_type="PLAN",
        patch=[{"op": "replace", "path": "/steps", "value": 1}],
    ),
    core.CustomEvent(name="note", value={"k": "v"}),
    core.StepFinishedEvent(step_name="look"),
    core.RunFinishedEvent(thread_id="t", run_id="r", result={"rows": 3}),
]


@pytest.mark.parametrize("given", [list, frames], ids=["objects", "frames"])
async def test_every_kind_of_event_is_shown_as_what_it_is(given: Callable[[Any], Any]) -> None:
    run = await watch(given(EVERYTHING))
    assert (run.status, run.thinking, run.text) == ("completed", "Hm.", "See here.")
    assert calls(run) == [("f", {"x": 1}, "2", "ok")]
    assert of_type(run, ev.ReasoningEnd)[0].encrypted == "xyz"
    assert [(event.snapshot, event.patch) for event in of_type(run, ev.State)] == [
        ({"n": 1}, None),
        (None, [{"op": "replace", "path": "/n", "value": 2}]),
    ]
    assert [(event.name, event.data) for event in of_type(run, ev.Custom)] == [
        ("PLAN", {"steps": 2}),
        ("PLAN", [{"op": "replace", "path": "/steps", "value": 1}]),
        ("note", {"k": "v"}),
        ("result", {"rows": 3}),
    ]


async def test_a_sub_agent_has_its_words_apart() -> None:
    outcome = core.SubagentFinishedSuspendedOutcome()
    run = await watch(
        [
            core.RunStartedEvent(thread_id="t", run_id="r"),
            core.SubagentStartedEvent(subagent_run_id="s", name="Scout"),
            core.TextMessageChunkEvent(
                message_id="a", role="assistant", delta="Inside.", subagent_run_id="s"
            ),
            core.SubagentFinishedEvent(subagent_run_id="s", outcome=outcome),
            core.RunFinishedEvent(thread_id="t", run_id="r"),
        ]
    )
    (begun,), (ended,) = of_type(run, ev.AgentStart), of_type(run, ev.AgentEnd)
    assert (begun.name, ended.id, ended.status) == ("Scout", begun.id, "paused")
    assert [event.parent_id for event in of_type(run, ev.TextStart)] == [begun.id]


def test_every_type_that_the_package_knows_is_recognised() -> None:
    known = [kind.value for kind in core.EventType]
    assert [
        kind
        for kind in known
        if not AguiDecoder.recognises({"type": kind, "name": "n", "event": {}})
    ] == []

"""Anthropic's SDK: every recording, through each of its streams, compared with the message that the
SDK accumulates.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import pytest
from adapters.recorded import Transcript
from frameworks.replay import KEY, RECORDINGS, Replay, Serve, held, recorded, refused
from frameworks.replay import Answer as Reply
from frameworks.watching import TWO_STEPS, calls, of_type, requests_of, stop, watch

import nbagent
from nbagent import events as ev

ASK: dict[str, Any] = {
    "model": "m",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "?"}],
}
MANY = {"vercel-anthropic-programmatic-tool-calling.1.sse", "vercel-spliced-message-start.sse"}
"""Recordings of several messages, of which the SDK knows the last."""
ENDS = {
    "end_turn": ("completed", None),
    "tool_use": ("completed", None),
    "max_tokens": ("incomplete", "max_tokens"),
    "refusal": ("incomplete", "refusal"),
}
every_message = pytest.mark.parametrize(
    "name",
    sorted(path.name for path in RECORDINGS.glob("anthropic/*.sse") if path.name not in MANY),
)


def client(provider: Replay) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=provider.url, api_key=KEY, max_retries=0)


class Answer:
    """The events of a message, and in the end the message."""

    def __init__(self, manager: Any) -> None:
        self.message: Any = None
        self._manager = manager

    async def __aiter__(self) -> AsyncIterator[Any]:
        async with self._manager as stream:
            async for event in stream:
                yield event
            self.message = await stream.get_final_message()


@every_message
async def test_a_stream_says_what_the_final_message_says(serve: Serve, name: str) -> None:
    answer = Answer(client(serve(recorded(f"anthropic/{name}"))).messages.stream(**ASK))
    run = await watch(answer)
    shown, message = Transcript.of(run.events), answer.message
    blocks: dict[str, list[Any]] = {}
    for block in message.content:
        blocks.setdefault(block.type, []).append(block)
    assert "".join(shown.texts) == "".join(block.text for block in blocks.get("text", ()))
    assert run.thinking == "\n\n".join(block.thinking for block in blocks.get("thinking", ()))
    used = [block for kind, found in blocks.items() if kind.endswith("tool_use") for block in found]
    assert sorted(tool["call_id"] for tool in shown.tools) == sorted(block.id for block in used)
    assert {tool["call_id"]: tool["args"] for tool in shown.tools if tool["valid"]} == {
        block.id: block.input for block in used if message.stop_reason != "max_tokens"
    }
    assert len(of_type(run, ev.ToolResult)) == len(
        [kind for kind in blocks if kind.endswith("tool_result")]
    )
    assert run.usage.output == message.usage.output_tokens
    end = run.events[-1]
    assert isinstance(end, ev.RunEnd)
    assert (end.status, end.code) == ENDS[message.stop_reason]


@pytest.mark.parametrize("name", sorted(path.name for path in RECORDINGS.glob("anthropic/*.sse")))
async def test_every_way_to_stream_is_told_alike(serve: Serve, name: str) -> None:
    provider = serve(*[recorded(f"anthropic/{name}")] * 3)
    with anthropic.Anthropic(base_url=provider.url, api_key=KEY, max_retries=0) as sync:
        runs = [
            await watch(client(provider).messages.create(stream=True, **ASK)),
            await watch(client(provider).messages.stream(**ASK)),
            await watch(sync.messages.create(stream=True, **ASK)),
        ]
    results = [(run.text, run.thinking, calls(run), run.usage, run.status) for run in runs]
    assert results[0] == results[1] == results[2]


def get_weather(location: str, units: str = "c") -> str:
    """The weather of a place."""
    return f"sunny in {location}"


async def get_weather_async(location: str, units: str = "c") -> str:
    """The weather of a place."""
    return f"sunny in {location}"


get_weather_async.__name__ = "get_weather"


def async_runner(provider: Replay, own: bool, **options: Any) -> Any:
    tool = nbagent.tool(get_weather_async) if own else get_weather_async
    return client(provider).beta.messages.tool_runner(
        tools=[anthropic.beta_async_tool(tool)], **ASK, **options
    )


def sync_runner(provider: Replay, own: bool, **options: Any) -> Any:
    tool = nbagent.tool(get_weather) if own else get_weather
    sync = anthropic.Anthropic(base_url=provider.url, api_key=KEY, max_retries=0)
    return sync.beta.messages.tool_runner(tools=[anthropic.beta_tool(tool)], **ASK, **options)


def message(stop_reason: str, **block: Any) -> Reply:
    """Return an unrecorded answer of one block."""
    usage = {"input_tokens": 1, "output_tokens": 1}
    head = {"id": "m", "type": "message", "role": "assistant", "model": "m", "usage": usage}
    body = {**head, "content": [block], "stop_reason": stop_reason, "stop_sequence": None}
    return Reply(json.dumps(body).encode(), media_type="application/json")


STREAMED = (
    recorded("anthropic/sdk-tool_use_response.sse"),
    recorded("anthropic/vercel-anthropic-text.sse"),
)
WHOLE = (
    message("tool_use", type="tool_use", id="t", name="get_weather", input={"location": "Paris"}),
    message("end_turn", type="text", text="Sunny."),
)


@pytest.mark.parametrize("own", [False, True], ids=["plain", "own"])
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("runner", [async_runner, sync_runner])
async def test_a_tool_runner_is_told_with_the_results_of_its_tools(
    serve: Serve, runner: Any, streamed: bool, own: bool
) -> None:
    provider = serve(*(STREAMED if streamed else WHOLE))
    options = {"stream": True} if streamed else {}
    run = await watch(runner(provider, own, **options))
    assert run.status == "completed"
    assert [(name, result, status) for name, _, result, status in calls(run)] == [
        ("get_weather", "sunny in Paris", "ok")
    ]
    assert len(provider.requests) == 2


async def test_stop_of_a_tool_runner_closes_the_connection_to_the_provider(serve: Serve) -> None:
    provider = serve(held("anthropic/pydanticai-thinking.0.sse", b"thinking_delta"))
    run = await stop(async_runner(provider, False, stream=True), provider)
    assert run.status == "cancelled"


async def test_a_provider_that_refuses_fails_the_run(serve: Serve) -> None:
    run = await watch(client(serve(refused(400, "too much"))).messages.create(stream=True, **ASK))
    assert run.status == "failed"
    assert "too much" in str(run.error)


async def test_stop_closes_the_connection_to_the_provider(serve: Serve) -> None:
    provider = serve(held("anthropic/pydanticai-thinking.0.sse", b"thinking_delta"))
    run = await stop(client(provider).messages.create(stream=True, **ASK), provider)
    assert (run.status, run.text) == ("cancelled", "")
    assert run.thinking


async def test_requests_of_a_watched_client_are_steps_of_the_run(serve: Serve) -> None:
    name = next(
        path.name for path in sorted(RECORDINGS.glob("anthropic/*.sse")) if path.name not in MANY
    )
    provider = serve(recorded(f"anthropic/{name}"), recorded(f"anthropic/{name}"))
    watched = nbagent.watch(client(provider))
    history = ASK["messages"]

    async def conversation() -> AsyncIterator[Any]:
        for messages in (history, [*history, {"role": "assistant", "content": "!"}, *history]):
            async with watched.messages.stream(**{**ASK, "messages": messages}) as stream:
                async for event in stream:
                    yield event

    run = await watch(conversation())
    assert requests_of(run, provider) == TWO_STEPS
    usage = run.requests[0].usage
    assert usage is not None
    assert usage.output

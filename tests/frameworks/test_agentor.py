"""Agentor, run against recorded models: its agent's stream, its server's responses, and the events
of its engine.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import uvicorn
from agentor import Agentor, function_tool
from frameworks.replay import (
    ANSWER,
    CALL,
    KEY,
    LONDON,
    REPLY_TIMEOUT_S,
    Answer,
    Replay,
    Serve,
    completion,
    held,
    payloads,
    recorded,
    refused,
)
from frameworks.watching import GET_CAPITAL, calls, cancel, hang_up_at_next_word, of_type, watch

import nbagent
from nbagent import events as ev

UNTOLD = ("get_capital", None, "London", "ok")
"""Call as `stream_chat` reports it: without its arguments."""


@function_tool
def get_capital(country: str) -> str:
    """The capital of a country."""
    return {"UK": "London"}[country]


@function_tool(name="get_capital")
def unknown(country: str) -> str:
    """The capital of a country."""
    raise LookupError(f"no map of {country}")


def geographer(provider: Replay, tool: Any = get_capital, **options: Any) -> Any:
    given = {"api_key": KEY, "base_url": provider.url, "tools": [tool], **options}
    return Agentor("Geographer", instructions="You know maps.", model="gpt-4o-mini", **given)


def outputs(agent: Any) -> Any:
    return agent.stream_chat("Capital of the UK?", serialize=False)


def texts(agent: Any) -> Any:
    return agent.stream_chat("Capital of the UK?")


def awaited(agent: Any) -> Any:
    return agent.chat("Capital of the UK?", stream=True)


def engine(agent: Any, **options: Any) -> Any:
    return agent._loop.astream("Capital of the UK?", **options)


every_chat = pytest.mark.parametrize("stream", [outputs, texts, awaited])


@every_chat
async def test_a_tool_loop_is_told_by_every_stream_of_the_agent(
    serve: Serve, stream: Callable[..., Any]
) -> None:
    run = await watch(stream(geographer(serve(completion(CALL), completion(ANSWER)))))
    assert (run.status, run.text, calls(run)) == ("completed", LONDON, [UNTOLD])


@every_chat
async def test_a_run_out_of_turns_says_so(serve: Serve, stream: Callable[..., Any]) -> None:
    run = await watch(stream(geographer(serve(completion(CALL), completion(CALL)), max_turns=2)))
    assert (run.status, calls(run)) == ("max_steps", [UNTOLD, UNTOLD])


@every_chat
async def test_a_provider_that_refuses_fails_the_run(
    serve: Serve, stream: Callable[..., Any]
) -> None:
    run = await watch(stream(geographer(serve(completion(CALL), refused(400, "too much")))))
    assert (run.status, calls(run)) == ("failed", [UNTOLD])
    assert "too much" in str(run.error)


async def test_the_engine_tells_arguments_and_usage_too(serve: Serve) -> None:
    run = await watch(engine(geographer(serve(completion(CALL), completion(ANSWER)))))
    assert (run.status, run.text, calls(run)) == ("completed", LONDON, [GET_CAPITAL])
    assert (run.usage.input, run.usage.output) == (53 + 78, 15 + 9)


async def test_the_engine_streams_its_models_text(serve: Serve) -> None:
    run = await watch(engine(geographer(serve(recorded(CALL), recorded(ANSWER))), stream_text=True))
    assert (run.status, run.text, calls(run)) == ("completed", LONDON, [GET_CAPITAL])
    assert len(of_type(run, ev.TextDelta)) == 8


async def test_thoughts_are_the_models(serve: Serve) -> None:
    recording = "deepseek/pydanticai-thinking.0.sse"
    run = await watch(engine(geographer(serve(completion(recording)))))
    deltas = [choice["delta"] for chunk in payloads(recording) for choice in chunk["choices"]]
    assert run.thinking == "".join(delta.get("reasoning_content") or "" for delta in deltas)
    assert run.text == "".join(delta.get("content") or "" for delta in deltas)


async def test_a_text_beside_a_call_is_not_lost(serve: Serve) -> None:
    talking = json.loads(completion(CALL).body)
    talking["choices"][0]["message"]["content"] = "I look it up."
    first = Answer(json.dumps(talking).encode(), media_type="application/json")
    run = await watch(engine(geographer(serve(first, completion(ANSWER)))))
    assert (run.text, calls(run)) == (f"I look it up.\n\n{LONDON}", [GET_CAPITAL])


async def test_a_tool_that_raises_has_failed(serve: Serve) -> None:
    run = await watch(engine(geographer(serve(completion(CALL), completion(ANSWER)), unknown)))
    assert [call[3] for call in calls(run)] == ["error"]
    assert (run.status, run.text) == ("completed", LONDON)


async def test_an_engine_that_fails_says_so_once(serve: Serve) -> None:
    run = await watch(engine(geographer(serve(completion(CALL), refused(400, "too much")))))
    (error,) = of_type(run, ev.Error)
    assert (run.status, error.error_type) == ("failed", "BadRequestError")
    assert "too much" in error.message


async def test_stop_closes_the_connection_at_the_models_next_word(serve: Serve) -> None:
    provider = serve(recorded(CALL), held(ANSWER, b"capital")._replace(drip=True))
    run = await cancel(engine(geographer(provider), stream_text=True))
    assert (run.status, calls(run)) == ("cancelled", [GET_CAPITAL])
    assert run.text
    await hang_up_at_next_word(provider)


@contextlib.asynccontextmanager
async def served(agent: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of the agent's own server."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(agent._create_app("127.0.0.1", port), log_level="error", lifespan="off")
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", timeout=REPLY_TIMEOUT_S
    ) as client:
        yield client
    server.should_exit = True
    await serving


async def test_the_servers_chat_is_read_from_its_bytes(serve: Serve) -> None:
    async with served(geographer(serve(completion(CALL), completion(ANSWER)))) as client:
        async with client.stream(
            "POST", "/chat", json={"input": "Capital of the UK?", "stream": True}
        ) as response:
            run = await watch(response.aiter_bytes())
    assert (run.status, run.text, calls(run)) == ("completed", LONDON, [UNTOLD])


async def test_the_servers_a2a_is_read_frame_by_frame(serve: Serve) -> None:
    message = {
        "messageId": "1",
        "role": "user",
        "parts": [{"kind": "text", "text": "Capital of the UK?"}],
    }
    request = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "message/stream",
        "params": {"message": message},
    }
    async with served(geographer(serve(completion(CALL), completion(ANSWER)))) as client:
        body = (await client.post("/", json=request)).text
    run = await watch(
        [json.loads(line.removeprefix("data: ")) for line in body.splitlines() if line]
    )
    assert run.status == "completed"
    assert run.text.endswith(LONDON)


def test_a_stream_is_shown_without_a_loop_too(serve: Serve) -> None:
    run = nbagent.show(
        outputs(geographer(serve(completion(CALL), completion(ANSWER)))), face="console"
    ).wait(REPLY_TIMEOUT_S)
    assert (run.status, run.text) == ("completed", LONDON)

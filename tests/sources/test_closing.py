"""A response that is no longer read leaves none of its client's generators suspended, for the
garbage collector to close.
"""

import asyncio
import gc
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest
from agent.server import Exchange, Server, responses, say

import nbagent
from nbagent.agent import Agent
from nbagent.errors import AgentError
from nbagent.runtime import loop
from nbagent.sources.closing import aclose

CLIENTS = {"openai", "httpx2", "httpcore2"}


def suspended() -> list[str]:
    """Return the names of the clients' async generators that have begun and have not ended."""
    generators = [found for found in gc.get_objects() if inspect.isasyncgen(found)]
    frames = [
        (found.__qualname__, found.ag_frame) for found in generators if found.ag_frame is not None
    ]
    return [
        name
        for name, frame in frames
        if CLIENTS & set(Path(frame.f_code.co_filename).parts) and frame.f_lasti >= 0
    ]


async def settle() -> None:
    """Wait until nbagent's loop has run the tasks that close, one after another, generators that
    were freed.
    """
    for _ in range(20):
        await asyncio.wrap_future(loop.submit(asyncio.sleep(0)))


def held(exchange: Exchange) -> None:
    """Begin an answer, and never end it."""
    exchange.begin()
    exchange.send(
        *say("responses" if exchange.path.endswith("/responses") else "chat", "a few words")[:-2]
    )
    exchange.hold()


def broken(exchange: Exchange) -> None:
    exchange.begin()
    exchange.send({"type": "error", "error": {"message": "Overloaded."}})
    exchange.hold()


def agent_of(server: Server) -> Agent:
    return Agent("test-1", client=server.client(), api="responses")


async def test_an_agents_run_that_an_error_event_ends() -> None:
    with Server(broken) as server, pytest.raises(AgentError, match="Overloaded") as failed:
        await agent_of(server).generate("Hi")
    await settle()

    # its traceback has the frames of the client
    assert isinstance(failed.value.__cause__, openai.APIError)
    assert suspended() == []


async def test_an_agents_run_whose_response_failed() -> None:
    error = {"code": "server_error", "message": "Something broke."}
    with (
        Server(responses(status="failed", error=error)) as server,
        pytest.raises(AgentError, match="Something broke"),
    ):
        await agent_of(server).generate("Hi")
    await settle()

    assert suspended() == []


WAYS: dict[str, Callable[[openai.AsyncOpenAI], Any]] = {
    "responses.create": lambda client: client.responses.create(model="m", input="Hi", stream=True),
    "responses.stream": lambda client: client.responses.stream(model="m", input="Hi"),
    "chat.completions.create": lambda client: client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "Hi"}], stream=True
    ),
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_clients_stream_that_is_closed_between_two_items(way: str) -> None:
    with Server(held) as server:
        client = server.client()
        stream = WAYS[way](client)
        stream = await (stream.__aenter__() if hasattr(stream, "__aenter__") else stream)
        await anext(stream)
        assert len(suspended()) >= 10

        await aclose(stream)

        assert suspended() == []
        await client.close()


async def test_a_clients_stream_whose_run_is_cancelled() -> None:
    with Server(held) as server:
        client = server.client()
        run = nbagent.run.Run(await client.responses.create(model="m", input="Hi", stream=True))
        run.start()
        events = run.stream()
        await anext(events)
        run.cancel()
        await run

        assert suspended() == []
        await client.close()


async def test_an_address_whose_run_is_cancelled() -> None:
    with Server(held) as server:
        run = nbagent.run.Run(
            nbagent.connect(f"{server.base_url}/chat/completions", json={"model": "m"})
        )
        run.start()
        await anext(run.stream())
        run.cancel()
        await run
        await settle()

        assert suspended() == []

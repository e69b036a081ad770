"""A2A: the SDK's own server and client, with an agent that forwards a recorded model's output."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import uvicorn
from a2a.client import ClientConfig, ClientFactory
from a2a.helpers.proto_helpers import (
    new_data_part,
    new_task_from_user_message,
    new_text_message,
    new_text_part,
)
from a2a.server.agent_execution import AgentExecutor
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes, create_rest_routes
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types import AgentCapabilities, AgentCard, AgentInterface, Role, SendMessageRequest
from frameworks.replay import (
    ANSWER,
    KEY,
    LONDON,
    REPLY_TIMEOUT_S,
    Replay,
    Serve,
    held,
    recorded,
    refused,
)
from frameworks.watching import calls, cancel, of_type, watch
from openai import AsyncOpenAI
from starlette.applications import Starlette

from nbagent import events as ev

WIRES = [("JSONRPC", "1.0"), ("HTTP+JSON", "1.0"), ("JSONRPC", "0.3")]
every_wire = pytest.mark.parametrize("wire", WIRES, ids=lambda wire: " ".join(wire))


class Geographer(AgentExecutor):
    """Agent that obeys the prompt: `answer` forwards a model's text, `say` is a message without a
    task, and so on.
    """

    def __init__(self, provider: Replay | None = None) -> None:
        self._client = (
            None
            if provider is None
            else AsyncOpenAI(base_url=provider.url, api_key=KEY, max_retries=0)
        )

    async def execute(self, context: Any, queue: Any) -> None:
        prompt = context.get_user_input()
        if prompt == "say":
            await queue.enqueue_event(new_text_message(LONDON))
            return
        task = new_task_from_user_message(context.message)
        await queue.enqueue_event(task)
        updater = TaskUpdater(queue, task.id, task.context_id)
        await updater.start_work(new_text_message("Looking it up"))
        if prompt == "ask":
            await updater.requires_input(new_text_message("Which country?"))
        elif prompt == "data":
            await updater.add_artifact([new_data_part({"capital": "London"})], name="found")
            await updater.complete()
        elif prompt == "reject":
            await updater.reject(new_text_message("No maps here"))
        else:
            await self._answer(updater)

    async def _answer(self, updater: Any) -> None:
        assert self._client is not None
        stream: Any = await self._client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "?"}], stream=True
        )
        begun = False
        async for chunk in stream:
            text = chunk.choices[0].delta.content if chunk.choices else None
            if text:
                await updater.add_artifact(
                    [new_text_part(text)], artifact_id="answer", append=begun, last_chunk=False
                )
                begun = True
        await updater.complete()

    async def cancel(self, context: Any, queue: Any) -> None:
        raise NotImplementedError


@contextlib.asynccontextmanager
async def ask(
    executor: Geographer, wire: tuple[str, str], prompt: str
) -> AsyncIterator[tuple[Any, asyncio.Event]]:
    """Yield the client's stream for one message, and an event that is set when the server is
    through with the request.
    """
    through = asyncio.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    card = AgentCard(
        name="Geographer",
        version="1",
        capabilities=AgentCapabilities(streaming=True),
        supported_interfaces=[
            AgentInterface(url=url, protocol_binding=wire[0], protocol_version=wire[1])
        ],
    )
    handler = DefaultRequestHandler(executor, InMemoryTaskStore(), card)
    routes = [
        *create_agent_card_routes(card),
        *create_rest_routes(handler),
        *create_jsonrpc_routes(handler, "/", enable_v0_3_compat=True),
    ]
    inner = Starlette(routes=routes)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await inner(scope, receive, send)
        finally:
            if scope["type"] == "http":
                through.set()

    server = uvicorn.Server(
        uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    async with httpx.AsyncClient(timeout=REPLY_TIMEOUT_S) as http:
        client = ClientFactory(
            ClientConfig(httpx_client=http, supported_protocol_bindings=[wire[0]])
        ).create(card)
        yield (
            client.send_message(
                SendMessageRequest(message=new_text_message(prompt, role=Role.ROLE_USER))
            ),
            through,
        )
    server.should_exit = True
    await serving


@every_wire
async def test_an_answer_in_pieces_is_one_text(serve: Serve, wire: tuple[str, str]) -> None:
    async with ask(Geographer(serve(recorded(ANSWER))), wire, "answer") as (stream, _):
        run = await watch(stream)
    assert (run.status, run.text) == ("completed", LONDON)
    assert [event.message for event in of_type(run, ev.Status)] == ["Looking it up"]


@every_wire
async def test_a_message_without_a_task_is_the_answer(wire: tuple[str, str]) -> None:
    async with ask(Geographer(), wire, "say") as (stream, _):
        run = await watch(stream)
    assert (run.status, run.text) == ("completed", LONDON)


@every_wire
async def test_a_task_that_needs_input_is_paused(wire: tuple[str, str]) -> None:
    async with ask(Geographer(), wire, "ask") as (stream, _):
        run = await watch(stream)
    assert run.status == "paused"
    assert [(event.kind, event.prompt) for event in of_type(run, ev.ApprovalRequest)] == [
        ("input", "Which country?")
    ]


@every_wire
async def test_data_is_kept_as_data(wire: tuple[str, str]) -> None:
    async with ask(Geographer(), wire, "data") as (stream, _):
        run = await watch(stream)
    assert (run.status, calls(run)) == ("completed", [])
    assert [event.data for event in of_type(run, ev.Custom)] == [{"capital": "London"}]


@every_wire
async def test_a_task_that_is_rejected_has_failed_with_its_reason(wire: tuple[str, str]) -> None:
    async with ask(Geographer(), wire, "reject") as (stream, _):
        run = await watch(stream)
    assert run.status == "failed"
    assert "No maps here" in str(run.error)


@every_wire
async def test_an_agent_whose_provider_refuses_fails(serve: Serve, wire: tuple[str, str]) -> None:
    async with ask(Geographer(serve(refused(400, "too much"))), wire, "answer") as (stream, _):
        run = await watch(stream)
    assert run.status == "failed"


@every_wire
async def test_stop_closes_the_connection_to_the_server(
    serve: Serve, wire: tuple[str, str]
) -> None:
    provider = serve(held(ANSWER, b"capital"))
    async with ask(Geographer(provider), wire, "answer") as (stream, through):
        run = await cancel(stream)
        await asyncio.wait_for(through.wait(), REPLY_TIMEOUT_S)
    assert run.status == "cancelled"
    assert run.text
    assert LONDON.startswith(run.text)

"""Addresses of a model at which no model stands, or one that does not stream."""

import asyncio
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import openai
import pytest
from agent.server import Exchange, Json, Server, call, chat_chunk, message, responses

from nbagent.agent import Agent
from nbagent.agent.model.model_stream import ModelStream
from nbagent.run import Run

PAGE = b"<!doctype html><title>Sign in</title><p>Who are you?"
both_apis = pytest.mark.parametrize("api", ["responses", "chat"])


def body(
    content: bytes, media_type: str = "application/json", status: int = 200
) -> Callable[[Exchange], None]:
    """Return a reply that is no stream."""
    return lambda exchange: exchange.answer(status, media_type, content)


def completion(finish_reason: str = "stop", **message: Any) -> Callable[[Exchange], None]:
    choice = {
        "index": 0,
        "message": {"role": "assistant", **message},
        "finish_reason": finish_reason,
    }
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return body(
        json.dumps(
            {"id": "1", "object": "chat.completion", "choices": [choice], "usage": usage}, indent=1
        ).encode()
    )


def response(*items: Json) -> Callable[[Exchange], None]:
    return body(json.dumps(responses(*items)[-1]["response"]).encode())


def weather(town: str) -> str:
    """Looks up the weather."""
    return f"{town}: rain"


def ask(server: Server, api: Any) -> Run:
    run = Run(Agent("test-1", client=server.client(), api=api, tools=[weather]).stream("go"))
    run.start()
    return run.wait()


@both_apis
def test_a_whole_answer_is_used_as_a_streamed_one(api: str) -> None:
    function = {"name": "weather", "arguments": '{"town": "Oslo"}'}
    calls = [{"id": "c1", "type": "function", "function": function}]
    replies = {
        "chat": [
            completion("tool_calls", content=None, tool_calls=calls),
            completion(content="Rain."),
        ],
        "responses": [
            response(call("c1", "weather", function["arguments"])),
            response(message("Rain.")),
        ],
    }
    with Server(*replies[api]) as server:
        run = ask(server, api)

    assert (run.status, run.text, run.error) == ("completed", "Rain.", None)
    assert [tool.result for tool in run.tools] == ["Oslo: rain"]
    assert run.usage is not None
    assert run.usage.total == 30


@pytest.mark.parametrize(
    ("reply", "code", "words"),
    [
        (body(PAGE, "text/html"), "html", "answered with a web page, titled 'Sign in'"),
        (body(PAGE, "text/event-stream"), "html", "answered with a web page, titled 'Sign in'"),
        (body(b""), "empty_response", "sent an empty answer"),
        (body(b'{"hello": 1}'), "no_stream", 'It sent: {"hello": 1}'),
        (body(b"OK", "text/plain"), "no_stream", "It sent: OK"),
        (body(b'{"error": {"message": "no credit", "code": "quota"}}'), "quota", "no credit"),
        (body(PAGE, "text/html", 404), "404", "answered 404: Sign in"),
    ],
)
@both_apis
def test_what_is_no_answer_is_named_with_its_address(
    api: str, reply: Callable[[Exchange], None], code: str, words: str
) -> None:
    with Server(reply) as server:
        run = ask(server, api)
        address = server.base_url.removeprefix("http://").partition("/")[0]

    assert run.status == "failed"
    assert getattr(run.error, "code", None) == code
    assert words in str(run.error)
    assert address in str(run.error)


def test_a_port_that_is_none_is_named() -> None:
    client = openai.AsyncOpenAI(base_url="http://127.0.0.1:99999/v1", api_key="none", max_retries=0)
    run = Run(Agent("test-1", client=client).stream("go"))
    run.start()
    assert "port must be 0-65535" in str(run.wait().error)


def test_a_stream_that_is_not_utf_8_keeps_what_had_come() -> None:
    first = json.dumps(chat_chunk({"content": "Hello"})).encode()
    with Server(
        body(b"data: " + first + b'\n\ndata: {"x": "\xff"}\n\n', "text/event-stream")
    ) as server:
        run = ask(server, "chat")

    assert (run.status, run.text) == ("failed", "Hello")
    assert getattr(run.error, "code", None) == "bad_event"
    assert "not UTF-8" in str(run.error)


def test_a_stream_that_ends_after_a_comment_is_cut_off() -> None:
    with Server(body(b": waiting\n\n", "text/event-stream")) as server:
        assert ask(server, "chat").status == "incomplete"


async def test_items_that_have_come_together_let_other_runs_have_their_turn() -> None:
    class Endless:
        response = SimpleNamespace(aiter_bytes=None)

        async def __anext__(self) -> Json:
            return {}

    async def read() -> None:
        async for _ in ModelStream(Endless(), "http://localhost", lambda answer: None):
            pass

    reading = asyncio.create_task(read())
    asyncio.get_running_loop().call_later(0.001, reading.cancel)
    with pytest.raises(asyncio.CancelledError):
        await reading

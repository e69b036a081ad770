"""Items of the openai SDK's streams: JSON for decoders, objects for a function of the user's."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import openai
import pytest
from agent.server import Server, say
from openai.types.chat import ChatCompletionChunk

import nbagent

ASKED: dict[str, Any] = {"model": "m", "messages": [], "stream": True}


@contextmanager
def stream() -> Iterator[Any]:
    with Server(say("chat", "It rose.")) as server:
        address = server.client().base_url
        with openai.OpenAI(base_url=address, api_key="x", max_retries=0) as client:
            yield client.chat.completions.create(**ASKED)


@asynccontextmanager
async def async_stream() -> AsyncIterator[Any]:
    with Server(say("chat", "It rose.")) as server:
        async with server.client() as client:
            yield client.chat.completions.create(**ASKED)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return what items are made into, one by one."""
    kinds: list[Any] = []
    base: Any = openai._base_client.BaseClient
    process = base._process_response_data

    def noted(self: Any, **options: Any) -> Any:
        kinds.append(options["cast_to"])
        return process(self, **options)

    monkeypatch.setattr(base, "_process_response_data", noted)
    return kinds


def text(item: ChatCompletionChunk) -> str | None:
    """Return the text of an item, as a function of a user's does."""
    if not item.choices:
        return None
    return item.choices[0].delta.content


@pytest.mark.parametrize(("adapter", "kind"), [(None, object), (text, ChatCompletionChunk)])
def test_objects_are_made_for_a_function_only(made: list[Any], adapter: Any, kind: Any) -> None:
    with stream() as source:
        run = nbagent.Run(source, adapter=adapter)
        run.start()
        run.wait(20)
    assert run.text == "It rose."
    assert set(made) == {kind}


@pytest.mark.anyio
@pytest.mark.parametrize(("adapter", "kind"), [(None, object), (text, ChatCompletionChunk)])
async def test_so_it_is_of_an_awaitable(made: list[Any], adapter: Any, kind: Any) -> None:
    async with async_stream() as source:
        run = await nbagent.Run(source, adapter=adapter)
    assert run.text == "It rose."
    assert set(made) == {kind}

"""The demo server and the real OpenAI clients that talk to it."""

from collections.abc import AsyncIterator, Iterator

import openai
import pytest

from nbagent.demo import DemoServer


@pytest.fixture
def server() -> Iterator[DemoServer]:
    with DemoServer(tokens_per_second=float("inf")) as server:
        yield server


@pytest.fixture
def client(server: DemoServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.base_url, api_key=server.api_key, max_retries=0) as client:
        yield client


@pytest.fixture
async def async_client(server: DemoServer) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=server.base_url, api_key=server.api_key, max_retries=0
    ) as client:
        yield client

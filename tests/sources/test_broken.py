"""Broken connections end a run in one way, whichever client reads the stream."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import openai
import pytest

import nbagent
from nbagent.errors import StreamError
from nbagent.run import Run
from nbagent.sources.broken import connection_error

CHUNK = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m",'
    b'"choices":[{"index":0,'
    b'"delta":{"content":"Hel"},"finish_reason":null}]}\n\n'
)


@contextlib.asynccontextmanager
async def breaking_server() -> AsyncIterator[str]:
    """Serve one chunk of an answer, and then hang up."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(
            next(
                (
                    line.split(":")[1]
                    for line in head.splitlines()
                    if line.startswith("content-length")
                ),
                0,
            )
        )
        await reader.readexactly(length)
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
            b"\r\n"
        )
        writer.write(f"{len(CHUNK):x}\r\n".encode() + CHUNK + b"\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


def of_agent(client: openai.AsyncOpenAI) -> Any:
    return nbagent.Agent("m", client=client).stream("Hi")


def of_client(client: openai.AsyncOpenAI) -> Any:
    return client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "Hi"}], stream=True
    )


def of_address(client: openai.AsyncOpenAI) -> Any:
    return nbagent.connect(f"{client.base_url}chat/completions", json={"model": "m"})


@pytest.mark.parametrize("stream_of", [of_agent, of_client, of_address])
async def test_a_connection_that_breaks_ends_the_run_in_one_way(
    stream_of: Callable[[openai.AsyncOpenAI], Any],
) -> None:
    async with breaking_server() as url:
        client = openai.AsyncOpenAI(base_url=url, api_key="a-key-of-a-test", max_retries=0)
        run = Run(stream_of(client))
        run.start()
        await run
        await client.close()
    assert (run.status, run.text, run.snapshot()[0]["code"]) == ("failed", "Hel", "connection_lost")
    assert isinstance(run.error, StreamError)
    assert run.error.code == "connection_lost"
    assert "The connection" in str(run.error)


@pytest.mark.parametrize("stream_of", [of_agent, of_client, of_address])
async def test_an_address_where_nobody_is_ends_the_run_in_one_way(
    stream_of: Callable[[openai.AsyncOpenAI], Any],
) -> None:
    async with breaking_server() as url:
        pass
    client = openai.AsyncOpenAI(base_url=url, api_key="a-key-of-a-test", max_retries=0)
    run = Run(stream_of(client))
    run.start()
    await run
    await client.close()
    assert (run.status, run.snapshot()[0]["code"]) == ("failed", "connect_error")
    assert isinstance(run.error, StreamError)
    assert str(run.error).startswith(f"No connection to 127.0.0.1:{httpx2.URL(url).port}")


def test_the_clients_own_error_is_its_cause() -> None:
    lost = connection_error(ConnectionResetError("reset by peer"))
    assert (str(lost), lost and lost.code) == (
        "The connection broke: reset by peer",
        "connection_lost",
    )
    assert isinstance(lost and lost.__cause__, ConnectionResetError)


def foreign(package: str, name: str, *bases: type[Exception]) -> type[Exception]:
    """Return a class of errors as a package that may not be installed has it."""
    return type(name, bases or (Exception,), {"__module__": f"{package}.errors"})


@pytest.mark.parametrize(
    "error",
    [
        None,
        OSError("disk full"),
        StreamError("x", "429"),
        httpx2.ReadTimeout("slow"),
        ValueError(),
        foreign(
            "aiohttp",
            "ServerTimeoutError",
            foreign("aiohttp", "ClientConnectionError", OSError),
            TimeoutError,
        )("slow"),
        foreign(
            "requests",
            "ConnectTimeout",
            foreign("requests", "ConnectionError", OSError),
            foreign("requests", "Timeout"),
        )(),
    ],
)
def test_other_errors_are_left_alone(error: Any) -> None:
    assert connection_error(error) is None

"""`nbagent.watch`: the requests of a client are kept in the run around, and its bytes pass
unchanged.
"""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx
import httpx2
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from run.requests.provider import Provider, Reply, chat_stream, provider

import nbagent
from nbagent.run import Run

KEY = "sk-canary-0123456789abcdef"
BODY = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
HEADERS = {"authorization": f"Bearer {KEY}", "x-api-key": KEY}
PATH = "/v1/chat/completions"
WAIT_S = 20

Sync = Callable[[], Iterator[str]]
Async = Callable[[], AsyncIterator[str]]


def finished(work: Sync | Async, **options: Any) -> Run:
    """Return the run of some code, at its end."""
    run = Run(work(), **options)
    run.start()
    return run.wait(WAIT_S)


def post(library: Any, url: str) -> Callable[[], list[bytes]]:
    """Return a function that streams a request of a sync client."""

    def send() -> list[bytes]:
        with (
            nbagent.watch(library.Client(headers=HEADERS)) as client,
            client.stream("POST", url + PATH, json=BODY) as response,
        ):
            return list(response.iter_raw())

    return send


def post_async(library: Any, url: str) -> Callable[[], Awaitable[list[bytes]]]:
    """Return a function that streams a request of an async client."""

    async def send() -> list[bytes]:
        async with (
            nbagent.watch(library.AsyncClient(headers=HEADERS)) as client,
            client.stream("POST", url + PATH, json=BODY) as response,
        ):
            return [chunk async for chunk in response.aiter_raw()]

    return send


CLIENTS = {
    "httpx": (post, httpx),
    "httpx2": (post, httpx2),
    "httpx async": (post_async, httpx),
    "httpx2 async": (post_async, httpx2),
}


def streamed(name: str, url: str, got: list[bytes]) -> Sync | Async:
    """Return code that sends one request with a client, and tells the bytes that it got."""
    make, library = CLIENTS[name]
    send: Any = make(library, url)

    async def with_loop() -> AsyncIterator[str]:
        got.extend(await send())
        yield "done"

    def without() -> Iterator[str]:
        got.extend(send())
        yield "done"

    return with_loop if "async" in name else without


@pytest.mark.parametrize("name", CLIENTS)
def test_a_request_is_kept_as_it_was_sent(name: str) -> None:
    reply = chat_stream("Hel", "lo")
    got: list[bytes] = []
    with provider(reply) as server:
        [request] = finished(streamed(name, server.url, got)).requests
    assert b"".join(got) == b"".join(reply.pieces)
    assert request.response == b"".join(reply.pieces).decode()
    assert (request.messages, request.settings) == (
        BODY["messages"],
        {"model": "m", "stream": True},
    )
    assert (request.status, request.problem, request.model, request.step) == (200, None, "m", 1)
    assert request.url == server.url + PATH
    assert request.seconds is not None
    assert (request.usage and (request.usage.input, request.usage.output)) == (40, 2)


@pytest.mark.parametrize("name", CLIENTS)
@settings(max_examples=8, deadline=None)
@given(pieces=st.lists(st.binary(min_size=1, max_size=40), max_size=6))
def test_the_bytes_are_the_same_however_they_are_cut(name: str, pieces: list[bytes]) -> None:
    got: list[bytes] = []
    with provider(Reply(tuple(pieces), media_type="application/octet-stream")) as server:
        [request] = finished(streamed(name, server.url, got)).requests
    assert b"".join(got) == b"".join(pieces)
    assert request._exchange.wire == b"".join(pieces)
    assert request._exchange.is_complete


def openai_texts(client: openai.OpenAI) -> Iterator[str]:
    for chunk in client.chat.completions.create(model="m", messages=BODY["messages"], stream=True):  # type: ignore[call-overload]
        yield chunk.choices[0].delta.content if chunk.choices else ""


async def openai_async_texts(client: openai.AsyncOpenAI) -> AsyncIterator[str]:
    stream: Any = await client.chat.completions.create(
        model="m", messages=BODY["messages"], stream=True
    )  # type: ignore[call-overload]
    async for chunk in stream:
        yield chunk.choices[0].delta.content if chunk.choices else ""
    await client.close()


@contextlib.contextmanager
def openai_client(*replies: Reply, **options: Any) -> Iterator[openai.OpenAI]:
    with (
        provider(*replies) as server,
        openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY, **options) as client,
    ):
        yield nbagent.watch(client)


def test_both_of_openais_clients() -> None:
    with provider(chat_stream("Hel", "lo")) as server:
        sync = nbagent.watch(openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY))
        run = finished(lambda: openai_texts(sync))
        assert (run.text, len(run.requests)) == ("Hello", 1)
        other = nbagent.watch(openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key=KEY))
        run = finished(lambda: openai_async_texts(other))
        assert (run.text, [request._exchange.is_complete for request in run.requests]) == (
            "Hello",
            [True],
        )
        sync.close()


def test_a_client_that_is_watched_twice_or_derived_keeps_each_request_once() -> None:
    with openai_client(chat_stream("a")) as client:
        assert nbagent.watch(client) is client
        derived = client.with_options(max_retries=0)
        nbagent.watch(derived)
        run = finished(lambda: openai_texts(derived))
    assert len(run.requests) == 1


def test_the_clients_proxies_are_watched_too() -> None:
    got: list[bytes] = []
    with provider(chat_stream("a")) as server:

        def work() -> Iterator[str]:
            with nbagent.watch(httpx.Client(mounts={"http://": httpx.HTTPTransport()})) as client:
                got.append(client.post(server.url + PATH, json=BODY).content)
            yield "done"

        [request] = finished(work).requests
    assert request.response.encode() == got[0]


def test_a_response_that_a_transport_of_the_readers_made() -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"usage": {"prompt_tokens": 3, "completion_tokens": 4}})

    def work() -> Iterator[str]:
        with nbagent.watch(httpx.Client(transport=httpx.MockTransport(respond))) as client:
            assert client.post("http://model.test/v1/messages", json=BODY).json()["usage"]
        yield "done"

    [request] = finished(work).requests
    assert '"prompt_tokens":3' in request.response.replace(" ", "")


def test_nothing_is_kept_outside_of_runs_and_of_what_is_no_request_to_a_model() -> None:
    with provider(chat_stream("a")) as server, nbagent.watch(httpx.Client()) as client:
        assert client.post(server.url + PATH, json=BODY).status_code == 200

        def work() -> Iterator[str]:
            client.get(f"{server.url}/v1/models")
            client.post(f"{server.url}/v1/files", files={"file": b"content"})
            client.post(f"{server.url}/v1/embeddings", json={"model": "m", "input": "text"})
            client.post(f"{server.url}/v1/messages/count_tokens", json=BODY)
            client.post(f"{server.url}/v1/anything", json={"query": 1})
            client.post(
                f"{server.url}/v1/chat/completions",
                content=b"not JSON",
                headers={"content-type": "application/json"},
            )
            client.post(
                f"{server.url}/v1/models/gemini-image:generateContent",
                json={"contents": [{"parts": [{"text": "a"}]}]},
            )
            yield "done"

        run = finished(work)
    assert [request.messages for request in run.requests] == [[{"parts": [{"text": "a"}]}]]


def test_another_object_is_refused_with_what_to_do() -> None:
    with pytest.raises(
        TypeError, match=r"openai, anthropic, httpx or httpx2, got str.*http_client="
    ):
        nbagent.watch("client")


# --- ends ---


def test_a_reader_gets_each_byte_at_once_and_may_leave_early() -> None:
    """The service sends nothing more until it is hung up on: a reader who waited for the whole
    would wait for ever.
    """
    first: list[bytes] = []

    def work(server: Provider) -> Iterator[str]:
        with (
            nbagent.watch(httpx.Client()) as client,
            client.stream("POST", server.url + PATH, json=BODY) as response,
        ):
            first.append(next(response.iter_raw()))
        yield "left"

    with provider(Reply((b"data: 1\n\n",), holds=True)) as server:
        [request] = finished(lambda: work(server)).requests
    assert first == [b"data: 1\n\n"]
    assert (request.response, request.problem, request._exchange.is_complete) == (
        "data: 1\n\n",
        None,
        False,
    )
    assert request.seconds is not None


def test_a_cancelled_task_ends_its_request() -> None:
    async def work(server: Provider) -> AsyncIterator[str]:
        client = nbagent.watch(httpx2.AsyncClient())
        came = asyncio.Event()

        async def read() -> None:
            async with client.stream("POST", server.url + PATH, json=BODY) as response:
                async for _ in response.aiter_raw():
                    came.set()

        task = asyncio.create_task(read())
        await came.wait()
        task.cancel()
        await asyncio.wait([task])
        await client.aclose()
        yield "cancelled"

    with provider(Reply((b"data: 1\n\n",), holds=True)) as server:
        [request] = finished(lambda: work(server)).requests
    assert (request.problem, request.response) == ("CancelledError", "data: 1\n\n")


def test_a_connection_that_breaks_or_never_opens_is_told() -> None:
    def work(url: str, error: type[Exception]) -> Iterator[str]:
        with nbagent.watch(httpx.Client()) as client, pytest.raises(error):
            client.post(url + PATH, json=BODY)
        yield "broken"

    with provider(Reply((b"data: 1\n\n",), breaks=True)) as server:
        [broken] = finished(lambda: work(server.url, httpx.RemoteProtocolError)).requests
    assert broken.problem is not None
    assert broken.problem.startswith("RemoteProtocolError: ")
    assert (broken.status, broken.response) == (200, "data: 1\n\n")
    [unopened] = finished(lambda: work(server.url, httpx.ConnectError)).requests
    assert (unopened.status, unopened.response) == (None, "")
    assert "ConnectError" in repr(unopened)


def test_a_request_that_is_sent_again_belongs_to_the_same_step() -> None:
    refused = Reply((b'{"error":{"message":"later"}}',), 429, "application/json")
    with openai_client(refused, chat_stream("a"), max_retries=1) as client:
        run = finished(lambda: openai_texts(client))
    assert [(request.step, request.status, request.changes) for request in run.requests] == [
        (1, 429, "begins with 1 message"),
        (1, 200, "no new message, tools unchanged"),
    ]


def test_a_compressed_response_is_readable() -> None:
    got: list[bytes] = []
    text = b"".join(chat_stream("Hel", "lo").pieces)
    packed = gzip.compress(text)
    with provider(Reply((packed[:30], packed[30:]), encoding="gzip")) as server:
        [request] = finished(streamed("httpx", server.url, got)).requests
    assert b"".join(got) == packed
    assert request.response.encode() == text


# --- where it belongs ---


def test_a_request_belongs_to_the_lane_that_sent_it() -> None:
    with openai_client(chat_stream("a")) as client:
        streams = {"Oslo": openai_texts(client), "Rome": openai_texts(client)}
        run = nbagent.show(streams, face="console").wait(WAIT_S)
    assert sorted(request.lane or "" for request in run.requests) == ["lane-1", "lane-2"]
    assert [[request.step for request in lane.requests] for lane in run.lanes] == [[1], [1]]


def test_work_that_began_before_the_run_belongs_to_the_one_that_goes_on() -> None:
    async def main(server: Provider) -> Run:
        queue: asyncio.Queue[str] = asyncio.Queue()
        go = asyncio.Event()

        async def framework() -> None:
            await go.wait()
            async with nbagent.watch(httpx.AsyncClient()) as client:
                await client.post(server.url + PATH, json=BODY)
            await queue.put("done")

        task = asyncio.create_task(framework())

        async def stream() -> AsyncIterator[str]:
            go.set()
            yield await queue.get()

        run = await nbagent.show(stream(), face="console")
        await task
        return run

    with provider(chat_stream("a")) as server:
        assert len(asyncio.run(main(server)).requests) == 1

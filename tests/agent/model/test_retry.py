"""Requests that are sent again: only those that got no answer, after the time that the server asks
for, and visibly.
"""

import asyncio
import email.utils
import re
import socket
import time
from typing import Any

import httpx2
import openai
import pytest
from agent.server import Exchange, Json, Server, chat_chunk, say
from agent.test_agent import both_apis, collect, end_of, of, weather
from hypothesis import given
from hypothesis import strategies as st
from patience import LIMITS_S

import nbagent
from nbagent import events as e
from nbagent.agent import Agent
from nbagent.agent.model.retry import MAX_RETRY_AFTER_S, Backoff, retry_after
from nbagent.runtime import loop


def busy(status: int = 429, message: str = "slow down", **headers: str) -> Any:
    """Return a reply of a server that asks to come back at once, or as its headers say."""
    named = [
        (name.replace("_", "-"), value)
        for name, value in ({"retry_after_ms": "1"} | headers).items()
    ]
    return lambda exchange: exchange.refuse(status, {"message": message, "type": "test"}, named)


def patient(server: Server, api: Any = "chat", max_retries: int = 2, **options: Any) -> Agent:
    return Agent("test-1", client=server.client(max_retries=max_retries), api=api, **options)


def refused(status: int = 429, **headers: str) -> openai.APIStatusError:
    request = httpx2.Request("POST", "http://localhost")
    response = httpx2.Response(
        status,
        request=request,
        headers={name.replace("_", "-"): each for name, each in headers.items()},
    )
    return openai.APIStatusError("no", response=response, body=None)


@both_apis
@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
async def test_a_server_that_is_busy_is_asked_again_and_the_reader_sees_it(
    api: str, status: int
) -> None:
    with Server(busy(status), busy(status), say(api, "Hello.")) as server:
        events = await collect(patient(server, api).stream("Hi"))
        asked = len(server.bodies)

    address = server.base_url.removeprefix("http://").removesuffix("/v1")
    assert (end_of(events).status, end_of(events).output, asked) == ("completed", "Hello.", 3)
    assert [event.message for event in of(events, e.Status)] == [
        f"test-1 at {address} answered {status}: slow down; it asked to wait 0.001 s ({n} of 2)"
        for n in (1, 2)
    ]


async def test_a_tool_that_ran_does_not_run_again() -> None:
    ran: list[str] = []

    def pay() -> str:
        """Pay the bill."""
        ran.append("paid")
        return "paid"

    with Server(
        say("chat", calls=[("c1", "pay", "{}")]), busy(), busy(503), say("chat", "Done.")
    ) as server:
        assert await patient(server, tools=[pay]).generate("go") == "Done."
        assert server.bodies[1] == server.bodies[2] == server.bodies[3]

    assert ran == ["paid"]


@both_apis
async def test_a_response_that_has_begun_is_never_asked_for_again(api: str) -> None:
    def cut_before_the_first_token(exchange: Exchange) -> None:
        exchange.begin()
        exchange.cut()

    def cut_after_it(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(*say(api, "Hello there.")[:5])
        exchange.cut()

    with Server(cut_before_the_first_token, cut_after_it) as server:
        for said in (None, "Hel" if api == "chat" else "Hello "):
            end = end_of(await collect(patient(server, api).stream("Hi")))
            assert (end.status, end.code) == ("failed", "connection_lost")
            assert end.output is None or end.output.startswith(said or "?")
        assert len(server.bodies) == 2


async def test_a_server_that_stays_busy_fails_the_run_with_its_own_words() -> None:
    with Server(*[busy(message=f"slow down {n}") for n in range(3)]) as server:
        events = await collect(patient(server).stream("Hi"))

    assert (end_of(events).status, end_of(events).code) == ("failed", "429")
    assert of(events, e.Error)[0].message.endswith("answered 429: slow down 2")


async def test_a_server_that_asks_for_too_much_time_is_not_waited_for() -> None:
    with Server(busy(retry_after_ms="", retry_after="3600")) as server:
        events = await collect(patient(server).stream("Hi"))

    assert of(events, e.Status) == []
    assert of(events, e.Error)[0].message.endswith(
        "answered 429: slow down (the server takes requests again in 3,600 s)"
    )


async def test_the_clients_own_count_of_retries_holds() -> None:
    with Server(busy(), say("chat", "Hello.")) as server:
        events = await collect(patient(server, max_retries=0).stream("Hi"))

    assert (end_of(events).status, of(events, e.Status)) == ("failed", [])


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_request_that_is_wrong_is_not_sent_again(status: int) -> None:
    with Server(*[busy(status)] * 3) as server:
        events = await collect(patient(server).stream("Hi"))
        assert len(server.bodies) <= 1 + (status == 400)  # once more without optional parameters

    assert of(events, e.Status) == []


async def test_nobody_at_the_address_is_asked_again() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    client = openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="k", max_retries=1)
    events = await collect(Agent("test-1", client=client).stream("Hi"))

    (status,) = of(events, e.Status)
    assert status.message.startswith(f"No connection to 127.0.0.1:{port}")
    assert re.search(r"; trying again in 0\.\d+ s \(1 of 1\)$", status.message)
    assert end_of(events).code == "connect_error"


async def test_stop_ends_the_wait() -> None:
    with Server(busy(retry_after_ms="", retry_after="60")) as server:
        run = nbagent.show(patient(server).stream("Hi"), face="console")
        async for event in run.stream("status"):
            assert isinstance(event, e.Status)
            assert "it asked to wait 60 s (1 of 2)" in event.message
            run.cancel()
        await run

    assert run.status == "cancelled"


async def test_the_time_limit_of_the_run_ends_the_wait_and_silence_does_not_count_it() -> None:
    for limit in LIMITS_S:
        with Server(busy(retry_after_ms=str(2000 * limit)), say("chat", "Hello.")) as server:
            end = end_of(await collect(patient(server, idle_timeout=limit).stream("Hi")))
        if end.status == "completed":
            break
    else:
        pytest.fail("it was not in time")
    assert end.output == "Hello."
    with Server(busy(retry_after_ms="", retry_after="60")) as server:
        end = end_of(await collect(patient(server, timeout=0.1).stream("Hi")))
    assert (end.status, end.code) == ("failed", "timeout")


async def test_a_client_with_an_http_client_of_its_own_keeps_it() -> None:
    sent: list[Json] = []

    class Transport(httpx2.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            sent.append(dict(request.headers))
            return await super().handle_async_request(request)

    with Server(busy(), say("chat", "Hello.")) as server:
        http_client = httpx2.AsyncClient(transport=Transport())
        client = server.client(max_retries=1, http_client=http_client)
        assert await Agent("test-1", client=client).generate("Hi") == "Hello."
        await asyncio.wrap_future(loop.submit(http_client.aclose()))

    assert len(sent) == 2


# --- rules ---


def test_retry_after_is_read_as_seconds_milliseconds_and_a_date() -> None:
    assert retry_after(refused(retry_after="12")) == 12
    assert retry_after(refused(retry_after="12", retry_after_ms="250")) == 0.25
    asked = retry_after(refused(retry_after=email.utils.formatdate(time.time() + 30, usegmt=True)))
    assert asked is not None
    assert 20 < asked < 31
    assert retry_after(refused(retry_after="soon")) is None
    assert retry_after(refused()) is None
    assert retry_after(ValueError()) is None


def test_a_server_may_say_itself_whether_to_come_back() -> None:
    assert Backoff(1).after(refused(429, x_should_retry="false")) is None
    assert Backoff(1).after(refused(400, x_should_retry="true")) is not None


@given(
    st.integers(0, 6),
    st.lists(st.sampled_from(["", "0", "1.5", "119", "121", "nan", "inf", "-5"]), max_size=8),
)
def test_waits_are_bounded_and_so_is_their_number(max_retries: int, asked: list[str]) -> None:
    backoff = Backoff(max_retries)
    waits = [backoff.after(refused(retry_after=each)) for each in asked]
    assert sum(wait is not None for wait in waits) <= max_retries
    assert all(wait is None or 0 < wait <= MAX_RETRY_AFTER_S for wait in waits)
    assert all(
        wait is None
        for wait, each in zip(waits, asked, strict=True)
        if each in ("121", "inf", "nan")
    )


async def test_the_wait_before_the_first_token_keeps_what_the_tools_returned() -> None:
    with Server(
        say("chat", calls=[("c1", "weather", '{"town": "Oslo"}')]), *[busy(500)] * 3
    ) as server:
        events = await collect(patient(server, tools=[weather]).stream("go"))

    assert end_of(events).status == "failed"
    assert of(events, e.ToolResult)[0].content == "Oslo: rain in 1 d"
    assert chat_chunk({})["choices"]

"""Errors of streams that do not arrive, or not completely, and retries. All with a real server."""

import asyncio
import functools
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from patience import with_text
from sources.loopback import Answer, address_of, serving
from sources.watching import DONE, HELLO, chat, code_of, watch

import nbagent
from nbagent import events as ev
from nbagent.run import Run
from nbagent.sources import http, resumption
from nbagent.sources.wire.body import BodyDecoder
from nbagent.sources.wire.sse import EventTooLarge

# --- what goes wrong ---


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (Answer([*HELLO, DONE]), "completed", None),
        (Answer(HELLO), "incomplete", None),
        (Answer(HELLO, framing="none"), "incomplete", None),
        (Answer(HELLO, whole=False), "failed", "connection_lost"),
        (Answer(HELLO, framing="length", whole=False), "failed", "connection_lost"),
        (Answer(HELLO, whole=False, end="reset"), "failed", "connection_lost"),
        (Answer(HELLO, framing="none", end="reset"), "failed", "connection_lost"),
        (Answer(HELLO, whole=False, end="stall"), "failed", "idle_timeout"),
        (
            Answer([*HELLO, b'event: error\ndata: {"error":{"message":"no","code":"x1"}}\n\n']),
            "failed",
            "x1",
        ),
        (Answer([*HELLO, b'data: {"choices":[{"ind']), "incomplete", None),
    ],
)
async def test_a_stream_that_breaks_ends_as_it_broke_and_keeps_what_came(
    answer: Answer, status: str, code: str | None
) -> None:
    async def seen(limit: float) -> Run:
        async with serving(answer) as server:
            run = await watch(server.url, json={}, idle_timeout=limit)
        assert len(server.seen) == 1
        return run

    run = await with_text(seen)
    assert (run.text, run.status, code_of(run)) == ("Hello", status, code)


@pytest.mark.parametrize(
    ("answer", "message", "code"),
    [
        (
            Answer(
                b'{"error":{"message":"Slow down","type":"x","code":null}}', "429 Too Many Requests"
            ),
            "Slow down",
            "429",
        ),
        (
            Answer(b'{"error":{"message":"No","code":"invalid_api_key"}}', "401 Unauthorized"),
            "No",
            "invalid_api_key",
        ),
        (
            Answer(b'[{"error":{"code":400,"message":"Bad","status":"X"}}]', "400 Bad Request"),
            "Bad",
            "400",
        ),
        (
            Answer(
                b'{"detail":[{"loc":["body"],"msg":"field required"}]}', "422 Unprocessable Entity"
            ),
            "field required",
            "422",
        ),
        (Answer(b'{"detail":"Not Found"}', "404 Not Found"), "Not Found", "404"),
        (Answer(b"out of order", "500 Internal Server Error"), "out of order", "500"),
        (Answer(b"<html><title>Bad\nGateway</title>", "502 Bad Gateway"), "Bad Gateway", "502"),
        (Answer(b"", "503 Service Unavailable"), "503 Service Unavailable from", "503"),
        (Answer(b"x" * 200_000, "599 Whatever", whole=False, end="stall"), "599 from", "599"),
    ],
)
async def test_an_errors_status_is_told_in_the_services_own_words(
    answer: Answer, message: str, code: str
) -> None:
    async with serving(answer) as server:
        run = await watch(server.url, json={})
    assert (run.status, code_of(run)) == ("failed", code)
    assert message in str(run.error)
    assert len(str(run.error)) < 1200


@pytest.mark.parametrize("content_type", ["text/html", "text/event-stream", ""])
async def test_a_web_page_is_named_as_what_it_is(content_type: str) -> None:
    page = [b"\n<!DOCTYPE html>", b"<html><head><title>Sign in</title></head>"]
    async with serving(Answer(page, content_type=content_type)) as server:
        run = await watch(server.url)
    assert (run.status, code_of(run), run.text) == ("failed", "html", "")
    assert "200" in str(run.error)
    assert "'Sign in'" in str(run.error)


async def test_a_line_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BodyDecoder", functools.partial(BodyDecoder, max_item_bytes=100_000))
    async with serving(Answer([*HELLO, b"data: ", *[b"x" * 10_000] * 100], end="stall")) as server:
        run = await watch(server.url)
        await server.hung_up.wait()
    assert (run.text, run.status) == ("Hello", "failed")
    assert isinstance(run.error, EventTooLarge)


async def test_a_stream_that_takes_too_long_ends_with_what_came() -> None:
    async with serving(Answer(HELLO, end="stall", whole=False)) as server:
        run = await with_text(lambda limit: watch(server.url, timeout=limit))
        await server.hung_up.wait()
    assert (run.text, run.status, code_of(run)) == ("Hello", "failed", "timeout")
    assert "timeout=" in str(run.error)


async def test_a_service_that_never_answers_is_idle() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listening = await asyncio.start_server(silent, "127.0.0.1", 0)
    run = await watch(address_of(listening), idle_timeout=0.1)
    assert (run.status, code_of(run)) == ("failed", "idle_timeout")
    listening.close()


IDLE_TIMEOUT_S = 1.0


async def ping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send nothing but keep-alive comments for longer than `IDLE_TIMEOUT_S`, then the answer."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
    until = time.monotonic() + 1.3 * IDLE_TIMEOUT_S
    while time.monotonic() < until:
        writer.write(b": ping\n\n")
        await writer.drain()
        await asyncio.sleep(IDLE_TIMEOUT_S / 20)
    writer.write(b"".join([*HELLO, DONE]))
    writer.close()


async def ping_objects() -> AsyncIterator[dict[str, Any]]:
    """The same as a stream of objects: pings, which nothing shows, and then the answer."""
    until = time.monotonic() + 1.3 * IDLE_TIMEOUT_S
    while time.monotonic() < until:
        yield {"type": "ping"}
        await asyncio.sleep(IDLE_TIMEOUT_S / 20)
    yield {"type": "message_start", "message": {"id": "m", "role": "assistant", "content": []}}
    yield {"type": "message_stop"}


async def test_a_service_that_pings_is_not_idle_however_it_is_watched() -> None:
    listening = await asyncio.start_server(ping, "127.0.0.1", 0)
    url = address_of(listening)

    async def read() -> list[Any]:
        return [item async for item in nbagent.connect(url, idle_timeout=IDLE_TIMEOUT_S)]

    items, *runs = await asyncio.gather(
        read(),
        nbagent.show(url, face="console", idle_timeout=IDLE_TIMEOUT_S),
        nbagent.show(nbagent.connect(url), face="console", idle_timeout=IDLE_TIMEOUT_S),
        nbagent.show(url, iter(["Hi"]), face="console", idle_timeout=IDLE_TIMEOUT_S),
        nbagent.show(ping_objects(), face="console", idle_timeout=IDLE_TIMEOUT_S),
        nbagent.show(ping_objects(), iter(["Hi"]), face="console", idle_timeout=IDLE_TIMEOUT_S),
    )
    assert len(items) == len([*HELLO, DONE]) + 1
    assert [(run.status, code_of(run)) for run in runs] == [("completed", None)] * 5
    listening.close()


async def test_the_shorter_of_two_idle_timeouts_holds() -> None:
    async def seen(limit: float) -> Run:
        run = Run(nbagent.connect(server.url, idle_timeout=600), idle_timeout=limit)
        run.start()
        return await run

    async with serving(Answer(HELLO, end="stall", whole=False)) as server:
        run = await with_text(seen)
    assert (run.text, run.status, code_of(run)) == ("Hello", "failed", "idle_timeout")


async def test_no_connection_in_time_says_which_time() -> None:
    # A listener whose queue is full takes no more connections, and does not refuse them either.
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for filling in (first, second):
            filling.setblocking(False)
            filling.connect_ex(full.getsockname())
        run = await watch(f"http://127.0.0.1:{full.getsockname()[1]}", connect_timeout=0.1)
    assert (run.status, code_of(run)) == ("failed", "connect_timeout")
    assert "connect_timeout=" in str(run.error)


async def test_stop_closes_the_connection_at_once_and_keeps_what_came() -> None:
    async with serving(Answer(HELLO, end="stall", whole=False)) as server:
        run = Run(nbagent.connect(server.url))
        run.start()
        async for event in run.stream("text.delta"):
            if isinstance(event, ev.TextDelta) and run.text == "Hello":
                break
        run.cancel()
        await server.hung_up.wait()
        await run
    assert (run.text, run.status) == ("Hello", "cancelled")


async def test_a_loop_that_is_left_early_can_close_the_connection() -> None:
    async with serving(Answer(HELLO, end="stall", whole=False)) as server:
        stream = nbagent.connect(server.url)
        async for _ in stream:
            break
        await stream.aclose()
        await server.hung_up.wait()


# --- again ---


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the waits between retries."""
    monkeypatch.setattr(http, "_BACKOFF_S", 0.0)
    monkeypatch.setattr(resumption, "RECONNECTION_TIME_S", 0.0)


BUSY = Answer(b"{}", "429 Too Many Requests", headers={"retry-after": "0"})


async def test_who_is_told_when_to_come_back_comes_back() -> None:
    later = Answer(
        b"", "503 Service Unavailable", headers={"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}
    )
    async with serving(BUSY, later, Answer([*HELLO, DONE])) as server:
        run = await watch(server.url, json={"say": "hi"})
    assert (run.text, [seen.body for seen in server.seen]) == ("Hello", [b'{"say":"hi"}'] * 3)


@pytest.mark.parametrize(
    ("answer", "tries"),
    [
        (BUSY, 3),
        (Answer(b"", "429 Too Many Requests"), 1),
        (Answer(b"", "429 Too Many Requests", headers={"retry-after": "11"}), 1),
        (Answer(b"", "429 Too Many Requests", headers={"retry-after": "soon"}), 1),
        (Answer(b"", "500 Internal Server Error", headers={"retry-after": "0"}), 1),
    ],
)
async def test_tries_have_an_end(answer: Answer, tries: int) -> None:
    async with serving(answer) as server:
        run = await watch(server.url)
    assert (run.status, len(server.seen)) == ("failed", tries)


async def test_a_connection_that_breaks_before_the_answer_is_tried_again_where_that_does_no_harm(
    at_once: None,
) -> None:
    seen: list[bytes] = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append((await reader.readuntil(b"\r\n\r\n")).split()[0])
        writer.close()

    listening = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    url = address_of(listening)
    assert code_of(await watch(url)) == "connection_lost"
    assert code_of(await watch(url, json={})) == "connection_lost"
    listening.close()
    assert seen == [b"GET"] * 3 + [b"POST"]
    assert code_of(await watch(url, json={})) == "connect_error"


def event(number: int) -> bytes:
    return b"id: %d\n" % number + chat(f"{number} ")


async def test_a_broken_stream_with_ids_goes_on_where_it_was() -> None:
    answers = [
        Answer([b"retry: 0\n", event(1), event(2), event(3)[:-1]], whole=False),
        Answer([], whole=False, end="reset"),
        Answer([b"retry: 0\n", event(3)], whole=False, end="reset"),
        Answer([event(4), DONE]),
    ]
    async with serving(*answers) as server:
        with_times = nbagent.connect(server.url)
        run = Run(with_times)
        run.start()
        await run
    assert (run.text, run.status) == ("1 2 3 4 ", "completed")
    assert [seen.headers.get("last-event-id") for seen in server.seen] == [None, "2", "2", "3"]


@pytest.mark.parametrize(
    ("answer", "options", "status"),
    [
        (Answer([event(1), chat("2 ")], whole=False), {}, "failed"),
        (Answer([event(1), event(2)], whole=False), {"json": {}}, "failed"),
        (Answer([event(1), event(2)], whole=False), {"reconnect": False}, "failed"),
        (Answer([event(1), event(2)]), {}, "incomplete"),
    ],
)
async def test_nothing_is_asked_for_twice(
    answer: Answer, options: dict[str, Any], status: str, at_once: None
) -> None:
    async with serving(answer) as server:
        run = await watch(server.url, **options)
    assert (run.text, run.status, len(server.seen)) == ("1 2 ", status, 1)


async def test_reconnecting_in_vain_has_an_end(at_once: None) -> None:
    async with serving(Answer([event(1)], whole=False), Answer([], whole=False)) as server:
        run = await watch(server.url)
    assert (run.text, code_of(run)) == ("1 ", "connection_lost")
    assert len(server.seen) == 1 + resumption.MAX_RECONNECTS


async def test_no_content_ends_the_stream(at_once: None) -> None:
    async with serving(
        Answer([event(1)], whole=False), Answer(b"", "204 No Content", framing="none")
    ) as server:
        run = await watch(server.url)
    assert (run.text, run.status, len(server.seen)) == ("1 ", "incomplete", 2)

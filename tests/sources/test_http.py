"""Streams by their address, from a real server: what arrives, and what is said where it does not."""

import asyncio
import base64
import functools
import gzip
import itertools
import json
import logging
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from adapters import frameworks, protocols, recorded
from sources.loopback import Answer, Seen, address_of, serving

import nbagent
from nbagent import events as ev
from nbagent.adapters.decoder import Decoder
from nbagent.adapters.detect import DetectingDecoder
from nbagent.errors import StreamError
from nbagent.run import Run
from nbagent.sources import http
from nbagent.sources.request import Request, RequestOptions
from nbagent.wire.body import BodyDecoder
from nbagent.wire.sse import EventTooLarge


def chat(text: str) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}).encode() + b"\n\n"


DONE = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
HELLO = [chat("Hel"), chat("lo")]


async def watch(url: str, **options: Any) -> Run:
    run = Run(nbagent.connect(url, **options))
    run.start()
    return await run


async def items_of(url: str, **options: Any) -> list[Any]:
    return [item async for item in nbagent.connect(url, **options)]


def code_of(run: Run) -> str | None:
    return run.error.code if isinstance(run.error, StreamError) else None


# --- what arrives --------------------------------------------------------------------------------------------------------


def streams() -> Iterable[tuple[str, Decoder, list[Any], Path]]:
    """Every recording of one stream: its name, its decoder, and its items by the simplest reading."""
    for path in [*recorded.RESPONSES, *recorded.CHAT, *recorded.PROVIDERS]:
        yield recorded.name_of(path), recorded.decoder_of(path), recorded.payloads(path), path
    for name, (folder, items) in protocols.STREAMS.items():
        for path in (recorded.FOLDER / folder).glob(f"{name.split('/')[1]}.*"):
            yield name, protocols.decoder_of(name), items, path
    for path in frameworks.RECORDINGS:
        yield recorded.name_of(path), frameworks.decoder_of(path), frameworks.items_of(path), path


async def test_every_recording_from_its_address_is_what_its_items_are() -> None:
    types = {".sse": "text/event-stream", ".txt": "text/event-stream", ".json": "application/json"}
    steps = itertools.cycle([7, 64, 1000, 1_000_000])
    count = 0
    async with serving() as server, httpx2.AsyncClient() as client:
        for count, (name, decoder, items, path) in enumerate(streams(), 1):  # noqa: B007
            body, step = path.read_bytes(), max(next(steps), path.stat().st_size // 200)
            pieces = [body[at : at + step] for at in range(0, len(body), step)]
            server.answers = [Answer(pieces, content_type=types.get(path.suffix, "application/x-ndjson"))]
            got = await items_of(server.url, client=client)
            assert recorded.decode(DetectingDecoder(), got) == recorded.decode(decoder, items), name
    assert count > 150


async def test_every_framing_is_read_under_any_name() -> None:
    said = [{"type": "token", "content": "Hi"}, {"type": "done"}]
    bodies = [
        "".join(f"data: {json.dumps(item)}\n\n" for item in said),
        "".join(f"{json.dumps(item)}\n" for item in said),
        "".join(json.dumps(item, indent=2) for item in said),
        json.dumps(said),
    ]
    types = ["text/event-stream", "application/json", "text/plain", "application/octet-stream", "text/html", ""]
    cases = list(itertools.product(bodies, types))
    async with serving(*(Answer(body.encode(), content_type=kind) for body, kind in cases)) as server:
        for case in cases:
            assert await items_of(server.url) == said, case


async def test_text_comes_as_it_comes() -> None:
    async with serving(Answer(["Grü".encode()[:3], "Grü".encode()[3:], b"sse"], content_type="text/plain")) as server:
        run = await watch(server.url)
    assert (run.text, run.status) == ("Grüsse", "completed")


async def test_a_compressed_body_is_read_as_it_comes() -> None:
    packed = gzip.compress(b"".join([*HELLO, DONE]))
    pieces = [packed[at : at + 5] for at in range(0, len(packed), 5)]
    async with serving(Answer(pieces, headers={"content-encoding": "gzip"})) as server:
        run = await watch(server.url)
    assert (run.text, run.status) == ("Hello", "completed")


async def test_a_body_that_comes_byte_by_byte_is_read() -> None:
    body = b"".join([*HELLO, DONE])
    async with serving(Answer([body[at : at + 1] for at in range(len(body))])) as server:
        run = await watch(server.url)
    assert (run.text, run.status) == ("Hello", "completed")


async def test_a_header_names_the_system_before_an_item_does() -> None:
    header = {"x-vercel-ai-ui-message-stream": "v1"}
    async with serving(Answer([b'data: {"type":"what-is-this"}\n\n'], headers=header)) as server:
        stream = nbagent.connect(server.url)
        run = Run(stream)
        run.start()
        await run
    assert stream.adapter == "vercel.ui"
    assert not [event for event in run.events if isinstance(event, ev.Status)]  # nobody asks whose items these are


# --- what is asked -------------------------------------------------------------------------------------------------------


async def asked(url: str = "/chat", **options: Any) -> Seen:
    async with serving(Answer(DONE)) as server:
        await items_of(server.url + url, **options)
    (seen,) = server.seen
    return seen


async def test_a_request_without_a_body_is_a_get_that_says_what_is_read() -> None:
    seen = await asked()
    assert (seen.method, seen.path, seen.body) == ("GET", "/chat", b"")
    assert seen.headers["accept"].startswith("text/event-stream, application/x-ndjson, application/json")


async def test_a_request_is_what_its_options_say() -> None:
    headers = {"Accept": "text/x", "X-Own": "yes"}
    seen = await asked("/chat?a=1", json={"say": "Grüße"}, headers=headers, params={"b": "2"}, auth=("me", "open sesame"))
    assert (seen.method, seen.path) == ("POST", "/chat?a=1&b=2")
    assert json.loads(seen.body) == {"say": "Grüße"}
    assert (seen.headers["accept"], seen.headers["x-own"]) == ("text/x", "yes")
    assert seen.headers["content-type"] == "application/json"
    assert base64.b64decode(seen.headers["authorization"].split()[1]) == b"me:open sesame"
    seen = await asked(content="say", method="put")
    assert (seen.method, seen.body) == ("PUT", b"say")


def test_options_that_make_no_sense_are_refused_at_once() -> None:
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("ftp://example.com", {}, "'ftp'"),
        ("https:///chat", {}, "host"),
        ("https://example.com", {"json": {}, "content": ""}, "not both"),
        ("https://example.com", {"timeout": 0}, "timeout is a positive"),
        ("https://example.com", {"idle_timeout": -1.0}, "idle_timeout"),
        ("grpc://example.com/Service", {}, "package.Service/Method"),
    ]
    for url, options, said in cases:
        with pytest.raises(ValueError, match=said):
            nbagent.connect(url, **options)


def test_a_client_that_cannot_be_awaited_is_refused_at_once() -> None:
    with httpx2.Client() as client, pytest.raises(TypeError, match=r"AsyncClient; got Client"):
        nbagent.connect("https://example.com", client=client)  # type: ignore[arg-type]


def test_connect_and_show_take_the_same_options() -> None:
    import inspect

    options = list(inspect.signature(nbagent.connect).parameters)[1:]
    assert options == list(RequestOptions.__annotations__)
    assert options == list(Request.__dataclass_fields__)[1:]


async def test_show_takes_an_address_and_what_is_asked_there(capsys: pytest.CaptureFixture[str]) -> None:
    async with serving(Answer([*HELLO, DONE])) as server:
        run = await nbagent.show(f"{server.url}/chat?x=1", json={"say": "hi"}, face="console")
    assert (run.text, run.status) == ("Hello", "completed")
    assert run.name == server.url.removeprefix("http://") + "/chat"
    assert server.seen[0].method == "POST"
    assert "Hello" in capsys.readouterr().out


async def test_a_text_that_is_no_address_is_a_text(capsys: pytest.CaptureFixture[str]) -> None:
    run = await nbagent.show("see https://example.com", face="console")
    assert run.text == "see https://example.com"
    with pytest.raises(TypeError, match="json"):
        nbagent.show("see https://example.com", json={})


async def test_a_client_of_ones_own_is_used_on_its_loop_and_left_open() -> None:
    async with serving(Answer([*HELLO, DONE])) as server, httpx2.AsyncClient(headers={"x-mine": "1"}) as client:
        run = await watch(server.url, client=client)
        assert not client.is_closed
    assert (run.text, server.seen[0].headers["x-mine"]) == ("Hello", "1")


# --- what goes wrong -----------------------------------------------------------------------------------------------------


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
        (Answer([*HELLO, b'event: error\ndata: {"error":{"message":"no","code":"x1"}}\n\n']), "failed", "x1"),
        (Answer([*HELLO, b'data: {"choices":[{"ind']), "incomplete", None),
    ],
)
async def test_a_stream_that_breaks_ends_as_it_broke_and_keeps_what_came(answer: Answer, status: str, code: str | None) -> None:
    async with serving(answer) as server:
        run = await watch(server.url, json={}, idle_timeout=0.2)
    assert (run.text, run.status, code_of(run)) == ("Hello", status, code)
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("answer", "message", "code"),
    [
        (Answer(b'{"error":{"message":"Slow down","type":"x","code":null}}', "429 Too Many Requests"), "Slow down", "429"),
        (Answer(b'{"error":{"message":"No","code":"invalid_api_key"}}', "401 Unauthorized"), "No", "invalid_api_key"),
        (Answer(b'[{"error":{"code":400,"message":"Bad","status":"X"}}]', "400 Bad Request"), "Bad", "400"),
        (Answer(b'{"detail":[{"loc":["body"],"msg":"field required"}]}', "422 Unprocessable Entity"), "field required", "422"),
        (Answer(b'{"detail":"Not Found"}', "404 Not Found"), "Not Found", "404"),
        (Answer(b"out of order", "500 Internal Server Error"), "out of order", "500"),
        (Answer(b"<html><title>Bad\nGateway</title>", "502 Bad Gateway"), "Bad Gateway", "502"),
        (Answer(b"", "503 Service Unavailable"), "503 Service Unavailable from", "503"),
        (Answer(b"x" * 200_000, "599 Whatever", whole=False, end="stall"), "599 from", "599"),
    ],
)
async def test_an_errors_status_is_told_in_the_services_own_words(answer: Answer, message: str, code: str) -> None:
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
        run = await watch(server.url, timeout=0.2)
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


async def test_no_connection_in_time_says_which_time() -> None:
    # A listener whose queue is full takes no more connections, and does not refuse them either.
    import socket

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


# --- again ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waits between tries."""
    monkeypatch.setattr(http, "_BACKOFF", 0.0)
    monkeypatch.setattr(http, "_RECONNECTION_TIME", 0.0)


BUSY = Answer(b"{}", "429 Too Many Requests", headers={"retry-after": "0"})


async def test_who_is_told_when_to_come_back_comes_back() -> None:
    later = Answer(b"", "503 Service Unavailable", headers={"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"})
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


async def test_a_connection_that_breaks_before_the_answer_is_tried_again_only_where_that_does_no_harm(at_once: None) -> None:
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
async def test_nothing_is_asked_for_twice(answer: Answer, options: dict[str, Any], status: str, at_once: None) -> None:
    async with serving(answer) as server:
        run = await watch(server.url, **options)
    assert (run.text, run.status, len(server.seen)) == ("1 2 ", status, 1)


async def test_reconnecting_in_vain_has_an_end(at_once: None) -> None:
    async with serving(Answer([event(1)], whole=False), Answer([], whole=False)) as server:
        run = await watch(server.url)
    assert (run.text, code_of(run)) == ("1 ", "connection_lost")
    assert len(server.seen) == 1 + http.RECONNECTS


async def test_no_content_ends_the_stream(at_once: None) -> None:
    async with serving(Answer([event(1)], whole=False), Answer(b"", "204 No Content", framing="none")) as server:
        run = await watch(server.url)
    assert (run.text, run.status, len(server.seen)) == ("1 ", "incomplete", 2)


# --- what nobody may see -------------------------------------------------------------------------------------------------


@pytest.fixture
async def two_hosts() -> AsyncIterator[tuple[Any, Any]]:
    async with serving(Answer(DONE)) as there:
        elsewhere = there.url.replace("127.0.0.1", "localhost")
        moved = [Answer(b"", "307 Temporary Redirect", headers={"location": place}) for place in ("/next", f"{elsewhere}/end")]
        async with serving(*moved) as here:
            yield here, there


async def test_credentials_go_along_a_redirect_only_on_the_same_host(two_hosts: tuple[Any, Any]) -> None:
    here, there = two_hosts
    secret = {"x-api-key": "k-0123456789", "authorization": "Bearer t-0123456789", "cookie": "c=0123456789", "x-other": "stays"}
    await items_of(here.url, headers=secret, json={"say": "hi"})
    names = set(secret) - {"cookie"}
    assert [names <= seen.headers.keys() for seen in here.seen] == [True, True]
    (last,) = there.seen
    assert set(secret) & last.headers.keys() == {"x-other"}
    assert (last.method, last.body) == ("POST", b'{"say":"hi"}')


async def test_a_password_does_not_go_along_either(two_hosts: tuple[Any, Any]) -> None:
    here, there = two_hosts
    await items_of(here.url, auth=("me", "open sesame"))
    assert ["authorization" in seen.headers for seen in (*here.seen, *there.seen)] == [True, True, False]


async def test_redirects_have_an_end() -> None:
    async with serving(Answer(b"", "302 Found", headers={"location": "/again"})) as server:
        run = await watch(server.url)
    assert "redirects" in str(run.error)


async def test_no_credential_is_shown_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    words = ["p-sesame-1", "q-sesame-2", "h-sesame-3", "a-sesame-4", "m-sesame-5"]
    echo = json.dumps({"error": {"message": f"not with {' '.join(words)}"}}).encode()
    async with serving(Answer(echo, "401 Unauthorized")) as server:
        url = server.url.replace("http://", f"http://me:{words[0]}@") + f"/chat?key={words[1]}&page=2"
        options: dict[str, Any] = {"headers": {"X-Api-Key": words[2]}, "params": {"token": words[4]}}
        stream = nbagent.connect(url, **options)
        with_auth = await watch(url, auth=("me", words[3]), **options)
        run = Run(stream)
        run.start()
        await run
    assert words[1] in server.seen[0].path
    shown = [repr(stream), repr(run), run.name, str(run.events), str(run.snapshot()), str(with_auth.snapshot()), caplog.text]
    assert [word for word in words for text in shown if word in text] == []
    assert "401 Unauthorized from 127.0.0.1" in str(run.snapshot())


def test_importing_nbagent_loads_no_transport() -> None:
    import subprocess
    import sys

    script = "import nbagent, sys; print([m for m in ('httpx2', 'wsproto', 'grpc', 'openai') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""Streams by their address, from a real server: their items, and their errors."""

import base64
import gzip
import itertools
import json
import logging
import sys
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from adapters import recorded
from campaign import sample
from sources.loopback import Answer, Seen, serving
from sources.watching import DONE, HELLO, items_of, watch

import nbagent
from nbagent import events as ev
from nbagent.adapters.base.decoder import Decoder
from nbagent.adapters.detect import DetectingDecoder
from nbagent.errors import StreamError, UnknownSource
from nbagent.run import Run
from nbagent.run.options import RunOptions
from nbagent.sources.request import IDLE_TIMEOUT_S, Request, RequestOptions

# --- what arrives ---


def streams() -> Iterable[tuple[str, Decoder, list[Any], Path]]:
    """Yield every recording of one stream: its name, its decoder, and its items by the simplest
    reading.
    """
    for recording in recorded.RECORDINGS:
        if not recording.part:
            yield recording.name, recording.decoder(), recording.items, recording.path


async def test_a_recording_from_its_address_is_what_its_items_are() -> None:
    types = {".sse": "text/event-stream", ".txt": "text/event-stream", ".json": "application/json"}
    steps = itertools.cycle([7, 64, 1000, 1_000_000])
    count = 0
    async with serving() as server, httpx2.AsyncClient() as client:
        for count, (name, decoder, items, path) in enumerate(sample(list(streams()), 60), 1):  # noqa: B007
            body, step = path.read_bytes(), max(next(steps), path.stat().st_size // 200)
            pieces = [body[at : at + step] for at in range(0, len(body), step)]
            server.answers = [
                Answer(pieces, content_type=types.get(path.suffix, "application/x-ndjson"))
            ]
            got = await items_of(server.url, client=client)
            assert recorded.decode(DetectingDecoder(), got) == recorded.decode(decoder, items), name
    assert count >= 60


async def test_every_framing_is_read_under_any_name() -> None:
    expected = [{"type": "token", "content": "Hi"}, {"type": "done"}]
    bodies = [
        "".join(f"data: {json.dumps(item)}\n\n" for item in expected),
        "".join(f"{json.dumps(item)}\n" for item in expected),
        "".join(json.dumps(item, indent=2) for item in expected),
        json.dumps(expected),
    ]
    types = [
        "text/event-stream",
        "application/json",
        "text/plain",
        "application/octet-stream",
        "text/html",
        "",
    ]
    cases = list(itertools.product(bodies, types))
    async with serving(
        *(Answer(body.encode(), content_type=kind) for body, kind in cases)
    ) as server:
        for case in cases:
            assert await items_of(server.url) == expected, case


async def test_text_comes_as_it_comes() -> None:
    async with serving(
        Answer(["Grü".encode()[:3], "Grü".encode()[3:], b"sse"], content_type="text/plain")
    ) as server:
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
    (status,) = [event.message for event in run.events if isinstance(event, ev.Status)]
    assert "adapter 'vercel.ui' read 1 item" in status


# --- what is asked ---


async def asked(url: str = "/chat", **options: Any) -> Seen:
    async with serving(Answer(DONE)) as server:
        await items_of(server.url + url, **options)
    (seen,) = server.seen
    return seen


async def test_a_request_without_a_body_is_a_get_that_says_what_is_read() -> None:
    seen = await asked()
    assert (seen.method, seen.path, seen.body) == ("GET", "/chat", b"")
    assert seen.headers["accept"].startswith(
        "text/event-stream, application/x-ndjson, application/json"
    )


async def test_a_request_is_what_its_options_say() -> None:
    headers = {"Accept": "text/x", "X-Own": "yes"}
    seen = await asked(
        "/chat?a=1",
        json={"say": "Grüße"},
        headers=headers,
        params={"b": "2"},
        auth=("me", "open sesame"),
    )
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
        ("https://example.com", {"timeout": 0}, "timeout must be a positive"),
        ("https://example.com", {"idle_timeout": -1.0}, "idle_timeout"),
        ("grpc://example.com/Service", {}, "package.Service/Method"),
    ]
    for url, options, message in cases:
        with pytest.raises(ValueError, match=message):
            nbagent.connect(url, **options)


def test_a_client_that_cannot_be_awaited_is_refused_at_once() -> None:
    with httpx2.Client() as client, pytest.raises(TypeError, match=r"AsyncClient; got Client"):
        nbagent.connect("https://example.com", client=client)  # type: ignore[arg-type]


def test_connect_and_show_take_the_same_options() -> None:
    import inspect

    options = list(inspect.signature(nbagent.connect).parameters)[1:]
    assert [option for option in options if option not in RunOptions.__annotations__] == list(
        RequestOptions.__annotations__
    )
    assert set(options) <= inspect.signature(nbagent.show).parameters.keys()
    assert options == list(Request.__dataclass_fields__)[1:]


async def test_show_takes_an_address_and_what_is_asked_there(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with serving(Answer([*HELLO, DONE])) as server:
        run = await nbagent.show(f"{server.url}/chat?x=1", json={"say": "hi"}, face="console")
    assert (run.text, run.status) == ("Hello", "completed")
    assert run.name == server.url.removeprefix("http://") + "/chat"
    assert server.seen[0].method == "POST"
    assert "Hello" in capsys.readouterr().out


async def test_an_address_may_be_silent_as_long_as_show_allows(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def connect(url: str, **options: Any) -> Any:
        asked.append(options.get("idle_timeout"))
        return nbagent.connect(url, **options)

    monkeypatch.setattr(sys.modules["nbagent.notebook.show"], "connect", connect)
    async with serving(Answer([*HELLO, DONE])) as server:
        await nbagent.show(server.url, face="console", idle_timeout=900)
        await nbagent.show(server.url, face="console")
    assert asked == [900, IDLE_TIMEOUT_S]


async def test_a_text_that_is_no_address_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UnknownSource, match="is a text"):
        nbagent.show("see https://example.com")
    run = await nbagent.show(["see https://example.com"], face="console")
    assert run.text == "see https://example.com"
    with pytest.raises(TypeError, match="json"):
        nbagent.show(["see https://example.com"], json={})


async def test_a_client_of_ones_own_is_used_on_its_loop_and_left_open() -> None:
    async with (
        serving(Answer([*HELLO, DONE])) as server,
        httpx2.AsyncClient(headers={"x-mine": "1"}) as client,
    ):
        run = await watch(server.url, client=client)
        assert not client.is_closed
    assert (run.text, server.seen[0].headers["x-mine"]) == ("Hello", "1")


# --- what nobody may see ---


@pytest.fixture
async def two_hosts() -> AsyncIterator[tuple[Any, Any]]:
    async with serving(Answer(DONE)) as there:
        elsewhere = there.url.replace("127.0.0.1", "localhost")
        moved = [
            Answer(b"", "307 Temporary Redirect", headers={"location": place})
            for place in ("/next", f"{elsewhere}/end")
        ]
        async with serving(*moved) as here:
            yield here, there


async def test_credentials_go_along_a_redirect_only_on_the_same_host(
    two_hosts: tuple[Any, Any],
) -> None:
    here, there = two_hosts
    secret = {
        "x-api-key": "k-0123456789",
        "authorization": "Bearer t-0123456789",
        "cookie": "c=0123456789",
        "x-other": "stays",
    }
    await items_of(here.url, headers=secret, json={"say": "hi"})
    names = set(secret) - {"cookie"}
    assert [names <= seen.headers.keys() for seen in here.seen] == [True, True]
    (last,) = there.seen
    assert set(secret) & last.headers.keys() == {"x-other"}
    assert (last.method, last.body) == ("POST", b'{"say":"hi"}')


async def test_a_password_does_not_go_along_either(two_hosts: tuple[Any, Any]) -> None:
    here, there = two_hosts
    await items_of(here.url, auth=("me", "open sesame"))
    assert ["authorization" in seen.headers for seen in (*here.seen, *there.seen)] == [
        True,
        True,
        False,
    ]


async def test_an_empty_response_is_named_with_its_address() -> None:
    async with serving(Answer(b"")) as server:
        run = await watch(server.url)
    assert isinstance(run.error, StreamError)
    assert (run.status, run.error.code) == ("failed", "empty_response")
    assert server.url.removeprefix("http://").rstrip("/") in str(run.error)


async def test_redirects_have_an_end() -> None:
    async with serving(Answer(b"", "302 Found", headers={"location": "/again"})) as server:
        run = await watch(server.url)
    assert "redirects" in str(run.error)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("http://127.0.0.1:99999/", "there is no port 99999"),
        ("http://[::1/", "redirects to what is no address"),
    ],
)
async def test_a_redirect_to_nowhere_is_a_sentence(place: str, words: str) -> None:
    async with serving(Answer(b"", "302 Found", headers={"location": place})) as server:
        run = await watch(server.url)
    assert words in str(run.error)


async def test_no_credential_is_shown_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    words = ["p-sesame-1", "q-sesame-2", "h-sesame-3", "a-sesame-4", "m-sesame-5"]
    echo = json.dumps({"error": {"message": f"not with {' '.join(words)}"}}).encode()
    async with serving(Answer(echo, "401 Unauthorized")) as server:
        url = (
            server.url.replace("http://", f"http://me:{words[0]}@") + f"/chat?key={words[1]}&page=2"
        )
        options: dict[str, Any] = {
            "headers": {"X-Api-Key": words[2]},
            "params": {"token": words[4]},
        }
        stream = nbagent.connect(url, **options)
        with_auth = await watch(url, auth=("me", words[3]), **options)
        run = Run(stream)
        run.start()
        await run
    assert words[1] in server.seen[0].path
    shown = [
        repr(stream),
        repr(run),
        run.name,
        str(run.events),
        str(run.snapshot()),
        str(with_auth.snapshot()),
        caplog.text,
    ]
    assert [word for word in words for text in shown if word in text] == []
    assert "401 Unauthorized from 127.0.0.1" in str(run.snapshot())


def test_importing_nbagent_loads_no_transport() -> None:
    import subprocess
    import sys

    script = (
        "import nbagent, sys; print([m for m in ('httpx2', 'wsproto', 'grpc', 'openai') if m in "
        "sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"

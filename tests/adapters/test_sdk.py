"""The openai SDK reads the recordings from a server on loopback: its objects decode to the events
of the wire.
"""

import json
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import openai
import pytest
from adapters.recorded import CHAT, FOLDER, RESPONSES, Transcript, decode, name_of, payloads
from campaign import sample

from nbagent import events as ev
from nbagent.adapters.openai_chat.decoder import ChatDecoder
from nbagent.adapters.openai_responses.decoder import ResponsesDecoder
from nbagent.adapters.openai_sessions.decoder import SessionsDecoder

SESSIONS = sorted(FOLDER.glob("openai_sessions/*.sse"))
RECORDED = {f"/{name_of(path)}": path for path in [*RESPONSES, *CHAT, *SESSIONS]}


class Replay(BaseHTTPRequestHandler):
    """Answer a request under /<folder>/<recording>/… with the bytes of that recording."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        body = RECORDED["/" + "/".join(self.path.split("/")[1:3])].read_bytes()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Log nothing."""


@pytest.fixture(scope="session")
def base_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Replay)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def client(base_url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=base_url, api_key="unused", max_retries=0) as client:
        yield client


def open_stream(client: Any, base_url: str, path: Path) -> Any:
    """Return the call of the SDK for that recording, as a user writes it."""
    recorded = client.with_options(base_url=f"{base_url}/{name_of(path)}")
    if path in CHAT:
        return recorded.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "?"}], stream=True
        )
    return recorded.responses.create(model="m", input="?", stream=True)


def from_wire(path: Path) -> list[ev.Event]:
    return decode(ChatDecoder() if path in CHAT else ResponsesDecoder(), payloads(path))


def check(path: Path, events: list[ev.Event], error: Exception | None) -> None:
    wire = from_wire(path)
    if isinstance(error, json.JSONDecodeError):
        # A payload that is no JSON: the wire's reader has more patience than the SDK.
        assert Transcript.of(events).end.status == "failed"  # type: ignore[union-attr]
        return
    by_sdk, by_wire = Transcript.of(events), Transcript.of(wire)
    assert by_sdk.texts == by_wire.texts
    assert by_sdk.thoughts == by_wire.thoughts
    assert by_sdk.tools == by_wire.tools
    assert by_sdk.end is not None
    assert by_wire.end is not None
    assert (by_sdk.end.status, by_sdk.end.usage) == (by_wire.end.status, by_wire.end.usage)
    messages = [
        [event.message for event in events if isinstance(event, ev.Error)]
        for events in (events, wire)
    ]
    assert messages[0] == messages[1]
    if error is None:
        assert events == wire


@pytest.mark.parametrize("path", [*RESPONSES, *CHAT], ids=name_of)
def test_objects_of_the_sync_client_mean_what_the_wire_meant(
    client: openai.OpenAI, base_url: str, path: Path
) -> None:
    decoder = ChatDecoder() if path in CHAT else ResponsesDecoder()
    events: list[ev.Event] = []
    error: Exception | None = None
    try:
        for item in open_stream(client, base_url, path):
            events += decoder.feed(item)
    except (openai.APIError, json.JSONDecodeError) as caught:
        error = caught
    check(path, [*events, *decoder.close(error)], error)


@pytest.mark.parametrize("path", sample([*RESPONSES, *CHAT], 24), ids=name_of)
async def test_objects_of_the_async_client_mean_what_the_wire_meant(
    base_url: str, path: Path
) -> None:
    decoder = ChatDecoder() if path in CHAT else ResponsesDecoder()
    events: list[ev.Event] = []
    error: Exception | None = None
    async with openai.AsyncOpenAI(base_url=base_url, api_key="unused", max_retries=0) as client:
        try:
            stream: AsyncIterator[Any] = await open_stream(client, base_url, path)
            async for item in stream:
                events += decoder.feed(item)
        except (openai.APIError, json.JSONDecodeError) as caught:
            error = caught
    check(path, [*events, *decoder.close(error)], error)


@pytest.mark.parametrize(
    "path", [path for path in CHAT if "tool-then-text" in path.stem], ids=name_of
)
def test_the_chat_stream_helper_says_nothing_twice(
    client: openai.OpenAI, base_url: str, path: Path
) -> None:
    recorded = client.with_options(base_url=f"{base_url}/{name_of(path)}")
    with recorded.chat.completions.stream(
        model="m", messages=[{"role": "user", "content": "?"}]
    ) as stream:
        events = decode(ChatDecoder(), stream)
    assert Transcript.of(events).texts == Transcript.of(from_wire(path)).texts
    assert Transcript.of(events).tools == Transcript.of(from_wire(path)).tools


@pytest.mark.parametrize(
    "path", [path for path in RESPONSES if "phase-commentary" in path.stem], ids=name_of
)
def test_the_responses_stream_helper_says_nothing_twice(
    client: openai.OpenAI, base_url: str, path: Path
) -> None:
    recorded = client.with_options(base_url=f"{base_url}/{name_of(path)}")
    with recorded.responses.stream(model="m", input="?") as stream:
        events = decode(ResponsesDecoder(), stream)
    assert Transcript.of(events).texts == Transcript.of(from_wire(path)).texts
    assert Transcript.of(events).tools == Transcript.of(from_wire(path)).tools


@pytest.mark.parametrize("path", SESSIONS, ids=name_of)
def test_a_hosted_session_s_events_mean_what_the_wire_meant(
    client: openai.OpenAI, base_url: str, path: Path
) -> None:
    sessions = client.with_options(base_url=f"{base_url}/{name_of(path)}").beta.agents.sessions
    with sessions.create(
        environment={"type": "none"}, agent_id="a", input="?", stream=True
    ) as stream:
        assert decode(SessionsDecoder(), stream) == decode(SessionsDecoder(), payloads(path))

"""Streams of the encoders, read from a real server by the real openai SDK and put together by its
helpers.
"""

import threading
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import openai
import pytest
from adapters.encoders.normalized import blocks_of, encoded, normalized
from adapters.encoders.test_round_trip import RECORDINGS, recorded
from adapters.recorded import name_of
from campaign import sample
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from nbagent import events as ev
from nbagent.adapters.decoders import decoder_named
from nbagent.adapters.encode import encode
from nbagent.adapters.encoders import encoder_named

PATHS = sample(RECORDINGS, 15)
QUESTION: Any = {"role": "user", "content": "?"}


def test_the_sdk_accumulates_the_sources_of_a_chat() -> None:
    events = [ev.Source(id=str(number), url=f"https://{number}.example") for number in range(3)]
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    for item in encoded(encoder_named("openai.chat"), [*events, ev.RunEnd(status="completed")]):
        if not isinstance(item, str):
            state.handle_chunk(ChatCompletionChunk.model_validate(item))
    sources = state.get_final_completion().choices[0].message.annotations or []
    assert [source.url_citation.url for source in sources] == [event.url for event in events]


class EncodedReplies(BaseHTTPRequestHandler):
    """Answers a request under /<number of the recording>/… with that recording, encoded for the
    endpoint.
    """

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        _, number, path = self.path.split("/", 2)
        system = {
            "chat": "openai.chat",
            "responses": "openai.responses",
            "threads": "openai.assistants",
        }[path.split("/")[0]]
        self.send_response(200)
        for name, value in encoder_named(system).headers.items():
            self.send_header(name, value)
        self.end_headers()
        for piece in encode(recorded(PATHS[int(number)]), system, "bytes"):
            self.wfile.write(piece)

    def log_message(self, *args: Any) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def clients() -> Iterator[dict[Path, openai.OpenAI]]:
    """Yield a client for each recording."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), EncodedReplies)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    with openai.OpenAI(base_url=url, api_key="unused", max_retries=0) as client:
        yield {
            path: client.with_options(base_url=f"{url}/{number}")
            for number, path in enumerate(PATHS)
        }
    server.shutdown()
    thread.join()
    server.server_close()


def seen(stream: Any, system: str) -> list[ev.Event]:
    """Return the events of a stream of the SDK's objects, and of the error that ended it."""
    decoder = decoder_named(system)
    events: list[ev.Event] = []
    try:
        for item in stream:
            events += decoder.feed(item)
    except openai.APIError as error:
        return [*events, *decoder.close(error)]
    return [*events, *decoder.close()]


def from_items(path: Path, system: str) -> list[ev.Event]:
    decoder = decoder_named(system)
    items = encode(recorded(path), system)
    return [*(event for item in items for event in decoder.feed(item)), *decoder.close()]


def same(by_sdk: list[ev.Event], by_wire: list[ev.Event]) -> bool:
    """Return True if both show the same, except for the error's class and the items after it, which
    the SDK hides.
    """
    blocks = [
        [
            [block.get(name) for name in ("kind", "text", "name", "args_text", "result")]
            for block in blocks_of(normalized(events))
        ]
        for events in (by_sdk, by_wire)
    ]
    errors = [
        [e.message for e in events if isinstance(e, ev.Error) and e.fatal]
        for events in (by_sdk, by_wire)
    ]
    return blocks[0] == blocks[1] and errors[0] == errors[1]


def final_of(path: Path, system: str) -> str:
    """Return the text of a recording, as the system separates texts."""
    return "".join(
        block["text"]
        for block in blocks_of(normalized(from_items(path, system)))
        if block.get("text_kind") == "text"
    )


@pytest.mark.parametrize("path", PATHS, ids=name_of)
def test_chat_completions(clients: dict[Path, openai.OpenAI], path: Path) -> None:
    completions = clients[path].chat.completions
    by_wire = from_items(path, "openai.chat")
    assert same(
        seen(completions.create(model="m", messages=[QUESTION], stream=True), "openai.chat"),
        by_wire,
    )
    if by_wire[-1].status != "completed":  # type: ignore[union-attr]
        return
    with completions.stream(model="m", messages=[QUESTION]) as stream:
        message = stream.get_final_completion().choices[0].message
    assert (message.content or "") == final_of(path, "openai.chat")
    calls = [
        (call["name"], call["args_text"])
        for call in blocks_of(normalized(by_wire))
        if call["kind"] == "tool"
    ]
    assert [
        (call.function.name, call.function.arguments) for call in message.tool_calls or ()
    ] == calls


@pytest.mark.parametrize("path", PATHS, ids=name_of)
def test_responses(clients: dict[Path, openai.OpenAI], path: Path) -> None:
    responses = clients[path].responses
    by_wire = from_items(path, "openai.responses")
    assert same(
        seen(responses.create(model="m", input="?", stream=True), "openai.responses"), by_wire
    )
    if by_wire[-1].status != "completed":  # type: ignore[union-attr]
        return
    with responses.stream(model="m", input="?") as stream:
        response = stream.get_final_response()
    assert response.output_text == final_of(path, "openai.responses")


@pytest.mark.parametrize("path", PATHS, ids=name_of)
def test_assistants(clients: dict[Path, openai.OpenAI], path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the whole API is deprecated
        runs = clients[path].beta.threads.runs
        stream = runs.create(thread_id="t", assistant_id="a", stream=True)
        assert same(seen(stream, "openai.assistants"), from_items(path, "openai.assistants"))
        with runs.stream(thread_id="t", assistant_id="a") as helper:
            helper.until_done()
            text = final_of(path, "openai.assistants")
            messages = helper.get_final_messages() if text else []  # it raises if there is none
    assert (
        "".join(
            part.text.value
            for message in messages
            for part in message.content
            if part.type == "text"
        )
        == text
    )

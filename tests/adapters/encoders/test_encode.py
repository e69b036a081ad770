"""`encode()`: items, bytes and messages of a stream, sync and async, with every possible end."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from adapters.encoders.normalized import EACH_ENCODER, decoded, encoded
from adapters.recorded import FOLDER
from hypothesis import given, settings
from hypothesis import strategies as st
from streams import event_streams

import nbagent
from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder
from nbagent.adapters.base.frames import sse
from nbagent.adapters.base.losses import Loss
from nbagent.adapters.detect import DetectingDecoder
from nbagent.adapters.encoders import ALIASES, encoder_named, encoders
from nbagent.errors import UnknownSystem
from nbagent.run import Run
from nbagent.sources.recording import replay
from nbagent.sources.wire.sse import SSEDecoder

EVENTS: list[ev.Event] = [
    ev.RunStart(model="gpt-x"),
    ev.TextStart(id="t"),
    ev.TextDelta(id="t", delta="Hel\nlo"),
    ev.TextEnd(id="t"),
    ev.RunEnd(status="completed"),
]


def body(chunks: Iterator[bytes], encoder: type[BaseEncoder]) -> list[Any]:
    """Return the payloads of a body by nbagent's SSE reader, or of lines.

    Agentor's body has no framing: it is cut anywhere.
    """
    whole = b"".join(chunks)
    if encoder.system == "agentor":
        return [whole[:11], whole[11:]]
    if encoder.system == "nbagent":
        return [json.loads(line) for line in whole.splitlines()]
    decoder = SSEDecoder()
    events = decoder.feed(whole)
    payloads = [
        json.loads(event.data) if event.data.startswith("{") else event.data for event in events
    ]
    if encoder.system == "openai.assistants":  # only the frame has the name
        return [
            {"event": event.event, "data": payload}
            for event, payload in zip(events, payloads, strict=True)
        ]
    if encoder.system == "hector":
        named = zip((event.event for event in events), payloads, strict=True)
        return [
            payload if name == "message" else {"event": name, "data": payload}
            for name, payload in named
        ]
    return payloads


@given(event_streams())
@settings(deadline=None, max_examples=15)
def test_the_bytes_of_a_body_decode_to_the_same_events_as_the_items(events: list[ev.Event]) -> None:
    for encoder in encoders():
        items = list(nbagent.encode(events, encoder.system))
        assert decoded(
            encoder(), body(nbagent.encode(events, encoder.system, "bytes"), encoder)
        ) == decoded(encoder(), items)


@EACH_ENCODER
def test_messages_are_items_as_text(encoder: type[BaseEncoder]) -> None:
    items = list(nbagent.encode(EVENTS, encoder.system))
    messages = list(nbagent.encode(EVENTS, encoder.system, "messages"))
    assert [
        item if isinstance(item, str) else json.loads(text)
        for item, text in zip(items, messages, strict=True)
    ] == items


def answer_of(agent: str, answer: str) -> list[ev.Event]:
    text: list[ev.Event] = [
        ev.TextStart(id="t"),
        ev.TextDelta(id="t", delta=answer),
        ev.TextEnd(id="t"),
    ]
    return [ev.RunStart(name=agent), *text, ev.RunEnd(status="completed")]


TWO = [*answer_of("poet", "A rose."), *answer_of("critic", "Is a rose.")]


@EACH_ENCODER
def test_two_agents_in_one_generator_are_one_stream_with_both_answers(
    encoder: type[BaseEncoder],
) -> None:
    items = list(nbagent.encode(iter(TWO), encoder.system))
    run = Run(items).wait(5)
    assert (run.text, run.status) == ("A rose.\n\nIs a rose.", "completed")


async def test_two_agents_of_an_async_generator_are_one_stream_too() -> None:
    async def both() -> AsyncIterator[ev.Event]:
        for event in TWO:
            yield event

    items = [item async for item in nbagent.encode(both(), "hector")]
    assert items == [
        {"chunk": "A rose."},
        {"chunk": "\n\nIs a rose."},
        {"event": "done", "data": "[DONE]"},
    ]


def test_a_second_run_that_breaks_off_fails_the_stream() -> None:
    with_error = ev.Error(message="no more", fatal=True), ev.RunEnd(status="failed")
    items = list(nbagent.encode([*TWO[:5], *TWO[5:8], *with_error], "hector"))
    assert Run(items).wait(5).status == "failed"


def test_hectors_frames_are_those_of_its_documentation() -> None:
    frames = [b'id: 1\ndata: {"chunk":"Hel\\nlo"}\n\n', b"id: 2\nevent: done\ndata: [DONE]\n\n"]
    assert list(nbagent.encode(EVENTS, "hector", "bytes")) == frames


def test_agentors_body_is_json_over_many_lines() -> None:
    chunk = next(nbagent.encode(EVENTS, "agentor", "bytes"))
    assert chunk.startswith(b'{\n  "type": "raw_response_event",\n')
    assert chunk.endswith(b"}\n")


def test_dexto_and_openai_write_an_events_name_into_its_frame() -> None:
    thinking = b'id: 1\nevent: llm:thinking\ndata: {"name":"llm:thinking"'
    assert next(nbagent.encode(EVENTS, "dexto", "bytes")).startswith(thinking)
    frames = list(nbagent.encode(EVENTS, "openai.assistants", "bytes"))
    assert frames[0].startswith(b'id: 1\nevent: thread.run.created\ndata: {"id":')
    assert frames[-1] == b"id: %d\nevent: done\ndata: [DONE]\n\n" % len(frames)


def test_our_own_events_are_sent_as_a_recording(tmp_path: Path) -> None:
    path = tmp_path / "sent.jsonl"
    path.write_bytes(b"".join(nbagent.encode(EVENTS, "nbagent", "bytes")))
    assert nbagent.load(path) == EVENTS
    header, *events = nbagent.encode(EVENTS, "nbagent")
    assert isinstance(header, dict)
    assert (header["type"], header["format"]) == ("recording", 1)
    assert events == [ev.to_dict(event) for event in EVENTS]


def test_the_header_of_a_recording_is_no_event() -> None:
    decoder = DetectingDecoder()
    items = nbagent.encode(EVENTS, "nbagent")
    assert [*(event for item in items for event in decoder.feed(item)), *decoder.close()] == EVENTS


def test_an_event_of_many_lines_is_many_fields() -> None:
    assert sse("a\nb\r\nc\rd", "named") == b"event: named\ndata: a\ndata: b\ndata: c\ndata: d\n\n"
    assert sse("", id_=7) == b"id: 7\ndata: \n\n"


@EACH_ENCODER
def test_every_server_sent_event_has_an_id_with_which_a_client_can_go_on(
    encoder: type[BaseEncoder],
) -> None:
    decoder = SSEDecoder()
    ids = [
        (event.id, decoder.resumable)
        for frame in nbagent.encode(EVENTS, encoder.system, "bytes")
        for event in decoder.feed(frame)
    ]
    assert ids == [(str(number), True) for number in range(1, len(ids) + 1)]
    # whose bodies have other framings
    assert bool(ids) == (encoder.system not in ("agentor", "nbagent"))


def test_the_headers_are_the_systems_own() -> None:
    assert encoder_named("vercel.ui").headers["x-vercel-ai-ui-message-stream"] == "v1"
    types = {encoder.system: encoder.headers["content-type"] for encoder in encoders()}
    assert types.pop("nbagent") == "application/x-ndjson"
    assert set(types.values()) == {"text/event-stream"}


@EACH_ENCODER
def test_no_cache_or_proxy_holds_a_body_back(encoder: type[BaseEncoder]) -> None:
    assert (encoder.headers["cache-control"], encoder.headers["x-accel-buffering"]) == (
        "no-cache",
        "no",
    )


def test_an_encoded_stream_has_the_headers_and_losses_of_its_system() -> None:
    stream = nbagent.encode(EVENTS, "vercel")
    assert (stream.system, repr(stream)) == ("vercel.ui", "<EncodedIterator for vercel.ui>")
    assert stream.headers == encoder_named("vercel.ui").headers
    assert "model name" in stream.loses
    assert "sources" not in stream.loses


def test_encoders_are_imported_when_a_stream_is_encoded() -> None:
    code = """
import sys, nbagent
nbagent.encode
assert "nbagent.adapters.hector.encoder" not in sys.modules
nbagent.encode([], "hector")
assert "nbagent.adapters.hector.encoder" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


# --- reading the events ---


@EACH_ENCODER
async def test_a_live_run_is_encoded_as_its_events_come(encoder: type[BaseEncoder]) -> None:
    run = Run(iter(EVENTS))
    run.start()
    live = [item async for item in nbagent.encode(run.stream(), encoder.system)]
    assert live == list(nbagent.encode(run.events, encoder.system))
    assert decoded(encoder(), live)[-1].status == "completed"  # type: ignore[union-attr]


@EACH_ENCODER
def test_an_error_while_reading_is_encoded_then_raised(encoder: type[BaseEncoder]) -> None:
    def broken() -> Iterator[ev.Event]:
        yield from EVENTS[:3]
        raise ConnectionError("refused the key sk-proj-abcdefghijklmnopqrstuvwxyz0123456789")

    items: list[Any] = []
    with pytest.raises(ConnectionError):
        items.extend(nbagent.encode(broken(), encoder.system))
    body = json.dumps(items)
    assert "refused the key" in body
    assert "abcdefghijklmnop" not in body


async def test_an_error_while_reading_an_async_iterable_is_encoded_then_raised() -> None:
    async def broken() -> AsyncIterator[ev.Event]:
        for event in EVENTS[:3]:
            yield event
        raise ConnectionError("gone")

    items: list[Any] = []
    with pytest.raises(ConnectionError):
        async for item in nbagent.encode(broken(), "vercel.ui"):
            items.append(item)  # noqa: PERF401 - a comprehension would lose the items before the error
    assert [item["type"] for item in items[-3:-1]] == ["error", "finish"]


async def test_closing_the_stream_closes_the_source() -> None:
    closed = []

    async def source() -> AsyncIterator[ev.Event]:
        try:
            for event in EVENTS:
                yield event
        finally:
            closed.append(True)

    stream = nbagent.encode(source(), "ag_ui")
    await anext(stream)
    await stream.aclose()
    assert closed == [True]


LAST_WORDS = {
    **{system: {"[DONE]"} for system in ("vercel.ui", "vercel.ui.v5", "openai.chat")},
    "ag_ui": {"RUN_FINISHED", "RUN_ERROR"},
    "openai.responses": {"response.completed", "response.incomplete", "response.failed"},
    "openai.assistants": {"done"},
    "nearai": {
        f"thread.run.{state}" for state in ("completed", "requires_action", "error", "canceled")
    },
    "dexto": {"run:complete"},
    "hector": {"done", "error"},
    "status.tokens": {"done"},
    "nbagent": {"run.end"},
}
"""Last item, or its name, of each system's streams. Agentor's have none: they just end."""


@EACH_ENCODER
@pytest.mark.parametrize("status", [*get_args(ev.RunStatus), None])
def test_a_stream_ends_with_a_word_of_its_system_however_the_run_does(
    encoder: type[BaseEncoder], status: ev.RunStatus | None
) -> None:
    events = [*EVENTS[:-1], *([ev.RunEnd(status=status)] if status else [])]
    last: Any = list(nbagent.encode(events, encoder.system))[-1]
    name = last if isinstance(last, str) else last.get("event") or last.get("type")
    assert name in LAST_WORDS.get(encoder.system, {name})


@EACH_ENCODER
def test_nothing_follows_the_end(encoder: type[BaseEncoder]) -> None:
    instance = encoder()
    assert encoded(instance, EVENTS)
    assert (
        list(instance.feed(EVENTS[2]))
        == list(instance.close())
        == list(instance.close(ValueError("late")))
        == []
    )


@EACH_ENCODER
def test_deltas_without_a_start_are_encoded(encoder: type[BaseEncoder]) -> None:
    events = [
        ev.TextDelta(id="t", delta="Hi"),
        ev.ToolArgs(id="c", args={}),
        ev.ReasoningDelta(id="r", delta="Hm"),
    ]
    decoded_events = decoded(encoder(), encoded(encoder(), [*events, EVENTS[-1]]))
    assert "Hi" in "".join(
        event.delta for event in decoded_events if isinstance(event, ev.TextDelta)
    )


def test_a_repeated_call_id_is_made_unique() -> None:
    twice = [
        event
        for id_ in "ab"
        for event in (ev.ToolStart(id=id_, name="f", call_id="call_0"), ev.ToolArgs(id=id_))
    ]
    items: Any = encoded(encoder_named("ag_ui"), [*twice, EVENTS[-1]])
    assert len({item["toolCallId"] for item in items if item["type"] == "TOOL_CALL_START"}) == 2


# --- names and values ---


def test_an_alias_names_a_system() -> None:
    for alias, system in ALIASES.items():
        assert encoder_named(alias).system == system


def test_an_unknown_system_or_form_is_named_before_anything_is_read() -> None:
    with pytest.raises(UnknownSystem, match=r"'vercle'.*vercel\.ui.*openai\.chat"):
        nbagent.encode([], "vercle")
    with pytest.raises(ValueError, match=r"as_='text'.*'items', 'bytes' or 'messages'"):
        nbagent.encode([], "vercel.ui", "text")  # type: ignore[call-overload]


NASTY = (
    st.none()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()))
    | st.just(ev.Live(object()))
    | st.builds(object)
)
VALUES = st.recursive(
    NASTY,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
)


@given(VALUES, st.text(st.characters(exclude_categories=()), min_size=1))
@settings(deadline=None, max_examples=20)
def test_items_are_strict_json_whatever_the_values(value: Any, text: str) -> None:
    events = [
        ev.RunStart(model=text, thread_id=text),
        ev.TextDelta(id=text, delta=text),
        ev.ToolStart(id="c", name=text, call_id=text),
        ev.ToolArgs(id="c", args=value),
        ev.ToolResult(id="c", content=value),
        ev.ApprovalRequest(approval_id=text, tool_id="c", args=value),
        ev.State(snapshot=value),
        ev.Custom(name=text, data=value),
        ev.Error(message=text, fatal=True),
        ev.RunEnd(status="failed"),
    ]
    for encoder in encoders():
        for item in encoded(encoder(), events):
            assert json.loads(json.dumps(item, allow_nan=False)) == item
            encoder().frame(item).decode()
            encoder().message(item).encode()


@EACH_ENCODER
def test_what_a_run_hides_is_not_encoded(encoder: type[BaseEncoder]) -> None:
    path = FOLDER / "vercel_ui" / "ai7-replay-openrouter-error.sse"
    bodies = {}
    for reveal in ("answer", "thinking"):
        run = Run(replay(path), reveal=reveal)
        run.start()
        bodies[reveal] = b"".join(
            nbagent.encode(run.wait(60).events, encoder.system, "bytes")
        ).decode()
    assert "We need" not in bodies["answer"]
    assert ("We need" in bodies["thinking"]) == (Loss.REASONING not in encoder.loses)


def test_a_live_object_is_never_encoded() -> None:
    live = ev.ToolResult(
        id="c", content="seen", value=ev.Live("hidden"), display=ev.Display(summary="drawn")
    )
    for encoder in encoders():
        assert ("drawn" in str(encoded(encoder(), [live]))) == (encoder.system == "nbagent")
        assert "hidden" not in str(
            encoded(encoder(), [ev.ToolStart(id="c", name="f"), live, EVENTS[-1]])
        )


def test_an_agent_that_is_named_anew_starts_once() -> None:
    events: list[ev.Event] = [
        ev.RunStart(),
        ev.AgentStart(id="a", name="create 1"),
        ev.AgentStart(id="a", name="gemma"),
        ev.AgentEnd(id="a"),
        ev.RunEnd(status="completed"),
    ]
    items: list[Any] = list(nbagent.encode(events, "ag_ui"))
    assert [item["type"] for item in items if "SUBAGENT" in str(item)] == [
        "SUBAGENT_STARTED",
        "SUBAGENT_FINISHED",
    ]

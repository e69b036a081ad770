"""`encode()`: items, bytes and messages of a stream, sync and async, and every end it can have."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from adapters.recorded import FOLDER
from encoders.pictures import DECODERS, encoded
from hypothesis import given, settings
from hypothesis import strategies as st
from streams import event_streams

import nbagent
from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder
from nbagent.adapters.base.losses import Loss
from nbagent.adapters.decoders import decoder_named
from nbagent.adapters.encoders import ALIASES, ENCODERS, encoder_named
from nbagent.errors import UnknownSystem
from nbagent.recording import replay
from nbagent.run import Run
from nbagent.wire.frames import sse
from nbagent.wire.sse import SSEDecoder

BY_NAME = pytest.mark.parametrize("encoder", ENCODERS, ids=lambda encoder: encoder.system)
EVENTS: list[ev.Event] = [
    ev.RunStart(model="gpt-x"),
    ev.TextStart(id="t"),
    ev.TextDelta(id="t", delta="Hel\nlo"),
    ev.TextEnd(id="t"),
    ev.RunEnd(status="completed"),
]


def body(chunks: Iterator[bytes], encoder: type[BaseEncoder]) -> list[Any]:
    """The payloads of a body, by nbagent's own reader; what is no event stream stays as it is."""
    whole = b"".join(chunks)
    if encoder.system == "agentor":
        return [whole[:11], whole[11:]]
    decoder = SSEDecoder()
    events = decoder.feed(whole)
    payloads = [json.loads(event.data) if event.data.startswith("{") else event.data for event in events]
    if encoder.system == "openai.assistants":  # where only the frame has the name
        return [{"event": event.event, "data": payload} for event, payload in zip(events, payloads, strict=True)]
    if encoder.system == "hector":
        return [{"event": "error", "data": p} if e.event == "error" else p for e, p in zip(events, payloads, strict=True)]
    return payloads


def read(encoder: type[BaseEncoder], items: Any) -> list[ev.Event]:
    decoder = decoder_named(DECODERS.get(encoder.system, encoder.system))
    return [*(event for item in items for event in decoder.feed(item)), *decoder.close()]


@given(event_streams())
@settings(deadline=None, max_examples=15)
def test_the_bytes_of_a_body_say_what_the_items_say(events: list[ev.Event]) -> None:
    for encoder in ENCODERS:
        items = list(nbagent.encode(events, encoder.system))
        assert read(encoder, body(nbagent.encode(events, encoder.system, "bytes"), encoder)) == read(encoder, items)


@BY_NAME
def test_messages_are_items_as_text(encoder: type[BaseEncoder]) -> None:
    items = list(nbagent.encode(EVENTS, encoder.system))
    messages = list(nbagent.encode(EVENTS, encoder.system, "messages"))
    assert [item if isinstance(item, str) else json.loads(text) for item, text in zip(items, messages, strict=True)] == items


def test_hectors_frames_are_those_of_its_documentation() -> None:
    assert list(nbagent.encode(EVENTS, "hector", "messages")) == ['{"chunk":"Hel\\nlo"}', "[DONE]"]
    assert b"".join(nbagent.encode(EVENTS, "hector", "bytes")) == b'data: {"chunk":"Hel\\nlo"}\n\ndata: [DONE]\n\n'


def test_agentors_body_is_json_over_many_lines() -> None:
    chunk = next(nbagent.encode(EVENTS, "agentor", "bytes"))
    assert chunk.startswith(b'{\n  "type": "raw_response_event",\n')
    assert chunk.endswith(b"}\n")


def test_dexto_and_openai_write_an_events_name_into_its_frame() -> None:
    assert next(nbagent.encode(EVENTS, "dexto", "bytes")).startswith(b'event: llm:thinking\ndata: {"name":"llm:thinking"')
    frames = list(nbagent.encode(EVENTS, "openai.assistants", "bytes"))
    assert frames[0].startswith(b'event: thread.run.created\ndata: {"id":')
    assert frames[-1] == b"event: done\ndata: [DONE]\n\n"


def test_an_event_of_many_lines_is_many_fields() -> None:
    assert sse("a\nb\r\nc\rd", "named") == b"event: named\ndata: a\ndata: b\ndata: c\ndata: d\n\n"
    assert sse("") == b"data: \n\n"


def test_the_headers_are_the_systems_own() -> None:
    assert encoder_named("vercel.ui").headers["x-vercel-ai-ui-message-stream"] == "v1"
    assert {encoder.headers["content-type"] for encoder in ENCODERS} == {"text/event-stream"}


# --- reading the events -----------------------------------------------------------------------------------------------------


@BY_NAME
async def test_a_live_run_is_told_as_its_events_come(encoder: type[BaseEncoder]) -> None:
    run = Run(iter(EVENTS))
    run.start()
    live = [item async for item in nbagent.encode(run.stream(), encoder.system)]
    assert live == list(nbagent.encode(run.events, encoder.system))
    assert read(encoder, live)[-1].status == "completed"  # type: ignore[union-attr]


@BY_NAME
def test_an_error_while_reading_is_told_then_raised(encoder: type[BaseEncoder]) -> None:
    def broken() -> Iterator[ev.Event]:
        yield from EVENTS[:3]
        raise ConnectionError("refused the key sk-proj-abcdefghijklmnopqrstuvwxyz0123456789")

    items: list[Any] = []
    with pytest.raises(ConnectionError):
        items.extend(nbagent.encode(broken(), encoder.system))
    told = json.dumps(items)
    assert "refused the key" in told
    assert "abcdefghijklmnop" not in told


async def test_an_error_while_reading_an_async_iterable_is_told_then_raised() -> None:
    async def broken() -> AsyncIterator[ev.Event]:
        for event in EVENTS[:3]:
            yield event
        raise ConnectionError("gone")

    items: list[Any] = []
    with pytest.raises(ConnectionError):
        async for item in nbagent.encode(broken(), "vercel.ui"):
            items.append(item)  # noqa: PERF401 - a comprehension would lose them all
    assert [item["type"] for item in items[-3:-1]] == ["error", "finish"]


async def test_a_reader_that_leaves_closes_the_source() -> None:
    closed = []

    async def source() -> AsyncIterator[ev.Event]:
        try:
            for event in EVENTS:
                yield event
        finally:
            closed.append(True)

    stream = nbagent.encode(source(), "ag_ui")
    await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]
    assert closed == [True]


@BY_NAME
def test_nothing_follows_the_end(encoder: type[BaseEncoder]) -> None:
    told = encoder()
    assert encoded(told, EVENTS)
    assert list(told.feed(EVENTS[2])) == list(told.close()) == list(told.close(ValueError("late"))) == []


@BY_NAME
def test_what_was_never_started_is_told_all_the_same(encoder: type[BaseEncoder]) -> None:
    events = [ev.TextDelta(id="t", delta="Hi"), ev.ToolArgs(id="c", args={}), ev.ReasoningDelta(id="r", delta="Hm")]
    again = read(encoder, encoded(encoder(), [*events, EVENTS[-1]]))
    assert "Hi" in "".join(event.delta for event in again if isinstance(event, ev.TextDelta))


def test_a_call_id_that_comes_twice_is_told_once() -> None:
    twice = [event for id_ in "ab" for event in (ev.ToolStart(id=id_, name="f", call_id="call_0"), ev.ToolArgs(id=id_))]
    items: Any = encoded(encoder_named("ag_ui"), [*twice, EVENTS[-1]])
    assert len({item["toolCallId"] for item in items if item["type"] == "TOOL_CALL_START"}) == 2


# --- names and values -------------------------------------------------------------------------------------------------------


def test_an_alias_is_the_system() -> None:
    for alias, system in ALIASES.items():
        assert encoder_named(alias).system == system


def test_an_unknown_system_or_form_is_named_before_anything_is_read() -> None:
    with pytest.raises(UnknownSystem, match=r"'vercle'.*vercel\.ui.*openai\.chat"):
        nbagent.encode([], "vercle")
    with pytest.raises(ValueError, match=r"as_='text'.*'items', 'bytes', 'messages'"):
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
    NASTY, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
)


@given(VALUES, st.text(st.characters(exclude_categories=()), min_size=1))
@settings(deadline=None, max_examples=20)
def test_whatever_the_values_the_items_are_json_that_anyone_reads(value: Any, text: str) -> None:
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
    for encoder in ENCODERS:
        for item in encoded(encoder(), events):
            assert json.loads(json.dumps(item, allow_nan=False)) == item
            encoder().frame(item).decode()
            encoder().message(item).encode()


@BY_NAME
def test_what_a_run_does_not_reveal_is_not_told(encoder: type[BaseEncoder]) -> None:
    path = FOLDER / "vercel_ui" / "ai7-replay-openrouter-error.sse"
    told = {}
    for reveal in ("answer", "thinking"):
        run = Run(replay(path), reveal=reveal)
        run.start()
        told[reveal] = b"".join(nbagent.encode(run.wait(60).events, encoder.system, "bytes")).decode()
    assert "We need" not in told["answer"]
    says_thoughts = Loss.THOUGHTS not in encoder.loses
    assert ("We need" in told["thinking"]) == says_thoughts


def test_a_live_object_never_leaves() -> None:
    live = ev.ToolResult(id="c", content="seen", value=ev.Live("hidden"), display=ev.Display(summary="hidden"))
    for encoder in ENCODERS:
        assert "hidden" not in str(encoded(encoder(), [ev.ToolStart(id="c", name="f"), live, EVENTS[-1]]))

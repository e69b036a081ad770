"""A body gives its items whatever its content type, and wherever it is cut."""

import base64
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbagent.sources.wire.body import BodyDecoder, Framing
from nbagent.sources.wire.event_stream import BrokenEventStream

RECORDINGS = Path(__file__).parents[2] / "recordings"
TYPES = [
    "",
    "text/plain",
    "application/octet-stream",
    "text/event-stream; charset=utf-8",
    "application/json",
    "text/html",
]


def decode(body: bytes, content_type: str = "", *, step: int | None = None) -> list[Any]:
    decoder = BodyDecoder(content_type)
    step = step or len(body) or 1
    items = [
        item for at in range(0, len(body), step) for item in decoder.feed(body[at : at + step])
    ]
    return [*items, *decoder.close()]


SSE: dict[str, tuple[str, list[Any]]] = {
    "JSON payloads": ('data: {"a":1}\n\ndata: [DONE]\n\n', [{"a": 1}, "[DONE]"]),
    "text payloads": ("data: Hel\n\ndata:  lo\n\ndata: 42\n\n", ["Hel", " lo", "42"]),
    "strings": ('data: "Hel"\n\n', ["Hel"]),
    "a name that the payload says too": (
        'event: start\ndata: {"type":"start"}\n\n',
        [{"type": "start"}],
    ),
    "a name of its own": (
        'event: error\ndata: {"error":"no"}\n\n',
        [{"event": "error", "data": {"error": "no"}}],
    ),
    "a name before text": ("event: done\ndata: [DONE]\n\n", [{"event": "done", "data": "[DONE]"}]),
    "the default name": ('event: message\ndata: {"a":1}\n\n', [{"a": 1}]),
    "no empty lines between": (
        'data: {"a":1}\ndata: {"b":2}\ndata: [DONE]',
        [{"a": 1}, {"b": 2}, "[DONE]"],
    ),
    "names, and no empty lines": (
        'event: a\ndata: {"x":1}\nevent: b\ndata: {"x":2}\n',
        [{"event": "a", "data": {"x": 1}}, {"event": "b", "data": {"x": 2}}],
    ),
    "no empty lines, then some": (
        'data: {"a":1}\ndata: {"b":2}\n\ndata: {"c":\ndata: 3}\n\n',
        [{"a": 1}, {"b": 2}, {"c": 3}],
    ),
    "no ends of lines": (
        'data: {"a":1} data: {"b":2} data: [DONE]',
        [{"a": 1}, {"b": 2}, "[DONE]"],
    ),
    "one document over two lines": ('data: {"a":\ndata: 1}\n\n', [{"a": 1}]),
    "JSON that was printed over lines": (
        'data: {\n  "a": [\n    1\n  ]\n}\n\ndata: {}\n\n',
        [{"a": [1]}, {}],
    ),
    "lines that are no fields": (
        'data: {"a":1}\nfoo: bar\n\ndata: text\nmore\n\n',
        [{"a": 1}, "text"],
    ),
    "two lines of text": ("data: a\ndata: {}\n\n", ["a\n{}"]),
    "empty events": ('data\n\nid: 1\n\ndata: {"a":1}\n\n', [{"a": 1}]),
    "comments first": (': ping\n\ndata: {"a":1}\n\n', [{"a": 1}]),
    "the last empty line missing": ('data: {"a":1}\n\ndata: {"b":2}', [{"a": 1}, {"b": 2}]),
    "cut inside a payload": ('data: {"a":1}\n\ndata: {"b":', [{"a": 1}]),
    "cut inside a text": ("data: Hel\n\ndata: l", ["Hel"]),
}


@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize(("text", "items"), SSE.values(), ids=SSE)
def test_server_sent_events_are_known_by_any_name(
    text: str, items: list[Any], content_type: str
) -> None:
    body = text.encode()
    assert decode(body, content_type) == items
    assert decode(body, content_type, step=1) == items


def test_events_without_empty_lines_come_one_by_one() -> None:
    decoder = BodyDecoder("text/event-stream")
    lines = [
        b'data: {"chunk":"a"}\n',
        b'data: {"chunk":"b"}\n',
        b'data: {"chunk":"c"}\n',
        b"data: [DONE]\n",
    ]
    first, second, third, last = [list(decoder.feed(line)) for line in lines]
    assert first == []  # it may be the first line of a longer event
    assert second == [{"chunk": "a"}, {"chunk": "b"}]
    assert third == [{"chunk": "c"}]
    assert last == ["[DONE]"]
    assert list(decoder.close()) == []


@given(
    st.lists(
        st.sampled_from(
            ['data: {"a":1}', "data: [DONE]", "data: x", "data: {", "event: e", "id: 1", "", ": c"]
        ),
        max_size=12,
    )
)
def test_events_do_not_depend_on_where_their_bytes_are_cut(lines: list[str]) -> None:
    body = "\n".join(lines).encode()
    assert decode(body, "text/event-stream", step=1) == decode(body, "text/event-stream")


OTHERS: dict[str, tuple[str, list[Any]]] = {
    "documents, pretty-printed": ('{\n  "a": 1\n}\n{\n  "b": 2\n}\n', [{"a": 1}, {"b": 2}]),
    "an array": ('[{"a":1},{"b":2}]', [{"a": 1}, {"b": 2}]),
    "an array with a byte order mark": ('\ufeff\n[{"a":1}]', [{"a": 1}]),
}


@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize(("text", "items"), OTHERS.values(), ids=OTHERS)
def test_json_is_known_by_any_name(text: str, items: list[Any], content_type: str) -> None:
    assert decode(text.encode(), content_type) == items
    assert decode(text.encode(), content_type, step=1) == items


@pytest.mark.parametrize(
    "text",
    ["Grüße 😀", "[1] says so", "{name} is", "data is here", ":) yes", "<b>x</b>", "\ufffd", ""],
)
@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/json", "text/html", "text/event-stream"]
)
def test_anything_else_is_text_as_it_comes(text: str, content_type: str) -> None:
    pieces = decode(text.encode(), content_type, step=1)
    is_taken_at_its_word = {"application/json": ("[", "{"), "text/event-stream": (":",)}.get(
        content_type, ()
    )
    assert "".join(map(str, pieces)) == text or text.startswith(is_taken_at_its_word)
    if text and content_type == "text/plain":
        assert list(BodyDecoder(content_type).feed(text.encode())) == [text]


@pytest.mark.parametrize(
    ("body", "content_type", "framing"),
    [
        (b"<!DOCTYPE html><p>", "text/event-stream", "html"),
        (b"\n<html lang='en'>", "", "html"),
        (b"<html>", "text/plain", "text"),
        (b"<htm", "", "text"),
        (b'{"a"', "text/html", "json"),
        (b"", "text/event-stream", "sse"),
        (b":ping", "text/event-stream", "sse"),
        (b"dat", "text/event-stream", "text"),
        (b"", "", "text"),
    ],
)
def test_the_first_bytes_tell_what_it_is(body: bytes, content_type: str, framing: Framing) -> None:
    decoder = BodyDecoder(content_type)
    for at in range(len(body)):
        list(decoder.feed(body[at : at + 1]))
    decoder.close()
    assert decoder.framing == framing


def test_lines_of_arrays_are_items_where_the_type_says_lines() -> None:
    assert decode(b'[{"a":1},{}]\n[{},{}]\n', "application/x-ndjson") == [[{"a": 1}, {}], [{}, {}]]


def test_a_line_that_is_no_json_does_not_spoil_the_others() -> None:
    assert decode(b'warming up\n{"a":1}\n', "application/jsonl", step=1) == [
        "warming up\n",
        {"a": 1},
    ]


def test_text_is_utf8_wherever_it_was_split() -> None:
    cases = json.loads((RECORDINGS.parent / "corpora" / "unicode" / "utf8tests.json").read_text())
    for case in cases:
        raw = b"say " + base64.b64decode(case["input_b64"])
        for cut in range(len(raw) + 1):
            decoder = BodyDecoder("text/plain")
            items = [*decoder.feed(raw[:cut]), *decoder.feed(raw[cut:]), *decoder.close()]
            assert "".join(items) == raw.decode("utf-8", "replace")


@pytest.mark.parametrize(
    ("body", "last_event_id"),
    [
        (b"", None),
        (b"retry: 1500\nid: 7\ndata: a\n\n", "7"),
        (b"id: 7\ndata: a\n\nid: 8\ndata: never finis", "7"),
        (b"id: 7\ndata: a\n\ndata: without\n\n", None),
        (b"id: 7\ndata: a\n\ndata: without\n\nid: 9\n\n", "9"),
        (b"id: 7\ndata: a\n\nid\ndata: forget it\n\n", None),
    ],
)
def test_a_stream_says_where_to_go_on_only_if_an_id_stands_for_all_that_came(
    body: bytes, last_event_id: str | None
) -> None:
    decoder = BodyDecoder("text/event-stream")
    list(decoder.feed(body))
    assert decoder.last_event_id == last_event_id
    assert decoder.retry == (1500 if b"retry" in body else None)


# that one is notes about streams
BODIES = [path for path in sorted(RECORDINGS.glob("*/*")) if "dart-sse" not in path.name]


@given(st.sampled_from([path for path in BODIES if path.stat().st_size < 30_000]), st.data())
def test_a_recorded_body_gives_the_same_items_in_chunks_of_any_size(
    path: Path, data: st.DataObject
) -> None:
    body = path.read_bytes()
    step = data.draw(st.integers(1, 200))
    assert joined(decode(body, step=step)) == joined(decode(body))


def joined(items: list[Any]) -> list[Any]:
    """Return the items, with the pieces of a plain text as one."""
    return ["".join(items)] if all(isinstance(item, str) for item in items) else items


@pytest.mark.parametrize(
    "path", sorted(RECORDINGS.glob("agentor/*stream_chat.txt")), ids=lambda path: path.stem
)
def test_agentors_own_recipe_for_a_server_is_read(path: Path) -> None:
    """The strings are JSON over several lines; the documentation writes `data: ` before the first
    line only.
    """
    items = decode(path.read_bytes())
    body = "".join(f"data: {json.dumps(item, indent=2)}\n\n\n" for item in items).encode()
    assert decode(body, "text/event-stream", step=11) == items


# --- Amazon's binary framing, written here after its specification ---


def message(payload: bytes, **headers: str | int | bool) -> bytes:
    packed = b""
    for name, value in headers.items():
        packed += struct.pack(">B", len(name) + 1) + b":" + name.replace("_", "-").encode()
        if isinstance(value, bool):
            packed += b"\x00" if value else b"\x01"
        elif isinstance(value, int):
            packed += b"\x04" + struct.pack(">i", value)
        else:
            packed += b"\x07" + struct.pack(">H", len(value)) + value.encode()
    prelude = struct.pack(">II", 16 + len(packed) + len(payload), len(packed))
    prelude += struct.pack(">I", zlib.crc32(prelude))
    return prelude + packed + payload + struct.pack(">I", zlib.crc32(prelude + packed + payload))


def event(kind: str, payload: Any) -> bytes:
    return message(
        json.dumps(payload).encode(),
        event_type=kind,
        content_type="application/json",
        message_type="event",
    )


AMAZON = "application/vnd.amazon.eventstream"


@pytest.mark.parametrize(
    "path", sorted(RECORDINGS.glob("bedrock/*.jsonl")), ids=lambda path: path.stem
)
def test_bedrocks_binary_body_gives_what_its_sdk_gives(path: Path) -> None:
    items = [json.loads(line) for line in path.read_text().splitlines()]
    body = b"".join(event(kind, payload) for item in items for kind, payload in item.items())
    for step in (1, 13, 4096, None):
        assert decode(body, AMAZON, step=step) == items


def test_exceptions_errors_and_chunks_of_a_binary_body() -> None:
    inner = base64.b64encode(b'{"type":"ping"}').decode()
    body = message(
        b'{"message":"slow down"}',
        retry=3,
        last=True,
        message_type="exception",
        exception_type="throttlingException",
    )
    body += message(b"", message_type="error", error_code="500", error_message="oh no")
    body += event("chunk", {"bytes": inner})
    assert decode(body, AMAZON) == [
        {"throttlingException": {"message": "slow down"}},
        {"error": {"code": "500", "message": "oh no"}},
        {"type": "ping"},
    ]


@pytest.mark.parametrize("at", [0, 5, 9, 20, -1])
def test_a_damaged_message_ends_the_stream_after_what_was_whole(at: int) -> None:
    body = bytearray(event("a", {}))
    body[at] ^= 0x40
    decoder = BodyDecoder(AMAZON)
    assert decoder.feed(event("b", {}) + bytes(body)) == [{"b": {}}]
    with pytest.raises(BrokenEventStream, match="checksum"):
        decoder.feed(b"")
    with pytest.raises(BrokenEventStream):
        decoder.close()


def test_a_message_beyond_the_limit_is_refused_with_the_limit() -> None:
    decoder = BodyDecoder(AMAZON, max_item_bytes=100)
    with pytest.raises(BrokenEventStream, match="100"):
        decoder.feed(event("a", {"x": "y" * 100})[:20])

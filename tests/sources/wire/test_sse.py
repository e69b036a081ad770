"""The standard's own cases, whole and cut at every byte."""

import base64
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbagent.sources.wire.sse import EventTooLarge, LineDecoder, ServerSentEvent, SSEDecoder

CORPUS = Path(__file__).parents[2] / "corpora" / "sse"
BODIES = [
    case
    for name in ("wpt_format.json", "httpx_sse_events.json")
    for case in json.loads((CORPUS / name).read_text())
]
LINES = json.loads((CORPUS / "httpx_sse_lines.json").read_text())


def decode(*chunks: bytes) -> tuple[list[ServerSentEvent], SSEDecoder]:
    decoder = SSEDecoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return [*events, *decoder.close()], decoder


@pytest.mark.parametrize("case", BODIES, ids=lambda case: case["name"])
def test_a_body_gives_its_events_whole_and_cut_at_every_byte(case: dict[str, Any]) -> None:
    body = base64.b64decode(case["input_b64"])
    expected = [
        ServerSentEvent(event["event"], event["data"], event["last_event_id"])
        for event in case["events"]
    ]
    for cut in range(len(body) + 1):
        events, decoder = decode(body[:cut], body[cut:])
        assert events == expected, f"cut at byte {cut}"
        assert decoder.retry == (case["retry"][-1] if case["retry"] else None)
    assert decode(*(body[number : number + 1] for number in range(len(body))))[0] == expected


@pytest.mark.parametrize("case", LINES, ids=lambda case: case["name"])
def test_lines_end_where_the_standard_says(case: dict[str, Any]) -> None:
    decoder = LineDecoder()
    lines = [line for chunk in case["chunks"] for line in decoder.feed(chunk.encode())]
    rest = decoder.close()
    assert [line.decode() for line in [*lines, *([rest] if rest else [])]] == case["lines"]


text = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"))


@given(
    st.lists(st.tuples(text, st.lists(text, min_size=1))),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.data(),
)
def test_what_a_server_writes_is_what_is_read_however_it_is_cut(
    written: list[tuple[str, list[str]]], end: str, data: st.DataObject
) -> None:
    body = "".join(
        f"event: {name}{end}"
        + "".join(f"data: {line}{end}" for line in lines)
        + f": ping{end}{end}"
        for name, lines in written
    ).encode()
    cuts = sorted(data.draw(st.sets(st.integers(0, len(body)), max_size=8)))
    bounds = [0, *cuts, len(body)]
    events, decoder = decode(*(body[start:stop] for start, stop in itertools.pairwise(bounds)))
    assert [(event.event, event.data) for event in events] == [
        (name or "message", "\n".join(lines)) for name, lines in written
    ]
    assert decoder.dropped is None


def test_an_unfinished_block_is_no_event_but_is_not_hidden() -> None:
    events, decoder = decode(b"id: 1\ndata: a\n\nid: 2\nevent: last\ndata: b")
    assert events == [ServerSentEvent("message", "a", "1")]
    assert decoder.dropped == ServerSentEvent("last", "b", "2")
    assert decoder.last_event_id == "1"


def test_bytes_that_are_not_utf8_are_replaced() -> None:
    assert decode(b"data: \xff\xe2\x82\n\n")[0][0].data == "\ufffd\ufffd"


@pytest.mark.parametrize(
    "body",
    [b"data: " + b"x" * 200, b"data: xxxxxxxxxx\n" * 20, b":" + b"x" * 200],
    ids=["line", "block", "comment"],
)
def test_an_event_beyond_the_limit_is_refused_with_the_limit(body: bytes) -> None:
    decoder = SSEDecoder(max_event_bytes=100)
    chunks = [body[number : number + 10] for number in range(0, len(body), 10)]
    with pytest.raises(EventTooLarge, match="100 bytes"):
        list(map(decoder.feed, chunks))


def test_the_limit_is_for_one_event_and_not_for_the_stream() -> None:
    decoder = SSEDecoder(max_event_bytes=100)
    assert (
        len([event for _ in range(100) for event in decoder.feed(b"data: 1234567890\n: ping\n\n")])
        == 100
    )


def test_a_huge_line_in_small_chunks_is_one_event() -> None:
    decoder = SSEDecoder()
    chunks = [b"data:", *[b"x" * 100] * 20_000, b"\n"]
    assert not any(map(decoder.feed, chunks))
    (event,) = decoder.feed(b"\n")
    assert event.data == "x" * 2_000_000


def test_lines_that_are_no_fields_are_kept_beside_the_data_if_asked() -> None:
    body = b"stray\ndata: {\n  1\nid: 7\n: ping\ndata: }\n\ndata: a\n\n"
    decoder = SSEDecoder(keep_loose=True)
    events = decoder.feed(body)
    assert events == [
        ServerSentEvent("message", "{\n}", "7", "{\n  1\n}"),
        ServerSentEvent("message", "a", "7"),
    ]
    assert decode(body)[0] == [event._replace(loose="") for event in events]


def test_lines_that_are_kept_count_for_the_limit() -> None:
    decoder = SSEDecoder(max_event_bytes=100, keep_loose=True)
    with pytest.raises(EventTooLarge, match="100 bytes"):
        decoder.feed(b"data: a\n" + b"a stray line\n" * 20)

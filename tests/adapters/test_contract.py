"""Contract of every adapter, over every recording: whole, cut at any place, broken off, and
damaged.
"""

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
from adapters.damage import JSON, damaged
from adapters.expected import expected_of
from adapters.recorded import RECORDINGS, Recording, Transcript, decode
from campaign import sample
from hypothesis import given
from hypothesis import strategies as st

from nbagent import events as ev
from nbagent.adapters.decoders import adapters, decoder_for
from nbagent.errors import Cancelled

KINDS = ("provider", "framework", "protocol")
every_recording = pytest.mark.parametrize("recording", RECORDINGS, ids=str)
every_kind = pytest.mark.parametrize("kind", KINDS)


def with_oracle(oracle: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "recording", [found for found in RECORDINGS if found.oracle == oracle], ids=str
    )


# --- what a recording holds ---


@with_oracle("snapshots")
def test_a_responses_stream_says_what_its_final_snapshots_say(recording: Recording) -> None:
    items = recording.items
    finals = [
        item
        for item in items
        if isinstance(item, dict) and item["type"] == "response.output_item.done"
    ]
    output = [item["item"] for item in finals]
    texts = [
        part["text"] for item in output if item["type"] == "message" for part in item["content"]
    ]
    thoughts = [
        "\n\n".join(part["text"] for part in item["summary"] or item.get("content", ()))
        for item in output
        if item["type"] == "reasoning"
    ]
    calls = [
        (item["name"], item["call_id"], item["arguments"])
        for item in output
        if item["type"] == "function_call"
    ]

    transcript = Transcript.of(decode(recording.decoder(), items))

    assert transcript.texts == texts
    assert sorted(filter(None, transcript.thoughts)) == sorted(filter(None, thoughts))
    assert transcript.calls() == calls


def chat_oracle(items: list[Any]) -> tuple[str, str, list[tuple[str, str]]]:
    """Return text, thought and calls of a Chat stream, by the plainest reading of its fields."""
    text, thought = "", ""
    calls: dict[int, tuple[str, str]] = {}
    for item in items:
        for choice in item.get("choices", ()) if isinstance(item, dict) else ():
            delta = choice["delta"]
            content = delta.get("content") or ""
            for part in [content] if isinstance(content, str) else content:
                if isinstance(part, str):
                    text += part
                elif part["type"] == "text":
                    text += part["text"]
                else:
                    thought += "".join(inner["text"] for inner in part["thinking"])
            thought += delta.get("reasoning_content") or delta.get("reasoning") or ""
            thought += "".join(
                detail.get("text", "") for detail in delta.get("reasoning_details", ())
            )
            for call in delta.get("tool_calls") or ():
                name, arguments = calls.get(call["index"], ("", ""))
                function = call["function"]
                calls[call["index"]] = (
                    name or function.get("name", ""),
                    arguments + (function.get("arguments") or ""),
                )
    return text, thought, list(calls.values())


@with_oracle("deltas")
def test_a_chat_stream_says_what_its_deltas_add_up_to(recording: Recording) -> None:
    items = recording.items
    transcript = Transcript.of(decode(recording.decoder(), items))
    text, thought, calls = chat_oracle(items)
    assert "".join(transcript.texts) == text
    assert "".join(transcript.thoughts) == thought
    assert [(name, arguments) for name, _, arguments in transcript.calls()] == calls


@with_oracle("expected")
def test_a_recording_says_what_its_run_had(recording: Recording) -> None:
    transcript = Transcript.of(decode(recording.decoder(), recording.items))
    texts, calls = expected_of(recording)
    assert transcript.texts == texts
    assert [
        (tool["name"], tool.get("args"), tool.get("result")) for tool in transcript.tools
    ] == calls


@every_recording
def test_a_whole_recording_ends_as_the_manifest_says_and_nothing_else_of_it_is_unknown(
    recording: Recording,
) -> None:
    events = decode(recording.decoder(), recording.items)
    transcript = Transcript.of(events)
    assert transcript.end is not None
    assert transcript.end.status == recording.status
    unknown = [event.data for event in events if isinstance(event, ev.Raw)]
    assert len(unknown) == recording.raw, unknown


# --- whose it is ---


SESSION = re.compile(
    r'"(?:thread_?id|session_?id|context_?id|conversation_?id)": "([^"]+)"', re.IGNORECASE
)


@every_recording
def test_a_session_that_a_recording_names_is_that_of_the_run(recording: Recording) -> None:
    named = set(SESSION.findall(json.dumps(recording.items, default=str)))
    events = decode(recording.decoder(), recording.items)
    told = {
        event.thread_id
        for event in events
        if isinstance(event, ev.RunStart | ev.RunEnd) and event.thread_id
    }
    assert len(told) == bool(named)
    assert told <= named


@every_recording
def test_the_first_item_tells_the_system(recording: Recording) -> None:
    assert decoder_for(recording.items[0]).system == (recording.detected or recording.system)


def as_object(value: Any) -> Any:
    """Return the value with attributes for keys, like an SDK's object."""
    if isinstance(value, dict):
        return SimpleNamespace(**{name: as_object(entry) for name, entry in value.items()})
    return [as_object(entry) for entry in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "recording",
    [
        found
        for found in RECORDINGS
        if found.kind == "provider" and found.oracle == "own" and found.raw == 0
    ],
    ids=str,
)
def test_objects_mean_what_the_wire_meant(recording: Recording) -> None:
    items = recording.items
    objects = [as_object(item) for item in items]
    assert decode(decoder_for(objects[0]), objects) == decode(recording.decoder(), items)


WORDS = [
    "type",
    "event",
    "object",
    "method",
    "name",
    "data",
    "ns",
    "messages",
    "item",
    "author",
    "values",
    "error",
]


@given(st.dictionaries(st.sampled_from([*WORDS, "qualified_name"]), JSON, max_size=5) | JSON)
def test_whose_an_item_is_can_be_asked_of_anything(item: Any) -> None:
    for adapter in adapters():
        assert adapter.recognises(item) in (True, False)
        Transcript.of(decode(adapter(), [item, item]))


# --- streams that end early ---


def is_terminal(item: Any) -> bool:
    """Return True if an item of a provider reports that the response is complete, or failed."""
    if isinstance(item, str):
        return item == "[DONE]"
    assert isinstance(item, dict)
    if item.keys() & {"candidates", "messageStop", "done", "event_type"}:
        ended = any(candidate.get("finishReason") for candidate in item.get("candidates", ()))
        return (
            ended
            or bool(item.get("done"))
            or "messageStop" in item
            or item.get("event_type") == "interaction.completed"
        )
    if "choices" in item:
        return bool(item.get("usage")) or any(
            choice.get("finish_reason") for choice in item["choices"]
        )
    return (
        item.get("type")
        in {"response.completed", "response.failed", "error", "message_stop", "message-end"}
        or "error" in item
    )


def first_possible_end(recording: Recording, items: list[Any]) -> int:
    """Return the number of items before which the stream must not be a success."""
    match recording.terminal:
        case "marker":
            return (
                next((number for number, item in enumerate(items) if is_terminal(item)), len(items))
                + 1
            )
        case "last":
            return len(items) - recording.trailing
        case "half":
            return len(items) // 2
        case "none":
            return 0


def cuts(recording: Recording, items: list[Any]) -> list[int]:
    """Return the lengths of the prefixes to try: of a framework, many; else near the beginning,
    middle and end.
    """
    count, end = len(items), first_possible_end(recording, items)
    if recording.kind == "framework":
        return sample(range(1, count), 24)
    near = {1, end // 3, end // 2, end - 2, end - 1, count // 2, count - 2, count - 1}
    return sorted(cut for cut in {*near, *range(min(count, 12))} if 0 <= cut < count)


@every_recording
def test_a_cut_stream_keeps_its_text_and_says_that_it_was_cut(recording: Recording) -> None:
    items = recording.items
    whole = "".join(Transcript.of(decode(recording.decoder(), items)).texts)
    end = first_possible_end(recording, items)
    for cut in cuts(recording, items):
        decoder = recording.decoder()
        events = decode(decoder, items[:cut])
        transcript = Transcript.of(events)
        assert transcript.end is not None
        if cut < end:
            assert transcript.end.status != "completed", items[cut - 1]
            if recording.terminal == "marker":
                assert (transcript.end.status, transcript.end.code) == (
                    "incomplete",
                    ev.STREAM_TRUNCATED,
                )
                deltas = "".join(event.delta for event in events if isinstance(event, ev.TextDelta))
                # that one lacks deltas
                assert "".join(transcript.texts).startswith(deltas) or "phase" in recording.name
        assert whole.startswith("".join(transcript.texts))
        assert list(decoder.close()) == []
        assert list(decoder.feed(items[0])) == []


@every_recording
def test_a_stream_that_breaks_or_is_stopped_says_so(recording: Recording) -> None:
    half = recording.items[: len(recording.items) // 2]
    broken = decode(recording.decoder(), half, ConnectionError("the peer hung up"))
    *before, error = [event for event in broken if isinstance(event, ev.Error)]
    assert (error.message, error.error_type, error.fatal) == (
        "the peer hung up",
        "ConnectionError",
        True,
    )
    assert Transcript.of(broken).end.status == "failed"  # type: ignore[union-attr]

    stopped = decode(recording.decoder(), half, Cancelled())
    end = Transcript.of(stopped).end
    assert end is not None
    assert (end.status, end.meta) == ("cancelled", {"stopped_by": "you"})
    assert [event for event in stopped if isinstance(event, ev.Error)] == before
    assert before == [] or recording.kind != "provider"
    assert Transcript.of(stopped).texts == Transcript.of(broken).texts


# --- streams that are no such streams ---


def any_recording(kind: str) -> st.SearchStrategy[Recording]:
    return st.sampled_from(
        [found for found in RECORDINGS if found.kind == kind and found.path.stat().st_size < 40_000]
    )


@every_kind
@given(st.data())
def test_any_cut_leaves_nothing_open(kind: str, data: st.DataObject) -> None:
    recording = data.draw(any_recording(kind))
    items = recording.items
    Transcript.of(decode(recording.decoder(), items[: data.draw(st.integers(0, len(items)))]))


@every_kind
@given(st.data())
def test_items_lost_doubled_or_out_of_order_never_break_the_rules(
    kind: str, data: st.DataObject
) -> None:
    recording = data.draw(any_recording(kind))
    items = recording.items[:200]
    beginning = items[: data.draw(st.integers(0, 3))]
    Transcript.of(
        decode(
            recording.decoder(),
            [*beginning, *data.draw(st.lists(st.sampled_from(items), max_size=40))],
        )
    )


@every_kind
@given(st.data())
def test_a_damaged_item_never_breaks_the_rules(kind: str, data: st.DataObject) -> None:
    """A field of an otherwise sound item is replaced by anything at all."""
    recording = data.draw(any_recording(kind))
    items = [
        *recording.items[:6],
        *data.draw(st.lists(st.sampled_from(recording.items), max_size=24)),
    ]
    Transcript.of(decode(recording.decoder(), damaged(items, data)))

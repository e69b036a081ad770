"""Every recording, whole and cut, gives what its provider said it was."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from adapters.damage import damaged
from adapters.recorded import CHAT, PROVIDERS, RESPONSES, Transcript, decode, decoder_of, name_of, payloads
from hypothesis import given
from hypothesis import strategies as st

from nbagent import events as ev
from nbagent.adapters.decoders import decoder_for
from nbagent.errors import Cancelled

UNREADABLE = "vercel-parallel-tool-call-wrapper.1"  # its first and last payloads are cut off inside the JSON
ALL = [*RESPONSES, *CHAT, *PROVIDERS]


@pytest.mark.parametrize("path", [path for path in RESPONSES if path.stem != UNREADABLE], ids=name_of)
def test_a_responses_stream_says_what_its_final_snapshots_say(path: Path) -> None:
    items = payloads(path)
    finals = [item for item in items if isinstance(item, dict) and item["type"] == "response.output_item.done"]
    output = [item["item"] for item in finals]
    texts = [part["text"] for item in output if item["type"] == "message" for part in item["content"]]
    thoughts = [
        "\n\n".join(part["text"] for part in item["summary"] or item.get("content", ()))
        for item in output
        if item["type"] == "reasoning"
    ]
    calls = [(item["name"], item["call_id"], item["arguments"]) for item in output if item["type"] == "function_call"]

    transcript = Transcript.of(decode(decoder_of(path), items))

    assert transcript.texts == texts
    assert sorted(filter(None, transcript.thoughts)) == sorted(filter(None, thoughts))
    assert transcript.calls() == calls


def chat_oracle(items: list[Any]) -> tuple[str, str, list[tuple[str, str]]]:
    """Text, thought and calls of a Chat stream, by the plainest reading of its fields."""
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
            thought += "".join(detail.get("text", "") for detail in delta.get("reasoning_details", ()))
            for call in delta.get("tool_calls") or ():
                name, arguments = calls.get(call["index"], ("", ""))
                function = call["function"]
                calls[call["index"]] = (name or function.get("name", ""), arguments + (function.get("arguments") or ""))
    return text, thought, list(calls.values())


@pytest.mark.parametrize("path", CHAT, ids=name_of)
def test_a_chat_stream_says_what_its_deltas_add_up_to(path: Path) -> None:
    items = payloads(path)
    transcript = Transcript.of(decode(decoder_of(path), items))
    text, thought, calls = chat_oracle(items)
    assert "".join(transcript.texts) == text
    assert "".join(transcript.thoughts) == thought
    assert [(name, arguments) for name, _, arguments in transcript.calls()] == calls


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_nothing_of_a_recording_is_unknown(path: Path) -> None:
    events = decode(decoder_of(path), payloads(path))
    unread = [event.data for event in events if isinstance(event, ev.Raw)]
    assert len(unread) == (2 if path.stem == UNREADABLE else 0), unread


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_the_first_item_tells_the_system(path: Path) -> None:
    assert decoder_for(payloads(path)[0]).system == decoder_of(path).system


def as_object(value: Any) -> Any:
    """The value with attributes where it has keys, as an SDK that is not installed here might have it."""
    if isinstance(value, dict):
        return SimpleNamespace(**{name: as_object(entry) for name, entry in value.items()})
    return [as_object(entry) for entry in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", PROVIDERS, ids=name_of)
def test_objects_mean_what_the_wire_meant(path: Path) -> None:
    items = payloads(path)
    objects = [as_object(item) for item in items]
    assert decode(decoder_for(objects[0]), objects) == decode(decoder_of(path), items)


def is_last_word(item: Any) -> bool:
    """Whether an item lets a reader know that the response is whole, or failed."""
    if isinstance(item, str):
        return item == "[DONE]"
    assert isinstance(item, dict)
    if item.keys() & {"candidates", "messageStop", "done", "event_type"}:
        ended = any(candidate.get("finishReason") for candidate in item.get("candidates", ()))
        return ended or bool(item.get("done")) or "messageStop" in item or item.get("event_type") == "interaction.completed"
    if "choices" in item:
        return bool(item.get("usage")) or any(choice.get("finish_reason") for choice in item["choices"])
    return (
        item.get("type") in {"response.completed", "response.failed", "error", "message_stop", "message-end"} or "error" in item
    )


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_a_cut_stream_keeps_its_text_and_says_that_it_was_cut(path: Path) -> None:
    items = payloads(path)
    whole = "".join(Transcript.of(decode(decoder_of(path), items)).texts)
    ends = [number for number, item in enumerate(items) if is_last_word(item)] or [len(items)]
    for cut in sorted(cut for cut in {1, ends[0] // 3, ends[0] // 2, ends[0] - 1, ends[0]} if 0 < cut <= ends[0]):
        decoder = decoder_of(path)
        events = decode(decoder, items[:cut])
        transcript = Transcript.of(events)
        assert transcript.end is not None
        assert (transcript.end.status, transcript.end.code) == ("incomplete", ev.STREAM_TRUNCATED)
        deltas = "".join(event.delta for event in events if isinstance(event, ev.TextDelta))
        text = "".join(transcript.texts)
        assert text.startswith(deltas) or "phase" in path.stem  # that recording lacks deltas in the middle
        assert whole.startswith(text)
        assert list(decoder.close()) == []
        assert list(decoder.feed(items[0])) == []


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_a_stream_that_breaks_or_is_stopped_says_so(path: Path) -> None:
    items = payloads(path)
    half = items[: len(items) // 2]
    broken = decode(decoder_of(path), half, ConnectionError("the peer hung up"))
    error = next(event for event in broken if isinstance(event, ev.Error))
    assert (error.message, error.error_type, error.fatal) == ("the peer hung up", "ConnectionError", True)
    assert Transcript.of(broken).end.status == "failed"  # type: ignore[union-attr]

    stopped = decode(decoder_of(path), half, Cancelled())
    end = Transcript.of(stopped).end
    assert end is not None
    assert (end.status, end.meta) == ("cancelled", {"stopped_by": "you"})
    assert not [event for event in stopped if isinstance(event, ev.Error)]
    assert Transcript.of(stopped).texts == Transcript.of(broken).texts


@given(st.sampled_from([path for path in ALL if path.stat().st_size < 20_000]), st.data())
def test_any_cut_leaves_nothing_open(path: Path, data: st.DataObject) -> None:
    items = payloads(path)
    cut = data.draw(st.integers(0, len(items)))
    Transcript.of(decode(decoder_of(path), items[:cut]))


@given(st.sampled_from([path for path in ALL if path.stat().st_size < 20_000]), st.data())
def test_items_lost_doubled_or_out_of_order_never_break_the_rules(path: Path, data: st.DataObject) -> None:
    items = payloads(path)
    Transcript.of(decode(decoder_of(path), data.draw(st.lists(st.sampled_from(items), max_size=40))))


@given(st.sampled_from(ALL), st.data())
def test_no_damaged_item_raises(path: Path, data: st.DataObject) -> None:
    """A field of an otherwise sound item is replaced by anything at all."""
    events = decode(decoder_of(path), damaged(payloads(path)[:6], data))
    assert isinstance(events[-1], ev.RunEnd)
    for event in events:
        ev.to_json(event)

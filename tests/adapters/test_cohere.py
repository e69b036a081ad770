"""Cohere's Chat API, one rule of the format at a time."""

from typing import Any

import pytest
from adapters.recorded import Recording, Transcript, decode, of_folder

from nbagent import events as ev
from nbagent.adapters.cohere.decoder import CohereDecoder
from nbagent.adapters.decoders import decoder_for

Json = dict[str, Any]
START: Json = {"type": "message-start", "id": "m", "delta": {"message": {"role": "assistant"}}}


def event(kind: str, index: int = 0, **message: Any) -> Json:
    return {"type": kind, "index": index, "delta": {"message": message}}


def end(reason: str = "COMPLETE", **more: Any) -> Json:
    return {"type": "message-end", "delta": {"finish_reason": reason, **more}}


def only(events: list[ev.Event], kind: type[Any]) -> Any:
    (found,) = [event for event in events if isinstance(event, kind)]
    return found


@pytest.mark.parametrize("recording", of_folder("cohere"), ids=str)
def test_a_recording_says_what_its_deltas_add_up_to(recording: Recording) -> None:
    items = [item for item in recording.items if isinstance(item, dict)]
    messages = [item.get("delta", {}).get("message", {}) for item in items]
    contents = [message.get("content") or {} for message in messages[1:]]
    thoughts = [
        content.get("thinking") or message.get("tool_plan") or ""
        for content, message in zip(contents, messages[1:], strict=True)
    ]
    calls = [
        message["tool_calls"]["function"] for message in messages[1:] if "tool_calls" in message
    ]
    transcript = Transcript.of(decode(CohereDecoder(), recording.items))
    assert "".join(transcript.texts) == "".join(content.get("text", "") for content in contents)
    assert "".join(transcript.thoughts) == "".join(thoughts)
    assert [name for name, _, _ in transcript.calls()] == [
        call["name"] for call in calls if "name" in call
    ]
    assert "".join(arguments for _, _, arguments in transcript.calls()) == "".join(
        call["arguments"] for call in calls
    )
    assert all(tool["valid"] for tool in transcript.tools)
    assert transcript.end is not None
    assert transcript.end.usage is not None
    assert (transcript.end.status, transcript.end.usage.input) == (
        "completed",
        items[-1]["delta"]["usage"]["tokens"]["input_tokens"],
    )


def test_a_plan_is_a_thought_that_ends_with_the_call() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}
    items = [
        START,
        event("tool-plan-delta", tool_plan="I will."),
        event("tool-call-start", tool_calls=call),
    ]
    items += [
        event("tool-call-delta", tool_calls={"function": {"arguments": "{}"}}),
        {"type": "tool-call-end", "index": 0},
    ]
    transcript = Transcript.of(decode(CohereDecoder(), [*items, end("TOOL_CALL"), "[DONE]"]))
    assert transcript.thoughts == ["I will."]
    assert transcript.calls() == [("f", "c", "{}")]


def test_a_citation_names_its_documents() -> None:
    sources = [
        {"type": "document", "id": "d", "document": {"title": "A", "url": "https://a.example"}},
        {"type": "tool", "id": "t"},
    ]
    citation = {"start": 0, "end": 1, "text": "x", "sources": sources, "content_index": 0}
    items = [
        START,
        event("content-delta", content={"text": "x"}),
        event("citation-start", citations=citation),
        {"type": "citation-end"},
    ]
    events = decode(CohereDecoder(), [*items, end()])
    found = [(event.url, event.title) for event in events if isinstance(event, ev.Source)]
    assert found == [("https://a.example", "A"), (None, "t")]
    assert {event.text_id for event in events if isinstance(event, ev.Source)} == {
        only(events, ev.TextStart).id
    }


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("COMPLETE", "completed"),
        ("STOP_SEQUENCE", "completed"),
        ("TOOL_CALL", "completed"),
        ("MAX_TOKENS", "incomplete"),
        ("TIMEOUT", "incomplete"),
        ("ERROR", "failed"),
    ],
)
def test_the_finish_reason_tells_how_it_ended(reason: str, status: str) -> None:
    usage = {
        "billed_units": {"input_tokens": 1},
        "tokens": {"input_tokens": 5.0, "output_tokens": 2},
        "cached_tokens": 3,
    }
    said_last = only(decode(CohereDecoder(), [START, end(reason, usage=usage)]), ev.RunEnd)
    assert (said_last.status, said_last.finish_reason) == (status, reason)
    assert said_last.usage == ev.Usage(input=5, output=2, total=7, cache_read=3)


def test_an_error_is_told_in_its_own_words() -> None:
    events = decode(
        CohereDecoder(),
        [START, event("content-delta", content={"text": "so far"}), end("ERROR", error="no luck")],
    )
    assert (only(events, ev.Error).message, Transcript.of(events).texts) == ("no luck", ["so far"])


def test_framed_events_are_read_alike() -> None:
    items = [
        START,
        event("content-start", content={"type": "text", "text": "4"}),
        event("content-delta", content={"text": "2"}),
        end(),
    ]
    framed = [{"event": item["type"], "data": item} for item in items]
    events = decode(decoder_for(framed[0]), framed)
    assert events == decode(CohereDecoder(), items)
    assert Transcript.of(events).texts == ["42"]


def test_what_is_unknown_is_kept() -> None:
    events = decode(
        CohereDecoder(), [START, {"type": "debug", "prompt": "…"}, {"type": "content-hum"}, end()]
    )
    assert [event.name for event in events if isinstance(event, ev.Raw)] == ["debug", "content-hum"]

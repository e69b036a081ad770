import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest
from adapters.recorded import RECORDINGS, Recording, decode

from nbagent import events as ev
from nbagent.adapters.decoders import adapters, decoder_for, decoder_named
from nbagent.errors import UnknownSource


@dataclass
class Thing:
    type: str = "thing"


@pytest.mark.parametrize(
    ("item", "system"),
    [
        ("text", "text"),
        (b"text", "text"),
        (ev.TextDelta(id="a", delta="b"), "nbagent"),
        ({"type": "text.delta", "id": "a", "delta": "b"}, "nbagent"),
        ({"type": "error", "message": "no"}, "nbagent"),
        ({"type": "error", "message": "no", "sequence_number": 0}, "openai.responses"),
        ({"type": "error", "error": {"message": "no"}}, "unknown"),
        (
            {"type": "error", "error": {"type": "overloaded_error", "message": "no"}},
            "anthropic.messages",
        ),
        ({"type": "ping"}, "anthropic.messages"),
        ({"type": "message_start", "message": {"id": "m"}}, "anthropic.messages"),
        ({"type": "message_start"}, "unknown"),
        (
            {"error": {"code": 429, "message": "no", "status": "RESOURCE_EXHAUSTED"}},
            "google.gemini",
        ),
        ({"candidates": [], "author": "agent"}, "unknown"),
        ({"event_type": "interaction.created", "interaction": {}}, "google.interactions"),
        ({"model": "m", "response": "x", "done": False}, "ollama"),
        ({"messageStart": {"role": "assistant"}}, "bedrock.converse"),
        ({"metadata": {}}, "unknown"),
        ({"type": "message-start", "delta": {}}, "cohere.chat"),
        ({"type": "response.created", "response": {}}, "openai.responses"),
        ({"object": "response", "output": []}, "openai.responses"),
        ({"object": "chat.completion.chunk", "choices": []}, "openai.chat"),
        ({"choices": [{"delta": {}}]}, "openai.chat"),
        ({"error": {"message": "no"}}, "openai.chat"),
        ({"what": "ever"}, "unknown"),
        ({}, "unknown"),
        (Thing(), "unknown"),
        (("what", {}), "unknown"),
        (("messages", {}), "langgraph"),
    ],
)
def test_the_first_item_tells_the_system(item: Any, system: str) -> None:
    assert decoder_for(item).system == system


# Items that satisfy two formats, with the adapter that gets them and the one that comes later in
# the order.
SESSION_ERROR = {
    "type": "error",
    "error": {"type": "server_error", "message": "no"},
    "session_id": "s",
}
GOOGLE_ERROR = {"error": {"code": 429, "message": "no", "status": "RESOURCE_EXHAUSTED"}}
SDK_OUTPUT: dict[str, Any] = {"type": "run_item_stream_event", "item": {}, "tool_action": None}
DSPY_CHUNK: dict[str, Any] = {"predict_id": 1, "choices": [{"index": 0, "delta": {}}]}
RPC_RESULT: dict[str, Any] = {
    "jsonrpc": "2.0",
    "result": {"content": [], "kind": "message", "parts": []},
}
PRECEDENCE = [
    ("openai.sessions", "anthropic.messages", SESSION_ERROR),
    ("google.gemini", "openai.chat", GOOGLE_ERROR),
    ("dspy", "openai.chat", DSPY_CHUNK),
    ("openai.agents", "agentor", SDK_OUTPUT),
    ("mcp", "a2a", RPC_RESULT),
    ("openai.responses", "text", '{"type":"response.created"'),
    ("agentor", "text", '{"type": "raw_response_event"'),
    ("hector", "text", '{"chunk": "Hi"}'),
    ("vercel.parts", "text", '0:"Hi"'),
]


def recognisers(item: Any) -> tuple[str, ...]:
    """Return the systems that recognise an item, in the order of the adapters, without
    "unknown".
    """
    return tuple(
        adapter.system
        for adapter in adapters()
        if adapter.system != "unknown" and adapter.recognises(item)
    )


@pytest.mark.parametrize(("first", "second", "item"), PRECEDENCE)
def test_of_two_adapters_that_recognise_an_item_the_more_specific_one_comes_first(
    first: str, second: str, item: Any
) -> None:
    assert recognisers(item) == (first, second)
    assert decoder_for(item).system == first


@pytest.mark.parametrize("recording", RECORDINGS, ids=str)
def test_no_two_adapters_recognise_a_recorded_item_but_by_declared_precedence(
    recording: Recording,
) -> None:
    declared = {(first, second) for first, second, _ in PRECEDENCE}
    for item in recording.items:
        systems = recognisers(item)
        assert len(systems) < 2 or systems in declared, item
    assert recognisers(recording.items[0])[0] == (recording.detected or recording.system)


@pytest.mark.parametrize(
    ("item", "system"),
    [
        ({"type": "response.created", "response": {}}, "openai.responses"),
        ({"choices": [{"delta": {"content": "Hi"}}]}, "openai.chat"),
        ({"type": "token", "content": "Hi"}, "status.tokens"),
        ("Hi", "text"),
        ({"what": "ever"}, "unknown"),
    ],
)
def test_a_named_frame_is_read_by_what_is_in_it(item: Any, system: str) -> None:
    frame = {"event": "tick", "data": item}
    assert decoder_for(frame).system == system
    events = decode(decoder_for(frame), [frame])
    if system == "unknown":
        assert frame in [event.data for event in events if isinstance(event, ev.Raw)]
    else:
        assert events == decode(decoder_for(item), [item])


@pytest.mark.parametrize("before", [[], ["Hi"]])
@pytest.mark.parametrize(
    "data", ["no", {"message": "no"}, {"error": "no"}, {"detail": "no", "what": "ever"}]
)
def test_an_event_named_an_error_is_one_in_any_stream(before: list[Any], data: Any) -> None:
    items = [*before, {"event": "error", "data": data}]
    events = decode(decoder_for(items[0]), items)
    assert [event.message for event in events if isinstance(event, ev.Error)] == ["no"]
    assert isinstance(events[-1], ev.RunEnd)
    assert events[-1].status == "failed"


@pytest.mark.parametrize(
    "items",
    [
        [{"type": "start"}, {"type": "tool-input-available", "input": {}}, {"type": "finish"}],
        [
            {"type": "RUN_STARTED", "threadId": "t", "runId": "r"},
            {"type": "TEXT_MESSAGE_CONTENT", "messageId": "m"},
        ],
    ],
    ids=["vercel.ui", "ag_ui"],
)
def test_an_item_of_a_known_kind_without_what_it_needs_is_kept_and_told(items: list[Any]) -> None:
    events = decode(decoder_for(items[0]), items)
    assert [event.data for event in events if isinstance(event, ev.Raw)]
    assert [
        event.message
        for event in events
        if isinstance(event, ev.Status) and "not read here" in event.message
    ]


@pytest.mark.parametrize("item", [None, 7, 1.5, True])
def test_what_cannot_be_an_item_is_refused_by_name(item: Any) -> None:
    with pytest.raises(UnknownSource, match=rf"'{type(item).__name__}'.*openai\.chat"):
        decoder_for(item)


def test_every_system_has_a_name_of_its_own() -> None:
    systems = [adapter.system for adapter in adapters()]
    assert [decoder_named(system).system for system in systems] == systems
    with pytest.raises(UnknownSource, match=r"'openai\.chats'.*openai\.chat"):
        decoder_named("openai.chats")


def test_items_of_no_known_system_are_shown_raw() -> None:
    events = decode(decoder_for(Thing()), [Thing(), {"event": "tick"}, object()])
    assert [(event.name, event.data) for event in events if isinstance(event, ev.Raw)] == [
        ("thing", {"type": "thing"}),
        ("tick", {"event": "tick"}),
        (None, "<builtins.object>"),
    ]
    assert events[-1] == ev.RunEnd(status="incomplete", code="unknown_items")


def test_an_item_that_resists_being_looked_at_is_named() -> None:
    class Hostile:
        @property
        def __dict__(self) -> Any:  # type: ignore[override]
            raise RuntimeError("go away")

    events = decode(decoder_named("openai.chat"), [Hostile()])
    assert "Hostile" in str(next(event.data for event in events if isinstance(event, ev.Raw)))


def test_an_item_nested_without_end_is_cut_where_it_is_too_deep() -> None:
    endless: dict[str, Any] = {}
    endless["self"] = endless
    events = decode(decoder_named("unknown"), [endless])
    assert ev.to_json(next(event for event in events if isinstance(event, ev.Raw)))


def test_an_agent_of_ours_needs_no_adapter_of_another_system() -> None:
    code = """
import sys
from nbagent import events as e
from nbagent.adapters.decoders import decoder_for
print(decoder_for(e.TextDelta(id="t", delta="Hello")).system)
print("nbagent.adapters.hector.decoder" in sys.modules)
"""
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert printed.stdout.split() == ["nbagent", "False"]

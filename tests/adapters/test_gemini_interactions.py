"""Google's Interactions API, one rule of the format at a time."""

from typing import Any

import pytest
from adapters.recorded import FOLDER, Transcript, decode, payloads

from nbagent import events as ev
from nbagent.adapters.decoders import decoder_for
from nbagent.adapters.gemini.interactions import InteractionsDecoder

Json = dict[str, Any]
CREATED: Json = {
    "event_type": "interaction.created",
    "interaction": {"id": "i", "model": "gemini", "status": "in_progress"},
}


def step(index: int, inner: Json, *deltas: Json, prefix: str = "step") -> list[Json]:
    start = {
        "event_type": f"{prefix}.start",
        "index": index,
        "step" if prefix == "step" else "content": inner,
    }
    middle = [{"event_type": f"{prefix}.delta", "index": index, "delta": delta} for delta in deltas]
    return [start, *middle, {"event_type": f"{prefix}.stop", "index": index}]


def completed(status: str = "completed", **more: Any) -> Json:
    return {"event_type": "interaction.completed", "interaction": {"status": status, **more}}


def answer(*items: Json) -> list[ev.Event]:
    return decode(InteractionsDecoder(), [CREATED, *items, completed()])


def only(events: list[ev.Event], kind: type[Any]) -> Any:
    (found,) = [event for event in events if isinstance(event, kind)]
    return found


def test_a_recorded_call_is_read_with_its_thought_and_counts() -> None:
    items = payloads(FOLDER / "gemini/vercel-tool-call-step1.sse")
    events = decode(decoder_for(items[0]), items)
    assert Transcript.of(events).calls() == [
        ("getWeather", "61nzpsv4", '{"location":"San Francisco"}')
    ]
    assert only(events, ev.ReasoningEnd).signature == items[3]["delta"]["signature"]
    end = only(events, ev.RunEnd)
    assert (end.status, end.finish_reason) == ("completed", "requires_action")
    assert end.usage == ev.Usage(input=53, output=80, total=133, reasoning=65, cache_read=0)


@pytest.mark.parametrize("prefix", ["step", "content"])
def test_thought_text_and_sources(prefix: str) -> None:
    summary = {"type": "thought_summary", "content": {"type": "text", "text": "hm"}}
    cited = {
        "type": "text_annotation_delta",
        "annotations": [{"type": "url_citation", "url": "https://a.example", "title": "A"}],
    }
    events = answer(
        *step(
            0,
            {"type": "thought"},
            summary,
            {"type": "thought_signature", "signature": "sig"},
            prefix=prefix,
        ),
        *step(
            1,
            {"type": "model_output"},
            {"type": "text", "text": "4"},
            {"type": "text", "text": "2"},
            cited,
            prefix=prefix,
        ),
    )
    assert (Transcript.of(events).thoughts, Transcript.of(events).texts) == (["hm"], ["42"])
    source = only(events, ev.Source)
    assert (source.url, source.text_id) == ("https://a.example", only(events, ev.TextStart).id)


@pytest.mark.parametrize("failed", [False, True])
def test_a_tool_that_the_service_runs_has_its_result(failed: bool) -> None:
    call = {"type": "code_execution_call", "arguments": {"code": "1"}}
    done = {"type": "code_execution_result", "result": "1", "is_error": failed}
    events = answer(
        *step(0, {"type": "code_execution_call", "id": "c"}, call),
        *step(1, {"type": "code_execution_result", "call_id": "c"}, done),
    )
    (tool,) = Transcript.of(events).tools
    assert (tool["name"], tool["kind"], tool["args"]) == ("code_execution", "hosted", {"code": "1"})
    assert (tool["result"], tool["status"]) == ("1", "error" if failed else "ok")


def test_a_functions_name_may_come_with_its_delta() -> None:
    delta = {"type": "function_call", "id": "c", "name": "f", "arguments": {"x": 1}}
    assert Transcript.of(
        answer(*step(0, {"type": "function_call"}, delta, prefix="content"))
    ).calls() == [("f", "c", '{"x": 1}')]


def test_pictures_are_files() -> None:
    delta = {"type": "image", "data": "aGk=", "mime_type": "image/png"}
    assert only(answer(*step(0, {"type": "model_output"}, delta)), ev.File).data == "aGk="


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        ("completed", "completed"),
        ("requires_action", "completed"),
        ("incomplete", "incomplete"),
        ("budget_exceeded", "incomplete"),
        ("cancelled", "cancelled"),
        ("failed", "failed"),
    ],
)
def test_the_status_tells_how_it_ended(status: str, ours: str) -> None:
    assert (
        only(decode(InteractionsDecoder(), [CREATED, completed(status)]), ev.RunEnd).status == ours
    )


def test_an_error_keeps_the_text() -> None:
    error = {"event_type": "error", "error": {"code": "overloaded", "message": "Busy"}}
    events = decode(
        InteractionsDecoder(),
        [CREATED, *step(0, {"type": "model_output"}, {"type": "text", "text": "so far"}), error],
    )
    assert (Transcript.of(events).texts, only(events, ev.Error).message) == (["so far"], "Busy")
    assert only(events, ev.RunEnd).status == "failed"


def test_what_is_unknown_is_kept() -> None:
    events = answer(*step(0, {"type": "hologram"}), {"event_type": "step.hum"})
    assert [event.name for event in events if isinstance(event, ev.Raw)] == ["hologram", "step.hum"]

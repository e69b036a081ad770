"""Gemini's generateContent, one rule of the format at a time."""

import enum
import re
from types import SimpleNamespace
from typing import Any

import pytest
from adapters.recorded import Recording, Transcript, decode, of_folder
from msgspec.structs import replace

from nbagent import events as ev
from nbagent.adapters.decoders import decoder_for
from nbagent.adapters.gemini.decoder import GeminiDecoder

Json = dict[str, Any]
RECORDED = [recording for recording in of_folder("gemini") if recording.system == "google.gemini"]


def chunk(
    *parts: Json, finish: str | None = None, response_id: str | None = "r-1", **more: Any
) -> Json:
    candidate: Json = {
        "content": {"role": "model", "parts": list(parts)},
        **more.pop("candidate", {}),
    }
    if finish:
        candidate["finishReason"] = finish
    response = {"candidates": [candidate], "modelVersion": "gemini", **more}
    return response if response_id is None else {**response, "responseId": response_id}


def snake(value: Any) -> Any:
    """Return the value with snake_case names, as in the SDK, except inside the user's own data."""
    if isinstance(value, list):
        return [snake(entry) for entry in value]
    if isinstance(value, dict):
        return {
            re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower(): entry
            if name in ("args", "response")
            else snake(entry)
            for name, entry in value.items()
        }
    return value


def both(*items: Json) -> list[ev.Event]:
    """Return the events of the chunks, after asserting that they are the same in either
    spelling.
    """
    events = decode(GeminiDecoder(), items)
    other = decode(GeminiDecoder(), [snake(item) for item in items])
    assert [replace(event, meta=None) for event in other] == [
        replace(event, meta=None) for event in events
    ]
    return events


def only(events: list[ev.Event], kind: type[Any]) -> Any:
    (found,) = [event for event in events if isinstance(event, kind)]
    return found


@pytest.mark.parametrize("recording", RECORDED, ids=str)
def test_a_recording_says_what_its_parts_add_up_to(recording: Recording) -> None:
    items = recording.items
    parts = [part for item in items for part in item["candidates"][0]["content"].get("parts", ())]
    text = "".join(part.get("text", "") for part in parts if not part.get("thought"))
    thoughts = "".join(part.get("text", "") for part in parts if part.get("thought"))
    names = [
        part["functionCall"]["name"] for part in parts if "name" in part.get("functionCall", {})
    ]
    transcript = Transcript.of(decode(GeminiDecoder(), items))
    assert "".join(transcript.texts) == text
    assert "".join(transcript.thoughts) == thoughts
    assert [name for name, _, _ in transcript.calls()] == names
    usage = items[-1]["usageMetadata"]
    assert transcript.end is not None
    assert transcript.end.usage is not None
    assert (transcript.end.status, transcript.end.usage.total) == (
        "completed",
        usage["totalTokenCount"],
    )
    made = usage.get("candidatesTokenCount", 0) + usage.get("thoughtsTokenCount", 0)
    assert (transcript.end.usage.input, transcript.end.usage.output) == (
        usage["promptTokenCount"],
        made,
    )


def test_thoughts_are_summaries_and_text_is_one_text() -> None:
    events = both(
        chunk({"text": "hm", "thought": True}),
        chunk({"text": "4"}),
        chunk({"text": "2"}),
        chunk(finish="STOP"),
    )
    transcript = Transcript.of(events)
    assert (transcript.thoughts, transcript.texts) == (["hm"], ["42"])
    assert only(events, ev.ReasoningStart).kind == "summary"


@pytest.mark.parametrize(
    ("parts", "where"),
    [
        (
            [
                {"text": "hm", "thought": True},
                {"text": "", "thought": True, "thoughtSignature": "sig"},
            ],
            ev.ReasoningEnd,
        ),
        ([{"text": "", "thoughtSignature": "sig"}], ev.ReasoningEnd),
        ([{"text": "42"}, {"text": "", "thoughtSignature": "sig"}], ev.TextEnd),
        ([{"functionCall": {"name": "f"}, "thoughtSignature": "sig"}], ev.ToolStart),
        (
            [
                {"functionCall": {"name": "f"}, "thoughtSignature": "sig"},
                {"functionCall": {"name": "g"}},
            ],
            ev.ToolStart,
        ),
    ],
)
def test_a_signature_goes_with_what_it_signs(parts: list[Json], where: type[ev.Event]) -> None:
    events = both(*(chunk(part) for part in parts), chunk(finish="STOP"))
    (signed,) = [event for event in events if "'sig'" in repr(event)]
    assert isinstance(signed, where)


def test_a_signature_that_an_sdk_decoded_is_base64_again() -> None:
    end = only(
        decode(GeminiDecoder(), [chunk({"text": "", "thought_signature": b"sig"}, finish="STOP")]),
        ev.ReasoningEnd,
    )
    assert end.signature == "c2ln"


def test_calls_come_whole_without_an_id_and_are_answered_by_name_in_order() -> None:
    calls = [{"functionCall": {"name": "f", "args": {"x": number}}} for number in (1, 2)]
    results = [
        {"functionResponse": {"name": "f", "response": {"result": number}}} for number in (1, 2)
    ]
    turn = {"role": "user", "parts": results}
    events = both(
        chunk(*calls, finish="STOP"), turn, chunk({"text": "42"}, finish="STOP", response_id="r-2")
    )
    transcript = Transcript.of(events)
    assert [tool["args"] for tool in transcript.tools] == [{"x": 1}, {"x": 2}]
    assert [tool["result"] for tool in transcript.tools] == [{"result": 1}, {"result": 2}]
    assert transcript.texts == ["42"]


def test_a_response_with_an_error_in_it_is_an_error() -> None:
    call = {"functionCall": {"name": "f", "id": "c-1"}}
    answer = {"functionResponse": {"name": "f", "id": "c-1", "response": {"error": "no"}}}
    (tool,) = Transcript.of(
        both(chunk(call, finish="STOP"), {"role": "user", "parts": [answer]})
    ).tools
    assert (tool["call_id"], tool["args"], tool["status"]) == ("c-1", {}, "error")


def test_arguments_by_path_become_one_object() -> None:
    def more(*entries: Json, go_on: bool = True) -> Json:
        call: Json = {"partialArgs": list(entries)} if entries else {}
        return chunk({"functionCall": {**call, "willContinue": True} if go_on else call})

    items = [
        chunk({"functionCall": {"name": "f", "willContinue": True}}),
        more({"jsonPath": "$.place", "stringValue": "Bos", "willContinue": True}),
        more({"jsonPath": "$.place", "stringValue": "ton"}),
        more(
            {"jsonPath": "$.days[1].n", "numberValue": 2},
            {"jsonPath": "$['a b']", "boolValue": False},
        ),
        more({"jsonPath": "$.none", "nullValue": "NULL_VALUE"}),
        more(go_on=False),
        chunk({"functionCall": {"name": "g"}}, finish="STOP"),
    ]
    tools = Transcript.of(both(*items)).tools
    assert tools[0]["args"] == {
        "place": "Boston",
        "days": [None, {"n": 2}],
        "a b": False,
        "none": None,
    }
    assert (tools[1]["name"], tools[1]["args"]) == ("g", {})


@pytest.mark.parametrize(("outcome", "status"), [("OUTCOME_OK", "ok"), ("OUTCOME_FAILED", "error")])
def test_code_that_the_service_runs_has_its_output(outcome: str, status: str) -> None:
    parts = [
        {"executableCode": {"language": "PYTHON", "code": "print(42)"}},
        {"codeExecutionResult": {"outcome": outcome, "output": "42\n"}},
    ]
    (tool,) = Transcript.of(both(*(chunk(part) for part in parts), chunk(finish="STOP"))).tools
    assert (tool["name"], tool["kind"], tool["args"]) == ("code_execution", "hosted", "print(42)")
    assert (tool["status"], tool["result"]) == (status, "42\n")


def test_a_tool_that_the_service_calls_itself_is_answered_by_its_id() -> None:
    call = {"toolCall": {"id": "t-1", "toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["x"]}}}
    done = {
        "toolResponse": {"id": "t-1", "toolType": "GOOGLE_SEARCH_WEB", "response": {"found": 1}}
    }
    (tool,) = Transcript.of(both(chunk(call), chunk(done, finish="STOP"))).tools
    assert (tool["name"], tool["kind"], tool["result"]) == (
        "google_search_web",
        "hosted",
        {"found": 1},
    )


def test_grounding_is_a_search_with_sources_told_once() -> None:
    grounding = {
        "webSearchQueries": ["x"],
        "groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}],
    }
    items = [
        chunk({"text": "42"}),
        *[chunk({"text": "."}, candidate={"groundingMetadata": grounding})] * 2,
        chunk(finish="STOP"),
    ]
    events = both(*items)
    source = only(events, ev.Source)
    assert (source.url, source.title, source.text_id) == (
        "https://a.example",
        "A",
        only(events, ev.TextStart).id,
    )
    (tool,) = Transcript.of(events).tools
    assert (tool["name"], tool["args"]) == ("google_search", {"queries": ["x"]})


def test_citations_and_files_are_kept() -> None:
    citation = {"citationSources": [{"uri": "https://b.example", "startIndex": 1}]}
    picture = {"inlineData": {"mimeType": "image/png", "data": "aGk="}}
    events = both(
        chunk({"text": "x"}, picture, candidate={"citationMetadata": citation}),
        chunk(finish="STOP"),
    )
    assert only(events, ev.Source).url == "https://b.example"
    assert (only(events, ev.File).media_type, only(events, ev.File).data) == ("image/png", "aGk=")


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("STOP", "completed"),
        ("MAX_TOKENS", "incomplete"),
        ("SAFETY", "incomplete"),
        ("RECITATION", "incomplete"),
        ("SOMETHING_NEW", "incomplete"),
        ("MALFORMED_FUNCTION_CALL", "failed"),
    ],
)
def test_the_finish_reason_tells_how_it_ended(reason: str, status: str) -> None:
    end = only(both(chunk({"text": "x"}), chunk(finish=reason)), ev.RunEnd)
    assert (end.status, end.finish_reason) == (status, reason)


def test_a_blocked_prompt_fails() -> None:
    blocked = {
        "promptFeedback": {"blockReason": "SAFETY"},
        "usageMetadata": {"promptTokenCount": 3},
    }
    events = both(blocked)
    assert (only(events, ev.RunEnd).status, only(events, ev.Error).code) == ("failed", "SAFETY")
    assert decoder_for(blocked).system == "google.gemini"


def test_an_error_keeps_the_text() -> None:
    error = {"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}
    events = both(chunk({"text": "so far"}), error)
    assert Transcript.of(events).texts == ["so far"]
    assert (only(events, ev.Error).message, only(events, ev.Error).code) == (
        "Overloaded",
        "UNAVAILABLE",
    )
    assert decoder_for(error).system == decoder_for([error]).system == "google.gemini"


def test_counts_are_cumulative_in_a_response_and_summed_over_responses() -> None:
    counts = {
        "promptTokenCount": 5,
        "toolUsePromptTokenCount": 1,
        "thoughtsTokenCount": 3,
        "cachedContentTokenCount": 2,
    }
    last = {**counts, "candidatesTokenCount": 4, "totalTokenCount": 13}
    one = [chunk({"text": "x"}, usageMetadata=counts), chunk(finish="STOP", usageMetadata=last)]
    usage = ev.Usage(input=6, output=7, total=13, reasoning=3, cache_read=2)
    assert only(both(*one), ev.RunEnd).usage == usage
    assert (
        only(both(*one, *({**item, "responseId": "r-2"} for item in one)), ev.RunEnd).usage
        == usage + usage
    )


def test_without_ids_what_speaks_after_the_end_is_another_response() -> None:
    events = both(*(chunk({"text": "x"}, finish="STOP", response_id=None) for _ in range(2)))
    assert [event.step for event in events if isinstance(event, ev.TextStart)] == [1, 2]


def test_an_array_of_chunks_is_read_like_the_chunks() -> None:
    items = [chunk({"text": "x"}), chunk(finish="STOP")]
    assert decode(GeminiDecoder(), [items]) == decode(GeminiDecoder(), items)
    assert decoder_for(items).system == "google.gemini"


def test_objects_of_an_sdk_are_read_like_dicts() -> None:
    class Reason(enum.StrEnum):
        STOP = "STOP"

    part = SimpleNamespace(text="x", thought=None, function_call=None)
    candidate = SimpleNamespace(
        content=SimpleNamespace(parts=[part]), finish_reason=Reason.STOP, index=0
    )
    item = SimpleNamespace(
        candidates=[candidate], model_version="gemini", response_id="r-1", usage_metadata=None
    )
    events = decode(decoder_for(item), [item])
    assert (Transcript.of(events).texts, only(events, ev.RunEnd).finish_reason) == (["x"], "STOP")


def test_what_is_unknown_is_kept() -> None:
    events = both(chunk({"hologram": {}}), {"what": "ever"}, chunk(finish="STOP"))
    assert [event.name for event in events if isinstance(event, ev.Raw)] == ["hologram", None]

"""Amazon Bedrock's ConverseStream, one rule of the format at a time."""

import json
from typing import Any

import pytest
from adapters.recorded import Recording, Transcript, decode, of_folder

from nbagent import events as ev
from nbagent.adapters.bedrock.decoder import BedrockDecoder
from nbagent.adapters.decoders import decoder_for

Json = dict[str, Any]
START: Json = {"messageStart": {"role": "assistant"}}
COUNTS: Json = {
    "metadata": {
        "usage": {"inputTokens": 5, "outputTokens": 2, "totalTokens": 7},
        "metrics": {"latencyMs": 1},
    }
}


def delta(index: int, **fields: Any) -> Json:
    return {"contentBlockDelta": {"contentBlockIndex": index, "delta": fields}}


def begin(index: int, **fields: Any) -> Json:
    return {"contentBlockStart": {"contentBlockIndex": index, "start": fields}}


def stop(index: int) -> Json:
    return {"contentBlockStop": {"contentBlockIndex": index}}


def end(reason: str = "end_turn") -> Json:
    return {"messageStop": {"stopReason": reason}}


def answer(*items: Json) -> list[ev.Event]:
    return decode(BedrockDecoder(), [START, *items, end(), COUNTS])


def only(events: list[ev.Event], kind: type[Any]) -> Any:
    (found,) = [event for event in events if isinstance(event, kind)]
    return found


@pytest.mark.parametrize("recording", of_folder("bedrock"), ids=str)
def test_a_recording_says_what_its_deltas_add_up_to(recording: Recording) -> None:
    items = recording.items
    deltas = [item["contentBlockDelta"]["delta"] for item in items if "contentBlockDelta" in item]
    events = decode(BedrockDecoder(), items)
    transcript = Transcript.of(events)
    assert "".join(transcript.texts) == "".join(entry.get("text", "") for entry in deltas)
    assert "".join(transcript.thoughts) == "".join(
        entry.get("reasoningContent", {}).get("text", "") for entry in deltas
    )
    arguments = "".join(entry.get("toolUse", {}).get("input", "") for entry in deltas)
    assert "".join(text for _, _, text in transcript.calls()) == arguments
    assert only(events, ev.RunEnd).status == "completed"
    assert (
        only(events, ev.RunEnd).usage.total
        == next(item for item in items if "metadata" in item)["metadata"]["usage"]["totalTokens"]
    )


def test_a_thought_keeps_its_signature_and_a_sealed_one_shows_nothing() -> None:
    events = answer(
        delta(0, reasoningContent={"text": "hm"}),
        delta(0, reasoningContent={"signature": "sig"}),
        stop(0),
        delta(1, reasoningContent={"redactedContent": b"enc"}),
        stop(1),
        delta(2, text="42"),
    )
    ends = [event for event in events if isinstance(event, ev.ReasoningEnd)]
    assert [(thought.signature, thought.encrypted) for thought in ends] == [
        ("sig", None),
        (None, "ZW5j"),
    ]
    assert (Transcript.of(events).thoughts, Transcript.of(events).texts) == (["hm", ""], ["42"])


def test_a_call_without_arguments_has_none() -> None:
    (tool,) = Transcript.of(
        answer(begin(0, toolUse={"toolUseId": "t", "name": "f"}), stop(0))
    ).tools
    assert (tool["name"], tool["call_id"], tool["args"], tool["kind"]) == ("f", "t", {}, "function")


@pytest.mark.parametrize("status", ["success", "error"])
def test_a_tool_that_the_service_runs_has_its_result(status: str) -> None:
    events = answer(
        begin(0, toolUse={"toolUseId": "t", "name": "search", "type": "server_tool_use"}),
        delta(0, toolUse={"input": '{"q":1}'}),
        stop(0),
        begin(1, toolResult={"toolUseId": "t", "status": status}),
        delta(1, toolResult=[{"text": "found"}]),
        stop(1),
    )
    (tool,) = Transcript.of(events).tools
    assert (tool["kind"], tool["status"]) == ("hosted", "ok" if status == "success" else "error")
    assert tool["result"] == [{"text": "found"}]


def test_text_that_is_cut_by_citations_is_one_text() -> None:
    citation = {"title": "A", "location": {"web": {"url": "https://a.example"}}}
    events = answer(
        delta(0, text="The grass "),
        stop(0),
        delta(1, text="is green"),
        delta(1, citation=citation),
        stop(1),
    )
    assert Transcript.of(events).texts == ["The grass is green"]
    source = only(events, ev.Source)
    assert (source.url, source.title, source.text_id) == (
        "https://a.example",
        "A",
        only(events, ev.TextStart).id,
    )


def test_a_picture_is_a_file() -> None:
    file = only(
        answer(
            begin(0, image={"format": "png"}), delta(0, image={"source": {"bytes": b"hi"}}), stop(0)
        ),
        ev.File,
    )
    assert (file.media_type, file.data) == ("image/png", "aGk=")


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("end_turn", "completed"),
        ("tool_use", "completed"),
        ("stop_sequence", "completed"),
        ("max_tokens", "incomplete"),
        ("guardrail_intervened", "incomplete"),
        ("content_filtered", "incomplete"),
        ("malformed_tool_use", "failed"),
    ],
)
@pytest.mark.parametrize("tail", [[COUNTS], []])
def test_the_stop_reason_tells_how_it_ended(reason: str, status: str, tail: list[Json]) -> None:
    run_end = only(
        decode(BedrockDecoder(), [START, delta(0, text="x"), end(reason), *tail]), ev.RunEnd
    )
    assert (run_end.status, run_end.finish_reason) == (status, reason)
    assert run_end.usage == (ev.Usage(input=5, output=2, total=7) if tail else None)


def test_what_the_cache_gave_is_input_where_it_is_counted_apart() -> None:
    usage = {
        "inputTokens": 5,
        "outputTokens": 2,
        "totalTokens": 17,
        "cacheReadInputTokens": 9,
        "cacheWriteInputTokens": 1,
    }
    events = decode(BedrockDecoder(), [START, end(), {"metadata": {"usage": usage}}])
    assert only(events, ev.RunEnd).usage == ev.Usage(
        input=15, output=2, total=17, cache_read=9, cache_write=1
    )


def test_an_exception_in_the_stream_keeps_the_text_and_fails_the_run() -> None:
    fault = {"throttlingException": {"message": "Too many tokens"}}
    events = decode(BedrockDecoder(), [START, delta(0, text="so far"), fault])
    assert Transcript.of(events).texts == ["so far"]
    error = only(events, ev.Error)
    assert (error.message, error.error_type) == ("Too many tokens", "throttlingException")
    assert only(events, ev.RunEnd).status == "failed"
    assert decoder_for(fault).system == "bedrock.converse"


def test_two_messages_are_two_steps() -> None:
    one = [START, delta(0, text="x"), stop(0), end(), COUNTS]
    events = decode(BedrockDecoder(), one + one)
    assert Transcript.of(events).texts == ["x", "x"]
    assert only(events, ev.RunEnd).usage.total == 14


def test_decoded_frames_are_read_like_boto3s_events() -> None:
    items = [START, delta(0, text="x"), stop(0), end(), COUNTS]
    frames = [
        {"event": name, "data": {**payload, "p": "abcd"}}
        for item in items
        for name, payload in item.items()
    ]
    assert decode(decoder_for(frames[0]), frames) == decode(BedrockDecoder(), items)


def test_claudes_own_stream_is_read_as_anthropics() -> None:
    claude_events: list[Json] = [
        {
            "type": "message_start",
            "message": {"id": "m", "model": "claude", "content": [], "usage": {"input_tokens": 5}},
        },
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 2},
        },
        {"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 5}},
    ]
    chunks = [{"chunk": {"bytes": json.dumps(entry).encode()}} for entry in claude_events]
    events = decode(decoder_for(chunks[0]), chunks)
    assert Transcript.of(events).texts == ["x"]
    assert (only(events, ev.RunEnd).status, only(events, ev.RunEnd).usage.total) == ("completed", 7)
    cut = decode(BedrockDecoder(), chunks[:3])
    assert (only(cut, ev.RunEnd).code, Transcript.of(cut).texts) == (ev.STREAM_TRUNCATED, ["x"])
    fault = {"modelStreamErrorException": {"message": "no"}}
    assert only(decode(BedrockDecoder(), [*chunks[:3], fault]), ev.RunEnd).status == "failed"


def test_what_is_unknown_is_kept() -> None:
    other = {"chunk": {"bytes": b'{"generation": "x"}'}}
    events = answer({"contentBlockHum": {}}, delta(0, hologram={}), begin(1, hologram={}), other)
    assert len([event for event in events if isinstance(event, ev.Raw)]) == 4

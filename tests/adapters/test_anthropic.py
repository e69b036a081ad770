"""Anthropic Messages, one rule of the format at a time."""

from typing import Any

import pytest
from adapters.recorded import Recording, Transcript, decode, of_folder

from nbagent import events as ev
from nbagent.adapters.anthropic.decoder import AnthropicDecoder
from nbagent.adapters.decoders import decoder_for

Json = dict[str, Any]
RECORDED = of_folder("anthropic")
STOP: Json = {"type": "message_stop"}


def start(message_id: str = "msg_1", **more: Any) -> Json:
    message = {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [],
        **more,
    }
    return {
        "type": "message_start",
        "message": {"usage": {"input_tokens": 5, "output_tokens": 1}, **message},
    }


def block(index: int, *deltas: Json, **content: Any) -> list[Json]:
    """Return the events of a content block: start, deltas and end."""
    return [
        {"type": "content_block_start", "index": index, "content_block": content},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def text(index: int, words: str) -> list[Json]:
    return block(index, {"type": "text_delta", "text": words}, type="text", text="")


def finish(reason: str, **more: Any) -> Json:
    return {
        "type": "message_delta",
        "delta": {"stop_reason": reason, **more},
        "usage": {"output_tokens": 9},
    }


def answer(*items: Json, reason: str = "end_turn") -> list[ev.Event]:
    return decode(AnthropicDecoder(), [start(), *items, finish(reason), STOP])


def only(events: list[ev.Event], kind: type[Any]) -> Any:
    (found,) = [event for event in events if isinstance(event, kind)]
    return found


@pytest.mark.parametrize("recording", RECORDED, ids=str)
def test_a_recording_says_what_its_blocks_add_up_to(recording: Recording) -> None:
    words, thoughts, calls = "", "", []
    open_calls: dict[int, list[Any]] = {}
    for item in recording.items:
        if item["type"] == "message_start":
            calls += [[inner["name"], inner["input"], ""] for inner in item["message"]["content"]]
        if item["type"] == "content_block_start":
            inner = item["content_block"]
            if inner["type"] == "tool_use":
                open_calls[item["index"]] = [inner["name"], inner["input"], ""]
                calls.append(open_calls[item["index"]])
            else:
                open_calls.pop(item["index"], None)
        delta = item.get("delta", {})
        words += delta.get("text", "")
        thoughts += delta.get("thinking", "")
        if "partial_json" in delta and item["index"] in open_calls:
            open_calls[item["index"]][2] += delta["partial_json"]
    transcript = Transcript.of(decode(AnthropicDecoder(), recording.items))
    assert "".join(transcript.texts) == words
    assert "".join(transcript.thoughts) == thoughts
    read = [
        (tool["name"], tool.get("args"), tool["pieces"])
        for tool in transcript.tools
        if tool["kind"] == "function"
    ]
    assert [(name, pieces) for name, _, pieces in read] == [
        (name, pieces) for name, _, pieces in calls
    ]
    assert all(
        args == given for (_, args, _), (_, given, pieces) in zip(read, calls, strict=True) if given
    )


def test_text_that_is_cut_by_citations_is_one_text() -> None:
    cited = {
        "type": "citations_delta",
        "citation": {"type": "char_location", "document_title": "Book", "cited_text": "x"},
    }
    middle = block(
        1, cited, {"type": "text_delta", "text": "is green"}, type="text", text="", citations=[]
    )
    events = answer(*text(0, "The grass "), *middle, *text(2, "."))
    assert Transcript.of(events).texts == ["The grass is green."]
    source = only(events, ev.Source)
    assert (source.title, source.url, source.meta["cited_text"]) == ("Book", None, "x")
    assert source.text_id == only(events, ev.TextStart).id


def test_a_page_that_was_cited_is_a_source_with_its_address() -> None:
    citation = {
        "type": "web_search_result_location",
        "url": "https://a.example",
        "title": "A",
        "encrypted_index": "…",
    }
    delta = {"type": "citations_delta", "citation": citation}
    source = only(
        answer(*block(0, delta, {"type": "text_delta", "text": "x"}, type="text", text="")),
        ev.Source,
    )
    assert (source.url, source.title) == ("https://a.example", "A")


def test_a_thought_keeps_its_signature_and_a_sealed_one_shows_nothing() -> None:
    deltas = [
        {"type": "thinking_delta", "thinking": "hm"},
        {"type": "signature_delta", "signature": "sig"},
    ]
    events = answer(
        *block(0, *deltas, type="thinking", thinking=""),
        *block(1, type="redacted_thinking", data="enc"),
    )
    ends = [event for event in events if isinstance(event, ev.ReasoningEnd)]
    assert [(end.signature, end.encrypted) for end in ends] == [("sig", None), (None, "enc")]
    assert Transcript.of(events).thoughts == ["hm", ""]


@pytest.mark.parametrize(
    ("given", "pieces", "args"),
    [
        ({}, ["", '{"x"', ":1}"], {"x": 1}),
        ({}, [""], {}),
        ({}, [], {}),
        ({"x": 1}, [], {"x": 1}),
    ],
)
def test_arguments_come_in_pieces_or_whole_or_not_at_all(
    given: Json, pieces: list[str], args: Json
) -> None:
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    events = answer(
        *block(0, *deltas, type="tool_use", id="toolu_1", name="f", input=given), reason="tool_use"
    )
    (tool,) = Transcript.of(events).tools
    assert (tool["name"], tool["call_id"], tool["kind"], tool["args"], tool["valid"]) == (
        "f",
        "toolu_1",
        "function",
        args,
        True,
    )
    assert only(events, ev.RunEnd).status == "completed"


@pytest.mark.parametrize(
    ("call", "result", "kind", "status"),
    [
        (
            {"type": "server_tool_use", "name": "web_search"},
            {"type": "web_search_tool_result", "content": []},
            "hosted",
            "ok",
        ),
        (
            {"type": "server_tool_use", "name": "web_fetch"},
            {
                "type": "web_fetch_tool_result",
                "content": {"type": "web_fetch_tool_result_error", "error_code": "url_too_long"},
            },
            "hosted",
            "error",
        ),
        (
            {"type": "mcp_tool_use", "name": "echo", "server_name": "s"},
            {
                "type": "mcp_tool_result",
                "is_error": True,
                "content": [{"type": "text", "text": "no"}],
            },
            "mcp",
            "error",
        ),
    ],
)
def test_a_tool_that_the_service_runs_has_its_result(
    call: Json, result: Json, kind: str, status: str
) -> None:
    events = answer(*block(0, **call, id="t_1", input={}), *block(1, **result, tool_use_id="t_1"))
    (tool,) = Transcript.of(events).tools
    assert (tool["name"], tool["kind"], tool["status"]) == (call["name"], kind, status)


def test_a_result_may_come_in_a_later_message_or_after_a_call_that_nobody_saw() -> None:
    call = block(0, type="server_tool_use", id="t_1", name="code_execution", input={"code": "1"})
    done = {
        "type": "code_execution_tool_result",
        "content": {"type": "code_execution_result", "stdout": "1"},
    }
    items = [start(), *call, finish("pause_turn"), STOP, start("msg_2")]
    items += [
        *block(0, **done, tool_use_id="t_1"),
        *block(1, **done, tool_use_id="t_0"),
        finish("end_turn"),
        STOP,
    ]
    tools = Transcript.of(decode(AnthropicDecoder(), items)).tools
    assert [(tool["name"], tool["call_id"], tool["status"]) for tool in tools] == [
        ("code_execution", "t_1", "ok"),
        ("code_execution", "t_0", "ok"),
    ]


def test_the_users_turn_answers_the_clients_tools() -> None:
    call = block(0, type="tool_use", id="t_1", name="f", input={})
    turn = {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "t_1", "content": "4", "is_error": False}
        ],
    }
    items = [
        start(),
        *call,
        finish("tool_use"),
        STOP,
        turn,
        start("msg_2"),
        *text(0, "4"),
        finish("end_turn"),
        STOP,
    ]
    transcript = Transcript.of(decode(AnthropicDecoder(), items))
    assert (transcript.tools[0]["result"], transcript.texts) == ("4", ["4"])


def test_files_in_the_container_are_named() -> None:
    output = {"type": "bash_code_execution_output", "file_id": "file_1"}
    content = {"type": "bash_code_execution_result", "stdout": "", "content": [output]}
    events = answer(
        *block(0, type="bash_code_execution_tool_result", tool_use_id="t", content=content)
    )
    assert only(events, ev.File).name == "file_1"
    assert (
        only(answer(*block(0, type="container_upload", file_id="file_2")), ev.File).name == "file_2"
    )


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("end_turn", "completed"),
        ("stop_sequence", "completed"),
        ("tool_use", "completed"),
        ("max_tokens", "incomplete"),
        ("model_context_window_exceeded", "incomplete"),
        ("pause_turn", "incomplete"),
        ("refusal", "incomplete"),
    ],
)
def test_the_stop_reason_tells_how_it_ended(reason: str, status: str) -> None:
    end = only(answer(*text(0, "x"), reason=reason), ev.RunEnd)
    assert (end.status, end.finish_reason, end.code) == (
        status,
        reason,
        reason if status == "incomplete" else None,
    )


def test_without_its_last_event_a_message_is_incomplete_whatever_the_stop_reason() -> None:
    end = only(decode(AnthropicDecoder(), [start(), *text(0, "x"), finish("end_turn")]), ev.RunEnd)
    assert (end.status, end.code) == ("incomplete", ev.STREAM_TRUNCATED)


def test_a_refusal_is_explained() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "Not this."}
    events = decode(AnthropicDecoder(), [start(), finish("refusal", stop_details=details), STOP])
    assert only(events, ev.Status).message == "Not this."


def test_an_error_in_the_middle_keeps_the_text_and_fails_the_run() -> None:
    error = {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "Overloaded"},
        "request_id": "r",
    }
    events = decode(AnthropicDecoder(), [start(), *text(0, "so far")[:2], error])
    assert Transcript.of(events).texts == ["so far"]
    failure = only(events, ev.Error)
    assert (failure.message, failure.error_type, failure.fatal) == (
        "Overloaded",
        "overloaded_error",
        True,
    )
    assert only(events, ev.RunEnd).status == "failed"
    assert decoder_for(error).system == "anthropic.messages"


def test_counts_are_cumulative_in_a_message_and_summed_over_messages() -> None:
    usage = {
        "input_tokens": 5,
        "cache_read_input_tokens": 2,
        "cache_creation_input_tokens": 1,
        "output_tokens": 1,
    }
    delta = {
        "type": "message_delta",
        "delta": {},
        "usage": {"output_tokens": 7, "output_tokens_details": {"thinking_tokens": 3}},
    }
    one = [start(usage=usage), {**delta, "usage": {"output_tokens": 4}}, delta, STOP]
    first = ev.Usage(input=8, output=7, total=15, reasoning=3, cache_read=2, cache_write=1)
    assert only(decode(AnthropicDecoder(), one), ev.RunEnd).usage == first
    assert (
        only(
            decode(AnthropicDecoder(), [*one, start("msg_2", usage=usage), *one[1:]]), ev.RunEnd
        ).usage
        == first + first
    )


def test_a_message_that_is_started_twice_is_one_and_one_that_is_started_anew_is_another() -> None:
    half = [*text(0, "x")[:2]]
    rest = [{"type": "content_block_stop", "index": 0}, finish("end_turn"), STOP]
    twice = Transcript.of(decode(AnthropicDecoder(), [start(), *half, start(), *rest]))
    anew = decode(
        AnthropicDecoder(), [start(), *half, start("msg_2"), *text(0, "whole"), *rest[1:]]
    )
    assert twice.texts == ["x"]
    assert Transcript.of(anew).texts == ["x", "whole"]
    assert [event.step for event in anew if isinstance(event, ev.TextStart)] == [1, 2]
    assert only(anew, ev.RunEnd).status == "completed"


def test_what_the_service_did_to_the_conversation_is_told_and_opaque_parts_are_not_shown() -> None:
    deltas = [{"type": "compaction_delta", "content": "Summary.", "encrypted_content": "enc"}]
    models = {"from": {"model": "a"}, "to": {"model": "b"}}
    events = answer(
        *block(0, *deltas, type="compaction", content=None),
        *block(1, type="fallback", **models),
        *text(2, "x"),
    )
    statuses = [event for event in events if isinstance(event, ev.Status)]
    assert [status.message for status in statuses] == [
        "The conversation was compacted",
        "b answers instead of a",
    ]
    assert statuses[0].meta == {"compaction": {"content": "Summary.", "encrypted_content": "enc"}}


def test_a_whole_message_and_framed_events_are_read_alike() -> None:
    content = [
        {"type": "text", "text": "x", "citations": None},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
    ]
    whole = decode(AnthropicDecoder(), [start(content=content, stop_reason="tool_use")["message"]])
    framed = [
        {"event": item["type"], "data": item}
        for item in [start(), *text(0, "x"), finish("end_turn"), STOP]
    ]
    assert (
        decoder_for(framed[0]).system
        == decoder_for(start()["message"] | {"stop_reason": None}).system
        == "anthropic.messages"
    )
    assert (
        Transcript.of(whole).texts
        == Transcript.of(decode(AnthropicDecoder(), framed)).texts
        == ["x"]
    )
    assert Transcript.of(whole).calls() == [("f", "t", '{"a": 1}')]
    assert only(whole, ev.RunEnd).status == "completed"


def test_the_helpers_events_of_the_sdk_say_nothing_twice() -> None:
    helper = [
        {"type": "text", "text": "x", "snapshot": "x"},
        {"type": "citation", "citation": {}, "snapshot": []},
    ]
    plain_events = answer(*text(0, "x"))
    assert (
        decode(AnthropicDecoder(), [start(), *text(0, "x"), *helper, finish("end_turn"), STOP])
        == plain_events
    )


def test_what_is_unknown_is_kept() -> None:
    events = answer(*block(0, {"type": "hologram_delta"}, type="hologram"), {"type": "message_hum"})
    assert [event.name for event in events if isinstance(event, ev.Raw)] == [
        "hologram",
        "hologram_delta",
        "message_hum",
    ]

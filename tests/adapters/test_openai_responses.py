"""OpenAI Responses: cases that no recording has."""

from typing import Any

import pytest
from adapters.recorded import FOLDER, RESPONSES, Transcript, decode, name_of, payloads
from hypothesis import given
from openai._models import construct_type
from openai.types.responses import Response
from streams import utf16_pieces

from nbagent import events as ev
from nbagent.adapters.openai_responses.decoder import ResponsesDecoder

CREATED = {
    "type": "response.created",
    "response": {"id": "r", "model": "m", "status": "in_progress"},
}


def completed(*output: Any, status: str = "completed", **more: Any) -> dict[str, Any]:
    return {
        "type": f"response.{status}",
        "response": {"id": "r", "status": status, "output": list(output), **more},
    }


def message(text: str, item_id: str = "msg", **more: Any) -> dict[str, Any]:
    return {
        "type": "message",
        "id": item_id,
        "content": [{"type": "output_text", "text": text, "annotations": []}],
        **more,
    }


def added(index: int | None, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def done(index: int | None, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def delta(
    text: str, index: int | None = 0, item_id: str = "msg", kind: str = "output_text", **more: Any
) -> dict[str, Any]:
    where = {"output_index": index} if index is not None else {}
    return {
        "type": f"response.{kind}.delta",
        "item_id": item_id,
        "content_index": 0,
        "delta": text,
        **where,
        **more,
    }


def transcript_of(*items: Any) -> Transcript:
    return Transcript.of(decode(ResponsesDecoder(), items))


@pytest.mark.parametrize(
    "path", [path for path in RESPONSES if "parallel-tool-call" not in path.stem], ids=name_of
)
def test_a_whole_response_shows_what_its_stream_showed(path: Any) -> None:
    """The final objects alone, as `stream=False` gives them."""
    items = payloads(path)
    streamed = Transcript.of(decode(ResponsesDecoder(), items))
    finals = [
        item["response"]
        for item in items
        if isinstance(item, dict) and item["type"] in ("response.completed", "response.failed")
    ]
    events = decode(ResponsesDecoder(), finals)
    whole = Transcript.of(events)
    assert whole.texts == streamed.texts
    assert list(filter(None, whole.thoughts)) == list(filter(None, streamed.thoughts))
    assert whole.calls() == streamed.calls()
    assert whole.end == streamed.end
    assert (
        Transcript.of(
            decode(
                ResponsesDecoder(),
                [construct_type(type_=Response, value=final) for final in finals],
            )
        )
        == whole
    )


def test_what_only_the_final_snapshot_has_is_shown() -> None:
    transcript = transcript_of(
        CREATED, delta("a"), completed(message("ab"), message("never streamed", "other"))
    )
    assert transcript.texts == ["ab", "never streamed"]


def test_the_final_snapshot_of_shown_items_is_not_shown_again_under_new_ids() -> None:
    stream = [
        added(0, {"type": "message", "id": "x1"}),
        delta("a", item_id="x2"),
        done(0, message("a", "x3")),
    ]
    assert transcript_of(CREATED, *stream, completed(message("a", "x4"))).texts == ["a"]


def test_a_server_without_output_indices_is_read_by_item_id() -> None:
    call = {"type": "function_call", "id": "fc", "call_id": "c", "name": "f", "arguments": ""}
    stream = [
        added(None, {"type": "message", "id": "msg"}),
        delta("a", None),
        added(None, call),
        delta('{"x":1}', None, "fc", "function_call_arguments"),
        delta("b", None),
        completed(message("ab"), {**call, "arguments": '{"x":1}'}),
    ]
    transcript = transcript_of(CREATED, *stream)
    assert transcript.texts == ["ab"]
    assert transcript.calls() == [("f", "c", '{"x":1}')]


def test_a_server_that_gives_every_item_index_0_is_read() -> None:
    call = {"type": "function_call", "id": "fc", "call_id": "c", "name": "f", "arguments": "{}"}
    stream = [
        added(0, {"type": "message", "id": "msg"}),
        delta("a"),
        done(0, message("a")),
        added(0, call),
        done(0, call),
    ]
    transcript = transcript_of(CREATED, *stream, completed(message("a"), call))
    assert transcript.texts == ["a"]
    assert transcript.calls() == [("f", "c", "{}")]


def test_deltas_before_their_item_are_kept() -> None:
    call = {
        "type": "function_call",
        "id": "fc",
        "call_id": "c",
        "name": "f",
        "arguments": '{"x":1}',
    }
    transcript = transcript_of(
        CREATED,
        delta('{"x":1}', 0, "fc", "function_call_arguments"),
        done(0, call),
        completed(call),
    )
    assert transcript.calls() == [("f", "c", '{"x":1}')]
    assert transcript.tools[0]["pieces"] == '{"x":1}'


def test_a_snapshot_replaces_and_an_empty_one_takes_nothing_away() -> None:
    final = {
        "type": "response.output_text.done",
        "output_index": 0,
        "content_index": 0,
        "text": "right",
    }
    assert transcript_of(CREATED, delta("wrong"), final, completed()).texts == ["right"]
    assert transcript_of(CREATED, delta("kept"), {**final, "text": ""}, completed()).texts == [
        "kept"
    ]


def test_a_refusal_is_no_ordinary_text() -> None:
    item = {"type": "message", "id": "msg", "content": [{"type": "refusal", "refusal": "No."}]}
    transcript = transcript_of(CREATED, delta("No", kind="refusal"), done(0, item), completed(item))
    assert (transcript.texts, transcript.refusals) == ([], ["No."])


def test_summary_parts_are_one_thought_and_its_opaque_part_goes_with_it() -> None:
    item = {
        "type": "reasoning",
        "id": "rs",
        "summary": [
            {"type": "summary_text", "text": "one"},
            {"type": "summary_text", "text": "two"},
        ],
        "encrypted_content": "enc",
    }
    parts = [
        delta(text, kind="reasoning_summary_text", summary_index=index)
        for index, text in enumerate(["one", "tw", "o"][:2])
    ]
    events = decode(
        ResponsesDecoder(),
        [
            CREATED,
            added(0, {"type": "reasoning", "id": "rs"}),
            *parts,
            done(0, item),
            completed(item),
        ],
    )
    written = "".join(event.delta for event in events if isinstance(event, ev.ReasoningDelta))
    (end,) = (event for event in events if isinstance(event, ev.ReasoningEnd))
    assert written == "one\n\ntw"
    assert (end.text, end.encrypted, end.meta) == ("one\n\ntwo", "enc", {"item_id": "rs"})


@pytest.mark.parametrize(
    ("status", "more", "expected"),
    [
        (
            "incomplete",
            {"incomplete_details": {"reason": "max_output_tokens"}},
            ("incomplete", "max_output_tokens"),
        ),
        (
            "failed",
            {"error": {"code": "server_error", "message": "busy"}},
            ("failed", "server_error"),
        ),
        ("cancelled", {}, ("cancelled", None)),
        ("queued", {}, ("incomplete", "queued")),
    ],
)
def test_the_provider_says_how_it_ended(
    status: str, more: dict[str, Any], expected: tuple[str, str]
) -> None:
    transcript = transcript_of(
        CREATED,
        delta("So far"),
        {**completed(status=status, **more), "type": f"response.{status}"}
        if status != "queued"
        else {"object": "response", "id": "r2", "status": "queued", "output": []},
    )
    assert transcript.end is not None
    assert (transcript.end.status, transcript.end.code) == expected
    assert transcript.texts == ["So far"]


@pytest.mark.parametrize(
    "error",
    [
        {"type": "error", "code": "busy", "message": "Try later", "sequence_number": 3},
        {
            "type": "error",
            "error": {"type": "server_error", "code": "busy", "message": "Try later"},
        },
        {"error": {"code": "busy", "message": "Try later"}},
    ],
    ids=["flat", "nested", "bare"],
)
def test_an_error_fails_the_run_once(error: dict[str, Any]) -> None:
    failed = completed(status="failed", error={"code": "busy", "message": "Try later"})
    for stream in ([CREATED, delta("So far"), error], [CREATED, delta("So far"), error, failed]):
        events = decode(ResponsesDecoder(), stream, RuntimeError("Try later"))
        assert [(event.message, event.code) for event in events if isinstance(event, ev.Error)] == [
            ("Try later", "busy")
        ]
        transcript = Transcript.of(events)
        assert transcript.texts == ["So far"]
        assert transcript.end is not None
        assert transcript.end.status == "failed"


def test_a_hosted_tool_has_its_call_and_its_result() -> None:
    item = {
        "type": "mcp_call",
        "id": "mcp",
        "name": "f",
        "server_label": "s",
        "arguments": '{"x":1}',
        "output": "out",
        "status": "completed",
    }
    (tool,) = transcript_of(
        CREATED, added(0, {**item, "arguments": ""}), done(0, item), completed(item)
    ).tools
    assert (tool["kind"], tool["name"], tool["args"], tool["status"], tool["result"]) == (
        "mcp",
        "f",
        {"x": 1},
        "ok",
        "out",
    )


def test_a_hosted_tool_that_failed_says_why() -> None:
    item = {
        "type": "mcp_call",
        "id": "mcp",
        "name": "f",
        "arguments": "{}",
        "error": {"type": "http_error", "message": "no route"},
    }
    events = decode(ResponsesDecoder(), [CREATED, added(0, item), done(0, item), completed(item)])
    (result,) = (event for event in events if isinstance(event, ev.ToolResult))
    assert result.status == "error"
    assert result.error == ev.ErrorInfo(message="no route", type="http_error")


def test_outputs_answer_the_call_with_their_id_in_any_order() -> None:
    calls = [
        {
            "type": "shell_call",
            "id": f"sh{n}",
            "call_id": f"c{n}",
            "action": {"commands": [f"echo {n}"]},
        }
        for n in (1, 2)
    ]
    outputs = [
        {
            "type": "shell_call_output",
            "id": f"o{n}",
            "call_id": f"c{n}",
            "output": [{"stdout": str(n)}],
        }
        for n in (2, 1)
    ]
    items: list[dict[str, Any]] = [*calls, *outputs]
    tools = transcript_of(
        CREATED, *(done(index, item) for index, item in enumerate(items)), completed(*items)
    ).tools
    assert [tool["result"] for tool in tools] == [[{"stdout": "1"}], [{"stdout": "2"}]]


def test_a_picture_is_one_file_that_gets_better() -> None:
    item = {
        "type": "image_generation_call",
        "id": "ig",
        "result": "FULL",
        "output_format": "webp",
        "revised_prompt": "a cat",
    }
    partial = {
        "type": "response.image_generation_call.partial_image",
        "output_index": 0,
        "partial_image_b64": "PART",
    }
    events = decode(
        ResponsesDecoder(),
        [
            CREATED,
            added(0, {"type": item["type"], "id": "ig"}),
            partial,
            done(0, item),
            completed(item),
        ],
    )
    files = [event for event in events if isinstance(event, ev.File)]
    assert [(file.data, file.media_type) for file in files] == [
        ("PART", "image/png"),
        ("FULL", "image/webp"),
    ]
    assert files[0].id == files[1].id
    (tool,) = Transcript.of(events).tools
    assert (tool["args"], "FULL" in str(tool["result"])) == (
        {"output_format": "webp", "revised_prompt": "a cat"},
        False,
    )


def test_a_call_that_was_approved_is_the_call_that_asked() -> None:
    ask = {
        "type": "mcp_approval_request",
        "id": "ask",
        "name": "f",
        "server_label": "s",
        "arguments": '{"x":1}',
    }
    call = {**ask, "type": "mcp_call", "id": "mcp", "approval_request_id": "ask", "output": "out"}
    asked = [CREATED, added(0, ask), done(0, ask), completed(ask)]
    events = decode(ResponsesDecoder(), asked)
    (request,) = (event for event in events if isinstance(event, ev.ApprovalRequest))
    assert (request.approval_id, request.tool_id, request.args) == ("ask", "tool-1", {"x": 1})
    assert Transcript.of(events).end.status == "paused"  # type: ignore[union-attr]

    answered = transcript_of(*asked, CREATED, added(0, call), done(0, call), completed(call))
    (tool,) = answered.tools
    assert tool["result"] == "out"
    assert answered.end is not None
    assert answered.end.status == "completed"


def test_provider_ids_that_repeat_are_told_apart() -> None:
    paths = sorted(FOLDER.glob("openai_responses/pydanticai-reused-tool-call-ids.*.sse"))
    one = payloads(paths[0])
    tools = transcript_of(*one, *one).tools
    assert [tool["call_id"] for tool in tools] == ["call_0", "call_0"]


def test_an_unknown_item_is_kept_whole() -> None:
    item = {"type": "hologram", "id": "h", "beam": [1, 2]}
    event = {"type": "response.hologram.flicker", "hertz": 50}
    events = decode(ResponsesDecoder(), [CREATED, event, done(0, item), completed(item)])
    assert [(raw.name, raw.data) for raw in events if isinstance(raw, ev.Raw)] == [
        ("response.hologram.flicker", event),
        ("hologram", item),
    ]


def test_an_unknown_hosted_call_is_still_a_call() -> None:
    item = {
        "type": "teleport_call",
        "id": "t",
        "status": "completed",
        "target": "Mars",
        "output": "arrived",
    }
    progress = {"type": "response.teleport_call.dissolving", "output_index": 0}
    events = decode(
        ResponsesDecoder(),
        [
            CREATED,
            added(0, {"type": "teleport_call", "id": "t"}),
            progress,
            done(0, item),
            completed(item),
        ],
    )
    assert [event.message for event in events if isinstance(event, ev.ToolProgress)] == [
        "dissolving"
    ]
    (tool,) = Transcript.of(events).tools
    assert (tool["name"], tool["kind"], tool["result"]) == ("teleport", "hosted", "arrived")


def test_citations_are_sources_once() -> None:
    citation = {"type": "url_citation", "url": "https://example.org", "title": "Example"}
    live = {
        "type": "response.output_text.annotation.added",
        "output_index": 0,
        "content_index": 0,
        "annotation_index": 0,
        "annotation": citation,
    }
    final: dict[str, Any] = message("a")
    final["content"][0]["annotations"] = [citation]
    events = decode(
        ResponsesDecoder(), [CREATED, delta("a"), live, done(0, final), completed(final)]
    )
    assert [(s.url, s.title, s.text_id) for s in events if isinstance(s, ev.Source)] == [
        ("https://example.org", "Example", "text-1")
    ]


@given(utf16_pieces())
def test_any_text_survives_being_cut_between_utf16_units(cut: tuple[str, list[str]]) -> None:
    text, pieces = cut
    assert "".join(transcript_of(CREATED, *map(delta, pieces), completed()).texts) == text

from typing import Any

import pytest
from adapters.recorded import BY_NAME, Transcript, decode

from nbagent import events as ev
from nbagent.adapters.decoders import decoder_for
from nbagent.adapters.vercel_ui.decoder import VercelDecoder


def run(*items: Any) -> list[ev.Event]:
    return decode(VercelDecoder(), items)


def of(kind: type[Any], events: list[ev.Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def call(call_id: str = "c1", name: str = "weather") -> dict[str, Any]:
    return {
        "type": "tool-input-available",
        "toolCallId": call_id,
        "toolName": name,
        "input": {"city": "Rome"},
    }


@pytest.mark.parametrize(
    "item",
    [
        {"type": "start"},
        {"type": "start", "messageId": "m"},
        {"type": "start-step"},
        {"type": "text-start", "id": "1"},
        {"type": "data-weather", "data": {}},
        {"type": "error", "errorText": "no"},
        {"type": "tool-output-available", "toolCallId": "c", "output": 1},
    ],
)
def test_any_chunk_may_come_first(item: Any) -> None:
    assert decoder_for(item).system == "vercel.ui"


@pytest.mark.parametrize(
    "item",
    [
        {"type": "start", "node": 1},
        {"type": "finish"},
        {"type": "file", "x": 1},
        {"type": "custom"},
    ],
)
def test_words_that_are_everybodys_do_not_tell(item: Any) -> None:
    assert not VercelDecoder.recognises(item)


@pytest.mark.parametrize("version", ["ai5", "ai7"])
def test_a_thought_that_ends_after_the_text_began_keeps_its_own_words(version: str) -> None:
    items = BY_NAME[f"vercel_ui/{version}-replay-deepseek-reasoning"].items
    transcript = Transcript.of(run(*items))
    for kind, texts in (("text", transcript.texts), ("reasoning", transcript.thoughts)):
        assert texts == [
            "".join(
                item["delta"]
                for item in items
                if item != "[DONE]" and item["type"] == f"{kind}-delta"
            )
        ]
    assert transcript.end is not None
    assert (transcript.end.status, transcript.end.finish_reason) == ("completed", "stop")
    assert transcript.end.usage == ev.Usage(
        input=18, output=219, total=237, reasoning=205, cache_read=0
    )


def test_results_pair_with_their_calls_in_whatever_order_they_come() -> None:
    transcript = Transcript.of(run(*BY_NAME["vercel_ui/ai7-replay-parallel-tools-one-error"].items))
    assert [(tool["name"], tool["status"], tool["result"]) for tool in transcript.tools[:2]] == [
        ("get_country", "ok", "Mexico"),
        ("get_product_name", "error", None),
    ]
    assert transcript.tools[2]["args"] == {"city": "Mexico City"}


def test_an_approval_that_nobody_answered_pauses_the_run() -> None:
    events = run(*BY_NAME["vercel_ui/ai7-replay-tool-approval"].items)
    (request,) = of(ev.ApprovalRequest, events)
    assert request.tool_id == of(ev.ToolStart, events)[-1].id
    assert (events[-1].status, events[-1].finish_reason) == ("paused", "tool-calls")  # type: ignore[union-attr]


def test_an_approval_that_was_denied_is_answered_and_the_tool_denied() -> None:
    asked = {"type": "tool-approval-request", "approvalId": "a1", "toolCallId": "c1"}
    answered = {
        "type": "tool-approval-response",
        "approvalId": "a1",
        "approved": False,
        "reason": "no",
    }
    denied = {"type": "tool-output-denied", "toolCallId": "c1"}
    events = run(call(), asked, answered, denied, {"type": "finish", "finishReason": "stop"})
    (answer,) = of(ev.ApprovalResponse, events)
    assert (answer.approval_id, answer.decision, answer.reason) == ("a1", "deny", "no")
    assert of(ev.ToolResult, events)[0].status == "denied"
    assert events[-1].status == "completed"  # type: ignore[union-attr]


def test_a_preliminary_output_is_replaced_and_a_falsy_one_is_an_output() -> None:
    parts = [
        {"type": "tool-output-available", "toolCallId": "c1", "output": 5, "preliminary": True}
    ]
    events = run(call(), *parts, {"type": "tool-output-available", "toolCallId": "c1", "output": 0})
    assert [(event.content, event.preliminary) for event in of(ev.ToolResult, events)] == [
        (5, True),
        (0, False),
    ]


def test_an_id_that_is_used_again_names_another_call() -> None:
    done = {"type": "tool-output-available", "toolCallId": "c1", "output": "x"}
    transcript = Transcript.of(
        run({"type": "start-step"}, call(), done, {"type": "start-step"}, call(), done)
    )
    assert [tool["result"] for tool in transcript.tools] == ["x", "x"]


def test_input_that_was_no_json_is_shown_with_the_error() -> None:
    wrong = {
        "type": "tool-input-error",
        "toolCallId": "c1",
        "toolName": "weather",
        "input": "{ci",
        "errorText": "not JSON",
    }
    events = run(wrong, {"type": "tool-output-error", "toolCallId": "c1", "errorText": "not JSON"})
    (args,), (result,) = of(ev.ToolArgs, events), of(ev.ToolResult, events)
    assert (args.args_text, args.valid, result.error.message) == ("{ci", False, "not JSON")


def test_a_result_of_a_call_from_the_stream_before_still_shows() -> None:
    transcript = Transcript.of(
        run({"type": "start"}, {"type": "tool-output-available", "toolCallId": "c0", "output": 1})
    )
    assert transcript.tools[0]["result"] == 1


def test_data_sources_and_files_are_carried() -> None:
    events = run(
        {"type": "data-weather", "id": "w", "data": {"t": 21}, "transient": True},
        {"type": "source-url", "sourceId": "s", "url": "https://a.example", "title": "A"},
        {"type": "source-document", "sourceId": "d", "mediaType": "application/pdf", "title": "B"},
        {"type": "file", "url": "data:image/png;base64,AA==", "mediaType": "image/png"},
        {"type": "custom", "kind": "x.y", "value": 1},
    )
    assert [(event.name, event.data) for event in of(ev.Custom, events)] == [
        ("weather", {"t": 21}),
        ("x.y", {"value": 1}),
    ]
    assert [(event.url, event.title) for event in of(ev.Source, events)] == [
        ("https://a.example", "A"),
        (None, "B"),
    ]
    assert of(ev.File, events)[0].media_type == "image/png"


@pytest.mark.parametrize(
    ("chunk", "status"),
    [
        ({"type": "finish"}, "completed"),
        ({"type": "finish", "finishReason": "length"}, "incomplete"),
        ({"type": "finish", "finishReason": "content-filter"}, "incomplete"),
        ({"type": "finish", "finishReason": "error"}, "failed"),
        ({"type": "abort", "reason": "user"}, "cancelled"),
        ({"type": "error", "errorText": "boom"}, "failed"),
        ("[DONE]", "completed"),
        ({"type": "finish-step"}, "incomplete"),
    ],
)
def test_the_end_is_what_the_stream_says(chunk: Any, status: str) -> None:
    events = run({"type": "start"}, {"type": "start-step"}, chunk)
    assert events[-1].status == status  # type: ignore[union-attr]


def test_an_error_is_told_with_its_words_and_the_text_kept() -> None:
    transcript = run(
        {"type": "text-delta", "id": "1", "delta": "Hel"}, {"type": "error", "errorText": "boom"}
    )
    assert Transcript.of(transcript).texts == ["Hel"]
    assert of(ev.Error, transcript)[0].message == "boom"


def test_a_step_that_is_tried_again_takes_back_what_is_open() -> None:
    again = run(
        {"type": "text-delta", "id": "1", "delta": "Hel"},
        {"type": "reset-step"},
        {"type": "text-delta", "id": "1", "delta": "Hi"},
    )
    assert Transcript.of(again).texts == ["", "Hi"]


def test_a_signature_is_kept_for_its_thought() -> None:
    signed = {
        "type": "reasoning-delta",
        "id": "r",
        "delta": "",
        "providerMetadata": {"anthropic": {"signature": "sig"}},
    }
    events = run(
        {"type": "reasoning-start", "id": "r"}, signed, {"type": "reasoning-end", "id": "r"}
    )
    assert of(ev.ReasoningEnd, events)[0].signature == "sig"


def test_half_a_surrogate_pair_in_a_name_or_an_error_is_made_fit_to_write() -> None:
    wrong = {"type": "tool-output-error", "toolCallId": "\ud83d", "errorText": "\ud83d"}
    for event in run({**call("\ud83d", "\ud83d")}, wrong, {"type": "abort", "reason": "\ud83d"}):
        ev.to_json(event)


def test_an_id_that_is_a_number_is_an_id() -> None:
    start = {"type": "tool-input-start", "toolCallId": 7, "toolName": "f"}
    transcript = Transcript.of(
        run(start, {"type": "tool-output-available", "toolCallId": 7, "output": 1})
    )
    assert [(tool["call_id"], tool["result"]) for tool in transcript.tools] == [("7", 1)]

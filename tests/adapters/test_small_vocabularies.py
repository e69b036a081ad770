"""Assistants, NEAR AI, Dexto and the status/token vocabulary: cases that no recording has."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from adapters.recorded import Transcript, decode

import nbagent
from nbagent import events as ev
from nbagent.adapters.decoders import decoder_for


def run(*items: Any) -> list[ev.Event]:
    return decode(decoder_for(items[0]), items)


def only(events: list[ev.Event], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def thread(event: str, **data: Any) -> dict[str, Any]:
    return {"event": f"thread.{event}", "data": data}


BEGIN = thread("run.created", id="r", object="thread.run", assistant_id="asst_1", model="m")
TEXT = {
    "type": "text",
    "text": {
        "value": "Hi",
        "annotations": [{"type": "url_citation", "url_citation": {"url": "https://a.example"}}],
    },
}


def test_bare_objects_of_assistants_are_read_by_their_state() -> None:
    events = run(
        {"object": "thread.run", "status": "queued", "id": "r"},
        {"object": "thread.message.delta", "delta": {"content": [{"index": 0, **TEXT}]}},
        {"object": "thread.message", "status": "completed", "content": [TEXT]},
        {
            "object": "thread.run",
            "status": "completed",
            "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
        },
        "[DONE]",
    )
    assert Transcript.of(events).texts == ["Hi"]
    assert [source.url for source in only(events, ev.Source)] == ["https://a.example"]
    assert events[-1] == ev.RunEnd(
        status="completed", finish_reason="completed", usage=ev.Usage(input=1, output=2, total=3)
    )


def test_a_run_that_requires_action_waits_for_outputs() -> None:
    call = {
        "index": 0,
        "id": "c",
        "type": "function",
        "function": {"name": "f", "arguments": '{"x": 1}'},
    }
    delta = thread(
        "run.step.delta",
        object="thread.run.step.delta",
        delta={"step_details": {"type": "tool_calls", "tool_calls": [call]}},
    )
    action = {
        "submit_tool_outputs": {
            "tool_calls": [{name: call[name] for name in ("id", "type", "function")}]
        }
    }
    events = run(
        BEGIN,
        thread("run.step.created"),
        delta,
        thread("run.requires_action", required_action=action),
    )
    assert [tool["args"] for tool in Transcript.of(events).tools] == [{"x": 1}]
    assert [(asked.approval_id, asked.kind) for asked in only(events, ev.ApprovalRequest)] == [
        ("c", "input")
    ]
    assert events[-1].status == "paused"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("failed", "failed"),
        ("expired", "failed"),
        ("cancelled", "cancelled"),
        ("incomplete", "incomplete"),
    ],
)
def test_every_end_of_an_assistant_s_run_is_told(state: str, status: str) -> None:
    assert run(BEGIN, thread(f"run.{state}", last_error=None))[-1].status == status  # type: ignore[union-attr]


def test_an_error_of_an_assistant_s_stream_is_written() -> None:
    events = run(BEGIN, {"event": "error", "data": {"message": "no", "code": "rate_limit"}})
    assert [(error.message, error.code) for error in only(events, ev.Error)] == [
        ("no", "rate_limit")
    ]


async def test_a_stream_of_near_that_never_closes_ends_with_its_run() -> None:
    async def stream() -> AsyncIterator[Any]:
        yield thread("run.created", id="r", object="thread.run", assistant_id="a.near/agent/1")
        yield thread(
            "message.delta",
            id="1",
            delta={"content": [{"index": 0, "type": "text", "text": {"value": "Hi"}}]},
        )
        yield thread("run.completed", id=None, object="thread.run.completed", delta={"id": "r"})
        await asyncio.Event().wait()

    shown = nbagent.show(stream())
    await shown
    assert (shown.text, shown.status) == ("Hi", "completed")


def test_deltas_of_near_under_ever_new_ids_are_one_text() -> None:
    begin = thread("run.created", object="thread.run", assistant_id="a.near/agent/1")
    deltas = [
        thread(
            "message.delta",
            id=str(n),
            delta={"content": [{"index": 0, "type": "text", "text": {"value": "a"}}]},
        )
        for n in (1, 2)
    ]
    assert Transcript.of(run(begin, *deltas)).texts == ["aa"]


def test_dexto_s_documented_discriminator_is_read_like_the_real_one() -> None:
    payloads: list[dict[str, Any]] = [
        {"chunkType": "text", "content": "Hi"},
        {"content": "Hi", "usage": {"inputTokens": 1}, "finishReason": "stop"},
    ]
    names = ("llm:chunk", "llm:response")
    documented = run(
        *({"type": name, **fields} for name, fields in zip(names, payloads, strict=True))
    )
    real = run(*({"name": name, **fields} for name, fields in zip(names, payloads, strict=True)))
    assert documented == real
    assert only(real, ev.StepEnd)[0].usage == ev.Usage(input=1)


def test_a_tool_that_dexto_s_user_refused_is_denied() -> None:
    call = {"name": "llm:tool-call", "toolName": "rm", "args": {}, "callId": "c"}
    result = {
        "name": "llm:tool-result",
        "toolName": "rm",
        "callId": "c",
        "success": False,
        "error": "no",
        "approvalStatus": "rejected",
    }
    assert [result.status for result in only(run(call, result), ev.ToolResult)] == ["denied"]


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("max-steps", "max_steps"),
        ("cancelled", "cancelled"),
        ("length", "incomplete"),
        ("error", "failed"),
    ],
)
def test_every_end_of_dexto_s_run_is_told(reason: str, status: str) -> None:
    assert run({"name": "run:complete", "finishReason": reason})[-1].status == status  # type: ignore[union-attr]


def test_a_tool_that_begins_as_a_status_is_a_tool() -> None:
    events = run(
        {"type": "status", "content": "Using web_search..."},
        {"type": "tool_result", "tool": "web_search", "content": ""},
    )
    assert [(tool["name"], tool["result"]) for tool in Transcript.of(events).tools] == [
        ("web_search", "")
    ]


@pytest.mark.parametrize(
    "event", ["message.delta", "message.completed", "run.completed", "run.error", "run.canceled"]
)
def test_a_client_of_near_that_subscribed_late_is_known(event: str) -> None:
    assert decoder_for(thread(event, delta={"content": []})).system == "nearai"


async def test_a_stream_of_near_that_begins_late_and_never_closes_ends_with_its_run() -> None:
    async def stream() -> AsyncIterator[Any]:
        yield thread("message.delta", delta={"content": [{"text": {"value": "Hi"}}]})
        yield thread("run.completed")
        await asyncio.Event().wait()

    shown = nbagent.show(stream())
    await shown
    assert (shown.text, shown.status) == ("Hi", "completed")


def test_calls_of_dexto_without_ids_are_answered_in_order() -> None:
    events = run(
        *({"type": "llm:tool-call", "toolName": "search", "args": {"n": n}} for n in (1, 2)),
        {"type": "llm:tool-call", "toolName": "read", "args": {}},
        {"type": "llm:tool-result", "toolName": "read", "success": True, "result": "c"},
        {"type": "llm:tool-result", "toolName": "search", "success": True, "result": "a"},
        {"type": "llm:tool-result", "success": True, "result": "b"},
    )
    tools = Transcript.of(events).tools
    assert [(tool["name"], tool["args"], tool["result"]) for tool in tools] == [
        ("search", {"n": 1}, "a"),
        ("search", {"n": 2}, "b"),
        ("read", {}, "c"),
    ]


@pytest.mark.parametrize("chunks", [[], ["My secret "]])
def test_what_dexto_answers_in_place_of_a_blocked_response_is_the_answer(chunks: list[str]) -> None:
    streamed = [{"name": "llm:chunk", "chunkType": "text", "content": chunk} for chunk in chunks]
    run = nbagent.Run(
        [*streamed, {"name": "interaction:blocked", "content": "I cannot say.", "messageId": "m"}]
    ).wait(5)
    assert (run.answer, run.status) == ("I cannot say.", "completed")
    assert [event.message for event in run.events if isinstance(event, ev.Status)] == ["Blocked"]


def test_what_dexto_says_of_a_retry_and_of_an_input_is_kept() -> None:
    run = nbagent.Run(
        [
            {"name": "llm:retrying", "error": {"message": "503"}, "attempt": 1},
            {"name": "llm:unsupported-input", "errors": ["no audio", "no video"]},
            {"name": "llm:response", "content": "Hi", "finishReason": "stop"},
        ]
    ).wait(5)
    assert [event.message for event in run.events if isinstance(event, ev.Status)] == [
        "Trying again…: 503",
        "The model does not take this kind of input: no audio; no video",
    ]


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ("Let me look.\n\nFound it.", ["Let me look.", "Found it."]),
        ("Let me look.Found it!", ["Let me look.", "Found it!"]),
        ("Found it.", ["Let me look.", "Found it."]),
        ("Let me look.", ["Let me look.", "Found it."]),
        ("", ["Let me look.", "Found it."]),
    ],
)
def test_the_content_of_dexto_s_response_replaces_its_last_text(
    content: str, texts: list[str]
) -> None:
    events = run(
        {"type": "llm:chunk", "content": "Let me look."},
        {"type": "llm:tool-call", "toolName": "search", "args": {}},
        {"type": "llm:tool-result", "toolName": "search", "success": True},
        {"type": "llm:chunk", "content": "Found it."},
        {"type": "llm:response", "content": content},
    )
    assert Transcript.of(events).texts == texts

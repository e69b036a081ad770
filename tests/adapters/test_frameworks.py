"""Pydantic AI, smolagents, LlamaIndex, CrewAI and ADK: cases that no recording has."""

from dataclasses import dataclass
from itertools import groupby
from types import SimpleNamespace
from typing import Any

import pytest
from adapters.recorded import Transcript, decode
from hypothesis import given
from hypothesis import strategies as st

from nbagent import events as ev
from nbagent.adapters.decoders import decoder_for
from nbagent.adapters.smolagents.code_text import CodeText


def run(*items: Any) -> list[ev.Event]:
    return decode(decoder_for(items[0]), items)


def only(events: list[ev.Event], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


# --- Pydantic AI ---

CALL = {"part_kind": "tool-call", "tool_name": "rm", "tool_call_id": "c", "args": {"path": "/"}}


def pydantic(kind: str, **fields: Any) -> dict[str, Any]:
    return {"event_kind": kind, **fields}


def test_the_first_piece_of_a_part_is_in_its_start() -> None:
    events = run(
        pydantic("part_start", index=0, part={"part_kind": "text", "content": "Hi "}),
        pydantic("part_delta", index=0, delta={"part_delta_kind": "text", "content_delta": "you"}),
    )
    assert Transcript.of(events).texts == ["Hi you"]


def test_texts_that_follow_each_other_are_one() -> None:
    texts = [{"part_kind": "text", "content": content} for content in ("On ", "Monday", ".")]
    neighbours = [(None, "text"), ("text", "text"), ("text", None)]
    items = []
    for index, (part, (before, after)) in enumerate(zip(texts, neighbours, strict=True)):
        items.append(pydantic("part_start", index=index, part=part, previous_part_kind=before))
        items.append(pydantic("part_end", index=index, part=part, next_part_kind=after))
    assert Transcript.of(run(*items)).texts == ["On Monday."]


@pytest.mark.parametrize(("as_object", "status"), [(True, "completed"), (False, "incomplete")])
def test_objects_end_when_their_agent_does_and_json_with_its_result(
    as_object: bool, status: str
) -> None:
    items: list[Any] = [
        pydantic("part_start", index=0, part={"part_kind": "text", "content": "Hi"}),
        pydantic("part_end", index=0, part={"part_kind": "text", "content": "Hi"}),
    ]
    events = run(*(SimpleNamespace(**item) if as_object else item for item in items))
    assert events[-1].status == status  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [("success", "ok"), ("failed", "error"), ("denied", "denied"), ("retried", "error")],
)
def test_a_tool_s_outcome_is_told(outcome: str, status: str) -> None:
    returned = {
        "part_kind": "tool-return",
        "tool_name": "rm",
        "tool_call_id": "c",
        "content": "x",
        "outcome": outcome,
    }
    events = run(
        pydantic("function_tool_call", part=CALL), pydantic("function_tool_result", part=returned)
    )
    assert [result.status for result in only(events, ev.ToolResult)] == [status]


def test_a_retry_prompt_is_a_failure() -> None:
    retry = {
        "part_kind": "retry-prompt",
        "tool_name": "rm",
        "tool_call_id": "c",
        "content": "try again",
    }
    events = run(
        pydantic("function_tool_call", part=CALL), pydantic("function_tool_result", result=retry)
    )
    assert only(events, ev.ToolResult)[0].error == ev.ErrorInfo(message="try again")


def test_deferred_calls_wait_for_approval() -> None:
    requests = {"approvals": [CALL], "calls": []}
    events = run(
        pydantic("deferred_tool_requests", requests=requests),
        pydantic("agent_run_result", result={"output": requests}),
    )
    (asked,) = only(events, ev.ApprovalRequest)
    assert (asked.approval_id, asked.args, asked.tool_id) == (
        "c",
        {"path": "/"},
        only(events, ev.ToolStart)[0].id,
    )
    assert events[-1].status == "paused"  # type: ignore[union-attr]


# --- smolagents ---


@dataclass
class ChatMessageStreamDelta:
    content: str | None = None
    tool_calls: Any = None
    token_usage: Any = None


@dataclass
class ActionStep:
    step_number: int
    error: Any = None
    observations: str | None = None
    model_output: str | None = None
    tool_calls: Any = None
    token_usage: Any = None


@dataclass
class FinalAnswerStep:
    output: Any


def test_what_a_code_agent_writes_is_commentary_and_its_answer_is_final() -> None:
    events = run(
        ChatMessageStreamDelta("x = 1"), ActionStep(1, model_output="x = 1"), FinalAnswerStep(42)
    )
    assert [(start.phase) for start in only(events, ev.TextStart)] == ["commentary", "final_answer"]
    assert Transcript.of(events).texts == ["x = 1", "42"]


@given(st.lists(st.sampled_from(["<code>", "\n", "</code>", "<", "cod", "e>", "x", " "])))
def test_the_code_of_an_agent_is_the_same_however_its_text_is_cut(parts: list[str]) -> None:
    def read(parts: list[str]) -> list[tuple[bool, str]]:
        text = CodeText()
        pieces = [piece for part in parts for piece in text.feed(part)] + text.finish()
        by_kind = groupby(pieces, lambda piece: piece.is_code)
        return [(is_code, "".join(piece.text for piece in run)) for is_code, run in by_kind]

    assert read(parts) == read(["".join(parts)]) == read(list("".join(parts)))


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_code_of_an_agent_streams_as_the_arguments_of_its_call(size: int) -> None:
    text = "Easy.\n<code>\nprint(6 * 7)\n</code>"
    call = {"__class__": "ToolCall", "id": "c", "name": "python_interpreter"}
    events = run(
        *(ChatMessageStreamDelta(text[at : at + size]) for at in range(0, len(text), size)),
        call | {"arguments": "print(6 * 7)"},
        ActionStep(1, model_output=text, observations="42"),
    )
    assert "".join(delta.delta for delta in only(events, ev.ToolArgsDelta)) == "print(6 * 7)\n"
    transcript = Transcript.of(events)
    assert transcript.texts == ["Easy.\n"]
    [tool] = transcript.tools
    assert (tool["name"], tool["args"]) == ("python_interpreter", "print(6 * 7)")
    assert tool["result"] == "42"


def test_code_that_the_agent_does_not_run_is_kept() -> None:
    events = run(ActionStep(1, model_output="So:\n<code>\nx = 1\n</code> <co", observations="no"))
    [tool] = Transcript.of(events).tools
    assert (tool["name"], tool["args"]) == ("python_interpreter", "x = 1\n")
    assert Transcript.of(events).texts == ["So:\n", " <co"]


def test_too_many_steps_end_the_run_as_that() -> None:
    error = {"type": "AgentMaxStepsError", "message": "Reached max steps."}
    events = run(ActionStep(1, error=error), FinalAnswerStep("as far as I got"))
    assert events[-1].status == "max_steps"  # type: ignore[union-attr]
    assert [error.fatal for error in only(events, ev.Error)] == [False]


# --- LlamaIndex ---


def llama(name: str, **fields: Any) -> dict[str, Any]:
    return {"__class__": name, **fields}


def test_another_agent_s_turn_is_a_hand_off() -> None:
    events = run(
        llama("AgentInput", input=[], current_agent_name="A"),
        llama("ToolCall", tool_name="handoff", tool_kwargs={"to_agent": "B"}, tool_id="h"),
        llama(
            "ToolCallResult",
            tool_name="handoff",
            tool_kwargs={},
            tool_id="h",
            tool_output={"content": "ok"},
        ),
        llama("AgentInput", input=[], current_agent_name="B"),
    )
    (handoff,) = only(events, ev.AgentHandoff)
    assert (handoff.from_, handoff.to, handoff.tool_id) == (
        "A",
        "B",
        only(events, ev.ToolStart)[0].id,
    )


@pytest.mark.parametrize(
    "error",
    [
        LookupError("Max iterations of 2 reached!"),
        {"exception_type": "LookupError", "exception_message": "Max iterations of 2"},
    ],
    ids=["raised", "as JSON"],
)
def test_a_workflow_that_fails_says_why(error: Any) -> None:
    events = run(
        llama("AgentInput", current_agent_name="A"),
        llama("WorkflowFailedEvent", step_name="s", exception=error),
    )
    assert [(error.error_type, error.message[:14]) for error in only(events, ev.Error)] == [
        ("LookupError", "Max iterations")
    ]
    assert events[-1].status == "max_steps"  # type: ignore[union-attr]


def test_a_workflow_asks_and_waits() -> None:
    events = run(
        llama("AgentInput", current_agent_name="A"), llama("InputRequiredEvent", prefix="Sure?")
    )
    assert [(asked.kind, asked.prompt) for asked in only(events, ev.ApprovalRequest)] == [
        ("input", "Sure?")
    ]
    assert events[-1].status == "paused"  # type: ignore[union-attr]


def test_thoughts_and_a_tool_that_fails_are_told_as_the_server_writes_them() -> None:
    def served(name: str, **value: Any) -> dict[str, Any]:
        return {"qualified_name": f"llama_index.core.agent.{name}", "value": value}

    output = {"content": "no", "is_error": True}
    events = run(
        served("AgentStream", delta="", thinking_delta="Hm", current_agent_name="A"),
        served("ToolCallResult", tool_name="f", tool_kwargs={}, tool_id="c", tool_output=output),
    )
    assert Transcript.of(events).thoughts == ["Hm"]
    assert [result.status for result in only(events, ev.ToolResult)] == ["error"]


# --- CrewAI ---


def test_a_crew_streams_text_thoughts_and_tools() -> None:
    events = run(
        {"type": "crew_kickoff_started", "crew_name": "c"},
        {"type": "llm_call_started", "model": "m"},
        {"type": "llm_thinking_chunk", "chunk": "Hm"},
        {"type": "llm_stream_chunk", "chunk": "Hi"},
        {
            "type": "llm_call_completed",
            "response": "Hi!",
            "usage": {"prompt_tokens": 1},
            "finish_reason": "stop",
        },
        {"type": "tool_usage_started", "event_id": "e", "tool_name": "f", "tool_args": {"x": 1}},
        {
            "type": "tool_usage_finished",
            "started_event_id": "e",
            "tool_name": "f",
            "output": "done",
        },
        {"type": "crew_kickoff_completed"},
    )
    transcript = Transcript.of(events)
    assert (transcript.texts, transcript.thoughts) == (["Hi!"], ["Hm"])
    assert [(tool["args"], tool["result"]) for tool in transcript.tools] == [({"x": 1}, "done")]
    assert events[-1] == ev.RunEnd(status="completed", usage=ev.Usage(input=1))


def test_the_frames_of_a_crew_carry_its_events() -> None:
    frame = {
        "id": "1",
        "seq": 1,
        "channel": "llm",
        "namespace": [],
        "type": "llm_stream_chunk",
        "data": {"chunk": "Hi"},
    }
    assert Transcript.of(run(frame)).texts == ["Hi"]


def test_the_chunks_of_a_crew_repeat_what_a_call_says_so_far_and_calls_may_share_an_index() -> None:
    def chunk(call_id: str, arguments: str) -> dict[str, Any]:
        call = {"tool_id": call_id, "tool_name": "f", "arguments": arguments, "index": 0}
        return {
            "chunk_type": "tool_call",
            "content": arguments,
            "agent_role": "A",
            "tool_call": call,
        }

    text_chunk = {"chunk_type": "text", "content": "Hi", "agent_role": "A", "tool_call": None}
    events = run(chunk("c", '{"x"'), chunk("c", '{"x":1}'), chunk("d", '{"x":2}'), text_chunk)
    assert [(tool["call_id"], tool["args"]) for tool in Transcript.of(events).tools] == [
        ("c", {"x": 1}),
        ("d", {"x": 2}),
    ]


def test_a_flow_inside_a_flow_does_not_end_it() -> None:
    def frame(suffix: str, event_id: str, **data: Any) -> dict[str, Any]:
        return {
            "id": event_id,
            "seq": 1,
            "channel": "flow",
            "namespace": [],
            "type": f"flow_{suffix}",
            "data": data,
        }

    items = [
        frame("started", "a"),
        frame("started", "b"),
        frame("finished", "c", started_event_id="b"),
    ]
    assert run(*items)[-1].status == "incomplete"  # type: ignore[union-attr]
    assert run(*items, frame("finished", "d", started_event_id="a"))[-1].status == "completed"  # type: ignore[union-attr]


def test_the_chunks_of_a_crew_are_text() -> None:
    chunks = [
        {"chunk_type": "text", "content": text, "agent_role": "A", "tool_call": None}
        for text in ("Hi", " you")
    ]
    assert Transcript.of(run(*chunks)).texts == ["Hi you"]


# --- ADK ---


def adk(*parts: Any, role: str = "model", **fields: Any) -> dict[str, Any]:
    return {
        "author": "root",
        "invocationId": "e",
        "content": {"role": role, "parts": list(parts)},
        "actions": {},
        **fields,
    }


RM = {"functionCall": {"id": "c", "name": "rm", "args": {"path": "/"}}}


def test_a_tool_that_needs_confirmation_asks_once() -> None:
    wants = {"originalFunctionCall": RM["functionCall"], "toolConfirmation": {"hint": "Delete?"}}
    events = run(
        adk(RM, partial=False),
        adk(
            {"functionCall": {"id": "q", "name": "adk_request_confirmation", "args": wants}},
            longRunningToolIds=["q"],
        ),
        adk(
            {
                "functionResponse": {
                    "id": "c",
                    "name": "rm",
                    "response": {"error": "needs confirmation"},
                }
            },
            role="user",
            actions={
                "requestedToolConfirmations": {"c": {"hint": "Delete?"}},
                "skipSummarization": True,
            },
        ),
    )
    (asked,) = only(events, ev.ApprovalRequest)
    assert (asked.approval_id, asked.prompt, asked.args) == ("q", "Delete?", {"path": "/"})
    assert events[-1].status == "paused"  # type: ignore[union-attr]


def test_a_transfer_is_a_hand_off_and_a_failure_is_told() -> None:
    events = run(
        adk(actions={"transferToAgent": "B"}), adk(errorCode="SAFETY", errorMessage="blocked")
    )
    assert [(handoff.from_, handoff.to) for handoff in only(events, ev.AgentHandoff)] == [
        ("root", "B")
    ]
    assert [(error.message, error.code) for error in only(events, ev.Error)] == [
        ("blocked", "SAFETY")
    ]
    assert events[-1].status == "failed"  # type: ignore[union-attr]


def test_names_in_process_are_read_like_those_on_the_wire() -> None:
    part = {"function_call": {"id": "c", "name": "f", "args": {}}}
    answer = {"function_response": {"id": "c", "name": "f", "response": {"result": 0}}}
    base = {"author": "root", "invocation_id": "e", "actions": {}}
    events = run(
        {**base, "content": {"role": "model", "parts": [part]}},
        {**base, "content": {"role": "user", "parts": [answer]}},
    )
    assert [tool["result"] for tool in Transcript.of(events).tools] == [0]


@pytest.mark.parametrize("is_streamed", [True, False])
def test_calls_of_google_adk_without_ids_are_answered_in_order(is_streamed: bool) -> None:
    calls = [
        {"functionCall": {"name": name, "args": {"x": x}}}
        for name, x in (("f", 1), ("f", 2), ("g", 3))
    ]
    results = [
        {"functionResponse": {"name": name, "response": {"result": x}}}
        for name, x in (("g", 3), ("f", 1), ("f", 2))
    ]
    again = {"functionCall": {"name": "f", "args": {"x": 4}}}
    events = run(
        *([adk(*calls, partial=True)] if is_streamed else []),
        adk(*calls),
        adk(*results),
        adk(again),
        adk({"functionResponse": {"name": "f", "response": {"result": 4}}}),
        adk({"text": "Done."}, turnComplete=True),
    )
    tools = Transcript.of(events).tools
    assert [(tool["name"], tool["args"], tool["result"]) for tool in tools] == [
        (name, {"x": x}, x) for name, x in (("f", 1), ("f", 2), ("g", 3), ("f", 4))
    ]

from typing import Any

import pytest
from adapters.recorded import BY_NAME, Transcript, decode

from nbagent import events as ev
from nbagent.adapters.acp.decoder import AcpDecoder

TURN = BY_NAME["acp/lib-serialised-turn"].items
PROMPT = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "session/prompt",
    "params": {"sessionId": "s", "prompt": []},
}


def run(*items: Any) -> list[ev.Event]:
    return decode(AcpDecoder(), items)


def of(kind: type[Any], events: list[ev.Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def update(kind: str, **fields: Any) -> dict[str, Any]:
    params = {"sessionId": "s", "update": {"sessionUpdate": kind, **fields}}
    return {"jsonrpc": "2.0", "method": "session/update", "params": params}


def tool(kind: str = "tool_call_update", **fields: Any) -> dict[str, Any]:
    return update(kind, toolCallId="c", **fields)


def chunk(text: str, kind: str = "agent_message_chunk") -> dict[str, Any]:
    return update(kind, content={"type": "text", "text": text})


def stop(reason: str, **more: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "result": {"stopReason": reason, **more}}


def test_a_whole_turn_is_read() -> None:
    events = run(*TURN)
    transcript = Transcript.of(events)
    assert (transcript.thoughts, transcript.texts) == (
        ["I should read it."],
        ["The file says hello."],
    )
    (call,) = transcript.tools
    assert (call["name"], call["args"], call["result"]) == (
        "Read a.txt",
        {"path": "/a.txt"},
        {"text": "hello"},
    )
    (request,), (response,) = of(ev.ApprovalRequest, events), of(ev.ApprovalResponse, events)
    assert (request.options, response.decision) == (["Allow", "Reject"], "approve")
    assert transcript.end is not None
    assert (transcript.end.status, transcript.end.finish_reason) == ("completed", "end_turn")


def test_updates_without_their_envelope_are_read() -> None:
    bare = [item["params"]["update"] for item in TURN if item.get("method") == "session/update"]
    assert AcpDecoder.recognises(bare[0])
    assert Transcript.of(run(*bare)).texts == ["The file says hello."]


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("end_turn", "completed"),
        ("max_tokens", "incomplete"),
        ("refusal", "incomplete"),
        ("max_turn_requests", "max_steps"),
        ("cancelled", "cancelled"),
    ],
)
def test_the_end_is_the_answer_to_the_prompt(reason: str, status: str) -> None:
    assert run(PROMPT, chunk("Hi"), stop(reason))[-1].status == status  # type: ignore[union-attr]
    assert run(PROMPT, chunk("Hi"))[-1].status == "incomplete"  # type: ignore[union-attr]


def test_an_error_fails_the_run() -> None:
    events = run(PROMPT, {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "no"}})
    assert (of(ev.Error, events)[0].message, events[-1].status) == ("no", "failed")  # type: ignore[union-attr]


def test_arguments_may_be_replaced_until_the_tool_runs() -> None:
    (call,) = Transcript.of(
        run(
            tool("tool_call", title="Edit", rawInput={}),
            tool(rawInput={"x": 1}),
            tool(status="completed"),
        )
    ).tools
    assert call["args"] == {"x": 1}


def test_a_failed_tool_says_why_and_output_on_the_way_is_preliminary() -> None:
    content = [{"type": "content", "content": {"type": "text", "text": "half"}}]
    events = run(
        tool("tool_call", title="Run"),
        tool(status="in_progress", content=content),
        tool(status="failed", content=content),
    )
    assert [(event.preliminary, event.status) for event in of(ev.ToolResult, events)] == [
        (True, "ok"),
        (False, "error"),
    ]
    assert of(ev.ToolResult, events)[1].error.message == "half"


def test_a_permission_that_nobody_gave_pauses_and_a_refused_one_is_a_denial() -> None:
    options = [{"optionId": "n", "name": "No", "kind": "reject_once"}]
    ask = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "session/request_permission",
        "params": {"toolCall": {"toolCallId": "c", "title": "rm"}, "options": options},
    }
    assert run(PROMPT, ask)[-1].status == "paused"  # type: ignore[union-attr]
    for outcome, decision in (
        ({"outcome": "selected", "optionId": "n"}, "deny"),
        ({"outcome": "cancelled"}, "cancel"),
    ):
        events = run(
            PROMPT,
            ask,
            {"jsonrpc": "2.0", "id": 1, "result": {"outcome": outcome}},
            stop("end_turn"),
        )
        assert of(ev.ApprovalResponse, events)[0].decision == decision
        assert events[-1].status == "completed"  # type: ignore[union-attr]


def test_what_speaks_in_between_ends_a_text() -> None:
    transcript = Transcript.of(
        run(chunk("a"), chunk("b"), chunk("?", "agent_thought_chunk"), chunk("c"))
    )
    assert (transcript.texts, transcript.thoughts) == (["ab", "c"], ["?"])


def test_images_links_plans_and_usage_are_carried() -> None:
    events = run(
        update(
            "agent_message_chunk",
            content={"type": "image", "data": "AA==", "mimeType": "image/png"},
        ),
        update(
            "agent_message_chunk",
            content={"type": "resource_link", "uri": "file:///a", "name": "a"},
        ),
        update("plan", entries=[{"content": "Look", "status": "in_progress", "priority": "high"}]),
        update("usage_update", used=5, size=10, cost={"amount": 0.5, "currency": "USD"}),
        update("current_mode_update", currentModeId="code"),
        stop("end_turn", usage={"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}),
    )
    assert of(ev.File, events)[0].data == "AA=="
    assert of(ev.Source, events)[0].url == "file:///a"
    assert [event.name for event in of(ev.Custom, events)] == ["plan", "current_mode_update"]
    assert of(ev.UsageUpdate, events)[0].usage == ev.Usage(total=5, cost=0.5)
    assert events[-1].usage == ev.Usage(input=1, output=2, total=3)  # type: ignore[union-attr]


# --- version 2 ---

RUNNING = update("state_update", state="running")
IDLE = update("state_update", state="idle", stopReason="end_turn")
ACCEPTED = {"jsonrpc": "2.0", "id": 1, "result": {}}


def block(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def message(kind: str, *texts: str, id: str = "m") -> dict[str, Any]:
    return update(kind, messageId=id, content=list(map(block, texts)))


def piece(text: str, kind: str = "agent_message_chunk", id: str = "m") -> dict[str, Any]:
    return update(kind, messageId=id, content=block(text))


def test_a_state_and_not_the_response_ends_a_turn_of_version_2() -> None:
    events = run(PROMPT, ACCEPTED, message("user_message", "Hi"), RUNNING, piece("Hello."), IDLE)
    transcript = Transcript.of(events)
    assert transcript.texts == ["Hello."]
    assert transcript.end is not None
    assert (transcript.end.status, transcript.end.finish_reason) == ("completed", "end_turn")
    assert not [each for each in of(ev.Custom, events) if "session/prompt" in each.name]


@pytest.mark.parametrize(
    ("reason", "status"), [("cancelled", "cancelled"), ("max_tokens", "incomplete")]
)
def test_the_reason_of_an_idle_state_is_that_of_the_end(reason: str, status: str) -> None:
    stopped = update("state_update", state="idle", stopReason=reason)
    end = Transcript.of(run(PROMPT, ACCEPTED, RUNNING, piece("Hi"), stopped)).end
    assert end is not None
    assert end.status == status


def test_a_turn_of_version_2_without_an_idle_state_was_cut_off() -> None:
    end = Transcript.of(run(PROMPT, ACCEPTED, RUNNING, piece("Hi"))).end
    assert end is not None
    assert end.status == "incomplete"


@pytest.mark.parametrize(
    ("messages", "texts"),
    [
        ([message("agent_message", "One. ", "Two.")], ["One. Two."]),
        ([piece("On"), message("agent_message", "One.")], ["One."]),
        ([piece("On"), message("agent_message")], []),
        ([piece("On"), update("agent_message", messageId="m"), piece("e.")], ["One."]),
        ([message("agent_message", "One."), message("agent_message", "One.")], ["One."]),
        (
            [message("agent_message", "One."), message("agent_message", "One. Two.")],
            ["One.", " Two."],
        ),
        ([piece("a"), piece("b", id="n"), message("agent_message", "a")], ["a", "b"]),
    ],
)
def test_a_whole_message_stands_in_place_of_its_pieces(
    messages: list[dict[str, Any]], texts: list[str]
) -> None:
    said = Transcript.of(run(PROMPT, RUNNING, *messages, IDLE)).texts
    assert [text for text in said if text] == texts


def test_a_whole_thought_is_a_thought() -> None:
    thought = message("agent_thought", "I should read it.")
    assert Transcript.of(run(PROMPT, RUNNING, thought, IDLE)).thoughts == ["I should read it."]


def test_the_first_update_of_a_call_begins_it_and_pieces_are_its_content() -> None:
    pieces = [
        tool("tool_call_content_chunk", content={"type": "content", "content": block(text)})
        for text in ("one", "two")
    ]
    events = run(
        PROMPT,
        RUNNING,
        tool(title="Read a.txt", status="in_progress", rawInput={"path": "/a.txt"}),
        *pieces,
        tool(status="completed"),
        IDLE,
    )
    (call,) = Transcript.of(events).tools
    assert (call["name"], call["args"]) == ("Read a.txt", {"path": "/a.txt"})
    assert call["result"] == "onetwo"
    assert [each.delta for each in of(ev.ToolOutput, events)] == ["one", "two"]


def test_a_call_that_was_cancelled_has_failed() -> None:
    (result,) = of(ev.ToolResult, run(PROMPT, tool(title="Run"), tool(status="cancelled"), IDLE))
    assert result.error.message == "the call was cancelled"


def test_a_permission_of_version_2_is_about_its_subject() -> None:
    asked = {
        "jsonrpc": "2.0",
        "id": 7,
        "method": "session/request_permission",
        "params": {
            "sessionId": "s",
            "title": "May I read a.txt?",
            "subject": {"type": "tool_call", "toolCall": {"toolCallId": "c", "rawInput": {"a": 1}}},
            "options": [{"optionId": "y", "name": "Allow", "kind": "allow_once"}],
        },
    }
    waiting = update("state_update", state="requires_action")
    events = run(PROMPT, RUNNING, tool(title="Read"), asked, waiting)
    (request,) = of(ev.ApprovalRequest, events)
    assert (request.prompt, request.args) == ("May I read a.txt?", {"a": 1})
    end = Transcript.of(events).end
    assert end is not None
    assert end.status == "paused"


def test_a_permission_for_a_command_needs_no_call() -> None:
    asked = {
        "jsonrpc": "2.0",
        "id": 7,
        "method": "session/request_permission",
        "params": {
            "sessionId": "s",
            "title": "Run it?",
            "subject": {"type": "command", "command": "ls", "cwd": "/"},
            "options": [{"optionId": "y", "name": "Allow", "kind": "allow_once"}],
        },
    }
    (request,) = of(ev.ApprovalRequest, run(PROMPT, RUNNING, asked))
    assert (request.tool_id, request.args) == (None, {"command": "ls", "cwd": "/"})


def test_a_plan_of_version_2_is_a_plan() -> None:
    entries = [{"content": "Read it", "priority": "high", "status": "in_progress"}]
    plan = {"type": "items", "planId": "p", "entries": entries}
    events = run(PROMPT, RUNNING, update("plan_update", plan=plan), IDLE)
    assert [each.data for each in of(ev.Custom, events) if each.name == "plan"] == [entries]
    assert [each.message for each in of(ev.Status, events)] == ["Read it"]

from typing import Any

from adapters.recorded import BY_NAME, Transcript, decode

from nbagent import events as ev
from nbagent.adapters.mcp.decoder import McpDecoder


def run(*items: Any) -> list[ev.Event]:
    return decode(McpDecoder(), items)


def of(kind: type[Any], events: list[ev.Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def rpc(**fields: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", **fields}


def call(number: int, token: Any = None) -> dict[str, Any]:
    meta = {"_meta": {"progressToken": token}} if token is not None else {}
    return rpc(
        id=number,
        method="tools/call",
        params={"name": f"f{number}", "arguments": {"x": number}, **meta},
    )


def progress(token: Any, done: float) -> dict[str, Any]:
    return rpc(
        method="notifications/progress",
        params={"progressToken": token, "progress": done, "total": 3},
    )


def result(number: int, text: str, **more: Any) -> dict[str, Any]:
    return rpc(id=number, result={"content": [{"type": "text", "text": text}], **more})


def test_progress_without_its_request_belongs_to_one_tool_that_the_answer_ends() -> None:
    events = run(*BY_NAME["mcp/lib-serialised-progress"].items)
    assert [
        (event.progress, event.total, event.message) for event in of(ev.ToolProgress, events)
    ] == [
        (1, 3, "step 1"),
        (2, 3, "step 2"),
        (3, 3, "step 3"),
    ]
    (tool,) = Transcript.of(events).tools
    assert (tool["kind"], tool["result"]) == ("mcp", "done")
    assert of(ev.Status, events)[0].message == "hello"
    assert events[-1].status == "completed"  # type: ignore[union-attr]


def test_answers_find_their_calls_and_progress_its_tool() -> None:
    events = run(
        call(1, "a"), call(2, 0), progress(0, 1), result(2, "two"), result(1, "one", isError=True)
    )
    tools = Transcript.of(events).tools
    assert [(tool["name"], tool["args"], tool["status"]) for tool in tools] == [
        ("f1", {"x": 1}, "error"),
        ("f2", {"x": 2}, "ok"),
    ]
    assert of(ev.ToolProgress, events)[0].id == of(ev.ToolStart, events)[1].id
    assert events[-1].status == "completed"  # type: ignore[union-attr]


def test_a_request_without_an_answer_was_cut() -> None:
    assert run(call(1), progress("x", 1))[-1].status == "incomplete"  # type: ignore[union-attr]


def test_structured_content_is_the_result() -> None:
    (tool,) = Transcript.of(run(call(1), result(1, "{}", structuredContent={"a": 1}))).tools
    assert tool["result"] == {"a": 1}


def test_an_error_ends_the_tool_and_the_run() -> None:
    events = run(call(1), rpc(id=1, error={"code": -32602, "message": "no such tool"}))
    assert of(ev.ToolResult, events)[0].error.message == "no such tool"
    assert events[-1].status == "failed"  # type: ignore[union-attr]


def test_a_server_may_ask_the_user_and_both_may_count_from_one() -> None:
    ask = rpc(
        id=1,
        method="elicitation/create",
        params={"message": "Who?", "requestedSchema": {"type": "object"}},
    )
    events = run(call(1), ask)
    (request,) = of(ev.ApprovalRequest, events)
    assert (request.kind, request.prompt, events[-1].status) == ("input", "Who?", "paused")  # type: ignore[union-attr]
    events = run(
        call(1),
        ask,
        rpc(id=1, result={"action": "accept", "content": {"name": "I"}}),
        result(1, "Hi"),
    )
    assert of(ev.ApprovalResponse, events)[0].value == {"name": "I"}
    assert (Transcript.of(events).tools[0]["result"], events[-1].status) == ("Hi", "completed")  # type: ignore[union-attr]


def test_an_answer_that_needs_more_pauses() -> None:
    requests = {"who": {"method": "elicitation/create", "params": {"message": "Who?"}}}
    events = run(
        call(1), rpc(id=1, result={"resultType": "input_required", "inputRequests": requests})
    )
    assert (of(ev.ApprovalRequest, events)[0].approval_id, events[-1].status) == ("who", "paused")  # type: ignore[union-attr]


def test_a_call_has_its_result_also_when_an_answer_to_a_request_of_the_same_id_was_not_seen() -> (
    None
):
    ask = rpc(id=1, method="elicitation/create", params={"message": "Which city?"})
    events = run(call(1), ask, result(1, "one"))
    assert [(event.content, event.status) for event in of(ev.ToolResult, events)] == [("one", "ok")]
    assert of(ev.ApprovalResponse, events) == []
    assert events[-1].status == "completed"  # type: ignore[union-attr]

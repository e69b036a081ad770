"""The form in which each system takes answers: a question and its answer in, what is sent out."""

from types import SimpleNamespace
from typing import Any

import pytest

from nbagent import events as e
from nbagent.adapters.answers import answer_form
from nbagent.adapters.base.answers import Answered
from nbagent.adapters.decoders import adapters, decoder_named
from nbagent.errors import AnswerError
from nbagent.events import ApprovalRequest, ApprovalResponse

YES, NO, SHUT = ApprovalResponse(approval_id="q", decision="approve"), "deny", "cancel"


def answered(
    decision: e.Decision = "approve",
    *,
    value: Any = None,
    reason: str | None = None,
    **request: Any,
) -> Answered:
    remember = request.pop("remember", False)
    response = ApprovalResponse(
        approval_id="q", decision=decision, value=value, reason=reason, remember=remember
    )
    return Answered(ApprovalRequest(approval_id="q", **request), response)


def asked_by(system: str, *items: Any) -> list[ApprovalRequest]:
    """Return the questions in a stream, as the system's form offers them."""
    decoder = decoder_named(system)
    events = [event for item in items for event in decoder.feed(item)]
    return [
        answer_form(system).offer(event) for event in events if isinstance(event, ApprovalRequest)
    ]


def answer_to(
    request: ApprovalRequest, decision: e.Decision = "approve", **fields: Any
) -> Answered:
    return Answered(
        request, ApprovalResponse(approval_id=request.approval_id, decision=decision, **fields)
    )


# --- ACP ---

OPTIONS = [
    {"optionId": "1", "name": "Yes", "kind": "allow_once"},
    {"optionId": "2", "name": "Yes, always", "kind": "allow_always"},
    {"optionId": "3", "name": "No", "kind": "reject_once"},
]


def permission(options: list[dict[str, str]], id: Any = 7) -> ApprovalRequest:
    params = {
        "sessionId": "s",
        "toolCall": {"toolCallId": "c", "title": "rm", "rawInput": {"path": "/"}},
        "options": options,
    }
    message = {"jsonrpc": "2.0", "id": id, "method": "session/request_permission", "params": params}
    (request,) = asked_by("acp", message)
    return request


@pytest.mark.parametrize(
    ("decision", "fields", "outcome"),
    [
        ("approve", {}, {"outcome": "selected", "optionId": "1"}),
        ("approve", {"remember": True}, {"outcome": "selected", "optionId": "2"}),
        ("approve", {"value": "Yes, always"}, {"outcome": "selected", "optionId": "2"}),
        ("deny", {"reason": "no"}, {"outcome": "selected", "optionId": "3"}),
        ("cancel", {}, {"outcome": "cancelled"}),
    ],
)
def test_acp_gets_the_option_that_means_the_answer(
    decision: e.Decision, fields: Any, outcome: Any
) -> None:
    answer = answer_to(permission(OPTIONS), decision, **fields)
    answer_form("acp").check(answer)
    assert answer_form("acp").message(answer) == {
        "jsonrpc": "2.0",
        "id": 7,
        "result": {"outcome": outcome},
    }


def test_acp_offers_what_its_options_are() -> None:
    assert permission(OPTIONS).can_remember
    assert not permission(OPTIONS[::2]).can_remember
    assert permission(OPTIONS).schema is None
    with pytest.raises(AnswerError, match="must be one of 'Yes', 'Yes, always', 'No'"):
        answer_form("acp").check(answer_to(permission(OPTIONS), value="Perhaps"))
    with pytest.raises(AnswerError, match="no option that allows"):
        answer_form("acp").check(answer_to(permission(OPTIONS[2:])))
    refused = answer_form("acp").message(answer_to(permission(OPTIONS[:1]), "deny"))
    assert refused["result"] == {"outcome": {"outcome": "cancelled"}}


# --- MCP ---

ELICITATION = {
    "message": "Which city?",
    "requestedSchema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


@pytest.mark.parametrize("system", ["mcp", "acp"])
@pytest.mark.parametrize(
    ("decision", "value", "result"),
    [
        ("approve", {"city": "Oslo"}, {"action": "accept", "content": {"city": "Oslo"}}),
        ("approve", None, {"action": "accept"}),
        ("deny", None, {"action": "decline"}),
        ("cancel", None, {"action": "cancel"}),
    ],
)
def test_an_elicitation_is_accepted_declined_or_cancelled(
    system: str, decision: Any, value: Any, result: Any
) -> None:
    message = {"jsonrpc": "2.0", "id": "5", "method": "elicitation/create", "params": ELICITATION}
    (request,) = asked_by(system, message)
    assert (request.kind, request.schema) == ("input", ELICITATION["requestedSchema"])
    sent = answer_form(system).message(answer_to(request, decision, value=value))
    assert sent == {"jsonrpc": "2.0", "id": "5", "result": result}


def test_an_mcp_call_that_requires_input_is_made_again_with_it() -> None:
    call = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "book", "arguments": {}},
    }
    entry = {"method": "elicitation/create", "params": ELICITATION}
    result = {
        "resultType": "input_required",
        "inputRequests": {"city": entry},
        "requestState": "abc",
    }
    (request,) = asked_by("mcp", call, {"jsonrpc": "2.0", "id": 1, "result": result})
    again = answer_form("mcp").next_request(
        "http://x/mcp", call, [answer_to(request, value={"city": "Oslo"})]
    )
    given = {"city": {"action": "accept", "content": {"city": "Oslo"}}}
    assert again == (
        "http://x/mcp",
        {
            **call,
            "id": 2,
            "params": {
                "name": "book",
                "arguments": {},
                "inputResponses": given,
                "requestState": "abc",
            },
        },
    )


# --- AG-UI ---

ANSWER_SCHEMA = {
    "type": "object",
    "properties": {"approved": {"type": "boolean"}, "editedArgs": {"type": "object"}},
}


def interrupted(schema: Any = ANSWER_SCHEMA) -> ApprovalRequest:
    interrupt = {"id": "i", "reason": "tool_call", "toolCallId": "c", "responseSchema": schema}
    outcome = {"type": "interrupt", "interrupts": [interrupt]}
    (request,) = asked_by(
        "ag_ui",
        {"type": "RUN_STARTED", "threadId": "t", "runId": "r"},
        {"type": "TEXT_MESSAGE_START", "messageId": "m", "role": "assistant"},
        {"type": "TEXT_MESSAGE_CONTENT", "messageId": "m", "delta": "I "},
        {"type": "TEXT_MESSAGE_CONTENT", "messageId": "m", "delta": "pay."},
        {"type": "TEXT_MESSAGE_END", "messageId": "m"},
        {
            "type": "TOOL_CALL_START",
            "toolCallId": "c",
            "toolCallName": "pay",
            "parentMessageId": "m",
        },
        {"type": "TOOL_CALL_ARGS", "toolCallId": "c", "delta": '{"euros"'},
        {"type": "TOOL_CALL_ARGS", "toolCallId": "c", "delta": ": 5}"},
        {"type": "TOOL_CALL_END", "toolCallId": "c"},
        {"type": "RUN_FINISHED", "threadId": "t", "runId": "r", "outcome": outcome},
    )
    return request


@pytest.mark.parametrize(
    ("decision", "fields", "entry"),
    [
        ("approve", {}, {"status": "resolved", "payload": {"approved": True}}),
        ("approve", {"value": {"euros": 5}}, {"status": "resolved", "payload": {"approved": True}}),
        (
            "approve",
            {"value": {"euros": 4}},
            {"status": "resolved", "payload": {"approved": True, "editedArgs": {"euros": 4}}},
        ),
        (
            "deny",
            {"reason": "dear"},
            {"status": "resolved", "payload": {"approved": False, "reason": "dear"}},
        ),
        ("cancel", {}, {"status": "cancelled"}),
    ],
)
def test_ag_ui_gets_a_run_with_the_answer_and_the_messages(
    decision: Any, fields: Any, entry: Any
) -> None:
    request = interrupted()
    assert (request.args, request.schema) == (
        {"euros": 5},
        {"type": "object", "properties": {"euros": {"type": "integer"}}, "required": ["euros"]},
    )
    question = {"id": "u", "role": "user", "content": "Pay"}
    body = {"threadId": "t", "runId": "r", "messages": [question], "tools": []}
    made = answer_form("ag_ui").next_request(
        "http://x", body, [answer_to(request, decision, **fields)]
    )
    assert made is not None
    url, further = made
    assert further.pop("runId") != "r"
    call = {"id": "c", "type": "function", "function": {"name": "pay", "arguments": '{"euros": 5}'}}
    said = {"id": "m", "role": "assistant", "content": "I pay.", "toolCalls": [call]}
    assert (url, further) == (
        "http://x",
        {
            "threadId": "t",
            "messages": [question, said],
            "tools": [],
            "resume": [{"interruptId": "i", **entry}],
        },
    )


def test_ag_ui_offers_no_change_of_arguments_unless_the_answer_has_a_field_for_them() -> None:
    assert (
        interrupted({"type": "object", "properties": {"approved": {"type": "boolean"}}}).schema
        is None
    )
    assert interrupted(None).schema is None


def test_ag_ui_gets_the_value_of_an_input() -> None:
    request = ApprovalRequest(approval_id="i", kind="input", schema={"type": "string"})
    assert (
        answer_form("ag_ui").value([answer_to(request, value="Oslo")], None)[0]["payload"] == "Oslo"
    )


# --- OpenAI ---


def test_responses_get_items_after_the_response_that_asked() -> None:
    item = {
        "type": "mcp_approval_request",
        "id": "mcpr_1",
        "name": "pay",
        "arguments": '{"euros":5}',
        "server_label": "bank",
    }
    (request,) = asked_by(
        "openai.responses",
        {"type": "response.created", "response": {"id": "resp_1", "model": "m"}},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
    )
    body = {"model": "m", "input": "Pay", "stream": True, "tools": [1]}
    form = answer_form("openai.responses")
    entry = {"type": "mcp_approval_response", "approval_request_id": "mcpr_1"}
    url, further = form.next_request("http://x/responses", body, [answer_to(request)]) or ("", {})
    assert (url, further) == (
        "http://x/responses",
        {**body, "input": [{**entry, "approve": True}], "previous_response_id": "resp_1"},
    )
    denied = form.value([answer_to(request, "deny", reason="dear")], None)
    assert denied == [{**entry, "approve": False, "reason": "dear"}]
    # the service would not know the response
    assert form.next_request("http://x", {**body, "store": False}, []) is None
    with pytest.raises(AnswerError, match="no changed arguments"):
        form.check(answer_to(request, value={"euros": 4}))


@pytest.mark.parametrize("path", ["/v1/threads/runs", "/v1/threads/thread_1/runs"])
def test_assistants_get_the_outputs_of_their_calls(path: str) -> None:
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "rate", "arguments": '{"of":"NOK"}'},
    }
    run = {
        "id": "run_1",
        "object": "thread.run",
        "thread_id": "thread_1",
        "status": "requires_action",
        "required_action": {
            "type": "submit_tool_outputs",
            "submit_tool_outputs": {"tool_calls": [call]},
        },
    }
    (request,) = asked_by("openai.assistants", {"event": "thread.run.requires_action", "data": run})
    assert (request.kind, request.args) == ("input", {"of": "NOK"})
    form = answer_form("openai.assistants")
    assert form.next_request(f"http://x{path}", {}, [answer_to(request, value={"rate": 11.5})]) == (
        "http://x/v1/threads/thread_1/runs/run_1/submit_tool_outputs",
        {"tool_outputs": [{"tool_call_id": "call_1", "output": '{"rate": 11.5}'}], "stream": True},
    )
    assert (
        form.value([answer_to(request, "deny", reason="Unknown")], None)[0]["output"] == "Unknown"
    )
    assert form.value([answer_to(request, value="11.5")], None)[0]["output"] == "11.5"


# --- Dexto ---


def approval(type: str, **metadata: Any) -> ApprovalRequest:
    event = {
        "name": "approval:request",
        "approvalId": "a/1",
        "type": type,
        "sessionId": "s",
        "metadata": metadata,
    }
    (request,) = asked_by("dexto", event)
    return request


@pytest.mark.parametrize(
    ("type", "decision", "fields", "body"),
    [
        ("tool_approval", "approve", {}, {"status": "approved"}),
        (
            "tool_approval",
            "approve",
            {"remember": True},
            {"status": "approved", "rememberChoice": True},
        ),
        (
            "tool_approval",
            "deny",
            {"reason": "no"},
            {"status": "denied", "reason": "user_denied", "message": "no"},
        ),
        ("command_approval", "cancel", {}, {"status": "cancelled", "reason": "user_cancelled"}),
        (
            "elicitation",
            "approve",
            {"value": {"city": "Oslo"}},
            {"status": "approved", "formData": {"city": "Oslo"}},
        ),
    ],
)
def test_dexto_gets_a_request_of_its_own_or_an_event(
    type: str, decision: Any, fields: Any, body: dict[str, Any]
) -> None:
    form, answer = answer_form("dexto"), answer_to(approval(type), decision, **fields)
    assert form.post("http://x/api/message-stream?agent=1", answer) == (
        "http://x/api/approvals/a%2F1?agent=1",
        body,
    )
    message = form.message(answer)
    data = {name: body[name] for name in ("formData", "rememberChoice") if name in body}
    rest = {name: value for name, value in body.items() if name not in data}
    expected = {"type": "approval:response", "approvalId": "a/1", "sessionId": "s", **rest}
    assert message == expected | ({"data": data} if data else {})
    assert decoder_named("dexto").feed(message)  # its decoder reads what is sent


def test_dexto_remembers_tools_but_no_commands() -> None:
    assert approval("tool_approval", toolName="pay").can_remember
    assert not approval("command_approval", command="rm").can_remember


# --- LangGraph ---


def interrupts(*entries: tuple[str, Any]) -> list[ApprovalRequest]:
    found = [{"id": id, "value": value} for id, value in entries]
    return asked_by("langgraph", {"__interrupt__": found})


def reviewed(*names: str, allowed: tuple[str, ...] = ("approve", "edit", "reject")) -> Any:
    configs = [{"action_name": name, "allowed_decisions": list(allowed)} for name in names]
    return {
        "action_requests": [{"name": name, "args": {"x": 1}} for name in names],
        "review_configs": configs,
    }


def test_langgraph_gets_a_decision_for_each_call_in_their_order() -> None:
    first, second, third = interrupts(("i", reviewed("a", "b", "c")))
    given = [
        answer_to(first),
        answer_to(second, "deny", reason="no"),
        answer_to(third, value={"x": 2}),
    ]
    assert answer_form("langgraph").value(given, None) == {
        "i": {
            "decisions": [
                {"type": "approve"},
                {"type": "reject", "message": "no"},
                {"type": "edit", "edited_action": {"name": "c", "args": {"x": 2}}},
            ]
        }
    }


def test_langgraph_offers_changes_only_where_the_middleware_takes_them() -> None:
    assert interrupts(("i", reviewed("a")))[0].schema == {
        "type": "object",
        "properties": {"x": {"type": "integer"}},
        "required": ["x"],
    }
    (fixed,) = interrupts(("i", reviewed("a", allowed=("approve", "reject"))))
    assert fixed.schema is None
    with pytest.raises(AnswerError, match="no changed arguments"):
        answer_form("langgraph").check(answer_to(fixed, value={"x": 2}))


def test_langgraph_gets_the_values_of_interrupts_by_their_ids() -> None:
    city, sure, left = interrupts(
        ("1", "Which city?"), ("2", {"question": "Sure?"}), ("3", "Really?")
    )
    given = [answer_to(city, value="Oslo"), answer_to(sure), answer_to(left, "deny")]
    assert answer_form("langgraph").value(given, None) == {"1": "Oslo", "2": True, "3": False}


def test_a_langgraph_server_gets_a_command_in_place_of_the_input() -> None:
    (request,) = interrupts(("i", "Sure?"))
    body = {"assistant_id": "agent", "input": {"messages": []}, "stream_mode": ["updates"]}
    made = answer_form("langgraph").next_request(
        "http://x/threads/t/runs/stream", body, [answer_to(request)]
    )
    command = {"resume": {"i": True}}
    assert made == ("http://x/threads/t/runs/stream", {**body, "input": None, "command": command})
    # nothing is kept there
    assert answer_form("langgraph").next_request("http://x/runs/stream", body, []) is None


# --- A2A ---


def required(**metadata: Any) -> ApprovalRequest:
    note = {"role": "agent", "messageId": "n", "parts": [{"kind": "text", "text": "Which city?"}]}
    status = {"state": "input-required", "message": note}
    update = {
        "kind": "status-update",
        "taskId": "t",
        "contextId": "c",
        "status": status,
        "final": True,
        "metadata": metadata,
    }
    (request,) = asked_by("a2a", {"jsonrpc": "2.0", "id": 1, "result": update})
    return request


@pytest.mark.parametrize(
    ("kind", "is_rpc"),
    [({"kind": "text"}, True), ({}, False)],
    ids=["0.3 by JSON-RPC", "1.0 by REST"],
)
def test_an_a2a_task_gets_a_message(kind: dict[str, str], is_rpc: bool) -> None:
    message = {"role": "user", "messageId": "m", "parts": [{**kind, "text": "Book"}]}
    call = {"jsonrpc": "2.0", "id": 1, "method": "message/stream", "params": {"message": message}}
    made = answer_form("a2a").next_request(
        "http://x", call if is_rpc else {"message": message}, [answer_to(required(), value="Oslo")]
    )
    assert made is not None
    sent = made[1]["params"]["message"] if is_rpc else made[1]["message"]
    assert sent.pop("messageId") != "m"
    assert sent == {
        "role": "user",
        "parts": [{**kind, "text": "Oslo"}],
        "taskId": "t",
        "contextId": "c",
    }
    assert answer_form("a2a").next_request("http://x", {"query": "Book"}, []) is None


def test_hector_gets_a_part_that_says_whether_the_call_is_approved() -> None:
    request = required(long_running_tool_ids=["call_1"])
    (part,) = answer_form("a2a").value([answer_to(request, "deny")], None)
    assert part == {
        "kind": "data",
        "data": {
            "type": "tool_approval",
            "decision": "deny",
            "tool_call_id": "call_1",
            "task_id": "t",
        },
    }


# --- others ---


def test_an_app_on_vercels_sdk_gets_its_approvals_by_id() -> None:
    values = answer_form("vercel.ui").value([answered(), answered("deny", reason="no")], None)
    assert values == [{"id": "q", "approved": True}, {"id": "q", "approved": False, "reason": "no"}]


@pytest.mark.parametrize("is_automatic", [True, False])
def test_an_approval_that_the_apps_rules_give_is_no_question(is_automatic: bool) -> None:
    (request,) = asked_by(
        "vercel.ui",
        {"type": "tool-input-available", "toolCallId": "c", "toolName": "pay", "input": {}},
        {
            "type": "tool-approval-request",
            "approvalId": "a",
            "toolCallId": "c",
            "isAutomatic": is_automatic,
        },
    )
    assert answer_form("vercel.ui").asks(request) == (not is_automatic)


@pytest.mark.parametrize("system", ["nbagent", "function"])
def test_our_own_events_are_answered_by_an_event(system: str) -> None:
    message = answer_form(system).message(answered("deny", reason="no"))
    assert message == {
        "type": "approval.response",
        "approval_id": "q",
        "decision": "deny",
        "reason": "no",
    }


def test_a_system_without_a_form_gets_the_answers_as_events() -> None:
    form = answer_form("openai.chat")
    assert form.value([answered()], None) == [YES]
    assert not form.has_messages
    assert form.next_request("http://x", {}, []) is None
    assert not form.continues(SimpleNamespace())


def test_every_form_is_of_an_adapter() -> None:
    from nbagent.adapters.answers import _forms

    systems = {adapter.system for adapter in adapters()} | {"function"}
    assert set(_forms()) <= systems

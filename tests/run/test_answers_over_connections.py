"""Answers that go back to services on loopback: over a WebSocket, by a request of their own, or in
the next request.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import openai
import pytest
import wsproto.events as ws
from sources.loopback import Answer, serving
from sources.test_websocket import Peer, socket_server

import nbagent
from nbagent import events as e
from nbagent.events.question import Question
from nbagent.run import Run


def sse(*items: Any) -> list[bytes]:
    return [b"data: %s\n\n" % json.dumps(item).encode() for item in items]


async def watch(url: str, answer: Callable[[Question], Any], **options: Any) -> Run:
    return await nbagent.show(url, face="console", answer=answer, **options)


def decisions(run: Run) -> list[str]:
    return [event.decision for event in run.events if isinstance(event, e.ApprovalResponse)]


def playing(
    before: Iterable[Any], after: Callable[[Any], Iterable[Any]]
) -> Callable[[Peer], Awaitable[None]]:
    """Return what a server does: it sends items, waits for a message, and sends what it makes of
    that.
    """

    async def play(peer: Peer) -> None:
        for item in before:
            await peer.send(ws.TextMessage(data=json.dumps(item)))
        answer = json.loads((await peer.receive(ws.TextMessage)).data)
        for item in after(answer):
            await peer.send(ws.TextMessage(data=json.dumps(item)))
        await peer.send(ws.CloseConnection(code=1000))

    return play


# --- a WebSocket ---


@pytest.mark.parametrize(("answer", "decision"), [(True, "approve"), ("too dear", "deny")])
async def test_a_websocket_of_our_events_gets_the_answer_as_an_event(
    answer: Any, decision: str
) -> None:
    before = [
        {"type": "run.start", "name": "Clerk"},
        {"type": "tool.start", "id": "t", "name": "pay"},
        {"type": "tool.args", "id": "t", "args": {"euros": 5}},
        {"type": "approval.request", "approval_id": "q", "tool_id": "t", "args": {"euros": 5}},
    ]

    def after(sent: Any) -> list[Any]:
        text = {
            "type": "text.delta",
            "id": "x",
            "delta": f"{sent['decision']} {sent.get('reason', '')}",
        }
        return [text, {"type": "run.end", "status": "completed"}]

    async with socket_server(playing(before, after)) as (url, _):
        run = await watch(url, lambda question: answer)
    assert run.status == "completed"
    assert run.answer.split() == [decision, *(answer.split() if decision == "deny" else [])]
    assert decisions(run) == [decision]


DEXTO = [
    {"name": "llm:thinking", "sessionId": "s"},
    {
        "name": "llm:tool-call",
        "toolName": "pay",
        "callId": "c",
        "args": {"euros": 5},
        "sessionId": "s",
    },
    {
        "name": "approval:request",
        "approvalId": "a",
        "type": "tool_approval",
        "sessionId": "s",
        "metadata": {"toolName": "pay", "toolCallId": "c", "args": {"euros": 5}},
    },
]
PAID = [
    {
        "name": "llm:tool-result",
        "toolName": "pay",
        "callId": "c",
        "success": True,
        "rawResult": "paid",
    },
    {"name": "llm:response", "content": "Paid.", "finishReason": "stop"},
    {"name": "run:complete", "finishReason": "stop"},
]


async def test_dexto_on_a_websocket_repeats_the_answer_which_is_told_once() -> None:
    async with socket_server(
        playing(DEXTO, lambda sent: [{"name": "approval:response", **sent}, *PAID])
    ) as (url, _):
        run = await watch(url, lambda question: question.allow(always=True))
    assert (run.status, run.answer, run.tools[0].result) == ("completed", "Paid.", "paid")
    assert decisions(run) == ["approve"]


async def test_acp_on_a_websocket_gets_the_response_to_its_request() -> None:
    options = [
        {"optionId": "y", "name": "Yes", "kind": "allow_once"},
        {"optionId": "n", "name": "No", "kind": "reject_once"},
    ]
    call = {"toolCallId": "c", "title": "pay", "rawInput": {"euros": 5}}
    params = {"sessionId": "s", "toolCall": call, "options": options}
    prompt = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "session/prompt",
        "params": {"sessionId": "s", "prompt": []},
    }
    ask = {"jsonrpc": "2.0", "id": 1, "method": "session/request_permission", "params": params}

    def after(sent: Any) -> list[Any]:
        chunk = {
            "sessionUpdate": "agent_message_chunk",
            "content": {"type": "text", "text": json.dumps(sent)},
        }
        update = {
            "jsonrpc": "2.0",
            "method": "session/update",
            "params": {"sessionId": "s", "update": chunk},
        }
        return [update, {"jsonrpc": "2.0", "id": 1, "result": {"stopReason": "end_turn"}}]

    async with socket_server(playing([prompt, ask], after)) as (url, _):
        run = await watch(url, lambda question: False)
    outcome = {"outcome": "selected", "optionId": "n"}
    assert json.loads(run.answer) == {"jsonrpc": "2.0", "id": 1, "result": {"outcome": outcome}}
    assert (run.status, decisions(run)) == ("completed", ["deny"])


async def test_a_websocket_of_a_system_without_a_form_cannot_be_answered() -> None:
    async with socket_server(playing([{"chunk": "Hi"}], lambda sent: [])) as (url, _):
        run = nbagent.show(
            url, face="console", adapter=lambda item: e.ApprovalRequest(approval_id="q")
        )
        async for request in run.stream("approval.request"):
            assert isinstance(request, e.ApprovalRequest)
            # the function's events are ours, so the answer is an event, too
            assert request.reply is not None
            run.cancel()
        await run


# --- a request of its own ---


async def test_dexto_over_http_gets_a_request_while_the_stream_goes_on() -> None:
    posted = asyncio.Event()
    stream = Answer([b"".join(sse(*DEXTO)), b"".join(sse(*PAID))], hold=posted)
    taken = Answer(b'{"ok": true}', content_type="application/json", release=posted)
    async with serving(stream, taken) as server:
        run = await watch(
            f"{server.url}/api/message-stream",
            lambda question: "no",
            json={"message": "Pay"},
            headers={"x-team": "blue"},
        )
    assert (run.status, run.answer, decisions(run)) == ("completed", "Paid.", ["deny"])
    post = server.seen[1]
    assert (post.method, post.path, post.headers["x-team"]) == ("POST", "/api/approvals/a", "blue")
    assert json.loads(post.body) == {"status": "denied", "reason": "user_denied", "message": "no"}


async def test_a_request_that_is_refused_leaves_the_question() -> None:
    posted = asyncio.Event()
    stream = Answer([b"".join(sse(*DEXTO)), b"".join(sse(*PAID))], hold=posted)
    refused = Answer(b'{"message": "not yet"}', "404 Not Found", "application/json")
    taken = Answer(b'{"ok": true}', content_type="application/json", release=posted)
    async with serving(stream, refused, taken) as server:
        run = nbagent.show(
            f"{server.url}/api/message-stream", json={"message": "Pay"}, face="console"
        )
        async for _ in run.stream(("approval.request", "status")):
            for question in run.waiting:
                question.allow()
    assert (run.status, decisions(run), len(server.seen)) == ("completed", ["approve"], 3)
    (warning,) = [event.message for event in run.events if isinstance(event, e.Status)]
    assert "could not be sent" in warning
    assert "not yet" in warning


# --- the next request ---

REQUEST = {
    "type": "mcp_approval_request",
    "id": "mcpr_1",
    "name": "pay",
    "arguments": '{"euros":5}',
    "server_label": "bank",
}
CALLED = {
    "type": "mcp_call",
    "id": "mcp_1",
    "approval_request_id": "mcpr_1",
    "name": "pay",
    "arguments": '{"euros":5}',
}


def responses_of_an_approval() -> tuple[list[bytes], list[bytes]]:
    """Return a response that asks for permission of a call, and the one after that."""
    asking = sse(
        {"type": "response.created", "response": {"id": "resp_1", "model": "m"}},
        {"type": "response.output_item.added", "output_index": 0, "item": REQUEST},
        {"type": "response.output_item.done", "output_index": 0, "item": REQUEST},
        {
            "type": "response.completed",
            "response": {"id": "resp_1", "status": "completed", "output": [REQUEST]},
        },
    )
    done = {**CALLED, "output": "paid", "status": "completed", "server_label": "bank"}
    message = {
        "type": "message",
        "id": "msg",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Paid."}],
    }
    further = sse(
        {"type": "response.created", "response": {"id": "resp_2", "model": "m"}},
        {"type": "response.output_item.done", "output_index": 0, "item": done},
        {"type": "response.output_item.done", "output_index": 1, "item": message},
        {
            "type": "response.completed",
            "response": {"id": "resp_2", "status": "completed", "output": [done, message]},
        },
    )
    return asking, further


async def test_the_responses_api_is_asked_again_with_the_answer() -> None:
    asking, further = responses_of_an_approval()
    async with serving(Answer(asking), Answer(further)) as server:
        run = await watch(
            f"{server.url}/v1/responses",
            lambda _: True,
            json={"model": "m", "input": "Pay", "stream": True, "tools": [{}]},
        )
    assert (run.status, run.answer, decisions(run)) == ("completed", "Paid.", ["approve"])
    assert [(tool.name, tool.result) for tool in run.tools] == [("pay", "paid")]
    assert json.loads(server.seen[1].body) == {
        "model": "m",
        "input": [
            {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True}
        ],
        "stream": True,
        "tools": [{}],
        "previous_response_id": "resp_1",
    }


def frames(*events: tuple[str, Any]) -> list[bytes]:
    return [
        b"event: %s\ndata: %s\n\n" % (name.encode(), json.dumps(data).encode())
        for name, data in events
    ]


def frames_of_an_action() -> tuple[list[bytes], list[bytes]]:
    """Return the stream of a run that requires the output of a call, and the one after that."""
    call = {"id": "call_1", "type": "function", "function": {"name": "rate", "arguments": "{}"}}
    run_ = {"id": "run_1", "object": "thread.run", "thread_id": "t", "status": "requires_action"}
    action = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": [call]}}
    text = {"content": [{"index": 0, "type": "text", "text": {"value": "It is 11.5."}}]}
    asking = frames(
        ("thread.run.requires_action", {**run_, "required_action": action}), ("done", "[DONE]")
    )
    further = frames(
        ("thread.message.delta", {"id": "msg", "object": "thread.message.delta", "delta": text}),
        ("thread.run.completed", {**run_, "status": "completed"}),
        ("done", "[DONE]"),
    )
    return asking, further


async def test_assistants_get_the_outputs_that_a_run_requires() -> None:
    asking, further = frames_of_an_action()
    async with serving(Answer(asking), Answer(further)) as server:
        url = f"{server.url}/v1/threads/t/runs"
        run = await watch(
            url,
            lambda question: question.answer("11.5"),
            json={"assistant_id": "a", "stream": True},
        )
    assert (run.status, run.answer) == ("completed", "It is 11.5.")
    assert server.seen[1].path == "/v1/threads/t/runs/run_1/submit_tool_outputs"
    assert json.loads(server.seen[1].body) == {
        "tool_outputs": [{"tool_call_id": "call_1", "output": "11.5"}],
        "stream": True,
    }


async def test_an_ag_ui_service_gets_the_next_run() -> None:
    head = {"threadId": "t", "runId": "r"}
    schema = {
        "type": "object",
        "properties": {"approved": {"type": "boolean"}, "editedArgs": {"type": "object"}},
    }
    interrupt = {"id": "i", "reason": "tool_call", "toolCallId": "c", "responseSchema": schema}
    asking = sse(
        {"type": "RUN_STARTED", **head},
        {"type": "TOOL_CALL_START", "toolCallId": "c", "toolCallName": "pay"},
        {"type": "TOOL_CALL_ARGS", "toolCallId": "c", "delta": '{"euros": 5}'},
        {"type": "TOOL_CALL_END", "toolCallId": "c"},
        {
            "type": "RUN_FINISHED",
            **head,
            "outcome": {"type": "interrupt", "interrupts": [interrupt]},
        },
    )
    further = sse(
        {"type": "RUN_STARTED", **head},
        {"type": "TOOL_CALL_RESULT", "messageId": "m", "toolCallId": "c", "content": "paid"},
        {"type": "TEXT_MESSAGE_START", "messageId": "n", "role": "assistant"},
        {"type": "TEXT_MESSAGE_CONTENT", "messageId": "n", "delta": "Paid."},
        {"type": "TEXT_MESSAGE_END", "messageId": "n"},
        {"type": "RUN_FINISHED", **head},
    )
    async with serving(Answer(asking), Answer(further)) as server:
        run = await watch(
            f"{server.url}/agent",
            lambda question: {"euros": 4},
            json={**head, "messages": [], "tools": []},
        )
    assert (run.status, run.answer, run.tools[0].result) == ("completed", "Paid.", "paid")
    sent = json.loads(server.seen[1].body)
    assert sent["resume"] == [
        {
            "interruptId": "i",
            "status": "resolved",
            "payload": {"approved": True, "editedArgs": {"euros": 4}},
        }
    ]
    assert [message["role"] for message in sent["messages"]] == ["assistant"]


async def test_a_thread_of_a_langgraph_server_gets_a_command() -> None:
    asking = frames(
        ("metadata", {"run_id": "r"}),
        ("updates", {"__interrupt__": [{"id": "i", "value": "Which city?"}]}),
    )
    said = {
        "type": "ai",
        "id": "m",
        "content": "Oslo it is.",
        "response_metadata": {"finish_reason": "stop"},
    }
    further = frames(("metadata", {"run_id": "r2"}), ("updates", {"ask": {"messages": [said]}}))
    body = {"assistant_id": "agent", "input": {"messages": []}, "stream_mode": ["updates"]}
    async with serving(Answer(asking), Answer(further)) as server:
        run = await watch(f"{server.url}/threads/t/runs/stream", lambda question: "Oslo", json=body)
    assert (run.status, run.answer, decisions(run)) == ("completed", "Oslo it is.", ["approve"])
    assert json.loads(server.seen[1].body) == {
        **body,
        "input": None,
        "command": {"resume": {"i": "Oslo"}},
    }


async def test_a_task_of_a2a_gets_a_message() -> None:
    note = {"role": "agent", "messageId": "n", "parts": [{"kind": "text", "text": "Which city?"}]}
    ids = {"kind": "status-update", "taskId": "t", "contextId": "c", "final": True}
    waits = {**ids, "status": {"state": "input-required", "message": note}}
    done = {
        **ids,
        "status": {
            "state": "completed",
            "message": {**note, "parts": [{"kind": "text", "text": "Booked."}]},
        },
    }
    message = {"role": "user", "messageId": "m", "parts": [{"kind": "text", "text": "Book"}]}
    call = {"jsonrpc": "2.0", "id": 1, "method": "message/stream", "params": {"message": message}}
    async with serving(
        Answer(sse({"jsonrpc": "2.0", "id": 1, "result": waits})),
        Answer(sse({"jsonrpc": "2.0", "id": 2, "result": done})),
    ) as server:
        run = await watch(f"{server.url}/agent", lambda question: "Oslo", json=call)
    assert (run.status, run.answer) == ("completed", "Booked.")
    sent = json.loads(server.seen[1].body)["params"]["message"]
    assert (sent["taskId"], sent["parts"]) == ("t", [{"kind": "text", "text": "Oslo"}])


async def test_an_mcp_call_is_made_again_with_its_input() -> None:
    call = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "book", "arguments": {}},
    }
    entry = {
        "method": "elicitation/create",
        "params": {"message": "Which city?", "requestedSchema": {"type": "object"}},
    }
    waits = {"resultType": "input_required", "inputRequests": {"city": entry}}
    done = {"content": [{"type": "text", "text": "Booked."}], "isError": False}
    async with serving(
        Answer(sse({"jsonrpc": "2.0", "id": 1, "result": waits})),
        Answer(sse({"jsonrpc": "2.0", "id": 2, "result": done})),
    ) as server:
        run = await watch(f"{server.url}/mcp", lambda question: {"city": "Oslo"}, json=call)
    assert (run.status, decisions(run), run.tools[0].result) == (
        "completed",
        ["approve"],
        "Booked.",
    )
    assert json.loads(server.seen[1].body)["params"]["inputResponses"] == {
        "city": {"action": "accept", "content": {"city": "Oslo"}}
    }


async def test_each_lane_is_gone_on_with_by_itself() -> None:
    head = {"threadId": "t", "runId": "r"}
    interrupt = {"id": "i", "reason": "input_required", "message": "Sure?"}
    asking = Answer(
        sse(
            {"type": "RUN_STARTED", **head},
            {
                "type": "RUN_FINISHED",
                **head,
                "outcome": {"type": "interrupt", "interrupts": [interrupt]},
            },
        )
    )
    further = Answer(
        sse({"type": "RUN_STARTED", **head}, {"type": "RUN_FINISHED", **head, "result": "Yes"})
    )
    async with serving(asking, asking, further, further) as server:
        run = nbagent.show(
            f"{server.url}/a", f"{server.url}/b", json={**head, "messages": []}, face="console"
        )
        async for _ in run.stream("approval.request"):
            if len(run.waiting) == 2:
                for question in run.waiting:
                    question.allow()
    assert (run.status, sorted(decisions(run)), len(server.seen)) == (
        "completed",
        ["approve", "approve"],
        4,
    )


# --- the openai SDK ---


async def test_a_stream_that_goes_on_may_ask_again() -> None:
    asking, further = responses_of_an_approval()
    async with serving(Answer(asking), Answer(asking), Answer(further)) as server:
        async with openai.AsyncOpenAI(base_url=server.url, api_key="k", max_retries=0) as client:
            stream: Any = await client.responses.create(model="m", input="Pay", stream=True)
            run = await watch(stream, lambda _: True)
    assert (run.status, decisions(run), len(server.seen)) == (
        "completed",
        ["approve", "approve"],
        3,
    )


@pytest.mark.parametrize("is_async", [False, True])
async def test_a_stream_of_the_openai_sdk_is_gone_on_with(is_async: bool) -> None:
    asking, further = responses_of_an_approval()
    async with serving(Answer(asking), Answer(further)) as server:
        options: dict[str, Any] = {"base_url": f"{server.url}/v1", "api_key": "k", "max_retries": 0}
        tool = {"type": "mcp", "server_label": "bank", "server_url": "https://bank.example"}
        asked: Any = {"model": "m", "input": "Pay", "stream": True, "tools": [tool]}
        if is_async:
            async with openai.AsyncOpenAI(**options) as client:
                run = await watch(await client.responses.create(**asked), lambda _: True)
        else:
            with openai.OpenAI(**options) as plain:
                stream = await asyncio.to_thread(lambda: plain.responses.create(**asked))
                run = await watch(stream, lambda _: True)
    assert (run.status, run.answer, decisions(run)) == ("completed", "Paid.", ["approve"])
    sent = json.loads(server.seen[1].body)
    assert (server.seen[1].path, sent["previous_response_id"], sent["tools"]) == (
        "/v1/responses",
        "resp_1",
        [tool],
    )
    assert sent["input"][0]["approve"] is True


async def test_a_run_of_the_assistants_sdk_is_gone_on_with() -> None:
    asking, further = frames_of_an_action()
    async with serving(Answer(asking), Answer(further)) as server:
        async with openai.AsyncOpenAI(
            base_url=f"{server.url}/v1", api_key="k", max_retries=0
        ) as client:
            with pytest.warns(DeprecationWarning, match="Assistants"):
                stream: Any = await client.beta.threads.runs.create(
                    thread_id="t", assistant_id="a", stream=True
                )
            run = await watch(stream, lambda question: question.answer("11.5"))
    assert (run.status, run.answer) == ("completed", "It is 11.5.")
    further_request = server.seen[1]
    assert further_request.path == "/v1/threads/t/runs/run_1/submit_tool_outputs"
    assert further_request.headers["openai-beta"] == "assistants=v2"

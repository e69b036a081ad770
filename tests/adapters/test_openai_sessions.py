"""OpenAI's hosted sessions: cases that no recording has.

Every event is validated by the SDK's own types.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from adapters.hosted_session import SESSION_EVENT, TURN, Events, task
from adapters.recorded import Recording, Transcript, decode, of_folder
from hypothesis import given
from hypothesis import strategies as st

import nbagent
from nbagent import events as ev
from nbagent.adapters.decoders import decoder_for
from nbagent.adapters.openai_sessions.decoder import SessionsDecoder

CONSTRUCTED = of_folder("openai_sessions")
WEATHER: dict[str, Any] = {"call_id": "call_1", "name": "weather", "arguments": {"city": "Paris"}}
MAIL: dict[str, Any] = {
    "name": "send",
    "server_label": "mail",
    "arguments": {"to": "b"},
    "output": None,
    "error": None,
}
SIGN_IN: dict[str, Any] = {
    "type": "browser_authentication",
    "credential_origin": "https://a.example",
    "fields": [],
    "options": [],
}
JPEG = "data:image/jpeg;base64,/9j/4AAQ"


def run(*items: Any) -> list[ev.Event]:
    return decode(decoder_for(items[0]), items)


def only(events: list[ev.Event], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def waits_for(call: dict[str, Any]) -> dict[str, Any]:
    return {"type": "function_call", "turn_id": TURN, **call}


def mcp_question(request_id: str = "req_1") -> dict[str, Any]:
    request = {
        "type": "mcp_tool_call",
        "message": "Send it?",
        "server_label": "mail",
        "name": "send",
        "arguments": {"to": "b"},
    }
    return {
        "type": "mcp_approval_request",
        "turn_id": TURN,
        "request_id": request_id,
        "request": request,
    }


@pytest.fixture
def make() -> Events:
    return Events()


@pytest.fixture
def begin(make: Events) -> list[Any]:
    return [make.session("in_progress"), make.turn("created")]


# --- the recordings ---


@pytest.mark.parametrize("recording", CONSTRUCTED, ids=str)
def test_the_sdk_s_objects_mean_what_the_wire_meant(recording: Recording) -> None:
    items = recording.items
    objects = [SESSION_EVENT.validate_python(item) for item in items]
    assert decode(decoder_for(objects[0]), objects) == decode(SessionsDecoder(), items)


@pytest.mark.parametrize("recording", CONSTRUCTED, ids=str)
def test_an_event_that_comes_twice_is_read_once(recording: Recording) -> None:
    items = recording.items
    twice = [item for item in items for _ in range(2)]
    assert decode(SessionsDecoder(), twice) == decode(SessionsDecoder(), items)


# --- whose an item is ---


def test_an_error_that_names_its_session_is_a_session_s(make: Events) -> None:
    error = make.error(message="no", code="server_error")
    assert decoder_for(error).system == "openai.sessions"
    nameless = {
        name: value for name, value in error.items() if name not in ("session_id", "event_id")
    }
    assert decoder_for(nameless).system != "openai.sessions"


# --- the end ---


async def test_the_stream_stays_open_but_the_run_ends_when_the_session_is_idle_again(
    make: Events,
) -> None:
    async def stream() -> AsyncIterator[Any]:
        for event in (
            make.session("idle"),
            make.turn("created"),
            *make.message(0, ["Hi"]),
            make.turn("completed"),
        ):
            yield event
        yield make.session("idle")
        await asyncio.Event().wait()

    shown = nbagent.show(stream())
    await shown
    assert (shown.text, shown.status) == ("Hi", "completed")


def test_a_session_is_idle_before_its_turn_which_ends_nothing(make: Events) -> None:
    events = run(make.session("created"), make.session("idle"))
    assert (events[-1].status, events[-1].code) == ("incomplete", ev.STREAM_TRUNCATED)  # type: ignore[union-attr]


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_every_end_of_a_turn_is_told(make: Events, begin: list[Any], status: str) -> None:
    events = run(*begin, make.turn(status, usage=(3, 2)), make.session("idle"))
    assert (events[-1].status, events[-1].finish_reason) == (status, status)  # type: ignore[union-attr]
    usage = ev.Usage(input=3, output=2, total=5, reasoning=0, cache_read=0)
    assert [end.usage for end in only(events, ev.StepEnd)] == [usage]
    assert events[-1].usage == usage  # type: ignore[union-attr]


def test_a_session_that_failed_says_why(make: Events, begin: list[Any]) -> None:
    events = run(*begin, make.session("failed", error="The sandbox is gone"))
    assert [error.message for error in only(events, ev.Error)] == ["The sandbox is gone"]
    assert events[-1].status == "failed"  # type: ignore[union-attr]


def test_an_error_is_told_once_however_often_the_stream_tells_it(
    make: Events, begin: list[Any]
) -> None:
    error = {"message": "overloaded", "code": "server_overloaded"}
    events = run(
        *begin, make.error(**error), make.turn("failed", error=error), make.session("idle")
    )
    assert [(error.message, error.code) for error in only(events, ev.Error)] == [
        ("overloaded", "server_overloaded")
    ]


def test_one_turn_after_the_other_are_steps_of_one_run(make: Events, begin: list[Any]) -> None:
    second = [
        make.turn("created", "turn_2"),
        *make.message(0, ["Two"], "turn_2"),
        make.turn("completed", "turn_2", usage=(1, 1)),
    ]
    events = run(
        *begin,
        *make.message(0, ["One"]),
        make.turn("completed", usage=(1, 1)),
        *second,
        make.session("idle"),
    )
    assert Transcript.of(events).texts == ["One", "Two"]
    assert [end.usage.total for end in only(events, ev.StepEnd)] == [2, 2]
    assert events[-1].usage.total == 4  # type: ignore[union-attr]


def test_a_stream_that_is_joined_within_a_turn_has_its_end(make: Events) -> None:
    events = run(
        *make.message(0, ["Hi"])[2:], make.turn("completed", usage=(1, 1)), make.session("idle")
    )
    assert Transcript.of(events).texts == ["Hi"]
    assert (events[-1].status, events[-1].usage.total) == ("completed", 2)  # type: ignore[union-attr]


# --- what it says ---


def test_a_message_tells_its_phase(make: Events, begin: list[Any]) -> None:
    events = run(
        *begin, *make.message(0, ["Let me see"], phase="commentary"), *make.message(1, ["Done"])
    )
    assert [start.phase for start in only(events, ev.TextStart)] == ["commentary", "final_answer"]


@given(st.lists(st.text(min_size=1), min_size=1, max_size=6))
def test_an_item_s_end_has_the_last_word_on_its_text(pieces: list[str]) -> None:
    make = Events()
    added, part, *deltas, done, part_done, item_done = make.message(0, pieces)
    begin, end = make.turn("created"), make.turn("completed")
    for stream in (
        [added, part, *deltas, done],
        [added, done],
        [part_done],
        [added, *deltas, item_done],
        [item_done],
    ):
        events = decode(SessionsDecoder(), [begin, *stream, end])
        assert Transcript.of(events).texts == ["".join(pieces)]


def test_the_parts_of_a_thought_are_one_thought(make: Events, begin: list[Any]) -> None:
    events = run(*begin, *make.reasoning(0, ["First.", "Then."]), make.turn("completed"))
    assert Transcript.of(events).thoughts == ["First.\n\nThen."]
    assert [start.kind for start in only(events, ev.ReasoningStart)] == ["summary"]


# --- calls ---


def test_what_a_command_writes_is_seen_at_once_and_is_its_result(
    make: Events, begin: list[Any]
) -> None:
    added, done = make.call(
        0, "command_execution", command="make", ends={"exit_code": 2, "duration_ms": 5}
    )
    events = run(
        *begin,
        added,
        make.output(0, "cc x.c\n"),
        make.output(0, "error\n"),
        done,
        make.output(0, "late"),
    )
    assert [progress.message for progress in only(events, ev.ToolProgress)] == ["cc x.c", "error"]
    (tool,) = Transcript.of(events).tools
    assert (tool["args"], tool["result"], tool["status"]) == (
        {"command": "make"},
        "cc x.c\nerror\n",
        "error",
    )
    assert only(events, ev.ToolResult)[0].error.message == "exit code 2"


@pytest.mark.parametrize(
    ("ends", "result", "message"),
    [
        ({"output": 0}, 0, None),
        ({"status": "failed", "error": {"message": "no such tool"}}, None, "no such tool"),
        ({"status": "failed", "error": "no"}, None, "no"),
        ({"status": "failed"}, None, "The call is failed"),
    ],
)
def test_a_call_of_an_mcp_server_s_tool_gives_its_output_or_its_error(
    make: Events, begin: list[Any], ends: dict[str, Any], result: Any, message: str | None
) -> None:
    events = run(*begin, *make.call(0, "mcp_call", **MAIL, ends=ends))
    assert [(start.name, start.kind, start.title) for start in only(events, ev.ToolStart)] == [
        ("send", "mcp", "mail: send")
    ]
    (given,) = only(events, ev.ToolResult)
    assert (given.content, given.error and given.error.message) == (result, message)


def test_a_search_tells_its_query_at_its_end(make: Events, begin: list[Any]) -> None:
    first, last = ({"type": "search", "query": query} for query in ("", "Paris"))
    events = run(*begin, *make.call(0, "web_search_call", action=first, ends={"action": last}))
    assert Transcript.of(events).tools[0]["args"] == {"type": "search", "query": "Paris"}


def test_the_last_screenshot_of_computer_use_is_a_picture(make: Events, begin: list[Any]) -> None:
    output = {"type": "computer_screenshot", "image_url": JPEG}
    events = run(
        *begin,
        *make.call(0, "computer_use_call", title="Opening the page", ends={"output": output}),
    )
    assert [(file.media_type, file.data) for file in only(events, ev.File)] == [
        ("image/jpeg", "/9j/4AAQ")
    ]
    assert only(events, ev.ToolStart)[0].title == "Opening the page"


def test_what_agents_tell_each_other_in_secret_is_left_out(make: Events, begin: list[Any]) -> None:
    content = [*task("Look"), {"type": "encrypted_content", "encrypted_content": "gAAAA"}]
    agents: dict[str, Any] = {"sender_agent_id": "agent_1", "recipient_agent_id": "sub_1"}
    call = make.call(0, "send_subagent_input_call", content=content, **agents)
    message = make.item("added", None, "agent_message", content=content, **agents)
    events = run(*begin, *call, message)
    assert Transcript.of(events).tools[0]["args"] == {
        "content": "Look",
        "recipient_agent_id": "sub_1",
    }
    assert only(events, ev.Custom)[0].data == {"from": "agent_1", "to": "sub_1", "text": "Look"}


# --- what it waits for ---


def test_a_function_s_output_is_waited_for_and_the_run_goes_on(
    make: Events, begin: list[Any]
) -> None:
    asks = [
        *begin,
        *make.call(0, "function_call", **WEATHER),
        make.session("requires_action", waits_for(WEATHER)),
    ]
    waiting = run(*asks)
    (tool,) = Transcript.of(waiting).tools
    assert (tool["name"], tool["call_id"], tool["args"]) == ("weather", "call_1", {"city": "Paris"})
    assert [(asked.approval_id, asked.kind) for asked in only(waiting, ev.ApprovalRequest)] == [
        ("call_1", "input")
    ]
    assert waiting[-1].status == "paused"  # type: ignore[union-attr]

    output = make.item(
        "added", None, "function_call_output", call_id="call_1", output="sunny", status="completed"
    )
    events = run(
        *asks, output, make.session("in_progress"), make.turn("completed"), make.session("idle")
    )
    assert Transcript.of(events).tools[0]["result"] == "sunny"
    assert [given.approval_id for given in only(events, ev.ApprovalResponse)] == ["call_1"]
    assert events[-1].status == "completed"  # type: ignore[union-attr]


def test_a_run_that_goes_on_and_is_cut_is_no_longer_paused(make: Events, begin: list[Any]) -> None:
    events = run(
        *begin, make.session("requires_action", waits_for(WEATHER)), make.session("in_progress")
    )
    assert events[-1].status == "incomplete"  # type: ignore[union-attr]


def test_a_function_that_failed_says_so(make: Events, begin: list[Any]) -> None:
    output = make.item(
        "added", None, "function_call_output", call_id="call_1", error="no network", status="failed"
    )
    events = run(*begin, *make.call(0, "function_call", **WEATHER), output)
    (given,) = only(events, ev.ToolResult)
    assert (given.status, given.error.message) == ("error", "no network")


def test_an_mcp_call_that_asks_first_is_asked_about_once(make: Events, begin: list[Any]) -> None:
    added, done = make.call(0, "mcp_call", **MAIL, ends={"output": "sent"})
    again = [make.session("requires_action", mcp_question()) for _ in range(2)]
    events = run(*begin, added, *again, make.session("in_progress"), done)
    (asked,) = only(events, ev.ApprovalRequest)
    (tool,) = only(events, ev.ToolStart)
    assert (asked.kind, asked.prompt, asked.args, asked.tool_id) == (
        "tool",
        "Send it?",
        {"to": "b"},
        tool.id,
    )
    assert [given.decision for given in only(events, ev.ApprovalResponse)] == ["approve"]


@pytest.mark.parametrize(
    ("request_", "kind", "prompt"),
    [
        (SIGN_IN, "auth", "Sign in: https://a.example"),
        ({**SIGN_IN, "reason": "The report is there."}, "auth", "The report is there."),
        (
            {"type": "browser_origin_access", "origin": "https://b.example"},
            "tool",
            "Allow access: https://b.example",
        ),
    ],
)
def test_a_browser_asks_for_a_sign_in_or_a_permission(
    make: Events, begin: list[Any], request_: dict[str, Any], kind: str, prompt: str
) -> None:
    action = {
        "type": "computer_use_approval_request",
        "turn_id": TURN,
        "request_id": "req_1",
        "request": request_,
    }
    (asked,) = only(run(*begin, make.session("requires_action", action)), ev.ApprovalRequest)
    assert (asked.approval_id, asked.kind, asked.prompt) == ("req_1", kind, prompt)


@pytest.mark.parametrize(("action", "decision"), [("submit", "approve"), ("cancel", "cancel")])
def test_a_sign_in_is_told_and_answered_without_what_was_entered(
    make: Events, begin: list[Any], action: str, decision: str
) -> None:
    asked = make.item(
        "added", 0, "computer_use_approval_request", request_id="req_1", request=SIGN_IN
    )
    done = make.item(
        "done", 0, "computer_use_approval_request", request_id="req_1", request=SIGN_IN
    )
    response = {"type": "browser_authentication", "action": action}
    answer = make.item(
        "added", None, "computer_use_approval_request_result", request_id="req_1", response=response
    )
    events = run(*begin, asked, done, answer)
    assert [request.kind for request in only(events, ev.ApprovalRequest)] == ["auth"]
    assert [given.decision for given in only(events, ev.ApprovalResponse)] == [decision]
    assert only(events, ev.Raw) == []


def test_an_environment_that_has_to_be_connected_is_asked_for(
    make: Events, begin: list[Any]
) -> None:
    events = run(
        *begin,
        make.session(
            "requires_action", {"type": "environment_connection", "environment_id": "env_1"}
        ),
    )
    assert [(asked.approval_id, asked.kind) for asked in only(events, ev.ApprovalRequest)] == [
        ("env_1", "input")
    ]


# --- environments and sub-agents ---


def test_every_state_of_the_environment_is_a_line(make: Events) -> None:
    words = ["pending", "ready", "connected", "disconnected", "suspended", "expired", "reset"]
    error = {"code": "setup", "message": "pip is missing", "type": "setup_error"}
    events = run(*map(make.environment, words), make.environment("failed", error=error))
    lines = only(events, ev.Status)
    assert len({line.message for line in lines}) == len(words) + 1
    assert (lines[-1].level, lines[-1].message) == (
        "error",
        "The environment failed: pip is missing",
    )


def test_a_sub_agent_s_words_are_its_own_while_the_other_speaks(
    make: Events, begin: list[Any]
) -> None:
    mine, theirs = make.message(1, ["I ", "wait"]), make.message(0, ["I ", "work"], "turn_2")
    events = run(
        *begin,
        *make.call(0, "create_subagent_call", agent_id="agent_1", content=task("Work")),
        make.subagent("created", instructions=task("Work")),
        make.turn("created", "turn_2", subagent_id="sub_1"),
        *(event for pair in zip(mine, theirs, strict=True) for event in pair),
        make.turn("completed", "turn_2", subagent_id="sub_1", usage=(2, 2)),
        make.subagent("closed"),
        make.turn("completed", usage=(1, 1)),
        make.session("idle"),
    )
    assert Transcript.of(events).texts == ["I wait", "I work"]
    (agent,), (call,) = only(events, ev.AgentStart), only(events, ev.ToolStart)
    assert (agent.name, agent.tool_id) == ("Ada", call.id)
    assert [(start.agent, start.parent_id) for start in only(events, ev.TextStart)] == [
        (None, None),
        ("Ada", agent.id),
    ]
    assert [(end.id, end.status) for end in only(events, ev.AgentEnd)] == [(agent.id, "completed")]
    assert len(only(events, ev.StepStart)) == 1
    assert events[-1].usage.total == 6  # type: ignore[union-attr]


def test_of_several_calls_the_one_with_the_same_task_made_the_sub_agent(
    make: Events, begin: list[Any]
) -> None:
    calls = [
        make.call(at, "create_subagent_call", agent_id="agent_1", content=task(name))
        for at, name in enumerate("AB")
    ]
    made = [
        make.subagent("created", f"sub_{name}", instructions=task(name), name=name) for name in "BA"
    ]
    events = run(*begin, *calls[0], *calls[1], *made)
    first, second = only(events, ev.ToolStart)
    assert [(agent.name, agent.tool_id) for agent in only(events, ev.AgentStart)] == [
        ("B", second.id),
        ("A", first.id),
    ]


def test_a_sub_agent_that_fails_fails_alone_and_may_work_again(
    make: Events, begin: list[Any]
) -> None:
    failed = make.turn(
        "failed",
        "turn_2",
        subagent_id="sub_1",
        error={"code": "sandbox_error", "message": "no disk"},
    )
    events = run(
        *begin,
        make.subagent("created"),
        make.turn("created", "turn_2", subagent_id="sub_1"),
        failed,
        make.subagent("closed"),
        make.subagent("active"),
        make.turn("completed"),
        make.session("idle"),
    )
    assert [(error.message, error.fatal) for error in only(events, ev.Error)] == [
        ("no disk", False)
    ]
    assert [end.status for end in only(events, ev.AgentEnd)] == ["failed", "completed"]
    assert events[-1].status == "completed"  # type: ignore[union-attr]


def test_an_item_that_nobody_knows_is_kept_as_it_came(make: Events, begin: list[Any]) -> None:
    item = {"id": "x", "type": "hologram", "turn_id": TURN}
    position = {"session_id": "sess_1", "turn_id": TURN, "output_index": 0}
    announced = [
        {"type": f"agent.session.turn.item.{state}", "item": item, **position}
        for state in ("added", "done")
    ]
    events = run(*begin, *announced, {"type": "agent.session.rewound", **position})
    assert [raw.name for raw in only(events, ev.Raw)] == ["hologram", "agent.session.rewound"]

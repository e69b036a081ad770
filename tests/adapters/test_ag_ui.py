from types import SimpleNamespace
from typing import Any

import pytest
from adapters.recorded import BY_NAME, FOLDER, Transcript, decode, payloads

from nbagent import events as ev
from nbagent.adapters.ag_ui.decoder import AguiDecoder

START = {"type": "RUN_STARTED", "threadId": "t", "runId": "r"}
END = {"type": "RUN_FINISHED", "threadId": "t", "runId": "r"}


def run(*items: Any) -> list[ev.Event]:
    return decode(AguiDecoder(), items)


def of(kind: type[Any], events: list[ev.Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def whole(events: list[ev.Event]) -> Transcript:
    return Transcript.of(events)


@pytest.mark.parametrize(
    "name", [name for name in BY_NAME if name.startswith("ag_ui/") and "dotnet" not in name]
)
def test_a_stream_says_what_its_deltas_add_up_to(name: str) -> None:
    items = BY_NAME[name].items
    transcript = whole(run(*items))
    deltas = [
        item["delta"]
        for item in items
        if item["type"] in ("TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_CHUNK")
    ]
    if deltas:
        assert "".join(sorted("".join(transcript.texts))) == "".join(sorted("".join(deltas)))
    calls = [item["toolCallName"] for item in items if item["type"] == "TOOL_CALL_START"]
    results = [item["content"] for item in items if item["type"] == "TOOL_CALL_RESULT"]
    # "tool": of a run before
    assert [tool["name"] for tool in transcript.tools if tool["name"] != "tool"] == calls
    assert [tool["result"] for tool in transcript.tools if "result" in tool] == results


def test_usage_of_all_models_is_summed_and_the_thread_named() -> None:
    usage = [{"inputTokens": 1, "outputTokens": 2}, {"inputTokens": 10, "reasoningTokens": 3}]
    events = run(START, {**END, "usage": usage})
    assert events[0] == ev.RunStart(thread_id="t")
    assert events[-1].usage == ev.Usage(input=11, output=2, reasoning=3)  # type: ignore[union-attr]


def test_an_interrupt_asks_about_its_tool_and_pauses() -> None:
    events = run(*BY_NAME[next(name for name in BY_NAME if "Step09" in name)].items)
    (request,) = of(ev.ApprovalRequest, events)
    assert (request.kind, request.approval_id, request.tool_id) == (
        "tool",
        "ficc_Id_1",
        of(ev.ToolStart, events)[0].id,
    )
    assert "approved" in request.schema["properties"]
    assert events[-1].status == "paused"  # type: ignore[union-attr]


def test_an_interrupt_may_ask_for_words() -> None:
    (request,) = of(
        ev.ApprovalRequest, run(*BY_NAME[next(name for name in BY_NAME if "Step10" in name)].items)
    )
    assert (request.kind, request.tool_id, request.prompt) == (
        "input",
        None,
        "What username would you like to use?",
    )


@pytest.mark.parametrize(
    ("items", "status"),
    [
        ([END], "completed"),
        ([{**END, "outcome": {"type": "success"}}], "completed"),
        ([{**END, "outcome": {"type": "cancelled"}}], "cancelled"),
        ([{**END, "outcome": "interrupt", "interrupt": {"reason": "x"}}], "paused"),
        ([{"type": "CUSTOM", "name": "on_interrupt", "value": "Sure?"}, END], "paused"),
        ([{"type": "RUN_ERROR", "message": "no"}, END], "failed"),
        ([], "incomplete"),
        ([END, START], "incomplete"),
    ],
)
def test_the_end_is_what_the_stream_says(items: list[Any], status: str) -> None:
    assert run(START, *items)[-1].status == status  # type: ignore[union-attr]


def test_chunks_open_and_close_their_own_blocks() -> None:
    transcript = whole(
        run(
            START,
            {"type": "TEXT_MESSAGE_CHUNK", "messageId": "m", "delta": "a"},
            {"type": "TEXT_MESSAGE_CHUNK", "delta": "b"},
            {"type": "TOOL_CALL_CHUNK", "toolCallId": "c", "toolCallName": "f", "delta": '{"x":'},
            {"type": "TOOL_CALL_CHUNK", "delta": "1}"},
            {"type": "TEXT_MESSAGE_CHUNK", "messageId": "n", "delta": "c"},
            END,
        )
    )
    assert transcript.texts == ["ab", "c"]
    assert transcript.tools[0]["args"] == {"x": 1}


def test_the_encrypted_form_belongs_to_its_thought() -> None:
    events = run(*BY_NAME["ag_ui/dart-events[reasoning_events]"].items)
    (end,) = of(ev.ReasoningEnd, events)
    assert end.encrypted == "ZW5jcnlwdGVkLXBheWxvYWQ="
    assert whole(events).thoughts == ["Analyzing the request... considering options."]


@pytest.mark.parametrize("kind", ["thinking_events", "thinking_text_message_legacy"])
def test_thoughts_of_versions_before_1_are_read(kind: str) -> None:
    assert (
        whole(run(*BY_NAME[f"ag_ui/dart-events[{kind}]"].items))
        .thoughts[0]
        .startswith("Let me think")
    )


def test_a_sub_agents_events_lie_inside_it() -> None:
    inside = {"subagentRunId": "s"}
    events = run(
        START,
        {"type": "TOOL_CALL_START", "toolCallId": "c", "toolCallName": "ask"},
        {"type": "SUBAGENT_STARTED", "name": "helper", "parentToolCallId": "c", **inside},
        {"type": "TEXT_MESSAGE_CHUNK", "messageId": "m", "delta": "x", **inside},
        {"type": "SUBAGENT_ERROR", "message": "no", **inside},
        END,
    )
    (start,), (end,), (text,) = (
        of(ev.AgentStart, events),
        of(ev.AgentEnd, events),
        of(ev.TextDelta, events),
    )
    assert (start.name, start.tool_id) == ("helper", of(ev.ToolStart, events)[0].id)
    assert (text.parent_id, text.agent) == (start.id, "helper")
    assert (end.id, end.status, events[-1].status) == (start.id, "failed", "completed")  # type: ignore[union-attr]


def test_a_sub_agent_that_waits_is_paused() -> None:
    inside = {"subagentRunId": "s"}
    suspended = {"type": "SUBAGENT_FINISHED", "outcome": {"type": "suspended"}, **inside}
    events = run(START, {"type": "SUBAGENT_STARTED", "name": "helper", **inside}, suspended, END)
    assert [event.status for event in of(ev.AgentEnd, events)] == ["paused"]


def test_a_sub_agent_that_was_cut_is_ended() -> None:
    events = run(START, {"type": "SUBAGENT_STARTED", "name": "helper", "subagentRunId": "s"})
    assert of(ev.AgentEnd, events)[0].status == "incomplete"


def test_an_agent_that_only_sends_its_history_is_read_from_there() -> None:
    history = [
        {"id": "0", "role": "assistant", "content": "earlier"},
        {"id": "1", "role": "user", "content": "?"},
        {"id": "2", "role": "assistant", "content": "Answer"},
    ]
    snapshot = {"type": "MESSAGES_SNAPSHOT", "messages": history}
    assert whole(run(START, snapshot, END)).texts == ["Answer"]
    streamed = {"type": "TEXT_MESSAGE_CONTENT", "messageId": "2", "delta": "Answer"}
    assert whole(run(START, streamed, snapshot, END)).texts == ["Answer"]


def test_state_steps_and_activities_are_carried() -> None:
    events = run(
        START,
        {"type": "STEP_STARTED", "stepName": "plan"},
        {"type": "STATE_SNAPSHOT", "snapshot": {"a": 1}},
        {"type": "STATE_DELTA", "delta": [{"op": "remove", "path": "/a"}]},
        {
            "type": "ACTIVITY_SNAPSHOT",
            "messageId": "a",
            "activityType": "task",
            "content": {"p": 0},
        },
        {"type": "STEP_FINISHED", "stepName": "plan"},
        END,
    )
    assert [(event.snapshot, event.patch) for event in of(ev.State, events)] == [
        ({"a": 1}, None),
        (None, [{"op": "remove", "path": "/a"}]),
    ]
    assert of(ev.StepStart, events)[0].name == "plan"
    assert of(ev.Custom, events)[0].name == "task"


def test_the_sdks_objects_are_read_by_their_names_on_the_wire() -> None:
    class Started(SimpleNamespace):
        __pydantic_fields_set__ = frozenset({"type", "thread_id"})

        def model_dump(self, **_: Any) -> dict[str, Any]:
            return {"type": self.type, "threadId": self.thread_id}

    item = Started(type="RUN_STARTED", thread_id="t")
    assert AguiDecoder.recognises(item)
    assert run(item)[0] == ev.RunStart(thread_id="t")


def test_streams_one_after_another_with_damage_between_them_are_read_to_the_end() -> None:
    transcript = whole(run(*payloads(FOLDER / "ag_ui/dart-sse_streams.txt")))
    assert transcript.texts[0] == "Hello, how can I help you today?"
    assert transcript.texts[-1].startswith("Hello 你好 🌟 €")
    assert transcript.tools[0]["args"] == {"query": "AG-UI"}

from dataclasses import dataclass, field
from typing import Any

import pytest
from adapters.recorded import BY_NAME, Transcript, decode

import nbagent
from nbagent import events as ev
from nbagent.adapters.decoders import decoder_for
from nbagent.adapters.openai_agents.decoder import AgentsDecoder


@dataclass
class Agent:
    name: str


@dataclass
class RunItem:
    raw_item: Any
    agent: Agent = field(default_factory=lambda: Agent("A"))
    output: Any = None
    source_agent: Agent | None = None
    target_agent: Agent | None = None
    type: str = ""


@dataclass
class RunItemStreamEvent:
    name: str
    item: RunItem
    type: str = "run_item_stream_event"


CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"x": 1}'}
OUTPUT = {"type": "function_call_output", "call_id": "c", "output": "done"}
MESSAGE = {"type": "message", "content": [{"type": "output_text", "text": "Hi", "annotations": []}]}


class MaxTurnsExceeded(Exception):
    """Stand-in for the SDK's class of that name."""


def run(*items: Any, error: BaseException | None = None) -> list[ev.Event]:
    return decode(AgentsDecoder(), items, error)


def item(name: str, raw: Any, **more: Any) -> RunItemStreamEvent:
    return RunItemStreamEvent(name, RunItem(raw, **more))


def only(events: list[ev.Event], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def test_items_without_their_raw_events_are_written_whole() -> None:
    events = run(
        item("tool_called", CALL),
        item("tool_output", OUTPUT),
        item("message_output_created", MESSAGE),
    )
    transcript = Transcript.of(events)
    assert transcript.texts == ["Hi"]
    assert [(tool["args"], tool["result"]) for tool in transcript.tools] == [({"x": 1}, "done")]
    assert events[-1].status == "completed"  # type: ignore[union-attr]


def test_an_output_that_is_an_object_is_shown_as_such() -> None:
    raw = {"type": "function_call_output", "call_id": "c"}
    events = run(item("tool_called", CALL), item("tool_output", raw, output={"rows": 3}))
    assert only(events, ev.ToolResult)[0].content == {"rows": 3}


def test_a_call_that_was_handed_out_and_not_answered_waits_for_a_human() -> None:
    events = run(item("tool_called", CALL))
    (asked,) = only(events, ev.ApprovalRequest)
    assert (asked.approval_id, asked.tool_id, asked.args) == (
        "c",
        only(events, ev.ToolStart)[0].id,
        {"x": 1},
    )
    assert events[-1].status == "paused"  # type: ignore[union-attr]


def test_a_run_that_stops_at_a_tools_output_is_cut_unless_it_says_that_this_is_its_output() -> None:
    items = [item("tool_called", CALL), item("tool_output", OUTPUT)]
    assert run(*items)[-1].status == "incomplete"  # type: ignore[union-attr]
    cancelled = {"interruptions": [], "is_complete": True, "final_output": None}
    assert run(*items, cancelled)[-1].status == "incomplete"  # type: ignore[union-attr]
    assert run(*items, cancelled | {"final_output": "done"})[-1].status == "completed"  # type: ignore[union-attr]


def test_a_result_of_a_call_from_before_the_run_is_shown() -> None:
    events = run(item("tool_output", OUTPUT), item("message_output_created", MESSAGE))
    (tool,) = Transcript.of(events).tools
    assert (tool["call_id"], tool["result"]) == ("c", "done")
    assert events[-1].status == "completed"  # type: ignore[union-attr]


def test_a_hand_off_says_from_whom_to_whom() -> None:
    raw = {"call_id": "c", "output": '{"assistant": "B"}', "type": "function_call_output"}
    events = run(
        {"type": "agent_updated_stream_event", "new_agent": {"name": "A"}},
        item("handoff_requested", {**CALL, "name": "transfer_to_b"}),
        item("handoff_occured", raw, source_agent=Agent("A"), target_agent=Agent("B")),
        {"type": "agent_updated_stream_event", "new_agent": {"name": "B"}},
        item("message_output_created", MESSAGE, agent=Agent("B")),
    )
    (handoff,) = only(events, ev.AgentHandoff)
    assert (handoff.from_, handoff.to, handoff.tool_id) == (
        "A",
        "B",
        only(events, ev.ToolStart)[0].id,
    )
    assert only(events, ev.TextStart)[0].agent == "B"


def test_too_many_turns_are_no_failure_like_any_other() -> None:
    events = run(
        item("message_output_created", MESSAGE), error=MaxTurnsExceeded("Max turns (10) exceeded")
    )
    assert events[-1].status == "max_steps"  # type: ignore[union-attr]


def test_an_item_of_a_new_kind_is_kept() -> None:
    assert [event.name for event in only(run(item("dream_had", {})), ev.Raw)] == ["dream_had"]


class Run:
    """Stand-in for the result of `Runner.run_streamed`, which is no iterator but has
    `stream_events`.
    """

    is_complete = True

    def __init__(self, *interruptions: Any) -> None:
        self.interruptions = list(interruptions)
        self.cancelled = False

    async def stream_events(self) -> Any:
        yield item("tool_called", CALL)

    def cancel(self) -> None:
        self.cancelled = True


@pytest.mark.parametrize("asked", [True, False])
async def test_a_run_of_the_sdk_is_a_stream_and_says_what_waits(asked: bool) -> None:
    shown = nbagent.show(Run(*([RunItem(CALL)] if asked else [])))
    await shown
    assert shown.status == ("paused" if asked else "incomplete")
    assert [event.approval_id for event in only(list(shown.events), ev.ApprovalRequest)] == [
        "c"
    ] * asked


def test_items_of_a_chat_model_share_one_id_and_are_shown_once() -> None:
    events = decode(AgentsDecoder(), BY_NAME["openai_agents/replay-chat-reasoning"].items)
    transcript = Transcript.of(events)
    assert [(tool["name"], tool["args"], tool["result"]) for tool in transcript.tools] == [
        ("weather", {"location": "San Francisco"}, "21C")
    ]
    assert len(transcript.thoughts) == 2
    assert len(transcript.texts) == 1


@dataclass
class RunResult:
    """Stand-in for the SDK's result of a run that was not streamed."""

    new_items: list[RunItem]
    final_output: str
    interruptions: list[Any] = field(default_factory=list)


def test_the_result_of_a_run_that_was_not_streamed_is_shown() -> None:
    call = {"type": "function_call", "name": "f", "call_id": "c", "arguments": "{}"}
    message = {"type": "message", "content": [{"type": "output_text", "text": "Two rows."}]}
    table = object()
    items = [
        RunItem(call, type="tool_call_item"),
        RunItem(
            {"type": "function_call_output", "call_id": "c", "output": "a table"},
            type="tool_call_output_item",
            output=table,
        ),
        RunItem(message, type="message_output_item"),
    ]
    events = decode(decoder_for(RunResult(items, "Two rows.")), [RunResult(items, "Two rows.")])
    transcript = Transcript.of(events)
    assert [(tool["name"], tool["result"]) for tool in transcript.tools] == [("f", "a table")]
    assert transcript.texts == ["Two rows."]
    assert events[-1].status == "completed"  # type: ignore[union-attr]
    (result,) = [event for event in events if isinstance(event, ev.ToolResult)]
    assert result.value is not None
    assert result.value.value is table

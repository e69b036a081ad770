"""`TaskEncoder`: what becomes of a run's events, whatever they are."""

from typing import Any

import pytest
from a2a.server.tasks.task_manager import append_artifact_to_task
from a2a.types import Task, TaskArtifactUpdateEvent, TaskStatusUpdateEvent
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from streams import event_streams

from nbagent import events as e
from nbagent.adapters.a2a.decoder import A2ADecoder
from nbagent.server.a2a.tasks import ENDED, update_of
from nbagent.server.a2a.updates import TaskEncoder


def items_of(events: list[e.Event]) -> list[Any]:
    encoder = TaskEncoder()
    return [item for event in events for item in encoder.feed(event)] + encoder.close()


@given(event_streams())
def test_any_run_is_a_task_that_the_sdk_takes_and_that_ends_once(events: list[e.Event]) -> None:
    updates = [update_of(item, "t", "c") for item in items_of(events)]
    task = Task()
    for update in updates:
        if isinstance(update, TaskArtifactUpdateEvent):
            append_artifact_to_task(task, update)
    ends = [
        update.status.state in ENDED
        for update in updates
        if not isinstance(update, TaskArtifactUpdateEvent)
    ]
    assert sum(ends) <= 1
    assert not any(ends[:-1])


@given(event_streams())
def test_nbagent_reads_any_task_to_its_end(events: list[e.Event]) -> None:
    decoder = A2ADecoder()
    read = [event for item in items_of(events) for event in decoder.feed(item)] + decoder.close()
    assert isinstance(read[-1], e.RunEnd)


def test_the_texts_of_artifacts_are_the_answer_alone() -> None:
    items = items_of(
        [
            e.RunStart(run_id="r", thread_id="s"),
            e.ReasoningStart(id="r1"),
            e.ReasoningEnd(id="r1", text="Hm."),
            e.AgentStart(id="a", name="sub"),
            e.TextStart(id="t0", parent_id="a"),
            e.TextEnd(id="t0", text="of the sub-agent", parent_id="a"),
            e.TextDelta(id="t1", delta="Hel"),
            e.TextEnd(id="t1", text="Hello"),
            e.RunEnd(status="completed"),
        ]
    )
    parts = [
        item["artifactUpdate"]["artifact"]["parts"][0] for item in items if "artifactUpdate" in item
    ]
    assert parts == [{"text": "Hel"}, {"text": "lo"}, {"text": ""}]


def test_the_newest_status_is_a_question_as_long_as_one_is_open() -> None:
    call = [
        event
        for id in ("t1", "t2", "t3")
        for event in (e.ToolStart(id=id, name=id), e.ToolArgs(id=id, args={}))
    ]
    asked = [e.ApprovalRequest(approval_id=f"q{number}", tool_id=f"t{number}") for number in (1, 2)]
    told: list[tuple[e.Event, str | None]] = [
        (asked[0], "q1"),
        (e.ToolResult(id="t3", content=3), "q1"),
        (asked[1], "q2"),
        (e.Status(message="still here"), "q2"),
        (e.ApprovalResponse(approval_id="q2", decision="approve"), "q1"),
        (e.ToolResult(id="t2", content=2), "q1"),
        (e.ToolResult(id="t1", status="error", content="timed out"), None),
    ]
    encoder = TaskEncoder()
    for begun in (e.RunStart(run_id="r"), *call):
        encoder.feed(begun)
    for event, question in told:
        item: Any = encoder.feed(event)[-1]
        status = item["statusUpdate"]["status"]
        ids = [
            part["data"]["id"]
            for part in status["message"]["parts"]
            if part.get("data", {}).get("type") == "question"
        ]
        assert (status["state"] == "TASK_STATE_INPUT_REQUIRED", ids) == (
            question is not None,
            [question] if question else [],
        )


def nested(levels: int) -> Any:
    return [nested(levels - 1)] if levels else 1


@pytest.mark.parametrize("levels", [20, 21, 300])
def test_a_value_that_is_too_deep_for_protobuf_is_sent_as_text(levels: int) -> None:
    events: list[e.Event] = [
        e.ToolStart(id="t", name="dig"),
        e.ToolResult(id="t", content=nested(levels)),
        e.RunEnd(status="completed"),
    ]
    updates = [update_of(item, "t", "c") for item in items_of(events)]
    assert isinstance(updates[1], TaskStatusUpdateEvent)
    sent = MessageToDict(Task.FromString(Task(status=updates[1].status).SerializeToString()))
    content = sent["status"]["message"]["parts"][0]["data"]["content"]
    assert isinstance(content, str) == (levels > 20)


def test_a_text_that_is_replaced_is_sent_anew() -> None:
    items = items_of(
        [
            e.TextDelta(id="t", delta="Wrong"),
            e.TextEnd(id="t", text="Right"),
            e.RunEnd(status="completed"),
        ]
    )
    updates = [item["artifactUpdate"] for item in items if "artifactUpdate" in item]
    assert [(each["artifact"]["parts"][0]["text"], each["append"]) for each in updates] == [
        ("Wrong", False),
        ("Right", False),
    ]

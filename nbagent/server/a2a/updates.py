"""`TaskEncoder`: the events of a run as the updates of an A2A task.

Source: https://a2a-protocol.org/latest/specification/#4-protocol-data-model. A2A has no tool calls
and no reasoning: they are data parts of status messages, in the form of Hector 2
(github.com/verikod/hector 41134591, pkg/server/parts.go), which `nbagent.adapters.a2a` reads. A
client that joins the texts of the artifacts gets the answer and nothing else.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar

from nbagent import events as e
from nbagent.adapters.base.encoder import BaseEncoder, Item
from nbagent.adapters.base.streamed import StreamedCall, StreamedText
from nbagent.adapters.base.text_forms import as_text, compact_json, error_message, without_none

WORKING = "TASK_STATE_WORKING"

_END_STATES = {
    "completed": "TASK_STATE_COMPLETED",
    "cancelled": "TASK_STATE_CANCELED",
    "paused": "TASK_STATE_INPUT_REQUIRED",
}


MAX_DEPTH = 20
"""Levels of a value in a data part: protobuf allows 100 messages in each other, of which each level
of JSON is some.
"""


class TaskEncoder(BaseEncoder):
    """Encodes events as `StreamResponse` objects, in the JSON of protobuf."""

    system: ClassVar[str] = "a2a"
    end_statuses: ClassVar[frozenset[str]] = frozenset({"cancelled", "paused"})

    def __init__(self) -> None:
        super().__init__()
        self._begun: set[str] = set()  # artifacts
        self._questions: dict[str, e.ApprovalRequest] = {}  # without an answer, by id
        self._time = ""  # of the event that is encoded

    def feed(self, event: e.Event) -> list[Item]:
        """Return the updates of one event: none if A2A cannot represent it, or after `run.end`."""
        self._time = datetime.fromtimestamp(event.ts, UTC).isoformat().replace("+00:00", "Z")
        return super().feed(event)

    def _ids(self) -> dict[str, str]:
        return {"taskId": self.run_id, "contextId": self.run_start.thread_id or self.run_id}

    def _emit_status(
        self, state: str, *parts: dict[str, Any], metadata: dict[str, Any] | None = None
    ) -> None:
        status: dict[str, Any] = {"state": state, "timestamp": self._time}
        if parts:
            message_id = self.new_id(f"{self.run_id}-message")
            status["message"] = {
                "messageId": message_id,
                "role": "ROLE_AGENT",
                "parts": list(parts),
                **self._ids(),
            }
        self.emit(
            {"statusUpdate": {**self._ids(), "status": status, **without_none(metadata=metadata)}}
        )

    def _emit_working(self, *parts: dict[str, Any]) -> None:
        """Emit that the agent works.

        If it asks as well, the question is emitted again: a client answers the newest status.
        """
        self._emit_status(WORKING, *parts)
        if self._questions:
            self._emit_question(next(reversed(self._questions.values())))

    def _emit_artifact(
        self, id: str, part: dict[str, Any], *, append: bool = False, last: bool = False
    ) -> None:
        artifact = {"artifactId": id, "parts": [part]}
        self.emit(
            {
                "artifactUpdate": {
                    **self._ids(),
                    "artifact": artifact,
                    "append": append,
                    "lastChunk": last,
                }
            }
        )

    def start_run(self) -> None:
        """Emit that the agent works."""
        self._emit_status(WORKING)

    def text_delta(self, text: StreamedText, delta: str) -> None:
        """Emit a piece of an artifact. A sub-agent's text is no part of the answer."""
        if delta and text.start.parent_id is None:
            self._emit_artifact(text.id, {"text": delta}, append=text.id in self._begun)
            self._begun.add(text.id)

    def end_text(self, text: StreamedText) -> None:
        """Emit the end of an artifact, or its text anew if the model has replaced it."""
        if text.id in self._begun:
            is_replaced = text.final != text.streamed
            rest = ""
            if is_replaced:
                rest = text.final
            self._emit_artifact(text.id, {"text": rest}, append=not is_replaced, last=True)

    def end_reasoning(self, reasoning: StreamedText, event: e.ReasoningEnd) -> None:
        """Emit a thought as data."""
        if reasoning.final:
            self._emit_working(
                {"data": {"type": "thinking", "id": reasoning.id, "content": reasoning.final}}
            )

    def end_args(self, call: StreamedCall) -> None:
        """Emit a call as data."""
        data = {
            "type": "tool_use",
            "id": call.call_id,
            "name": call.name,
            "input": shallow(call.args_value),
        }
        self._emit_working({"data": data})

    def tool_result(self, call: StreamedCall, event: e.ToolResult) -> None:
        """Emit a result as data."""
        if event.preliminary:
            return
        for question in [each for each in self._questions.values() if each.tool_id == event.id]:
            del self._questions[question.approval_id]
        data = {
            "type": "tool_result",
            "tool_call_id": call.call_id,
            "content": shallow(event.content),
        }
        if event.status != "ok":
            data |= {"is_error": True, "error": error_message(event)}
        self._emit_working({"data": data})

    def other_event(self, event: e.Event) -> None:
        """Emit a question, a file, a line about the progress, or an error that does not end the
        run.
        """
        match event:
            case e.ApprovalRequest():
                self._questions[event.approval_id] = event
                self._emit_question(event)
            case e.ApprovalResponse():
                self._questions.pop(event.approval_id, None)
                self._emit_working()
            case e.File():
                content = {"raw": event.data or ""}
                if event.url:
                    content = {"url": event.url}
                part = {
                    **content,
                    "mediaType": event.media_type,
                    **without_none(filename=event.name),
                }
                self._emit_artifact(event.id, part, last=True)
            case e.Status():
                self._emit_working({"text": event.message})
            case e.Error():
                self._emit_working(
                    {"text": event.message, "metadata": {"agui_event_type": "error"}}
                )

    def _emit_question(self, request: e.ApprovalRequest) -> None:
        call = self.call_of(request)
        name = None if call is None else call.name
        prompt = request.prompt
        if not prompt:
            prompt = (
                f"May {name} run with {compact_json(request.args)}?"
                if request.kind == "tool"
                else "The agent waits."
            )
        question = without_none(
            type="question",
            id=request.approval_id,
            kind=request.kind,
            tool=name,
            options=request.options,
            schema=request.schema,
        )
        if request.args is not None:
            question["args"] = request.args
        metadata: dict[str, Any] = {"input_prompt": prompt}
        if request.kind == "tool":
            metadata["long_running_tool_ids"] = [
                request.approval_id if call is None else call.call_id
            ]
        state = "TASK_STATE_INPUT_REQUIRED"
        if request.kind == "auth":
            state = "TASK_STATE_AUTH_REQUIRED"
        self._emit_status(state, {"text": prompt}, {"data": question}, metadata=metadata)

    def end_run(self, end: e.RunEnd, error: e.Error | None) -> None:
        """Emit the last state, with the reason of a failure."""
        if error is not None:
            self._emit_status("TASK_STATE_FAILED", {"text": error.message})
        else:
            self._emit_status(_END_STATES.get(end.status, "TASK_STATE_COMPLETED"))


def shallow(value: Any) -> Any:
    """Return a value, as JSON text if it has too many levels for a data part."""
    return value if _has_depth(value, MAX_DEPTH) else as_text(value)


def _has_depth(value: Any, depth: int) -> bool:
    """Return True if a value has at most that many levels."""
    if not isinstance(value, dict | list | tuple):
        return True
    return depth > 0 and all(
        _has_depth(each, depth - 1)
        for each in (value.values() if isinstance(value, dict) else value)
    )

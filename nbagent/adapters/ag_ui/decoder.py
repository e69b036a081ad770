"""Decoder of AG-UI 1.0, including the events of earlier versions.

Format: https://docs.ag-ui.com/concepts/events, and `ag_ui.core.events` of `ag-ui-protocol` 1.0.
Items are the JSON payloads of the frames, or the SDK's event objects. A stream may have several
runs, one after another.

The format has no failed tool results (there is no error flag), finish reasons, token counts of
single steps, or hand-offs.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.ag_ui.interrupt import answer_meta, question_kind
from nbagent.adapters.ag_ui.messages import RunMessages, answers_in
from nbagent.adapters.ag_ui.run_agents import RunAgents
from nbagent.adapters.ag_ui.vocabulary import TOKEN_FIELDS
from nbagent.adapters.base.block import Block, block_id
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    entries_in,
    fields_or_empty,
    nonempty_str,
    schema_or_none,
    str_field,
    str_or_none,
    to_jsonable,
)
from nbagent.adapters.base.payload import (
    frame_of,
    to_wire_dict,
    try_wire_dict,
    usage_counts,
)

_UNNAMED_REASONING = "thinking"
_REQUIRED_FIELDS = {"CUSTOM": "name", "RAW": "event"}
"""Field that an item of a common type must have to be recognised as AG-UI's."""


class AguiDecoder(BaseDecoder):
    """Decoder of AG-UI events."""

    system: ClassVar[str] = "ag_ui"
    texts_have_ids: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._calls: dict[str, Block] = {}
        self._agents = RunAgents(self.builder, self._calls)
        # kind and key of the block that *_CHUNK events opened
        self._chunk: tuple[str, Hashable] | None = None
        self._in_reasoning = False  # between REASONING_START and REASONING_END
        self._snapshot: Any = None
        self._run_messages = RunMessages()
        self._wrote = False

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is an event of AG-UI. Its types are in capitals."""
        payload = try_wire_dict(item)
        kind = payload.get("type")
        return (
            isinstance(kind, str)
            and kind in _HANDLERS
            and _REQUIRED_FIELDS.get(kind, "type") in payload
        )

    def read(self, item: Any) -> None:
        """Read one event."""
        payload = to_wire_dict(frame_of(item).data)
        kind = str_field(payload, "type", default="")
        self._run_messages.feed(kind, payload)
        self._agents.enter(str_field(payload, "subagentRunId", default=""))
        self._end_chunk(kind, payload)
        handler = _HANDLERS.get(kind)
        if handler is not None:
            handler(self, payload)
        elif kind:
            self.builder.raw(item, kind)
        else:
            self.unread(item)

    def _write(self, event: type[Any], **values: Any) -> None:
        self.builder.write(event(**(self.builder.envelope | values)))

    # --- runs and steps ---

    def _run_started(self, payload: Mapping[str, Any]) -> None:
        self.stop_info = TRUNCATED
        self._wrote, self._snapshot = False, None
        self.builder.begin(thread_id=str_field(payload, "threadId"))

    def _run_finished(self, payload: Mapping[str, Any]) -> None:
        self._write_snapshot()
        self._add_usage(payload)
        if payload.get("result") is not None:
            self._write(ev.Custom, name="result", data=to_jsonable(payload["result"]))
        outcome = payload.get("outcome")
        details = fields_or_empty(outcome)
        outcome_type = nonempty_str(outcome) or str_field(details, "type", default="success")
        if outcome_type == "interrupt":
            interrupts = details.get("interrupts")
            if not interrupts and payload.get("interrupt"):
                interrupts = [payload["interrupt"]]
            for entry in interrupts or ():
                self._request_approval(fields_or_empty(entry))
        self.builder.end_texts_and_reasoning()
        if self.stop_info.status not in ("failed", "paused"):
            by_type = {
                "interrupt": StopInfo("paused", outcome_type),
                "cancelled": StopInfo("cancelled", outcome_type),
            }
            self.stop_info = by_type.get(outcome_type, StopInfo("completed"))

    def _request_approval(self, interrupt: Mapping[str, Any]) -> None:
        block = self._calls.get(str_field(interrupt, "toolCallId", default=""))
        self._write(
            ev.ApprovalRequest,
            approval_id=str_field(interrupt, "id") or self.builder.mint("approval"),
            tool_id=block_id(block),
            kind=question_kind(interrupt, has_call=block is not None),
            prompt=str_field(interrupt, "message"),
            schema=schema_or_none(interrupt.get("responseSchema")),
            meta=answer_meta(interrupt, self._run_messages),
        )

    def _run_error(self, payload: Mapping[str, Any]) -> None:
        self._add_usage(payload)
        self.fail_with({"message": payload.get("message"), "code": payload.get("code")})

    def _add_usage(self, payload: Mapping[str, Any]) -> None:
        """Add the token counts of a run, which has one entry for each model."""
        entries = entries_in(payload, "usage")
        if isinstance(entries, Mapping):
            entries = [entries]
        for entry in entries:
            self.builder.add_usage(ev.Usage(**usage_counts(entry, **TOKEN_FIELDS)))
        if entries:
            self._write(ev.UsageUpdate, usage=self.builder.usage)

    def _step_started(self, payload: Mapping[str, Any]) -> None:
        name = str_field(payload, "stepName")
        if "parent_id" in self.builder.envelope:  # a sub-agent's steps lie inside a step of the run
            self._write(ev.Status, message=name or "next step")
        else:
            self.builder.start_step(name=name)

    def _step_finished(self, payload: Mapping[str, Any]) -> None:
        if "parent_id" not in self.builder.envelope:
            self.builder.end_step()

    def _agent_started(self, payload: Mapping[str, Any]) -> None:
        self._agents.start(payload)

    def _agent_finished(self, payload: Mapping[str, Any]) -> None:
        suspended = fields_or_empty(payload.get("outcome")).get("type") == "suspended"
        self._agents.end(payload["subagentRunId"], "paused" if suspended else "completed")

    def _agent_error(self, payload: Mapping[str, Any]) -> None:
        self.builder.error(
            str_field(payload, "message", default="the sub-agent failed"),
            code=str_field(payload, "code"),
            fatal=False,
        )
        self._agents.end(payload["subagentRunId"], "failed")

    def close(self, error: BaseException | None = None) -> list[ev.Event]:
        """End the run, and the open sub-agents with it."""
        if not self.builder.ended:
            self._agents.end_all("failed" if error else "incomplete")
        return super().close(error)

    # --- text ---

    def _text_start(self, payload: Mapping[str, Any]) -> None:
        self.builder.start_text(payload["messageId"])

    def _text(self, payload: Mapping[str, Any]) -> None:
        self._wrote = True
        self.builder.text(payload["messageId"], payload["delta"])

    def _text_end(self, payload: Mapping[str, Any]) -> None:
        self.builder.end_text(payload["messageId"])

    def _text_chunk(self, payload: Mapping[str, Any]) -> None:
        key = self._chunk_key("TEXT_MESSAGE_CHUNK", payload.get("messageId"), self.builder.text_id)
        self._wrote = True
        self.builder.text(key, payload.get("delta") or "")

    def _chunk_key(self, kind: str, key: Any, find: Callable[[Any], Any]) -> Hashable:
        """Return the key of a chunk's block: the one it names, else the last.

        A block that chunks opened is noted in `_chunk`, and `_end_chunk` ends it. A block with a
        START event has an END event.
        """
        if key is None and self._chunk is not None and self._chunk[0] == kind:
            return self._chunk[1]
        if key is None:
            key = self.builder.mint("chunk")
        if find(key) is None:
            self._chunk = (kind, key)
        return key  # type: ignore[no-any-return]

    def _end_chunk(self, kind: str, payload: Mapping[str, Any]) -> None:
        """End the block that chunks opened, unless this event continues it or writes nothing."""
        is_aside = kind in ("RAW", "CUSTOM") or kind.startswith(("ACTIVITY_", "STATE_"))
        if self._chunk is None or is_aside:
            return
        opened, key = self._chunk
        if opened.startswith("TOOL"):
            named = payload.get("toolCallId")
        else:
            named = payload.get("messageId")
        if kind == opened and named in (None, key):
            return
        self._chunk = None
        match opened:
            case "TEXT_MESSAGE_CHUNK":
                self.builder.end_text(key)
            case "REASONING_MESSAGE_CHUNK":
                self.builder.end_reasoning(key)
            case _ if key in self._calls:
                self.builder.tool_args(self._calls[str(key)])

    def _messages(self, payload: Mapping[str, Any]) -> None:
        self._snapshot = payload.get("messages")
        self._write(ev.Custom, name="messages", data=to_jsonable(self._snapshot))

    def _write_snapshot(self) -> None:
        """Write the answer of an agent that streams none: the assistant messages after the last
        user message of its history.
        """
        if self._wrote:
            return
        for text in answers_in(self._snapshot):
            key = self.builder.mint("snapshot")
            self.builder.text(key, text)
            self.builder.end_text(key)

    # --- reasoning ---

    def _reasoning_start(self, payload: Mapping[str, Any]) -> None:
        self._in_reasoning = True

    def _reasoning_end(self, payload: Mapping[str, Any]) -> None:
        self._in_reasoning = False
        for key in self.builder.open_keys():
            self.builder.end_reasoning(key)

    def _reasoning_message_start(self, payload: Mapping[str, Any]) -> None:
        self.builder.start_reasoning(payload["messageId"])

    def _reasoning_message_content(self, payload: Mapping[str, Any]) -> None:
        self.builder.reasoning(payload["messageId"], payload["delta"])

    def _reasoning_message_end(self, payload: Mapping[str, Any]) -> None:
        if not self._in_reasoning:  # else its encrypted form may follow until REASONING_END
            self.builder.end_reasoning(payload["messageId"])

    def _reasoning_message_chunk(self, payload: Mapping[str, Any]) -> None:
        key = self._chunk_key(
            "REASONING_MESSAGE_CHUNK", payload.get("messageId"), self.builder.open_reasoning
        )
        self.builder.reasoning(key, payload.get("delta") or "")

    def _encrypted(self, payload: Mapping[str, Any]) -> None:
        """Write an encrypted value of a reasoning message, or of another message or call in a
        reasoning block of its own.
        """
        key, value = payload.get("entityId"), str_field(payload, "encryptedValue")
        meta = None
        if self.builder.open_reasoning(key) is None:
            meta = {
                name: to_jsonable(payload[name])
                for name in ("subtype", "entityId")
                if name in payload
            }
            self.builder.start_reasoning(key)
        self.builder.end_reasoning(key, encrypted=value, meta=meta)

    def _unnamed_reasoning(self, payload: Mapping[str, Any]) -> None:
        """Append to the reasoning of an event from before 1.0, which has no id."""
        self.builder.reasoning(_UNNAMED_REASONING, str_field(payload, "delta", default=""))

    def _unnamed_reasoning_end(self, payload: Mapping[str, Any]) -> None:
        self.builder.end_reasoning(_UNNAMED_REASONING)

    # --- tools ---

    def _tool_start(self, payload: Mapping[str, Any]) -> None:
        call_id = str(payload["toolCallId"])
        self._wrote = True
        self._calls[call_id] = self.builder.start_tool(
            call_id, str_field(payload, "toolCallName", default="tool"), call_id=call_id
        )

    def _tool_args(self, payload: Mapping[str, Any]) -> None:
        self.builder.tool_delta(self._calls[str(payload["toolCallId"])], payload["delta"])

    def _tool_end(self, payload: Mapping[str, Any]) -> None:
        self.builder.tool_args(self._calls[str(payload["toolCallId"])])

    def _tool_chunk(self, payload: Mapping[str, Any]) -> None:
        key = self._chunk_key("TOOL_CALL_CHUNK", payload.get("toolCallId"), self.builder.tool)
        if self.builder.tool(key) is None:
            self._tool_start({**payload, "toolCallId": key})
        self.builder.tool_delta(self._calls[str(key)], payload.get("delta") or "")

    def _tool_result(self, payload: Mapping[str, Any]) -> None:
        if str(payload["toolCallId"]) not in self._calls:  # the call was in an earlier run
            self._tool_start(payload)
        block = self._calls[str(payload["toolCallId"])]
        if block.args_pieces:
            self.builder.tool_args(block)
        self.builder.tool_result(block, payload.get("content"))

    # --- the rest ---

    def _state(self, payload: Mapping[str, Any]) -> None:
        self._write(ev.State, snapshot=to_jsonable(payload.get("snapshot")))

    def _state_delta(self, payload: Mapping[str, Any]) -> None:
        self._write(ev.State, patch=[dict(to_jsonable(entry)) for entry in payload["delta"]])

    def _activity(self, payload: Mapping[str, Any]) -> None:
        data = payload.get("patch", payload.get("content"))
        meta = {
            name: to_jsonable(payload[name]) for name in ("messageId", "replace") if name in payload
        }
        self._write(
            ev.Custom,
            name=str_field(payload, "activityType", default="activity"),
            data=to_jsonable(data),
            meta=meta or None,
        )

    def _raw(self, payload: Mapping[str, Any]) -> None:
        self.builder.raw(payload.get("event"), str_field(payload, "source"))

    def _custom(self, payload: Mapping[str, Any]) -> None:
        name, value = str_field(payload, "name", default="custom"), payload.get("value")
        if name == "on_interrupt":
            # LangGraph's bridge sends this with versions before 1.0, which have no outcomes.
            self._write(
                ev.ApprovalRequest,
                approval_id=self.builder.mint("approval"),
                kind="input",
                prompt=str_or_none(value),
                args=to_jsonable(value),
            )
            self.stop_info = StopInfo("paused", "interrupt")
            return
        self._write(ev.Custom, name=name, data=to_jsonable(value))


def _ignore(decoder: AguiDecoder, payload: Mapping[str, Any]) -> None:
    """Ignore an event that adds nothing to those around it."""


_HANDLERS: dict[str, Callable[[AguiDecoder, Mapping[str, Any]], None]] = {
    "RUN_STARTED": AguiDecoder._run_started,
    "RUN_FINISHED": AguiDecoder._run_finished,
    "RUN_ERROR": AguiDecoder._run_error,
    "STEP_STARTED": AguiDecoder._step_started,
    "STEP_FINISHED": AguiDecoder._step_finished,
    "SUBAGENT_STARTED": AguiDecoder._agent_started,
    "SUBAGENT_FINISHED": AguiDecoder._agent_finished,
    "SUBAGENT_ERROR": AguiDecoder._agent_error,
    "TEXT_MESSAGE_START": AguiDecoder._text_start,
    "TEXT_MESSAGE_CONTENT": AguiDecoder._text,
    "TEXT_MESSAGE_END": AguiDecoder._text_end,
    "TEXT_MESSAGE_CHUNK": AguiDecoder._text_chunk,
    "MESSAGES_SNAPSHOT": AguiDecoder._messages,
    "REASONING_START": AguiDecoder._reasoning_start,
    "REASONING_END": AguiDecoder._reasoning_end,
    "REASONING_MESSAGE_START": AguiDecoder._reasoning_message_start,
    "REASONING_MESSAGE_CONTENT": AguiDecoder._reasoning_message_content,
    "REASONING_MESSAGE_END": AguiDecoder._reasoning_message_end,
    "REASONING_MESSAGE_CHUNK": AguiDecoder._reasoning_message_chunk,
    "REASONING_ENCRYPTED_VALUE": AguiDecoder._encrypted,
    "THINKING_START": _ignore,
    "THINKING_TEXT_MESSAGE_START": _ignore,
    "THINKING_TEXT_MESSAGE_CONTENT": AguiDecoder._unnamed_reasoning,
    "THINKING_CONTENT": AguiDecoder._unnamed_reasoning,
    "THINKING_TEXT_MESSAGE_END": AguiDecoder._unnamed_reasoning_end,
    "THINKING_END": AguiDecoder._unnamed_reasoning_end,
    "TOOL_CALL_START": AguiDecoder._tool_start,
    "TOOL_CALL_ARGS": AguiDecoder._tool_args,
    "TOOL_CALL_END": AguiDecoder._tool_end,
    "TOOL_CALL_CHUNK": AguiDecoder._tool_chunk,
    "TOOL_CALL_RESULT": AguiDecoder._tool_result,
    "STATE_SNAPSHOT": AguiDecoder._state,
    "STATE_DELTA": AguiDecoder._state_delta,
    "ACTIVITY_SNAPSHOT": AguiDecoder._activity,
    "ACTIVITY_DELTA": AguiDecoder._activity,
    "RAW": AguiDecoder._raw,
    "CUSTOM": AguiDecoder._custom,
}

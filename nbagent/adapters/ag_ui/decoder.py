"""AG-UI 1.0, and the events that earlier versions had.

The format: https://docs.ag-ui.com/concepts/events and `ag_ui.core.events` of `ag-ui-protocol` 1.0. Items are the JSON payloads
of its frames, or the SDK's event objects. Several runs may follow each other in one stream.

It cannot say: whether a tool failed (results have no error flag), finish reasons, token counts of single steps, hand-offs.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.ag_ui.vocabulary import TOKEN_FIELDS
from nbagent.adapters.base.builder import Block
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, Verdict
from nbagent.adapters.base.fields import fields_or_none, plain, string
from nbagent.adapters.base.payload import counts, frame_of, peek, text_in, wire
from nbagent.events.jsonable import text_safe

_THINKING = "thinking"
_PROOF = {"CUSTOM": "name", "RAW": "event"}


class AguiDecoder(BaseDecoder):
    """AG-UI events to events."""

    system: ClassVar[str] = "ag_ui"

    def __init__(self) -> None:
        super().__init__()
        self._calls: dict[str, Block] = {}
        self._agents: dict[str, ev.AgentStart] = {}
        self._chunk: tuple[str, Hashable] | None = None  # what the last *_CHUNK event wrote to
        self._phase = False  # between REASONING_START and REASONING_END
        self._snapshot: Any = None
        self._wrote = False

    @staticmethod
    def recognises(item: Any) -> bool:
        """Whether the item is an event of AG-UI, which writes its types in capitals."""
        said = peek(item)
        kind = said.get("type")
        return isinstance(kind, str) and kind in _HANDLERS and _PROOF.get(kind, "type") in said

    def read(self, item: Any) -> None:
        """One event."""
        said = wire(frame_of(item).data)
        kind = string(said.get("type")) or ""
        self._stamp(said)
        self._end_chunk(kind, said)
        handler = _HANDLERS.get(kind)
        if handler is not None:
            handler(self, said)
        elif kind:
            self.book.raw(item, kind)
        else:
            self.unread(item)

    def _stamp(self, said: Mapping[str, Any]) -> None:
        """Events of a sub-agent's run carry its id."""
        agent = self._agents.get(string(said.get("subagentRunId")) or "")
        for name in ("parent_id", "agent"):
            self.book.stamp.pop(name, None)
        if agent is not None:
            self.book.stamp |= {"parent_id": agent.id, "agent": agent.name}

    def _write(self, event: type[Any], **values: Any) -> None:
        self.book.write(event(**(self.book.stamp | values)))

    # --- runs and steps -------------------------------------------------------------------------------------------------

    def _run_started(self, said: Mapping[str, Any]) -> None:
        self.verdict = TRUNCATED
        self._wrote, self._snapshot = False, None
        self.book.begin(thread_id=string(said.get("threadId")))

    def _run_finished(self, said: Mapping[str, Any]) -> None:
        self._last_snapshot()
        self._count(said)
        if said.get("result") is not None:
            self._write(ev.Custom, name="result", data=plain(said["result"]))
        outcome = said.get("outcome")
        details = fields_or_none(outcome)
        how = string(outcome) or string(details.get("type")) or "success"
        asked = details.get("interrupts") or [entry for entry in [said.get("interrupt")] if entry]
        for entry in asked if how == "interrupt" else ():
            self._ask(fields_or_none(entry))
        self.book.settle()
        if self.verdict.status not in ("failed", "paused"):
            known = {"interrupt": Verdict("paused", how), "cancelled": Verdict("cancelled", how)}
            self.verdict = known.get(how, Verdict("completed"))

    def _ask(self, said: Mapping[str, Any]) -> None:
        block = self._calls.get(string(said.get("toolCallId")) or "")
        schema = said.get("responseSchema")
        reason = string(said.get("reason")) or ""
        is_permission = "approval" in reason or (block is not None and not reason.endswith("_required"))
        meta = {name: plain(said[name]) for name in ("reason", "expiresAt", "metadata", "payload") if said.get(name)}
        self._write(
            ev.ApprovalRequest,
            approval_id=string(said.get("id")) or self.book.mint("approval"),
            tool_id=None if block is None else block.id,
            kind="tool" if is_permission else "input",
            prompt=string(said.get("message")),
            schema=plain(schema) if isinstance(schema, Mapping) else None,
            meta=meta or None,
        )

    def _run_error(self, said: Mapping[str, Any]) -> None:
        self._count(said)
        self.fail_with({"message": said.get("message"), "code": said.get("code")})

    def _count(self, said: Mapping[str, Any]) -> None:
        """The run's token counts: one entry for each model that was used."""
        entries = said.get("usage")
        total: ev.Usage | None = None
        for entry in [entries] if isinstance(entries, Mapping) else entries or ():
            found = counts(
                entry,
                **TOKEN_FIELDS,
            )
            total = ev.Usage(**found) if total is None else total + ev.Usage(**found)
        if total is not None:
            self.book.usage = total if self.book.usage is None else self.book.usage + total
            self._write(ev.UsageUpdate, usage=self.book.usage)

    def _step_started(self, said: Mapping[str, Any]) -> None:
        name = string(said.get("stepName"))
        if "parent_id" in self.book.stamp:  # a sub-agent's steps lie inside one of ours
            self._write(ev.Status, message=name or "next step")
        else:
            self.book.start_step(name=name)

    def _step_finished(self, said: Mapping[str, Any]) -> None:
        if "parent_id" not in self.book.stamp:
            self.book.end_step()

    def _agent_started(self, said: Mapping[str, Any]) -> None:
        run_id = said["subagentRunId"]
        self.book.stamp.pop("agent", None)
        parent = self._agents.get(string(said.get("parentSubagentRunId")) or "")
        call = self._calls.get(string(said.get("parentToolCallId")) or "")
        name = text_safe(string(said.get("name")) or "agent")
        if run_id in self._agents:
            return
        start = ev.AgentStart(
            id=self.book.mint("agent"),
            name=name,
            tool_id=None if call is None else call.id,
            **(self.book.stamp | ({} if parent is None else {"parent_id": parent.id})),
        )
        self._agents[run_id] = start
        self.book.write(start)

    def _agent_finished(self, said: Mapping[str, Any]) -> None:
        suspended = fields_or_none(said.get("outcome")).get("type") == "suspended"
        self._end_agent(said, "paused" if suspended else "completed")

    def _agent_error(self, said: Mapping[str, Any]) -> None:
        self.book.error(string(said.get("message")) or "the sub-agent failed", code=string(said.get("code")), fatal=False)
        self._end_agent(said, "failed")

    def _end_agent(self, said: Mapping[str, Any], status: ev.RunStatus) -> None:
        start = self._agents.pop(said["subagentRunId"], None)
        if start is not None:
            self.book.stamp.pop("agent", None)
            self.book.stamp.pop("parent_id", None)
            self._write(ev.AgentEnd, id=start.id, name=start.name, status=status, parent_id=start.parent_id)

    def close(self, error: BaseException | None = None) -> list[ev.Event]:
        """The stream is over: the sub-agents that did not finish are ended with it."""
        for run_id in [] if self.book.ended else reversed(list(self._agents)):
            self._end_agent({"subagentRunId": run_id}, "failed" if error else "incomplete")
        return super().close(error)

    # --- text -----------------------------------------------------------------------------------------------------------

    def _text_start(self, said: Mapping[str, Any]) -> None:
        self.book.start_text(said["messageId"])

    def _text(self, said: Mapping[str, Any]) -> None:
        self._wrote = True
        self.book.text(said["messageId"], said["delta"])

    def _text_end(self, said: Mapping[str, Any]) -> None:
        self.book.end_text(said["messageId"])

    def _text_chunk(self, said: Mapping[str, Any]) -> None:
        key = self._chunk_key("TEXT_MESSAGE_CHUNK", said.get("messageId"), self.book.text_id)
        self._wrote = True
        self.book.text(key, said.get("delta") or "")

    def _chunk_key(self, kind: str, key: Any, known: Callable[[Any], Any]) -> Hashable:
        """Which block a chunk writes to: the one it names, or the last one. It ends it, too, unless a START event began it."""
        if key is None and self._chunk is not None and self._chunk[0] == kind:
            return self._chunk[1]
        key = self.book.mint("chunk") if key is None else key
        if known(key) is None:
            self._chunk = (kind, key)
        return key  # type: ignore[no-any-return]

    def _end_chunk(self, kind: str, said: Mapping[str, Any]) -> None:
        """A chunk's block lasts until something else is said."""
        if self._chunk is None or kind in ("RAW", "CUSTOM") or kind.startswith(("ACTIVITY_", "STATE_")):
            return
        opened, key = self._chunk
        named = said.get("toolCallId" if opened.startswith("TOOL") else "messageId")
        if kind == opened and named in (None, key):
            return
        self._chunk = None
        match opened:
            case "TEXT_MESSAGE_CHUNK":
                self.book.end_text(key)
            case "REASONING_MESSAGE_CHUNK":
                self.book.end_thought(key)
            case _ if key in self._calls:
                self.book.tool_args(self._calls[str(key)])

    def _messages(self, said: Mapping[str, Any]) -> None:
        self._snapshot = said.get("messages")
        self._write(ev.Custom, name="messages", data=plain(self._snapshot))

    def _last_snapshot(self) -> None:
        """The answer of an agent that streams none and only sends its history: what follows the last question."""
        if self._wrote or not isinstance(self._snapshot, list):
            return
        last: list[str] = []
        for message in map(fields_or_none, self._snapshot):
            if message.get("role") == "user":
                last = []
            elif message.get("role") == "assistant":
                last.append(text_in(message.get("content") or ""))
        for text in filter(None, last):
            key = self.book.mint("snapshot")
            self.book.text(key, text)
            self.book.end_text(key)

    # --- reasoning ------------------------------------------------------------------------------------------------------

    def _phase_start(self, said: Mapping[str, Any]) -> None:
        self._phase = True

    def _phase_end(self, said: Mapping[str, Any]) -> None:
        self._phase = False
        for key in self.book.open_keys():
            self.book.end_thought(key)

    def _thought_start(self, said: Mapping[str, Any]) -> None:
        self.book.start_thought(said["messageId"])

    def _thought(self, said: Mapping[str, Any]) -> None:
        self.book.thought(said["messageId"], said["delta"])

    def _thought_end(self, said: Mapping[str, Any]) -> None:
        if not self._phase:  # else its encrypted form may follow, until the phase is over
            self.book.end_thought(said["messageId"])

    def _thought_chunk(self, said: Mapping[str, Any]) -> None:
        key = self._chunk_key("REASONING_MESSAGE_CHUNK", said.get("messageId"), self.book.open_thought)
        self.book.thought(key, said.get("delta") or "")

    def _encrypted(self, said: Mapping[str, Any]) -> None:
        """Opaque, for whichever message or call it belongs to."""
        key, value = said.get("entityId"), string(said.get("encryptedValue"))
        meta = None
        if self.book.open_thought(key) is None:
            meta = {name: plain(said[name]) for name in ("subtype", "entityId") if name in said}
            self.book.start_thought(key)
        self.book.end_thought(key, encrypted=value, meta=meta)

    def _old_thought(self, said: Mapping[str, Any]) -> None:
        """Before 1.0, thoughts had no id."""
        self.book.thought(_THINKING, string(said.get("delta")) or "")

    def _old_thought_end(self, said: Mapping[str, Any]) -> None:
        self.book.end_thought(_THINKING)

    # --- tools ----------------------------------------------------------------------------------------------------------

    def _tool_start(self, said: Mapping[str, Any]) -> None:
        call_id = str(said["toolCallId"])
        self._wrote = True
        self._calls[call_id] = self.book.start_tool(call_id, string(said.get("toolCallName")) or "tool", call_id=call_id)

    def _tool_args(self, said: Mapping[str, Any]) -> None:
        self.book.tool_delta(self._calls[str(said["toolCallId"])], said["delta"])

    def _tool_end(self, said: Mapping[str, Any]) -> None:
        self.book.tool_args(self._calls[str(said["toolCallId"])])

    def _tool_chunk(self, said: Mapping[str, Any]) -> None:
        key = self._chunk_key("TOOL_CALL_CHUNK", said.get("toolCallId"), self.book.tool)
        if self.book.tool(key) is None:
            self._tool_start({**said, "toolCallId": key})
        self.book.tool_delta(self._calls[str(key)], said.get("delta") or "")

    def _tool_result(self, said: Mapping[str, Any]) -> None:
        if str(said["toolCallId"]) not in self._calls:  # of a call from an earlier run
            self._tool_start(said)
        block = self._calls[str(said["toolCallId"])]
        if block.pieces:
            self.book.tool_args(block)
        self.book.tool_result(block, said.get("content"))

    # --- the rest -------------------------------------------------------------------------------------------------------

    def _state(self, said: Mapping[str, Any]) -> None:
        self._write(ev.State, snapshot=plain(said.get("snapshot")))

    def _state_delta(self, said: Mapping[str, Any]) -> None:
        self._write(ev.State, patch=[dict(plain(entry)) for entry in said["delta"]])

    def _activity(self, said: Mapping[str, Any]) -> None:
        data = said.get("patch") if "patch" in said else said.get("content")
        meta = {name: plain(said[name]) for name in ("messageId", "replace") if name in said}
        self._write(ev.Custom, name=string(said.get("activityType")) or "activity", data=plain(data), meta=meta or None)

    def _raw(self, said: Mapping[str, Any]) -> None:
        self.book.raw(said.get("event"), string(said.get("source")))

    def _custom(self, said: Mapping[str, Any]) -> None:
        name, value = string(said.get("name")) or "custom", said.get("value")
        if name == "on_interrupt":  # how LangGraph's bridge asked before there were outcomes
            prompt = value if isinstance(value, str) else None
            approval_id = self.book.mint("approval")
            self._write(ev.ApprovalRequest, approval_id=approval_id, kind="input", prompt=prompt, args=plain(value))
            self.verdict = Verdict("paused", "interrupt")
            return
        self._write(ev.Custom, name=name, data=plain(value))


def _nothing(decoder: AguiDecoder, said: Mapping[str, Any]) -> None:
    """An event whose whole meaning is in those around it."""


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
    "REASONING_START": AguiDecoder._phase_start,
    "REASONING_END": AguiDecoder._phase_end,
    "REASONING_MESSAGE_START": AguiDecoder._thought_start,
    "REASONING_MESSAGE_CONTENT": AguiDecoder._thought,
    "REASONING_MESSAGE_END": AguiDecoder._thought_end,
    "REASONING_MESSAGE_CHUNK": AguiDecoder._thought_chunk,
    "REASONING_ENCRYPTED_VALUE": AguiDecoder._encrypted,
    "THINKING_START": _nothing,
    "THINKING_TEXT_MESSAGE_START": _nothing,
    "THINKING_TEXT_MESSAGE_CONTENT": AguiDecoder._old_thought,
    "THINKING_CONTENT": AguiDecoder._old_thought,
    "THINKING_TEXT_MESSAGE_END": AguiDecoder._old_thought_end,
    "THINKING_END": AguiDecoder._old_thought_end,
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

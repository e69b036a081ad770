"""Decoder of the Agent Client Protocol between an editor and a coding agent.

Format: https://agentclientprotocol.com/protocol/schema, and `agent-client-protocol` 0.12. Version 2
is a draft: https://agentclientprotocol.com/protocol/v2/migration (schema/v2/schema.json of August
2026). Items are JSON-RPC messages of either direction, the `params` of `session/update`, or
bare updates, as dicts or as the SDK's models.

The protocol has no tool names (the title stands for the name), argument deltas, models, steps or
hand-offs. In version 1 a stream of updates alone has no terminal: that is the response to
`session/prompt`. In version 2 that response accepts the prompt, and an update of the state to
`idle` ends the turn.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.acp.message_texts import MessageTexts
from nbagent.adapters.base.block import Block
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    entries_in,
    fields_or_empty,
    nonempty_str,
    number_or_none,
    schema_or_none,
    str_field,
    to_jsonable,
)
from nbagent.adapters.base.json_rpc import PendingRequests, text_or_blocks
from nbagent.adapters.base.payload import (
    frame_of,
    text_in,
    to_wire_dict,
    try_wire_dict,
    usage_counts,
)
from nbagent.events.jsonable import text_safe

_METHODS = ("session/", "fs/", "terminal/")
_STOPS = {
    "end_turn": StopInfo("completed", "end_turn"),
    "max_tokens": StopInfo("incomplete", "max_tokens", "max_tokens"),
    "max_turn_requests": StopInfo("max_steps", "max_turn_requests"),
    "refusal": StopInfo("incomplete", "refusal", "refusal"),
    "cancelled": StopInfo("cancelled", "cancelled"),
}


class AcpDecoder(BaseDecoder):
    """Decoder of ACP messages."""

    system: ClassVar[str] = "acp"

    def __init__(self) -> None:
        super().__init__()
        self._requests = PendingRequests()
        self._calls: dict[str, Block] = {}
        self._open_args: dict[str, Any] = {}
        self._options: dict[str, dict[str, str]] = {}
        self._contents: dict[str, list[Any]] = {}  # of calls, so far
        self._texts = MessageTexts(self.builder)

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is a message of this protocol, or a bare update."""
        payload = try_wire_dict(item)
        method = payload.get("method")
        if isinstance(method, str):
            is_handshake = method == "initialize" and isinstance(
                fields_or_empty(payload.get("params")).get("protocolVersion"), int
            )
            return "jsonrpc" in payload and (is_handshake or method.startswith(_METHODS))
        return "sessionUpdate" in payload or "sessionUpdate" in fields_or_empty(
            payload.get("update")
        )

    def read(self, item: Any) -> None:
        """Read one message."""
        payload = to_wire_dict(frame_of(item).data)
        if "sessionUpdate" in payload or "update" in payload:
            self._update(fields_or_empty(payload.get("update")) or payload)
        elif isinstance(payload.get("method"), str):
            self._request(payload)
        elif payload.get("error") is not None:
            self._requests.take(payload)
            self.fail_with(payload["error"])
        elif "result" in payload:
            self._response(payload)
        elif "stopReason" in payload:
            self._stop(payload)
        elif "toolCall" in payload or "subject" in payload:
            self._request_approval(self.builder.mint("approval"), payload)
        else:
            self.unread(item)

    # --- requests and responses ---

    def _request(self, payload: Mapping[str, Any]) -> None:
        request = self._requests.add(payload)
        match request.method:
            case "session/update":
                self._update(fields_or_empty(request.params.get("update")))
            case "session/prompt":
                self._start(request.params)
            case "session/request_permission":
                self._request_approval(str(payload.get("id")), request.params, payload.get("id"))
            case "elicitation/create" | "session/elicitation":
                schema = request.params.get("requestedSchema")
                self._request_input(
                    payload.get("id"), nonempty_str(request.params.get("message")), schema
                )
            case _:
                self.builder.custom(request.method, request.params)

    def _start(self, params: Mapping[str, Any]) -> None:
        """Start a turn: one prompt and the work on it."""
        self.stop_info = TRUNCATED
        self.builder.begin(thread_id=str_field(params, "sessionId"))

    def _response(self, payload: Mapping[str, Any]) -> None:
        result = fields_or_empty(payload["result"])
        outcome = fields_or_empty(result.get("outcome"))
        if "stopReason" in result:
            expected = "session/prompt"
        elif outcome:
            expected = "session/request_permission"
        else:
            expected = None
        request = self._requests.take(payload, expected=expected)
        approval_id = str(payload.get("id"))
        if "stopReason" in result:
            self._stop(result)
        elif outcome and approval_id in self._options:
            self._write_approval_response(approval_id, outcome)
        elif request is not None and request.method == "session/prompt" and not result:
            return  # version 2 accepts the prompt
        elif (
            request is not None
            or isinstance(payload["result"], Mapping)
            or payload["result"] is None
        ):
            name = "response" if request is None else f"{request.method} response"
            self.builder.custom(name, payload["result"])
        else:
            self.builder.raw(payload)

    def _stop(self, result: Mapping[str, Any]) -> None:
        """End the turn."""
        usage = usage_counts(
            result.get("usage"),
            input="inputTokens",
            output="outputTokens",
            total="totalTokens",
            reasoning="thoughtTokens",
            cache_read="cachedReadTokens",
            cache_write="cachedWriteTokens",
        )
        if usage:
            self.builder.usage = ev.Usage(**usage)
            self.builder.write(ev.UsageUpdate(usage=self.builder.usage, **self.builder.envelope))
        for call_id in list(self._open_args):
            self._complete_args(call_id)
        self.builder.end_texts_and_reasoning()
        reason = str_field(result, "stopReason")
        self.stop_info = _STOPS.get(reason or "", StopInfo("completed", reason))

    def _request_approval(
        self, approval_id: str, params: Mapping[str, Any], rpc_id: Any = None
    ) -> None:
        subject = fields_or_empty(params.get("subject"))
        call = fields_or_empty(params.get("toolCall") or subject.get("toolCall"))
        tool_id = None
        args: Any = {name: subject[name] for name in subject if name != "type"}
        if call.get("toolCallId") is not None:
            tool_id, args = self._call_of(call).id, call.get("rawInput")
            self._complete_args(str(call["toolCallId"]))
        options = [fields_or_empty(option) for option in entries_in(params, "options")]
        self._options[approval_id] = {
            str(option.get("optionId")): str(option.get("kind")) for option in options
        }
        request = ev.ApprovalRequest(
            approval_id=approval_id,
            tool_id=tool_id,
            prompt=str_field(params, "title") or str_field(call, "title"),
            args=to_jsonable(args) or None,
            options=[
                text_safe(str(option.get("name") or option.get("optionId"))) for option in options
            ]
            or None,
            meta={"options": to_jsonable(options), "rpc_id": to_jsonable(rpc_id)},
            **self.builder.envelope,
        )
        self.builder.write(request)
        self.stop_info = StopInfo("paused")

    def _request_input(self, rpc_id: Any, prompt: str | None, schema: Any) -> None:
        request = ev.ApprovalRequest(
            approval_id=str(rpc_id),
            kind="input",
            prompt=prompt,
            schema=schema_or_none(schema),
            meta={"rpc_id": to_jsonable(rpc_id)},
            **self.builder.envelope,
        )
        self.builder.write(request)
        self.stop_info = StopInfo("paused")

    def _write_approval_response(self, approval_id: str, outcome: Mapping[str, Any]) -> None:
        option = str(outcome.get("optionId"))
        kind = self._options.pop(approval_id).get(option, "")
        decision: ev.Decision = "approve"
        if outcome.get("outcome") == "cancelled":
            decision = "cancel"
        elif kind.startswith("reject"):
            decision = "deny"
        response = ev.ApprovalResponse(
            approval_id=approval_id,
            decision=decision,
            value=to_jsonable(outcome.get("optionId")),
            **self.builder.envelope,
        )
        self.builder.write(response)
        self.stop_info = TRUNCATED

    # --- updates ---

    def _update(self, update: Mapping[str, Any]) -> None:
        kind = str_field(update, "sessionUpdate", default="")
        handler = _UPDATES.get(kind)
        if self.stop_info.status == "paused":
            # An update: the answer was given outside of this stream.
            self.stop_info = TRUNCATED
        if handler is not None:
            handler(self, update)
        elif kind:
            data = {name: value for name, value in update.items() if name != "sessionUpdate"}
            self.builder.custom(kind, data)
        else:
            self.builder.raw(update)

    def _state(self, update: Mapping[str, Any]) -> None:
        """Read the state of the agent's work, which version 2 tells by itself."""
        match update.get("state"):
            case "running":
                self.builder.begin()
                self.stop_info = TRUNCATED
            case "idle":
                self._stop(update)
            case "requires_action":
                self.stop_info = StopInfo("paused")

    def _text(self, update: Mapping[str, Any]) -> None:
        self._texts.append("text", update.get("messageId"), update["content"])

    def _reasoning(self, update: Mapping[str, Any]) -> None:
        self._texts.append("reasoning", update.get("messageId"), update["content"])

    def _whole_text(self, update: Mapping[str, Any]) -> None:
        if "content" in update:  # without it, the text stays
            self._texts.replace("text", update.get("messageId"), entries_in(update, "content"))

    def _whole_reasoning(self, update: Mapping[str, Any]) -> None:
        if "content" in update:
            blocks = entries_in(update, "content")
            self._texts.replace("reasoning", update.get("messageId"), blocks)

    def _user(self, update: Mapping[str, Any]) -> None:
        """Write a message of the user, which agents repeat when a session is loaded."""
        self.builder.custom("user_message", update.get("content"))

    def _plan(self, update: Mapping[str, Any]) -> None:
        plan = fields_or_empty(update.get("plan")) or update
        if not isinstance(plan.get("entries"), list):
            self.builder.custom("plan", plan)
            return
        entries = to_jsonable(plan["entries"])
        running = next(
            (entry for entry in entries if fields_or_empty(entry).get("status") == "in_progress"),
            None,
        )
        self.builder.custom("plan", entries)
        if running is not None and str_field(running, "content"):
            self.builder.status(running["content"])

    def _usage(self, update: Mapping[str, Any]) -> None:
        """Write the size of the context and the cost of the session.

        They are not the tokens of this turn.
        """
        cost = fields_or_empty(update.get("cost"))
        amount = None
        if cost.get("currency") in (None, "USD"):
            amount = cost.get("amount")
        usage = ev.Usage(
            total=usage_counts(update, used="used").get("used"),
            cost=number_or_none(amount),
        )
        self.builder.write(
            ev.UsageUpdate(
                usage=usage, meta={"size": to_jsonable(update.get("size"))}, **self.builder.envelope
            )
        )

    # --- tools ---

    def _call_of(self, update: Mapping[str, Any]) -> Block:
        """Return the call of an update, started if it is new."""
        call_id = str(update["toolCallId"])
        block = self._calls.get(call_id)
        if block is None or (block.closed and update.get("sessionUpdate") == "tool_call"):
            self.builder.end_texts_and_reasoning()
            name = str_field(update, "title", "kind", default="tool")
            meta = {
                key: to_jsonable(update[key]) for key in ("kind", "locations") if update.get(key)
            }
            block = self._calls[call_id] = self.builder.start_tool(
                call_id, name, call_id=call_id, meta=meta
            )
            self._open_args[call_id] = None
        if update.get("rawInput") is not None and call_id in self._open_args:
            self._open_args[call_id] = update["rawInput"]
        return block

    def _complete_args(self, call_id: str) -> None:
        """Complete a call's arguments, once the tool runs: until then, updates may replace them."""
        if call_id in self._open_args:
            args = self._open_args.pop(call_id)
            self.builder.complete_args(self._calls[call_id], args, free=True)

    def _tool_call(self, update: Mapping[str, Any]) -> None:
        is_known = str(update.get("toolCallId")) in self._calls
        block = self._call_of(update)
        title = str_field(update, "title")
        if is_known and title and title != block.name:
            self.builder.progress(block, title)
            block.name = title
        if update.get("status") in ("in_progress", "completed", "failed", "cancelled"):
            self._complete_args(str(update["toolCallId"]))
        self._write_result(block, update)

    def _tool_content(self, update: Mapping[str, Any]) -> None:
        """Read a piece of a call's content, which version 2 adds to what there is."""
        block = self._call_of(update)
        self._complete_args(str(update["toolCallId"]))
        content = update.get("content")
        self._contents.setdefault(str(update["toolCallId"]), []).append(content)
        text = text_in(fields_or_empty(content).get("content") or "")
        if text:
            self.builder.write(ev.ToolOutput(id=block.id, delta=text, **self.builder.envelope))

    def _write_result(self, block: Block, update: Mapping[str, Any]) -> None:
        """Write the result of a call, or the part of it that there is so far."""
        status, call_id = update.get("status"), str(update["toolCallId"])
        if "content" in update:
            self._contents[call_id] = list(entries_in(update, "content"))
        output = update.get("rawOutput")
        content = self._contents.get(call_id)
        if status is None and "content" not in update:
            content = None
        result = text_or_blocks(content) if output is None else output
        if status == "failed":
            message = text_in(content or "") or nonempty_str(output)
            self.builder.tool_error(block, message, result)
        elif status == "completed":
            self.builder.tool_result(block, result)
        elif status == "cancelled":
            self.builder.tool_error(block, "the call was cancelled", result)
        elif content or output is not None:
            self.builder.tool_result(block, result, preliminary=True)


_UPDATES: dict[str, Callable[[AcpDecoder, Mapping[str, Any]], None]] = {
    "agent_message_chunk": AcpDecoder._text,
    "agent_thought_chunk": AcpDecoder._reasoning,
    "agent_message": AcpDecoder._whole_text,
    "agent_thought": AcpDecoder._whole_reasoning,
    "state_update": AcpDecoder._state,
    "user_message_chunk": AcpDecoder._user,
    "user_message": AcpDecoder._user,
    "tool_call": AcpDecoder._tool_call,
    "tool_call_update": AcpDecoder._tool_call,
    "tool_call_content_chunk": AcpDecoder._tool_content,
    "plan": AcpDecoder._plan,
    "plan_update": AcpDecoder._plan,
    "usage_update": AcpDecoder._usage,
}

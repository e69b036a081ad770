"""The Agent Client Protocol: the messages between an editor and a coding agent, or only the agent's updates.

The format: https://agentclientprotocol.com/protocol/schema and `agent-client-protocol` 0.12. Items are JSON-RPC messages of
either direction, the `params` of `session/update`, or an update by itself, as dicts or as the SDK's models.

It cannot say: a tool's name (its title stands for it), arguments as they are written, models, steps, hand-offs. An update
stream alone has no end: that is in the response to `session/prompt`.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.builder import Block
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, Verdict
from nbagent.adapters.base.fields import fields_or_none, plain, string
from nbagent.adapters.base.json_rpc import Requests, said_by, write_blob
from nbagent.adapters.base.payload import counts, frame_of, peek, text_in, wire
from nbagent.events.jsonable import text_safe

_METHODS = ("session/", "fs/", "terminal/")
_STOPS = {
    "end_turn": Verdict("completed", "end_turn"),
    "max_tokens": Verdict("incomplete", "max_tokens", "max_tokens"),
    "max_turn_requests": Verdict("max_steps", "max_turn_requests"),
    "refusal": Verdict("incomplete", "refusal", "refusal"),
    "cancelled": Verdict("cancelled", "cancelled"),
}


class AcpDecoder(BaseDecoder):
    """ACP messages to events."""

    system: ClassVar[str] = "acp"

    def __init__(self) -> None:
        super().__init__()
        self._requests = Requests()
        self._calls: dict[str, Block] = {}
        self._inputs: dict[str, Any] = {}
        self._options: dict[str, dict[str, str]] = {}

    @staticmethod
    def recognises(item: Any) -> bool:
        """Whether the item is a message of this protocol, or an update without its envelope."""
        said = peek(item)
        method = said.get("method")
        if isinstance(method, str):
            starts = method == "initialize" and isinstance(fields_or_none(said.get("params")).get("protocolVersion"), int)
            return "jsonrpc" in said and (starts or method.startswith(_METHODS))
        return "sessionUpdate" in said or "sessionUpdate" in fields_or_none(said.get("update"))

    def read(self, item: Any) -> None:
        """One message."""
        said = wire(frame_of(item).data)
        if "sessionUpdate" in said or "update" in said:
            self._update(fields_or_none(said.get("update")) or said)
        elif isinstance(said.get("method"), str):
            self._request(said)
        elif said.get("error") is not None:
            self._requests.answered(said)
            self.fail_with(said["error"])
        elif "result" in said:
            self._response(said)
        elif "stopReason" in said:
            self._stop(said)
        elif "toolCall" in said:
            self._ask(self.book.mint("approval"), said)
        else:
            self.unread(item)

    # --- requests and responses -----------------------------------------------------------------------------------------

    def _request(self, said: Mapping[str, Any]) -> None:
        call = self._requests.add(said)
        match call.method:
            case "session/update":
                self._update(fields_or_none(call.params.get("update")))
            case "session/prompt":
                self._start(call.params)
            case "session/request_permission":
                self._ask(str(said.get("id")), call.params)
            case "elicitation/create" | "session/elicitation":
                schema = call.params.get("requestedSchema")
                self._request_input(str(said.get("id")), string(call.params.get("message")), schema)
            case _:
                self.book.write(ev.Custom(name=call.method, data=plain(call.params), **self.book.stamp))

    def _start(self, params: Mapping[str, Any]) -> None:
        """A turn begins: one prompt, and all that is done about it."""
        self.verdict = TRUNCATED
        self.book.begin(thread_id=string(params.get("sessionId")))

    def _response(self, said: Mapping[str, Any]) -> None:
        result = fields_or_none(said["result"])
        outcome = fields_or_none(result.get("outcome"))
        expected = "session/prompt" if "stopReason" in result else "session/request_permission" if outcome else None
        call = self._requests.answered(said, expected=expected)
        approval_id = str(said.get("id"))
        if "stopReason" in result:
            self._stop(result)
        elif outcome and approval_id in self._options:
            self._answer(approval_id, outcome)
        elif call is not None or isinstance(said["result"], Mapping) or said["result"] is None:
            name = "response" if call is None else f"{call.method} response"
            self.book.write(ev.Custom(name=name, data=plain(said["result"]), **self.book.stamp))
        else:
            self.book.raw(said)

    def _stop(self, result: Mapping[str, Any]) -> None:
        """The turn is over."""
        usage = counts(
            result.get("usage"),
            input="inputTokens",
            output="outputTokens",
            total="totalTokens",
            reasoning="thoughtTokens",
            cache_read="cachedReadTokens",
            cache_write="cachedWriteTokens",
        )
        if usage:
            self.book.usage = ev.Usage(**usage)
            self.book.write(ev.UsageUpdate(usage=self.book.usage, **self.book.stamp))
        for call_id in list(self._inputs):
            self._settle_input(call_id)
        self.book.settle()
        reason = string(result.get("stopReason"))
        self.verdict = _STOPS.get(reason or "", Verdict("completed", reason))

    def _ask(self, approval_id: str, params: Mapping[str, Any]) -> None:
        call = fields_or_none(params.get("toolCall"))
        block = self._tool(call)
        self._settle_input(str(call.get("toolCallId")))
        options = [fields_or_none(option) for option in params.get("options") or ()]
        self._options[approval_id] = {str(option.get("optionId")): str(option.get("kind")) for option in options}
        request = ev.ApprovalRequest(
            approval_id=approval_id,
            tool_id=block.id,
            prompt=string(call.get("title")),
            args=plain(call.get("rawInput")),
            options=[text_safe(str(option.get("name") or option.get("optionId"))) for option in options] or None,
            meta={"options": plain(options)},
            **self.book.stamp,
        )
        self.book.write(request)
        self.verdict = Verdict("paused")

    def _request_input(self, approval_id: str, prompt: str | None, schema: Any) -> None:
        shape = plain(schema) if isinstance(schema, Mapping) else None
        request = ev.ApprovalRequest(approval_id=approval_id, kind="input", prompt=prompt, schema=shape, **self.book.stamp)
        self.book.write(request)
        self.verdict = Verdict("paused")

    def _answer(self, approval_id: str, outcome: Mapping[str, Any]) -> None:
        option = str(outcome.get("optionId"))
        kind = self._options.pop(approval_id).get(option, "")
        response = ev.ApprovalResponse(
            approval_id=approval_id,
            decision="cancel" if outcome.get("outcome") == "cancelled" else "deny" if kind.startswith("reject") else "approve",
            value=plain(outcome.get("optionId")),
            **self.book.stamp,
        )
        self.book.write(response)
        self.verdict = TRUNCATED

    # --- updates --------------------------------------------------------------------------------------------------------

    def _update(self, update: Mapping[str, Any]) -> None:
        kind = string(update.get("sessionUpdate")) or ""
        handler = _UPDATES.get(kind)
        if self.verdict.status == "paused":  # it goes on, and so the answer came by another way
            self.verdict = TRUNCATED
        if handler is not None:
            handler(self, update)
        elif kind:
            rest = {name: value for name, value in update.items() if name != "sessionUpdate"}
            self.book.write(ev.Custom(name=kind, data=plain(rest), **self.book.stamp))
        else:
            self.book.raw(update)

    def _text(self, update: Mapping[str, Any]) -> None:
        key = ("text", update.get("messageId"))
        self._end_others(key)
        if not write_blob(self.book, update["content"]):
            self.book.text(key, text_in(update["content"]))

    def _thought(self, update: Mapping[str, Any]) -> None:
        key = ("thought", update.get("messageId"))
        self._end_others(key)
        self.book.thought(key, text_in(update["content"]))

    def _end_others(self, key: Any) -> None:
        """Chunks follow each other; what speaks in between ends a text."""
        for other in self.book.open_keys():
            if other != key:
                self.book.end_text(other)
                self.book.end_thought(other)

    def _user(self, update: Mapping[str, Any]) -> None:
        """What the user said, told again where a session is loaded."""
        self.book.write(ev.Custom(name="user_message", data=plain(update.get("content")), **self.book.stamp))

    def _plan(self, update: Mapping[str, Any]) -> None:
        entries = plain(update.get("entries"))
        running = next((entry for entry in entries if fields_or_none(entry).get("status") == "in_progress"), None)
        self.book.write(ev.Custom(name="plan", data=entries, **self.book.stamp))
        if running is not None and string(running.get("content")):
            self.book.write(ev.Status(message=running["content"], **self.book.stamp))

    def _usage(self, update: Mapping[str, Any]) -> None:
        """How full the context is, and what the session cost so far: neither is a count of this turn's tokens."""
        cost = fields_or_none(update.get("cost"))
        amount = cost.get("amount") if cost.get("currency") in (None, "USD") else None
        usage = ev.Usage(
            total=counts(update, used="used").get("used"), cost=float(amount) if isinstance(amount, int | float) else None
        )
        self.book.write(ev.UsageUpdate(usage=usage, meta={"size": plain(update.get("size"))}, **self.book.stamp))

    # --- tools ----------------------------------------------------------------------------------------------------------

    def _tool(self, said: Mapping[str, Any]) -> Block:
        """The call of that id, started if it is new."""
        call_id = str(said["toolCallId"])
        block = self._calls.get(call_id)
        if block is None or (block.closed and said.get("sessionUpdate") == "tool_call"):
            self.book.settle()
            name = string(said.get("title")) or string(said.get("kind")) or "tool"
            meta = {key: plain(said[key]) for key in ("kind", "locations") if said.get(key)}
            block = self._calls[call_id] = self.book.start_tool(call_id, name, call_id=call_id, meta=meta or None)
            self._inputs[call_id] = None
        if said.get("rawInput") is not None and call_id in self._inputs:
            self._inputs[call_id] = said["rawInput"]
        return block

    def _settle_input(self, call_id: str) -> None:
        """The arguments count as whole when the tool runs: until then, updates may replace them."""
        if call_id in self._inputs:
            args = self._inputs.pop(call_id)
            if isinstance(args, str):
                self.book.tool_args(self._calls[call_id], args, free=True)
            else:
                self.book.tool_args(self._calls[call_id], args={} if args is None else args)

    def _tool_call(self, update: Mapping[str, Any]) -> None:
        known = str(update.get("toolCallId")) in self._calls
        block = self._tool(update)
        title, status = string(update.get("title")), update.get("status")
        if known and title and title != block.name:
            self.book.progress(block, title)
            block.name = title
        if status in ("in_progress", "completed", "failed"):
            self._settle_input(str(update["toolCallId"]))
        content, output = update.get("content"), update.get("rawOutput")
        shown = said_by(content) if output is None else output
        if status in ("completed", "failed"):
            failed = status == "failed"
            info = ev.ErrorInfo(message=text_in(content or "") or string(output) or "the tool failed") if failed else None
            self.book.tool_result(block, shown, status="error" if failed else "ok", error=info)
        elif content or output is not None:
            self.book.tool_result(block, shown, preliminary=True)


_UPDATES: dict[str, Callable[[AcpDecoder, Mapping[str, Any]], None]] = {
    "agent_message_chunk": AcpDecoder._text,
    "agent_thought_chunk": AcpDecoder._thought,
    "user_message_chunk": AcpDecoder._user,
    "tool_call": AcpDecoder._tool_call,
    "tool_call_update": AcpDecoder._tool_call,
    "plan": AcpDecoder._plan,
    "usage_update": AcpDecoder._usage,
}

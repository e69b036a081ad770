"""The tool calls of one Chat Completions answer, put together from their deltas."""

import json
from collections.abc import Hashable, Mapping
from typing import Any

from nbagent.adapters.base.builder import Block, EventBuilder, parse
from nbagent.adapters.base.fields import fields, fields_or_empty, str_field, to_jsonable
from nbagent.events import ErrorInfo, ToolKind

_KNOWN = {"index", "id", "type", "function", "custom"}


class ToolCall:
    """One call as it comes in. It starts when its name is known."""

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self.call_id: str | None = None
        self.name = ""
        self.kind: ToolKind = "function"
        self.waiting = ""
        self.block: Block | None = None
        self.meta: dict[str, Any] = {}

    def is_another(self, call_id: str | None, name: str | None, arguments: str) -> bool:
        """Whether a delta under this call's index belongs to another call.

        Servers that give every call index 0 tell them apart by id, or by nothing but a name and arguments that start anew. A
        delta without a name is always a continuation, even where a server gives it an id of its own.
        """
        if not name or not self.name:
            return False
        if call_id and self.call_id:
            return call_id != self.call_id
        if name != self.name:
            return True
        pieces = self.block.pieces if self.block is not None else []
        looks_new = arguments.lstrip().startswith("{") and bool(pieces) and pieces[-1].rstrip().endswith("}")
        return looks_new and parse("".join(pieces))[1]


class ToolCalls:
    """All calls of one answer, in order."""

    def __init__(self, prefix: Hashable) -> None:
        self._prefix = prefix
        self._calls: list[ToolCall] = []
        self._by_index: dict[int, ToolCall] = {}
        self._executed: dict[Any, Block] = {}

    def read(self, builder: EventBuilder, delta: Mapping[str, Any], *, whole: bool) -> None:
        """The calls in a delta; in a `whole` message every entry is a call of its own."""
        entries = delta.get("tool_calls") or ()
        for entry in [entries] if isinstance(entries, Mapping) else entries:  # Hugging Face's TGI sends no list
            payload = fields(entry)
            self._read_call(builder, {**payload, "index": len(self._calls)} if whole else payload)
        legacy = delta.get("function_call")
        if legacy is not None:
            self._read_call(builder, {"index": -1, "function": legacy})

    def _read_call(self, builder: EventBuilder, payload: Mapping[str, Any]) -> None:
        custom = fields_or_empty(payload.get("custom"))
        function = custom or fields_or_empty(payload.get("function"))
        call_id, name = str_field(payload, "id"), str_field(function, "name")
        arguments = function.get("input" if custom else "arguments")
        if not isinstance(arguments, str):
            arguments = "" if arguments is None else json.dumps(to_jsonable(arguments), ensure_ascii=False)
        call = self._find(payload.get("index"), call_id, name, arguments)
        call.call_id = call.call_id or call_id
        call.name = call.name or name or ""
        call.kind = "custom" if custom else call.kind
        call.meta.update({key: to_jsonable(value) for key, value in payload.items() if key not in _KNOWN and value})
        if call.block is None and call.name:
            self._start(builder, call)
        if call.block is None:
            call.waiting += arguments
        else:
            builder.tool_delta(call.block, arguments)

    def _find(self, index: Any, call_id: str | None, name: str | None, arguments: str) -> ToolCall:
        """The call that a delta continues, or a new one: by index, else by id, else the last one."""
        found: ToolCall | None = None
        if isinstance(index, int):
            found = self._by_index.get(index)
            if found is not None and found.is_another(call_id, name, arguments):
                found = None
        elif call_id:
            found = next((call for call in reversed(self._calls) if call.call_id == call_id), None)
        elif not name and self._calls:
            found = self._calls[-1]
        if found is None:
            found = ToolCall((self._prefix, len(self._calls)))
            self._calls.append(found)
        if isinstance(index, int):
            self._by_index[index] = found
        return found

    def _start(self, builder: EventBuilder, call: ToolCall) -> None:
        call.block = builder.start_tool(
            call.key, call.name or "tool", call_id=call.call_id, kind=call.kind, meta=dict(call.meta) or None
        )
        builder.tool_delta(call.block, call.waiting)
        call.waiting = ""

    def finish(self, builder: EventBuilder) -> None:
        """The answer is whole, and so are the arguments."""
        for call in self._calls:
            if call.block is None:
                self._start(builder, call)
            if call.block is not None:
                builder.tool_args(call.block, free=call.kind == "custom", meta=call.meta or None)

    def read_executed(self, builder: EventBuilder, payload: Mapping[str, Any]) -> None:
        """A tool that the server ran itself (Groq's compound systems): first with arguments, later again with the output."""
        index = payload.get("index")
        block = self._executed.get(index)
        if block is None:
            name = str_field(payload, "name") or str_field(payload, "type") or "tool"
            block = self._executed[index] = builder.start_tool((self._prefix, "executed", index), name, kind="hosted")
        arguments = payload.get("arguments")
        if arguments is not None:
            builder.tool_args(block, arguments if isinstance(arguments, str) else json.dumps(to_jsonable(arguments)))
        output = payload.get("output")
        if output is not None:
            error = str_field(payload, "error")
            info = ErrorInfo(message=error) if error else None
            builder.tool_result(block, output, status="error" if error else "ok", error=info)

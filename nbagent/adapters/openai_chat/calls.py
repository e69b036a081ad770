"""Tool calls of one Chat Completions choice, assembled from their deltas."""

import json
from collections.abc import Hashable, Mapping
from typing import Any

from nbagent.adapters.base.block import Block
from nbagent.adapters.base.builder import EventBuilder
from nbagent.adapters.base.fields import (
    entries_in,
    fields,
    fields_or_empty,
    parse_args,
    str_field,
    to_jsonable,
)
from nbagent.events import ToolKind

_CALL_FIELDS = {"index", "id", "type", "function", "custom"}


class PendingCall:
    """Tool call whose deltas come one by one.

    It starts when its name is known; arguments that come before are kept in `early_arguments`.
    """

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self.call_id: str | None = None
        self.name = ""
        self.kind: ToolKind = "function"
        self.early_arguments = ""
        self.block: Block | None = None
        self.meta: dict[str, Any] = {}

    def is_another(self, call_id: str | None, name: str | None, arguments: str) -> bool:
        """Return True if a delta under this call's index belongs to another call.

        Some servers give every call index 0. Their calls differ by id, or only by a repeated name
        and arguments that start again. A delta without a name always continues the call, even if
        the server gives it a new id.
        """
        if not name or not self.name:
            return False
        if call_id and self.call_id:
            return call_id != self.call_id
        if name != self.name:
            return True
        pieces = self.block.args_pieces if self.block is not None else []
        restarts = (
            arguments.lstrip().startswith("{")
            and bool(pieces)
            and pieces[-1].rstrip().endswith("}")
        )
        return restarts and parse_args("".join(pieces))[1]


class ToolCalls:
    """The calls of one choice, in order."""

    def __init__(self, prefix: Hashable) -> None:
        self._prefix = prefix
        self._calls: list[PendingCall] = []
        self._by_index: dict[int, PendingCall] = {}
        self._executed: dict[Any, Block] = {}

    def read(self, builder: EventBuilder, delta: Mapping[str, Any], *, is_complete: bool) -> None:
        """Read the calls of a delta, or of a message with `is_complete`, where every entry is a
        call of its own.
        """
        entries = entries_in(delta, "tool_calls")
        for entry in [entries] if isinstance(entries, Mapping) else entries:
            # Hugging Face's TGI sends no list.
            call = fields(entry)
            self._read_call(builder, {**call, "index": len(self._calls)} if is_complete else call)
        legacy = delta.get("function_call")
        if legacy is not None:
            self._read_call(builder, {"index": -1, "function": legacy})

    def _read_call(self, builder: EventBuilder, entry: Mapping[str, Any]) -> None:
        custom = fields_or_empty(entry.get("custom"))
        function = custom or fields_or_empty(entry.get("function"))
        call_id, name = str_field(entry, "id"), str_field(function, "name")
        arguments = function.get("input" if custom else "arguments")
        if not isinstance(arguments, str):
            arguments = _as_json(arguments)
        call = self._find(entry.get("index"), call_id, name, arguments)
        call.call_id = call.call_id or call_id
        call.name = call.name or name or ""
        if custom:
            call.kind = "custom"
        extra = {key: value for key, value in entry.items() if key not in _CALL_FIELDS and value}
        call.meta |= fields_or_empty(to_jsonable(extra))
        if call.block is None and call.name:
            self._start(builder, call)
        if call.block is None:
            call.early_arguments += arguments
        else:
            builder.tool_delta(call.block, arguments)

    def _find(
        self, index: Any, call_id: str | None, name: str | None, arguments: str
    ) -> PendingCall:
        """Return the call that a delta continues (by index, else by id, else the last one), or a
        new call.
        """
        found: PendingCall | None = None
        if isinstance(index, int):
            found = self._by_index.get(index)
            if found is not None and found.is_another(call_id, name, arguments):
                found = None
        elif call_id:
            found = next((call for call in reversed(self._calls) if call.call_id == call_id), None)
        elif not name and self._calls:
            found = self._calls[-1]
        if found is None:
            found = PendingCall((self._prefix, len(self._calls)))
            self._calls.append(found)
        if isinstance(index, int):
            self._by_index[index] = found
        return found

    def _start(self, builder: EventBuilder, call: PendingCall) -> None:
        call.block = builder.start_tool(
            call.key,
            call.name or "tool",
            call_id=call.call_id,
            kind=call.kind,
            meta=dict(call.meta),
        )
        builder.tool_delta(call.block, call.early_arguments)
        call.early_arguments = ""

    def finish(self, builder: EventBuilder) -> None:
        """Complete the arguments of every call: the choice is complete."""
        for call in self._calls:
            if call.block is None:
                self._start(builder, call)
            if call.block is not None:
                builder.tool_args(call.block, free=call.kind == "custom", meta=call.meta or None)

    def read_executed(self, builder: EventBuilder, entry: Mapping[str, Any]) -> None:
        """Read a tool that the server ran itself (Groq's compound systems), sent first with
        arguments, later with output.
        """
        index = entry.get("index")
        block = self._executed.get(index)
        if block is None:
            name = str_field(entry, "name", "type", default="tool")
            block = self._executed[index] = builder.start_tool(
                (self._prefix, "executed", index), name, kind="hosted"
            )
        arguments = entry.get("arguments")
        if arguments is not None:
            builder.tool_args(
                block,
                arguments if isinstance(arguments, str) else json.dumps(to_jsonable(arguments)),
            )
        output = entry.get("output")
        if output is not None:
            error = str_field(entry, "error")
            if error:
                builder.tool_error(block, error, output)
            else:
                builder.tool_result(block, output)


def _as_json(arguments: Any) -> str:
    """Return arguments that are no text as JSON; "" if there are none."""
    if arguments is None:
        return ""
    return json.dumps(to_jsonable(arguments), ensure_ascii=False)

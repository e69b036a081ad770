"""Tool calls of one Chat Completions choice, assembled from their deltas."""

import json
from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

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


class CallDelta(NamedTuple):
    """Delta of a call, or a whole call.

    Attributes:
        index: of the call in the choice; None if the server sends none.
        call_id: the provider's id.
        name: the tool's name.
        arguments: piece of the arguments' text.
        kind: of the tool.
        meta: fields that only this server has.
    """

    index: Any
    call_id: str | None
    name: str | None
    arguments: str
    kind: ToolKind
    meta: Mapping[str, Any]

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> "CallDelta":
        """Return the delta in an entry of `tool_calls`."""
        custom = fields_or_empty(entry.get("custom"))
        if custom:
            function, arguments = custom, custom.get("input")
        else:
            function = fields_or_empty(entry.get("function"))
            arguments = function.get("arguments")
        if not isinstance(arguments, str):
            arguments = _as_json(arguments)
        extra = {name: value for name, value in entry.items() if name not in _CALL_FIELDS and value}
        if extra:
            extra = to_jsonable(extra)
        return cls(
            index=entry.get("index"),
            call_id=str_field(entry, "id"),
            name=str_field(function, "name"),
            arguments=arguments,
            kind="custom" if custom else "function",
            meta=extra,
        )


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

    def is_another(self, delta: CallDelta) -> bool:
        """Return True if a delta under this call's index belongs to another call.

        Some servers give every call index 0. Their calls differ by id, or only by a repeated name
        and arguments that start again. A delta without a name always continues the call, even if
        the server gives it a new id.
        """
        if not delta.name or not self.name:
            return False
        if delta.call_id and self.call_id:
            return delta.call_id != self.call_id
        if delta.name != self.name:
            return True
        if self.block is None or not self.block.args_pieces:
            return False
        pieces = self.block.args_pieces
        restarts = delta.arguments.lstrip().startswith("{") and pieces[-1].rstrip().endswith("}")
        return restarts and parse_args("".join(pieces))[1]

    def describe(self, delta: CallDelta) -> None:
        """Take over what a delta says about the call, beside its arguments."""
        self.call_id = self.call_id or delta.call_id
        self.name = self.name or delta.name or ""
        if delta.kind == "custom":
            self.kind = "custom"
        self.meta |= delta.meta


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
            call = CallDelta.of(fields(entry))
            self._read_call(builder, call._replace(index=len(self._calls)) if is_complete else call)
        legacy = delta.get("function_call")
        if legacy is not None:
            self._read_call(builder, CallDelta.of({"index": -1, "function": legacy}))

    def _read_call(self, builder: EventBuilder, delta: CallDelta) -> None:
        call = self._known(delta)
        if call is None:
            call = PendingCall((self._prefix, len(self._calls)))
            self._calls.append(call)
        if isinstance(delta.index, int):
            self._by_index[delta.index] = call
        call.describe(delta)
        if call.block is None and call.name:
            self._start(builder, call)
        if call.block is None:
            call.early_arguments += delta.arguments
        else:
            builder.tool_delta(call.block, delta.arguments)

    def _known(self, delta: CallDelta) -> PendingCall | None:
        """Return the call that a delta continues: by index, else by id, else the last one; None if
        it begins a new one.
        """
        if isinstance(delta.index, int):
            found = self._by_index.get(delta.index)
            if found is None or found.is_another(delta):
                return None
            return found
        if delta.call_id:
            same = (call for call in reversed(self._calls) if call.call_id == delta.call_id)
            return next(same, None)
        if delta.name or not self._calls:
            return None
        return self._calls[-1]

    def _start(self, builder: EventBuilder, call: PendingCall) -> Block:
        block = call.block = builder.start_tool(
            call.key,
            call.name,
            call_id=call.call_id,
            kind=call.kind,
            meta=dict(call.meta),
        )
        builder.tool_delta(block, call.early_arguments)
        call.early_arguments = ""
        return block

    def finish(self, builder: EventBuilder) -> None:
        """Complete the arguments of every call: the choice is complete."""
        for call in self._calls:
            block = call.block or self._start(builder, call)
            builder.tool_args(block, free=call.kind == "custom", meta=call.meta or None)

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
            builder.end_tool(block, output, failed=error is not None, message=error)


def _as_json(arguments: Any) -> str:
    """Return arguments that are no text as JSON; "" if there are none."""
    if arguments is None:
        return ""
    return json.dumps(to_jsonable(arguments), ensure_ascii=False)

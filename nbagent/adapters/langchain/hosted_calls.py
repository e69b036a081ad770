"""Calls of tools that the provider ran, in the content of a LangChain message."""

from collections.abc import Hashable, Mapping
from typing import Any

from nbagent.adapters.base.block import Block
from nbagent.adapters.base.builder import EventBuilder
from nbagent.adapters.base.fields import get_field, str_field


class HostedCalls:
    """Writes the hosted calls of one message.

    Args:
        builder: takes the events.
        key: of the message.
    """

    def __init__(self, builder: EventBuilder, key: Hashable) -> None:
        self._builder = builder
        self._key = key
        self._calls: dict[Hashable, Block] = {}

    def read(self, kind: str, entry: Mapping[str, Any]) -> bool:
        """Read a content block of a type; return False if it is no hosted call and no result."""
        if kind in ("server_tool_call", "server_tool_call_chunk", "server_tool_use"):
            self._read_call(entry)
        elif kind.endswith("_tool_result"):
            self._read_result(entry)
        else:
            return False
        return True

    def close(self) -> None:
        """Complete the arguments of every call."""
        for block in self._calls.values():
            self._builder.tool_args(block)

    def _read_call(self, entry: Mapping[str, Any]) -> None:
        block = self._call_of(str_field(entry, "id"), str_field(entry, "name"))
        args = entry.get("args", entry.get("input", entry.get("partial_json")))
        if isinstance(args, str):
            self._builder.tool_delta(block, args)
        elif args:
            self._builder.tool_args(block, args=args)

    def _call_of(self, call_id: str | None, name: str | None) -> Block:
        """Return the call of an id; without one, the last call, or a new one if there is a name."""
        block = self._calls.get(call_id)
        if call_id is None and name is None:
            block = next(reversed(self._calls.values()), None)
        if block is None or (call_id is None and name is not None):
            block = self._start(call_id, name)
            self._calls[call_id or block.id] = block
        return block

    def _start(self, call_id: str | None, name: str | None) -> Block:
        key = (self._key, "hosted", call_id)
        return self._builder.start_tool(key, name, call_id=call_id, kind="hosted")

    def _read_result(self, entry: Mapping[str, Any]) -> None:
        call_id = str_field(entry, "tool_call_id", "tool_use_id")
        block = self._calls.get(call_id) or self._start(call_id, None)
        self._builder.tool_args(block)
        content = entry.get("output", entry.get("content"))
        kind = str(get_field(content, "type"))
        failed = entry.get("status") == "error" or kind.endswith("_error")
        message = str(get_field(content, "error_code") or "")
        self._builder.end_tool(block, content, failed=failed, message=message)

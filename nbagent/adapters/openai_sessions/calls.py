"""Call items of a hosted session: the client's functions, and the tools that the service runs
itself.
"""

from collections.abc import Mapping
from typing import Any

from nbagent import events as ev
from nbagent.adapters.base.block import Block
from nbagent.adapters.base.builder import EventBuilder
from nbagent.adapters.base.fields import fields_or_empty, nonempty_str, str_field, to_jsonable
from nbagent.adapters.base.payload import text_in
from nbagent.adapters.openai_responses.items import Item

_KINDS: dict[str, ev.ToolKind] = {"function_call": "function", "mcp_call": "mcp"}
_NON_ARGUMENTS = {
    "id",
    "type",
    "status",
    "turn_id",
    "title",
    "output",
    "exit_code",
    "duration_ms",
    "agent_id",
    "sender_agent_id",
}
_LATE_ARGUMENTS = {"web_search_call"}
"""Calls whose arguments are incomplete until they end."""

_FAILED = {"failed", "incomplete"}


def is_call(item_type: str) -> bool:
    """Return True if an item is a call, and not the output of one."""
    return item_type.endswith("_call") or item_type == "command_execution"


class SessionCalls:
    """Starts and completes calls, and finds the call of an output, an approval request or a
    sub-agent.
    """

    def __init__(self, builder: EventBuilder) -> None:
        self._builder = builder
        self._functions: dict[tuple[str, str], Block] = {}
        self._mcp: dict[tuple[str, str, str], Block] = {}
        self._creators: list[tuple[str, str, Block]] = []

    def start(self, item: Item, payload: Mapping[str, Any]) -> None:
        """Start a call. Its arguments are an object, and so complete as soon as there are any."""
        item_type = str(payload.get("type"))
        if item_type == "function_call":
            item.tool = self.function(payload)
            return
        name = str_field(payload, "name") or item_type.removesuffix("_call")
        server = str_field(payload, "server_label")
        title = f"{server}: {name}" if server else str_field(payload, "title")
        item.tool = self._builder.start_tool(
            item.key, name, kind=_KINDS.get(item_type, "hosted"), title=title
        )
        if item_type == "mcp_call":
            self._mcp[str(payload.get("turn_id")), server or "", name] = item.tool
        elif item_type == "create_subagent_call":
            self._creators.append(
                (str(payload.get("agent_id")), text_in(payload.get("content")), item.tool)
            )
        args = _arguments(payload)
        if args and item_type not in _LATE_ARGUMENTS:
            self._builder.tool_args(item.tool, args=args)

    def function(self, payload: Mapping[str, Any]) -> Block:
        """Return the call of a client's function, started if it is new: it is sent as an item and
        as a required action.
        """
        key = str(payload.get("turn_id")), str(payload.get("call_id"))
        block = self._functions.get(key)
        if block is None:
            call_id = str_field(payload, "call_id")
            block = self._builder.start_tool(
                ("function", *key), str_field(payload, "name", default="function"), call_id=call_id
            )
            self._functions[key] = block
        if payload.get("arguments"):
            self._builder.tool_args(block, args=_arguments(payload))
        return block

    def mcp_call(self, payload: Mapping[str, Any], request: Mapping[str, Any]) -> Block | None:
        """Return the MCP call that an approval request is for, or None."""
        return self._mcp.get(
            (
                str(payload.get("turn_id")),
                str(request.get("server_label")),
                str(request.get("name")),
            )
        )

    def creator_of(self, agent: Mapping[str, Any]) -> Block | None:
        """Return the call that created a sub-agent: of its parent's calls the one with the same
        task, or the only one.
        """
        parent, task = str(agent.get("parent_agent_id")), text_in(agent.get("instructions"))
        calls = [call for call in self._creators if call[0] == parent]
        found = next(
            (call for call in calls if call[1] == task), calls[0] if len(calls) == 1 else None
        )
        if found is None:
            return None
        self._creators.remove(found)
        return found[2]

    def output(self, item: Item, delta: str) -> None:
        """Write output of a running command as progress, and keep it for the result."""
        item.early_deltas.append(delta)
        if item.tool is not None and not item.tool.closed and delta.strip():
            self._builder.progress(item.tool, delta.rstrip("\n"))

    def complete(self, item: Item, payload: Mapping[str, Any]) -> None:
        """Complete a call, with its result if the service ran it."""
        if item.tool is None:
            self.start(item, payload)
        block = item.tool
        assert block is not None
        self._builder.tool_args(block, args=_arguments(payload))
        if item.type != "function_call":
            self._write_result(block, item, payload)

    def _write_result(self, block: Block, item: Item, payload: Mapping[str, Any]) -> None:
        status, error, content = (
            str_field(payload, "status", default="completed"),
            payload.get("error"),
            payload.get("output"),
        )
        exit_code = payload.get("exit_code")
        if item.type == "computer_use_call":
            self._write_screenshot(nonempty_str(fields_or_empty(content).get("image_url")))
            content = None
        if content is None and item.early_deltas:
            content = "".join(item.early_deltas)
        if exit_code and not error:
            error = f"exit code {exit_code}"
        if error or status in _FAILED:
            message = _error_message(error) or f"The call is {status}"
            self._builder.tool_error(block, message, content)
        else:
            self._builder.tool_result(block, status if content is None else content)

    def _write_screenshot(self, url: str | None) -> None:
        """Write the last screenshot, a data URL of a JPEG."""
        if url is not None:
            data = url.partition(";base64,")[2]
            self._builder.file("image/jpeg", data=data or None, url=None if data else url)

    def take_function(self, payload: Mapping[str, Any]) -> Block | None:
        """Remove and return the call that a function output answers, or None."""
        return self._functions.pop((str(payload.get("turn_id")), str(payload.get("call_id"))), None)

    def answer(self, block: Block, payload: Mapping[str, Any]) -> None:
        """Write the client's output of a call."""
        self._builder.tool_args(block)
        error = payload.get("error")
        failed = bool(error) or payload.get("status") in _FAILED
        message = _error_message(error) or "The function failed"
        self._builder.end_tool(block, payload.get("output"), failed=failed, message=message)


def _arguments(payload: Mapping[str, Any]) -> Any:
    """Return the arguments of a call, or its other fields if it has no such field."""
    for name in ("arguments", "action"):
        if name in payload:
            if payload[name] is None:
                return {}
            return to_jsonable(payload[name])
    arguments = {
        name: to_jsonable(value)
        for name, value in payload.items()
        if name not in _NON_ARGUMENTS and value is not None
    }
    if "content" in arguments:  # only the readable part: the rest is encrypted, for other agents
        arguments["content"] = text_in(payload["content"])
    return arguments


def _error_message(error: Any) -> str:
    inner = fields_or_empty(error)
    return (
        nonempty_str(error)
        or str_field(inner, "message")
        or str_field(inner, "content")
        or (str(to_jsonable(error)) if error else "")
    )

"""Call items of a Responses stream: the client's functions, and the tools that the service runs
itself.
"""

from collections.abc import Mapping
from typing import Any

from nbagent import events as ev
from nbagent.adapters.base.block import Block
from nbagent.adapters.base.builder import EventBuilder
from nbagent.adapters.base.fields import (
    extra_fields,
    fields,
    fields_or_empty,
    first_field,
    nonempty_str,
    parse_args,
    str_field,
    str_or_none,
    to_jsonable,
)
from nbagent.adapters.openai_responses.items import Item

_COMMON_FIELDS = {"id", "type", "status", "call_id", "created_by"}
_META_FIELDS = (
    "server_label",
    "namespace",
    "caller",
    "container_id",
    "execution",
    "approval_request_id",
    "environment",
)

# Calls whose result comes as an item of its own, or from the client. The end of the item completes
# only their arguments.
_ANSWERED_LATER = {
    "function_call",
    "custom_tool_call",
    "shell_call",
    "local_shell_call",
    "apply_patch_call",
    "computer_call",
    "tool_search_call",
    "program",
}
_NAMES = {"mcp_list_tools": "list_tools", "program": "program", "mcp_approval_request": "mcp"}

# Fields with the arguments of a call, and fields with its result, by item type.
_ARGS: dict[str, tuple[str, ...]] = {
    "web_search_call": ("action",),
    "file_search_call": ("queries",),
    "image_generation_call": (
        "revised_prompt",
        "action",
        "size",
        "quality",
        "background",
        "output_format",
    ),
    "mcp_list_tools": ("server_label",),
    "shell_call": ("action",),
    "local_shell_call": ("action",),
    "apply_patch_call": ("operation",),
    "computer_call": ("action", "actions"),
    "tool_search_call": ("arguments",),
}
_RESULT: dict[str, tuple[str, ...]] = {
    "web_search_call": ("results",),
    "file_search_call": ("results",),
    "code_interpreter_call": ("outputs",),
    "image_generation_call": (),
    "mcp_call": ("output",),
    "mcp_list_tools": ("tools",),
}


_FREE_ARGS = {"custom_tool_call": "input", "code_interpreter_call": "code", "program": "code"}
"""Calls whose argument is a text, and its field."""


def is_tool(item_type: str) -> bool:
    """Return True if an output item is a call, and not the output of one."""
    return item_type.endswith("_call") or item_type in _NAMES


class ToolItems:
    """Starts and completes calls, and finds the call of an output item.

    Attributes:
        pending: number of approvals that the current response asks for.
        response_id: the service's id of that response.
    """

    def __init__(self, builder: EventBuilder) -> None:
        self._builder = builder
        self.pending = 0
        self._by_call_id: dict[str, Block] = {}
        self.response_id: str | None = None
        self._approvals: dict[str, Block] = {}
        self._unanswered: dict[str, list[Block]] = {}

    def start(self, item: Item, payload: Mapping[str, Any]) -> None:
        """Start a call. An approved MCP call continues the block of its approval request."""
        approved = self._approvals.pop(str(payload.get("approval_request_id")), None)
        if approved is not None:
            item.tool = approved
            return
        item_type = str(payload.get("type"))
        name = str_field(payload, "name", default=_NAMES.get(item_type))
        name = name or item_type.removesuffix("_call")
        server = str_field(payload, "server_label")
        call_id = str_field(payload, "call_id")
        item.tool = self._builder.start_tool(
            item.key,
            name,
            call_id=call_id,
            kind=_kind_of(item_type),
            title=f"{server}: {name}" if server else None,
            meta={key: to_jsonable(payload[key]) for key in _META_FIELDS if payload.get(key)},
        )
        if call_id:
            self._by_call_id[call_id] = item.tool
        if item_type in _ANSWERED_LATER:
            self._unanswered.setdefault(item_type, []).append(item.tool)
        for delta in item.early_deltas:
            self._builder.tool_delta(item.tool, delta)
        item.early_deltas.clear()

    def complete(self, item: Item, payload: Mapping[str, Any]) -> None:
        """Complete a call: its arguments, and its result if the service ran it."""
        block = item.tool
        assert block is not None
        self._write_args(block, item.type, payload)
        if item.type == "mcp_approval_request":
            self._request_approval(block, payload)
        elif item.type == "image_generation_call":
            self.write_image(item, payload.get("result"), payload)
        elif item.type == "code_interpreter_call":
            self._write_images(payload.get("outputs"))
        if item.type not in _ANSWERED_LATER and item.type != "mcp_approval_request":
            self._write_result(block, item.type, payload)

    def _write_args(self, block: Block, item_type: str, payload: Mapping[str, Any]) -> None:
        if item_type in ("function_call", "mcp_call", "mcp_approval_request"):
            self._builder.final_args(block, payload.get("arguments"))
        elif item_type in _FREE_ARGS:
            text = str_or_none(payload.get(_FREE_ARGS[item_type]))
            self._builder.tool_args(block, text, free=True)
        else:
            self._builder.tool_args(block, args=_arguments_of(item_type, payload))

    def _write_result(self, block: Block, item_type: str, payload: Mapping[str, Any]) -> None:
        names = _RESULT.get(item_type, ("output", "result", "results", "outputs"))
        content = first_field(payload, *names)
        if content is None and item_type == "web_search_call":
            content = fields_or_empty(payload.get("action")).get("sources")
        error = payload.get("error")
        status = str_field(payload, "status", default="completed")
        if error or status == "failed":
            info = _error_info(error or status)
            self._builder.tool_result(block, content, status="error", error=info)
        elif content is not None or (item_type in _RESULT and status != "incomplete"):
            self._builder.tool_result(block, content)
        elif status != "incomplete":  # an incomplete call has no result
            self._builder.tool_result(block, status)

    def _request_approval(self, block: Block, payload: Mapping[str, Any]) -> None:
        self.pending += 1
        request_id = str_field(payload, "id", default=block.id)
        self._approvals[request_id] = block
        builder = self._builder
        args = parse_args(str_field(payload, "arguments", default=""))[0]
        meta = extra_fields(response_id=self.response_id)
        builder.write(
            ev.ApprovalRequest(
                approval_id=request_id, tool_id=block.id, args=args, meta=meta, **builder.envelope
            )
        )

    def answer(self, item_type: str, payload: Mapping[str, Any], value: Any = None) -> bool:
        """Write an item that answers a call: its output, or a human's decision.

        Return False for any other item.

        `value` is the object that the tool returned, if it ran in this process.
        """
        builder = self._builder
        if item_type == "mcp_approval_response":
            decision = "approve" if payload.get("approve") else "deny"
            builder.write(
                ev.ApprovalResponse(
                    approval_id=str(payload.get("approval_request_id")),
                    decision=decision,  # type: ignore[arg-type]  # one of two literals
                    reason=str_field(payload, "reason"),
                    **builder.envelope,
                )
            )
            return True
        if not item_type.endswith("_output"):
            return False
        block = self._call_of_output(
            item_type.removesuffix("_output"), str_field(payload, "call_id")
        )
        if block is None:
            return False
        content = first_field(payload, "output", "tools", "result")
        failed = payload.get("status") == "failed"
        message = nonempty_str(content, default="failed")
        builder.end_tool(block, content, failed=failed, message=message, value=value)
        return True

    def block_of(self, call_id: str) -> Block | None:
        """Return the latest call of that id, or None."""
        return self._by_call_id.get(call_id)

    def _call_of_output(self, base: str, call_id: str | None) -> Block | None:
        block = None
        if call_id:
            block = self._by_call_id.get(call_id)
        if block is not None:
            return block
        waiting = [*self._unanswered.get(base, ()), *self._unanswered.get(base + "_call", ())]
        return next((block for block in waiting if not block.closed), None)

    def write_image(self, item: Item, data: Any, payload: Mapping[str, Any]) -> None:
        """Write an image, partial or final, always under the same file id."""
        if nonempty_str(data):
            builder = self._builder
            item.file_id = item.file_id or builder.mint("file")
            media_type = f"image/{str_field(payload, 'output_format', default='png')}"
            builder.write(
                ev.File(id=item.file_id, media_type=media_type, data=data, **builder.envelope)
            )

    def _write_images(self, outputs: Any) -> None:
        for entry in outputs or ():
            url = str_field(fields(entry), "url")
            if url:
                self._builder.file("image/*", url=url)


def _error_info(error: Any) -> ev.ErrorInfo:
    inner = fields_or_empty(error)
    message = nonempty_str(error) or str_field(inner, "message", "content")
    return ev.ErrorInfo(message=message or str(to_jsonable(error)), type=str_field(inner, "type"))


def _kind_of(item_type: str) -> ev.ToolKind:
    if item_type == "function_call":
        return "function"
    if item_type == "custom_tool_call":
        return "custom"
    if item_type.startswith("mcp_"):
        return "mcp"
    return "hosted"


def _arguments_of(item_type: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a hosted call: the known fields of its type, or all but the common
    ones. A single known field that is an object has them inside.
    """
    known = _ARGS.get(item_type)
    names = known
    if names is None:
        names = tuple(set(payload) - _COMMON_FIELDS - set(_META_FIELDS) - {"name"})
    arguments = {
        name: to_jsonable(payload[name]) for name in sorted(names) if payload.get(name) is not None
    }
    if item_type == "web_search_call":  # the sources are its result
        action = arguments.get("action", {})
        arguments = {"action": {key: value for key, value in action.items() if key != "sources"}}
    if known and len(arguments) == 1:
        only = arguments.get(known[0])
        if isinstance(only, dict):
            return only
    return arguments

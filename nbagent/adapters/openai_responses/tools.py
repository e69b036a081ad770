"""The calls in a Responses stream: the client's own functions, and the many tools that the service runs itself."""

from collections.abc import Mapping
from typing import Any

from nbagent import events as ev
from nbagent.adapters.base.builder import Block, Book, parse
from nbagent.adapters.base.fields import fields, fields_or_none, plain, string
from nbagent.adapters.openai_responses.items import Item

_ENVELOPE = {"id", "type", "status", "call_id", "created_by"}
_META = ("server_label", "namespace", "caller", "container_id", "execution", "approval_request_id", "environment")

# Calls whose result is an item of its own, or comes from the client: what ends with the item is only the call.
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

# Where a call keeps its arguments, and where its result.
_ARGS: dict[str, tuple[str, ...]] = {
    "web_search_call": ("action",),
    "file_search_call": ("queries",),
    "image_generation_call": ("revised_prompt", "action", "size", "quality", "background", "output_format"),
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


def is_tool(item_type: str) -> bool:
    """Whether an output item is a call; its output is not."""
    return item_type.endswith("_call") or item_type in _NAMES


class ToolItems:
    """Starts and completes the calls, and finds the call that an output answers.

    Attributes:
        pending: how many approvals the current response asks for.
    """

    def __init__(self, book: Book) -> None:
        self._book = book
        self.pending = 0
        self._by_call_id: dict[str, Block] = {}
        self._approvals: dict[str, Block] = {}
        self._unanswered: dict[str, list[Block]] = {}

    def start(self, item: Item, said: Mapping[str, Any]) -> None:
        """A call begins. One that was approved before is the call that asked, under the same id of ours."""
        approved = self._approvals.pop(str(said.get("approval_request_id")), None)
        if approved is not None:
            item.tool = approved
            return
        item_type = str(said.get("type"))
        name = string(said.get("name")) or _NAMES.get(item_type) or item_type.removesuffix("_call")
        label = string(said.get("server_label"))
        kind: ev.ToolKind = "hosted"
        if item_type == "function_call":
            kind = "function"
        elif item_type == "custom_tool_call":
            kind = "custom"
        elif item_type.startswith("mcp_"):
            kind = "mcp"
        call_id = string(said.get("call_id"))
        meta = {key: plain(said[key]) for key in _META if said.get(key)}
        title = f"{label}: {name}" if label else None
        item.tool = self._book.start_tool(item.key, name, call_id=call_id, kind=kind, title=title, meta=meta or None)
        if call_id:
            self._by_call_id[call_id] = item.tool
        if item_type in _ANSWERED_LATER:
            self._unanswered.setdefault(item_type, []).append(item.tool)
        for delta in item.waiting:
            self._book.tool_delta(item.tool, delta)
        item.waiting.clear()

    def complete(self, item: Item, said: Mapping[str, Any]) -> None:
        """The call is final: its arguments, and where the service ran it, its result."""
        block = item.tool
        assert block is not None
        self._write_args(block, item.type, said)
        if item.type == "mcp_approval_request":
            self._ask(block, said)
        elif item.type == "image_generation_call":
            self.write_image(item, said.get("result"), said)
        elif item.type == "code_interpreter_call":
            self._write_images(said.get("outputs"))
        if item.type not in _ANSWERED_LATER and item.type != "mcp_approval_request":
            self._write_result(block, item.type, said)

    def _write_args(self, block: Block, item_type: str, said: Mapping[str, Any]) -> None:
        book = self._book
        if item_type in ("function_call", "mcp_call", "mcp_approval_request"):
            arguments = said.get("arguments")
            if arguments is None or isinstance(arguments, str):
                book.tool_args(block, arguments)
            else:
                book.tool_args(block, args=arguments)
        elif item_type in ("custom_tool_call", "code_interpreter_call", "program"):
            text = said.get("input") if item_type == "custom_tool_call" else said.get("code")
            book.tool_args(block, text if isinstance(text, str) else None, free=True)
        else:
            known = _ARGS.get(item_type)
            names = known if known is not None else tuple(set(said) - _ENVELOPE - set(_META) - {"name"})
            given = {name: plain(said[name]) for name in sorted(names) if said.get(name) is not None}
            if item_type == "web_search_call":
                given = {"action": {key: value for key, value in given.get("action", {}).items() if key != "sources"}}
            only = given.get(names[0]) if len(given) == 1 and known else None
            book.tool_args(block, args=only if isinstance(only, dict) else given)

    def _write_result(self, block: Block, item_type: str, said: Mapping[str, Any]) -> None:
        names = _RESULT.get(item_type, ("output", "result", "results", "outputs"))
        content = next((said[name] for name in names if said.get(name) is not None), None)
        if content is None and item_type == "web_search_call":
            content = fields_or_none(said.get("action")).get("sources")
        error = said.get("error")
        status = string(said.get("status")) or "completed"
        if error or status == "failed":
            inner = fields_or_none(error)
            message = (
                string(error) or string(inner.get("message")) or string(inner.get("content")) or str(plain(error or status))
            )
            info = ev.ErrorInfo(message=message, type=string(inner.get("type")))
            self._book.tool_result(block, content, status="error", error=info)
        elif content is not None or status != "incomplete":  # an incomplete call has no result
            self._book.tool_result(block, status if content is None and item_type not in _RESULT else content)

    def _ask(self, block: Block, said: Mapping[str, Any]) -> None:
        self.pending += 1
        request_id = string(said.get("id")) or block.id
        self._approvals[request_id] = block
        book = self._book
        args = parse(string(said.get("arguments")) or "")[0]
        book.write(ev.ApprovalRequest(approval_id=request_id, tool_id=block.id, args=args, **book.stamp))

    def answer(self, item_type: str, said: Mapping[str, Any]) -> bool:
        """An item that answers a call: its output, or a human's decision. False if it is nothing of the kind."""
        book = self._book
        if item_type == "mcp_approval_response":
            decision = "approve" if said.get("approve") else "deny"
            book.write(
                ev.ApprovalResponse(
                    approval_id=str(said.get("approval_request_id")),
                    decision=decision,  # type: ignore[arg-type]  # one of two literals
                    reason=string(said.get("reason")),
                    **book.stamp,
                )
            )
            return True
        if not item_type.endswith("_output"):
            return False
        block = self._asked_by(item_type.removesuffix("_output"), string(said.get("call_id")))
        if block is None:
            return False
        content = next((said[name] for name in ("output", "tools", "result") if said.get(name) is not None), None)
        failed = said.get("status") == "failed"
        info = ev.ErrorInfo(message=string(content) or "failed") if failed else None
        book.tool_result(block, content, status="error" if failed else "ok", error=info)
        return True

    def block_of(self, call_id: str) -> Block | None:
        """The latest call of that id."""
        return self._by_call_id.get(call_id)

    def _asked_by(self, base: str, call_id: str | None) -> Block | None:
        block = self._by_call_id.get(call_id) if call_id else None
        if block is not None:
            return block
        waiting = [*self._unanswered.get(base, ()), *self._unanswered.get(base + "_call", ())]
        return next((block for block in waiting if not block.closed), None)

    def write_image(self, item: Item, data: Any, said: Mapping[str, Any]) -> None:
        """A picture, partial or whole; the same file each time."""
        if string(data):
            book = self._book
            item.file_id = item.file_id or book.mint("file")
            media_type = f"image/{string(said.get('output_format')) or 'png'}"
            book.write(ev.File(id=item.file_id, media_type=media_type, data=data, **book.stamp))

    def _write_images(self, outputs: Any) -> None:
        book = self._book
        for entry in outputs or ():
            url = string(fields(entry).get("url"))
            if url:
                book.write(ev.File(id=book.mint("file"), media_type="image/*", url=url, **book.stamp))

"""The calls in a hosted session: the client's own functions, and what the service runs itself."""

from collections.abc import Mapping
from typing import Any

from nbagent import events as ev
from nbagent.adapters.base.builder import Block, Book
from nbagent.adapters.base.fields import fields_or_none, plain, string
from nbagent.adapters.base.payload import text_in
from nbagent.adapters.openai_responses.items import Item

_KINDS: dict[str, ev.ToolKind] = {"function_call": "function", "mcp_call": "mcp"}
_NO_ARGUMENT = {"id", "type", "status", "turn_id", "title", "output", "exit_code", "duration_ms", "agent_id", "sender_agent_id"}
_UNSURE_AT_FIRST = {"web_search_call"}  # the query comes with its end
_FAILED = {"failed", "incomplete"}


def is_call(item_type: str) -> bool:
    """Whether an item is a call; its output is not."""
    return item_type.endswith("_call") or item_type == "command_execution"


class SessionCalls:
    """Starts and completes the calls, and finds the one that an output, a question or a sub-agent belongs to."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._functions: dict[tuple[str, str], Block] = {}
        self._mcp: dict[tuple[str, str, str], Block] = {}
        self._creators: list[tuple[str, str, Block]] = []

    def start(self, item: Item, said: Mapping[str, Any]) -> None:
        """A call begins; its arguments are an object, and so whole as soon as there are any."""
        item_type = str(said.get("type"))
        if item_type == "function_call":
            item.tool = self.function(said)
            return
        name = string(said.get("name")) or item_type.removesuffix("_call")
        label = string(said.get("server_label"))
        title = f"{label}: {name}" if label else string(said.get("title"))
        item.tool = self._book.start_tool(item.key, name, kind=_KINDS.get(item_type, "hosted"), title=title)
        if item_type == "mcp_call":
            self._mcp[str(said.get("turn_id")), label or "", name] = item.tool
        elif item_type == "create_subagent_call":
            self._creators.append((str(said.get("agent_id")), text_in(said.get("content")), item.tool))
        args = _args_of(said)
        if args and item_type not in _UNSURE_AT_FIRST:
            self._book.tool_args(item.tool, args=args)

    def function(self, said: Mapping[str, Any]) -> Block:
        """The call of the client's function, which an item tells, and a session that waits for its output."""
        key = str(said.get("turn_id")), str(said.get("call_id"))
        block = self._functions.get(key)
        if block is None:
            call_id = string(said.get("call_id"))
            block = self._book.start_tool(("function", *key), string(said.get("name")) or "function", call_id=call_id)
            self._functions[key] = block
        if said.get("arguments"):
            self._book.tool_args(block, args=_args_of(said))
        return block

    def asked_by(self, said: Mapping[str, Any], request: Mapping[str, Any]) -> Block | None:
        """The call of an MCP server's tool that a request for approval is about."""
        return self._mcp.get((str(said.get("turn_id")), str(request.get("server_label")), str(request.get("name"))))

    def creator_of(self, agent: Mapping[str, Any]) -> Block | None:
        """The call that made a sub-agent: its parent's, and of several the one with the same task."""
        parent, task = str(agent.get("parent_agent_id")), text_in(agent.get("instructions"))
        calls = [call for call in self._creators if call[0] == parent]
        found = next((call for call in calls if call[1] == task), calls[0] if len(calls) == 1 else None)
        if found is None:
            return None
        self._creators.remove(found)
        return found[2]

    def output(self, item: Item, delta: str) -> None:
        """A command writes something."""
        item.waiting.append(delta)
        if item.tool is not None and not item.tool.closed and delta.strip():
            self._book.progress(item.tool, delta.rstrip("\n"))

    def complete(self, item: Item, said: Mapping[str, Any]) -> None:
        """The call is final, and where the service ran it, its result."""
        if item.tool is None:
            self.start(item, said)
        block = item.tool
        assert block is not None
        self._book.tool_args(block, args=_args_of(said))
        if item.type != "function_call":
            self._write_result(block, item, said)

    def _write_result(self, block: Block, item: Item, said: Mapping[str, Any]) -> None:
        status, error, content = string(said.get("status")) or "completed", said.get("error"), said.get("output")
        exit_code = said.get("exit_code")
        if item.type == "computer_use_call":
            self._picture(string(fields_or_none(content).get("image_url")))
            content = None
        if content is None and item.waiting:
            content = "".join(item.waiting)
        if exit_code and not error:
            error = f"exit code {exit_code}"
        if error or status in _FAILED:
            message = _message_of(error) or f"The call is {status}"
            self._book.tool_result(block, content, status="error", error=ev.ErrorInfo(message=message))
        else:
            self._book.tool_result(block, status if content is None else content)

    def _picture(self, url: str | None) -> None:
        """The last screenshot: a data URL of a JPEG."""
        if url is not None:
            book, data = self._book, url.partition(";base64,")[2]
            book.write(
                ev.File(
                    id=book.mint("file"),
                    media_type="image/jpeg",
                    data=data or None,
                    url=None if data else url,
                    **book.stamp,
                )
            )

    def answered_by(self, said: Mapping[str, Any]) -> Block | None:
        """The call that an output of the client's function is for."""
        return self._functions.pop((str(said.get("turn_id")), str(said.get("call_id"))), None)

    def answer(self, block: Block, said: Mapping[str, Any]) -> None:
        """The client's output for that call."""
        self._book.tool_args(block)
        error = said.get("error")
        failed = bool(error) or said.get("status") in _FAILED
        info = ev.ErrorInfo(message=_message_of(error) or "The function failed") if failed else None
        self._book.tool_result(block, said.get("output"), status="error" if failed else "ok", error=info)


def _args_of(said: Mapping[str, Any]) -> Any:
    """The arguments of a call; for a call that has no such field, what it says of itself."""
    for name in ("arguments", "action"):
        if name in said:
            return {} if said[name] is None else plain(said[name])
    given = {name: plain(value) for name, value in said.items() if name not in _NO_ARGUMENT and value is not None}
    if "content" in given:  # the readable part: the rest is encrypted, for other agents
        given["content"] = text_in(said["content"])
    return given


def _message_of(error: Any) -> str:
    inner = fields_or_none(error)
    return string(error) or string(inner.get("message")) or string(inner.get("content")) or (str(plain(error)) if error else "")

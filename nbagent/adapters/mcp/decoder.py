"""The Model Context Protocol: what a server tells while it answers a request, above all the progress of a tool.

The format: https://modelcontextprotocol.io/specification and `mcp` 2.3. Items are JSON-RPC messages, the requests, too, where a
source has them; without them, progress belongs to a tool without a name.

It cannot say: text, thoughts, tokens, models, agents. The stream is whole when every request seen was answered.
"""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.builder import Block
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, Verdict
from nbagent.adapters.base.fields import fields_or_none, plain, string
from nbagent.adapters.base.json_rpc import Requests, said_by
from nbagent.adapters.base.payload import frame_of, peek, wire

_METHODS = (
    "notifications/",
    "tools/",
    "resources/",
    "prompts/",
    "sampling/",
    "elicitation/",
    "roots/",
    "completion/",
    "logging/",
    "tasks/",
)
_LEVELS: dict[str, ev.Level] = {
    "debug": "debug",
    "warning": "warning",
    "error": "error",
    "critical": "error",
    "alert": "error",
    "emergency": "error",
}


class McpDecoder(BaseDecoder):
    """MCP messages to events."""

    system: ClassVar[str] = "mcp"

    def __init__(self) -> None:
        super().__init__()
        self._requests = Requests()
        self._by_token: dict[str, Block] = {}
        self._by_id: dict[str, Block] = {}
        self._open: list[Block] = []

    @staticmethod
    def recognises(item: Any) -> bool:
        """Whether the item is a message of this protocol; a response only if it is a tool's."""
        said = peek(item)
        method = said.get("method")
        if isinstance(method, str):
            starts = method == "initialize" and isinstance(fields_or_none(said.get("params")).get("protocolVersion"), str)
            return ("jsonrpc" in said or method.startswith("notifications/")) and (starts or method.startswith(_METHODS))
        result = fields_or_none(said.get("result"))
        return "jsonrpc" in said and ("isError" in result or "resultType" in result or isinstance(result.get("content"), list))

    def read(self, item: Any) -> None:
        """One message."""
        said = wire(frame_of(item).data)
        if isinstance(said.get("method"), str):
            self._request(said)
        elif said.get("error") is not None:
            self._error(said)
        elif "result" in said:
            self._response(said)
        elif "content" in said or "structuredContent" in said:  # the result itself, as the SDK's client returns it
            self._response({"result": said})
        else:
            self.unread(item)

    def _request(self, said: Mapping[str, Any]) -> None:
        call = self._requests.add(said)
        params = call.params
        match call.method:
            case "notifications/progress":
                self._progress(params)
            case "notifications/message":
                self._log(params)
            case "notifications/cancelled":
                self.book.write(ev.Status(message=string(params.get("reason")) or "cancelled", level="warning"))
                self.verdict = Verdict("cancelled")
            case "tools/call":
                self.verdict = TRUNCATED
                token = fields_or_none(params.get("_meta")).get("progressToken")
                block = self._start(string(params.get("name")) or "tool", token)
                self._by_id[repr(said.get("id"))] = block
                self.book.tool_args(block, args=params.get("arguments") or {})
            case "elicitation/create":
                self._ask(str(said.get("id")), params)
            case _:
                self.book.write(ev.Custom(name=call.method, data=plain(params)))

    def _start(self, name: str, token: Any) -> Block:
        block = self.book.start_tool(self.book.mint("call"), name, kind="mcp")
        self._open.append(block)
        if token is not None:
            self._by_token[repr(token)] = block
        return block

    def _progress(self, params: Mapping[str, Any]) -> None:
        """Progress tokens stand for requests, which a stream of answers does not hold."""
        token = params.get("progressToken")
        block = self._by_token.get(repr(token)) or self._start("tool", token)
        self.book.write(
            ev.ToolProgress(
                id=block.id,
                message=string(params.get("message")),
                progress=_number(params.get("progress")),
                total=_number(params.get("total")),
            )
        )

    def _log(self, params: Mapping[str, Any]) -> None:
        data = params.get("data")
        message = data if isinstance(data, str) else json.dumps(plain(data), ensure_ascii=False)
        logger = string(params.get("logger"))
        level = _LEVELS.get(str(params.get("level")), "info")
        self.book.write(ev.Status(message=message, level=level, meta={"logger": plain(logger)} if logger else None))

    def _ask(self, approval_id: str, params: Mapping[str, Any]) -> None:
        schema = params.get("requestedSchema")
        url = string(params.get("url"))
        request = ev.ApprovalRequest(
            approval_id=approval_id,
            tool_id=self._open[0].id if len(self._open) == 1 else None,
            kind="auth" if url else "input",
            prompt=string(params.get("message")),
            schema=plain(schema) if isinstance(schema, Mapping) else None,
            meta={"url": plain(url)} if url else None,
        )
        self.book.write(request)
        self.verdict = Verdict("paused")

    def _error(self, said: Mapping[str, Any]) -> None:
        self._requests.answered(said)
        block = self._answered(said)
        if block is not None:
            message = string(fields_or_none(said["error"]).get("message")) or "the request failed"
            self.book.tool_result(block, None, status="error", error=ev.ErrorInfo(message=message))
        self.fail_with(said["error"])

    def _response(self, said: Mapping[str, Any]) -> None:
        result = fields_or_none(said["result"])
        action = string(result.get("action"))
        call = self._requests.answered(said, expected="elicitation/create" if action else None)
        if call is not None and call.method == "elicitation/create":
            self._answer(str(said.get("id")), action, result)
            return
        if result.get("resultType") == "input_required":
            for name, request in fields_or_none(result.get("inputRequests")).items():
                self._ask(str(name), fields_or_none(fields_or_none(request).get("params")))
            self.verdict = Verdict("paused", "input_required")
            return
        of_a_tool = call is None or call.method == "tools/call"
        block = self._answered(said) if of_a_tool else None
        if of_a_tool and block is None and ("content" in result or "isError" in result):
            block = self._start("tool", None)
            self._open.remove(block)
        if block is None:
            self.book.write(ev.Custom(name="result" if call is None else f"{call.method} result", data=plain(said["result"])))
        else:
            self._tool_result(block, result)
        if not self._open and self.verdict.status != "failed":
            self.verdict = Verdict("completed")

    def _answered(self, said: Mapping[str, Any]) -> Block | None:
        """The tool that a response is of: by the request's id, or because only one runs."""
        block = self._by_id.pop(repr(said.get("id")), None)
        if block is None and len(self._open) == 1:
            block = self._open[0]
        if block is not None and block in self._open:
            self._open.remove(block)
        return block

    def _tool_result(self, block: Block, result: Mapping[str, Any]) -> None:
        failed = result.get("isError") is True
        shown = said_by(result.get("content"))
        structured = result.get("structuredContent")
        content = shown if structured is None or failed else structured
        info = ev.ErrorInfo(message=shown if isinstance(shown, str) and shown else "the tool failed") if failed else None
        self.book.tool_result(block, content, status="error" if failed else "ok", error=info)

    def _answer(self, approval_id: str, action: str | None, result: Mapping[str, Any]) -> None:
        decision: Any = {"accept": "approve", "decline": "deny"}.get(action or "", "cancel")
        self.book.write(ev.ApprovalResponse(approval_id=approval_id, decision=decision, value=plain(result.get("content"))))
        self.verdict = TRUNCATED


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

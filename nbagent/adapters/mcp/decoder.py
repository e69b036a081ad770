"""Decoder of the Model Context Protocol: the messages of a server while it answers requests, such
as tool progress.

Format: https://modelcontextprotocol.io/specification, and `mcp` 2.3. Items are JSON-RPC messages.
If a source has no requests, progress belongs to a tool without a name.

The protocol has no text, reasoning, tokens, models or agents. The stream is complete when every
request in it was answered.
"""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from msgspec.structs import replace

from nbagent import events as ev
from nbagent.adapters.base.block import Block
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    extra_fields,
    fields_or_empty,
    nonempty_str,
    schema_or_none,
    str_field,
    str_or_none,
    to_jsonable,
)
from nbagent.adapters.base.json_rpc import PendingRequests, text_or_blocks
from nbagent.adapters.base.payload import frame_of, to_wire_dict, try_wire_dict

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
    """Decoder of MCP messages."""

    system: ClassVar[str] = "mcp"

    def __init__(self) -> None:
        super().__init__()
        self._requests = PendingRequests()
        self._by_token: dict[str, Block] = {}
        self._by_id: dict[str, Block] = {}
        self._running: list[Block] = []

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is a message of this protocol.

        Of the responses, only tool results are recognised.
        """
        payload = try_wire_dict(item)
        method = payload.get("method")
        if isinstance(method, str):
            is_handshake = method == "initialize" and isinstance(
                fields_or_empty(payload.get("params")).get("protocolVersion"), str
            )
            return ("jsonrpc" in payload or method.startswith("notifications/")) and (
                is_handshake or method.startswith(_METHODS)
            )
        result = fields_or_empty(payload.get("result"))
        return "jsonrpc" in payload and (
            "isError" in result or "resultType" in result or isinstance(result.get("content"), list)
        )

    def read(self, item: Any) -> None:
        """Read one message."""
        payload = to_wire_dict(frame_of(item).data)
        if isinstance(payload.get("method"), str):
            self._request(payload)
        elif payload.get("error") is not None:
            self._error(payload)
        elif "result" in payload:
            self._response(payload)
        elif "content" in payload or "structuredContent" in payload:
            # A bare result, as the SDK's client returns it.
            self._response({"result": payload})
        else:
            self.unread(item)

    def _request(self, payload: Mapping[str, Any]) -> None:
        request = self._requests.add(payload)
        params = request.params
        match request.method:
            case "notifications/progress":
                self._progress(params)
            case "notifications/message":
                self._log(params)
            case "notifications/cancelled":
                self.builder.status(
                    str_field(params, "reason", default="cancelled"), level="warning"
                )
                self.stop_info = StopInfo("cancelled")
            case "tools/call":
                self.stop_info = TRUNCATED
                token = fields_or_empty(params.get("_meta")).get("progressToken")
                block = self._start(str_field(params, "name", default="tool"), token)
                self._by_id[repr(payload.get("id"))] = block
                self.builder.tool_args(block, args=params.get("arguments") or {})
            case "elicitation/create":
                self._request_approval(
                    str(payload.get("id")), params, {"rpc_id": to_jsonable(payload.get("id"))}
                )
            case _:
                self.builder.custom(request.method, params)

    def _start(self, name: str, token: Any) -> Block:
        block = self.builder.start_tool(self.builder.mint("call"), name, kind="mcp")
        self._running.append(block)
        if token is not None:
            self._by_token[repr(token)] = block
        return block

    def _progress(self, params: Mapping[str, Any]) -> None:
        """Write progress of the request with that token, which may be missing from the stream."""
        token = params.get("progressToken")
        block = self._by_token.get(repr(token)) or self._start("tool", token)
        self.builder.write(
            ev.ToolProgress(
                id=block.id,
                message=str_field(params, "message"),
                progress=_number(params.get("progress")),
                total=_number(params.get("total")),
            )
        )

    def _log(self, params: Mapping[str, Any]) -> None:
        data = params.get("data")
        if isinstance(data, str):
            message = data
        else:
            message = json.dumps(to_jsonable(data), ensure_ascii=False)
        logger = str_field(params, "logger")
        level = _LEVELS.get(str(params.get("level")), "info")
        meta = extra_fields(logger=logger)
        self.builder.status(message, level=level, meta=meta)

    def _request_approval(
        self, approval_id: str, params: Mapping[str, Any], meta: dict[str, Any]
    ) -> None:
        request = ev.ApprovalRequest(
            approval_id=approval_id,
            kind="input",
            prompt=str_field(params, "message"),
            schema=schema_or_none(params.get("requestedSchema")),
            meta=meta,
        )
        if len(self._running) == 1:
            request = replace(request, tool_id=self._running[0].id)
        url = str_field(params, "url")
        if url:
            request = replace(request, kind="auth", meta={**meta, "url": to_jsonable(url)})
        self.builder.write(request)
        self.stop_info = StopInfo("paused")

    def _error(self, payload: Mapping[str, Any]) -> None:
        self._requests.take(payload)
        block = self._take_call(payload)
        if block is not None:
            message = nonempty_str(
                fields_or_empty(payload["error"]).get("message"), default="the request failed"
            )
            self.builder.tool_error(block, message)
        self.fail_with(payload["error"])

    def _response(self, payload: Mapping[str, Any]) -> None:
        result = fields_or_empty(payload["result"])
        action = str_field(result, "action")
        # Each peer counts its requests: a call and an elicitation, whose answer is not in every
        # stream, may have the same id.
        expected = "elicitation/create" if action else "tools/call"
        request = self._requests.take(payload, expected=expected)
        method = None
        if request is not None:
            method = request.method
        if method == "elicitation/create" and action:
            self._write_approval_response(str(payload.get("id")), action, result)
        elif result.get("resultType") == "input_required":
            self._require_input(result)
        else:
            self._result(payload, result, method)

    def _require_input(self, result: Mapping[str, Any]) -> None:
        state = {"state": to_jsonable(result.get("requestState"))}
        for name, entry in fields_or_empty(result.get("inputRequests")).items():
            params = fields_or_empty(fields_or_empty(entry).get("params"))
            self._request_approval(str(name), params, state)
        self.stop_info = StopInfo("paused", "input_required")

    def _result(
        self, payload: Mapping[str, Any], result: Mapping[str, Any], method: str | None
    ) -> None:
        """Write the result of a request: of a tool, where its method is known or the fields are a
        tool's.
        """
        block = None
        if method in (None, "tools/call"):
            block = self._take_call(payload)
            if block is None and ("content" in result or "isError" in result):
                block = self._start("tool", None)
                self._running.remove(block)
        if block is not None:
            self._tool_result(block, result)
        else:
            name = "result" if method is None else f"{method} result"
            self.builder.custom(name, payload["result"])
        if not self._running and self.stop_info.status != "failed":
            self.stop_info = StopInfo("completed")

    def _take_call(self, payload: Mapping[str, Any]) -> Block | None:
        """Remove and return the call that a response answers: by the request's id, else the only
        running one.
        """
        block = self._by_id.pop(repr(payload.get("id")), None)
        if block is None and len(self._running) == 1:
            block = self._running[0]
        if block is not None and block in self._running:
            self._running.remove(block)
        return block

    def _tool_result(self, block: Block, result: Mapping[str, Any]) -> None:
        content = text_or_blocks(result.get("content"))
        if result.get("isError") is True:
            self.builder.tool_error(block, str_or_none(content), content)
            return
        structured = result.get("structuredContent")
        self.builder.tool_result(block, content if structured is None else structured)

    def _write_approval_response(
        self, approval_id: str, action: str | None, result: Mapping[str, Any]
    ) -> None:
        decision: Any = {"accept": "approve", "decline": "deny"}.get(action or "", "cancel")
        self.builder.write(
            ev.ApprovalResponse(
                approval_id=approval_id, decision=decision, value=to_jsonable(result.get("content"))
            )
        )
        self.stop_info = TRUNCATED


def _number(value: Any) -> float | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    return None

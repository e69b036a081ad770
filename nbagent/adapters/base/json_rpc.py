"""Requests and content blocks of the JSON-RPC protocols ACP and MCP
(https://www.jsonrpc.org/specification).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from nbagent.adapters.base.answers import Answered, meta_of
from nbagent.adapters.base.builder import EventBuilder
from nbagent.adapters.base.fields import extra_fields, fields_or_empty, list_or_empty, str_field
from nbagent.adapters.base.payload import text_in
from nbagent.events import ApprovalRequest


class RpcRequest(NamedTuple):
    """A request without its response yet."""

    method: str
    params: Mapping[str, Any]


class PendingRequests:
    """The requests of both peers.

    Each peer counts its ids by itself, so two open requests may have the same id.
    """

    def __init__(self) -> None:
        self._by_id: dict[str, list[RpcRequest]] = {}

    def add(self, payload: Mapping[str, Any]) -> RpcRequest:
        """Remember a request and return it. A notification has no id and gets no response."""
        request = RpcRequest(str(payload["method"]), fields_or_empty(payload.get("params")))
        if payload.get("id") is not None:
            self._by_id.setdefault(repr(payload["id"]), []).append(request)
        return request

    def take(self, payload: Mapping[str, Any], *, expected: str | None = None) -> RpcRequest | None:
        """Remove and return the request that a response answers; None if there is none.

        Args:
            payload: the response.
            expected: the method that such a result belongs to; decides between two requests with
                the same id.
        """
        waiting = self._by_id.get(repr(payload.get("id")), [])
        if not waiting:
            return None
        found = next((request for request in waiting if request.method == expected), waiting[-1])
        waiting.remove(found)
        return found


def response_to(request: ApprovalRequest, result: dict[str, Any]) -> dict[str, Any]:
    """Return the response to a request whose id is in its `meta`; the result alone if it is not."""
    meta = meta_of(request)
    if meta.get("rpc_id") is not None:
        return {"jsonrpc": "2.0", "id": meta["rpc_id"], "result": result}
    return result


def elicitation_result(answered: Answered) -> dict[str, Any]:
    """Return the result of an elicitation: accepted with its values, declined, or cancelled."""
    response = answered.response
    match response.decision:
        case "approve" if response.value is not None:
            return {"action": "accept", "content": response.value}
        case "approve":
            return {"action": "accept"}
        case "deny":
            return {"action": "decline"}
        case _:
            return {"action": "cancel"}


def write_blob(builder: EventBuilder, content: Any) -> bool:
    """Write an image, an audio, a resource or a link. Return False for any other content block."""
    payload = fields_or_empty(content)
    kind, inner = payload.get("type"), fields_or_empty(payload.get("resource"))
    media_type = str_field(payload, "mimeType") or str_field(inner, "mimeType")
    if kind == "resource_link":
        title = str_field(payload, "title", "name")
        builder.source(str_field(payload, "uri"), title=title)
        return True
    if kind not in ("image", "audio", "resource"):
        return False
    data = str_field(payload, "data") or str_field(inner, "blob")
    url = str_field(payload, "uri") or str_field(inner, "uri")
    name = str_field(inner, "title", "name")
    media_type = media_type or ("text/plain" if inner else "application/octet-stream")
    meta = extra_fields(text=str_field(inner, "text"))
    builder.file(media_type, url=url, data=data, name=name, meta=meta)
    return True


def text_or_blocks(content: Any) -> Any:
    """Return the text of a list of content blocks if all are text, else the list."""
    blocks = list_or_empty(content)
    inner = [fields_or_empty(fields_or_empty(block).get("content") or block) for block in blocks]
    only_text = bool(inner) and all(block.get("type") == "text" for block in inner)
    if only_text:
        return text_in(blocks)
    return content

"""What the JSON-RPC protocols between an agent and its client share: who asked what, and content blocks."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from nbagent import events as ev
from nbagent.adapters.base.builder import EventBuilder
from nbagent.adapters.base.fields import fields_or_empty, str_field, to_jsonable
from nbagent.adapters.base.payload import text_in


class RpcRequest(NamedTuple):
    """A request that waits for its response."""

    method: str
    params: Mapping[str, Any]


class PendingRequests:
    """The requests that were seen, from either side. Their ids are counted separately by each side, and may be the same."""

    def __init__(self) -> None:
        self._calls: dict[str, list[RpcRequest]] = {}

    def add(self, payload: Mapping[str, Any]) -> RpcRequest:
        """Remember a request; a notification has no id and waits for nothing."""
        call = RpcRequest(str(payload["method"]), fields_or_empty(payload.get("params")))
        if payload.get("id") is not None:
            self._calls.setdefault(repr(payload["id"]), []).append(call)
        return call

    def answered(self, payload: Mapping[str, Any], *, expected: str | None = None) -> RpcRequest | None:
        """The request that a response answers; of two with the same id, the one that such a result is `expected` for."""
        waiting = self._calls.get(repr(payload.get("id")), [])
        found = next((call for call in waiting if call.method == expected), waiting[-1] if waiting else None)
        if found is not None:
            waiting.remove(found)
        return found


def write_blob(builder: EventBuilder, content: Any) -> bool:
    """Write an image, an audio, a resource or a link; False if the content block is none of these."""
    payload = fields_or_empty(content)
    kind, inner = payload.get("type"), fields_or_empty(payload.get("resource"))
    media_type = str_field(payload, "mimeType") or str_field(inner, "mimeType")
    if kind == "resource_link":
        title = str_field(payload, "title") or str_field(payload, "name")
        builder.write(ev.Source(id=builder.mint("source"), url=str_field(payload, "uri"), title=title, **builder.envelope))
        return True
    if kind not in ("image", "audio", "resource"):
        return False
    data = str_field(payload, "data") or str_field(inner, "blob")
    url = str_field(payload, "uri") or str_field(inner, "uri")
    name = str_field(inner, "title") or str_field(inner, "name")
    media_type = media_type or ("text/plain" if inner else "application/octet-stream")
    meta = {"text": to_jsonable(inner["text"])} if str_field(inner, "text") else None
    builder.write(
        ev.File(id=builder.mint("file"), media_type=media_type, url=url, data=data, name=name, meta=meta, **builder.envelope)
    )
    return True


def text_or_blocks(content: Any) -> Any:
    """The text of a list of content blocks if it holds nothing else, or else the list."""
    blocks = content if isinstance(content, list) else []
    inner = [fields_or_empty(fields_or_empty(block).get("content") or block) for block in blocks]
    only_text = bool(inner) and all(block.get("type") == "text" for block in inner)
    return text_in(blocks) if only_text else content

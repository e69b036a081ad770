"""Results of MCP tools as Python values
(https://modelcontextprotocol.io/specification/2025-11-25/server/tools#tool-result).
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]


_LINK_FIELDS = ("uri", "name", "title", "description", "mimeType")


def value_of(result: Json) -> Any:
    """Return the value of a result: its structured content, else its parts; one part stands for
    itself.

    Texts are strings, pictures and other binary data bytes, resources dicts with their `uri`.

    Args:
        result: a `CallToolResult`, as JSON.
    """
    parts = [_part_of(part) for part in result.get("content") or ()]
    structured = result.get("structuredContent")
    if structured is not None and not any(isinstance(part, bytes) for part in parts):
        # SDKs wrap any other value like this
        only = isinstance(structured, dict) and structured.keys() == {"result"}
        if only:
            return structured["result"]
        return structured
    if len(parts) == 1:
        return parts[0]
    return parts or None


def text_of(result: Json) -> str:
    """Return the texts of a result: the message of one that is an error."""
    parts = result.get("content") or ()
    texts = [str(part["text"]) for part in parts if part.get("type") == "text"]
    return "\n".join(texts) or "the server says that the call failed, and not why"


def _part_of(part: Json) -> Any:
    match part:
        case {"type": "text", "text": str(text)}:
            return text
        case {"type": "image" | "audio", "data": str(data)}:
            return _bytes(data)
        case {"type": "resource", "resource": {"text": str(text), **rest}}:
            return {"uri": str(rest.get("uri", "")), "text": text}
        case {"type": "resource", "resource": {"blob": str(data), **rest}}:
            return {"uri": str(rest.get("uri", "")), "data": _bytes(data)}
        case {"type": "resource_link"}:
            return {name: part[name] for name in _LINK_FIELDS if part.get(name)}
    return dict(part)


def _bytes(data: str) -> Any:
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error:
        return f"({len(data):,} characters that are not base64)"

"""Events of one message in `astream_events(version="v3")`: items of a bare model, and the data of a
graph's `messages`.

Format: `MessagesData` of the package langchain-protocol (0.0.20; beta).
"""

from collections.abc import Mapping
from typing import Any

from nbagent.adapters.base.decoder import BaseDecoder
from nbagent.adapters.base.fields import fields_or_empty, get_field, nonempty_str
from nbagent.adapters.langchain.messages import Messages

MESSAGE_EVENTS = {
    "message-start",
    "content-block-start",
    "content-block-delta",
    "content-block-finish",
    "message-finish",
    "message-error",
    "error",
}


def write_message_event(
    decoder: BaseDecoder,
    messages: Messages,
    payload: Mapping[str, Any],
    key: str,
    model: str | None,
) -> None:
    """Write one event of a message.

    Args:
        decoder: of the stream.
        messages: of the stream.
        payload: the event.
        key: of its message.
        model: the model's name, if it is known.
    """
    kind = payload.get("event")
    if kind == "message-start":
        messages.begin(key, model)
    elif kind in ("content-block-start", "content-block-delta"):
        messages.chunk(_to_message_chunk(payload), key, model)
    elif kind == "content-block-finish":
        _finish_block(messages, key, payload, model)
    elif kind == "message-finish":
        final = {
            "usage_metadata": payload.get("usage"),
            "response_metadata": payload.get("metadata"),
        }
        messages.chunk({"content": "", **final, "chunk_position": "last"}, key, model)
    elif kind in ("message-error", "error"):
        decoder.fail_with(payload.get("error") or payload.get("message") or payload)
        messages.end(key)
    else:
        decoder.builder.raw(payload, nonempty_str(kind))


def _finish_block(
    messages: Messages, key: str, payload: Mapping[str, Any], model: str | None
) -> None:
    """Complete a content block. Streamed parts stay; the others are written now."""
    content = fields_or_empty(payload.get("content"))
    message = messages.begin(key, model)
    message.content.complete_block(payload.get("index"), content)
    for block in message.content.tools.values():
        messages.add_call(block)


def _to_message_chunk(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a delta of a content block in the form of LangChain's message chunks."""
    piece = fields_or_empty(payload.get("delta") or payload.get("content"))
    index, kind = payload.get("index"), str(piece.get("type") or "").removesuffix("-delta")
    kind = {"block": nonempty_str(get_field(piece.get("fields"), "type"), default="")}.get(
        kind, kind
    )
    if isinstance(piece.get("fields"), Mapping):
        piece = {**piece, **piece["fields"]}
    if kind in ("tool-call", "tool_call", "tool_call_chunk"):
        if kind == "tool_call" and not isinstance(piece.get("args"), str):
            return {"content": ""}  # complete already, and repeated at the end of the block
        call = {
            "index": index,
            "id": piece.get("id"),
            "name": piece.get("name"),
            "args": piece.get("args") or "",
        }
        return {"content": "", "tool_call_chunks": [call]}
    if kind in ("data", "image-data") or (not piece):
        return {"content": ""}
    return {"content": [{**piece, "type": kind.replace("-", "_"), "index": index}]}

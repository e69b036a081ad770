"""Chunks that only append to the open text: nearly all of a stream, which need no other look.

The functions are written for speed: one is called for every chunk.
"""

from collections.abc import Mapping
from typing import Any

from nbagent.events.jsonable import is_encodable

_EXTRA_CHUNK_FIELDS = {"error", "citations", "search_results", "x_groq"}
_PLAIN_CHUNK_FIELDS = 6
"""Number of fields of a chunk that has none of the extra ones: `id` `object` `created` `model`
`choices`, and `usage` or `system_fingerprint`.
"""


def appended_text(item: Any, response_id: Any, index: int) -> str | None:
    """Return the text of a chunk that only appends to the open text; None if there is more in it.

    Args:
        item: the chunk, a dict or an object of OpenAI's SDK.
        response_id: of the current response.
        index: of the choice whose text is open.
    """
    try:
        if type(item) is dict:
            text = _of_dict(item, response_id, index)
        else:
            text = _of_object(item, response_id, index)
        if text and (text.isascii() or is_encodable(text)):
            return str(text)
    except (AttributeError, KeyError, TypeError, ValueError):
        pass  # it is no such chunk
    return None


def _of_dict(item: dict[str, Any], response_id: Any, index: int) -> Any:
    (choice,) = item["choices"]
    delta = choice["delta"]
    if choice.get("finish_reason") is not None or choice.get("index", 0) != index:
        return None
    if item.get("id", response_id) != response_id or item.get("usage") is not None:
        return None
    if len(item) > _PLAIN_CHUNK_FIELDS and _EXTRA_CHUNK_FIELDS & item.keys():
        return None
    if len(delta) > 1 and not _only_content(delta):
        return None
    return delta["content"]


def _of_object(item: Any, response_id: Any, index: int) -> Any:
    (choice,) = item.choices
    delta = choice.delta
    if choice.finish_reason is not None or choice.index != index:
        return None
    if item.id != response_id or item.usage is not None:
        return None
    if delta.tool_calls is not None or delta.refusal or delta.function_call is not None:
        return None
    extra = item.__pydantic_extra__
    if extra and _EXTRA_CHUNK_FIELDS & extra.keys():
        return None
    if delta.__pydantic_extra__ and not _only_content(delta.__pydantic_extra__):
        return None
    return delta.content


def _only_content(delta: Mapping[str, Any]) -> bool:
    """Return True if a delta has only content, the role and empty fields."""
    return all(not value or name in ("content", "role") for name, value in delta.items())

"""What the JSON-RPC protocols between an agent and its client share: who asked what, and content blocks."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from nbagent import events as ev
from nbagent.adapters.base.builder import Book
from nbagent.adapters.base.fields import fields_or_none, plain, string
from nbagent.adapters.base.payload import text_in


class Call(NamedTuple):
    """A request that waits for its response."""

    method: str
    params: Mapping[str, Any]


class Requests:
    """The requests that were seen, from either side. Their ids are counted separately by each side, and may be the same."""

    def __init__(self) -> None:
        self._calls: dict[str, list[Call]] = {}

    def add(self, said: Mapping[str, Any]) -> Call:
        """Remember a request; a notification has no id and waits for nothing."""
        call = Call(str(said["method"]), fields_or_none(said.get("params")))
        if said.get("id") is not None:
            self._calls.setdefault(repr(said["id"]), []).append(call)
        return call

    def answered(self, said: Mapping[str, Any], *, expected: str | None = None) -> Call | None:
        """The request that a response answers; of two with the same id, the one that such a result is `expected` for."""
        waiting = self._calls.get(repr(said.get("id")), [])
        found = next((call for call in waiting if call.method == expected), waiting[-1] if waiting else None)
        if found is not None:
            waiting.remove(found)
        return found


def write_blob(book: Book, content: Any) -> bool:
    """Write an image, an audio, a resource or a link; False if the content block is none of these."""
    said = fields_or_none(content)
    kind, inner = said.get("type"), fields_or_none(said.get("resource"))
    media_type = string(said.get("mimeType")) or string(inner.get("mimeType"))
    if kind == "resource_link":
        title = string(said.get("title")) or string(said.get("name"))
        book.write(ev.Source(id=book.mint("source"), url=string(said.get("uri")), title=title, **book.stamp))
        return True
    if kind not in ("image", "audio", "resource"):
        return False
    data = string(said.get("data")) or string(inner.get("blob"))
    url = string(said.get("uri")) or string(inner.get("uri"))
    name = string(inner.get("title")) or string(inner.get("name"))
    media_type = media_type or ("text/plain" if inner else "application/octet-stream")
    meta = {"text": plain(inner["text"])} if string(inner.get("text")) else None
    book.write(ev.File(id=book.mint("file"), media_type=media_type, url=url, data=data, name=name, meta=meta, **book.stamp))
    return True


def said_by(content: Any) -> Any:
    """The text of a list of content blocks if it holds nothing else, or else the list."""
    blocks = content if isinstance(content, list) else []
    inner = [fields_or_none(fields_or_none(block).get("content") or block) for block in blocks]
    only_text = bool(inner) and all(block.get("type") == "text" for block in inner)
    return text_in(blocks) if only_text else content

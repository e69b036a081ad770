"""The parts of A2A messages and artifacts: text and files by the protocol, thoughts and tools as agents agreed on it.

A2A itself knows text, files and data. Read here as well: Hector's `agui_*` metadata and typed data
(https://github.com/kadirpekel/hector), and the `adk_*` metadata of Google's ADK.
"""

from collections.abc import Hashable, Mapping
from typing import Any

from nbagent import events as ev
from nbagent.adapters.base.builder import Block, Book
from nbagent.adapters.base.fields import fields_or_none, plain, string

_CALLS = {"tool_use", "tool_call", "function_call"}
_RESULTS = {"tool_result", "function_response"}


class Parts:
    """Writes parts into the book. A call and its result may be told several times over: each counts once, by its id."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.calls: dict[str, Block] = {}
        self.wrote = False
        self._thoughts: set[Hashable] = set()

    def write(self, part: Any, key: Hashable) -> None:
        """One part. Text goes to the text of that key, unless its metadata names a block of its own."""
        said = fields_or_none(part)
        metadata = fields_or_none(said.get("metadata"))
        text = said.get("text")
        block_id = string(metadata.get("agui_block_id"))
        if isinstance(text, str):
            kinds = (metadata.get("agui_event_type"), metadata.get("agui_block_type"))
            if "thinking" in kinds or metadata.get("adk_thought") is True:
                self.thought(("thought", block_id), unwrapped(text) if "thinking" in kinds else text)
            elif kinds[0] == "error":
                self.book.error(text or "the agent reported an error", fatal=False)
            else:
                self.text(("block", block_id) if block_id else key, text)
        elif "data" in said and said.get("kind") != "file":
            self._data(said["data"], metadata)
        elif any(name in said for name in ("file", "url", "raw")):
            self._file(said)
        else:
            self.book.raw(part)

    def text(self, key: Hashable, text: str) -> None:
        """More of a text, which ends the thought before it."""
        for thought in self.book.open_keys():
            self.book.end_thought(thought)
        self.wrote = self.wrote or bool(text)
        self.book.text(key, text)

    def thought(self, key: Hashable, text: str) -> None:
        """More of a thought, which ends the text before it."""
        self._pause()
        self._thoughts.add(key)
        self.book.thought(key, text)

    def _pause(self) -> None:
        """End what was said so far, but no artifact: that ends when its agent says so."""
        for key in self.book.open_keys():
            if not (isinstance(key, tuple) and key[0] == "artifact"):
                self.book.end_text(key)

    def call(self, call_id: str | None, name: str, args: Any) -> Block:
        """A tool call with its arguments."""
        known = self.calls.get(call_id or "")
        if known is not None:
            return known
        self._pause()
        for key in self.book.open_keys():
            self.book.end_thought(key)
        call_key = call_id or self.book.mint("call")
        block = self.calls[call_key] = self.book.start_tool(call_key, name, call_id=call_id)
        if isinstance(args, str):
            self.book.tool_args(block, args)
        else:
            self.book.tool_args(block, args={} if args is None else args)
        return block

    def result(self, call_id: str | None, content: Any, error: str | None, *, failed: bool, name: str | None = None) -> None:
        """What a tool returned; of a call that was never told, it is the call, too."""
        block = self.calls.get(call_id or "") or self.call(call_id, name or "tool", None)
        info = ev.ErrorInfo(message=error or str(content)) if failed else None
        self.book.tool_result(block, content, status="error" if failed else "ok", error=info)

    def _data(self, data: Any, metadata: Mapping[str, Any]) -> None:
        said = fields_or_none(data)
        if set(said) == {"data"}:  # of protocol versions where the data was a message of its own
            data = said["data"]
            said = fields_or_none(data)
        kind = metadata.get("adk_type") or said.get("type") or metadata.get("agui_event_type")
        call_id = next((said[key] for key in ("tool_call_id", "id") if string(said.get(key))), None)
        call_id = call_id or string(metadata.get("agui_tool_call_id"))
        name = string(said.get("name")) or string(metadata.get("agui_tool_name"))
        if kind in _RESULTS or (kind in _CALLS and "tool_call_id" in said):
            error = string(said.get("error"))
            failed = bool(error) or said.get("is_error") is True or metadata.get("agui_is_error") is True
            content = said.get("content") if "content" in said else said.get("response", said.get("result"))
            self.result(call_id, content, error, failed=failed, name=name)
        elif kind in _CALLS and name:
            args = next((said[key] for key in ("arguments", "args", "input") if key in said), None)
            self.call(call_id, name, args)
        elif kind == "thinking":
            self.whole_thought(said)
        else:
            self.book.write(
                ev.Custom(name=string(said.get("type")) or "data", data=plain(data), meta=_meta(metadata), **self.book.stamp)
            )

    def whole_thought(self, said: Mapping[str, Any]) -> None:
        """A thought that comes whole; one that is known by its id came before."""
        thought_id = said.get("id")
        key = ("thought", thought_id)
        content = string(said.get("content")) or string(said.get("thinking")) or string(said.get("text")) or ""
        signature = string(said.get("signature"))
        if self.book.open_thought(key) is not None:
            self.book.end_thought(key, content or None, signature=signature)
        elif not thought_id or key not in self._thoughts:
            self.thought(key, content)
            self.book.end_thought(key, signature=signature)

    def _file(self, said: Mapping[str, Any]) -> None:
        file = fields_or_none(said.get("file")) or said
        media_type = string(file.get("mimeType")) or string(file.get("mediaType")) or "application/octet-stream"
        data = next((file[name] for name in ("bytes", "fileWithBytes", "raw") if string(file.get(name))), None)
        url = next((file[name] for name in ("uri", "fileWithUri", "url") if string(file.get(name))), None)
        name = string(file.get("name")) or string(file.get("filename"))
        file_id = self.book.mint("file")
        self.book.write(ev.File(id=file_id, media_type=media_type, url=url, data=data, name=name, **self.book.stamp))


def _meta(metadata: Mapping[str, Any]) -> dict[str, Any] | None:
    read = plain(metadata)
    return read if isinstance(read, dict) and read else None


def unwrapped(text: str) -> str:
    """Hector's "[Thinking: …]" without its brackets."""
    if text.startswith("[Thinking: "):
        return text.removeprefix("[Thinking: ").removesuffix("\n").removesuffix("]")
    return text


def text_of(message: Any) -> str:
    """The text of a whole message."""
    parts = fields_or_none(message).get("parts")
    texts = [fields_or_none(part).get("text") for part in parts] if isinstance(parts, list | tuple) else []
    return "".join(text for text in texts if isinstance(text, str))

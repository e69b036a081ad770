"""The parts of A2A messages and artifacts: text and files by the protocol, thoughts and tools as agents agreed on it.

A2A itself knows text, files and data. Read here as well: Hector's `agui_*` metadata and typed data
(https://github.com/kadirpekel/hector), and the `adk_*` metadata of Google's ADK.
"""

from collections.abc import Hashable, Mapping
from typing import Any

from nbagent import events as ev
from nbagent.adapters.base.builder import Block, EventBuilder
from nbagent.adapters.base.fields import fields_or_empty, nonempty_str, str_field, to_jsonable

_CALLS = {"tool_use", "tool_call", "function_call"}
_RESULTS = {"tool_result", "function_response"}


class PartWriter:
    """Writes parts into the book. A call and its result may be told several times over: each counts once, by its id."""

    def __init__(self, builder: EventBuilder) -> None:
        self.builder = builder
        self.calls: dict[str, Block] = {}
        self.wrote = False
        self._thoughts: set[Hashable] = set()

    def write(self, part: Any, key: Hashable) -> None:
        """One part. Text goes to the text of that key, unless its metadata names a block of its own."""
        payload = fields_or_empty(part)
        metadata = fields_or_empty(payload.get("metadata"))
        text = payload.get("text")
        block_id = str_field(metadata, "agui_block_id")
        if isinstance(text, str):
            kinds = (metadata.get("agui_event_type"), metadata.get("agui_block_type"))
            if "thinking" in kinds or metadata.get("adk_thought") is True:
                self.thought(("thought", block_id), unwrap_error(text) if "thinking" in kinds else text)
            elif kinds[0] == "error":
                self.builder.error(text or "the agent reported an error", fatal=False)
            else:
                self.text(("block", block_id) if block_id else key, text)
        elif "data" in payload and payload.get("kind") != "file":
            self._data(payload["data"], metadata)
        elif any(name in payload for name in ("file", "url", "raw")):
            self._file(payload)
        else:
            self.builder.raw(part)

    def text(self, key: Hashable, text: str) -> None:
        """More of a text, which ends the thought before it."""
        for thought in self.builder.open_keys():
            self.builder.end_thought(thought)
        self.wrote = self.wrote or bool(text)
        self.builder.text(key, text)

    def thought(self, key: Hashable, text: str) -> None:
        """More of a thought, which ends the text before it."""
        self._pause()
        self._thoughts.add(key)
        self.builder.thought(key, text)

    def _pause(self) -> None:
        """End what was said so far, but no artifact: that ends when its agent says so."""
        for key in self.builder.open_keys():
            if not (isinstance(key, tuple) and key[0] == "artifact"):
                self.builder.end_text(key)

    def call(self, call_id: str | None, name: str, args: Any) -> Block:
        """A tool call with its arguments."""
        known = self.calls.get(call_id or "")
        if known is not None:
            return known
        self._pause()
        for key in self.builder.open_keys():
            self.builder.end_thought(key)
        call_key = call_id or self.builder.mint("call")
        block = self.calls[call_key] = self.builder.start_tool(call_key, name, call_id=call_id)
        if isinstance(args, str):
            self.builder.tool_args(block, args)
        else:
            self.builder.tool_args(block, args={} if args is None else args)
        return block

    def result(self, call_id: str | None, content: Any, error: str | None, *, failed: bool, name: str | None = None) -> None:
        """What a tool returned; of a call that was never told, it is the call, too."""
        block = self.calls.get(call_id or "") or self.call(call_id, name or "tool", None)
        info = ev.ErrorInfo(message=error or str(content)) if failed else None
        self.builder.tool_result(block, content, status="error" if failed else "ok", error=info)

    def _data(self, data: Any, metadata: Mapping[str, Any]) -> None:
        payload = fields_or_empty(data)
        if set(payload) == {"data"}:  # of protocol versions where the data was a message of its own
            data = payload["data"]
            payload = fields_or_empty(data)
        kind = metadata.get("adk_type") or payload.get("type") or metadata.get("agui_event_type")
        call_id = next((payload[key] for key in ("tool_call_id", "id") if nonempty_str(payload.get(key))), None)
        call_id = call_id or str_field(metadata, "agui_tool_call_id")
        name = str_field(payload, "name") or str_field(metadata, "agui_tool_name")
        if kind in _RESULTS or (kind in _CALLS and "tool_call_id" in payload):
            error = str_field(payload, "error")
            failed = bool(error) or payload.get("is_error") is True or metadata.get("agui_is_error") is True
            content = payload.get("content") if "content" in payload else payload.get("response", payload.get("result"))
            self.result(call_id, content, error, failed=failed, name=name)
        elif kind in _CALLS and name:
            args = next((payload[key] for key in ("arguments", "args", "input") if key in payload), None)
            self.call(call_id, name, args)
        elif kind == "thinking":
            self.whole_thought(payload)
        else:
            self.builder.write(
                ev.Custom(
                    name=str_field(payload, "type") or "data",
                    data=to_jsonable(data),
                    meta=_meta(metadata),
                    **self.builder.envelope,
                )
            )

    def whole_thought(self, payload: Mapping[str, Any]) -> None:
        """A thought that comes whole; one that is known by its id came before."""
        thought_id = payload.get("id")
        key = ("thought", thought_id)
        content = str_field(payload, "content") or str_field(payload, "thinking") or str_field(payload, "text") or ""
        signature = str_field(payload, "signature")
        if self.builder.open_thought(key) is not None:
            self.builder.end_thought(key, content or None, signature=signature)
        elif not thought_id or key not in self._thoughts:
            self.thought(key, content)
            self.builder.end_thought(key, signature=signature)

    def _file(self, payload: Mapping[str, Any]) -> None:
        file = fields_or_empty(payload.get("file")) or payload
        media_type = str_field(file, "mimeType") or str_field(file, "mediaType") or "application/octet-stream"
        data = next((file[name] for name in ("bytes", "fileWithBytes", "raw") if nonempty_str(file.get(name))), None)
        url = next((file[name] for name in ("uri", "fileWithUri", "url") if nonempty_str(file.get(name))), None)
        name = str_field(file, "name") or str_field(file, "filename")
        file_id = self.builder.mint("file")
        self.builder.write(ev.File(id=file_id, media_type=media_type, url=url, data=data, name=name, **self.builder.envelope))


def _meta(metadata: Mapping[str, Any]) -> dict[str, Any] | None:
    read = to_jsonable(metadata)
    return read if isinstance(read, dict) and read else None


def unwrap_error(text: str) -> str:
    """Hector's "[Thinking: …]" without its brackets."""
    if text.startswith("[Thinking: "):
        return text.removeprefix("[Thinking: ").removesuffix("\n").removesuffix("]")
    return text


def message_text(message: Any) -> str:
    """The text of a whole message."""
    parts = fields_or_empty(message).get("parts")
    texts = [fields_or_empty(part).get("text") for part in parts] if isinstance(parts, list | tuple) else []
    return "".join(text for text in texts if isinstance(text, str))

"""Parts of A2A messages and artifacts.

A2A has text, file and data parts (https://a2a-protocol.org/latest/specification/). Reasoning and
tool calls are conventions of agents: Hector's `agui_*` metadata and typed data
(https://github.com/kadirpekel/hector), and the `adk_*` metadata of Google's ADK
(https://github.com/google/adk-python).
"""

from collections.abc import Hashable, Mapping
from typing import Any

from nbagent import events as ev
from nbagent.adapters.base.block import Block
from nbagent.adapters.base.builder import EventBuilder
from nbagent.adapters.base.fields import fields_or_empty, list_or_empty, str_field, to_jsonable

_CALL_TYPES = {"tool_use", "tool_call", "function_call"}
_RESULT_TYPES = {"tool_result", "function_response"}


class PartWriter:
    """Writes parts. Repeated calls and results are written once, by their id.

    Attributes:
        calls: the tool calls, by their upstream id.
        wrote: True once a text was written.
    """

    def __init__(self, builder: EventBuilder) -> None:
        self.builder = builder
        self.calls: dict[str, Block] = {}
        self.wrote = False
        self._reasoning: set[Hashable] = set()

    def write(self, part: Any, key: Hashable) -> bool:
        """Write one part. Text goes to the text of that key, unless its metadata names a block.

        Returns:
            True if the part is a tool call or its result.
        """
        data = fields_or_empty(part)
        metadata = fields_or_empty(data.get("metadata"))
        text = data.get("text")
        if isinstance(text, str):
            self._text_part(text, metadata, key)
        elif "data" in data and data.get("kind") != "file":
            return self._data(data["data"], metadata)
        elif any(name in data for name in ("file", "url", "raw")):
            self._file(data)
        else:
            self.builder.raw(part)
        return False

    def _text_part(self, text: str, metadata: Mapping[str, Any], key: Hashable) -> None:
        block = str_field(metadata, "agui_block_id")
        kinds = (metadata.get("agui_event_type"), metadata.get("agui_block_type"))
        if "thinking" in kinds:
            self.reasoning(("reasoning", block), strip_thinking_label(text))
        elif metadata.get("adk_thought") is True:
            self.reasoning(("reasoning", block), text)
        elif kinds[0] == "error":
            self.builder.error(text or "the agent reported an error", fatal=False)
        elif block:
            self.text(("block", block), text)
        else:
            self.text(key, text)

    def text(self, key: Hashable, text: str) -> None:
        """Append to a text, and end the open reasoning."""
        self._end_reasoning()
        self.wrote = self.wrote or bool(text)
        self.builder.text(key, text)

    def reasoning(self, key: Hashable, text: str) -> None:
        """Append to reasoning, and end the open texts."""
        self._end_texts()
        self._reasoning.add(key)
        self.builder.reasoning(key, text)

    def _end_reasoning(self) -> None:
        for key in self.builder.open_keys():
            self.builder.end_reasoning(key)

    def _end_texts(self) -> None:
        """End the open texts, except artifacts: the agent ends those explicitly."""
        for key in self.builder.open_keys():
            if not (isinstance(key, tuple) and key[0] == "artifact"):
                self.builder.end_text(key)

    def call(self, call_id: str | None, name: str | None, args: Any) -> Block:
        """Return the tool call of that id, started with its arguments if it is new."""
        known = self.calls.get(call_id or "")
        if known is not None:
            return known
        self._end_texts()
        self._end_reasoning()
        call_key = call_id or self.builder.mint("call")
        block = self.calls[call_key] = self.builder.start_tool(call_key, name, call_id=call_id)
        self.builder.complete_args(block, args)
        return block

    def result(
        self,
        call_id: str | None,
        content: Any,
        error: str | None,
        *,
        failed: bool,
        name: str | None = None,
    ) -> None:
        """Write a tool's result, and its call if that is not known.

        Without an id it is that of the oldest open call.
        """
        block = self.builder.call_of_result(self.calls, call_id, name)
        if block is None:
            block = self.call(call_id, name, None)
        if failed:
            self.builder.tool_error(block, error or str(content), content)
        else:
            self.builder.tool_result(block, content)

    def _data(self, data: Any, metadata: Mapping[str, Any]) -> bool:
        entry = fields_or_empty(data)
        if set(entry) == {"data"}:  # `a2a.proto` of 0.3 has a message `DataPart` around the data
            data = entry["data"]
            entry = fields_or_empty(data)
        kind = metadata.get("adk_type") or entry.get("type") or metadata.get("agui_event_type")
        is_call, is_result = kind in _CALL_TYPES, kind in _RESULT_TYPES
        name = str_field(entry, "name") or str_field(metadata, "agui_tool_name")
        if is_result or (is_call and "tool_call_id" in entry):
            self._data_result(entry, metadata, name)
        elif is_call and name:
            args = entry.get("arguments", entry.get("args", entry.get("input")))
            self.call(_call_id_in(entry, metadata), name, args)
        elif kind == "thinking":
            self.complete_reasoning(entry)
        else:
            name = str_field(entry, "type", default="data")
            self.builder.custom(name, data, meta=_meta(metadata))
        return is_call or is_result

    def _data_result(
        self, entry: Mapping[str, Any], metadata: Mapping[str, Any], name: str | None
    ) -> None:
        error = str_field(entry, "error")
        is_error = entry.get("is_error") is True or metadata.get("agui_is_error") is True
        content = entry.get("content", entry.get("response", entry.get("result")))
        self.result(
            _call_id_in(entry, metadata),
            content,
            error,
            failed=bool(error) or is_error,
            name=name,
        )

    def complete_reasoning(self, reasoning: Mapping[str, Any]) -> None:
        """Write complete reasoning, or end the reasoning block of its id if deltas of it came
        before.
        """
        reasoning_id = reasoning.get("id")
        key = ("reasoning", reasoning_id)
        content = str_field(reasoning, "content", "thinking", "text", default="")
        signature = str_field(reasoning, "signature")
        if self.builder.open_reasoning(key) is not None:
            self.builder.end_reasoning(key, content or None, signature=signature)
        elif not reasoning_id or key not in self._reasoning:
            self.reasoning(key, content)
            self.builder.end_reasoning(key, signature=signature)

    def _file(self, part: Mapping[str, Any]) -> None:
        file = fields_or_empty(part.get("file")) or part
        media_type = str_field(file, "mimeType", "mediaType", default="application/octet-stream")
        data = str_field(file, "bytes", "fileWithBytes", "raw")
        url = str_field(file, "uri", "fileWithUri", "url")
        name = str_field(file, "name", "filename")
        file_id = self.builder.mint("file")
        self.builder.write(
            ev.File(
                id=file_id,
                media_type=media_type,
                url=url,
                data=data,
                name=name,
                **self.builder.envelope,
            )
        )


def _call_id_in(entry: Mapping[str, Any], metadata: Mapping[str, Any]) -> str | None:
    """Return the id of a call that a data part, or its metadata, has; None if neither has one."""
    return str_field(entry, "tool_call_id", "id") or str_field(metadata, "agui_tool_call_id")


def _meta(metadata: Mapping[str, Any]) -> dict[str, Any] | None:
    plain = to_jsonable(metadata)
    if isinstance(plain, dict) and plain:
        return plain
    return None


def strip_thinking_label(text: str) -> str:
    """Return the text without the "[Thinking: …]" that Hector puts around reasoning."""
    if text.startswith("[Thinking: "):
        return text.removeprefix("[Thinking: ").removesuffix("\n").removesuffix("]")
    return text


def message_text(message: Any) -> str:
    """Return the text of all parts of a message."""
    parts = list_or_empty(fields_or_empty(message).get("parts"))
    return "".join(str_field(fields_or_empty(part), "text", default="") for part in parts)

"""One choice (`choices[index]`) of a Chat Completions response, and the events of its deltas."""

from collections.abc import Hashable, Mapping
from typing import Any

from nbagent.adapters.base.block import Block
from nbagent.adapters.base.builder import EventBuilder
from nbagent.adapters.base.fields import fields, fields_or_empty, str_field, to_jsonable
from nbagent.adapters.base.openai_fields import citation_fields
from nbagent.adapters.openai_chat.calls import ToolCalls
from nbagent.adapters.openai_chat.dialects import Reasoning, content_parts, image_url, reasoning_in

_EXTRAS = ("executed_tools", "audio", "images", "annotations")


class Choice:
    """Writes the events of one choice.

    Attributes:
        index: the choice's number in the response.
        block: the open text that the last piece went to; None before the first.
        finished: True after the finish reason.
    """

    def __init__(self, builder: EventBuilder, index: int) -> None:
        self.index = index
        self.block: Block | None = None
        self.finished = False
        self._builder = builder
        self._text: Hashable = (builder.step, index, "text")
        self._refusal: Hashable = (builder.step, index, "refusal")
        self._reasoning: Hashable = (builder.step, index, "reasoning")
        self._calls = ToolCalls((builder.step, index))
        self._signature = ""
        self._encrypted = ""

    def read(self, delta: Mapping[str, Any], *, is_complete: bool = False) -> None:
        """Read a delta, or a whole message with `is_complete`."""
        google = fields_or_empty(fields_or_empty(delta.get("extra_content")).get("google"))
        self._write_reasoning(reasoning_in(delta))
        self._read_content(delta.get("content"), is_thought=google.get("thought") is True)
        self._signature += str_field(google, "thought_signature", default="")
        refusal = str_field(delta, "refusal")
        if refusal:
            self._close_reasoning()
            self._builder.text(self._refusal, refusal, kind="refusal")
        if delta.get("tool_calls") or delta.get("function_call"):
            self.close_texts()
            self._calls.read(self._builder, delta, is_complete=is_complete)
        for name in _EXTRAS:
            if delta.get(name):
                self._read_extra(name, delta[name])

    def write_text(self, text: str) -> None:
        """Write a piece of the answer."""
        self._close_reasoning()
        self.block = self._builder.text(self._text, text)

    def close_texts(self) -> None:
        """End the open texts and the reasoning."""
        self._close_reasoning()
        if self._signature or self._encrypted:
            # The signature came after its reasoning, or without one.
            self._builder.start_reasoning(self._reasoning)
            self._close_reasoning()
        self._builder.end_text(self._text)
        self._builder.end_text(self._refusal)

    def finish_calls(self) -> None:
        """Complete the arguments of every call."""
        self._calls.finish(self._builder)

    def _read_content(self, content: Any, *, is_thought: bool) -> None:
        if isinstance(content, list):
            self._read_parts(content)
        elif not isinstance(content, str) or not content:
            return
        elif is_thought:
            # Gemini's endpoint marks reasoning in the ordinary content.
            self._write_reasoning(Reasoning(content))
        else:
            self.write_text(content)

    def _read_parts(self, content: list[Any]) -> None:
        for part in content_parts(content):
            if part.reasoning is not None:
                self._write_reasoning(part.reasoning)
            elif part.url is not None:
                self._write_file(part.url)
            elif part.text:
                self.write_text(part.text)
            elif part.other is not None:
                self._builder.raw(part.other)

    def _read_extra(self, name: str, value: Any) -> None:
        if name == "audio":
            self._read_audio(fields(value))
            return
        for entry in value:
            if name == "executed_tools":
                self._calls.read_executed(self._builder, fields(entry))
            elif name == "annotations":
                url, title, meta = citation_fields(entry)
                text_id = self._builder.text_id(self._text)
                self._builder.source(url, title=title, text_id=text_id, meta=meta)
            elif url := image_url(fields(entry)):
                self._write_file(url)

    def _read_audio(self, audio: Mapping[str, Any]) -> None:
        self.write_text(str_field(audio, "transcript", default=""))
        if str_field(audio, "data"):
            self._builder.raw({"audio": to_jsonable(audio)}, "audio")

    def _write_reasoning(self, reasoning: Reasoning) -> None:
        if reasoning.text:
            self._builder.end_text(self._text)
            self._builder.reasoning(self._reasoning, reasoning.text, kind=reasoning.kind)
        self._signature += reasoning.signature
        self._encrypted += reasoning.encrypted

    def _write_file(self, url: str) -> None:
        media_type = "image/*"
        if url.startswith("data:"):
            media_type = url.removeprefix("data:").split(";", 1)[0].split(",", 1)[0]
        self._builder.file(media_type, url=url)

    def _close_reasoning(self) -> None:
        if self._builder.open_reasoning(self._reasoning) is None:
            return
        self._builder.end_reasoning(
            self._reasoning, signature=self._signature or None, encrypted=self._encrypted or None
        )
        self._signature = self._encrypted = ""

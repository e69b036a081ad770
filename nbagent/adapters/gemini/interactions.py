"""Decoder of Google's Interactions API (Gemini models and agents).

Format: https://ai.google.dev/gemini-api/docs/interactions, and the types of the google-genai SDK;
its older versions call a step a content (`content.delta`). Items are stream events, as SDK objects
or dicts, framed or not.

The format has no approvals or hand-offs. A function that the client has to run ends the interaction
(`requires_action`).
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.block import Block, block_id
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    clean_str,
    entries_in,
    fields,
    fields_or_empty,
    is_token_count,
    str_field,
    to_jsonable,
)
from nbagent.adapters.base.payload import frame_of

_ENDS = {
    "completed": StopInfo("completed", "completed"),
    "requires_action": StopInfo("completed", "requires_action"),
    "cancelled": StopInfo("cancelled", "cancelled"),
}
_FINAL_STATUSES = {"failed", "cancelled", "incomplete", "budget_exceeded"}
_MEDIA_TYPES = {
    "image": "image/*",
    "audio": "audio/*",
    "document": "application/pdf",
    "video": "video/*",
}
"""Kinds of files, and the media type of a file that names none."""

_BEFORE_THE_STEP = {"interaction.created", "interaction.start", "error"}
"""Events that do not show that an interaction has begun."""


class Step:
    """Step of an interaction: a thought, the answer, a call or a result.

    Attributes:
        data: fields of a call or a result so far: name, arguments and id, or the result.
        signature: signature of a thought.
        text_id: our id of its last text.
        tool: its tool call, if it is one.
        done: True once the step ended.
    """

    def __init__(self, kind: str, key: Hashable) -> None:
        self.kind = kind
        self.key = key
        self.data: dict[str, Any] = {}
        self.signature = ""
        self.text_id: str | None = None
        self.tool: Block | None = None
        self.done = False


class InteractionsDecoder(BaseDecoder):
    """Decoder of interaction events. An interaction is a step."""

    system: ClassVar[str] = "google.interactions"

    def __init__(self) -> None:
        super().__init__()
        self._calls: dict[str, Block] = {}
        self._reset()

    def _reset(self) -> None:
        self._steps: dict[Any, Step] = {}
        self._status: str | None = None
        self._usage: ev.Usage | None = None
        self._terminal_seen = False

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is a stream event."""
        kind = fields_or_empty(frame_of(item).data).get("event_type")
        return isinstance(kind, str) and kind in _HANDLERS

    def read(self, item: Any) -> None:
        """Read one stream event."""
        payload = fields(frame_of(item).data)
        kind = clean_str(payload.get("event_type"), default="")
        handler = _HANDLERS.get(kind)
        if handler is None:
            self.builder.raw(item, kind)
            return
        if not self.builder.in_step and kind not in _BEFORE_THE_STEP:
            self._created(payload)
        handler(self, payload)

    # --- the interaction ---

    def _created(self, payload: Mapping[str, Any]) -> None:
        interaction = fields_or_empty(payload.get("interaction"))
        self.end_response()
        self.new_step(clean_str(interaction.get("model")) or clean_str(interaction.get("agent")))
        self._reset()

    def _status_update(self, payload: Mapping[str, Any]) -> None:
        self._status = clean_str(payload.get("status"), default=self._status)

    def _completed(self, payload: Mapping[str, Any]) -> None:
        interaction = fields_or_empty(payload.get("interaction"))
        self._status = clean_str(interaction.get("status"), default=self._status)
        self._usage = _read_usage(interaction.get("usage"))
        self._terminal_seen = True
        self.finish()

    def _error(self, payload: Mapping[str, Any]) -> None:
        self.fail_with(payload.get("error"))

    def finish(self) -> None:
        """End the interaction. Without its last event, or a final status, it is truncated."""
        status = self._status
        for step in self._steps.values():
            if self._terminal_seen or step.kind == "thought":
                self._finish_step(step)
        if self.stop_info.status == "failed":
            self.stop_info = self.stop_info._replace(finish_reason=status)
        elif self.stop_info is TRUNCATED and (self._terminal_seen or status in _FINAL_STATUSES):
            self._end_with(status)
        self.builder.end_step(status, self._usage)

    def _end_with(self, status: str | None) -> None:
        if status == "failed":
            self.fail("The interaction failed", status)
        elif status is None:
            self.stop_info = StopInfo("completed")
        else:
            self.stop_info = _ENDS.get(status, StopInfo("incomplete", status, status))

    # --- steps ---

    def _step_start(self, payload: Mapping[str, Any]) -> None:
        inner = fields_or_empty(payload.get("step") or payload.get("content"))
        kind = clean_str(inner.get("type"), default="")
        step = self._steps[payload.get("index")] = Step(
            kind, (self.builder.step, payload.get("index"))
        )
        if kind == "thought":
            self.builder.start_reasoning(step.key, kind="summary")
            step.signature = str_field(inner, "signature", default="")
            for part in entries_in(inner, "summary"):
                self._write_part(step, fields_or_empty(part))
        elif kind.endswith(("_call", "_result")):
            self._merge(step, inner)
        elif kind == "model_output":
            for part in entries_in(inner, "content"):
                self._write_part(step, fields_or_empty(part))
        elif kind != "user_input":
            self._write_part(step, inner)

    def _step_delta(self, payload: Mapping[str, Any]) -> None:
        index = payload.get("index")
        delta = fields_or_empty(payload.get("delta"))
        step = self._steps.get(index)
        if step is None:
            step = self._steps[index] = Step("", (self.builder.step, index))
        kind = clean_str(delta.get("type"), default="")
        if kind in ("arguments_delta", "arguments"):
            piece = str_field(delta, "arguments", "partial_arguments", default="")
            if step.tool is not None:
                self.builder.tool_delta(step.tool, piece)
        elif kind == "thought_summary":
            step.kind = "thought"
            self._write_part(step, fields_or_empty(delta.get("content")))
        elif kind == "thought_signature":
            step.signature += str_field(delta, "signature", default="")
        elif kind.endswith(("_call", "_result")):
            step.kind = kind
            self._merge(step, delta)
        elif kind in ("text_annotation_delta", "text_annotation"):
            self._cite_all(step, delta.get("annotations"))
        else:
            self._write_part(step, delta)

    def _write_part(self, step: Step, part: Mapping[str, Any]) -> None:
        """Write a delta of a text or a thought, or a file."""
        builder = self.builder
        kind = clean_str(part.get("type"), default="")
        text = str_field(part, "text", default="")
        if step.kind == "thought" and kind in ("text", ""):
            builder.reasoning(step.key, text, kind="summary")
        elif kind == "text":
            block = builder.text(step.key, text)
            step.text_id = block_id(block) or step.text_id
            self._cite_all(step, part.get("annotations"))
        elif kind in _MEDIA_TYPES:
            self._write_file(part, _MEDIA_TYPES[kind])
        elif part:
            builder.raw(part, kind)

    def _write_file(self, part: Mapping[str, Any], media_type: str) -> None:
        data, url = clean_str(part.get("data")), clean_str(part.get("uri"))
        if data or url:
            media_type = clean_str(part.get("mime_type"), default=media_type)
            self.builder.file(media_type, url=url, data=data)

    def _cite_all(self, step: Step, annotations: Any) -> None:
        for annotation in annotations or ():
            data = fields_or_empty(annotation)
            url = clean_str(str_field(data, "url", "document_uri", "source"))
            title = clean_str(str_field(data, "title", "file_name", "name"))
            self.builder.source(url, title=title, text_id=step.text_id, meta=to_jsonable(data))

    def _step_stop(self, payload: Mapping[str, Any]) -> None:
        step = self._steps.get(payload.get("index"))
        if step is not None:
            self._finish_step(step)

    def _finish_step(self, step: Step) -> None:
        if step.done:
            return
        step.done = True
        builder = self.builder
        if step.kind == "thought":
            builder.end_reasoning(step.key, signature=clean_str(step.signature))
        elif step.tool is not None and step.kind.endswith("_call"):
            arguments = step.data.get("arguments")
            streamed = step.tool.args_pieces or not arguments
            builder.tool_args(step.tool, args=None if streamed else arguments)
        elif step.kind.endswith("_result"):
            self._write_result(step)
        builder.end_text(step.key)

    # --- calls and results ---

    def _merge(self, step: Step, data: Mapping[str, Any]) -> None:
        """Merge fields of a call or a result; later ones replace.

        A function's name may come only with its first delta.
        """
        step.data |= {name: value for name, value in data.items() if value is not None}
        if step.kind.endswith("_result") or step.tool is not None:
            return
        name = clean_str(step.data.get("name")) or step.kind.removesuffix("_call")
        if step.kind == "function_call" and "name" not in step.data:
            return
        server = clean_str(step.data.get("server_name"))
        call_id = clean_str(step.data.get("id"))
        kind: ev.ToolKind = "mcp" if server else "hosted"
        if step.kind == "function_call":
            kind = "function"
        title = None
        if server:
            title = f"{server}: {name}"
        step.tool = self.builder.start_tool(step.key, name, call_id=call_id, kind=kind, title=title)
        self._calls[call_id or step.kind] = step.tool

    def _write_result(self, step: Step) -> None:
        """Write a result, for the call that it names or the last call of its kind."""
        base = step.kind.removesuffix("_result")
        call_id = clean_str(step.data.get("call_id"))
        block = self._calls.get(call_id or f"{base}_call")
        if block is None or block.closed:
            name = clean_str(step.data.get("name"), default=base)
            block = self.builder.start_tool(step.key, name, call_id=call_id, kind="hosted")
        content = step.data.get("result")
        if step.data.get("is_error") is True:
            message = clean_str(content) or str(to_jsonable(content))
            self.builder.tool_error(block, message, content)
        else:
            self.builder.tool_result(block, content)


def _read_usage(usage: Any) -> ev.Usage | None:
    """Return the token counts, or None.

    Reasoning is added to the output and tool use to the prompt: both are counted apart.
    """
    counts = {
        name: value for name, value in fields_or_empty(usage).items() if is_token_count(value)
    }
    if not counts:
        return None
    prompt, output = (
        sum(counts[name] for name in names if name in counts)
        if counts.keys() & set(names)
        else None
        for names in (
            ("total_input_tokens", "total_tool_use_tokens"),
            ("total_output_tokens", "total_thought_tokens"),
        )
    )
    return ev.Usage(
        input=prompt,
        output=output,
        total=counts.get("total_tokens"),
        reasoning=counts.get("total_thought_tokens"),
        cache_read=counts.get("total_cached_tokens"),
    )


_HANDLERS: dict[str, Callable[[InteractionsDecoder, Mapping[str, Any]], None]] = {
    "interaction.created": InteractionsDecoder._created,
    "interaction.start": InteractionsDecoder._created,
    "interaction.status_update": InteractionsDecoder._status_update,
    "interaction.completed": InteractionsDecoder._completed,
    "interaction.complete": InteractionsDecoder._completed,
    "step.start": InteractionsDecoder._step_start,
    "step.delta": InteractionsDecoder._step_delta,
    "step.stop": InteractionsDecoder._step_stop,
    "content.start": InteractionsDecoder._step_start,
    "content.delta": InteractionsDecoder._step_delta,
    "content.stop": InteractionsDecoder._step_stop,
    "error": InteractionsDecoder._error,
}

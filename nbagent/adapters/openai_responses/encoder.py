"""Encoder for OpenAI Responses: a whole run as the stream of one response.

Source: https://platform.openai.com/docs/api-reference/responses-streaming, as openai 3.52 reads it.
Every text is a message item. A tool that the run itself calls is a function call and its output. A
tool that the provider ran (`kind` "hosted" or "mcp") is an MCP call, the only kind of item that can
hold any tool's name, arguments and result. The last event repeats the whole output, which is kept
until then.
"""

from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.closed_codes import SERVER_ERROR, code_in_metadata
from nbagent.adapters.base.encoder import BaseEncoder, Item
from nbagent.adapters.base.losses import OPENAI_RUN, Loss
from nbagent.adapters.base.streamed import StreamedCall, StreamedText
from nbagent.adapters.base.text_forms import as_text, error_message, result_text, without_none
from nbagent.adapters.openai_responses.call_item import ARGS_EVENT, call_item, item_type
from nbagent.adapters.openai_responses.closed_values import CUT_REASONS, ERROR_CODES
from nbagent.adapters.openai_responses.usage import responses_usage

_Json = dict[str, Any]


class ResponsesEncoder(BaseEncoder):
    """Encodes events as Responses stream events.

    Args:
        model: name of the model for the clients of a server; None is that of the run.
        request: parameters of the client's request, which the response repeats.
    """

    system: ClassVar[str] = "openai.responses"
    loses: ClassVar[frozenset[Loss]] = (
        OPENAI_RUN - {Loss.PHASES}
        | {Loss.MISSING_COUNTS, Loss.PAUSED, Loss.SIGNATURES, Loss.EARLY_STARTS}
        | {
            Loss.HOSTED_CALL_IDS,
            Loss.CUSTOM_ARGS,
            Loss.UNFINISHED_ARGS,
            Loss.FUNCTION_ERRORS,
            Loss.DENIED,
        }
        | {Loss.SOURCES_WITHOUT_URL, Loss.LOOSE_SOURCES}
    )
    end_statuses: ClassVar[frozenset[str]] = frozenset(
        {"paused", "cancelled", "incomplete", "max_steps"}
    )
    limit_names: ClassVar[dict[str, str]] = {
        "length": "max_output_tokens",
        "content_filter": "content_filter",
    }

    def __init__(self, *, model: str | None = None, request: _Json | None = None) -> None:
        super().__init__()
        self._named = model
        self.names_calls = model is not None
        self._request = request or {}
        self._sequence_number = 0
        self._created = False
        self._output: list[_Json] = []
        self._output_index: dict[str, int] = {}  # of the open items, by their id
        self._open_texts: list[StreamedText] = []
        self._annotations: dict[str, list[_Json]] = {}  # of the open texts, by their id

    def sse_fields(self, item: Item) -> tuple[str | None, str]:
        """Return the event's type as the name, and the whole event as the data."""
        return item["type"] if isinstance(item, dict) else None, self.message(item)

    # --- response ---

    def _emit_event(self, kind: str, **fields: Any) -> None:
        self.emit({"type": kind, **fields, "sequence_number": self._sequence_number})
        self._sequence_number += 1

    def _ensure_created(self) -> None:
        """Emit the start of the response, once, with the first content: the model is known by
        then.
        """
        if not self._created:
            self._created = True
            self._emit_event("response.created", response=self.response("in_progress"))
            self._emit_event("response.in_progress", response=self.response("in_progress"))

    def response(self, status: str, **more: Any) -> _Json:
        """Return the response, without what has come of it."""
        return {
            "id": f"resp_{self.run_id}",
            "object": "response",
            "created_at": self.created,
            "status": status,
            "model": self._named or self.model or "",
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "output": [],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": None,
            **self._request,
            **more,
        }

    def end_run(self, end: ev.RunEnd, error: ev.Error | None) -> None:
        """Emit the ends of all open items, for openai's helper raises where one is missing, and of
        the response.
        """
        self._ensure_created()
        for call in self.open_calls():
            if self._item_id(call) in self._output_index:
                self._end_item(call_item(call, self._item_id(call), "incomplete", call.args_so_far))
        usage = None
        if self.usage is not None:
            usage = responses_usage(self.usage)
        whole: _Json = {"output": self._output, "usage": usage}
        if error is not None:
            code = error.code or SERVER_ERROR
            listed = code if code in ERROR_CODES else SERVER_ERROR
            whole["error"] = {"code": listed, "message": error.message}
            whole["metadata"] = self._metadata(code, ERROR_CODES)
            self._emit_event("response.failed", response=self.response("failed", **whole))
        elif end.status in ("completed", "paused"):
            self._emit_event("response.completed", response=self.response("completed", **whole))
        elif end.status == "cancelled":
            self._emit_event("response.incomplete", response=self.response("cancelled", **whole))
        else:
            reason = self.incomplete_reason(end)
            whole["incomplete_details"] = {"reason": reason} if reason in CUT_REASONS else {}
            whole["metadata"] = self._metadata(reason, CUT_REASONS)
            self._emit_event("response.incomplete", response=self.response("incomplete", **whole))

    def _metadata(self, code: str, listed: frozenset[str]) -> _Json:
        return {**self._request.get("metadata", {}), **code_in_metadata(code, listed)}

    # --- items ---

    def _start_item(self, item: _Json) -> _Json:
        """Emit the start of an item, and return the fields with which events refer to it."""
        self._ensure_created()
        self._output_index[item["id"]] = len(self._output)
        self._output.append(item)
        self._emit_event(
            "response.output_item.added", output_index=self._output_index[item["id"]], item=item
        )
        return self._reference(item["id"])

    def _reference(self, item_id: str) -> _Json:
        return {"item_id": item_id, "output_index": self._output_index[item_id]}

    def _end_item(self, item: _Json) -> None:
        index = self._output_index.pop(item["id"])
        self._output[index] = item
        self._emit_event("response.output_item.done", output_index=index, item=item)

    def _item_id(self, call: StreamedCall) -> str:
        """Return the id of a call's item, which differs from the id of the call."""
        return self._id("mcp" if call.is_hosted else "fc", call.start.id)

    def _block_id(self, text: StreamedText) -> str:
        """Return the id of the item of a text or a reasoning block."""
        return self._id("msg" if isinstance(text.start, ev.TextStart) else "rs", text.id)

    def _id(self, prefix: str, id: str) -> str:
        if self._named is None:
            return f"{prefix}_{id}"
        # The items of a server's responses are told apart, and sent to other servers, which take
        # letters, digits, _ and -.
        return f"{prefix}_{self.run_id}_{id.replace('/', '-')}"

    # --- text ---

    def start_text(self, text: StreamedText) -> None:
        """Emit the start of a message with one content part."""
        self._open_texts.append(text)
        self._annotations[text.id] = []
        reference = self._start_item(self._message(text, "in_progress", []))
        self._emit_event(
            "response.content_part.added", **reference, content_index=0, part=self._part(text, "")
        )

    def text_delta(self, text: StreamedText, delta: str) -> None:
        """Emit a delta of the message."""
        reference = {**self._reference(self._block_id(text)), "content_index": 0}
        if text.is_refusal:
            self._emit_event("response.refusal.delta", **reference, delta=delta)
        else:
            self._emit_event("response.output_text.delta", **reference, delta=delta, logprobs=[])

    def end_text(self, text: StreamedText) -> None:
        """Emit the complete message."""
        part = self._part(text, text.final)
        reference = {**self._reference(self._block_id(text)), "content_index": 0}
        if text.is_refusal:
            self._emit_event("response.refusal.done", **reference, refusal=text.final)
        else:
            self._emit_event("response.output_text.done", **reference, text=text.final, logprobs=[])
        self._emit_event("response.content_part.done", **reference, part=part)
        self._end_item(self._message(text, "completed", [part]))
        self._open_texts.remove(text)
        del self._annotations[text.id]

    def _message(self, text: StreamedText, status: str, content: list[_Json]) -> _Json:
        phase = None
        if isinstance(text.start, ev.TextStart):
            phase = text.start.phase
        fields = {
            "id": self._block_id(text),
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": content,
        }
        return {**fields, **without_none(phase=phase)}

    def _part(self, text: StreamedText, whole: str) -> _Json:
        if text.is_refusal:
            return {"type": "refusal", "refusal": whole}
        return {
            "type": "output_text",
            "text": whole,
            "annotations": self._annotations[text.id],
            "logprobs": [],
        }

    def other_event(self, event: ev.Event) -> None:
        """Emit a source with a URL as an annotation of an open text: its own, else the latest."""
        if not isinstance(event, ev.Source) or not event.url:
            return
        texts = [text for text in self._open_texts if not text.is_refusal]
        text = next(
            (text for text in texts if text.id == event.text_id), texts[-1] if texts else None
        )
        if text is None:
            return
        annotations = self._annotations[text.id]
        annotation = {
            "type": "url_citation",
            "url": event.url,
            "title": event.title or "",
            "start_index": 0,
            "end_index": 0,
        }
        fields = {
            "content_index": 0,
            "annotation_index": len(annotations),
            "annotation": annotation,
        }
        self._emit_event(
            "response.output_text.annotation.added",
            **self._reference(self._block_id(text)),
            **fields,
        )
        annotations.append(annotation)

    # --- reasoning ---

    def start_reasoning(self, reasoning: StreamedText) -> None:
        """Emit the start of a reasoning item."""
        item = {
            "id": self._block_id(reasoning),
            "type": "reasoning",
            "status": "in_progress",
            "summary": [],
        }
        reference = self._start_item(item)
        if _is_summary(reasoning):
            self._emit_event(
                "response.reasoning_summary_part.added",
                **reference,
                summary_index=0,
                part=_summary_part(""),
            )

    def reasoning_delta(self, reasoning: StreamedText, delta: str) -> None:
        """Emit a delta of the reasoning."""
        reference = self._reference(self._block_id(reasoning))
        if _is_summary(reasoning):
            self._emit_event(
                "response.reasoning_summary_text.delta", **reference, summary_index=0, delta=delta
            )
        else:
            self._emit_event(
                "response.reasoning_text.delta", **reference, content_index=0, delta=delta
            )

    def end_reasoning(self, reasoning: StreamedText, event: ev.ReasoningEnd) -> None:
        """Emit the complete reasoning item, with its encrypted content."""
        reference = self._reference(self._block_id(reasoning))
        item: _Json = {
            "id": self._block_id(reasoning),
            "type": "reasoning",
            "status": "completed",
            "summary": [],
        }
        if _is_summary(reasoning):
            part = _summary_part(reasoning.final)
            self._emit_event(
                "response.reasoning_summary_text.done",
                **reference,
                summary_index=0,
                text=reasoning.final,
            )
            self._emit_event(
                "response.reasoning_summary_part.done", **reference, summary_index=0, part=part
            )
            item["summary"] = [part]
        else:
            self._emit_event(
                "response.reasoning_text.done", **reference, content_index=0, text=reasoning.final
            )
            item["content"] = [{"type": "reasoning_text", "text": reasoning.final}]
        self._end_item({**item, **without_none(encrypted_content=event.encrypted)})

    # --- tool calls ---

    def start_call(self, call: StreamedCall) -> None:
        """Emit the start of a call's item."""
        self._start_item(call_item(call, self._item_id(call), "in_progress", ""))
        if call.is_hosted:
            self._emit_event(
                "response.mcp_call.in_progress", **self._reference(self._item_id(call))
            )

    def args_delta(self, call: StreamedCall, delta: str) -> None:
        """Emit a delta of the arguments."""
        self._emit_event(
            f"response.{ARGS_EVENT[item_type(call)]}.delta",
            **self._reference(self._item_id(call)),
            delta=delta,
        )

    def end_args(self, call: StreamedCall) -> None:
        """Emit the complete arguments.

        This ends a function call, whose output is an item of its own.
        """
        field = "input" if item_type(call) == "custom_tool_call" else "arguments"
        reference = self._reference(self._item_id(call))
        self._emit_event(
            f"response.{ARGS_EVENT[item_type(call)]}.done", **reference, **{field: call.args_text}
        )
        if not call.is_hosted:
            self._end_item(call_item(call, self._item_id(call), "completed", call.args_text))

    def tool_result(self, call: StreamedCall, event: ev.ToolResult) -> None:
        """Emit a final result: the end of an MCP call's item, or the output of a function call."""
        if not call.answered:
            return
        if call.final_args is None:
            call.args_text = call.args_so_far
            self.end_args(call)
        if call.is_hosted:
            self._end_hosted_call(call, event)
            return
        item = {
            "id": self.new_id("fco"),
            "type": f"{item_type(call)}_output",
            "call_id": call.call_id,
        }
        self._start_item({**item, "output": "", "status": "in_progress"})
        self._end_item({**item, "output": result_text(event), "status": "completed"})

    def _end_hosted_call(self, call: StreamedCall, event: ev.ToolResult) -> None:
        failed = event.status != "ok"
        if failed and event.content is None:
            output = None
        else:
            output = as_text(event.content)
        if failed:
            error = {"type": "mcp_tool_execution_error", "content": error_message(event)}
        else:
            error = None
        status = "failed" if failed else "completed"
        self._emit_event(f"response.mcp_call.{status}", **self._reference(self._item_id(call)))
        self._end_item(
            {
                **call_item(call, self._item_id(call), status, call.args_text),
                "output": output,
                "error": error,
            }
        )


def _is_summary(reasoning: StreamedText) -> bool:
    return isinstance(reasoning.start, ev.ReasoningStart) and reasoning.start.kind == "summary"


def _summary_part(text: str) -> _Json:
    return {"type": "summary_text", "text": text}

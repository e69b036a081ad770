"""Google's Interactions API (Gemini models and agents), streamed.

The format: https://ai.google.dev/gemini-api/docs/interactions, and the types of the google-genai SDK, of which the older
ones call a step a content (`content.delta`). Takes stream events as SDK objects or as dicts, framed or not.

What it cannot say: approvals, hand-offs. A function that the client has to run ends the interaction (`requires_action`).
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.builder import Block
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, Verdict
from nbagent.adapters.base.fields import fields, fields_or_none, is_count, label, plain, string
from nbagent.adapters.base.payload import frame_of

_COMPLETED = {"completed", "requires_action"}
_OVER_EARLY = {"failed", "cancelled", "incomplete", "budget_exceeded"}
_MEDIA = {"image", "audio", "document", "video"}


class Step:
    """One step of an interaction: a thought, the answer, a call or a result.

    Attributes:
        said: what was said of it so far, where it is not text: a call's name, arguments and id, or a result.
    """

    def __init__(self, kind: str, key: Hashable) -> None:
        self.kind = kind
        self.key = key
        self.said: dict[str, Any] = {}
        self.signature = ""
        self.text_id: str | None = None
        self.tool: Block | None = None
        self.done = False


class InteractionsDecoder(BaseDecoder):
    """Interaction events to events. An interaction is a step of ours."""

    system: ClassVar[str] = "google.interactions"

    def __init__(self) -> None:
        super().__init__()
        self._calls: dict[str, Block] = {}
        self._reset()

    def _reset(self) -> None:
        self._steps: dict[Any, Step] = {}
        self._status: str | None = None
        self._usage: ev.Usage | None = None
        self._whole = False

    @staticmethod
    def recognises(item: Any) -> bool:
        """Whether the item is a stream event."""
        kind = fields_or_none(frame_of(item).data).get("event_type")
        return isinstance(kind, str) and kind in _HANDLERS

    def read(self, item: Any) -> None:
        """One stream event."""
        said = fields(frame_of(item).data)
        kind = label(said.get("event_type")) or ""
        handler = _HANDLERS.get(kind)
        if handler is None:
            self.book.raw(item, kind or None)
            return
        if not self.book.in_step and kind not in ("interaction.created", "interaction.start", "error"):
            self._created(said)
        handler(self, said)

    # --- the interaction ------------------------------------------------------------------------------------------------

    def _created(self, said: Mapping[str, Any]) -> None:
        interaction = fields_or_none(said.get("interaction"))
        if self.book.in_step:
            self.finish()
        self.new_step(label(interaction.get("model")) or label(interaction.get("agent")))
        self._reset()

    def _status_update(self, said: Mapping[str, Any]) -> None:
        self._status = label(said.get("status")) or self._status

    def _completed(self, said: Mapping[str, Any]) -> None:
        interaction = fields_or_none(said.get("interaction"))
        self._status = label(interaction.get("status")) or self._status
        self._usage = _usage_of(interaction.get("usage"))
        self._whole = True
        self.finish()

    def _error(self, said: Mapping[str, Any]) -> None:
        self.fail_with(said.get("error"))

    def finish(self) -> None:
        """The interaction is over; its last event, or a status that nothing can follow, says so."""
        status = self._status
        for step in self._steps.values():
            if self._whole or step.kind == "thought":
                self._finish_step(step)
        if self.verdict.status == "failed":
            self.verdict = self.verdict._replace(finish_reason=status)
        elif self.verdict is TRUNCATED and (self._whole or status in _OVER_EARLY):
            if status == "failed":
                self.fail("The interaction failed", status)
            elif status == "cancelled":
                self.verdict = Verdict("cancelled", status)
            elif status is None or status in _COMPLETED:
                self.verdict = Verdict("completed", status)
            else:
                self.verdict = Verdict("incomplete", status, status)
        self.book.end_step(status, self._usage)

    # --- steps ----------------------------------------------------------------------------------------------------------

    def _step_start(self, said: Mapping[str, Any]) -> None:
        inner = fields_or_none(said.get("step") or said.get("content"))
        kind = label(inner.get("type")) or ""
        step = self._steps[said.get("index")] = Step(kind, (self.book.step, said.get("index")))
        if kind == "thought":
            self.book.start_thought(step.key, kind="summary")
            step.signature = string(inner.get("signature")) or ""
            for part in inner.get("summary") or ():
                self._part(step, fields_or_none(part))
        elif kind.endswith(("_call", "_result")):
            self._more(step, inner)
        elif kind == "model_output":
            for part in inner.get("content") or ():
                self._part(step, fields_or_none(part))
        elif kind != "user_input":
            self._part(step, inner)

    def _step_delta(self, said: Mapping[str, Any]) -> None:
        index = said.get("index")
        delta = fields_or_none(said.get("delta"))
        step = self._steps.get(index)
        if step is None:
            step = self._steps[index] = Step("", (self.book.step, index))
        kind = label(delta.get("type")) or ""
        if kind in ("arguments_delta", "arguments"):
            piece = string(delta.get("arguments")) or string(delta.get("partial_arguments")) or ""
            if step.tool is not None:
                self.book.tool_delta(step.tool, piece)
        elif kind == "thought_summary":
            step.kind = "thought"
            self._part(step, fields_or_none(delta.get("content")))
        elif kind == "thought_signature":
            step.signature += string(delta.get("signature")) or ""
        elif kind.endswith(("_call", "_result")):
            step.kind = kind
            self._more(step, delta)
        elif kind in ("text_annotation_delta", "text_annotation"):
            self._cite_all(step, delta.get("annotations"))
        else:
            self._part(step, delta)

    def _part(self, step: Step, part: Mapping[str, Any]) -> None:
        """A piece of text, of a thought, or a picture or the like."""
        book = self.book
        kind = label(part.get("type")) or ""
        text = string(part.get("text")) or ""
        if step.kind == "thought" and kind in ("text", ""):
            book.thought(step.key, text, kind="summary")
        elif kind == "text":
            block = book.text(step.key, text)
            step.text_id = block.id if block is not None else step.text_id
            self._cite_all(step, part.get("annotations"))
        elif kind in _MEDIA:
            data, url = label(part.get("data")), label(part.get("uri"))
            media_type = label(part.get("mime_type")) or ("application/pdf" if kind == "document" else f"{kind}/*")
            if data or url:
                book.write(ev.File(id=book.mint("file"), media_type=media_type, url=url, data=data, **book.stamp))
        elif part:
            book.raw(part, kind or None)

    def _cite_all(self, step: Step, annotations: Any) -> None:
        book = self.book
        for annotation in annotations or ():
            said = fields_or_none(annotation)
            url = label(said.get("url")) or label(said.get("document_uri")) or label(said.get("source"))
            title = label(said.get("title")) or label(said.get("file_name")) or label(said.get("name"))
            meta = plain(said)
            book.write(ev.Source(id=book.mint("source"), url=url, title=title, text_id=step.text_id, meta=meta, **book.stamp))

    def _step_stop(self, said: Mapping[str, Any]) -> None:
        step = self._steps.get(said.get("index"))
        if step is not None:
            self._finish_step(step)

    def _finish_step(self, step: Step) -> None:
        if step.done:
            return
        step.done = True
        book = self.book
        if step.kind == "thought":
            book.end_thought(step.key, signature=label(step.signature))
        elif step.tool is not None and step.kind.endswith("_call"):
            arguments = step.said.get("arguments")
            streamed = step.tool.pieces or not arguments
            book.tool_args(step.tool, args=None if streamed else arguments)
        elif step.kind.endswith("_result"):
            self._result(step)
        book.end_text(step.key)

    # --- calls and results ----------------------------------------------------------------------------------------------

    def _more(self, step: Step, said: Mapping[str, Any]) -> None:
        """More of a call or a result: what is said later replaces. A function's name may come only with its first delta."""
        step.said |= {name: value for name, value in said.items() if value is not None}
        if step.kind.endswith("_result") or step.tool is not None:
            return
        name = label(step.said.get("name")) or step.kind.removesuffix("_call")
        if step.kind == "function_call" and "name" not in step.said:
            return
        server = label(step.said.get("server_name"))
        call_id = label(step.said.get("id"))
        kind: ev.ToolKind = "function" if step.kind == "function_call" else "mcp" if server else "hosted"
        title = f"{server}: {name}" if server else None
        step.tool = self.book.start_tool(step.key, name, call_id=call_id, kind=kind, title=title)
        self._calls[call_id or step.kind] = step.tool

    def _result(self, step: Step) -> None:
        """A result answers the call that it names, or the last of its kind."""
        base = step.kind.removesuffix("_result")
        call_id = label(step.said.get("call_id"))
        block = self._calls.get(call_id or f"{base}_call")
        if block is None or block.closed:
            name = label(step.said.get("name")) or base
            block = self.book.start_tool(step.key, name, call_id=call_id, kind="hosted")
        content = step.said.get("result")
        failed = step.said.get("is_error") is True
        error = ev.ErrorInfo(message=label(content) or str(plain(content))) if failed else None
        self.book.tool_result(block, content, status="error" if failed else "ok", error=error)


def _usage_of(usage: Any) -> ev.Usage | None:
    """Token counts in our terms: thoughts are counted apart from the answer, and what tools added apart from the prompt."""
    said = {name: value for name, value in fields_or_none(usage).items() if is_count(value)}
    if not said:
        return None
    sent, made = (
        sum(said[name] for name in names if name in said) if said.keys() & set(names) else None
        for names in (("total_input_tokens", "total_tool_use_tokens"), ("total_output_tokens", "total_thought_tokens"))
    )
    return ev.Usage(
        input=sent,
        output=made,
        total=said.get("total_tokens"),
        reasoning=said.get("total_thought_tokens"),
        cache_read=said.get("total_cached_tokens"),
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

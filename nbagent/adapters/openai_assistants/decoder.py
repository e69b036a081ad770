"""OpenAI's Assistants: the events of `client.beta.threads`, and of NEAR AI's hub, which took over their names.

Format: https://platform.openai.com/docs/api-reference/assistants-streaming/events (openai 3.52; deprecated there). On the
wire only the SSE frame has an event's name, so that an item is `{"event": name, "data": object}`, as the SDK's own objects are;
bare objects are read, too, by their `object` and `status`. There is one message at a time: its id is not needed, and not
trusted.

What they cannot say: thoughts and hand-offs. A run that requires action waits for the outputs of its calls, which count as
input from outside.

NEAR AI (https://github.com/nearai/nearai/blob/main/hub/api/v1/thread_routes.py, 98e5f2c) has text only, and several completions
in a run. Its server never closes the stream: the run's last event ends it.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.builder import Block, parse_args
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import fields_or_empty, get_field, nonempty_str, str_field, to_jsonable
from nbagent.adapters.base.openai_fields import citation_fields, openai_usage

_OBJECTS = {"thread", "thread.run", "thread.run.step", "thread.message", "thread.message.delta", "thread.run.step.delta"}
_SILENT = {"created", "queued", "in_progress"}


def _event_of(item: Any) -> str:
    """The name of an event; of a bare object, the one that its state stands for."""
    event = get_field(item, "event")
    if isinstance(event, str):
        return event
    kind, status = get_field(item, "object"), get_field(item, "status")
    if not isinstance(kind, str) or kind not in _OBJECTS:
        return ""
    return kind if kind.endswith(".delta") else f"{kind}.{status if isinstance(status, str) else 'created'}"


def _is_near(item: Any) -> bool:
    """Return True if NEAR AI sent it: it names agents by path, and puts the event's name into the object."""
    data, event = get_field(item, "data"), get_field(item, "event")
    is_path = "/" in str(get_field(data, "assistant_id") or "")
    return is_path or (get_field(data, "object") == event and event is not None and not event.endswith(".delta"))


class AssistantsDecoder(BaseDecoder):
    """Assistants stream events to events."""

    system: ClassVar[str] = "openai.assistants"
    reads_frames: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._calls: dict[Any, Block] = {}
        self._cited = 0

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is an event of a thread."""
        return _event_of(item).startswith("thread.") and not _is_near(item)

    def read(self, item: Any) -> None:
        """Read one event."""
        if item == "[DONE]":
            return
        event = _event_of(item)
        data = get_field(item, "data") if isinstance(get_field(item, "event"), str) else item
        payload = fields_or_empty(data)
        self.builder.begin(str_field(payload, "model"))
        scope, _, word = event.removeprefix("thread.").rpartition(".")
        if event in ("error", "thread.run.error"):
            self.fail_with(payload.get("error") or data)
        elif event == "done" or (scope == "" and word in _SILENT):
            pass
        elif scope == "run":
            self._run(word, payload)
        elif scope == "run.step":
            self._step(word, payload)
        elif scope == "message":
            self._message(word, payload)
        else:
            self.builder.raw(item, event or None)

    # --- the run --------------------------------------------------------------------------------------------------------

    def _run(self, word: str, payload: Mapping[str, Any]) -> None:
        run = fields_or_empty(payload.get("delta")) or payload
        error, usage = run.get("last_error"), openai_usage(_counts(run.get("usage")))
        if word in _SILENT:
            self.stop_info = TRUNCATED
            return
        if word == "cancelling":
            self.builder.status("Cancelling…")
            return
        self.builder.end_step()
        self.builder.usage = usage or self.builder.usage
        if word == "completed":
            self.stop_info = StopInfo("completed", word)
        elif word == "requires_action":
            self._require(run)
        elif word in ("cancelled", "canceled"):
            self.stop_info = StopInfo("cancelled", word)
        elif word == "incomplete":
            reason = nonempty_str(fields_or_empty(run.get("incomplete_details")).get("reason")) or word
            self.stop_info = StopInfo("incomplete", reason, reason)
        elif word in ("failed", "expired"):
            self.stop_info = StopInfo("failed", word)
            self.fail_with(error or {"message": f"The run {'expired' if word == 'expired' else 'failed'}", "code": word})
        else:
            self.builder.raw(run, f"thread.run.{word}")
            return
        self.settle(word)

    def settle(self, word: str) -> None:
        """The run has said its last word. More may come on the same stream: another run, or this one after its tools."""

    def _require(self, run: Mapping[str, Any]) -> None:
        """The run waits for the outputs of its calls."""
        self.stop_info = StopInfo("paused", "requires_action")
        action = fields_or_empty(fields_or_empty(run.get("required_action")).get("submit_tool_outputs"))
        calls = action.get("tool_calls") or ()
        for call in calls:
            block = self._call(None, fields_or_empty(call))
            self._finish_call(block, fields_or_empty(call), whole=False)
            args = parse_args(nonempty_str(get_field(get_field(call, "function"), "arguments")) or "")[0]
            self._ask(block.call_id or block.id, block.id, args)
        if not calls:
            self._ask(str_field(run, "id") or self.builder.mint("input"), None, None)

    def _ask(self, approval_id: str, tool_id: str | None, args: Any) -> None:
        builder = self.builder
        builder.write(ev.ApprovalRequest(approval_id=approval_id, tool_id=tool_id, kind="input", args=args, **builder.envelope))

    # --- its steps ------------------------------------------------------------------------------------------------------

    def _step(self, word: str, payload: Mapping[str, Any]) -> None:
        if word == "created":
            self.builder.start_step()
            self._calls.clear()
            return
        details = fields_or_empty(fields_or_empty(payload.get("delta")).get("step_details") or payload.get("step_details"))
        calls = [fields_or_empty(call) for call in details.get("tool_calls") or ()]
        if word == "delta":
            for call in calls:
                self._delta(self._call(call.get("index"), call), call)
        elif word != "in_progress":
            error = payload.get("last_error")
            for index, call in enumerate(calls):
                self._finish_call(self._call(index, call), call, whole=True, error=error)
            if error:
                self.fail(
                    nonempty_str(get_field(error, "message")) or word, nonempty_str(get_field(error, "code")), fatal=False
                )
            usage = openai_usage(_counts(payload.get("usage")))
            self.builder.end_step(word if word != "completed" else None, usage)

    def _call(self, index: Any, call: Mapping[str, Any]) -> Block:
        """The call that a delta or a snapshot is about: by its place in the step, or by its id."""
        call_id = str_field(call, "id")
        block = next((block for block in self._calls.values() if call_id and block.call_id == call_id), None)
        if block is None and not (call_id and get_field(self._calls.get(index), "call_id")):
            block = self._calls.get(index)
        if block is None:
            kind = str_field(call, "type") or "function"
            name = nonempty_str(get_field(call.get("function"), "name")) or kind
            key = call_id or index
            block = self.builder.start_tool(
                (self.builder.step, key), name, call_id=call_id, kind="function" if kind == "function" else "hosted"
            )
            self._calls[key if index is None else index] = block
        return block

    def _delta(self, block: Block, call: Mapping[str, Any]) -> None:
        """More of a call's arguments, or of what it gave out."""
        inner = _inner(call)
        self.builder.tool_delta(block, str_field(inner, "arguments") or str_field(inner, "input") or "")
        for output in inner.get("outputs") or ():
            if nonempty_str(get_field(output, "logs")):
                self.builder.progress(block, str(get_field(output, "logs")))

    def _finish_call(self, block: Block, call: Mapping[str, Any], *, whole: bool, error: Any = None) -> None:
        """A call is complete; when its step is, so is its result."""
        inner = _inner(call)
        text = inner.get("arguments", inner.get("input"))
        self.builder.tool_args(block, text if isinstance(text, str) else None, free="input" in inner)
        if not whole:
            return
        content = next((inner[name] for name in ("output", "outputs", "results") if inner.get(name) is not None), None)
        for output in inner.get("outputs") or ():
            self._picture(get_field(output, "image"))
        info = ev.ErrorInfo(message=nonempty_str(get_field(error, "message")) or "the step failed") if error else None
        self.builder.tool_result(block, content, status="error" if error else "ok", error=info)

    # --- messages -------------------------------------------------------------------------------------------------------

    def _message(self, word: str, payload: Mapping[str, Any]) -> None:
        if word in _SILENT:
            return
        delta = payload.get("delta")
        parts = get_field(delta, "content") if word == "delta" else payload.get("content")
        if word == "delta" and not self.builder.in_step:
            self.builder.start_step()
        for number, part in enumerate(parts if isinstance(parts, list | tuple) else ()):
            index = get_field(part, "index")
            self._part(number if index is None else index, fields_or_empty(part), whole=word != "delta")
        if word != "delta":
            self.builder.end_texts_and_thoughts()

    def _part(self, index: int, part: Mapping[str, Any], *, whole: bool) -> None:
        kind = part.get("type")
        if kind in ("text", "refusal"):
            is_text = kind == "text"
            inner = part.get(str(kind))
            text = nonempty_str(inner) or nonempty_str(get_field(inner, "value")) or ""
            key = ("message", kind, index)
            if whole:
                if text and not self.builder.in_step:
                    self.builder.start_step()
                if text:
                    self.builder.start_text(key, kind="text" if is_text else "refusal")
                text_id = self.builder.text_id(key)
                self.builder.end_text(key, text or None)
            else:
                self.builder.text(key, text, kind="text" if is_text else "refusal")
                text_id = self.builder.text_id(key)
            self._cite(get_field(inner, "annotations"), text_id, whole)
        elif kind in ("image_file", "image_url"):
            if not whole:
                self._picture(part.get(str(kind)))
        else:
            self.builder.raw(part, nonempty_str(kind))

    def _cite(self, annotations: Any, text_id: str | None, whole: bool) -> None:
        """Citations come with the deltas; what a whole message repeats is already there."""
        known = self._cited if whole else 0
        for annotation in (annotations or ())[known:]:
            url, title, meta = citation_fields(annotation)
            builder = self.builder
            builder.source(url, title=title, text_id=text_id, meta=meta)
            self._cited += not whole
        if whole:
            self._cited = 0

    def _picture(self, image: Any) -> None:
        file_id, url = nonempty_str(get_field(image, "file_id")), nonempty_str(get_field(image, "url"))
        if file_id or url:
            builder = self.builder
            builder.file("image/*", url=url, name=file_id)


class NearDecoder(AssistantsDecoder):
    """NEAR AI's thread events to events."""

    system: ClassVar[str] = "nearai"
    stream_outlives_run: ClassVar[bool] = True

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is an event of NEAR AI's hub."""
        return _event_of(item).startswith("thread.") and isinstance(get_field(item, "event"), str) and _is_near(item)

    def settle(self, word: str) -> None:
        """The run has said its last word, and the server will say nothing more."""
        self.builder.end(self.stop_info.status, finish_reason=self.stop_info.finish_reason, code=self.stop_info.code)


def _inner(call: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a call says under the name of its type."""
    return fields_or_empty(to_jsonable(call.get(str(call.get("type")))))


def _counts(usage: Any) -> Any:
    """Assistants spell the details of a prompt's tokens in their own way."""
    payload = fields_or_empty(usage)
    return (
        {**payload, "prompt_tokens_details": payload["prompt_token_details"]} if payload.get("prompt_token_details") else usage
    )

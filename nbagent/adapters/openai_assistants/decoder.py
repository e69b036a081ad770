"""OpenAI's Assistants: the events of `client.beta.threads`, and of NEAR AI's hub, which took over their names.

The format: https://platform.openai.com/docs/api-reference/assistants-streaming/events (openai 3.52; deprecated there). On the
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
from nbagent.adapters.base.builder import Block, parse
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, Verdict
from nbagent.adapters.base.fields import fields_or_none, look, plain, string
from nbagent.adapters.base.openai_fields import source_of, usage_of

_OBJECTS = {"thread", "thread.run", "thread.run.step", "thread.message", "thread.message.delta", "thread.run.step.delta"}
_SILENT = {"created", "queued", "in_progress"}


def _event_of(item: Any) -> str:
    """The name of an event; of a bare object, the one that its state stands for."""
    event = look(item, "event")
    if isinstance(event, str):
        return event
    kind, status = look(item, "object"), look(item, "status")
    if not isinstance(kind, str) or kind not in _OBJECTS:
        return ""
    return kind if kind.endswith(".delta") else f"{kind}.{status if isinstance(status, str) else 'created'}"


def _is_near(item: Any) -> bool:
    """Whether NEAR AI sent it: it names agents by path, and puts the event's name into the object."""
    data, event = look(item, "data"), look(item, "event")
    is_path = "/" in str(look(data, "assistant_id") or "")
    return is_path or (look(data, "object") == event and event is not None and not event.endswith(".delta"))


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
        """Whether the item is an event of a thread."""
        return _event_of(item).startswith("thread.") and not _is_near(item)

    def read(self, item: Any) -> None:
        """One event."""
        if item == "[DONE]":
            return
        event = _event_of(item)
        data = look(item, "data") if isinstance(look(item, "event"), str) else item
        said = fields_or_none(data)
        self.book.begin(string(said.get("model")))
        scope, _, word = event.removeprefix("thread.").rpartition(".")
        if event in ("error", "thread.run.error"):
            self.fail_with(said.get("error") or data)
        elif event == "done" or (scope == "" and word in _SILENT):
            pass
        elif scope == "run":
            self._run(word, said)
        elif scope == "run.step":
            self._step(word, said)
        elif scope == "message":
            self._message(word, said)
        else:
            self.book.raw(item, event or None)

    # --- the run --------------------------------------------------------------------------------------------------------

    def _run(self, word: str, said: Mapping[str, Any]) -> None:
        run = fields_or_none(said.get("delta")) or said
        error, usage = run.get("last_error"), usage_of(_counts(run.get("usage")))
        if word in _SILENT:
            self.verdict = TRUNCATED
            return
        if word == "cancelling":
            self.book.write(ev.Status(message="Cancelling…", **self.book.stamp))
            return
        self.book.end_step()
        self.book.usage = usage or self.book.usage
        if word == "completed":
            self.verdict = Verdict("completed", word)
        elif word == "requires_action":
            self._require(run)
        elif word in ("cancelled", "canceled"):
            self.verdict = Verdict("cancelled", word)
        elif word == "incomplete":
            reason = string(fields_or_none(run.get("incomplete_details")).get("reason")) or word
            self.verdict = Verdict("incomplete", reason, reason)
        elif word in ("failed", "expired"):
            self.verdict = Verdict("failed", word)
            self.fail_with(error or {"message": f"The run {'expired' if word == 'expired' else 'failed'}", "code": word})
        else:
            self.book.raw(run, f"thread.run.{word}")
            return
        self.settle(word)

    def settle(self, word: str) -> None:
        """The run has said its last word. More may come on the same stream: another run, or this one after its tools."""

    def _require(self, run: Mapping[str, Any]) -> None:
        """The run waits for the outputs of its calls."""
        self.verdict = Verdict("paused", "requires_action")
        action = fields_or_none(fields_or_none(run.get("required_action")).get("submit_tool_outputs"))
        calls = action.get("tool_calls") or ()
        for call in calls:
            block = self._call(None, fields_or_none(call))
            self._finish_call(block, fields_or_none(call), whole=False)
            args = parse(string(look(look(call, "function"), "arguments")) or "")[0]
            self._ask(block.call_id or block.id, block.id, args)
        if not calls:
            self._ask(string(run.get("id")) or self.book.mint("input"), None, None)

    def _ask(self, approval_id: str, tool_id: str | None, args: Any) -> None:
        book = self.book
        book.write(ev.ApprovalRequest(approval_id=approval_id, tool_id=tool_id, kind="input", args=args, **book.stamp))

    # --- its steps ------------------------------------------------------------------------------------------------------

    def _step(self, word: str, said: Mapping[str, Any]) -> None:
        if word == "created":
            self.book.start_step()
            self._calls.clear()
            return
        details = fields_or_none(fields_or_none(said.get("delta")).get("step_details") or said.get("step_details"))
        calls = [fields_or_none(call) for call in details.get("tool_calls") or ()]
        if word == "delta":
            for call in calls:
                self._delta(self._call(call.get("index"), call), call)
        elif word != "in_progress":
            error = said.get("last_error")
            for index, call in enumerate(calls):
                self._finish_call(self._call(index, call), call, whole=True, error=error)
            if error:
                self.fail(string(look(error, "message")) or word, string(look(error, "code")), fatal=False)
            usage = usage_of(_counts(said.get("usage")))
            self.book.end_step(word if word != "completed" else None, usage)

    def _call(self, index: Any, call: Mapping[str, Any]) -> Block:
        """The call that a delta or a snapshot is about: by its place in the step, or by its id."""
        call_id = string(call.get("id"))
        block = next((block for block in self._calls.values() if call_id and block.call_id == call_id), None)
        if block is None and not (call_id and look(self._calls.get(index), "call_id")):
            block = self._calls.get(index)
        if block is None:
            kind = string(call.get("type")) or "function"
            name = string(look(call.get("function"), "name")) or kind
            key = call_id or index
            block = self.book.start_tool(
                (self.book.step, key), name, call_id=call_id, kind="function" if kind == "function" else "hosted"
            )
            self._calls[key if index is None else index] = block
        return block

    def _delta(self, block: Block, call: Mapping[str, Any]) -> None:
        """More of a call's arguments, or of what it gave out."""
        inner = _inner(call)
        self.book.tool_delta(block, string(inner.get("arguments")) or string(inner.get("input")) or "")
        for output in inner.get("outputs") or ():
            if string(look(output, "logs")):
                self.book.progress(block, str(look(output, "logs")))

    def _finish_call(self, block: Block, call: Mapping[str, Any], *, whole: bool, error: Any = None) -> None:
        """A call is complete; when its step is, so is its result."""
        inner = _inner(call)
        text = inner.get("arguments", inner.get("input"))
        self.book.tool_args(block, text if isinstance(text, str) else None, free="input" in inner)
        if not whole:
            return
        content = next((inner[name] for name in ("output", "outputs", "results") if inner.get(name) is not None), None)
        for output in inner.get("outputs") or ():
            self._picture(look(output, "image"))
        info = ev.ErrorInfo(message=string(look(error, "message")) or "the step failed") if error else None
        self.book.tool_result(block, content, status="error" if error else "ok", error=info)

    # --- messages -------------------------------------------------------------------------------------------------------

    def _message(self, word: str, said: Mapping[str, Any]) -> None:
        if word in _SILENT:
            return
        delta = said.get("delta")
        parts = look(delta, "content") if word == "delta" else said.get("content")
        if word == "delta" and not self.book.in_step:
            self.book.start_step()
        for number, part in enumerate(parts if isinstance(parts, list | tuple) else ()):
            index = look(part, "index")
            self._part(number if index is None else index, fields_or_none(part), whole=word != "delta")
        if word != "delta":
            self.book.settle()

    def _part(self, index: int, part: Mapping[str, Any], *, whole: bool) -> None:
        kind = part.get("type")
        if kind in ("text", "refusal"):
            is_text = kind == "text"
            inner = part.get(str(kind))
            text = string(inner) or string(look(inner, "value")) or ""
            key = ("message", kind, index)
            if whole:
                if text and not self.book.in_step:
                    self.book.start_step()
                if text:
                    self.book.start_text(key, kind="text" if is_text else "refusal")
                text_id = self.book.text_id(key)
                self.book.end_text(key, text or None)
            else:
                self.book.text(key, text, kind="text" if is_text else "refusal")
                text_id = self.book.text_id(key)
            self._cite(look(inner, "annotations"), text_id, whole)
        elif kind in ("image_file", "image_url"):
            if not whole:
                self._picture(part.get(str(kind)))
        else:
            self.book.raw(part, string(kind))

    def _cite(self, annotations: Any, text_id: str | None, whole: bool) -> None:
        """Citations come with the deltas; what a whole message repeats is already there."""
        known = self._cited if whole else 0
        for annotation in (annotations or ())[known:]:
            url, title, meta = source_of(annotation)
            book = self.book
            book.write(ev.Source(id=book.mint("source"), url=url, title=title, text_id=text_id, meta=meta, **book.stamp))
            self._cited += not whole
        if whole:
            self._cited = 0

    def _picture(self, image: Any) -> None:
        file_id, url = string(look(image, "file_id")), string(look(image, "url"))
        if file_id or url:
            book = self.book
            book.write(ev.File(id=book.mint("file"), media_type="image/*", url=url, name=file_id, **book.stamp))


class NearDecoder(AssistantsDecoder):
    """NEAR AI's thread events to events."""

    system: ClassVar[str] = "nearai"
    ends_itself: ClassVar[bool] = True

    @staticmethod
    def recognises(item: Any) -> bool:
        """Whether the item is an event of NEAR AI's hub."""
        return _event_of(item).startswith("thread.") and isinstance(look(item, "event"), str) and _is_near(item)

    def settle(self, word: str) -> None:
        """The run has said its last word, and the server will say nothing more."""
        self.book.end(self.verdict.status, finish_reason=self.verdict.finish_reason, code=self.verdict.code)


def _inner(call: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a call says under the name of its type."""
    return fields_or_none(plain(call.get(str(call.get("type")))))


def _counts(usage: Any) -> Any:
    """Assistants spell the details of a prompt's tokens in their own way."""
    said = fields_or_none(usage)
    return {**said, "prompt_tokens_details": said["prompt_token_details"]} if said.get("prompt_token_details") else usage

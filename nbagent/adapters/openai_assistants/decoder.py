"""Decoder of OpenAI's Assistants (`client.beta.threads`), and of NEAR AI's hub, which uses the same
event names.

Format: https://platform.openai.com/docs/api-reference/assistants-streaming/events (openai 3.52;
deprecated there). On the wire only the SSE frame has the event's name, so an item is `{"event":
name, "data": object}`, the shape of the SDK's objects, too. Bare objects are named by their
`object` and `status`. There is one message at a time, and its id is not used.

The format has no reasoning and no hand-offs. A run that requires action waits for the outputs of
its calls, which become approvals of the kind "input".

NEAR AI (https://github.com/nearai/nearai/blob/main/hub/api/v1/thread_routes.py, 98e5f2c, and
docs/agents/streaming.md) has text only, and several completions in a run. Its server never closes
the stream: the run's last event ends the run. A client may subscribe late, so that its first event
is a delta. Parts may lack their `type`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from msgspec.structs import replace

from nbagent import events as ev
from nbagent.adapters.base.block import Block
from nbagent.adapters.base.closed_codes import code_from_metadata, error_with_code
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    entries_in,
    fields_or_empty,
    first_field,
    get_field,
    get_str,
    list_or_empty,
    nonempty_str,
    parse_args,
    str_field,
    str_or_none,
    to_jsonable,
)
from nbagent.adapters.base.openai_fields import citation_fields, openai_usage
from nbagent.adapters.base.served_question import request_of
from nbagent.adapters.openai_assistants.event_name import event_name, is_nearai

_UNSTARTED = {"created", "queued", "in_progress"}
_ENDS = {
    "completed": StopInfo("completed", "completed"),
    "cancelled": StopInfo("cancelled", "cancelled"),
    "canceled": StopInfo("cancelled", "canceled"),
}
_FAILED = {"failed", "expired", "error"}  # "error" is NEAR AI's


class AssistantsDecoder(BaseDecoder):
    """Decoder of Assistants stream events."""

    system: ClassVar[str] = "openai.assistants"
    reads_frames: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._is_served = False  # by nbagent, whose questions can be answered
        self._calls: dict[Any, Block] = {}
        self._cited = 0

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is an event of a thread."""
        return event_name(item).startswith("thread.") and not is_nearai(item)

    def read(self, item: Any) -> None:
        """Read one event."""
        if item == "[DONE]":
            return
        event = event_name(item)
        if isinstance(get_field(item, "event"), str):
            data = get_field(item, "data")
        else:
            data = item
        payload = fields_or_empty(data)
        scope, _, state = event.removeprefix("thread.").rpartition(".")
        thread_id = str_field(payload, "thread_id")
        if thread_id is None and event == "thread.created":
            thread_id = str_field(payload, "id")
        self.builder.begin(str_field(payload, "model"), thread_id=thread_id)
        if event == "error":
            self.fail_with(payload.get("error") or data)
        elif event == "done" or (scope == "" and state in _UNSTARTED):
            pass
        elif scope in self._READERS:
            self._READERS[scope](self, state, payload)
        else:
            self.builder.raw(item, event)

    # --- the run ---

    def _run(self, state: str, payload: Mapping[str, Any]) -> None:
        run = fields_or_empty(payload.get("delta")) or payload
        if state in _UNSTARTED:
            self.stop_info = TRUNCATED
        elif state == "cancelling":
            self.builder.status("Cancelling…")
        else:
            self.builder.end_step()
            self.builder.usage = openai_usage(_counts(run.get("usage"))) or self.builder.usage
            if self._end_run(state, run):
                self._run_ended()
            else:
                self.builder.raw(run, f"thread.run.{state}")

    def _end_run(self, state: str, run: Mapping[str, Any]) -> bool:
        """Set how the run ended; return False if the state is not known."""
        if state in _ENDS:
            self.stop_info = _ENDS[state]
        elif state == "requires_action":
            self._require(run)
        elif state == "incomplete":
            details = fields_or_empty(run.get("incomplete_details"))
            reason = str_field(details, "reason") or code_from_metadata(run) or state
            self.stop_info = StopInfo("incomplete", reason, reason)
        elif state in _FAILED:
            self.stop_info = StopInfo("failed", state)
            self.fail_with(_run_error(state, run))
        else:
            return False
        return True

    def _run_ended(self) -> None:
        """Handle the last event of a run.

        Another run, or this one after its tools, may follow on the same stream.
        """

    def _require(self, run: Mapping[str, Any]) -> None:
        """Pause the run, which waits for the outputs of its calls."""
        self.stop_info = StopInfo("paused", "requires_action")
        required = fields_or_empty(run.get("required_action"))
        question = request_of(required.get("question"), None)
        if question is not None:
            self._is_served = True
            self.builder.write(replace(question, meta=_place_of(run), **self.builder.envelope))
            return
        action = fields_or_empty(required.get("submit_tool_outputs"))
        calls = entries_in(action, "tool_calls")
        for call in calls:
            block = self._call(None, fields_or_empty(call))
            self._finish_call(block, fields_or_empty(call), is_complete=False)
            args = parse_args(
                nonempty_str(get_field(get_field(call, "function"), "arguments"), default="")
            )[0]
            self._request_approval(block.call_id or block.id, run, block.id, args)
        if not calls:
            self._request_approval(str_field(run, "id") or self.builder.mint("input"), run)

    def _request_approval(
        self, id: str, run: Mapping[str, Any], tool_id: str | None = None, args: Any = None
    ) -> None:
        builder = self.builder
        meta = _place_of(run)
        builder.write(
            ev.ApprovalRequest(
                approval_id=id,
                tool_id=tool_id,
                kind="input",
                args=args,
                meta=meta,
                **builder.envelope,
            )
        )

    # --- its steps ---

    def _step(self, state: str, payload: Mapping[str, Any]) -> None:
        if state == "created":
            self.builder.start_step()
            self._calls.clear()
            return
        details = fields_or_empty(
            fields_or_empty(payload.get("delta")).get("step_details") or payload.get("step_details")
        )
        calls = [fields_or_empty(call) for call in entries_in(details, "tool_calls")]
        if state == "delta":
            for call in calls:
                self._call_delta(self._call(call.get("index"), call), call)
        elif state != "in_progress":
            error = payload.get("last_error")
            for index, call in enumerate(calls):
                self._finish_call(self._call(index, call), call, is_complete=True, error=error)
            if error:
                self.fail(
                    get_str(error, "message", default=state), get_str(error, "code"), fatal=False
                )
            usage = openai_usage(_counts(payload.get("usage")))
            reason = None
            if state != "completed":
                reason = state
            self.builder.end_step(reason, usage)

    def _call(self, index: Any, call: Mapping[str, Any]) -> Block:
        """Return the call of a delta or a snapshot, by id or by index in the step, started if it is
        new.
        """
        call_id = str_field(call, "id")
        block = self._known_call(index, call_id)
        if block is None:
            kind = str_field(call, "type", default="function")
            name = nonempty_str(get_field(call.get("function"), "name"), default=kind)
            key = call_id or index
            block = self.builder.start_tool(
                (self.builder.step, key),
                name,
                call_id=call_id,
                kind="function" if kind == "function" else "hosted",
            )
            self._calls[key if index is None else index] = block
        return block

    def _known_call(self, index: Any, call_id: str | None) -> Block | None:
        for block in self._calls.values():
            if call_id and block.call_id == call_id:
                return block
        known = self._calls.get(index)
        if known is not None and known.call_id and call_id:
            return None  # another call under the same index
        return known

    def _call_delta(self, block: Block, call: Mapping[str, Any]) -> None:
        """Write a delta of a call's arguments, or of its logs."""
        inner = _inner(call)
        self.builder.tool_delta(block, str_field(inner, "arguments", "input", default=""))
        for output in entries_in(inner, "outputs"):
            if get_str(output, "logs"):
                self.builder.progress(block, str(get_field(output, "logs")))

    def _finish_call(
        self, block: Block, call: Mapping[str, Any], *, is_complete: bool, error: Any = None
    ) -> None:
        """Complete the arguments of a call, and its result if the step is complete."""
        inner = _inner(call)
        text = inner.get("arguments", inner.get("input"))
        self.builder.tool_args(block, str_or_none(text), free="input" in inner)
        if not is_complete:
            return
        content = first_field(inner, "output", "outputs", "results")
        for output in entries_in(inner, "outputs"):
            self._write_image(get_field(output, "image"))
        message = get_str(error, "message", default="the step failed")
        self.builder.end_tool(block, content, failed=bool(error), message=message)

    # --- messages ---

    def _message(self, state: str, payload: Mapping[str, Any]) -> None:
        if state in _UNSTARTED:
            return
        delta = payload.get("delta")
        parts = payload.get("content")
        if state == "delta":
            parts = get_field(delta, "content")
            self.builder.need_step()
        for number, part in enumerate(list_or_empty(parts)):
            index = get_field(part, "index")
            if index is None:
                index = number
            self._read_part(index, fields_or_empty(part), is_complete=state != "delta")
        if state != "delta":
            self.builder.end_texts_and_reasoning()

    def _read_part(self, index: int, part: Mapping[str, Any], *, is_complete: bool) -> None:
        kind = part.get("type") or next(filter(part.get, ("text", "refusal")), None)
        if kind == "text":
            self._read_text("text", index, part.get("text"), is_complete=is_complete)
        elif kind == "refusal":
            self._read_text("refusal", index, part.get("refusal"), is_complete=is_complete)
        elif kind not in ("image_file", "image_url"):
            self.builder.raw(part, nonempty_str(kind))
        elif not is_complete:
            self._write_image(part.get(str(kind)))

    def _read_text(
        self, kind: Literal["text", "refusal"], index: int, inner: Any, *, is_complete: bool
    ) -> None:
        text = nonempty_str(inner) or get_str(inner, "value", default="")
        key = ("message", kind, index)
        if not is_complete:
            self.builder.text(key, text, kind=kind)
        elif text:
            self.builder.need_step()
            self.builder.start_text(key, kind=kind)
        text_id = self.builder.text_id(key)
        if is_complete:
            self.builder.end_text(key, text or None)
        self._cite(get_field(inner, "annotations"), text_id, is_complete)

    def _cite(self, annotations: Any, text_id: str | None, is_complete: bool) -> None:
        """Write the citations of a delta. A complete message repeats them."""
        known = self._cited if is_complete else 0
        for annotation in (annotations or ())[known:]:
            url, title, meta = citation_fields(annotation)
            self.builder.source(url, title=title, text_id=text_id, meta=meta)
            self._cited += not is_complete
        if is_complete:
            self._cited = 0

    _READERS: ClassVar[dict[str, Any]] = {"run": _run, "run.step": _step, "message": _message}

    def _write_image(self, image: Any) -> None:
        file_id, url = get_str(image, "file_id"), get_str(image, "url")
        if file_id or url:
            self.builder.file("image/*", url=url, name=file_id)


def _run_error(state: str, run: Mapping[str, Any]) -> Any:
    """Return the error of a failed run."""
    error = error_with_code(run.get("last_error"), run) or run.get("error")
    if error:
        return error
    if run.get("message"):
        return run
    if state == "expired":
        return {"message": "The run expired", "code": state}
    return {"message": "The run failed", "code": state}


class NearDecoder(AssistantsDecoder):
    """Decoder of NEAR AI's thread events."""

    system: ClassVar[str] = "nearai"
    stream_outlives_run = True

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is an event of NEAR AI's hub."""
        return (
            event_name(item).startswith("thread.")
            and isinstance(get_field(item, "event"), str)
            and is_nearai(item)
        )

    def _run_ended(self) -> None:
        """End the run: the server sends nothing after a run's last event, and keeps the stream
        open. A server of nbagent closes it at a question.
        """
        if self._is_served and self.stop_info.status == "paused":
            return
        self.builder.end(
            self.stop_info.status,
            finish_reason=self.stop_info.finish_reason,
            code=self.stop_info.code,
        )


def _place_of(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the request with the outputs names."""
    return {"run_id": str_field(run, "id"), "thread_id": str_field(run, "thread_id")}


def _inner(call: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the object that a call has under the name of its type."""
    return fields_or_empty(to_jsonable(call.get(str(call.get("type")))))


def _counts(usage: Any) -> Any:
    """Return the usage with `prompt_token_details`, as Assistants spell it, under the name of the
    other endpoints.
    """
    counts = fields_or_empty(usage)
    if counts.get("prompt_token_details"):
        return {**counts, "prompt_tokens_details": counts["prompt_token_details"]}
    return usage

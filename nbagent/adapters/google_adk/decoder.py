"""Decoder of Google's Agent Development Kit: the events of `runner.run_async(…)`, as objects or as
the JSON of `/run_sse`.

Format: https://github.com/google/adk-python/blob/main/src/google/adk/events/event.py (google-adk
2.13). Field names are camelCase on the wire and snake_case in process. A partial event is a delta;
the next event that is not partial repeats the whole text.

The format has no terminal: the run is complete when the model's last event that is not partial
calls no tool. It has no argument deltas.
"""

from collections import Counter
from collections.abc import Hashable, Mapping
from typing import Any, ClassVar, Literal, TypeAlias

from nbagent import events as ev
from nbagent.adapters.base.block import Block, block_id
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    error_text,
    fields_or_empty,
    get_field,
    get_str,
    mapping_or_empty,
    nonempty_str,
    to_jsonable,
)
from nbagent.adapters.google_adk.event import AdkEvent
from nbagent.adapters.google_adk.fields import adk_usage, get_either_case, state_patch

_CUT_SHORT = {
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
}
_RequestKind: TypeAlias = Literal["tool", "auth"]

_REQUESTS: dict[str, _RequestKind] = {
    "requestedToolConfirmations": "tool",
    "requestedAuthConfigs": "auth",
}
"""Fields of actions with requests to the reader."""
_REQUESTS_BY_CALL: dict[str, _RequestKind] = {
    "adk_request_confirmation": "tool",
    "adk_request_credential": "auth",
}
"""Functions by whose calls the model asks the reader."""


class AdkDecoder(BaseDecoder):
    """Decoder of ADK's events."""

    system: ClassVar[str] = "google.adk"
    runs_tools: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        # by id; without one, by name and number in the event
        self._calls: dict[Hashable, Block] = {}
        self._asked: set[str] = set()
        self._sources: set[str] = set()
        self._streamed: set[str] = set()
        self._long_running: set[str] = set()

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is an event, with author and invocation id."""
        if isinstance(item, (str, bytes, list, tuple)):
            return False
        names = (get_field(item, "author"), get_either_case(item, "invocationId"))
        if not all(isinstance(name, str) for name in names):
            return False
        return get_field(item, "actions") is not None or get_field(item, "content") is not None

    def read(self, item: Any) -> None:
        """Read one event."""
        is_event = isinstance(get_field(item, "author"), str)
        if not is_event and get_field(item, "content") is None:
            self._read_error(item)
            return
        event = AdkEvent.of(item)
        if event.author == "user":
            self.builder.begin()
            self._functions(event)
            return
        self.builder.begin(event.model)
        self.builder.envelope["agent"] = event.author
        self._long_running.update(map(str, event.get("longRunningToolIds") or ()))
        if event.parts and not event.is_users:
            self._write_content(event)
        self._functions(event)
        self._actions(event)
        self._read_failure(event)
        if event.parts and event.is_users:
            self._read_results_end(event)
        elif event.parts and not event.is_partial:
            self._end_response(event)

    def _read_error(self, item: Any) -> None:
        """Read the last item of `/run_sse` if the run raised."""
        error = get_field(item, "error")
        if error is None:
            self.unread(item)
        else:
            self.fail_with(error)

    # --- text and files ---

    def _write_content(self, event: AdkEvent) -> None:
        if not self.builder.in_step:
            self.new_step(event.model)
            self._streamed.clear()
        if event.is_partial:
            for part in event.parts:
                self._write_delta(part)
        else:
            self._complete_content(event.parts)
            self._cite(event.get("groundingMetadata"))

    def _write_delta(self, part: Any) -> None:
        text = get_str(part, "text")
        if text is None:
            return
        if get_field(part, "thought"):
            self._streamed.add("reasoning")
            self.builder.reasoning("reasoning", text)
        else:
            self._streamed.add("text")
            self.builder.end_reasoning("reasoning")
            self.builder.text("text", text)

    def _complete_content(self, parts: list[Any]) -> None:
        """Write whole parts, which repeat the text that was streamed before."""
        builder = self.builder
        text = reasoning = ""
        for part in parts:
            if get_field(part, "thought"):
                reasoning += get_str(part, "text", default="")
            else:
                text += get_str(part, "text", default="")
            self._write_other(part)
        if reasoning and "reasoning" not in self._streamed:
            builder.reasoning("reasoning", reasoning)
        builder.end_reasoning("reasoning", reasoning or None)
        if text:
            builder.start_text("text")
        builder.end_text("text", text or None)

    def _write_other(self, part: Any) -> None:
        """Write a file, or code that the service ran."""
        blob, file = get_either_case(part, "inlineData"), get_either_case(part, "fileData")
        code = get_either_case(part, "executableCode")
        outcome = get_either_case(part, "codeExecutionResult")
        if blob is not None or file is not None:
            media_type = nonempty_str(get_either_case(blob or file, "mimeType"))
            url = nonempty_str(get_either_case(file, "fileUri"))
            data = get_str(blob, "data")
            self.builder.file(media_type or "application/octet-stream", url=url, data=data)
        elif code is not None:
            block = self._start_code()
            self.builder.tool_args(block, get_str(code, "code", default=""), free=True)
        elif outcome is not None:
            self._write_code_result(outcome)

    def _start_code(self) -> Block:
        key = ("code", self.builder.step)
        return self.builder.start_tool(key, "code_execution", kind="hosted")

    def _write_code_result(self, outcome: Any) -> None:
        block = self.builder.tool(("code", self.builder.step)) or self._start_code()
        self.builder.tool_args(block)
        output = get_str(outcome, "output", default="")
        status = str(get_field(outcome, "outcome") or "OUTCOME_OK")
        failed = not status.endswith("OUTCOME_OK")
        message = output or "the code failed"
        self.builder.end_tool(block, output, failed=failed, message=message)

    def _cite(self, grounding: Any) -> None:
        for chunk in get_either_case(grounding, "groundingChunks") or ():
            source = get_field(chunk, "web") or get_either_case(chunk, "retrievedContext")
            url = get_str(source, "uri")
            if url and url not in self._sources:
                self._sources.add(url)
                self.builder.source(url, title=get_str(source, "title"))

    # --- tools ---

    def _functions(self, event: AdkEvent) -> None:
        unnamed: Counter[str] = Counter()  # calls without an id, by name
        for part in event.parts:
            call = get_either_case(part, "functionCall")
            response = get_either_case(part, "functionResponse")
            if call is not None:
                name = get_str(call, "name", default="")
                unnamed[name] += 1
                key = get_str(call, "id") or (name, unnamed[name])
                if event.is_partial:
                    self._partial_call(call, key)
                else:
                    self._call(call, key)
            if response is not None:
                self._response(response)

    def _call(self, call: Any, key: Hashable) -> None:
        """Read a complete call; under the key of a call that has ended it is another."""
        name, call_id = get_str(call, "name", default=""), get_str(call, "id")
        if name in _REQUESTS_BY_CALL:
            args = fields_or_empty(get_field(call, "args"))
            self._request_approval_by_call(name, call_id, args)
            return
        block = self._calls.get(key)
        if block is None or block.closed:
            block = self._start_call(key, name, call_id)
        self._complete_args(block, call)

    def _partial_call(self, call: Any, key: Hashable) -> None:
        """Read part of a call. Without a name and an id it is a delta: the complete arguments
        follow.
        """
        name, call_id = get_str(call, "name", default=""), get_str(call, "id")
        if name in _REQUESTS_BY_CALL or not (name or call_id):
            return
        block = self._calls.get(key) or self._start_call(key, name, call_id)
        if get_field(call, "args") is not None:
            self._complete_args(block, call)

    def _complete_args(self, block: Block, call: Any) -> None:
        if not get_either_case(call, "willContinue"):
            self.builder.complete_args(block, get_field(call, "args"))

    def _start_call(self, key: Hashable, name: str, call_id: str | None) -> Block:
        block = self.builder.start_tool(("call", key), name, call_id=call_id)
        self._calls[key] = block
        return block

    def _response(self, function_response: Any) -> None:
        name = get_str(function_response, "name", default="tool")
        call_id = get_str(function_response, "id")
        response = get_field(function_response, "response")
        if name in _REQUESTS_BY_CALL:
            self._write_approval_response(call_id, fields_or_empty(response))
            return
        block = self._call_of_response(call_id, name)
        self.builder.tool_args(block)
        fields = mapping_or_empty(response)
        error = get_field(fields, "error")
        if not error:
            content = response
            if set(fields) == {"result"}:
                content = fields["result"]
            preliminary = call_id in self._long_running and not block.closed
            self.builder.tool_result(block, content, preliminary=preliminary)
        elif call_id not in self._asked:  # the error "needs confirmation" is no result yet
            message = error_text(error) or str(to_jsonable(error))
            self.builder.tool_error(block, message, response)

    def _call_of_response(self, call_id: str | None, name: str) -> Block:
        block = self.builder.call_of_result(self._calls, call_id, name)
        return block or self._start_call(call_id or self.builder.mint("call"), name, call_id)

    # --- approvals ---

    def _request_approval_by_call(
        self, name: str, request_id: str | None, args: Mapping[str, Any]
    ) -> None:
        original = get_either_case(args, "originalFunctionCall")
        confirmation = get_either_case(args, "toolConfirmation")
        call_id = get_str(original, "id") or nonempty_str(get_either_case(args, "functionCallId"))
        self._request_approval(
            request_id,
            call_id,
            confirmation,
            get_field(original, "args"),
            kind=_REQUESTS_BY_CALL[name],
        )

    def _request_approval(
        self,
        request_id: str | None,
        call_id: str | None,
        request: Any,
        args: Any,
        *,
        kind: _RequestKind,
    ) -> None:
        if call_id in self._asked:
            return
        builder = self.builder
        block = self._calls.get(call_id or "")
        prompt = get_str(request, "hint")
        if not prompt and block is not None:
            prompt = block.name
        if call_id:
            self._asked.add(call_id)
        builder.write(
            ev.ApprovalRequest(
                approval_id=request_id or call_id or builder.mint("approval"),
                tool_id=block_id(block),
                kind=kind,
                prompt=prompt,
                args=to_jsonable(args),
                **builder.envelope,
            )
        )
        self.stop_info = StopInfo("paused")

    def _write_approval_response(self, request_id: str | None, answer: Mapping[str, Any]) -> None:
        builder = self.builder
        decision: ev.Decision = "deny"
        if answer.get("confirmed", True):
            decision = "approve"
        builder.write(
            ev.ApprovalResponse(
                approval_id=request_id or "",
                decision=decision,
                value=to_jsonable(answer.get("payload")),
                **builder.envelope,
            )
        )
        self._asked.clear()
        self.stop_info = TRUNCATED

    # --- the rest ---

    def _actions(self, event: AdkEvent) -> None:
        actions, author, builder = event.actions, event.author, self.builder
        if not event.has_calls:
            self._requests_in(actions)
        to = nonempty_str(get_either_case(actions, "transferToAgent"))
        if to:
            tool_id = self._transfer_id()
            builder.write(ev.AgentHandoff(to=to, from_=author, tool_id=tool_id, **builder.envelope))
        if get_field(actions, "escalate"):
            builder.status(f"{author} hands the task back")
        changed = fields_or_empty(get_either_case(actions, "stateDelta"))
        if changed:
            builder.write(ev.State(patch=state_patch(changed), **builder.envelope))
        for name, version in fields_or_empty(get_either_case(actions, "artifactDelta")).items():
            builder.custom("artifact", {"name": str(name), "version": version})

    def _requests_in(self, actions: Any) -> None:
        for name, kind in _REQUESTS.items():
            requests = fields_or_empty(get_either_case(actions, name))
            for call_id, request in requests.items():
                args = get_field(request, "payload")
                self._request_approval(None, str(call_id), request, args, kind=kind)

    def _transfer_id(self) -> str | None:
        """Return the id of the last call that hands over to another agent, if there is one."""
        for block in reversed(self._calls.values()):
            if block.name == "transfer_to_agent":
                return block.id
        return None

    # --- the end of a response ---

    def _read_failure(self, event: AdkEvent) -> None:
        code = nonempty_str(event.get("errorCode"))
        message = nonempty_str(event.get("errorMessage")) or code
        if get_field(event.item, "interrupted"):
            self.stop_info = StopInfo("cancelled", "interrupted")
        elif message and code != "STOP":
            self.fail(message, code)
            self.builder.end_step(event.reason)

    def _read_results_end(self, event: AdkEvent) -> None:
        """Set `stop_info` after tools' results: the model answers them, unless the tool says that
        its result is the answer.
        """
        is_final = get_either_case(event.actions, "skipSummarization")
        status = self.stop_info.status
        if is_final and status not in ("completed", "paused"):
            self.stop_info = StopInfo("completed")
        elif not is_final and status == "completed":
            self.stop_info = TRUNCATED

    def _end_response(self, event: AdkEvent) -> None:
        """End a response: it is complete, or has calls for tools."""
        self.builder.end_step(event.reason, adk_usage(event.get("usageMetadata")))
        if self.stop_info.status in ("failed", "cancelled", "paused"):
            return
        if event.has_calls:
            self.stop_info = TRUNCATED
        else:
            self.stop_info = StopInfo.of_reason(event.reason, _CUT_SHORT)

    def close(self, error: BaseException | None = None) -> list[ev.Event]:
        """End the run.

        An error that its last event already had is not written again: ADK also raises it.
        """
        known = (self.stop_info.status, self.stop_info.code)
        if error is not None and known == ("failed", type(error).__name__):
            error = None
        return super().close(error)

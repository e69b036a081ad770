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
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.block import Block, block_id
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    fields_or_empty,
    get_field,
    get_str,
    nonempty_str,
    to_jsonable,
    token_count,
)

_CONFIRMATION = "adk_request_confirmation"
_CREDENTIAL = "adk_request_credential"
_CUT_SHORT = {
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
}


def get_either_case(item: Any, name: str) -> Any:
    """Return a field by its name on the wire, or by that name in snake_case; None if there is
    neither.
    """
    value = get_field(item, name)
    if value is None:
        value = get_field(
            item, "".join("_" + letter.lower() if letter.isupper() else letter for letter in name)
        )
    return value


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
        if isinstance(item, str | bytes | list | tuple):
            return False
        has_author = isinstance(get_field(item, "author"), str) and isinstance(
            get_either_case(item, "invocationId"), str
        )
        return has_author and (
            get_field(item, "actions") is not None or get_field(item, "content") is not None
        )

    def read(self, item: Any) -> None:
        """Read one event."""
        if not (
            isinstance(get_field(item, "author"), str) or get_field(item, "content") is not None
        ):
            error = get_field(item, "error")
            if error is None:
                self.unread(item)
            else:
                self.fail_with(error)  # `/run_sse` ends so if the run raised
            return
        author = get_str(item, "author")
        if author == "user":
            self.builder.begin()
            self._functions(item)
            return
        self.builder.begin(nonempty_str(get_either_case(item, "modelVersion")))
        self.builder.envelope["agent"] = author
        self._long_running |= {
            str(call_id) for call_id in get_either_case(item, "longRunningToolIds") or ()
        }
        parts = [
            part
            for part in get_field(get_field(item, "content"), "parts") or ()
            if part is not None
        ]
        if parts and get_field(get_field(item, "content"), "role") != "user":
            self._write_content(item, parts)
        self._functions(item)
        self._actions(item, author)
        self._update_stop_info(item, parts)

    # --- text and files ---

    def _write_content(self, item: Any, parts: list[Any]) -> None:
        is_partial = bool(get_field(item, "partial"))
        builder = self.builder
        if not builder.in_step:
            self.new_step(nonempty_str(get_either_case(item, "modelVersion")))
            self._streamed.clear()
        full = {"reasoning": "", "text": ""}
        for part in parts:
            text, kind = (
                get_str(part, "text", default=""),
                "reasoning" if get_field(part, "thought") else "text",
            )
            full[kind] += text
            if is_partial and text:
                self._streamed.add(kind)
                if kind == "reasoning":
                    builder.reasoning("reasoning", text)
                else:
                    builder.end_reasoning("reasoning")
                    builder.text("text", text)
            if not is_partial:
                self._write_other(part)
        if is_partial:
            return
        if full["reasoning"] and "reasoning" not in self._streamed:
            builder.reasoning("reasoning", full["reasoning"])
        builder.end_reasoning("reasoning", full["reasoning"] or None)
        if full["text"]:
            builder.start_text("text")
        builder.end_text("text", full["text"] or None)
        self._cite(get_either_case(item, "groundingMetadata"))

    def _write_other(self, part: Any) -> None:
        """Write a file, or code that the service ran."""
        builder = self.builder
        blob, file = get_either_case(part, "inlineData"), get_either_case(part, "fileData")
        code, outcome = (
            get_either_case(part, "executableCode"),
            get_either_case(part, "codeExecutionResult"),
        )
        if blob is not None or file is not None:
            media = nonempty_str(
                get_either_case(blob or file, "mimeType"), default="application/octet-stream"
            )
            url, data = nonempty_str(get_either_case(file, "fileUri")), get_str(blob, "data")
            builder.file(media, url=url, data=data)
        elif code is not None:
            block = builder.start_tool(("code", builder.step), "code_execution", kind="hosted")
            builder.tool_args(block, get_str(code, "code", default=""), free=True)
        elif outcome is not None:
            running = builder.tool(("code", builder.step))
            block = running or builder.start_tool(
                ("code", builder.step), "code_execution", kind="hosted"
            )
            failed = (
                str(get_field(outcome, "outcome") or "OUTCOME_OK").rsplit(".", 1)[-1]
                != "OUTCOME_OK"
            )
            output = get_str(outcome, "output", default="")
            builder.tool_args(block)
            if failed:
                builder.tool_error(block, output or "the code failed", output)
            else:
                builder.tool_result(block, output)

    def _cite(self, grounding: Any) -> None:
        for chunk in get_either_case(grounding, "groundingChunks") or ():
            source = get_field(chunk, "web") or get_either_case(chunk, "retrievedContext")
            url = get_str(source, "uri")
            if url and url not in self._sources:
                self._sources.add(url)
                self.builder.source(url, title=get_str(source, "title"))

    # --- tools ---

    def _functions(self, item: Any) -> None:
        unnamed: Counter[str] = Counter()  # calls without an id, by name
        for part in get_field(get_field(item, "content"), "parts") or ():
            call, response = (
                get_either_case(part, "functionCall"),
                get_either_case(part, "functionResponse"),
            )
            if call is not None:
                name = get_str(call, "name", default="")
                unnamed[name] += 1
                self._call(
                    call,
                    get_str(call, "id") or (name, unnamed[name]),
                    partial=bool(get_field(item, "partial")),
                )
            if response is not None:
                self._response(response)

    def _call(self, call: Any, key: Hashable, *, partial: bool) -> None:
        name, call_id = get_str(call, "name", default=""), get_str(call, "id")
        args = get_field(call, "args")
        if name in (_CONFIRMATION, _CREDENTIAL):
            if not partial:
                self._request_approval_by_call(name, call_id, fields_or_empty(args))
            return
        if partial and not call_id and not name:
            return  # an argument delta: the complete arguments follow
        block = self._calls.get(key)
        if block is None or (block.closed and not partial):
            block = self._calls[key] = self.builder.start_tool(
                ("call", key), name or "tool", call_id=call_id
            )
        if (args is not None or not partial) and not get_either_case(call, "willContinue"):
            self.builder.tool_args(block, args={} if args is None else args)

    def _response(self, function_response: Any) -> None:
        name, call_id = (
            get_str(function_response, "name", default="tool"),
            get_str(function_response, "id"),
        )
        if name in (_CONFIRMATION, _CREDENTIAL):
            self._write_approval_response(
                call_id, fields_or_empty(get_field(function_response, "response"))
            )
            return
        block = (
            self._calls.get(call_id) if call_id else next(iter(self.builder.unanswered(name)), None)
        )
        if block is None:
            key = call_id or self.builder.mint("call")
            block = self._calls[key] = self.builder.start_tool(("call", key), name, call_id=call_id)
        self.builder.tool_args(block)
        response = get_field(function_response, "response")
        error = get_field(response, "error") if isinstance(response, Mapping) else None
        if error and call_id in self._asked:
            return  # the error "needs confirmation" is no result yet
        only = isinstance(response, Mapping) and set(response) == {"result"}
        if error:
            message = nonempty_str(error) or get_str(error, "message") or str(to_jsonable(error))
            self.builder.tool_error(block, message, response)
        else:
            preliminary = call_id in self._long_running and not block.closed
            self.builder.tool_result(
                block, response["result"] if only else response, preliminary=preliminary
            )

    # --- approvals ---

    def _request_approval_by_call(
        self, name: str, request_id: str | None, args: Mapping[str, Any]
    ) -> None:
        original = args.get("originalFunctionCall") or args.get("original_function_call")
        confirmation = args.get("toolConfirmation") or args.get("tool_confirmation")
        call_id = get_str(original, "id") or nonempty_str(get_either_case(args, "functionCallId"))
        self._request_approval(
            request_id,
            call_id,
            confirmation,
            get_field(original, "args"),
            is_auth=name == _CREDENTIAL,
        )

    def _request_approval(
        self,
        request_id: str | None,
        call_id: str | None,
        request: Any,
        args: Any,
        *,
        is_auth: bool = False,
    ) -> None:
        if call_id in self._asked:
            return
        builder = self.builder
        block = self._calls.get(call_id or "")
        if call_id:
            self._asked.add(call_id)
        builder.write(
            ev.ApprovalRequest(
                approval_id=request_id or call_id or builder.mint("approval"),
                tool_id=block_id(block),
                kind="auth" if is_auth else "tool",
                prompt=get_str(request, "hint") or (block.name if block else None),
                args=to_jsonable(args),
                **builder.envelope,
            )
        )
        self.stop_info = StopInfo("paused")

    def _write_approval_response(self, request_id: str | None, answer: Mapping[str, Any]) -> None:
        builder = self.builder
        decision = "approve" if answer.get("confirmed", True) else "deny"
        builder.write(
            ev.ApprovalResponse(
                approval_id=request_id or "",
                decision=decision,  # type: ignore[arg-type]  # one of two literals
                value=to_jsonable(answer.get("payload")),
                **builder.envelope,
            )
        )
        self._asked.clear()
        self.stop_info = TRUNCATED

    # --- the rest ---

    def _actions(self, item: Any, author: str | None) -> None:
        actions, builder = get_field(item, "actions"), self.builder
        has_calls = any(
            get_either_case(part, "functionCall") is not None
            for part in get_field(get_field(item, "content"), "parts") or ()
        )
        for name, is_auth in (
            ("requestedToolConfirmations", False),
            ("requestedAuthConfigs", True),
        ):
            for call_id, request in fields_or_empty(get_either_case(actions, name)).items():
                if not has_calls:
                    self._request_approval(
                        None, str(call_id), request, get_field(request, "payload"), is_auth=is_auth
                    )
        to = nonempty_str(get_either_case(actions, "transferToAgent"))
        if to:
            waiting = next(
                (
                    block
                    for block in reversed(self._calls.values())
                    if block.name == "transfer_to_agent"
                ),
                None,
            )
            builder.write(
                ev.AgentHandoff(to=to, from_=author, tool_id=block_id(waiting), **builder.envelope)
            )
        if get_field(actions, "escalate"):
            builder.status(f"{author} hands the task back")
        changed = fields_or_empty(get_either_case(actions, "stateDelta"))
        if changed:
            patch = [
                {"op": "add", "path": "/" + _json_pointer(key), "value": to_jsonable(value)}
                for key, value in changed.items()
            ]
            builder.write(ev.State(patch=patch, **builder.envelope))
        for name, version in fields_or_empty(get_either_case(actions, "artifactDelta")).items():
            builder.custom("artifact", {"name": str(name), "version": version})

    def _update_stop_info(self, item: Any, parts: list[Any]) -> None:
        """Set `stop_info` from an event: a failure, a complete response, or calls for tools."""
        code, message = (
            nonempty_str(get_either_case(item, "errorCode")),
            nonempty_str(get_either_case(item, "errorMessage")),
        )
        reason = _enum_value(get_either_case(item, "finishReason"))
        if get_field(item, "interrupted"):
            self.stop_info = StopInfo("cancelled", "interrupted")
        elif (code or message) and code != "STOP":
            self.fail(message or code or "", code)
            self.builder.end_step(reason)
        if (
            get_field(item, "partial")
            or not parts
            or get_field(get_field(item, "content"), "role") == "user"
        ):
            is_answer = parts and get_field(get_field(item, "content"), "role") == "user"
            if is_answer and self.stop_info.status == "completed":
                is_final = get_either_case(get_field(item, "actions"), "skipSummarization")
                self.stop_info = self.stop_info if is_final else TRUNCATED
            elif (
                is_answer
                and self.stop_info.status != "paused"
                and get_either_case(get_field(item, "actions"), "skipSummarization")
            ):
                self.stop_info = StopInfo("completed")
            return
        self.builder.end_step(reason, _read_usage(get_either_case(item, "usageMetadata")))
        if self.stop_info.status in ("failed", "cancelled", "paused"):
            return
        if any(get_either_case(part, "functionCall") is not None for part in parts):
            self.stop_info = TRUNCATED
        elif reason in _CUT_SHORT:
            self.stop_info = StopInfo("incomplete", reason, reason)
        else:
            self.stop_info = StopInfo("completed", reason)

    def close(self, error: BaseException | None = None) -> list[ev.Event]:
        """End the run.

        An error that its last event already had is not written again: ADK also raises it.
        """
        is_known = (
            error is not None
            and self.stop_info.status == "failed"
            and self.stop_info.code == type(error).__name__
        )
        return super().close(None if is_known else error)


def _json_pointer(key: Any) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")


def _enum_value(value: Any) -> str | None:
    """Return the value of an enum's member, or of a plain value, if it is a string."""
    return nonempty_str(getattr(value, "value", value))


def _read_usage(usage: Any) -> ev.Usage | None:
    """Return the token counts, or None.

    Gemini counts reasoning apart from the candidates: it is added to the output.
    """
    if usage is None:
        return None
    names = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
    prompt, candidates, reasoning = (token_count(get_either_case(usage, name)) for name in names)
    output = candidates if reasoning is None else (candidates or 0) + reasoning
    return ev.Usage(
        input=prompt,
        output=output,
        total=token_count(get_either_case(usage, "totalTokenCount")),
        reasoning=reasoning,
        cache_read=token_count(get_either_case(usage, "cachedContentTokenCount")),
    )

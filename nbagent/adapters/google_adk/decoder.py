"""Google's Agent Development Kit: the events of `runner.run_async(…)`, as objects or as `/run_sse` writes them.

The class: https://github.com/google/adk-python/blob/main/src/google/adk/events/event.py (google-adk 2.13). Field names are
camelCase on the wire and snake_case in process. A partial event carries what is new; the one that follows, which is not
partial, repeats the whole.

What it cannot say: that the run is over. It is, when the last whole event of a model calls nothing. Arguments come whole.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.builder import Block
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import fields_or_empty, get_field, get_str, nonempty_str, to_jsonable, token_count

_CONFIRMATION = "adk_request_confirmation"
_CREDENTIAL = "adk_request_credential"
_CUT_SHORT = {"MAX_TOKENS", "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MALFORMED_FUNCTION_CALL"}


def get(item: Any, name: str) -> Any:
    """A field under its name on the wire or in Python: `functionCall` or `function_call`."""
    found = get_field(item, name)
    if found is None:
        found = get_field(item, "".join("_" + letter.lower() if letter.isupper() else letter for letter in name))
    return found


class AdkDecoder(BaseDecoder):
    """ADK's events to events."""

    system: ClassVar[str] = "google.adk"

    def __init__(self) -> None:
        super().__init__()
        self._calls: dict[str, Block] = {}
        self._asked: set[str] = set()
        self._sources: set[str] = set()
        self._streamed: set[str] = set()
        self._long: set[str] = set()

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is an event: one of an invocation, by an author."""
        if isinstance(item, str | bytes | list | tuple):
            return False
        has_author = isinstance(get_field(item, "author"), str) and isinstance(get(item, "invocationId"), str)
        return has_author and (get_field(item, "actions") is not None or get_field(item, "content") is not None)

    def read(self, item: Any) -> None:
        """Read one event."""
        if not (isinstance(get_field(item, "author"), str) or get_field(item, "content") is not None):
            error = get_field(item, "error")
            if error is None:
                self.unread(item)
            else:
                self.fail_with(error)  # how `/run_sse` ends when the run raised
            return
        author = get_str(item, "author")
        if author == "user":
            self.builder.begin()
            self._functions(item)
            return
        self.builder.begin(nonempty_str(get(item, "modelVersion")))
        self.builder.envelope["agent"] = author
        self._long |= {str(call_id) for call_id in get(item, "longRunningToolIds") or ()}
        parts = [part for part in get_field(get_field(item, "content"), "parts") or () if part is not None]
        if parts and get_field(get_field(item, "content"), "role") != "user":
            self._speech(item, parts)
        self._functions(item)
        self._actions(item, author)
        self._conclude(item, parts)

    # --- what the model says --------------------------------------------------------------------------------------------

    def _speech(self, item: Any, parts: list[Any]) -> None:
        partial = bool(get_field(item, "partial"))
        builder = self.builder
        if not builder.in_step:
            self.new_step(nonempty_str(get(item, "modelVersion")))
            self._streamed.clear()
        whole = {"thought": "", "text": ""}
        for part in parts:
            text, kind = get_str(part, "text") or "", "thought" if get_field(part, "thought") else "text"
            whole[kind] += text
            if partial and text:
                self._streamed.add(kind)
                if kind == "thought":
                    builder.thought("thought", text)
                else:
                    builder.end_thought("thought")
                    builder.text("text", text)
            if not partial:
                self._other(part)
        if partial:
            return
        if whole["thought"] and "thought" not in self._streamed:
            builder.thought("thought", whole["thought"])
        builder.end_thought("thought", whole["thought"] or None)
        if whole["text"]:
            builder.start_text("text")
        builder.end_text("text", whole["text"] or None)
        self._cite(get(item, "groundingMetadata"))

    def _other(self, part: Any) -> None:
        """A file, or code that the model's own sandbox ran."""
        builder = self.builder
        blob, file = get(part, "inlineData"), get(part, "fileData")
        code, outcome = get(part, "executableCode"), get(part, "codeExecutionResult")
        if blob is not None or file is not None:
            media = nonempty_str(get(blob or file, "mimeType")) or "application/octet-stream"
            url, data = nonempty_str(get(file, "fileUri")), get_str(blob, "data")
            builder.file(media, url=url, data=data)
        elif code is not None:
            block = builder.start_tool(("code", builder.step), "code_execution", kind="hosted")
            builder.tool_args(block, get_str(code, "code") or "", free=True)
        elif outcome is not None:
            running = builder.tool(("code", builder.step))
            block = running or builder.start_tool(("code", builder.step), "code_execution", kind="hosted")
            failed = str(get_field(outcome, "outcome") or "OUTCOME_OK").rsplit(".", 1)[-1] != "OUTCOME_OK"
            output = get_str(outcome, "output") or ""
            error = ev.ErrorInfo(message=output or "the code failed") if failed else None
            builder.tool_args(block)
            builder.tool_result(block, output, status="error" if failed else "ok", error=error)

    def _cite(self, grounding: Any) -> None:
        for chunk in get(grounding, "groundingChunks") or ():
            place = get_field(chunk, "web") or get(chunk, "retrievedContext")
            url = get_str(place, "uri")
            if url and url not in self._sources:
                self._sources.add(url)
                builder = self.builder
                builder.source(url, title=get_str(place, "title"))

    # --- tools ----------------------------------------------------------------------------------------------------------

    def _functions(self, item: Any) -> None:
        for part in get_field(get_field(item, "content"), "parts") or ():
            call, response = get(part, "functionCall"), get(part, "functionResponse")
            if call is not None:
                self._call(call, partial=bool(get_field(item, "partial")))
            if response is not None:
                self._response(response)

    def _call(self, call: Any, *, partial: bool) -> None:
        name, call_id = get_str(call, "name") or "", get_str(call, "id")
        args = get_field(call, "args")
        if name in (_CONFIRMATION, _CREDENTIAL):
            if not partial:
                self._ask_by_call(name, call_id, fields_or_empty(args))
            return
        if partial and not call_id and not name:
            return  # a piece of arguments: they come whole in the end
        block = self._calls.get(call_id or name)
        if block is None or (block.closed and not partial):
            block = self.builder.start_tool(("call", call_id or name), name or "tool", call_id=call_id)
            self._calls[call_id or name] = block
        if args is not None or not partial:
            will_go_on = get(call, "willContinue")
            if not will_go_on:
                self.builder.tool_args(block, args={} if args is None else args)

    def _response(self, payload: Any) -> None:
        name, call_id = get_str(payload, "name") or "tool", get_str(payload, "id")
        if name in (_CONFIRMATION, _CREDENTIAL):
            self._answer(call_id, fields_or_empty(get_field(payload, "response")))
            return
        block = self._calls.get(call_id or name)
        if block is None:
            block = self.builder.start_tool(("call", call_id or name), name, call_id=call_id)
            self._calls[call_id or name] = block
        self.builder.tool_args(block)
        response = get_field(payload, "response")
        error = get_field(response, "error") if isinstance(response, Mapping) else None
        if error and call_id in self._asked:
            return  # "needs confirmation" is not an answer yet
        only = isinstance(response, Mapping) and set(response) == {"result"}
        if error:
            message = nonempty_str(error) or get_str(error, "message") or str(to_jsonable(error))
            self.builder.tool_result(block, response, status="error", error=ev.ErrorInfo(message=message))
        else:
            preliminary = call_id in self._long and not block.closed
            self.builder.tool_result(block, response["result"] if only else response, preliminary=preliminary)

    # --- approvals ------------------------------------------------------------------------------------------------------

    def _ask_by_call(self, name: str, request_id: str | None, args: Mapping[str, Any]) -> None:
        original = args.get("originalFunctionCall") or args.get("original_function_call")
        confirmation = args.get("toolConfirmation") or args.get("tool_confirmation")
        call_id = get_str(original, "id") or nonempty_str(get(args, "functionCallId"))
        self._ask(request_id, call_id, confirmation, get_field(original, "args"), is_auth=name == _CREDENTIAL)

    def _ask(self, request_id: str | None, call_id: str | None, payload: Any, args: Any, *, is_auth: bool = False) -> None:
        if call_id in self._asked:
            return
        builder = self.builder
        block = self._calls.get(call_id or "")
        if call_id:
            self._asked.add(call_id)
        builder.write(
            ev.ApprovalRequest(
                approval_id=request_id or call_id or builder.mint("approval"),
                tool_id=block.id if block else None,
                kind="auth" if is_auth else "tool",
                prompt=get_str(payload, "hint") or (block.name if block else None),
                args=to_jsonable(args),
                **builder.envelope,
            )
        )
        self.stop_info = StopInfo("paused")

    def _answer(self, request_id: str | None, payload: Mapping[str, Any]) -> None:
        builder = self.builder
        decision = "approve" if payload.get("confirmed", True) else "deny"
        builder.write(
            ev.ApprovalResponse(
                approval_id=request_id or "",
                decision=decision,  # type: ignore[arg-type]  # one of two literals
                value=to_jsonable(payload.get("payload")),
                **builder.envelope,
            )
        )
        self._asked.clear()
        self.stop_info = TRUNCATED

    # --- the rest -------------------------------------------------------------------------------------------------------

    def _actions(self, item: Any, author: str | None) -> None:
        actions, builder = get_field(item, "actions"), self.builder
        asked = any(get(part, "functionCall") is not None for part in get_field(get_field(item, "content"), "parts") or ())
        for name, is_auth in (("requestedToolConfirmations", False), ("requestedAuthConfigs", True)):
            for call_id, payload in fields_or_empty(get(actions, name)).items():
                if not asked:
                    self._ask(None, str(call_id), payload, get_field(payload, "payload"), is_auth=is_auth)
        to = nonempty_str(get(actions, "transferToAgent"))
        if to:
            waiting = next((block for block in reversed(self._calls.values()) if block.name == "transfer_to_agent"), None)
            builder.write(ev.AgentHandoff(to=to, from_=author, tool_id=waiting.id if waiting else None, **builder.envelope))
        if get_field(actions, "escalate"):
            builder.write(ev.Status(message=f"{author} hands the task back", **builder.envelope))
        changed = fields_or_empty(get(actions, "stateDelta"))
        if changed:
            patch = [{"op": "add", "path": "/" + _pointer(key), "value": to_jsonable(value)} for key, value in changed.items()]
            builder.write(ev.State(patch=patch, **builder.envelope))
        for name, version in fields_or_empty(get(actions, "artifactDelta")).items():
            builder.write(
                ev.Custom(name="artifact", data={"name": str(name), "version": to_jsonable(version)}, **builder.envelope)
            )

    def _conclude(self, item: Any, parts: list[Any]) -> None:
        """What an event says about how things stand: a failure, a whole response, work for tools."""
        code, message = nonempty_str(get(item, "errorCode")), nonempty_str(get(item, "errorMessage"))
        reason = _word(get(item, "finishReason"))
        if get_field(item, "interrupted"):
            self.stop_info = StopInfo("cancelled", "interrupted")
        elif (code or message) and code != "STOP":
            self.fail(message or code or "", code)
            self.builder.end_step(reason)
        if get_field(item, "partial") or not parts or get_field(get_field(item, "content"), "role") == "user":
            answered = parts and get_field(get_field(item, "content"), "role") == "user"
            if answered and self.stop_info.status == "completed":
                done = get(get_field(item, "actions"), "skipSummarization")
                self.stop_info = self.stop_info if done else TRUNCATED
            elif answered and self.stop_info.status != "paused" and get(get_field(item, "actions"), "skipSummarization"):
                self.stop_info = StopInfo("completed")
            return
        self.builder.end_step(reason, _read_usage(get(item, "usageMetadata")))
        if self.stop_info.status in ("failed", "cancelled", "paused"):
            return
        if any(get(part, "functionCall") is not None for part in parts):
            self.stop_info = TRUNCATED
        elif reason in _CUT_SHORT:
            self.stop_info = StopInfo("incomplete", reason, reason)
        else:
            self.stop_info = StopInfo("completed", reason)

    def close(self, error: BaseException | None = None) -> list[ev.Event]:
        """The stream is over. A run raises what its last event has told."""
        told = error is not None and self.stop_info.status == "failed" and self.stop_info.code == type(error).__name__
        return super().close(None if told else error)


def _pointer(key: Any) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")


def _word(value: Any) -> str | None:
    """An enum's member, or its name."""
    return nonempty_str(getattr(value, "value", value))


def _read_usage(payload: Any) -> ev.Usage | None:
    """Gemini's counts: its thinking is not part of the candidates."""
    if payload is None:
        return None
    names = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
    sent, made, thought = (token_count(get(payload, name)) for name in names)
    output = made if thought is None else (made or 0) + thought
    return ev.Usage(
        input=sent,
        output=output,
        total=token_count(get(payload, "totalTokenCount")),
        reasoning=thought,
        cache_read=token_count(get(payload, "cachedContentTokenCount")),
    )

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
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, Verdict
from nbagent.adapters.base.fields import count, fields_or_none, look, plain, string

_CONFIRMATION = "adk_request_confirmation"
_CREDENTIAL = "adk_request_credential"
_CUT_SHORT = {"MAX_TOKENS", "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MALFORMED_FUNCTION_CALL"}


def get(item: Any, name: str) -> Any:
    """A field under its name on the wire or in Python: `functionCall` or `function_call`."""
    found = look(item, name)
    if found is None:
        found = look(item, "".join("_" + letter.lower() if letter.isupper() else letter for letter in name))
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
        """Whether the item is an event: one of an invocation, by an author."""
        if isinstance(item, str | bytes | list | tuple):
            return False
        has_author = isinstance(look(item, "author"), str) and isinstance(get(item, "invocationId"), str)
        return has_author and (look(item, "actions") is not None or look(item, "content") is not None)

    def read(self, item: Any) -> None:
        """One event."""
        if not (isinstance(look(item, "author"), str) or look(item, "content") is not None):
            error = look(item, "error")
            if error is None:
                self.unread(item)
            else:
                self.fail_with(error)  # how `/run_sse` ends when the run raised
            return
        author = string(look(item, "author"))
        if author == "user":
            self.book.begin()
            self._functions(item)
            return
        self.book.begin(string(get(item, "modelVersion")))
        self.book.stamp["agent"] = author
        self._long |= {str(call_id) for call_id in get(item, "longRunningToolIds") or ()}
        parts = [part for part in look(look(item, "content"), "parts") or () if part is not None]
        if parts and look(look(item, "content"), "role") != "user":
            self._speech(item, parts)
        self._functions(item)
        self._actions(item, author)
        self._conclude(item, parts)

    # --- what the model says --------------------------------------------------------------------------------------------

    def _speech(self, item: Any, parts: list[Any]) -> None:
        partial = bool(look(item, "partial"))
        book = self.book
        if not book.in_step:
            self.new_step(string(get(item, "modelVersion")))
            self._streamed.clear()
        whole = {"thought": "", "text": ""}
        for part in parts:
            text, kind = string(look(part, "text")) or "", "thought" if look(part, "thought") else "text"
            whole[kind] += text
            if partial and text:
                self._streamed.add(kind)
                if kind == "thought":
                    book.thought("thought", text)
                else:
                    book.end_thought("thought")
                    book.text("text", text)
            if not partial:
                self._other(part)
        if partial:
            return
        if whole["thought"] and "thought" not in self._streamed:
            book.thought("thought", whole["thought"])
        book.end_thought("thought", whole["thought"] or None)
        if whole["text"]:
            book.start_text("text")
        book.end_text("text", whole["text"] or None)
        self._cite(get(item, "groundingMetadata"))

    def _other(self, part: Any) -> None:
        """A file, or code that the model's own sandbox ran."""
        book = self.book
        blob, file = get(part, "inlineData"), get(part, "fileData")
        code, outcome = get(part, "executableCode"), get(part, "codeExecutionResult")
        if blob is not None or file is not None:
            media = string(get(blob or file, "mimeType")) or "application/octet-stream"
            url, data = string(get(file, "fileUri")), string(look(blob, "data"))
            book.write(ev.File(id=book.mint("file"), media_type=media, url=url, data=data, **book.stamp))
        elif code is not None:
            block = book.start_tool(("code", book.step), "code_execution", kind="hosted")
            book.tool_args(block, string(look(code, "code")) or "", free=True)
        elif outcome is not None:
            running = book.tool(("code", book.step))
            block = running or book.start_tool(("code", book.step), "code_execution", kind="hosted")
            failed = str(look(outcome, "outcome") or "OUTCOME_OK").rsplit(".", 1)[-1] != "OUTCOME_OK"
            output = string(look(outcome, "output")) or ""
            error = ev.ErrorInfo(message=output or "the code failed") if failed else None
            book.tool_args(block)
            book.tool_result(block, output, status="error" if failed else "ok", error=error)

    def _cite(self, grounding: Any) -> None:
        for chunk in get(grounding, "groundingChunks") or ():
            place = look(chunk, "web") or get(chunk, "retrievedContext")
            url = string(look(place, "uri"))
            if url and url not in self._sources:
                self._sources.add(url)
                book = self.book
                book.write(ev.Source(id=book.mint("source"), url=url, title=string(look(place, "title")), **book.stamp))

    # --- tools ----------------------------------------------------------------------------------------------------------

    def _functions(self, item: Any) -> None:
        for part in look(look(item, "content"), "parts") or ():
            call, response = get(part, "functionCall"), get(part, "functionResponse")
            if call is not None:
                self._call(call, partial=bool(look(item, "partial")))
            if response is not None:
                self._response(response)

    def _call(self, call: Any, *, partial: bool) -> None:
        name, call_id = string(look(call, "name")) or "", string(look(call, "id"))
        args = look(call, "args")
        if name in (_CONFIRMATION, _CREDENTIAL):
            if not partial:
                self._ask_by_call(name, call_id, fields_or_none(args))
            return
        if partial and not call_id and not name:
            return  # a piece of arguments: they come whole in the end
        block = self._calls.get(call_id or name)
        if block is None or (block.closed and not partial):
            block = self.book.start_tool(("call", call_id or name), name or "tool", call_id=call_id)
            self._calls[call_id or name] = block
        if args is not None or not partial:
            will_go_on = get(call, "willContinue")
            if not will_go_on:
                self.book.tool_args(block, args={} if args is None else args)

    def _response(self, said: Any) -> None:
        name, call_id = string(look(said, "name")) or "tool", string(look(said, "id"))
        if name in (_CONFIRMATION, _CREDENTIAL):
            self._answer(call_id, fields_or_none(look(said, "response")))
            return
        block = self._calls.get(call_id or name)
        if block is None:
            block = self.book.start_tool(("call", call_id or name), name, call_id=call_id)
            self._calls[call_id or name] = block
        self.book.tool_args(block)
        response = look(said, "response")
        error = look(response, "error") if isinstance(response, Mapping) else None
        if error and call_id in self._asked:
            return  # "needs confirmation" is not an answer yet
        only = isinstance(response, Mapping) and set(response) == {"result"}
        if error:
            message = string(error) or string(look(error, "message")) or str(plain(error))
            self.book.tool_result(block, response, status="error", error=ev.ErrorInfo(message=message))
        else:
            preliminary = call_id in self._long and not block.closed
            self.book.tool_result(block, response["result"] if only else response, preliminary=preliminary)

    # --- approvals ------------------------------------------------------------------------------------------------------

    def _ask_by_call(self, name: str, request_id: str | None, args: Mapping[str, Any]) -> None:
        original = args.get("originalFunctionCall") or args.get("original_function_call")
        confirmation = args.get("toolConfirmation") or args.get("tool_confirmation")
        call_id = string(look(original, "id")) or string(get(args, "functionCallId"))
        self._ask(request_id, call_id, confirmation, look(original, "args"), is_auth=name == _CREDENTIAL)

    def _ask(self, request_id: str | None, call_id: str | None, said: Any, args: Any, *, is_auth: bool = False) -> None:
        if call_id in self._asked:
            return
        book = self.book
        block = self._calls.get(call_id or "")
        if call_id:
            self._asked.add(call_id)
        book.write(
            ev.ApprovalRequest(
                approval_id=request_id or call_id or book.mint("approval"),
                tool_id=block.id if block else None,
                kind="auth" if is_auth else "tool",
                prompt=string(look(said, "hint")) or (block.name if block else None),
                args=plain(args),
                **book.stamp,
            )
        )
        self.verdict = Verdict("paused")

    def _answer(self, request_id: str | None, said: Mapping[str, Any]) -> None:
        book = self.book
        decision = "approve" if said.get("confirmed", True) else "deny"
        book.write(
            ev.ApprovalResponse(
                approval_id=request_id or "",
                decision=decision,  # type: ignore[arg-type]  # one of two literals
                value=plain(said.get("payload")),
                **book.stamp,
            )
        )
        self._asked.clear()
        self.verdict = TRUNCATED

    # --- the rest -------------------------------------------------------------------------------------------------------

    def _actions(self, item: Any, author: str | None) -> None:
        actions, book = look(item, "actions"), self.book
        asked = any(get(part, "functionCall") is not None for part in look(look(item, "content"), "parts") or ())
        for name, is_auth in (("requestedToolConfirmations", False), ("requestedAuthConfigs", True)):
            for call_id, said in fields_or_none(get(actions, name)).items():
                if not asked:
                    self._ask(None, str(call_id), said, look(said, "payload"), is_auth=is_auth)
        to = string(get(actions, "transferToAgent"))
        if to:
            waiting = next((block for block in reversed(self._calls.values()) if block.name == "transfer_to_agent"), None)
            book.write(ev.AgentHandoff(to=to, from_=author, tool_id=waiting.id if waiting else None, **book.stamp))
        if look(actions, "escalate"):
            book.write(ev.Status(message=f"{author} hands the task back", **book.stamp))
        changed = fields_or_none(get(actions, "stateDelta"))
        if changed:
            patch = [{"op": "add", "path": "/" + _pointer(key), "value": plain(value)} for key, value in changed.items()]
            book.write(ev.State(patch=patch, **book.stamp))
        for name, version in fields_or_none(get(actions, "artifactDelta")).items():
            book.write(ev.Custom(name="artifact", data={"name": str(name), "version": plain(version)}, **book.stamp))

    def _conclude(self, item: Any, parts: list[Any]) -> None:
        """What an event says about how things stand: a failure, a whole response, work for tools."""
        code, message = string(get(item, "errorCode")), string(get(item, "errorMessage"))
        reason = _word(get(item, "finishReason"))
        if look(item, "interrupted"):
            self.verdict = Verdict("cancelled", "interrupted")
        elif (code or message) and code != "STOP":
            self.fail(message or code or "", code)
            self.book.end_step(reason)
        if look(item, "partial") or not parts or look(look(item, "content"), "role") == "user":
            answered = parts and look(look(item, "content"), "role") == "user"
            if answered and self.verdict.status == "completed":
                done = get(look(item, "actions"), "skipSummarization")
                self.verdict = self.verdict if done else TRUNCATED
            elif answered and self.verdict.status != "paused" and get(look(item, "actions"), "skipSummarization"):
                self.verdict = Verdict("completed")
            return
        self.book.end_step(reason, _usage_of(get(item, "usageMetadata")))
        if self.verdict.status in ("failed", "cancelled", "paused"):
            return
        if any(get(part, "functionCall") is not None for part in parts):
            self.verdict = TRUNCATED
        elif reason in _CUT_SHORT:
            self.verdict = Verdict("incomplete", reason, reason)
        else:
            self.verdict = Verdict("completed", reason)

    def close(self, error: BaseException | None = None) -> list[ev.Event]:
        """The stream is over. A run raises what its last event has told."""
        told = error is not None and self.verdict.status == "failed" and self.verdict.code == type(error).__name__
        return super().close(None if told else error)


def _pointer(key: Any) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")


def _word(value: Any) -> str | None:
    """An enum's member, or its name."""
    return string(getattr(value, "value", value))


def _usage_of(said: Any) -> ev.Usage | None:
    """Gemini's counts: its thinking is not part of the candidates."""
    if said is None:
        return None
    names = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
    sent, made, thought = (count(get(said, name)) for name in names)
    output = made if thought is None else (made or 0) + thought
    return ev.Usage(
        input=sent,
        output=output,
        total=count(get(said, "totalTokenCount")),
        reasoning=thought,
        cache_read=count(get(said, "cachedContentTokenCount")),
    )

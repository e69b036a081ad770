"""Pydantic AI: what `agent.run_stream_events()` gives, as objects or as their JSON.

The events: https://ai.pydantic.dev/api/messages/ (pydantic-ai 2.68); `event_kind` tells them apart. Their index starts anew
with every response. The first piece of a part is in its start, and its end repeats the whole.

What it cannot say: usage per response (the run's comes with the result), agents, hand-offs, and a failure, which is raised. The
events of single nodes (`agent.iter`) have no result, and so no usage: they end a run when nothing is open with them.
"""

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.builder import Block, parse
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, Verdict
from nbagent.adapters.base.fields import class_of, count, fields_or_none, look, plain, string

_KINDS = {
    "part_start",
    "part_delta",
    "part_end",
    "final_result",
    "function_tool_call",
    "function_tool_result",
    "output_tool_call",
    "output_tool_result",
    "builtin_tool_call",
    "builtin_tool_result",
    "deferred_tool_requests",
    "deferred_tool_results",
    "agent_run_result",
    "enqueued_messages",
}


class PydanticAIDecoder(BaseDecoder):
    """Pydantic AI's events to events."""

    system: ClassVar[str] = "pydantic.ai"

    def __init__(self) -> None:
        super().__init__()
        self._parts: dict[Any, Hashable] = {}
        self._calls: dict[str, Block] = {}
        self._given: dict[Hashable, dict[str, Any]] = {}
        self._signatures: dict[Hashable, str] = {}
        self._asked: set[str] = set()
        self._texts: dict[Hashable, list[str]] = {}  # the whole parts of a text that goes on in the next part
        self._objects = False

    @staticmethod
    def recognises(item: Any) -> bool:
        """Whether the item is one of the framework's events."""
        kind = look(item, "event_kind")
        return isinstance(kind, str) and (kind in _KINDS or kind.startswith("realtime_") or kind == "custom")

    def read(self, item: Any) -> None:
        """One event."""
        self.book.begin()
        self._objects = self._objects or not isinstance(item, Mapping)
        kind = look(item, "event_kind")
        part = look(item, "part") or look(item, "result")
        match kind:
            case "part_start":
                self._start(look(item, "index"), look(item, "part"), look(item, "previous_part_kind"))
            case "part_delta":
                self._delta(look(item, "index"), look(item, "delta"))
            case "part_end":
                self._end(look(item, "index"), look(item, "part"), look(item, "next_part_kind"))
            case "function_tool_call" | "output_tool_call" | "builtin_tool_call":
                self.book.end_step()
                self._finish_call(self._call(part), part)
            case "function_tool_result" | "output_tool_result" | "builtin_tool_result":
                self._result(part)
            case "deferred_tool_requests":
                self._ask(look(item, "requests"))
            case "deferred_tool_results":
                self._answer(look(item, "results"))
            case "agent_run_result":
                self._complete(look(item, "result"))
            case "final_result" | "enqueued_messages":
                pass
            case "custom":
                name = string(look(item, "name")) or "custom"
                self.book.write(ev.Custom(name=name, data=plain(look(item, "data")), **self.book.stamp))
            case _:
                self.book.raw(item, string(kind))

    # --- parts ----------------------------------------------------------------------------------------------------------

    def _start(self, index: Any, part: Any, before: Any = None) -> None:
        """A part begins. Texts that follow each other are one answer, cut where a citation begins or ends."""
        book = self.book
        if not book.in_step or (index in self._parts and index == 0):
            self.new_step()
            self._parts.clear()
        kind = look(part, "part_kind")
        old = self._parts.get(index)
        if old is not None:  # one that replaces another: the framework does that to parts it has to split
            book.end_text(old)
            book.end_thought(old)
        key: Hashable = (book.step, index, book.mint("part") if old is not None else None)
        if kind == before == "text" and old is None:
            key = self._parts.get(index - 1, key)
        self._parts[index] = key
        content = look(part, "content")
        if kind == "text":
            book.text(key, string(content) or "")
        elif kind == "thinking":
            book.start_thought(key)
            book.thought(key, string(content) or "")
        elif kind in ("tool-call", "builtin-tool-call", "native-tool-call"):
            block = self._call(part, key, new=True)
            self._args(key, block, look(part, "args"))
        elif kind in ("builtin-tool-return", "native-tool-return"):
            self._result(part)
        elif kind == "file":
            self._file(content)
        elif kind != "compaction":
            book.raw(part, string(kind))

    def _delta(self, index: Any, delta: Any) -> None:
        key = self._parts.get(index)
        kind = look(delta, "part_delta_kind")
        if key is None:
            self._start(index, {"part_kind": {"tool_call": "tool-call"}.get(str(kind), kind), "content": ""})
            key = self._parts.get(index)
        if kind == "text":
            self.book.text(key, string(look(delta, "content_delta")) or "")
        elif kind == "thinking":
            self.book.thought(key, string(look(delta, "content_delta")) or "")
            signature = string(look(delta, "signature_delta"))
            if signature and key is not None:
                self._signatures[key] = signature
        elif kind == "tool_call":
            block = self.book.tool(key)
            if block is not None:
                self._args(key, block, look(delta, "args_delta"))
        else:
            self.book.raw(delta, string(kind))

    def _end(self, index: Any, part: Any, after: Any) -> None:
        key = self._parts.get(index)
        kind, content = look(part, "part_kind"), string(look(part, "content"))
        if key is None:
            return
        if kind == "text":
            if content:
                self.book.start_text(key)
                self._texts.setdefault(key, []).append(content)
            if after != "text":
                self.book.end_text(key, "".join(self._texts.pop(key, ())) or None)
        elif kind == "thinking":
            signature = string(look(part, "signature")) or self._signatures.get(key)
            self.book.end_thought(key, content, signature=signature)
        elif self.book.tool(key) is not None:
            self._finish_call(self.book.tool(key), part)

    def _file(self, content: Any) -> None:
        book = self.book
        media = string(look(content, "media_type")) or "application/octet-stream"
        data = look(content, "data")
        url = string(look(content, "url"))
        book.write(ev.File(id=book.mint("file"), media_type=media, url=url, data=string(data), **book.stamp))

    # --- tools ----------------------------------------------------------------------------------------------------------

    def _call(self, part: Any, key: Hashable = None, *, new: bool = False) -> Block:
        """The call of a part; an id that comes again in a new part is another call."""
        call_id = string(look(part, "tool_call_id"))
        block = None if new else self._calls.get(call_id or "")
        if block is None:
            hosted = str(look(part, "part_kind")).startswith(("builtin", "native"))
            name = string(look(part, "tool_name")) or "tool"
            kind: ev.ToolKind = "hosted" if hosted else "function"
            block = self.book.start_tool(("call", call_id) if key is None else key, name, call_id=call_id, kind=kind)
            if call_id:
                self._calls[call_id] = block
        return block

    def _args(self, key: Hashable, block: Block, args: Any) -> None:
        """More of the arguments: text, or the entries that are known by now."""
        if isinstance(args, str):
            self.book.tool_delta(block, args)
        elif isinstance(args, Mapping):
            self._given.setdefault(block.id, {}).update(args)

    def _finish_call(self, block: Block | None, part: Any) -> None:
        if block is None:
            return
        args = look(part, "args")
        if args is None:
            args = self._given.get(block.id)
        if isinstance(args, str) or args is None:
            self.book.tool_args(block, args or None)
        else:
            self.book.tool_args(block, args=args)

    def _result(self, part: Any) -> None:
        block = self._call(part)
        self._finish_call(block, {})
        content, outcome = look(part, "content"), look(part, "outcome")
        retry = look(part, "part_kind") == "retry-prompt"
        failed = retry or outcome in ("failed", "retried", "denied")
        status: ev.ToolStatus = "denied" if outcome == "denied" else "error" if failed else "ok"
        error = ev.ErrorInfo(message=content if isinstance(content, str) else str(plain(content))) if failed else None
        self.book.tool_result(block, content, status=status, error=error)

    # --- approvals and the end ------------------------------------------------------------------------------------------

    def _ask(self, requests: Any) -> None:
        """Calls that wait for a human's word, or for somebody else to run them."""
        for name in ("approvals", "calls"):
            for part in look(requests, name) or ():
                block = self._call(part)
                self._finish_call(block, part)
                call_id = string(look(part, "tool_call_id")) or block.id
                if call_id in self._asked:
                    continue
                self._asked.add(call_id)
                self._write_request(call_id, block, part, is_input=name == "calls")
        self.verdict = Verdict("paused")

    def _write_request(self, call_id: str, block: Block, part: Any, *, is_input: bool) -> None:
        book, args = self.book, look(part, "args")
        book.write(
            ev.ApprovalRequest(
                approval_id=call_id,
                tool_id=block.id,
                kind="input" if is_input else "tool",
                prompt=block.name,
                args=parse(args)[0] if isinstance(args, str) else plain(args),
                **book.stamp,
            )
        )

    def _answer(self, results: Any) -> None:
        self.verdict = TRUNCATED
        book = self.book
        for call_id, said in fields_or_none(look(results, "approvals")).items():
            approved = said is True or look(said, "kind") == "tool-approved"
            book.write(
                ev.ApprovalResponse(
                    approval_id=str(call_id),
                    decision="approve" if approved else "deny",
                    reason=string(look(said, "message")),
                    **book.stamp,
                )
            )

    def _complete(self, result: Any) -> None:
        """The run's result: its usage, and whether it is done or waits."""
        self.book.end_step()
        state = look(result, "_state")
        usage = look(result, "usage")
        usage = usage if usage is not None and not callable(usage) else look(state, "usage")
        self.book.usage = _usage_of(usage)
        output = look(result, "output")
        deferred = class_of(output) == "DeferredToolRequests" or (
            isinstance(output, Mapping) and {"approvals", "calls"} <= set(output)
        )
        self.verdict = Verdict("completed")
        if deferred:
            self._ask(output)

    def close(self, error: BaseException | None = None) -> list[ev.Event]:
        """The stream is over. Objects come straight from the agent, which raises when it cannot go on."""
        at_work = self.book.open_keys() or any(not block.closed for block in self._calls.values())
        if self._objects and self.book.step and not at_work and self.verdict == TRUNCATED:
            self.verdict = Verdict("completed")
        return super().close(error)


def _usage_of(said: Any) -> ev.Usage | None:
    if said is None or look(said, "input_tokens") is None:
        return None
    details = fields_or_none(look(said, "details"))
    sent, made = count(look(said, "input_tokens")), count(look(said, "output_tokens"))
    return ev.Usage(
        input=sent,
        output=made,
        total=None if sent is None or made is None else sent + made,
        reasoning=count(details.get("reasoning_tokens", look(said, "output_reasoning_tokens"))),
        cache_read=count(look(said, "cache_read_tokens")),
        cache_write=count(look(said, "cache_write_tokens")),
    )

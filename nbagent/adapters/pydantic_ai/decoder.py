"""Decoder of Pydantic AI: the events of `agent.run_stream_events()`, as objects or as their JSON.

Format: https://ai.pydantic.dev/api/messages/ (pydantic-ai 2.68). `event_kind` is the tag. The index
of a part is counted within its response. The start of a part has its first delta, and its end
repeats the whole part.

The format has no usage per response (the result has the run's), agents or hand-offs; a failure is
raised. The events of single nodes (`agent.iter`) have no result: their run is complete if nothing
is open at EOF. The result of a run that was not streamed (`AgentRunResult` of `agent.run`) is one
item, with the messages of the run inside.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.block import Block
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    class_name,
    entries_in,
    fields_or_empty,
    get_field,
    get_str,
    nonempty_str,
    parse_args,
    sum_or_none,
    to_jsonable,
    token_count,
)

_EVENT_KINDS = {
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
    """Decoder of Pydantic AI's events."""

    system: ClassVar[str] = "pydantic.ai"
    runs_tools: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._parts: dict[Any, Hashable] = {}
        self._calls: dict[str, Block] = {}
        self._partial_args: dict[Hashable, dict[str, Any]] = {}
        self._signatures: dict[Hashable, str] = {}
        self._asked: set[str] = set()
        # complete parts of a text that continues in the next part
        self._texts: dict[Hashable, list[str]] = {}
        self._objects = False

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is one of the framework's events, or the result of a run."""
        if _is_result(item):
            return True
        kind = get_field(item, "event_kind")
        return isinstance(kind, str) and (
            kind in _EVENT_KINDS or kind.startswith("realtime_") or kind == "custom"
        )

    def read(self, item: Any) -> None:
        """Read one event."""
        self.builder.begin()
        if _is_result(item):
            self._read_messages(item.new_messages())
            self._complete(item)
            return
        self._objects = self._objects or not isinstance(item, Mapping)
        kind = get_field(item, "event_kind")
        reader = _READERS.get(str(kind))
        if reader is not None:
            reader(self, item)
        elif kind not in ("final_result", "enqueued_messages"):
            self.builder.raw(item, nonempty_str(kind))

    def _part_start(self, item: Any) -> None:
        previous_kind = get_field(item, "previous_part_kind")
        self._start(get_field(item, "index"), get_field(item, "part"), previous_kind)

    def _part_delta(self, item: Any) -> None:
        self._delta(get_field(item, "index"), get_field(item, "delta"))

    def _part_end(self, item: Any) -> None:
        next_kind = get_field(item, "next_part_kind")
        self._end(get_field(item, "index"), get_field(item, "part"), next_kind)

    def _tool_call(self, item: Any) -> None:
        part = _part_of(item)
        self.builder.end_step()
        self._finish_call(self._call_of(part), part)

    def _tool_result(self, item: Any) -> None:
        self._result(_part_of(item))

    def _deferred_requests(self, item: Any) -> None:
        self._request_approval(get_field(item, "requests"))

    def _deferred_results(self, item: Any) -> None:
        self._write_approval_response(get_field(item, "results"))

    def _run_result(self, item: Any) -> None:
        self._complete(get_field(item, "result"))

    def _custom(self, item: Any) -> None:
        name = get_str(item, "name", default="custom")
        self.builder.custom(name, get_field(item, "data"))

    def _read_messages(self, messages: Any) -> None:
        """Read the messages of a run: the model's responses, and the requests with the results of
        tools.
        """
        for message in messages:
            for index, part in enumerate(entries_in(message, "parts")):
                if get_field(message, "kind") == "response":
                    self._start(index, part)
                    self._end(index, part, None)
                elif get_field(part, "part_kind") in ("tool-return", "retry-prompt") and get_str(
                    part, "tool_name"
                ):
                    self.builder.end_step()
                    self._result(part)

    # --- parts ---

    def _start(self, index: Any, part: Any, previous_kind: Any = None) -> None:
        """Start a part.

        Adjacent text parts become one text: providers start a new part at each citation.
        """
        builder = self.builder
        if not builder.in_step or (index in self._parts and index == 0):
            self.new_step()
            self._parts.clear()
        kind = get_field(part, "part_kind")
        key = self._parts[index] = self._key_of(index, is_text=kind == previous_kind == "text")
        content = get_field(part, "content")
        if kind == "text":
            builder.text(key, nonempty_str(content, default=""))
        elif kind == "thinking":
            builder.start_reasoning(key)
            builder.reasoning(key, nonempty_str(content, default=""))
        elif kind in ("tool-call", "builtin-tool-call", "native-tool-call"):
            block = self._call_of(part, key, new=True)
            self._add_args(key, block, get_field(part, "args"))
        elif kind in ("builtin-tool-return", "native-tool-return"):
            self._result(part)
        elif kind == "file":
            self._write_file(content)
        elif kind != "compaction":
            builder.raw(part, nonempty_str(kind))

    def _key_of(self, index: Any, *, is_text: bool) -> Hashable:
        """Return the key of a part that begins; of a text after a text, that one's key."""
        builder = self.builder
        old = self._parts.get(index)
        if old is not None:  # the framework replaces a part that it has to split
            builder.end_text(old)
            builder.end_reasoning(old)
            return (builder.step, index, builder.mint("part"))
        key: Hashable = (builder.step, index, None)
        if is_text:
            return self._parts.get(index - 1, key)
        return key

    def _delta(self, index: Any, delta: Any) -> None:
        key = self._parts.get(index)
        kind = get_field(delta, "part_delta_kind")
        if key is None:
            part_kind = "tool-call" if kind == "tool_call" else kind
            self._start(index, {"part_kind": part_kind, "content": ""})
            key = self._parts.get(index)
        if kind == "text":
            self.builder.text(key, get_str(delta, "content_delta", default=""))
        elif kind == "thinking":
            self.builder.reasoning(key, get_str(delta, "content_delta", default=""))
            signature = get_str(delta, "signature_delta")
            if signature and key is not None:
                self._signatures[key] = signature
        elif kind == "tool_call":
            block = self.builder.tool(key)
            if block is not None:
                self._add_args(key, block, get_field(delta, "args_delta"))
        else:
            self.builder.raw(delta, nonempty_str(kind))

    def _end(self, index: Any, part: Any, next_kind: Any) -> None:
        key = self._parts.get(index)
        kind, content = get_field(part, "part_kind"), get_str(part, "content")
        if key is None:
            return
        if kind == "text":
            if content:
                self.builder.start_text(key)
                self._texts.setdefault(key, []).append(content)
            if next_kind != "text":
                self.builder.end_text(key, "".join(self._texts.pop(key, ())) or None)
        elif kind == "thinking":
            signature = get_str(part, "signature") or self._signatures.get(key)
            self.builder.end_reasoning(key, content, signature=signature)
        elif self.builder.tool(key) is not None:
            self._finish_call(self.builder.tool(key), part)

    def _write_file(self, content: Any) -> None:
        media_type = get_str(content, "media_type", default="application/octet-stream")
        self.builder.file(media_type, url=get_str(content, "url"), data=get_str(content, "data"))

    # --- tools ---

    def _call_of(self, part: Any, key: Hashable = None, *, new: bool = False) -> Block:
        """Return the call of a part, started if it is `new` or not known: a new part may reuse the
        id of another call.
        """
        call_id = get_str(part, "tool_call_id")
        block = None
        if not new:
            block = self._calls.get(call_id or "")
        if block is None:
            hosted = str(get_field(part, "part_kind")).startswith(("builtin", "native"))
            name = get_str(part, "tool_name", default="tool")
            kind: ev.ToolKind = "hosted" if hosted else "function"
            if key is None:
                key = ("call", call_id)
            block = self.builder.start_tool(key, name, call_id=call_id, kind=kind)
            if call_id:
                self._calls[call_id] = block
        return block

    def _add_args(self, key: Hashable, block: Block, args: Any) -> None:
        """Add a delta of the arguments: text, or the entries known so far."""
        if isinstance(args, str):
            self.builder.tool_delta(block, args)
        elif isinstance(args, Mapping):
            self._partial_args.setdefault(block.id, {}).update(args)

    def _finish_call(self, block: Block | None, part: Any) -> None:
        if block is None:
            return
        args = get_field(part, "args")
        if args is None:
            args = self._partial_args.get(block.id)
        if isinstance(args, str) or args is None:
            self.builder.tool_args(block, args or None)
        else:
            self.builder.tool_args(block, args=args)

    def _result(self, part: Any) -> None:
        block = self._call_of(part)
        self._finish_call(block, {})
        content, outcome = get_field(part, "content"), get_field(part, "outcome")
        is_retry = get_field(part, "part_kind") == "retry-prompt"
        failed = is_retry or outcome in ("failed", "retried")
        message = content if isinstance(content, str) else str(to_jsonable(content))
        if outcome == "denied":
            error = ev.ErrorInfo(message=message)
            self.builder.tool_result(block, content, status="denied", error=error)
        elif failed:
            self.builder.tool_error(block, message, content, told=_told(part))
        else:
            self.builder.tool_result(block, content, value=content, told=_told(part))

    # --- approvals and the end ---

    def _request_approval(self, requests: Any) -> None:
        """Pause the run for calls that wait for an approval, or that are run outside of it."""
        for name in ("approvals", "calls"):
            for part in entries_in(requests, name):
                block = self._call_of(part)
                self._finish_call(block, part)
                call_id = get_str(part, "tool_call_id", default=block.id)
                if call_id in self._asked:
                    continue
                self._asked.add(call_id)
                self._write_request(call_id, block, part, is_input=name == "calls")
        self.stop_info = StopInfo("paused")

    def _write_request(self, call_id: str, block: Block, part: Any, *, is_input: bool) -> None:
        builder, args = self.builder, get_field(part, "args")
        if isinstance(args, str):
            args, _ = parse_args(args)
        builder.write(
            ev.ApprovalRequest(
                approval_id=call_id,
                tool_id=block.id,
                kind="input" if is_input else "tool",
                prompt=block.name,
                args=to_jsonable(args),
                **builder.envelope,
            )
        )

    def _write_approval_response(self, results: Any) -> None:
        self.stop_info = TRUNCATED
        builder = self.builder
        for call_id, answer in fields_or_empty(get_field(results, "approvals")).items():
            approved = answer is True or get_field(answer, "kind") == "tool-approved"
            builder.write(
                ev.ApprovalResponse(
                    approval_id=str(call_id),
                    decision="approve" if approved else "deny",
                    reason=get_str(answer, "message"),
                    **builder.envelope,
                )
            )

    def _complete(self, result: Any) -> None:
        """Read the run's result: its usage, and its pending approvals if its output is deferred."""
        self.builder.end_step()
        state = get_field(result, "_state")
        self.builder.begin(thread_id=get_str(state, "conversation_id"))
        usage = get_field(result, "usage")
        if usage is None or callable(usage):
            usage = get_field(state, "usage")
        self.builder.usage = _read_usage(usage)
        output = get_field(result, "output")
        is_deferred = class_name(output) == "DeferredToolRequests" or (
            isinstance(output, Mapping) and {"approvals", "calls"} <= set(output)
        )
        self.stop_info = StopInfo("completed")
        if is_deferred:
            self._request_approval(output)

    def close(self, error: BaseException | None = None) -> list[ev.Event]:
        """End the run.

        At EOF a stream of objects is complete: an agent in this process would have raised.
        """
        calls_are_closed = all(block.closed for block in self._calls.values())
        is_working = not calls_are_closed or bool(self.builder.open_keys())
        has_begun = self._objects and self.builder.step > 0
        if has_begun and not is_working:
            self.complete()
        return super().close(error)


def _told(part: Any) -> str | None:
    """Return a result as services of text get it; None for one in JSON, or with files."""
    write = get_field(part, "model_response_str") or get_field(part, "model_response")
    if not callable(write) or get_field(part, "files"):
        return None
    return str(write())


def _is_result(item: Any) -> bool:
    return class_name(item) == "AgentRunResult" and callable(getattr(item, "new_messages", None))


def _read_usage(usage: Any) -> ev.Usage | None:
    if usage is None or get_field(usage, "input_tokens") is None:
        return None
    details = fields_or_empty(get_field(usage, "details"))
    prompt = token_count(get_field(usage, "input_tokens"))
    output = token_count(get_field(usage, "output_tokens"))
    return ev.Usage(
        input=prompt,
        output=output,
        total=sum_or_none(prompt, output),
        reasoning=token_count(
            details.get("reasoning_tokens", get_field(usage, "output_reasoning_tokens"))
        ),
        cache_read=token_count(get_field(usage, "cache_read_tokens")),
        cache_write=token_count(get_field(usage, "cache_write_tokens")),
    )


def _part_of(item: Any) -> Any:
    return get_field(item, "part") or get_field(item, "result")


_READERS: dict[str, Callable[[PydanticAIDecoder, Any], None]] = {
    "part_start": PydanticAIDecoder._part_start,
    "part_delta": PydanticAIDecoder._part_delta,
    "part_end": PydanticAIDecoder._part_end,
    "function_tool_call": PydanticAIDecoder._tool_call,
    "output_tool_call": PydanticAIDecoder._tool_call,
    "builtin_tool_call": PydanticAIDecoder._tool_call,
    "function_tool_result": PydanticAIDecoder._tool_result,
    "output_tool_result": PydanticAIDecoder._tool_result,
    "builtin_tool_result": PydanticAIDecoder._tool_result,
    "deferred_tool_requests": PydanticAIDecoder._deferred_requests,
    "deferred_tool_results": PydanticAIDecoder._deferred_results,
    "agent_run_result": PydanticAIDecoder._run_result,
    "custom": PydanticAIDecoder._custom,
}

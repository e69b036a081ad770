"""Event builder of every decoder: tracks the steps and the open blocks of a run, and writes their
events.
"""

import json
from collections.abc import Hashable, Mapping
from typing import Any

from nbagent import events as ev
from nbagent.adapters.base.block import Block
from nbagent.adapters.base.fields import parse_args, to_jsonable
from nbagent.adapters.base.text_builder import TextBuilder
from nbagent.events.jsonable import text_safe
from nbagent.events.told import telling

_PLAIN = (str, int, float, list, dict, tuple)


class EventBuilder(TextBuilder):
    """Builds the events of one run.

    Decoders call its methods in upstream order, then `take()` the events.

    A key is any hashable: the upstream id of a text, a reasoning block or a tool call. It refers to
    the open block that it was last used for.

    Attributes:
        step: number of the current step, counted from 1; 0 before the first.
        in_step: True between the start and the end of a step.
        ended: True once `run.end` was written.
        usage: sum of the usage of all ended steps; None if no step had any.

    Args:
        texts_have_ids: the system identifies its texts, so that one may go on beside a tool call.
            Otherwise a tool call ends the open text and reasoning: what follows it is a new block,
            below the call.
    """

    def __init__(self, *, texts_have_ids: bool = False) -> None:
        super().__init__()
        self.texts_have_ids = texts_have_ids
        self.step = 0
        self.in_step = False
        self.ended = False
        self.usage: ev.Usage | None = None
        self._tools: dict[Hashable, Block] = {}
        # calls without a final result by our id, the oldest first
        self._unanswered: dict[str, Block] = {}

    # --- run and step ---

    def start_step(
        self,
        model: str | None = None,
        *,
        name: str | None = None,
        meta: dict[str, Any] | None = None,
    ) -> None:
        """Start a step (one model response). A step that is still open ends first."""
        self.begin(model)
        self.end_step()
        self.step += 1
        self.in_step = True
        self.envelope["step"] = self.step
        self.write(ev.StepStart(name=name, model=model, meta=meta, **self.envelope))

    def need_step(self, model: str | None = None) -> None:
        """Start a step, unless one is open."""
        if not self.in_step:
            self.start_step(model)

    def end_step(self, finish_reason: str | None = None, usage: ev.Usage | None = None) -> None:
        """End the open step: close its text and reasoning, and add its usage to the run's.

        Does nothing outside a step.
        """
        if not self.in_step:
            return
        self.end_texts_and_reasoning()
        self.in_step = False
        if usage is not None:
            self.add_usage(usage)
        self.write(ev.StepEnd(finish_reason=finish_reason, usage=usage, **self.envelope))

    def add_usage(self, usage: ev.Usage) -> ev.Usage:
        """Add token counts to those of the run. Return the sum."""
        self.usage = usage if self.usage is None else self.usage + usage
        return self.usage

    def end(
        self,
        status: ev.RunStatus,
        *,
        finish_reason: str | None = None,
        code: str | None = None,
        meta: dict[str, Any] | None = None,
    ) -> None:
        """Close what is open and write `run.end`."""
        self.begin()
        self.end_step(finish_reason)
        self.end_texts_and_reasoning()
        self.ended = True
        late = self._late_thread_id
        self.write(
            ev.RunEnd(
                status=status,
                finish_reason=finish_reason,
                code=code,
                usage=self.usage,
                thread_id=late,
                meta=meta,
            )
        )

    # --- tools ---

    def start_tool(
        self,
        key: Hashable,
        name: str | None,
        *,
        call_id: str | None = None,
        kind: ev.ToolKind = "function",
        title: str | None = None,
        meta: dict[str, Any] | None = None,
    ) -> Block:
        """Start a tool call. An earlier call with this key keeps its id and loses the key.

        A call without a name gets the name "tool"; an empty `meta` is none.
        """
        name = name or "tool"
        if not self.texts_have_ids:
            self.end_texts_and_reasoning()
        block = self._tools[key] = Block(self.mint("tool"), key, name, call_id)
        self._unanswered[block.id] = block
        self.write(
            ev.ToolStart(
                id=block.id,
                name=name,
                call_id=call_id,
                kind=kind,
                title=title,
                meta=meta or None,
                **self.envelope,
            )
        )
        return block

    def tool(self, key: Hashable) -> Block | None:
        """Return the open tool call of that key, or None."""
        return self._tools.get(key)

    def unanswered(self, name: str | None = None) -> list[Block]:
        """Return the calls without a final result, the oldest first; only those of that name, if
        one is given.

        A result without an id belongs to the first of them.
        """
        return [block for block in self._unanswered.values() if name is None or block.name == name]

    def oldest_unanswered(self, name: str | None = None) -> Block | None:
        """Return the first call of `unanswered`; None if there is none."""
        for block in self._unanswered.values():
            if name is None or block.name == name:
                return block
        return None

    def call_of_result(
        self, calls: Mapping[Any, Block], call_id: str | None, name: str | None
    ) -> Block | None:
        """Return the call that a result belongs to, or None: the one of its id; without an id, the
        oldest of its name that has no result.

        Args:
            calls: the known calls, by the provider's id.
            call_id: the id that the result has.
            name: the tool's name; None for any.
        """
        if call_id:
            return calls.get(call_id)
        return self.oldest_unanswered(name)

    def tool_delta(self, block: Block, delta: str) -> None:
        """Append to the text of a call's arguments, unless they are complete."""
        if not delta:
            return
        text = block.join_surrogates(delta)
        if text and not block.args_complete:
            block.args_pieces.append(text)
            self.write(ev.ToolArgsDelta(id=block.id, delta=text, **self.envelope))

    def tool_args(
        self,
        block: Block,
        text: str | None = None,
        *,
        args: Any = None,
        free: bool = False,
        meta: dict[str, Any] | None = None,
    ) -> None:
        """Complete a call's arguments. A second call does nothing.

        Args:
            block: the tool call.
            text: the arguments as text; None for the streamed deltas. An empty text means no
                arguments.
            args: the arguments parsed, for systems that send them so.
            free: the text itself is the argument, and is not parsed as JSON.
            meta: extra fields of the event.
        """
        if block.args_complete:
            return
        block.args_complete = True
        if text is None:
            text = "".join(block.args_pieces)
        else:
            text = text_safe(text)
        block.args_pieces = []
        valid = True
        if args is not None:
            args = to_jsonable(args)
            text = text or json.dumps(args, ensure_ascii=False, sort_keys=True)
        elif free:
            args = text
        else:
            args, valid = parse_args(text)
        self.write(
            ev.ToolArgs(
                id=block.id, args=args, args_text=text, valid=valid, meta=meta, **self.envelope
            )
        )

    def complete_args(self, block: Block, args: Any, *, free: bool = False) -> None:
        """Complete a call's arguments, given as text or parsed. None means no arguments.

        Args:
            block: the tool call.
            args: the arguments.
            free: a text itself is the argument, and is not parsed as JSON.
        """
        if isinstance(args, str):
            self.tool_args(block, args, free=free)
        elif args is None:
            self.tool_args(block, args={})
        else:
            self.tool_args(block, args=args)

    def final_args(self, block: Block, args: Any) -> None:
        """Complete a call's arguments, given as JSON text or parsed. None means those that were
        streamed.
        """
        if isinstance(args, str):
            self.tool_args(block, args)
        else:
            self.tool_args(block, args=args)

    def tool_result(
        self,
        block: Block,
        content: Any,
        *,
        status: ev.ToolStatus = "ok",
        error: ev.ErrorInfo | None = None,
        preliminary: bool = False,
        value: Any = None,
        told: str | None = None,
    ) -> None:
        """Write a tool's result.

        Ends the call unless the result is `preliminary`; an ended call takes no more results.

        Args:
            block: the tool call.
            content: the result as the model reads it.
            status: how the tool ended.
            error: why it failed.
            preliminary: another result follows and replaces this one.
            value: what the tool returned in this process, if that is known.
            told: the text that the model reads, where it is another than the content.
        """
        if block.closed:
            return
        if not preliminary:
            block.closed = True
            self._unanswered.pop(block.id, None)
            if self._tools.get(block.key) is block:
                del self._tools[block.key]
        self.write(
            ev.ToolResult(
                id=block.id,
                status=status,
                content=to_jsonable(content),
                error=error,
                preliminary=preliminary,
                value=_live(value),
                meta=None if told in (None, content) else telling(told),
                **self.envelope,
            )
        )

    def tool_error(
        self,
        block: Block,
        message: str | None,
        content: Any = None,
        *,
        value: Any = None,
        told: str | None = None,
    ) -> None:
        """End a call that has failed.

        Args:
            block: the tool call.
            message: why; None or "" if the system does not say.
            content: the result as the model reads it.
            value: what the tool returned in this process, if that is known.
            told: as for `tool_result`.
        """
        error = ev.ErrorInfo(message=message or "the tool failed")
        self.tool_result(block, content, status="error", error=error, value=value, told=told)

    def end_tool(
        self,
        block: Block,
        content: Any,
        *,
        failed: bool,
        message: str | None,
        value: Any = None,
    ) -> None:
        """End a call that has failed or not.

        Args:
            block: the tool call.
            content: the result as the model reads it.
            failed: the call has failed.
            message: why, if it has; None or "" if the system does not say.
            value: what the tool returned in this process, if that is known.
        """
        if failed:
            self.tool_error(block, message, content, value=value)
        else:
            self.tool_result(block, content, value=value)

    def progress(self, block: Block, message: str) -> None:
        """Write a progress message of a running tool."""
        self.write(ev.ToolProgress(id=block.id, message=message, **self.envelope))


def _live(value: Any) -> ev.Live | None:
    """Return what a tool returned, unless it is plain: then it is the content already."""
    if value is None or isinstance(value, _PLAIN):
        return None
    return ev.Live(value)

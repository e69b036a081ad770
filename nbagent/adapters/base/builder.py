"""The book every decoder keeps: which ids were given, what is open, and the events so far."""

import json
from collections.abc import Hashable
from typing import Any, Literal

import msgspec

from nbagent import events as ev
from nbagent.adapters.base.fields import safe_message, to_jsonable
from nbagent.events.jsonable import sound, text_safe

_DELTAS = (ev.TextDelta, ev.ReasoningDelta, ev.ToolArgsDelta)  # mended with their neighbours, by their block


class Block:
    """Something that was started: a text, a thought or a tool call.

    Attributes:
        id: ours, unique in the run.
        key: what the system calls it, as its decoder spells that.
        written: whether a delta was written to it.
        held: half of a surrogate pair that waits for the other one.
        pieces: the arguments of a tool call as they came.
        whole: whether the arguments of a tool call are complete.
        call_id: a tool call's id at the provider.
    """

    __slots__ = ("call_id", "closed", "held", "id", "key", "name", "pieces", "whole", "written")

    def __init__(self, block_id: str, key: Hashable, name: str = "", call_id: str | None = None) -> None:
        self.id = block_id
        self.key = key
        self.name = name
        self.call_id = call_id
        self.pieces: list[str] = []
        self.held = ""
        self.whole = False
        self.written = False
        self.closed = False

    def join(self, delta: str) -> str:
        """The delta with its surrogate pairs whole; a first half at its end is held back for the next one."""
        if delta.isascii() and not self.held:
            return delta
        text = self.held + delta
        self.held = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            self.held = text[-1]
            text = text[:-1]
        return text_safe(text)


class EventBuilder:
    """The ledger of one run. Decoders call its methods in upstream order and `take()` the events that resulted.

    Keys are any hashable: what the system calls a text, a thought or a tool call. A key names the open block that it was last
    used for. `envelope` goes on every event: the step, and the agent where a decoder knows it.
    """

    def __init__(self) -> None:
        self.step = 0
        self.in_step = False
        self.started = False
        self.ended = False
        self.envelope: dict[str, Any] = {}
        self.usage: ev.Usage | None = None
        self._events: list[ev.Event] = []
        self._minted = 0
        self._texts: dict[Hashable, Block] = {}
        self._thoughts: dict[Hashable, Block] = {}
        self._tools: dict[Hashable, Block] = {}

    def take(self) -> list[ev.Event]:
        """The events since the last call."""
        taken, self._events = self._events, []
        return taken

    def mint(self, family: str) -> str:
        """A new id, such as "source-4"."""
        self._minted += 1
        return f"{family}-{self._minted}"

    def write(self, event: ev.Event) -> None:
        """Add an event that opens or closes nothing. `envelope` is the caller's to add."""
        if not self.started:
            self.begin()
        self._events.append(event if isinstance(event, _DELTAS) else _mended(event))

    # --- run and step -------------------------------------------------------------------------------------------------

    def begin(self, model: str | None = None, *, thread_id: str | None = None) -> None:
        """The run starts, once, at the first item."""
        if not self.started:
            self.started = True
            self._events.append(_mended(ev.RunStart(model=model, thread_id=thread_id)))

    def start_step(self, model: str | None = None, *, name: str | None = None, meta: dict[str, Any] | None = None) -> None:
        """A model response begins; one that is still open is ended first."""
        self.begin(model)
        self.end_step()
        self.step += 1
        self.in_step = True
        self.envelope["step"] = self.step
        self.write(ev.StepStart(name=name, model=model, meta=meta, **self.envelope))

    def end_step(self, finish_reason: str | None = None, usage: ev.Usage | None = None) -> None:
        """The response is over: its texts and thoughts are closed, its usage is added to the run's."""
        if not self.in_step:
            return
        self.end_texts_and_thoughts()
        self.in_step = False
        if usage is not None:
            self.usage = usage if self.usage is None else self.usage + usage
        self.write(ev.StepEnd(finish_reason=finish_reason, usage=usage, **self.envelope))

    def end_texts_and_thoughts(self) -> None:
        """Close every open text and thought. Tool calls stay open: their results may come later, from elsewhere."""
        for key in list(self._thoughts):
            self.end_thought(key)
        for key in list(self._texts):
            self.end_text(key)

    def open_keys(self) -> list[Hashable]:
        """The keys of the open thoughts and texts."""
        return [*self._thoughts, *self._texts]

    def end(
        self,
        status: ev.RunStatus,
        *,
        finish_reason: str | None = None,
        code: str | None = None,
        meta: dict[str, Any] | None = None,
    ) -> None:
        """The run is over, and whatever is open with it."""
        self.begin()
        self.end_step(finish_reason)
        self.end_texts_and_thoughts()
        self.ended = True
        self.write(ev.RunEnd(status=status, finish_reason=finish_reason, code=code, usage=self.usage, meta=meta))

    # --- text ---------------------------------------------------------------------------------------------------------

    def start_text(self, key: Hashable, *, kind: Literal["text", "refusal"] = "text", phase: str | None = None) -> Block:
        """The open text of that key, started if there is none."""
        block = self._texts.get(key)
        if block is None:
            block = self._texts[key] = Block(self.mint("text"), key)
            self.write(ev.TextStart(id=block.id, kind=kind, phase=phase, **self.envelope))
        return block

    def text(
        self, key: Hashable, delta: str, *, kind: Literal["text", "refusal"] = "text", phase: str | None = None
    ) -> Block | None:
        """More of a text. Nothing at all is no text: it starts none."""
        if not delta:
            return self._texts.get(key)
        block = self.start_text(key, kind=kind, phase=phase)
        whole = block.join(delta)
        if whole:
            block.written = True
            self.write(ev.TextDelta(id=block.id, delta=whole, **self.envelope))
        return block

    def end_text(self, key: Hashable, text: str | None = None, *, meta: dict[str, Any] | None = None) -> None:
        """A text is whole; `text` replaces what the deltas built."""
        block = self._texts.pop(key, None)
        if block is None:
            return
        block.closed = True
        if block.held and text is None:
            self.write(ev.TextDelta(id=block.id, delta="\ufffd", **self.envelope))
        self.write(ev.TextEnd(id=block.id, text=None if text is None else text_safe(text), meta=meta, **self.envelope))

    def text_id(self, key: Hashable) -> str | None:
        """The id of the open text of that key."""
        block = self._texts.get(key)
        return None if block is None else block.id

    # --- reasoning ----------------------------------------------------------------------------------------------------

    def start_thought(self, key: Hashable, *, kind: Literal["summary", "raw"] = "raw") -> Block:
        """The open thought of that key, started if there is none."""
        block = self._thoughts.get(key)
        if block is None:
            block = self._thoughts[key] = Block(self.mint("reasoning"), key)
            self.write(ev.ReasoningStart(id=block.id, kind=kind, **self.envelope))
        return block

    def thought(self, key: Hashable, delta: str, *, kind: Literal["summary", "raw"] = "raw") -> Block | None:
        """More of a thought. Nothing at all is no thought: it starts none."""
        if not delta:
            return self._thoughts.get(key)
        block = self.start_thought(key, kind=kind)
        whole = block.join(delta)
        if whole:
            block.written = True
            self.write(ev.ReasoningDelta(id=block.id, delta=whole, **self.envelope))
        return block

    def end_thought(
        self,
        key: Hashable,
        text: str | None = None,
        *,
        signature: str | None = None,
        encrypted: str | None = None,
        meta: dict[str, Any] | None = None,
    ) -> None:
        """A thought is whole; `text` replaces what the deltas built."""
        block = self._thoughts.pop(key, None)
        if block is None:
            return
        block.closed = True
        if block.held and text is None:
            self.write(ev.ReasoningDelta(id=block.id, delta="\ufffd", **self.envelope))
        self.write(
            ev.ReasoningEnd(
                id=block.id,
                text=None if text is None else text_safe(text),
                signature=signature,
                encrypted=encrypted,
                meta=meta,
                **self.envelope,
            )
        )

    def open_thought(self, key: Hashable) -> Block | None:
        """The open thought of that key."""
        return self._thoughts.get(key)

    # --- tools --------------------------------------------------------------------------------------------------------

    def start_tool(
        self,
        key: Hashable,
        name: str,
        *,
        call_id: str | None = None,
        kind: ev.ToolKind = "function",
        title: str | None = None,
        meta: dict[str, Any] | None = None,
    ) -> Block:
        """A tool call begins. A call that had this key before keeps its id, and loses the key."""
        block = self._tools[key] = Block(self.mint("tool"), key, name, call_id)
        self.write(ev.ToolStart(id=block.id, name=name, call_id=call_id, kind=kind, title=title, meta=meta, **self.envelope))
        return block

    def tool(self, key: Hashable) -> Block | None:
        """The open tool call of that key."""
        return self._tools.get(key)

    def tool_delta(self, block: Block, delta: str) -> None:
        """More of the arguments' text."""
        whole = block.join(delta) if delta else ""
        if whole and not block.whole:
            block.pieces.append(whole)
            self.write(ev.ToolArgsDelta(id=block.id, delta=whole, **self.envelope))

    def tool_args(
        self,
        block: Block,
        text: str | None = None,
        *,
        args: Any = None,
        free: bool = False,
        meta: dict[str, Any] | None = None,
    ) -> None:
        """The arguments are whole, once: `text` (what was streamed, if None), or `args` where the system sends them parsed.

        With `free` the text itself is the argument and needs not be JSON. No text at all means no arguments.
        """
        if block.whole:
            return
        block.whole = True
        text = "".join(block.pieces) if text is None else text_safe(text)
        block.pieces = []
        valid = True
        if args is not None:
            args = to_jsonable(args)
            text = text or json.dumps(args, ensure_ascii=False, sort_keys=True)
        elif free:
            args = text
        else:
            args, valid = parse(text)
        self.write(ev.ToolArgs(id=block.id, args=args, args_text=text, valid=valid, meta=meta, **self.envelope))

    def tool_result(
        self,
        block: Block,
        content: Any,
        *,
        status: ev.ToolStatus = "ok",
        error: ev.ErrorInfo | None = None,
        preliminary: bool = False,
    ) -> None:
        """What the tool returned; unless it is `preliminary`, the call is over."""
        if block.closed:
            return
        if not preliminary:
            block.closed = True
            if self._tools.get(block.key) is block:
                del self._tools[block.key]
        self.write(
            ev.ToolResult(
                id=block.id, status=status, content=to_jsonable(content), error=error, preliminary=preliminary, **self.envelope
            )
        )

    def progress(self, block: Block, message: str) -> None:
        """A running tool tells what it does."""
        self.write(ev.ToolProgress(id=block.id, message=message, **self.envelope))

    # --- the rest -----------------------------------------------------------------------------------------------------

    def error(self, message: str, *, code: str | None = None, error_type: str | None = None, fatal: bool = True) -> None:
        """Something failed."""
        self.write(
            ev.Error(message=safe_message(message), code=code, error_type=error_type, fatal=fatal, **self.envelope),
        )

    def raw(self, item: Any, name: str | None = None) -> None:
        """An item nobody knows, kept as it came."""
        try:
            data = to_jsonable(item)
        except Exception:  # an item may do anything when it is looked at
            data = f"<{type(item).__module__}.{type(item).__qualname__}>"
        self.write(ev.Raw(data=data, name=name, **self.envelope))


def _mended(event: ev.Event) -> ev.Event:
    """The event with the texts of its fields fit for every encoder: names and ids may hold half a surrogate pair, too."""
    broken: dict[str, Any] = {}
    for name in event.__struct_fields__:
        value = getattr(event, name)
        if isinstance(value, str) and not (value.isascii() or sound(value)):
            broken[name] = text_safe(value)
        elif isinstance(value, ev.ErrorInfo) and not sound(value.message):
            broken[name] = msgspec.structs.replace(value, message=text_safe(value.message))
    return msgspec.structs.replace(event, **broken) if broken else event


def parse(text: str) -> tuple[Any, bool]:
    """Arguments parsed, and whether they were JSON; none at all are an empty object."""
    if not text.strip():
        return {}, True
    try:
        return to_jsonable(json.loads(text)), True
    except (ValueError, RecursionError):
        return None, False

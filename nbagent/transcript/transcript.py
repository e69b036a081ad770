"""The transcript: the one reducer. Events in, a tree of blocks and a short list of ops out.

A block is one thing a reader sees: a text, a thought, a tool call. Ops say how the tree changed, in the smallest words:

    ("open", id, parent, props)      a new block, the last child of `parent`; `props["kind"]` says what it is
    ("append", id, field, text)      a string field grows
    ("set", id, props)               these props are replaced (a set of a text field replaces what was appended)
    ("close", id)                    the block is finished

Applying the ops in order gives `snapshot()` at every moment; the view does just that. The transcript has no clock: every
time in it (seconds since the epoch) comes from an event's `ts`.
"""

import hashlib
from collections.abc import Iterable
from typing import Any, Literal, TypeAlias, assert_never

from nbagent import events as e
from nbagent.events.jsonable import json_safe, text_safe
from nbagent.mime import bundle_of_json, summary_of
from nbagent.transcript.block import Block

Op: TypeAlias = (
    tuple[Literal["open"], str, str | None, dict[str, Any]]
    | tuple[Literal["append"], str, str, str]
    | tuple[Literal["set"], str, dict[str, Any]]
    | tuple[Literal["close"], str]
)

COUNTING = 1.0
"""Seconds between two updates of the counters that every delta moves; each one redraws the header."""

ROOT = "run"
"""Id and kind of the block that holds all others."""

LONGEST_ID = 200
"""Characters of a block's id; a producer's longer one is shortened, since every op carries it."""

_RESTLESS = frozenset({"events", "deltas"})

LIVE = frozenset({"running", "stopping"})
"""Statuses of a run that is not over."""


class Transcript:
    """Reduces the events of one run to a tree of blocks.

    Args:
        name: what the header shows until the run says better.
        started: when the run began, in seconds since the epoch.
        renamed: `name` is the reader's own, and no run knows better.
    """

    def __init__(self, name: str = "run", started: float = 0.0, *, renamed: bool = False) -> None:
        self._renamed = renamed
        self._counts = {"events": 0, "deltas": 0, "tools": 0, "tools_failed": 0}
        props = {"kind": ROOT, "name": name, "status": "running", "started": started}
        self.root = Block(ROOT, None, json_safe({**props, **self._counts}))
        self.blocks: dict[str, Block] = {ROOT: self.root}
        self._latest = started
        self._first_token = False
        self._usage_done = e.Usage()
        self._usage_step: e.Usage | None = None
        self._usage_run: e.Usage | None = None

    @property
    def ended(self) -> bool:
        """Whether `run.end` has come."""
        return self.root.props["status"] not in LIVE

    def snapshot(self) -> list[dict[str, Any]]:
        """Every block as plain JSON, parents before their children."""
        self.root.set(self._counts)
        return [block.snapshot() for block in self.blocks.values()]

    def opening(self) -> list[Op]:
        """The ops that build the tree as it is now, for a face that comes late (or first)."""
        ops: list[Op] = []
        self.root.set(self._counts)
        for block in self.blocks.values():
            props = block.snapshot()
            del props["id"], props["parent"], props["closed"]
            ops.append(("open", block.id, block.parent, props))
            if block.closed:
                ops.append(("close", block.id))
        return ops

    def counters(self, shown: dict[str, Any]) -> list[Op]:
        """The op that brings the header's counters up to date.

        They are asked for once a flush: an op for each event would cost more than the event. What every delta moves is told
        once a second, by the events' clock, and at the end; a tool's count at once.

        Args:
            shown: the counters that a face has got so far, and when; it is brought up to date too. Each face has its own.
        """
        moved = {name: count for name, count in self._counts.items() if shown.get(name) != count}
        waits = moved.keys() <= _RESTLESS and not self.ended and 0 <= self._latest - shown.get("at", -COUNTING) < COUNTING
        if waits or not moved:
            return []
        shown.update(moved, at=self._latest)
        return [("set", ROOT, moved)]

    def stopping(self, by: str) -> list[Op]:
        """Someone (`by`: "you") pressed Stop; the stream has not ended yet."""
        return [] if self.ended else self._set(self.root, {"status": "stopping", "stopped_by": by})

    def toggle(self, id: str, is_open: bool) -> list[Op]:
        """The reader opened or closed a panel: their choice stays with the block, for every view and after a reload."""
        block = self.blocks.get(id)
        return [] if block is None else self._set(block, {"user_open": is_open})

    def feed(self, event: e.Event) -> list[Op]:
        """Take one event; the ops it causes. After `run.end` events still show, and nothing reopens."""
        self._counts["events"] += 1
        self._latest = event.ts
        if type(event) is e.TextDelta:
            return self._grow(event.id, "text", "text", event.delta, event)
        if type(event) is e.ReasoningDelta:
            return self._grow(event.id, "reasoning", "text", event.delta, event)
        if type(event) is e.ToolArgsDelta:
            return self._grow(event.id, "tool", "args_text", event.delta, event)
        return self._reduce(event)

    def _reduce(self, event: e.Event) -> list[Op]:  # noqa: C901 - one flat match over the vocabulary
        match event:
            case e.RunStart():
                known = {"name": None if self._renamed else event.name, "model": event.model}
                return self._set(self.root, {name: value for name, value in known.items() if value is not None})
            case e.RunEnd():
                return self._end(event)
            case e.StepStart():
                has_model = event.model is not None and self.root.props.get("model") is None
                return self._set(self.root, {"model": event.model}) if has_model else []
            case e.StepEnd():
                return self._step_end(event)
            case e.TextStart() | e.ReasoningStart() | e.ToolStart():
                return self._start(event)
            case e.TextDelta() | e.ReasoningDelta() | e.ToolArgsDelta():
                raise AssertionError("deltas take the fast path in feed()")
            case e.TextEnd():
                return self._finish(event.id, "text", {}, event.text, event)
            case e.ReasoningEnd():
                return self._finish(event.id, "reasoning", {"ended": event.ts}, event.text, event)
            case e.ToolArgs():
                return self._tool_args(event)
            case e.ToolProgress(message=None, progress=None, total=None):
                return self._touch(event.id, "tool", {"args_done": event.ts}, event)
            case e.ToolProgress():
                progress = {"message": event.message, "progress": event.progress, "total": event.total}
                return self._touch(event.id, "tool", {"progress": progress}, event)
            case e.ToolResult():
                return self._tool_result(event)
            case e.ApprovalRequest() | e.ApprovalResponse():
                return self._approval(event)
            case e.AgentStart():
                props = {"kind": "agent", "name": event.name, "status": "running", "started": event.ts}
                return self._open(event.id, props, event.parent_id or event.tool_id)[1]
            case e.AgentEnd():
                named = {} if event.name is None else {"name": event.name}
                props = {"status": event.status, "ended": event.ts, **named}
                block, ops = self._block(event.id, "agent", event)
                return [*ops, *self._set(block, props), *self._close(block)]
            case e.AgentHandoff():
                return self._line("handoff", {"from": event.from_, "to": event.to}, event)
            case e.UsageUpdate():
                return self._usage(event)
            case e.Source():
                return self._whole(event.id, {"kind": "source", "url": event.url, "title": event.title}, event)
            case e.File():
                props = {"media_type": event.media_type, "url": event.url, "data": event.data, "name": event.name}
                return self._whole(event.id, {"kind": "file", **props}, event)
            case e.State():
                data = event.patch if event.snapshot is None else event.snapshot
                return self._line("custom", {"name": "state", "data": data}, event)
            case e.Status():
                return self._line("status", {"message": event.message, "level": event.level}, event)
            case e.Hidden():
                block = self.blocks.get(self.place(event.tool_id, "tool"), self.root) if event.tool_id else self.root
                hidden = block.props.get("hidden", [])
                return [] if event.what in hidden else self._set(block, {"hidden": [*hidden, event.what]})
            case e.Error():
                fields = ("message", "error_type", "code", "fatal", "traceback")
                return self._line("error", {name: getattr(event, name) for name in fields}, event)
            case e.Custom():
                return self._line("custom", {"name": event.name, "data": event.data}, event)
            case e.Raw():
                return self._line("custom", {"name": event.name or "raw", "data": event.data}, event)
            case _:
                assert_never(event)

    # --- blocks ---------------------------------------------------------------------------------------------------

    # All that reaches a face passes `_open`, `_set` and `_grow`; so JSON is made safe there, and nowhere else.

    def _open(self, id: str, props: dict[str, Any], parent: str | None) -> tuple[Block, list[Op]]:
        id = self.place(id, props["kind"])
        parent = _short(parent) if parent is not None else None
        if id in self.blocks:  # a producer that repeats itself gets its block, not a second one
            return self.blocks[id], self._set(self.blocks[id], props)
        block = Block(id, parent if parent in self.blocks else ROOT, json_safe(props))
        self.blocks[id] = block
        self._counts["tools"] += block.kind == "tool"
        return block, [("open", id, block.parent, dict(block.props))]

    def place(self, id: str, kind: str) -> str:
        """A block's id: the producer's own, made fit to travel, unless something of another kind is called by it."""
        id = _short(id)
        block = self.blocks.get(id)
        return id if block is None or block.kind == kind else f"{kind}:{id}"

    def _set(self, block: Block, props: dict[str, Any]) -> list[Op]:
        if not props:
            return []
        props = json_safe(props)
        block.set(props)
        return [("set", block.id, props)]

    def _close(self, block: Block) -> list[Op]:
        if block.closed:
            return []
        block.closed = True
        return [("close", block.id)]

    def _block(self, id: str, kind: str, event: e.Event) -> tuple[Block, list[Op]]:
        """The block of that id; opened here if its start never came, so that nothing received is lost."""
        block = self.blocks.get(self.place(id, kind))
        return (block, []) if block is not None else self._open(id, self._fresh(kind, event), event.parent_id)

    def _fresh(self, kind: str, event: e.Event) -> dict[str, Any]:
        match kind:
            case "text":
                return {"kind": kind, "text": "", "text_kind": "text"}
            case "reasoning":
                return {"kind": kind, "text": "", "reasoning_kind": "raw", "started": event.ts}
            case "agent":
                return {"kind": kind, "name": "agent", "status": "running", "started": event.ts}
            case _:
                tool = {"kind": "tool", "name": "tool", "tool_kind": "function", "state": "input-streaming"}
                return {**tool, "args_text": "", "started": event.ts}

    def _start(self, event: e.TextStart | e.ReasoningStart | e.ToolStart) -> list[Op]:
        props: dict[str, Any]
        match event:
            case e.TextStart():
                kind, props = "text", {"text_kind": event.kind, "phase": event.phase}
            case e.ReasoningStart():
                kind, props = "reasoning", {"reasoning_kind": event.kind}
            case _:
                kind, props = (
                    "tool",
                    {"name": event.name, "tool_kind": event.kind, "call_id": event.call_id, "title": event.title},
                )
        if self.place(event.id, kind) not in self.blocks:
            props = {**self._fresh(kind, event), **props}
        return self._open(event.id, {"kind": kind, **props}, event.parent_id)[1]

    def _grow(self, id: str, kind: str, field: str, delta: str, event: e.Event) -> list[Op]:
        self._counts["deltas"] += 1
        block, ops = self._block(id, kind, event)
        delta = text_safe(delta)
        block.append(field, delta)
        ops.append(("append", block.id, field, delta))
        if not self._first_token:
            self._first_token = True
            ops += self._set(self.root, {"first_token": max(0.0, event.ts - self.root.props["started"])})
        return ops

    def _touch(self, id: str, kind: str, props: dict[str, Any], event: e.Event) -> list[Op]:
        block, ops = self._block(id, kind, event)
        return [*ops, *self._set(block, props)]

    def _finish(self, id: str, kind: str, props: dict[str, Any], text: str | None, event: e.Event) -> list[Op]:
        block, ops = self._block(id, kind, event)
        if text is not None and text != block.text():
            props["text"] = text
        return [*ops, *self._set(block, props), *self._close(block)]

    def _line(self, kind: str, props: dict[str, Any], event: e.Event) -> list[Op]:
        """A block that comes whole and has no id of its own."""
        return self._whole(f"{kind}:{self._counts['events']}", {"kind": kind, **props}, event)

    def _whole(self, id: str, props: dict[str, Any], event: e.Event) -> list[Op]:
        block, ops = self._open(id, props, event.parent_id)
        return [*ops, *self._close(block)]

    # --- tools and approvals --------------------------------------------------------------------------------------

    def _tool_args(self, event: e.ToolArgs) -> list[Op]:
        block, ops = self._block(event.id, "tool", event)
        props: dict[str, Any] = {"args": event.args, "args_valid": event.valid, "args_done": event.ts}
        if event.args_text != block.text("args_text"):
            props["args_text"] = event.args_text
        if block.props["state"] == "input-streaming":
            props["state"] = "input-available"
        return [*ops, *self._set(block, props)]

    def _tool_result(self, event: e.ToolResult) -> list[Op]:
        block, ops = self._block(event.id, "tool", event)
        if event.display is not None:
            props: dict[str, Any] = {"summary": event.display.summary, "result": event.display.data}
        elif event.error is None or event.content is not None:
            props = {"summary": summary_of(event.content), "result": bundle_of_json(event.content)}
        else:
            props = {}
        if event.preliminary:
            return [*ops, *self._set(block, props)]
        props["state"] = {"ok": "output-available", "error": "output-error", "denied": "output-denied"}[event.status]
        props["ended"] = event.ts
        if event.error is not None:
            error = event.error
            props["error"] = {"type": error.type, "message": error.message, "traceback": error.traceback}
        if event.status == "error" and block.props["state"] != "output-error":
            self._counts["tools_failed"] += 1
        return [*ops, *self._set(block, props), *self._close(block)]

    def _approval(self, event: e.ApprovalRequest | e.ApprovalResponse) -> list[Op]:
        id = _short(f"approval:{event.approval_id}")
        if isinstance(event, e.ApprovalRequest):
            tool_id = None if event.tool_id is None else _short(event.tool_id)
            named = {"approval_kind": event.kind, "tool_id": tool_id, "prompt": event.prompt}
            asked = {"args": event.args, "options": event.options, "schema": event.schema}
            _, ops = self._open(id, {"kind": "approval", **named, **asked}, event.tool_id or event.parent_id)
            return [*ops, *self._tool_state(event.tool_id, "approval-requested")]
        block, ops = self._block(id, "approval", event) if id in self.blocks else (None, [])
        if block is None:
            return ops
        ops += [*self._set(block, {"decision": event.decision, "reason": event.reason}), *self._close(block)]
        return [*ops, *self._tool_state(block.props.get("tool_id"), "approval-responded")]

    def _tool_state(self, id: str | None, state: str) -> list[Op]:
        block = self.blocks.get(_short(id)) if id is not None else None
        if block is None or block.kind != "tool" or block.closed:
            return []
        return self._set(block, {"state": state})

    # --- usage and the end ----------------------------------------------------------------------------------------

    def _usage(self, event: e.UsageUpdate) -> list[Op]:
        if event.scope == "run":
            self._usage_run = event.usage if event.mode == "replace" else (self._usage_run or e.Usage()) + event.usage
        else:
            before = e.Usage() if event.mode == "replace" or self._usage_step is None else self._usage_step
            self._usage_step = before + event.usage
        return self._show_usage()

    def _step_end(self, event: e.StepEnd) -> list[Op]:
        step = event.usage or self._usage_step
        self._usage_step = None
        if step is None:
            return []
        self._usage_done += step
        return self._show_usage()

    def _show_usage(self) -> list[Op]:
        usage = self._usage_run or self._usage_done + (self._usage_step or e.Usage())
        counted = {name: getattr(usage, name) for name in usage.__struct_fields__}
        shown = {name: count for name, count in counted.items() if count is not None}
        return self._set(self.root, {"usage": shown}) if shown else []

    def _end(self, event: e.RunEnd) -> list[Op]:
        if self.ended:
            return []
        if event.usage is not None:
            self._usage_run = event.usage
        ops = [op for block in self.blocks.values() for op in self._end_block(block, event)]
        end = {"status": event.status, "ended": event.ts, "finish_reason": event.finish_reason, "code": event.code}
        return [*ops, *self._show_usage(), *self._set(self.root, end), *self._close(self.root)]

    def _end_block(self, block: Block, event: e.RunEnd) -> Iterable[Op]:
        """`run.end` closes what is still open: a stream that dies leaves nothing running."""
        if block.closed or block is self.root:
            return []
        props: dict[str, Any] = {}
        if block.kind == "tool":
            # A call that the stream only announced is whole; one that was running when the run was stopped is not.
            waits = event.status in ("completed", "paused", "max_steps") and block.props["state"] != "input-streaming"
            props = {} if waits else {"state": "cancelled", "ended": event.ts}
        elif block.kind == "agent":
            props = {"status": event.status, "ended": event.ts}
        elif block.kind == "reasoning":
            props = {"ended": event.ts}
        return [*self._set(block, props), *self._close(block)]


def _short(id: str) -> str:
    """The id as it can be sent, or what stands for one that is too long to be sent with every change."""
    id = text_safe(id)
    return id if len(id) <= LONGEST_ID else f"{id[:100]}…{hashlib.sha256(id.encode()).hexdigest()[:16]}"

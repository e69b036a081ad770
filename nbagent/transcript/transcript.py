"""The transcript: the one reducer. Events in, a tree of blocks and a short list of ops out.

A block is one thing that a reader sees: a text, a thought, a tool call (see
`nbagent.protocol.blocks`). Ops are the changes of the tree (see `nbagent.protocol.ops`). Applying
them in order gives `snapshot()` at every moment, which is what the view does. The transcript has no
clock: every time in it comes from an event's `ts`.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import msgspec

from nbagent import events as e
from nbagent.blocks import KIND_OF, KINDS, WholeEvent
from nbagent.blocks.status import StatusProps
from nbagent.events.jsonable import text_safe
from nbagent.mime import bundle_of_json, summary_of
from nbagent.protocol.blocks import (
    AgentProps,
    ApprovalProps,
    BlockProps,
    ReasoningProps,
    RunProps,
    TextProps,
    ToolProps,
    kind_of,
)
from nbagent.protocol.ops import ROOT, Op
from nbagent.protocol.values import ToolError, ToolProgress, ToolState
from nbagent.transcript.block import Block, short_id
from nbagent.transcript.open_results import OpenResults
from nbagent.transcript.pace import Span, WordCount, tokens_per_second
from nbagent.transcript.props import default_props, end_props, merged, start_props
from nbagent.transcript.shape import are_short, is_told, shape_of
from nbagent.transcript.stream_name import NameOrigin, StreamName
from nbagent.transcript.tree import BlockTree, approval_block_id, to_json
from nbagent.transcript.usage import UsageCount
from nbagent.transcript.waits import Changes, Waits

_RESULT_STATES: dict[e.ToolStatus, ToolState] = {
    "ok": "output-available",
    "error": "output-error",
    "denied": "output-denied",
}


_Delta: TypeAlias = e.TextDelta | e.ReasoningDelta | e.ToolArgsDelta | e.ToolOutput
_GROWING: dict[type[e.Event], tuple[str, str]] = {
    e.TextDelta: ("text", "text"),
    e.ReasoningDelta: ("reasoning", "text"),
    e.ToolArgsDelta: ("tool", "args_text"),
    e.ToolOutput: ("tool", "output"),
}
"""Kind of the block that a delta is appended to, and its field."""


class Transcript(BlockTree):
    """Reduces the events of one run to a tree of blocks.

    Args:
        name: title of the run until the stream sends one.
        started: when the run began, in seconds since the epoch.
        origin: where `name` is from; see `StreamName`.
        props: that the run has from its beginning, in place of the usual ones.
    """

    def __init__(
        self,
        name: str = "run",
        started: float = 0.0,
        origin: NameOrigin = "stream",
        props: RunProps | None = None,
    ) -> None:
        super().__init__(name, started, props)
        self._name = StreamName(name, origin)
        self._prompts: list[Block] = []
        self._usage = UsageCount()
        self._waits = Waits(self.root)
        self._open_results = OpenResults()
        self._begin_answer()

    def prompt_number(self, block: str) -> int:
        """Return the number of the prompt that a block shows, from 1.

        Raises:
            ValueError: the block shows no prompt.
        """
        return [each.id for each in self._prompts].index(block) + 1

    def feed(self, event: e.Event) -> list[Op]:
        """Return the ops that one event causes.

        After `run.end` events are still shown, but nothing reopens.
        """
        self._counts["events"] += 1
        self._latest = event.ts
        return _REDUCERS[type(event)](self, event)

    def _begin_answer(self) -> None:
        """Forget what is counted for one answer: of a run that is no chat, for the whole run."""
        self._has_token = False
        self._words = WordCount()
        self._output_before = self._usage.total.output or 0
        # by the agent that they are of; None is the run's own
        self._steps: Counter[str | None] = Counter()
        self._blocks_before = len(self.blocks)
        self._waits.spans.clear()

    # --- blocks ---

    def _start(self, event: e.TextStart | e.ReasoningStart | e.ToolStart) -> list[Op]:
        props = start_props(event)
        kind = kind_of(props)
        if self.block_id(event.id, kind) not in self.blocks:
            props = merged(default_props(kind, event.ts), props)
        ops = self._open(event.id, props, event.parent_id)[1]
        if isinstance(event, e.ToolStart) and event.attempt_of is not None:
            ops += self._open_first(event.attempt_of)
        return ops

    def _open_first(self, id: str) -> list[Op]:
        """Open the call that an attempt makes again, and take off why the wish before failed."""
        call = self.blocks.get(id)
        if call is None or call.kind != "tool":
            return []
        props = ToolProps(open=True)
        if "problem" in call.props:
            props.problem = None
        return self._set(call, props)

    def _grow(self, event: _Delta) -> list[Op]:
        kind, field = _GROWING[type(event)]
        block, ops = self._block(event.id, kind, event)
        delta = text_safe(event.delta)
        block.append(field, delta)
        ops.append(("append", block.id, field, delta))
        if field == "text" and delta:
            self._words.add(block.id, delta)
            self._counts["words"] = self._words.total
        if not self._has_token and field != "output":
            self._has_token = True
            ops += self._set(
                self.root, RunProps(first_token=max(0.0, event.ts - self.root.props["started"]))
            )
        return ops

    def _end_text(self, event: e.TextEnd | e.ReasoningEnd) -> list[Op]:
        props = TextProps() if isinstance(event, e.TextEnd) else ReasoningProps(ended=event.ts)
        block, ops = self._block(event.id, kind_of(props), event)
        if event.text is not None and event.text != block.text():
            props.text = event.text
        return [*ops, *self._set(block, props), *self._close(block)]

    def _add_whole(self, event: WholeEvent) -> list[Op]:
        """Add a closed block."""
        kind = KIND_OF[type(event)]
        id = kind.block_id(event, self._counts["events"])
        props = kind.props_for(event)
        if not kind.has_component:
            props.drawn = kind.draws(to_json(props))
        block, ops = self._open(id, props, event.parent_id)
        return [*ops, *self._close(block)]

    # --- tools, agents and approvals ---

    def _tool_progress(self, event: e.ToolProgress) -> list[Op]:
        block, ops = self._block(event.id, "tool", event)
        if event.message is None and event.progress is None and event.total is None:
            # The function begins.
            props = ToolProps(args_done=event.ts, can_rerun=event.tool is not None or msgspec.UNSET)
            if "ended" in block.props:  # it runs again
                props.ended = None
            if "waited" in block.props:
                props.waited = 0.0
        else:
            props = ToolProps(progress=ToolProgress(event.message, event.progress, event.total))
        return [*ops, *self._set(block, props)]

    def _tool_args(self, event: e.ToolArgs) -> list[Op]:
        block, ops = self._block(event.id, "tool", event)
        props = ToolProps(args=event.args, args_valid=event.valid, args_done=event.ts)
        if event.args_text != block.text("args_text"):
            props.args_text = event.args_text
        in_row = _in_row(block, "arguments", event.valid and are_short(event.args))
        if in_row != block.props.get("in_row", []):
            props.in_row = in_row
        if block.props["state"] == "input-streaming":
            props.state = "input-available"
        return [*ops, *self._set(block, props)]

    def _tool_result(self, event: e.ToolResult) -> list[Op]:
        block, ops = self._block(event.id, "tool", event)
        if event.display is not None:
            props = ToolProps(summary=event.display.summary, result=event.display.data)
        elif event.content is not None:
            props = ToolProps(
                summary=summary_of(event.content), result=bundle_of_json(event.content)
            )
        else:
            props = ToolProps()
        if event.error is not None:
            error = event.error
            props.error = ToolError(
                error.type, error.message, error.traceback, error.frames or msgspec.UNSET
            )
        elif "error" in block.props:
            props.error = None
        if event.preliminary:
            return [*ops, *self._set(block, props)]
        props.state = _RESULT_STATES[event.status]
        is_whole = isinstance(props.result, dict) and is_told(props.summary or "", props.result)
        in_row = _in_row(block, "result", is_whole)
        if in_row != block.props.get("in_row", []):
            props.in_row = in_row
        # one that stopped at its result had ended before
        props.ended = block.props.get("ended") or event.ts
        if event.difference is not None:
            props.difference = event.difference
        for question in self._waits.of(block):
            ops += self._set_all(self._waits.end(question, event.ts))
        if (
            event.status == "error"
            and block.props["state"] != "output-error"
            and not self.is_of_attempt(block)
        ):
            self._counts["tools_failed"] += 1
            ops += self._count_in_agents(block, "tools_failed")
        return [
            *ops,
            *self._show_result(block, props),
            *self._set(block, props),
            *self._close(block),
        ]

    def _show_result(self, block: Block, props: ToolProps) -> list[Op]:
        """Set `open` of a finished call. Return the ops for other calls."""
        if "attempt_of" in block.props:
            props.open = True  # its reader waits for it
            return []
        shape = shape_of(props.result) if isinstance(props.result, dict) else None
        if shape is not None or "open" in block.props:
            props.open = shape is not None or self._open_results.is_around_picture(block)
        return self._set_all(self._open_results.add(block, shape, self.above(block)))

    def _agent_start(self, event: e.AgentStart) -> list[Op]:
        """Open an agent.

        One that starts again, while it is open, is renamed: a lane whose stream names its model.
        """
        block = self.blocks.get(self.block_id(event.id, "agent"))
        if block is not None and not block.closed:
            return self._set(block, AgentProps(name=event.name))
        props = AgentProps(name=event.name, status="running", started=event.ts)
        return self._open(event.id, props, event.parent_id or event.tool_id)[1]

    def _agent_end(self, event: e.AgentEnd) -> list[Op]:
        block, ops = self._block(event.id, "agent", event)
        props = AgentProps(status=event.status, ended=event.ts)
        if event.name is not None:
            props.name = event.name
        if event.usage is not None:
            props.usage = event.usage
            if self._steps[block.id] <= 1 and event.usage.output is not None:
                props.last_output = event.usage.output
        if event.status == "cancelled" and (by := self.root.props.get("stopped_by")) is not None:
            props.stopped_by = by
        for name in ("code", "finish_reason", "stopped_by"):
            if isinstance(reason := (event.meta or {}).get(name), str):
                setattr(props, name, reason)
        return [*ops, *self._set(block, props), *self._close(block)]

    def _approval_request(self, event: e.ApprovalRequest) -> list[Op]:
        props = ApprovalProps(
            approval_kind=event.kind,
            tool_id=None if event.tool_id is None else short_id(event.tool_id),
            prompt=event.prompt,
            args=event.args,
            options=event.options,
            schema=event.schema,
            answerable=event.reply is not None,
            can_remember=event.can_remember or msgspec.UNSET,
            stage=event.stage or msgspec.UNSET,
        )
        if event.stage == "result":
            is_text = event.result is None or isinstance(event.result, str)
            props.result = event.result if is_text else msgspec.json.encode(event.result).decode()
        block, ops = self._open(
            approval_block_id(event.approval_id), props, event.tool_id or event.parent_id
        )
        tool = self.blocks.get(short_id(event.tool_id or ""))
        if event.stage == "result" and tool is not None and tool.kind == "tool" and not tool.closed:
            # the time that the reader takes is not the call's
            ops += self._set(tool, ToolProps(ended=event.ts))
        ops += self._set_all(self._waits.begin(block.id, self.above(block), event.ts))
        return [*ops, *self._set_open_tool(event.tool_id, "approval-requested")]

    def _approval_response(self, event: e.ApprovalResponse) -> list[Op]:
        block = self.blocks.get(approval_block_id(event.approval_id))
        if block is None:
            return []
        props = ApprovalProps(
            decision=event.decision, reason=event.reason, remember=event.remember or msgspec.UNSET
        )
        if event.value is not None:
            props.value = event.value
        if "problem" in block.props:
            props.problem = None
        ops = [*self._set(block, props), *self._close(block)]
        ops += self._set_all(self._waits.end(block.id, event.ts))
        return [*ops, *self._set_open_tool(block.props.get("tool_id"), "approval-responded")]

    def _set_open_tool(self, id: str | None, state: ToolState) -> list[Op]:
        block = self.blocks.get(short_id(id)) if id is not None else None
        if block is None or block.kind != "tool" or block.closed:
            return []
        return self._set(block, ToolProps(state=state))

    def _set_all(self, changes: Changes) -> list[Op]:
        return [op for block, props in changes for op in self._set(block, props)]

    # --- the run ---

    def _run_start(self, event: e.RunStart) -> list[Op]:
        ops = self._name_by(event)
        if isinstance(lanes := (event.meta or {}).get("lanes"), int):
            ops += self._set(self.root, RunProps(lanes=lanes))
        if "turns" in self.root.props and event.parent_id is None:
            self._begin_answer()
            self._counts["words"] = 0
            answer = RunProps(
                status="running",
                started=event.ts,
                ended=None,
                finish_reason=None,
                code=None,
                last_output=None,
            )
            answer.turns = self.root.props["turns"] + 1
            answer.first_token = answer.speed = None
            answer.waited, answer.untimed = 0.0, False
            if "stopped_by" in self.root.props:
                answer.stopped_by = None
            ops += self._set(self.root, answer)
        return ops

    def _prompt(self, event: e.Prompt) -> list[Op]:
        ops = self._add_whole(event)
        if event.parent_id is None:
            self._prompts.append(next(reversed(self.blocks.values())))
        return ops

    def _rewind(self, event: e.Rewind) -> list[Op]:
        """Mark what was said from a prompt on as an earlier version."""
        replaced: list[Block] = []
        first = self._prompts[event.prompt - 1] if 0 < event.prompt <= len(self._prompts) else None
        for block in reversed(self.blocks.values()) if first is not None else ():
            if block.parent == ROOT and "replaced" not in block.props:
                replaced.append(block)
            if block is first:
                break
        ops = [
            op for block in reversed(replaced) for op in self._set(block, BlockProps(replaced=True))
        ]
        if ops:
            versions = self.root.props.get("versions", 0) + 1
            ops += self._set(self.root, RunProps(versions=versions))
        return ops

    def _step_start(self, event: e.StepStart) -> list[Op]:
        self._steps[event.parent_id] += 1
        return self._name_by(event)

    def _name_by(self, event: e.RunStart | e.StepStart) -> list[Op]:
        """Show the run's model and name, where the start of a run or of a step has them first."""
        props = RunProps()
        if self._name.feed(event):
            props.name = self._name.text
        if self._name.model is not None and self.root.props.get("model") is None:
            props.model = self._name.model
        return self._set(self.root, props)

    def _hidden(self, event: e.Hidden) -> list[Op]:
        block = self.root
        if event.tool_id:
            block = self.blocks.get(self.block_id(event.tool_id, "tool"), self.root)
        hidden: list[str] = block.props.get("hidden", [])
        if event.what in hidden:
            return []
        hidden = [*hidden, event.what]
        props = RunProps(hidden=hidden) if block is self.root else ToolProps(hidden=hidden)
        return self._set(block, props)

    def _step_end(self, event: e.StepEnd) -> list[Op]:
        return self._show_usage() if self._usage.end_step(event) else []

    def _usage_update(self, event: e.UsageUpdate) -> list[Op]:
        self._usage.update(event)
        return self._show_usage()

    def _show_usage(self) -> list[Op]:
        usage = self._usage.total
        return [] if usage == e.Usage() else self._set(self.root, RunProps(usage=usage))

    def _run_end(self, event: e.RunEnd) -> list[Op]:
        if self.ended:
            return []
        if event.usage is not None:
            self._usage.run = event.usage
        ops: list[Op] = []
        for question in self._waits.of(self.root):
            ops += self._set_all(self._waits.end(question, event.ts))
        # attempts go on
        unclosed = [block for block in self._unclosed.values() if not self.is_of_attempt(block)]
        ops += [
            op
            for block in unclosed
            for op in (*self._set(block, end_props(block, event)), *self._close(block))
        ]
        end = RunProps(
            status=event.status, ended=event.ts, finish_reason=event.finish_reason, code=event.code
        )
        stopped_by = (event.meta or {}).get("stopped_by")
        if event.status == "cancelled" and isinstance(stopped_by, str):
            end.stopped_by = stopped_by
        if (tokens := self._last_output()) is not None:
            end.last_output = tokens
        calls = [block for block in self._calls_of_answer() if not self.is_of_attempt(block)]
        if (event.meta or {}).get("untimed") is True:
            end.untimed = True
            ops += [op for call in calls for op in self._set(call, ToolProps(untimed=True))]
        elif (speed := self._speed(calls, event.ts)) is not None:
            end.speed = speed
        ops += [*self._show_usage(), *self._set(self.root, end)]
        is_chat = "turns" in self.root.props
        return [*ops, *(self._mark_end(event) if is_chat else self._close(self.root))]

    def _last_output(self) -> int | None:
        """Return the output tokens of the last step; None if they are not known."""
        step, total = self._usage.last_step, self._usage.total.output
        if step is not None and step.output is not None:
            return step.output
        return None if total is None or self._steps[None] > 1 else total - self._output_before

    def _calls_of_answer(self) -> Iterator[Block]:
        blocks = itertools.islice(self.blocks.values(), self._blocks_before, None)
        return (block for block in blocks if block.kind == "tool")

    def _speed(self, calls: Iterable[Block], now: float) -> float | None:
        """Return the output tokens of the answer for each second in which the model wrote it; None
        if it is not known.
        """
        total = self._usage.total.output
        if total is None:
            return None
        began = self.root.props["started"]
        first_token = began + (self.root.props.get("first_token") or 0.0)
        pauses: list[Span] = [(began, first_token), *self._waits.spans]
        over = [call.props for call in calls if call.props.get("ended") is not None]
        pauses += [(call.get("args_done", call["started"]), call["ended"]) for call in over]
        return tokens_per_second(total - self._output_before, (began, now), pauses)

    def _mark_end(self, event: e.RunEnd) -> list[Op]:
        """Mark where an answer of a chat stops that is not whole.

        The header shows the end of the last one only.
        """
        if event.status not in ("cancelled", "incomplete", "max_steps"):
            return []
        names = ("status", "stopped_by", "finish_reason", "code", "last_output")
        end = {
            name: self.root.props[name] for name in names if self.root.props.get(name) is not None
        }
        block, ops = self._open(f"end:{self._counts['events']}", StatusProps(**end), None)
        return [*ops, *self._close(block)]


def _in_row(call: Block, part: str, is_whole: bool) -> list[str]:
    """Return the parts of a call that its row shows whole, whichever of them comes first."""
    parts = {*call.props.get("in_row", ())} - {part}
    if is_whole:
        parts.add(part)
    return sorted(parts)


_REDUCERS: dict[type[e.Envelope], Callable[[Transcript, Any], list[Op]]] = {
    **dict.fromkeys((kind.event for kind in KINDS), Transcript._add_whole),
    e.RunStart: Transcript._run_start,
    e.RunEnd: Transcript._run_end,
    e.Prompt: Transcript._prompt,
    e.Rewind: Transcript._rewind,
    e.StepStart: Transcript._step_start,
    e.StepEnd: Transcript._step_end,
    e.TextStart: Transcript._start,
    e.TextDelta: Transcript._grow,
    e.TextEnd: Transcript._end_text,
    e.ReasoningStart: Transcript._start,
    e.ReasoningDelta: Transcript._grow,
    e.ReasoningEnd: Transcript._end_text,
    e.ToolStart: Transcript._start,
    e.ToolArgsDelta: Transcript._grow,
    e.ToolArgs: Transcript._tool_args,
    e.ToolProgress: Transcript._tool_progress,
    e.ToolOutput: Transcript._grow,
    e.ToolResult: Transcript._tool_result,
    e.ApprovalRequest: Transcript._approval_request,
    e.ApprovalResponse: Transcript._approval_response,
    e.AgentStart: Transcript._agent_start,
    e.AgentEnd: Transcript._agent_end,
    e.UsageUpdate: Transcript._usage_update,
    e.Hidden: Transcript._hidden,
}
"""Reduces an event of each class.

A match over so many classes takes longer than most of these methods.
"""

"""The transcript: the one reducer. Events in, a tree of blocks and a short list of ops out.

A block is one thing that a reader sees: a text, a thought, a tool call (see
`nbagent.protocol.blocks`). Ops are the changes of the tree (see `nbagent.protocol.ops`). Applying
them in order gives `snapshot()` at every moment, which is what the view does. The transcript has no
clock: every time in it comes from an event's `ts`.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from nbagent import events as e
from nbagent.blocks import KIND_OF, KINDS, WholeEvent
from nbagent.blocks.status import StatusProps
from nbagent.events.jsonable import text_safe
from nbagent.events.meta import meta_text
from nbagent.protocol.blocks import (
    AgentProps,
    BlockProps,
    ReasoningProps,
    RunProps,
    TextProps,
    ToolProps,
    kind_of,
)
from nbagent.protocol.ops import ROOT, Op
from nbagent.transcript.block import Block
from nbagent.transcript.call_tree import CallTree
from nbagent.transcript.pace import Span, WordCount, tokens_per_second
from nbagent.transcript.props import default_props, end_props, merged, start_props
from nbagent.transcript.stream_name import NameOrigin, StreamName
from nbagent.transcript.tree import to_json
from nbagent.transcript.usage import UsageCount

_Delta: TypeAlias = e.TextDelta | e.ReasoningDelta | e.ToolArgsDelta | e.ToolOutput
_GROWING: dict[type[e.Event], tuple[str, str]] = {
    e.TextDelta: ("text", "text"),
    e.ReasoningDelta: ("reasoning", "text"),
    e.ToolArgsDelta: ("tool", "args_text"),
    e.ToolOutput: ("tool", "output"),
}
"""Kind of the block that a delta is appended to, and its field."""


class Transcript(CallTree):
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

    def feed_text(
        self, whole: e.TextDelta | e.ReasoningDelta, count: int, latest: float
    ) -> list[Op]:
        """Return the ops that several deltas of one text cause.

        Args:
            whole: the deltas joined, with the time of the first one.
            count: number of deltas.
            latest: time of the last one.
        """
        self._counts["events"] += count
        self._latest = latest
        return self._grow(whole)

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
            waited = max(0.0, event.ts - self.root.props["started"])
            ops += self._set(self.root, RunProps(first_token=waited))
        return ops

    def _end_text(self, event: e.TextEnd | e.ReasoningEnd) -> list[Op]:
        props: TextProps | ReasoningProps = TextProps()
        if isinstance(event, e.ReasoningEnd):
            props = ReasoningProps(ended=event.ts)
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

    # --- agents ---

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
        stopped_by = self.root.props.get("stopped_by")
        if event.status == "cancelled" and stopped_by is not None:
            props.stopped_by = stopped_by
        for name in ("code", "finish_reason", "stopped_by"):
            text = meta_text(event, name)
            if text is not None:
                setattr(props, name, text)
        return [*ops, *self._set(block, props), *self._close(block)]

    # --- the run ---

    def _run_start(self, event: e.RunStart) -> list[Op]:
        ops = self._name_by(event)
        lanes = (event.meta or {}).get("lanes")
        if isinstance(lanes, int):
            ops += self._set(self.root, RunProps(lanes=lanes))
        if "turns" in self.root.props and event.parent_id is None:
            ops += self._start_answer(event.ts)
        return ops

    def _start_answer(self, now: float) -> list[Op]:
        """Show that the next answer of a chat begins."""
        self._begin_answer()
        self._counts["words"] = 0
        props = RunProps(
            status="running",
            started=now,
            ended=None,
            finish_reason=None,
            code=None,
            last_output=None,
            turns=self.root.props["turns"] + 1,
            first_token=None,
            speed=None,
            waited=0.0,
            untimed=False,
        )
        if "stopped_by" in self.root.props:
            props.stopped_by = None
        return self._set(self.root, props)

    def _prompt(self, event: e.Prompt) -> list[Op]:
        ops = self._add_whole(event)
        if event.parent_id is None:
            self._prompts.append(next(reversed(self.blocks.values())))
        return ops

    def _rewind(self, event: e.Rewind) -> list[Op]:
        """Mark what was said from a prompt on as an earlier version."""
        if not 0 < event.prompt <= len(self._prompts):
            return []
        first = self._prompts[event.prompt - 1]
        said = itertools.dropwhile(lambda block: block is not first, self.blocks.values())
        ops: list[Op] = []
        for block in list(said):
            if block.parent == ROOT and "replaced" not in block.props:
                ops += self._set(block, BlockProps(replaced=True))
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
        if block is self.root:
            return self._set(block, RunProps(hidden=hidden))
        return self._set(block, ToolProps(hidden=hidden))

    def _step_end(self, event: e.StepEnd) -> list[Op]:
        if self._usage.end_step(event):
            return self._show_usage()
        return []

    def _usage_update(self, event: e.UsageUpdate) -> list[Op]:
        self._usage.update(event)
        return self._show_usage()

    def _show_usage(self) -> list[Op]:
        usage = self._usage.total
        if usage == e.Usage():
            return []
        return self._set(self.root, RunProps(usage=usage))

    def _run_end(self, event: e.RunEnd) -> list[Op]:
        if self.ended:
            return []
        if event.usage is not None:
            self._usage.run = event.usage
        ops: list[Op] = []
        for question in self._waits.of(self.root):
            ops += self._set_all(self._waits.end(question, event.ts))
        for block in list(self._unclosed.values()):
            if not self.is_of_attempt(block):  # attempts go on
                ops += self._set(block, end_props(block, event))
                ops += self._close(block)
        calls = self._calls_of_answer()
        is_untimed = event.meta is not None and event.meta.get("untimed") is True
        if is_untimed:
            for call in calls:
                ops += self._set(call, ToolProps(untimed=True))
        ops += self._show_usage()
        ops += self._set(self.root, self._run_end_props(event, calls, is_untimed=is_untimed))
        if "turns" in self.root.props:
            return [*ops, *self._mark_end(event)]
        return [*ops, *self._close(self.root)]

    def _run_end_props(
        self, event: e.RunEnd, calls: Iterable[Block], *, is_untimed: bool
    ) -> RunProps:
        props = RunProps(
            status=event.status, ended=event.ts, finish_reason=event.finish_reason, code=event.code
        )
        stopped_by = meta_text(event, "stopped_by")
        if event.status == "cancelled" and stopped_by is not None:
            props.stopped_by = stopped_by
        tokens = self._last_output()
        if tokens is not None:
            props.last_output = tokens
        if is_untimed:
            props.untimed = True
            return props
        speed = self._speed(calls, event.ts)
        if speed is not None:
            props.speed = speed
        return props

    def _last_output(self) -> int | None:
        """Return the output tokens of the last step; None if they are not known."""
        step, total = self._usage.last_step, self._usage.total.output
        if step is not None and step.output is not None:
            return step.output
        if total is None or self._steps[None] > 1:
            return None
        return total - self._output_before

    def _calls_of_answer(self) -> list[Block]:
        """Return the calls of the answer, without attempts."""
        blocks = itertools.islice(self.blocks.values(), self._blocks_before, None)
        return [each for each in blocks if each.kind == "tool" and not self.is_of_attempt(each)]

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
        for call in calls:
            ended = call.props.get("ended")
            if ended is not None:
                pauses.append((call.props.get("args_done", call.props["started"]), ended))
        return tokens_per_second(total - self._output_before, (began, now), pauses)

    def _mark_end(self, event: e.RunEnd) -> list[Op]:
        """Mark where an answer of a chat stops that is not whole.

        The header shows the end of the last one only.
        """
        if event.status not in ("cancelled", "incomplete", "max_steps"):
            return []
        names = ("status", "stopped_by", "finish_reason", "code", "last_output")
        run = self.root.props
        end = {name: run[name] for name in names if run.get(name) is not None}
        block, ops = self._open(f"end:{self._counts['events']}", StatusProps(**end), None)
        return [*ops, *self._close(block)]


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

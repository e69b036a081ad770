"""The events of a run as bars over time.

A bar is a step, a text, a thought, a tool call, an agent at work, or a question to the reader. All
times are seconds since the epoch, from the events' `ts`.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any, assert_never

from nbagent import events as e
from nbagent.blocks import WholeEvent
from nbagent.events.attempts import AttemptFilter
from nbagent.protocol.inspection import Bar, BarKind

MIN_GAP_S = 1.0
"""Seconds without an event that are shown as a gap."""
MAX_BARS = 20_000
"""Bars that are kept; of a longer run the newest."""
MAX_GAPS = 100
"""Gaps that are kept, the newest."""
MAX_LABEL_CHARS = 80
"""Characters of a bar's label."""


_LABEL_OF_PHASE = {"commentary": "commentary", "final_answer": "answer"}


class Timeline:
    """Reduces events to bars, in constant time for each and bounded memory.

    Attributes:
        start: when the first event came; None before.
        end: when the last came.
        gaps: the newest periods of more than `MIN_GAP_S` without an event: start and end. Those in
            which the reader was asked, or in which a chat waited for the next prompt, are none.
        gap_count: number of gaps in all.
        gap_seconds: seconds of all gaps together.
        left_out: number of older bars that are no longer kept.
    """

    def __init__(self) -> None:
        self.start: float | None = None
        self.end = 0.0
        self.gaps: deque[tuple[float, float]] = deque(maxlen=MAX_GAPS)
        self.gap_count = 0
        self.gap_seconds = 0.0
        self.left_out = 0
        self._bars: deque[Bar] = deque()
        self._open: dict[tuple[BarKind, str], Bar] = {}
        self._has_ended = False
        self._step: Bar | None = None
        self._steps = 0
        self._attempts = AttemptFilter()

    @property
    def bars(self) -> Sequence[Bar]:
        """The bars, in the order of their starts."""
        return self._bars

    @property
    def steps(self) -> int:
        """Number of the steps in the stream so far."""
        return self._steps

    def feed(self, event: e.Event) -> None:
        """Take one event. Those of attempts are not the run's time."""
        if self._attempts.is_of_attempt(event):
            return
        self._pass_time(event.ts)
        match event:
            case e.TextStart() | e.TextDelta() | e.TextEnd():
                self._text(event)
            case e.ReasoningStart() | e.ReasoningDelta() | e.ReasoningEnd():
                self._reasoning(event)
            case e.ToolStart() | e.ToolArgsDelta() | e.ToolArgs() | e.ToolProgress():
                self._call(event)
            case e.ToolResult():
                if not event.preliminary:
                    self._close(event, "tool", "tool").status = event.status
            case e.AgentStart():
                self._bar_of(event, "agent", event.name).label = event.name[:MAX_LABEL_CHARS]
            case e.AgentEnd():
                self._close(event, "agent", event.name or "agent").status = event.status
            case e.ApprovalRequest() | e.ApprovalResponse():
                self._approval(event)
            case e.StepStart() | e.StepEnd() | e.UsageUpdate():
                self._in_step(event)
            case e.RunEnd():
                self._end(event.ts)
            case e.RunStart() | e.Rewind() | e.ToolOutput() | e.Hidden():
                pass  # they take no time
            case _ if isinstance(event, WholeEvent):
                pass
            case _:
                assert_never(event)

    def _text(self, event: e.TextStart | e.TextDelta | e.TextEnd) -> None:
        match event:
            case e.TextStart():
                self._bar_of(event, "text", _LABEL_OF_PHASE.get(event.phase or "", "text"))
            case e.TextDelta():
                self._answered(event.ts)
                self._bar_of(event, "text", "text").end = event.ts
            case e.TextEnd():
                self._close(event, "text", "text")

    def _reasoning(self, event: e.ReasoningStart | e.ReasoningDelta | e.ReasoningEnd) -> None:
        match event:
            case e.ReasoningStart():
                self._bar_of(event, "reasoning", "thinking")
            case e.ReasoningDelta():
                self._answered(event.ts)
                self._bar_of(event, "reasoning", "thinking").end = event.ts
            case e.ReasoningEnd():
                self._close(event, "reasoning", "thinking")

    def _call(self, event: e.ToolStart | e.ToolArgsDelta | e.ToolArgs | e.ToolProgress) -> None:
        match event:
            case e.ToolStart():
                label = event.title or event.name
                self._bar_of(event, "tool", label).label = label[:MAX_LABEL_CHARS]
            case e.ToolArgsDelta():
                self._answered(event.ts)
                self._bar_of(event, "tool", "tool")
            case e.ToolArgs():
                self._begin_call(event)
            case e.ToolProgress(message=None, progress=None, total=None):  # the call has begun
                self._begin_call(event)

    def _begin_call(self, event: e.ToolArgs | e.ToolProgress) -> None:
        self._bar_of(event, "tool", "tool").ready = event.ts
        self._answered(event.ts)

    def _pass_time(self, now: float) -> None:
        if self.start is None:
            self.start = self.end = now
        silence = now - self.end
        if silence > MIN_GAP_S and not self._waits:
            self.gaps.append((self.end, now))
            self.gap_count += 1
            self.gap_seconds += silence
        self._has_ended = False
        if silence > 0:
            self.end = now

    @property
    def _waits(self) -> bool:
        """True between two answers of a chat, and while the reader is asked."""
        return self._has_ended or any(kind == "approval" for kind, _ in self._open)

    def _answered(self, now: float) -> None:
        if self._step is not None and self._step.first is None:
            self._step.first = now

    def _bar_of(self, event: Any, kind: BarKind, label: str) -> Bar:
        """Return the open bar of the event's block, or a new one."""
        bar = self._open.get((kind, event.id))
        if bar is None:
            bar = self._new(kind, label, event.ts, event.id)
        return bar

    def _close(self, event: Any, kind: BarKind, label: str) -> Bar:
        bar = self._bar_of(event, kind, label)
        bar.end = event.ts
        del self._open[kind, event.id]
        return bar

    def _new(self, kind: BarKind, label: str, start: float, id: str) -> Bar:
        bar = self._open[kind, id] = Bar(kind=kind, label=label[:MAX_LABEL_CHARS], start=start)
        if kind not in ("step", "approval"):
            bar.block = id
        self._bars.append(bar)
        if len(self._bars) > MAX_BARS:
            self._bars.popleft()
            self.left_out += 1
        return bar

    def _approval(self, event: e.ApprovalRequest | e.ApprovalResponse) -> None:
        bar = self._open.get(("approval", event.approval_id))
        if isinstance(event, e.ApprovalRequest):
            if bar is None:
                self._new("approval", "waits for you", event.ts, event.approval_id)
        elif bar is not None:
            bar.end, bar.status = event.ts, event.decision
            del self._open["approval", event.approval_id]

    def _in_step(self, event: e.StepStart | e.StepEnd | e.UsageUpdate) -> None:
        if isinstance(event, e.StepStart):
            self._end_step(event.ts)
            self._steps += 1
            self._step = self._new(
                "step", event.name or f"step {self._steps}", event.ts, f"step {self._steps}"
            )
        elif self._step is None:
            return
        elif isinstance(event, e.StepEnd):
            self._step.usage = event.usage or self._step.usage
            self._end_step(event.ts)
        elif event.scope == "step":
            before = e.Usage()
            if event.mode != "replace" and self._step.usage is not None:
                before = self._step.usage
            self._step.usage = before + event.usage

    def _end_step(self, now: float) -> None:
        if self._step is not None:
            self._step.end = now
            del self._open["step", f"step {self._steps}"]
            self._step = None

    def _end(self, now: float) -> None:
        """Close every open bar; a text ended with its last piece."""
        for bar in self._open.values():
            if bar.end is None:
                bar.end = now
        self._open.clear()
        self._step = None
        self._has_ended = True

"""When what happened: the events of a run as bars over time.

A bar is a step, a text, a thought, a tool call, an agent at work, or a question to the reader. All times are seconds since the
epoch, as the events have them.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from nbagent import events as e

GAP = 1.0
"""Seconds without an event that are worth showing."""
BARS = 1000
"""Bars that are kept; of a longer run the newest."""
LABEL = 80
"""Characters of a bar's label."""

Kind = Literal["step", "text", "reasoning", "tool", "agent", "approval"]


class Bar(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One bar.

    Attributes:
        kind: what it stands for.
        label: what it is called.
        start: when it began.
        end: when it was over, None if it still goes on.
        ready: a tool call: when its arguments were whole and it began to run.
        first: a step: when its first token came, or the whole arguments of a call.
        status: a tool call: `ok`, `error` or `denied`; an agent: how it ended.
        usage: a step: its tokens and cost, as far as they are known.
        block: what its events name it by; None for what is no block.
    """

    kind: Kind
    label: str
    start: float
    end: float | None = None
    ready: float | None = None
    first: float | None = None
    status: str | None = None
    usage: e.Usage | None = None
    block: str | None = None


class Timeline:
    """Reduces events to bars, in constant time for each and bounded memory.

    Attributes:
        start: when the first event came; None before.
        end: when the last came.
        first_token: when the first piece of a text, a thought or a tool's arguments came.
        gaps: stretches of more than `GAP` seconds without an event: from, to; the newest.
        gap_count: how many there were in all.
        gap_seconds: how long they were together.
        left_out: older bars that are no longer kept.
    """

    def __init__(self) -> None:
        self.start: float | None = None
        self.end = 0.0
        self.first_token: float | None = None
        self.gaps: deque[tuple[float, float]] = deque(maxlen=BARS // 10)
        self.gap_count = 0
        self.gap_seconds = 0.0
        self.left_out = 0
        self._bars: deque[Bar] = deque()
        self._open: dict[tuple[Kind, str], Bar] = {}
        self._step: Bar | None = None
        self._steps = 0

    @property
    def bars(self) -> Sequence[Bar]:
        """The bars, by their beginning."""
        return self._bars

    def feed(self, event: e.Event) -> None:  # noqa: C901 - one flat match over the vocabulary
        """Take one event."""
        self._pass_time(event.ts)
        match event:
            case e.TextDelta():
                self._token(event.ts)
                self._at(event, "text", "text").end = event.ts
            case e.ReasoningDelta():
                self._token(event.ts)
                self._at(event, "reasoning", "thinking").end = event.ts
            case e.ToolArgsDelta():
                self._token(event.ts)
                self._at(event, "tool", "tool")
            case e.TextStart():
                label = {"commentary": "commentary", "final_answer": "answer"}.get(event.phase or "", "text")
                self._at(event, "text", label)
            case e.ReasoningStart():
                self._at(event, "reasoning", "thinking")
            case e.TextEnd():
                self._close(event, "text", "text")
            case e.ReasoningEnd():
                self._close(event, "reasoning", "thinking")
            case e.ToolStart():
                self._at(event, "tool", event.title or event.name).label = (event.title or event.name)[:LABEL]
            case e.ToolArgs() | e.ToolProgress(message=None, progress=None, total=None):
                self._at(event, "tool", "tool").ready = event.ts
                self._answered(event.ts)
            case e.ToolResult(preliminary=False):
                self._close(event, "tool", "tool").status = event.status
            case e.AgentStart():
                self._at(event, "agent", event.name)
            case e.AgentEnd():
                self._close(event, "agent", event.name or "agent").status = event.status
            case e.ApprovalRequest() | e.ApprovalResponse():
                self._approval(event)
            case e.StepStart() | e.StepEnd() | e.UsageUpdate(scope="step"):
                self._in_step(event)
            case e.RunEnd():
                self._end(event.ts)

    def _pass_time(self, now: float) -> None:
        if self.start is None:
            self.start = self.end = now
        if now - self.end > GAP:
            self.gaps.append((self.end, now))
            self.gap_count += 1
            self.gap_seconds += now - self.end
        self.end = max(self.end, now)

    def _token(self, now: float) -> None:
        if self.first_token is None:
            self.first_token = now
        self._answered(now)

    def _answered(self, now: float) -> None:
        if self._step is not None and self._step.first is None:
            self._step.first = now

    def _at(self, event: Any, kind: Kind, label: str) -> Bar:
        """The open bar of the event's block; a new one if it has none."""
        bar = self._open.get((kind, event.id))
        return self._new(kind, label, event.ts, event.id) if bar is None else bar

    def _close(self, event: Any, kind: Kind, label: str) -> Bar:
        bar = self._at(event, kind, label)
        bar.end = event.ts
        del self._open[kind, event.id]
        return bar

    def _new(self, kind: Kind, label: str, start: float, id: str) -> Bar:
        bar = self._open[kind, id] = Bar(
            kind=kind, label=label[:LABEL], start=start, block=None if kind in ("step", "approval") else id
        )
        self._bars.append(bar)
        if len(self._bars) > BARS:
            self._bars.popleft()
            self.left_out += 1
        return bar

    def _approval(self, event: e.ApprovalRequest | e.ApprovalResponse) -> None:
        key: tuple[Kind, str] = ("approval", event.approval_id)
        if isinstance(event, e.ApprovalRequest) and key not in self._open:
            self._new("approval", "waits for you", event.ts, event.approval_id)
        elif isinstance(event, e.ApprovalResponse) and (bar := self._open.pop(key, None)) is not None:
            bar.end, bar.status = event.ts, event.decision

    def _in_step(self, event: e.StepStart | e.StepEnd | e.UsageUpdate) -> None:
        if isinstance(event, e.StepStart):
            self._end_step(event.ts)
            self._steps += 1
            self._step = self._new("step", event.name or f"step {self._steps}", event.ts, f"step {self._steps}")
        elif self._step is None:
            return
        elif isinstance(event, e.StepEnd):
            self._step.usage = event.usage or self._step.usage
            self._end_step(event.ts)
        else:
            before = e.Usage() if event.mode == "replace" or self._step.usage is None else self._step.usage
            self._step.usage = before + event.usage

    def _end_step(self, now: float) -> None:
        if self._step is not None:
            self._step.end = now
            del self._open["step", f"step {self._steps}"]
            self._step = None

    def _end(self, now: float) -> None:
        """`run.end` closes what is still open; a text is over since its last piece."""
        for bar in self._open.values():
            bar.end = now if bar.end is None else bar.end
        self._open.clear()
        self._step = None

"""Decoder of our own events (`nbagent.events`), as objects or as dicts."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, get_args

import msgspec

from nbagent import events as ev
from nbagent.adapters.base.decoder import BaseDecoder, StopInfo
from nbagent.adapters.base.fields import fields_or_empty
from nbagent.events.ids import with_id_prefix
from nbagent.events.lines import HEADER_TYPE
from nbagent.events.usage import add_usage

EVENT_CLASSES: frozenset[type[ev.Event]] = frozenset(get_args(ev.Event))
"""Classes of our own events."""
_DELTAS = (ev.TextDelta, ev.ReasoningDelta)
_AFTER_THE_END = frozenset({"connection_lost", "idle_timeout", "timeout"})
"""Codes of errors that mean nothing once a run has ended: the stream was only left open."""
_FIELDS = {
    str(cls.__struct_config__.tag): {"type", *cls.__struct_encode_fields__} for cls in EVENT_CLASSES
}


def _is_header(item: Mapping[str, Any]) -> bool:
    """Return True for the first line of a recording, which a body has, too."""
    return item.get("type") == HEADER_TYPE and "format" in item


class EventsDecoder(BaseDecoder):
    """Passes our own events on, and adds the missing ones: `run.start`, a start before a delta,
    ends, `run.end`.

    A source without `run.start` is a plain iterator, complete when it ends. One with `run.start`
    must also send `run.end`.

    Several runs may follow one another, as in a generator that passes on two `agent.stream(…)`.
    They become one run, which ends when the stream does, with the status of the last: ids and steps
    of the later ones are made different from the first one's, their usage is added up, and where
    another agent begins there is an `agent.handoff`. A service sends one run: if
    `stream_outlives_run` is set, the first `run.end` is the last event.
    """

    system: ClassVar[str] = "nbagent"

    def __init__(self) -> None:
        super().__init__()
        self.stop_info = StopInfo("completed")
        self._open: dict[str, ev.TextStart | ev.ReasoningStart | ev.AgentStart] = {}
        self._step: ev.StepStart | None = None
        self._runs = 0  # number of runs begun
        self._is_inside = False  # a run that has begun has not ended
        self._end: ev.RunEnd | None = None  # of the last run, held back: another may follow
        self._agent: str | None = None  # the name of the last run
        self._last_step = 0  # the highest number of a step so far
        self._steps_before = 0  # the same, when the run began
        self._usage: ev.Usage | None = None  # of the runs that have ended

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is one of our events, or the dict form of one."""
        if type(item) in EVENT_CLASSES:
            return True
        payload = fields_or_empty(item)
        tag = payload.get("type")
        if _is_header(payload):
            return True
        # Other systems have a tag such as "error", too: then all fields must be ours.
        return (
            isinstance(tag, str) and tag in _FIELDS and ("." in tag or set(payload) <= _FIELDS[tag])
        )

    def feed(self, item: Any) -> list[ev.Event]:
        """Return the events of one item: of the next part of an open text, the item itself."""
        is_next_part = (
            type(item) in _DELTAS
            and item.id in self._open
            and self._runs <= 1
            and (item.step is None or item.step <= self._last_step)
        )
        if is_next_part:
            return [item]
        return super().feed(item)

    def read(self, item: Any) -> None:
        """Read one event."""
        if self.builder.ended:  # a function may make several events of one item
            return
        event: ev.Event | None = item if type(item) in EVENT_CLASSES else self._event_of(item)
        if event is None:
            return
        if isinstance(event, ev.RunStart):
            self._start_run(event)
        elif isinstance(event, ev.RunEnd):
            self._end_run(event)
        else:
            event = self._distinct(event)
            track = self._TRACKERS.get(type(event))
            if track is not None:
                track(self, event)
            self.builder.write(event)

    def _event_of(self, item: Any) -> ev.Event | None:
        """Return the event of a dict; None for a header, and for an item that is no event."""
        payload = fields_or_empty(item)
        if _is_header(payload):
            return None
        if payload.get("type") not in _FIELDS:
            self.unread(item)  # such as a damaged line of a recording
            return None
        try:
            return ev.from_dict(item)
        except msgspec.ValidationError:
            self.unread(item, str(item["type"]))
            return None

    def _start_run(self, event: ev.RunStart) -> None:
        if self._is_inside:
            return
        self._is_inside = True
        self._runs += 1
        self._end = None
        self._reported.clear()
        self.stop_info = StopInfo("incomplete", code=ev.STREAM_TRUNCATED)
        self._steps_before = self._last_step
        if not self.builder.started:
            self.builder.started = True
            self.builder.write(event)
        elif event.name is not None and event.name != self._agent:
            self.builder.write(ev.AgentHandoff(from_=self._agent, to=event.name))
        self._agent = event.name or self._agent

    def _end_run(self, event: ev.RunEnd) -> None:
        self._close_open(event.status)
        self._is_inside = False
        self._usage = add_usage(self._usage, event.usage)
        self._end = msgspec.structs.replace(event, usage=self._usage)
        if self.stream_outlives_run:
            self._write_end(self._end)

    def _write_end(self, event: ev.RunEnd) -> None:
        self.builder.write(event)
        self.builder.ended = True

    def _distinct(self, event: ev.Event) -> ev.Event:
        """Return the event with ids, a step and a count of tokens that no earlier run of the stream
        has.
        """
        if self._is_inside and self._runs > 1:
            event = with_id_prefix(event, f"run-{self._runs}")
            if event.step is not None:
                event = msgspec.structs.replace(event, step=self._steps_before + event.step)
            match event:
                case ev.UsageUpdate(scope="run", mode="replace"):
                    usage = add_usage(self._usage, event.usage)
                    event = msgspec.structs.replace(event, usage=usage)
        if event.step is not None and event.step > self._last_step:
            self._last_step = event.step
        return event

    # --- what is open ---

    def _block_start(self, event: ev.TextStart | ev.ReasoningStart | ev.AgentStart) -> None:
        self._open[event.id] = event

    def _block_end(self, event: ev.TextEnd | ev.ReasoningEnd | ev.AgentEnd) -> None:
        self._open.pop(event.id, None)

    def _delta(self, event: ev.TextDelta | ev.ReasoningDelta) -> None:
        """Start the block of a delta that has no start."""
        if event.id in self._open:
            return
        kind = ev.TextStart if isinstance(event, ev.TextDelta) else ev.ReasoningStart
        start = kind(id=event.id, step=event.step, agent=event.agent, parent_id=event.parent_id)
        self._open[event.id] = start
        self.builder.write(start)

    def _step_start(self, event: ev.StepStart) -> None:
        if event.parent_id is None:
            self._step = event

    def _step_end(self, event: ev.StepEnd) -> None:
        if event.parent_id is None:
            self._step = None
        if event.usage is not None:
            self.builder.add_usage(event.usage)

    def _error(self, event: ev.Error) -> None:
        if not event.fatal:
            return
        self._reported.add(event.message)
        self.stop_info = StopInfo("failed", code=event.code)
        if self._end is not None:
            self._end = msgspec.structs.replace(self._end, status="failed", code=event.code)

    _TRACKERS: ClassVar[dict[type[ev.Event], Callable[[Any, Any], None]]] = {
        ev.TextStart: _block_start,
        ev.ReasoningStart: _block_start,
        ev.AgentStart: _block_start,
        ev.TextDelta: _delta,
        ev.ReasoningDelta: _delta,
        ev.TextEnd: _block_end,
        ev.ReasoningEnd: _block_end,
        ev.AgentEnd: _block_end,
        ev.StepStart: _step_start,
        ev.StepEnd: _step_end,
        ev.Error: _error,
    }
    """Functions that keep track of what is open, by the classes of the events."""

    def _close_open(self, status: ev.RunStatus) -> None:
        """Close the open blocks; `status` is that of the sub-agents."""
        for event in reversed(self._open.values()):
            envelope: dict[str, Any] = {
                "step": event.step,
                "agent": event.agent,
                "parent_id": event.parent_id,
            }
            match event:
                case ev.TextStart():
                    self.builder.write(ev.TextEnd(id=event.id, **envelope))
                case ev.ReasoningStart():
                    self.builder.write(ev.ReasoningEnd(id=event.id, **envelope))
                case ev.AgentStart():
                    self.builder.write(
                        ev.AgentEnd(id=event.id, name=event.name, status=status, **envelope)
                    )
        self._open.clear()
        if self._step is not None:
            self.builder.write(ev.StepEnd(step=self._step.step, agent=self._step.agent))
            self._step = None

    def pause(self) -> list[ev.Event] | None:
        """End the stream, but not the run, if its last run is paused, or if the stream has no runs,
        only events.
        """
        if self._end is not None:
            is_paused = self._end.status == "paused"
        else:
            is_paused = self._runs == 0
        if not is_paused or self.builder.ended:
            return None
        return self.builder.take()

    def go_on(self) -> None:
        """Go on with a run that was paused.

        Its next stream may have another run, or only events.
        """
        self._end = None
        self.stop_info = StopInfo("completed")

    def close(self, error: BaseException | None = None) -> list[ev.Event]:
        """End the run: close what is open, and add a missing `run.end`.

        An error after the end of a run counts, since another may have been about to begin; but not
        the loss of a connection, nor silence.
        """
        if self.builder.ended:
            return []
        status = self.stop_info.status
        self._close_open("incomplete" if status == "completed" else status)
        if self._end is not None and (
            error is None or getattr(error, "code", None) in _AFTER_THE_END
        ):
            self._write_end(self._end)
            return self.builder.take()
        if self.builder.usage is None:
            self.builder.usage = self._usage
        return super().close(error)

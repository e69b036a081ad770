"""`ReportedCalls`: joins the calls that tools report themselves with those that the stream tells."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeAlias

import msgspec

from nbagent import events as e

Fits: TypeAlias = Callable[[Any], int]
"""Returns how well arguments that a stream tells fit those that the function got: 2 if they are equal, 0 if they do not."""

_ID_FIELDS = ("id", "tool_id", "parent_id")
_OF_CALLS = (e.ToolStart, e.ToolArgsDelta, e.ToolArgs, e.ToolProgress, e.ToolOutput, e.ToolResult)


@dataclass(slots=True)
class _Told:
    """A call that the stream has told, without a result so far. `args` is None while they are written."""

    name: str
    args: Any = None
    complete: bool = False
    is_reported: bool = False


@dataclass(slots=True)
class _Own:
    """A reported call that the stream has not told yet."""

    name: str
    fits: Fits


@dataclass(slots=True)
class _Held:
    """Events of a told call that may be one of those reported already: its arguments will tell."""

    name: str
    events: list[e.Event] = field(default_factory=list)


class ReportedCalls:
    """Gives each call one panel, whether its function begins before the stream's announcement is read or after it.

    A reported call is the oldest call of that name without a report, of several the one with the same arguments; arguments
    that are still written may be the same. What the stream tells later of a call that is reported keeps the report's id, and
    its result does not replace the live one.
    """

    def __init__(self) -> None:
        self._numbers = count(1)
        self._told: dict[str, _Told] = {}
        self._own: dict[str, _Own] = {}
        self._held: dict[str, _Held] = {}
        self._ids: dict[str, str] = {}
        self._running: set[str] = set()
        self._finished: set[str] = set()

    def claim(self, name: str, fits: Fits, lane: str | None = None) -> tuple[str, Any]:
        """Begin a reported call.

        Args:
            name: of the tool.
            fits: compares its arguments with those of a told call.
            lane: id of the lane whose calls are meant; None for all.

        Returns:
            Its id, and its arguments if the stream has told the call with others. `msgspec.UNSET` if it has told the same,
            None if it has not told the call.
        """
        open_calls = [
            (id, call)
            for id, call in self._told.items()
            if call.name == name and not call.is_reported and (lane is None or id.startswith(f"{lane}/"))
        ]
        ranked = [(fits(call.args) if call.complete else 1, id, call) for id, call in open_calls]
        best = max(ranked, key=lambda each: each[0], default=None)
        if best is None:
            id = f"{'' if lane is None else f'{lane}/'}call-{next(self._numbers)}"
            self._own[id] = _Own(name, fits)
            self._running.add(id)
            return id, None
        rank, id, call = best
        call.is_reported = True
        self._running.add(id)
        return id, msgspec.UNSET if rank else call.args

    def finish(self, id: str) -> bool:
        """End a reported call. Return False if the stream has told its result before: that of a framework's time-out."""
        was_running = id in self._running
        self._running.discard(id)
        if was_running:
            self._finished.add(id)
        return was_running

    def feed(self, event: e.Event) -> list[e.Event]:
        """Return the events to show for one of the stream's."""
        if not isinstance(event, _OF_CALLS):
            if isinstance(event, e.RunEnd) and event.parent_id is None:
                return [*self.close(), event]
            return [self._renamed(event)] if self._ids else [event]
        match event:
            case e.ToolStart():
                return self._start(event)
            case e.ToolArgsDelta():
                return self._args_delta(event)
            case e.ToolArgs():
                return self._args(event)
            case e.ToolResult():
                return self._result(event)
            case _:
                return [self._renamed(event)]

    def close(self) -> list[e.Event]:
        """Return the events that are held back, since the stream is over."""
        held, self._held = self._held, {}
        return [event for each in held.values() for event in each.events]

    def _start(self, event: e.ToolStart) -> list[e.Event]:
        if event.id in self._ids:
            return []
        if any(own.name == event.name for own in self._own.values()):
            self._held.setdefault(event.id, _Held(event.name)).events.append(event)
            return []
        told = self._told.setdefault(event.id, _Told(event.name))
        told.name = event.name
        return [event]

    def _args_delta(self, event: e.ToolArgsDelta) -> list[e.Event]:
        if event.id in self._held:
            self._held[event.id].events.append(event)
            return []
        return [] if event.id in self._ids else [event]

    def _args(self, event: e.ToolArgs) -> list[e.Event]:
        if event.id in self._ids:
            return []
        released: list[e.Event] = []
        held = self._held.pop(event.id, None)
        if held is not None:
            if self._join(event.id, held.name, event.args):
                return []
            released = held.events
            self._told[event.id] = _Told(held.name)
        if (told := self._told.get(event.id)) is not None:
            told.args, told.complete = event.args, True
        return [*released, event]

    def _result(self, event: e.ToolResult) -> list[e.Event]:
        released: list[e.Event] = []
        held = self._held.pop(event.id, None)
        if held is not None and not self._join(event.id, held.name, None):
            released = held.events
        id = self._ids.get(event.id, event.id)
        if event.preliminary:
            return [*released, self._renamed(event)]
        self._told.pop(event.id, None)
        if id in self._finished:
            return released
        self._running.discard(id)  # a later report is late: the stream went on without it
        return [*released, self._renamed(event)]

    def _join(self, id: str, name: str, args: Any) -> bool:
        """Make a told call the reported one whose arguments fit, if there is one. Arguments that never came fit the oldest."""
        ranked = [(1 if args is None else own.fits(args), own_id) for own_id, own in self._own.items() if own.name == name]
        rank, own_id = max(ranked, key=lambda each: each[0], default=(0, ""))
        if not rank:
            return False
        self._ids[id] = own_id
        del self._own[own_id]
        return True

    def _renamed(self, event: e.Event) -> e.Event:
        changed = {
            name: self._ids[given]
            for name in _ID_FIELDS
            if isinstance(given := getattr(event, name, None), str) and given in self._ids
        }
        return msgspec.structs.replace(event, **changed) if changed else event

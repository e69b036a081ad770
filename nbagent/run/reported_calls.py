"""`ReportedCalls`: joins the calls that tools report themselves with those that the stream has."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from operator import itemgetter
from typing import Any, TypeAlias
from weakref import WeakValueDictionary

import msgspec

from nbagent import events as e
from nbagent.events.growing_text import GrowingText
from nbagent.events.json_text import decode_json
from nbagent.events.told import told_of

Fits: TypeAlias = Callable[[Any], int]
"""Returns how well the stream's arguments of a call fit those that the function got: `EQUAL`, a
lower rank, or 0 for not.
"""

EQUAL = 2
"""Rank of arguments that are equal."""

_ID_FIELDS = ("id", "tool_id", "parent_id")
_OF_CALLS = frozenset(
    {e.ToolStart, e.ToolArgsDelta, e.ToolArgs, e.ToolProgress, e.ToolOutput, e.ToolResult}
)
_CONCERNED = _OF_CALLS | {e.RunEnd}


@dataclass(slots=True)
class _StreamedCall:
    """A call of the stream, without a result so far.

    `args` is None while they are written, as `text`.
    """

    name: str
    args: Any = None
    text: GrowingText = field(default_factory=GrowingText)
    complete: bool = False
    is_reported: bool = False


@dataclass(slots=True)
class _Own:
    """A reported call that the stream did not have when it began, and its live result."""

    name: str
    fits: Fits
    result: e.ToolResult | None = None


@dataclass(slots=True)
class _Held:
    """Events of a call of the stream that may be a reported one: its arguments decide."""

    name: str
    events: list[e.Event] = field(default_factory=list)


@dataclass(slots=True)
class _Alike:
    """A call of the stream that may be a reported one of another name, since the arguments are
    equal; its result decides.

    Attributes:
        own: the reported call.
        events: of the stream's call, not shown so far; empty if they came before its function
            began.
    """

    own: _Own
    events: list[e.Event] = field(default_factory=list)


class ReportedCalls:
    """Gives each call one panel, whether its function begins before the stream's announcement is
    read or after it.

    A reported call is the oldest call of that name without a report, of several the one with the
    same arguments; arguments that are still written may be the same. Later events of the stream for
    a reported call get the report's id, and the stream's result does not replace the live one.

    A framework may know the tool under another name, so that the stream never has the tool's own
    name. Then a call of the stream with equal arguments is the reported one, if it has any; but it
    may also be that of a function which calls the tool in turn. So it is the same only if the
    stream has the same result, or none at all.
    """

    def __init__(self) -> None:
        self._numbers = count(1)
        self._streamed: dict[str, _StreamedCall] = {}
        self._own: dict[str, _Own] = {}
        self._held: dict[str, _Held] = {}
        self._ids: dict[str, str] = {}
        self._running: set[str] = set()
        self._finished: set[str] = set()
        self._names: set[str] = set()  # of the calls in the stream
        self._alike: dict[str, _Alike] = {}  # by the id that is shown
        self._values: WeakValueDictionary[str, e.Live] = WeakValueDictionary()

    def claim(self, name: str, fits: Fits, lane: str | None = None) -> tuple[str, Any]:
        """Begin a reported call.

        Args:
            name: of the tool.
            fits: compares its arguments with those of a call of the stream.
            lane: id of the lane whose calls are meant; None for all.

        Returns:
            Its id, and the stream's arguments if they differ. `msgspec.UNSET` if they are equal,
            None if the stream does not have the call yet.
        """
        open_calls = {
            id: call
            for id, call in self._streamed.items()
            if not call.is_reported and (lane is None or id.startswith(f"{lane}/"))
        }
        id, rank = _best_call(open_calls, name, fits)
        if id is None and name not in self._names:
            id, rank = _alike_call(open_calls, fits), EQUAL
            if id is not None:
                self._alike[id] = _Alike(_Own(name, fits))
        if id is None:
            id = f"call-{next(self._numbers)}"
            if lane is not None:
                id = f"{lane}/{id}"
            self._own[id] = _Own(name, fits)
            self._running.add(id)
            return id, None
        call = open_calls[id]
        call.is_reported = True
        self._running.add(id)
        if rank:
            return id, msgspec.UNSET
        return id, call.args

    def finish(self, result: e.ToolResult) -> e.ToolResult | None:
        """End a reported call with its live result.

        Returns:
            The result to show, which is preliminary until the stream has it, too. None if the
            stream had one before: that of a framework's time-out.
        """
        id = result.id
        if id not in self._running:
            return None
        self._running.discard(id)
        live = result.value or result.exception
        if live is not None:
            self._values[id] = live
        alike = self._alike.get(id)
        if alike is not None:
            alike.own.result = result
            if not alike.events:
                return msgspec.structs.replace(result, preliminary=True)
        elif id in self._own:
            self._own[id].result = result
        self._finished.add(id)
        return result

    def join(self, events: list[e.Event]) -> list[e.Event]:
        """Return the events to show for some of the stream's: often themselves."""
        if not self._ids and _CONCERNED.isdisjoint(map(type, events)):
            return events
        return [shown for event in events for shown in self.feed(event)]

    def feed(self, event: e.Event) -> list[e.Event]:
        """Return the events to show for one of the stream's."""
        if type(event) not in _OF_CALLS:
            if isinstance(event, e.RunEnd) and event.parent_id is None:
                return [*self.close(), event]
            if not self._ids:
                return [event]
            return [self._renamed(event)]
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
        alike, self._alike = self._alike, {}
        events: list[e.Event] = []
        for call in held.values():
            events += call.events
        for each in alike.values():
            if each.own.result is not None and not each.events:
                self._finished.add(each.own.result.id)
                events.append(each.own.result)
        return events

    def _start(self, event: e.ToolStart) -> list[e.Event]:
        if event.id in self._ids:
            return []
        self._names.add(event.name)
        if self._own:
            self._held.setdefault(event.id, _Held(event.name)).events.append(event)
            return []
        call = self._streamed.setdefault(event.id, _StreamedCall(event.name))
        call.name = event.name
        return [event]

    def _args_delta(self, event: e.ToolArgsDelta) -> list[e.Event]:
        held = self._held.get(event.id)
        if held is None:
            if (call := self._streamed.get(event.id)) is not None:
                call.text.append(event.delta)
            if event.id in self._ids:
                return []
            return [event]
        held.events.append(event)
        # The stream has a call that was made under another name as a whole; any other one is not
        # held back.
        may_be_reported = any(own.name == held.name for own in self._own.values())
        if may_be_reported or _read(event.delta) is not None:
            return []
        del self._held[event.id]
        self._streamed[event.id] = _StreamedCall(held.name)
        return held.events

    def _args(self, event: e.ToolArgs) -> list[e.Event]:
        if event.id in self._ids:
            return []
        released: list[e.Event] = []
        held = self._held.pop(event.id, None)
        if held is not None:
            if self._join(event.id, held.name, event.args):
                return []
            if self._join_alike(event.id, event.args, [*held.events, event]):
                return []
            released = held.events
            self._streamed[event.id] = _StreamedCall(held.name)
        if (call := self._streamed.get(event.id)) is not None:
            call.args, call.complete = event.args, True
        return [*released, event]

    def _result(self, event: e.ToolResult) -> list[e.Event]:
        released: list[e.Event] = []
        held = self._held.pop(event.id, None)
        if held is not None and not self._join(event.id, held.name, None):
            released = held.events
        id = self._ids.get(event.id, event.id)
        if event.preliminary:
            return [*released, self._renamed(event)]
        self._streamed.pop(event.id, None)
        value = self._values.pop(id, None)
        if value is not None and event.status != "denied":
            _tell(value, event)
        alike = self._alike.pop(id, None)
        if alike is not None and (alike.events or alike.own.result is not None):
            return [*released, *self._result_of_alike(id, alike, event)]
        if id in self._finished:
            return released
        self._running.discard(id)  # a later report is late: the stream went on without it
        return [*released, self._renamed(event)]

    def _result_of_alike(self, id: str, alike: _Alike, event: e.ToolResult) -> list[e.Event]:
        """Return the events to show for a result that decides whether a call of the stream is a
        reported one.
        """
        live = alike.own.result
        is_same = live is not None and _is_same(live, event)
        if not alike.events:
            self._finished.add(id)
            return [live if live is not None and is_same else event]
        if is_same:
            return []
        del self._ids[event.id]
        return [*alike.events, event]

    def _join(self, id: str, name: str, args: Any) -> bool:
        """Make a call of the stream the reported one whose arguments fit, if any.

        Arguments that never came fit the oldest.
        """
        ranks: dict[str, int] = {}
        for own_id, own in self._own.items():
            if own.name == name:
                ranks[own_id] = 1 if args is None else own.fits(args)
        own_id, rank = max(ranks.items(), key=itemgetter(1), default=("", 0))
        if not rank:
            return False
        self._ids[id] = own_id
        del self._own[own_id]
        return True

    def _join_alike(self, id: str, args: Any, events: list[e.Event]) -> bool:
        """Make a call of the stream the oldest reported one of another name with equal arguments,
        if there is one.
        """
        if not args:
            return False
        for own_id, own in self._own.items():
            if own.name not in self._names and own.fits(args) == EQUAL:
                self._ids[id] = own_id
                self._alike[own_id] = _Alike(self._own.pop(own_id), events)
                return True
        return False

    def _renamed(self, event: e.Event) -> e.Event:
        changed: dict[str, str] = {}
        for field_name in _ID_FIELDS:
            given = getattr(event, field_name, None)
            if given in self._ids:
                changed[field_name] = self._ids[given]
        if not changed:
            return event
        return msgspec.structs.replace(event, **changed)


def _best_call(calls: Mapping[str, _StreamedCall], name: str, fits: Fits) -> tuple[str | None, int]:
    """Return the id of the call of that name whose arguments fit best, of several the oldest, and
    how well they fit; None if there is no such call.
    """
    ranks: dict[str, int] = {}
    for id, call in calls.items():
        if call.name == name:
            ranks[id] = fits(call.args) if call.complete else 1
    return max(ranks.items(), key=itemgetter(1), default=(None, 0))


def _alike_call(calls: Mapping[str, _StreamedCall], fits: Fits) -> str | None:
    """Return the id of the oldest call of another name with equal arguments, if there is one."""
    for id, call in calls.items():
        args = call.args
        if not call.complete:
            args = _read(str(call.text))
        if args and fits(args) == EQUAL:
            return id
    return None


def _is_same(live: e.ToolResult, streamed: e.ToolResult) -> bool:
    """Return True if the stream's result is the one that the function returned, as JSON or as a
    text.
    """
    if live.error is not None:
        return streamed.status == "error" or live.error.message in str(streamed.content)
    return streamed.status == "ok" and bool(_forms(live.content) & _forms(streamed.content))


def _tell(value: e.Live, result: e.ToolResult) -> None:
    """Keep what the model was told with the live value; of some failed calls that is not known."""
    told = told_of(result)
    if told is not None or result.status == "ok":
        value.told = told


def _read(text: str) -> Any:
    """Return the value of a JSON text; None if it is not whole."""
    try:
        return decode_json(text)
    except ValueError:
        return None


def _forms(content: Any) -> set[str]:
    """Return a result as the texts that frameworks make of it."""
    forms = {str(content)}
    with contextlib.suppress(Exception):
        if isinstance(content, str):
            content = decode_json(content)
        forms.add(msgspec.json.encode(content, order="sorted").decode())
    return forms
